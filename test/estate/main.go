// Command estate is a simulated vSphere estate: a vCenter that serves the API, hosts that write lines, machines that
// are started, stopped, moved, renamed and reconnected all the time, and the truth about every line.
//
//	go run ./test/estate -seed 1 -vms 50 -churn 1 -lag 8s -late 30s -skew 2h -reuse \
//	    -lines tcp://127.0.0.1:5514 -listen 127.0.0.1:8989 -truth truth.ndjson -for 60s
//	go run ./test/judge -truth truth.ndjson vswarden-data/events.ndjson
//
// It is govmomi's simulator, on plain HTTP under /sdk, any user and password, with what that lacks (extend.go, feed.go).
// Machines change by the estate's own rules, hosts at once; vCenter shows it up to -lag later, each object for itself.
// Lines come up to -late after they were written, stamped by clocks that are up to -skew off, from a loopback address of
// each host's own where the system has them.
//
// Churn and lines begin when a client has read the inventory once, after 6 s at the latest, and last for -for; late
// lines are sent after that. The program ends with exit 0 by -for + -late + 10 s; 1 failed, 2 usage. The last line of
// stdout is a report as JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"time"
)

// options are the flags.
type options struct {
	seed     uint64
	vms      int
	churn    float64
	lag      time.Duration
	late     time.Duration
	skew     time.Duration
	reuse    bool
	lines    string
	listen   string
	truth    string
	span     time.Duration
	rate     float64
	rights   string
	switches string
	verbose  bool
}

// report is the last line of output.
type report struct {
	Seed    uint64         `json:"seed"`
	API     string         `json:"api"`
	Synced  bool           `json:"synced"` // a client had read the inventory before the lines began
	Changes map[string]int `json:"changes"`
	Told    int            `json:"told"`       // property updates
	MaxLag  int64          `json:"max_lag_ms"` // from a change to the answer that told a client; more than -lag: the machine was too busy
	Lines   map[string]int `json:"lines"`
	Sent    int64          `json:"sent"`
	Lost    int64          `json:"lost"` // lines that no collector took in time
	Error   string         `json:"error,omitempty"`
}

func main() {
	opt, err := parseFlags(os.Args[1:], os.Stderr)
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "estate:", err)
		}
		os.Exit(2)
	}
	if !opt.verbose {
		log.SetOutput(io.Discard) // The simulator's.
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	rep, err := run(ctx, opt)
	stop()
	if err != nil {
		rep.Error = err.Error()
	}
	_ = json.NewEncoder(os.Stdout).Encode(rep) // Nobody is left to tell.
	if err != nil {
		os.Exit(1)
	}
}

func parseFlags(args []string, usage io.Writer) (options, error) {
	var opt options
	fs := flag.NewFlagSet("estate", flag.ContinueOnError)
	fs.SetOutput(usage)
	fs.Uint64Var(&opt.seed, "seed", 1, "seed of all that happens")
	fs.IntVar(&opt.vms, "vms", 50, "number of machines")
	fs.Float64Var(&opt.churn, "churn", 1, "changes a second: power, vMotion, rename, reconnect")
	fs.DurationVar(&opt.lag, "lag", 2*time.Second, "vCenter shows a change up to that much later")
	fs.DurationVar(&opt.late, "late", 0, "lines come up to that much later")
	fs.DurationVar(&opt.skew, "skew", 0, "hosts' clocks are off by up to that much")
	fs.BoolVar(&opt.reuse, "reuse", false, "hand freed port ids out again at once")
	fs.StringVar(&opt.lines, "lines", "tcp://127.0.0.1:5514", "where lines go: udp, tcp or tls; loopback only")
	fs.StringVar(&opt.listen, "listen", "127.0.0.1:8989", "where the API is served; loopback only")
	fs.StringVar(&opt.truth, "truth", "truth.ndjson", "file for the truth about each line")
	fs.DurationVar(&opt.span, "for", time.Minute, "how long the churn lasts")
	fs.Float64Var(&opt.rate, "rate", 20, "lines a second over all hosts, beside those that changes make")
	fs.StringVar(&opt.rights, "rights", "all", "what the API's user may do: read-only, service-managers (and the Esxtop service), all (and esxcli)")
	fs.StringVar(&opt.switches, "switches", "mixed", "standard, distributed or mixed")
	fs.BoolVar(&opt.verbose, "v", false, "show the simulator's own log")
	if err := fs.Parse(args); err != nil {
		return opt, err
	}
	return opt, opt.validate(fs.Args())
}

