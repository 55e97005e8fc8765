// Command loadgen sends numbered ESXi lines to a collector on this machine.
//
//	go run ./test/loadgen -addr 127.0.0.1:5514 -proto udp -rate 20000 -for 10s -hosts 10
//	go run ./test/loadgen -proto stdout -n 1000
//
// Each host (sender) numbers its lines 1, 2, 3 …; a line carries the token seqHHHH-NNNNNNNNNN,
// which judge looks for. The mix is about 73 % hostd and vpxa, 16 % vmkernel, 10 % vobd and 0.5 %
// L2Sec; with -proto stdout it is a function of -seed, on a socket only the stamps differ.
//
// The last line of stdout is a report as JSON: what was sent, by sender, and in how many seconds.
// With -latency FILE it follows the collector's output file and reports how long after its sending
// each line appeared there, to within a few milliseconds. SIGINT and SIGTERM end it as -for does. Exit: 0 sent, 1 failed, 2 usage.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	addr      netip.AddrPort
	proto     string
	framing   string
	rate      float64
	span      time.Duration
	count     uint64
	hosts     int
	firstHost int
	first     uint64
	conns     int
	seed      uint64
	mix       string
	latency   string
	drain     time.Duration
	tls       tlsFiles
}

type tlsFiles struct {
	ca, cert, key string
	insecure      bool
}

// report is the last line of output.
type report struct {
	Sent    uint64         `json:"sent"`
	Bytes   uint64         `json:"bytes"`
	Seconds float64        `json:"seconds"`
	Rate    float64        `json:"rate"`
	Senders []senderReport `json:"senders"`
	Latency *latencyReport `json:"latency,omitempty"`
	Error   string         `json:"error,omitempty"`
}

// senderReport says which numbers of one host were handed to the kernel.
type senderReport struct {
	Sender  int    `json:"sender"`
	Host    string `json:"host"`
	Address string `json:"address,omitempty"`
	First   uint64 `json:"first"`
	Last    uint64 `json:"last"` // First-1: none
}

func main() {
	opt, err := parseFlags(os.Args[1:], os.Stderr)
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "loadgen:", err)
		}
		os.Exit(2)
	}
	rep, out := &report{}, io.Writer(os.Stdout)
	if opt.proto == "stdout" {
		out = os.Stderr
		err = printLines(os.Stdout, opt, rep)
	} else {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = sendLines(ctx, opt, rep)
		stop()
	}
	if err != nil {
		rep.Error = err.Error()
	}
	_ = json.NewEncoder(out).Encode(rep) // Nobody is left to tell.
	if err != nil {
		os.Exit(1)
	}
}

func parseFlags(args []string, usage io.Writer) (options, error) {
	var opt options
	fs := flag.NewFlagSet("loadgen", flag.ContinueOnError)
	fs.SetOutput(usage)
	addr := fs.String("addr", "127.0.0.1:5514", "collector; loopback only")
	fs.StringVar(&opt.proto, "proto", "udp", "udp, tcp, tls or stdout")
	fs.StringVar(&opt.framing, "framing", "lf", "tcp and tls: lf, crlf, nul or octet")
	fs.Float64Var(&opt.rate, "rate", 0, "lines a second over all hosts; 0 = as fast as it goes")
	fs.DurationVar(&opt.span, "for", 0, "how long to send; 0 = until -n, at most 10m")
	fs.Uint64Var(&opt.count, "n", 0, "lines over all hosts; 0 = until -for")
	fs.IntVar(&opt.hosts, "hosts", 1, "number of hosts (senders)")
	fs.IntVar(&opt.firstHost, "first-host", 0, "number of the first host")
	fs.Uint64Var(&opt.first, "first", 1, "first number of each host's sequence")
	fs.IntVar(&opt.conns, "conns", 0, "connections or sockets, each from a loopback address of its own where possible; 0 = one per host")
	fs.Uint64Var(&opt.seed, "seed", 1, "seed of the mix")
	fs.StringVar(&opt.mix, "mix", mixDay, "day, or l2sec for nothing but L2Sec lines")
	fs.StringVar(&opt.latency, "latency", "", "output file of the collector to follow")
	fs.DurationVar(&opt.drain, "drain", 10*time.Second, "with -latency: how long to wait for the last lines")
	fs.StringVar(&opt.tls.ca, "ca", "", "tls: file of the authority that signed the collector's certificate")
	fs.StringVar(&opt.tls.cert, "cert", "", "tls: own certificate")
	fs.StringVar(&opt.tls.key, "key", "", "tls: key of -cert")
	fs.BoolVar(&opt.tls.insecure, "insecure", false, "tls: do not check the collector's certificate")
	if err := fs.Parse(args); err != nil {
		return opt, err
	}
	var err error
	if opt.addr, err = netip.ParseAddrPort(*addr); err != nil {
		return opt, fmt.Errorf("-addr: %w: write an address and a port such as 127.0.0.1:5514", err)
	}
	if opt.conns == 0 {
		opt.conns = opt.hosts
	}
	if opt.span == 0 {
		opt.span = 10 * time.Second
		if opt.count > 0 {
			opt.span = 10 * time.Minute
		}
	}
	if opt.count == 0 {
		opt.count = 1 << 62
	}
	return opt, opt.validate(fs.Args())
}

