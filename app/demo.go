package app

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"vswarden/configs"
	"vswarden/inventory"
	"vswarden/setting"
)

// DemoOptions is where the demo shows what it does.
type DemoOptions struct {
	Stdout, Stderr io.Writer
	Terminal       bool // Stdout is read by a person: a line for each event instead of JSON
}

// storyline is the play: lines of `transport <TAB> text`; {now} becomes the time of sending.
//
//go:embed demo_storyline.txt
var storyline string

// demoTime bounds the whole demo.
const demoTime = 15 * time.Second

// Demo runs the whole program on free ports of this machine and in a data directory of its own,
// sends it the storyline as ESXi hosts would, and shows the events that come out.
func Demo(ctx context.Context, o DemoOptions) (err error) {
	asked := ctx
	ctx, cancel := context.WithTimeout(asked, demoTime)
	defer cancel()
	dir, err := os.MkdirTemp("", "vswarden-demo-")
	if err != nil {
		return fmt.Errorf("make a data directory for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	acts, notes := parseStoryline(storyline)
	shown := &demoScreen{o: o, want: len(acts), all: make(chan struct{}), failed: make(chan error, 1)}
	cfg := demoConfig(dir)
	ready := make(chan Ready, 1)
	stopped := make(chan error, 1)
	runCtx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		stopped <- Run(runCtx, Options{
			Config: cfg, Stdout: shown, feeders: func(inv *inventory.Inventory) ([]feeder, error) {
				estate, err := newDemoEstate(inv, time.Now)
				return []feeder{estate}, err
			},
			Log:   zerolog.New(o.Stderr).Level(zerolog.WarnLevel).With().Timestamp().Logger(),
			Ready: func(r Ready) { ready <- r },
		})
	}()
	var at Ready
	select {
	case at = <-ready:
	case err := <-stopped:
		return fmt.Errorf("start the demo: %w", err)
	}
	notes = append(notes, fmt.Sprintf("Sending %d lines to %s", len(acts), addresses(at)), "", "")
	if _, err := io.WriteString(o.Stderr, strings.Join(notes, "\n")); err != nil {
		return fmt.Errorf("write notes: %w", err)
	}

	sendErr := play(ctx, acts, at)
	if interrupted := asked.Err(); interrupted != nil {
		sendErr = nil // somebody has seen enough
	}
	select {
	case <-shown.all:
	case err := <-shown.failed:
		sendErr = fmt.Errorf("show events: %w", err)
	case <-ctx.Done():
	case err := <-stopped:
		return errors.Join(sendErr, err)
	}
	stop()
	err = errors.Join(sendErr, <-stopped)
	if n := int(shown.n.Load()); err == nil && n < len(acts) && asked.Err() == nil {
		err = fmt.Errorf("only %d of %d lines came out within %v", n, len(acts), demoTime)
	}
	return err
}

// demoConfig is the default configuration on free ports, with events on standard output.
func demoConfig(dir string) configs.Config {
	cfg := configs.Default()
	cfg.DataDir = dir
	cfg.Admin.Listen = "127.0.0.1:0"
	cfg.Log.MinFree = 0
	cfg.ShutdownTimeout = time.Second
	cfg.Log.MaxSize = 64 * setting.MiB
	cfg.Enrich.Guard = 0 // its vCenter is this process, and there is one clock
	cfg.Override(configs.Flags{Listen: []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"}})
	s := cfg.Sinks[0]
	s.Name, s.Type = "screen", configs.SinkStdout
	cfg.Sinks = []configs.Sink{s}
	return cfg
}

// act is one line of the storyline.
type act struct{ proto, text string }

// parseStoryline splits the play into lines to send and notes for the reader.
func parseStoryline(text string) (acts []act, notes []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if note, ok := strings.CutPrefix(line, "# "); ok {
			notes = append(notes, note)
		} else if proto, text, ok := strings.Cut(line, "\t"); ok {
			acts = append(acts, act{proto, text})
		}
	}
	return acts, notes
}

func addresses(r Ready) string {
	var all []string
	for _, l := range r.Listeners {
		all = append(all, l.Proto+"://"+l.Address)
	}
	return strings.Join(all, " and ")
}

// play sends the acts in order: UDP as datagrams, tcp with LF, octet with a count before each
// line, the last two on one connection.
func play(ctx context.Context, acts []act, at Ready) error {
	conns := map[string]net.Conn{}
	for _, l := range at.Listeners {
		c, err := (&net.Dialer{}).DialContext(ctx, l.Proto, l.Address)
		if err != nil {
			return fmt.Errorf("dial %s: %w", l.Address, err)
		}
		defer func() { _ = c.Close() }() // all is sent, and was seen to arrive
		conns[l.Proto] = c
	}
	for _, a := range acts {
		text := strings.ReplaceAll(a.text, "{now}", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
		var err error
		switch a.proto {
		case "udp":
			_, err = io.WriteString(conns["udp"], text)
		case "octet":
			_, err = io.WriteString(conns["tcp"], strconv.Itoa(len(text))+" "+text)
		default:
			_, err = io.WriteString(conns["tcp"], text+"\n")
		}
		if err != nil {
			return fmt.Errorf("send: %w", err)
		}
		select { // slow enough to be read
		case <-time.After(60 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// demoScreen counts the events that come out and shows them.
type demoScreen struct {
	o      DemoOptions
	want   int
	n      atomic.Int64
	all    chan struct{}
	failed chan error // holds the first
}

// Write takes whole lines of JSON.
func (s *demoScreen) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		show := line
		if s.o.Terminal {
			show = sentence(line)
		}
		if _, err := s.o.Stdout.Write(show); err != nil {
			select {
			case s.failed <- err:
			default: // the first one is told
			}
			return 0, err
		}
		if s.n.Add(1) == int64(s.want) {
			close(s.all)
		}
	}
	return len(p), nil
}