func (opt *options) validate(rest []string) error {
	u, err := url.Parse(opt.lines)
	if err != nil || !slices.Contains([]string{"udp", "tcp", "tls"}, u.Scheme) {
		return fmt.Errorf("-lines: %q: write proto://host:port with udp, tcp or tls", opt.lines)
	}
	for name, addr := range map[string]string{"-lines": u.Host, "-listen": opt.listen} {
		if a, err := netip.ParseAddrPort(addr); err != nil || !a.Addr().IsLoopback() {
			return fmt.Errorf("%s: %q: write a loopback address and a port such as 127.0.0.1:5514", name, addr)
		}
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q: estate takes flags only", rest[0])
	case opt.vms < 1 || opt.vms > 20_000:
		return fmt.Errorf("-vms: %d: between 1 and 20000", opt.vms)
	case opt.churn < 0 || opt.rate <= 0:
		return errors.New("-churn, -rate: below 0, or no lines at all")
	case opt.lag < 0 || opt.late < 0 || opt.skew < 0 || opt.span <= 0:
		return errors.New("-lag, -late, -skew, -for: below 0, or no time at all")
	case !slices.Contains([]string{"read-only", "service-managers", "all"}, opt.rights):
		return fmt.Errorf("-rights: %q is not one of read-only, service-managers, all", opt.rights)
	case !slices.Contains([]string{"standard", "distributed", "mixed"}, opt.switches):
		return fmt.Errorf("-switches: %q is not one of standard, distributed, mixed", opt.switches)
	}
	return nil
}

// Times that are part of the promise to end by -for + -late + 10 s.
const (
	mostWait = 6 * time.Second // for a client to read the inventory
	mostSend = 2 * time.Second // for the last lines to get out
)

func run(ctx context.Context, opt options) (rep report, err error) {
	began := time.Now()
	rep = report{Seed: opt.seed}
	w := newWorld(opt, began)
	if w.truth, err = openTruth(opt); err != nil {
		return rep, err
	}
	vc, err := newVCenter(w)
	if err != nil {
		return rep, err
	}
	rep.API = vc.listen(opt.listen).String()
	n := &news{v: vc, last: map[any]time.Time{}}
	w.tell, w.note = n.tell, n.note

	u, _ := url.Parse(opt.lines) // Checked with the flags.
	out := &senders{proto: u.Scheme, addr: u.Host}
	sending, stop := context.WithDeadline(ctx, began.Add(mostWait+opt.span+opt.late+mostSend))
	defer stop()
	for _, h := range w.hosts {
		h.out = out.open(sending, h)
	}
	select {
	case <-vc.feed.synced:
		rep.Synced = true
	case <-time.After(time.Until(began.Add(mostWait))):
	case <-ctx.Done():
	}
	start := time.Now()
	end := start.Add(opt.span)
	if last := began.Add(mostWait + opt.span); end.After(last) {
		end = last // A very large one takes long to make.
	}
	w.mu.Lock()
	w.write(start, end)
	w.churn(start, end)
	w.mu.Unlock()
	w.clock.run(ctx, &w.mu, end.Add(opt.late+time.Second))
	for _, h := range w.hosts {
		close(h.out.queue)
	}
	out.wg.Wait()
	vc.close()
	w.mu.Lock()
	defer w.mu.Unlock()
	rep.MaxLag = vc.feed.slowest.Milliseconds()
	rep.Changes, rep.Told, rep.Lines, rep.Sent, rep.Lost = w.done, n.told, w.truth.lines, out.sent.Load(), out.lost.Load()
	if out.shared.Load() {
		fmt.Fprintln(os.Stderr, "estate: this system has no address for each host: all lines came from one, and a collector cannot tell their clocks apart")
	}
	return rep, w.truth.close()
}
