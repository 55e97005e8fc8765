//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// What a soak sends: the load of a large estate, from as many hosts.
const (
	soakRate  = 50_000
	soakConns = 64
	soakHosts = 500
	soakLook  = 5 * time.Second
)

// soaked is what a soak found.
type soaked struct {
	Seconds   float64    `json:"seconds"`
	Sent      uint64     `json:"sent"`
	Received  uint64     `json:"received"`
	Own       uint64     `json:"own"` // events of vswarden's, that are delivered too
	Delivered uint64     `json:"delivered"`
	Dropped   uint64     `json:"dropped"`
	Dead      uint64     `json:"dead"`
	Lag       uint64     `json:"lag"`
	CPU       float64    `json:"cpu_seconds_per_million"`
	RSS       [3]float64 `json:"peak_rss_mb_by_third"`
	Disk      [3]float64 `json:"peak_disk_mb_by_third"` // log and outputs
	Fault     string     `json:"fault,omitempty"`
}

// soak runs vswarden at a steady rate and looks at its memory, its disk and its books. What is delivered is thrown away
// on the way (retain 0, two rotated files), or an hour of it would fill the disk.
func (w *work) soak(ctx context.Context, span time.Duration) (r soaked, err error) {
	p := w.programs[0]
	s := scenario{name: "soak", proto: "tcp", conns: soakConns, hosts: soakHosts, rate: soakRate, span: span}
	at, err := w.place(p, s)
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(at.Dir) //nolint:errcheck // The next run does it again, and says so.
	at.Rotate = "{size: 64MiB, keep: 2}"
	if err := w.importEstate(ctx, at, s); err != nil {
		return r, err
	}
	run, err := w.start(ctx, p, at)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, run.stop()) }()
	u0, s0, err := run.cpu()
	if err != nil {
		return r, err
	}
	began := time.Now()
	looks := make(chan error, 1)
	looking, enough := context.WithCancel(ctx)
	go func() { looks <- r.look(looking, run, at.Dir, began, span) }()
	sent, err := w.send(ctx, p, s, at, soakRate)
	enough()
	if err = errors.Join(err, <-looks); err != nil {
		return r, err
	}
	r.Sent, r.Seconds = sent.Sent, time.Since(began).Seconds()
	for end := time.Now().Add(catchUp); ; time.Sleep(100 * time.Millisecond) {
		if err := r.books(at.Dir); err != nil {
			return r, err
		}
		if r.Delivered+r.Dead >= r.Sent+r.Own && r.Lag == 0 || time.Now().After(end) {
			break
		}
	}
	u1, s1, err := run.cpu()
	if err != nil {
		return r, err
	}
	r.CPU = (u1 - u0 + s1 - s0) / float64(max(r.Delivered, 1)) * 1e6
	r.Fault = r.fault()
	return r, nil
}

// fault says what is wrong.
func (r *soaked) fault() string {
	switch {
	case r.Received != r.Sent || r.Delivered != r.Sent+r.Own || r.Dropped+r.Dead+r.Lag > 0:
		return "the books do not balance"
	case float64(r.Sent) < 0.95*soakRate*r.Seconds:
		return "the generator did not keep its rate"
	case r.RSS[2] > 1.1*r.RSS[0]+8:
		return "memory grows"
	case r.Disk[2] > 1.2*r.Disk[0]+64:
		return "the disk fills"
	}
	return ""
}

// look notes the most memory and disk in each third, until ctx ends.
func (r *soaked) look(ctx context.Context, run *process, dir string, began time.Time, span time.Duration) error {
	tick := time.NewTicker(min(soakLook, span/10))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		third := min(2, int(3*time.Since(began)/span))
		rss, err := run.memory("VmRSS:")
		if err != nil {
			return err
		}
		r.RSS[third] = max(r.RSS[third], rss)
		r.Disk[third] = max(r.Disk[third], diskUse(dir))
	}
}

// diskUse adds up the files below dir, in MB.
func diskUse(dir string) float64 {
	var size int64
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil {
			return nil // removed meanwhile
		}
		if info, err := d.Info(); err == nil && !d.IsDir() {
			size += info.Size()
		}
		return nil
	})
	return float64(size) / 1e6
}

// books reads the program's own counters.
func (r *soaked) books(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "ready"))
	if err != nil {
		return err
	}
	var ready struct{ Admin string }
	if err := json.Unmarshal(text, &ready); err != nil {
		return err
	}
	resp, err := http.Get("http://" + ready.Admin + "/metrics") //nolint:noctx // On this machine, from a program that we started.
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // Only read.
	metrics, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	for name, into := range map[string]*uint64{
		"vswarden_frames_received_total": &r.Received, "vswarden_records_emitted_total": &r.Own,
		"vswarden_events_delivered_total": &r.Delivered, "vswarden_frames_dropped_total": &r.Dropped,
		"vswarden_events_dead_total": &r.Dead, "vswarden_cursor_lag_records": &r.Lag,
	} {
		*into = total(string(metrics), name)
	}
	return nil
}

// total adds up all samples of a metric.
func total(text, name string) (sum uint64) {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest == "" || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		fields := strings.Fields(rest)
		if v, err := strconv.ParseFloat(fields[len(fields)-1], 64); err == nil {
			sum += uint64(v)
		}
	}
	return sum
}

// String is the verdict.
func (r soaked) String() string {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Sprintf("%+v: %v", struct{ soaked }{r}, err)
	}
	return string(b)
}