func (opt *options) validate(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q: loadgen takes flags only", rest[0])
	case !opt.addr.Addr().IsLoopback():
		return fmt.Errorf("-addr: %s: not a loopback address; loadgen sends to this machine only", opt.addr)
	case !slices.Contains([]string{"udp", "tcp", "tls", "stdout"}, opt.proto):
		return fmt.Errorf("-proto: %q is not one of udp, tcp, tls, stdout", opt.proto)
	case !slices.Contains([]string{"lf", "crlf", "nul", "octet"}, opt.framing):
		return fmt.Errorf("-framing: %q is not one of lf, crlf, nul, octet", opt.framing)
	case opt.mix != mixDay && opt.mix != mixL2Sec:
		return fmt.Errorf("-mix: %q is not one of day, l2sec", opt.mix)
	case opt.hosts < 1 || opt.firstHost < 0 || opt.firstHost+opt.hosts > maxHosts:
		return fmt.Errorf("-hosts, -first-host: hosts are numbered 0 to %d", maxHosts-1)
	case opt.conns < 1 || opt.conns > opt.hosts:
		return fmt.Errorf("-conns: %d: between 1 and the number of hosts (%d); a host's order is that of its connection", opt.conns, opt.hosts)
	case opt.rate < 0:
		return fmt.Errorf("-rate: %v: below 0", opt.rate)
	case opt.first < 1:
		return errors.New("-first: numbers begin at 1")
	}
	return nil
}

// printLines writes the mix as a file of LF-ended lines. Stamps run from a fixed day, a
// millisecond a line, so that the bytes are a function of the flags.
func printLines(w io.Writer, opt options, rep *report) error {
	pool := renderMix(opt.seed, opt.mix)
	out := bufio.NewWriterSize(w, 1<<16)
	began := time.Now()
	clock := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	hosts := newSenders(opt, 0, 1)
	var stamp stamper
	var line []byte
	n := min(opt.count, 1<<32)
	for i := range n {
		h := &hosts[i%uint64(len(hosts))]
		line = pool[i%uint64(len(pool))].appendLine(line[:0], stamp.at(clock), h.number, h.next)
		line = append(line, '\n')
		if _, err := out.Write(line); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		clock = clock.Add(time.Millisecond)
		h.next++
		rep.Sent++
		rep.Bytes += uint64(len(line))
		if i%4096 == 0 && time.Since(began) > opt.span {
			break
		}
	}
	for _, h := range hosts {
		rep.Senders = append(rep.Senders, h.report(""))
	}
	rep.finish(began)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func (rep *report) finish(began time.Time) {
	rep.Seconds = time.Since(began).Seconds()
	rep.Rate = float64(rep.Sent) / rep.Seconds
}
