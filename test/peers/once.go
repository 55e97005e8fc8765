//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// row is one run.
type row struct {
	Program  string  `json:"program"`
	Scenario string  `json:"scenario"`
	Round    int     `json:"round"`
	Sent     uint64  `json:"sent"`
	Events   uint64  `json:"events"` // different lines in the output
	Rate     float64 `json:"events_per_second"`
	CPU      float64 `json:"cpu_seconds_per_million"`
	User     float64 `json:"cpu_user_seconds"`
	System   float64 `json:"cpu_system_seconds"`
	RSS      float64 `json:"peak_rss_mb"`
	BytesOut float64 `json:"bytes_out_per_event"`
	Lost     uint64  `json:"lost"`
	Repeated uint64  `json:"repeated"`
	Disorder uint64  `json:"reordered"`
	Offered  float64 `json:"offered_per_second"` // what the generator really sent
	Best     int     `json:"best_loss_free_rate,omitempty"`
	P50      float64 `json:"latency_p50_ms,omitempty"`
	P99      float64 `json:"latency_p99_ms,omitempty"`
}

// String is the line that tells how it goes.
func (r row) String() string {
	s := fmt.Sprintf("%s/%s: %.0f events/s, %.2f CPU s/M, %.0f MB, %.0f bytes an event, %d of %d lost, %d repeated, %d reordered, offered %.0f/s",
		r.Program, r.Scenario, r.Rate, r.CPU, r.RSS, r.BytesOut, r.Lost, r.Sent, r.Repeated, r.Disorder, r.Offered)
	if r.Best > 0 {
		s += fmt.Sprintf(", best %d/s", r.Best)
	}
	if r.P99 > 0 {
		s += fmt.Sprintf(", p99 %.1f ms", r.P99)
	}
	return s
}

// once makes one row: one run, or as many as it takes to find the best rate.
func (w *work) once(ctx context.Context, p program, s scenario) (row, error) {
	if !s.best {
		return w.load(ctx, p, s, s.rate)
	}
	var best row
	for _, rate := range bestRates {
		r, shown, err := w.shows(ctx, p, s, rate)
		if err != nil {
			return r, err
		}
		if !shown {
			break
		}
		best = r
		best.Best = rate
	}
	if best.Best == 0 {
		best = row{Program: p.name, Scenario: s.name}
	}
	return best, nil
}

// bestTries is how often a rate is tried, by every program: other work on the machine loses lines too, and one run without a
// loss shows that the program can.
const bestTries = 3

// shows runs one rate until nothing is lost of it, bestTries times at most.
func (w *work) shows(ctx context.Context, p program, s scenario, rate int) (r row, shown bool, err error) {
	for range bestTries {
		if r, err = w.load(ctx, p, s, rate); err != nil {
			return r, false, err
		}
		if r.Lost == 0 && r.reached(rate, s.span) {
			return r, true, nil
		}
		_, _ = fmt.Fprintf(os.Stderr, "  at %d/s: %s\n", rate, r)
	}
	return r, false, nil
}

// reached says whether the generator kept the rate it was asked for: what it did not send is no proof of anything.
func (r row) reached(rate int, span time.Duration) bool {
	const enough = 0.98
	return r.Offered >= enough*float64(rate) && float64(r.Sent) >= enough*float64(rate)*span.Seconds()
}

// catchUp is how long a delivery may go on after the last line was sent, without counting as a loss.
const catchUp = 10 * time.Second

// load starts a program, sends it lines and counts what came out.
func (w *work) load(ctx context.Context, p program, s scenario, rate int) (r row, err error) {
	ctx, cancel := context.WithTimeout(ctx, w.set.patience)
	defer cancel()
	r = row{Program: p.name, Scenario: s.name}
	at, err := w.place(p, s)
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(at.Dir) //nolint:errcheck // The next run does it again, and says so.
	if len(p.sinks) > 0 {
		if err := w.importEstate(ctx, at, s); err != nil {
			return r, err
		}
	}
	run, err := w.start(ctx, p, at)
	if err != nil {
		return r, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, run.stop())
		}
	}()
	u0, s0, err := run.cpu()
	if err != nil {
		return r, err
	}
	began := time.Now()
	sent, err := w.send(ctx, p, s, at, rate)
	if err != nil {
		return r, err
	}
	outputs := []string{at.Out}
	for i := 1; i < len(p.sinks); i++ {
		outputs = append(outputs, filepath.Join(at.Dir, p.sinks[i]+".json"))
	}
	last, size, err := run.settle(ctx, outputs, s)
	if err != nil {
		return r, err
	}
	u1, s1, err := run.cpu()
	if err != nil {
		return r, err
	}
	if r.RSS, err = run.peak(); err != nil {
		return r, err
	}
	if err := run.stop(); err != nil {
		return r, err
	}
	said, err := w.judge(ctx, at)
	if err != nil {
		return r, err
	}
	r.Sent, r.Events, r.Lost = sent.Sent, said.Unique, said.Missing
	r.Repeated, r.Disorder = said.Repeats+said.NoID+said.TwoIDs, said.Disorder
	r.Offered = float64(sent.Sent) / max(sent.Seconds, 0.001)
	r.User, r.System = u1-u0, s1-s0
	if r.Events > 0 {
		r.CPU = (r.User + r.System) / float64(r.Events) * 1e6
		r.Rate = float64(r.Events) / max(last.Sub(began).Seconds(), 0.001)
		r.BytesOut = float64(size) / float64(said.Lines)
	}
	if sent.Latency != nil {
		r.P50, r.P99 = sent.Latency.P50, sent.Latency.P99
	}
	w.wrote[p.name+"/"+s.name] = r.BytesOut
	return r, nil
}

// report is what loadgen says.
type report struct {
	Sent    uint64  `json:"sent"`
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error"`
	Latency *struct {
		P50 float64 `json:"p50_ms"`
		P99 float64 `json:"p99_ms"`
	} `json:"latency"`
}

// send runs loadgen to its end.
func (w *work) send(ctx context.Context, p program, s scenario, at place, rate int) (r report, err error) {
	addr := at.TCP
	switch {
	case s.proto == "udp":
		addr = at.UDP
	case s.proto == "tls":
		addr = at.TLS
	case s.octet && p.sng:
		addr = at.Octet
	}
	lines := max(w.set.lines/p.part, 100)
	args := append([]string{"-n", "-20", "taskset", "-c", generatorCPU(), filepath.Join(w.bin, "loadgen")}, s.flags(addr, lines, rate, 1)...)
	if s.follow {
		args = append(args, "-latency", at.Out)
	}
	cmd := exec.CommandContext(ctx, "nice", args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("loadgen: %w\n%s", err, said.Bytes())
	}
	if err := os.WriteFile(filepath.Join(at.Dir, "sent"), out.Bytes(), 0o644); err != nil {
		return r, err
	}
	if err := json.Unmarshal(lastLine(out.Bytes()), &r); err != nil {
		return r, fmt.Errorf("loadgen's report: %w", err)
	}
	return r, nil
}

// verdict is what judge says.
type verdict struct {
	Lines    uint64 `json:"lines"`
	Unique   uint64 `json:"unique"`
	Repeats  uint64 `json:"repeats"`
	Missing  uint64 `json:"missing"`
	NoID     uint64 `json:"no_id"`
	TwoIDs   uint64 `json:"two_ids"`
	Disorder uint64 `json:"disorder"`
}

func (w *work) judge(ctx context.Context, at place) (v verdict, err error) {
	cmd := exec.CommandContext(ctx, filepath.Join(w.bin, "judge"), "-expect", filepath.Join(at.Dir, "sent"), at.Out)
	out, err := cmd.Output()
	// It exits with 3 when something is missing: that is for the table to show.
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 3) {
		return v, fmt.Errorf("judge: %w", err)
	}
	if err := json.Unmarshal(lastLine(out), &v); err != nil {
		return v, fmt.Errorf("judge's verdict: %w", err)
	}
	return v, nil
}

func lastLine(b []byte) []byte {
	b = bytes.TrimSpace(b)
	return b[bytes.LastIndexByte(b, '\n')+1:]
}
