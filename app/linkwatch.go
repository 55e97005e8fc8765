package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"vswarden/linkwatch"
)

// LinkwatchOptions is what `vswarden linkwatch` is told.
type LinkwatchOptions struct {
	To            string // proto://host:port; empty: Stdout
	CA, Cert, Key string // files, for tls://
	Stdout        io.Writer
	Stderr        io.Writer // how the collector does
}

// ErrLinuxOnly says that links cannot be watched on this system.
var ErrLinuxOnly = errors.New("works on Linux only")

// linkwatchUsage is a collector that the user wrote wrong.
type linkwatchUsage struct{ error }

func (u linkwatchUsage) Unwrap() error { return u.error }

// IsLinkwatchUsage reports whether err is the user's to mend before a start.
func IsLinkwatchUsage(err error) bool {
	_, ok := errors.AsType[linkwatchUsage](err)
	return ok
}

// Linkwatch tells of the links of this host until ctx ends.
func Linkwatch(ctx context.Context, o LinkwatchOptions) error {
	var watcher *linkwatch.Watcher
	var sender *linkwatch.Sender
	if o.To != "" || o.CA != "" || o.Cert != "" || o.Key != "" {
		var err error
		sender, err = linkwatch.NewSender(linkwatch.SendConfig{
			To: o.To, CA: o.CA, Cert: o.Cert, Key: o.Key, Host: hostname(), PID: os.Getpid(),
			Again: func() { watcher.Restate() }, // it is set before the sender runs
		})
		if err != nil {
			return linkwatchUsage{fmt.Errorf("--to %w", err)}
		}
	}
	watcher, err := linkwatch.Open(linkwatch.DefaultConfig())
	if errors.Is(err, linkwatch.ErrUnsupported) {
		return fmt.Errorf("%w: %w", ErrLinuxOnly, err)
	} else if err != nil {
		return err
	}
	if sender == nil {
		return watcher.Run(ctx, writeLines(o.Stdout))
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	var sent error
	wg.Go(func() { sent = sender.Run(ctx) })
	wg.Go(func() { reportSender(ctx, o.Stderr, sender) })
	err = watcher.Run(ctx, func(lines []linkwatch.Line) error { sender.Take(lines); return nil })
	stop(err)
	wg.Wait()
	return errors.Join(err, sent)
}

// writeLines writes lines as text, whole ones at a time.
func writeLines(w io.Writer) func([]linkwatch.Line) error {
	host := hostname()
	var b []byte
	return func(lines []linkwatch.Line) error {
		b = b[:0]
		for i := range lines {
			b = append(lines[i].AppendPlain(b, host), '\n')
		}
		if _, err := w.Write(b); err != nil {
			return fmt.Errorf("write lines: %w", err)
		}
		return nil
	}
}

// reportSender says when the collector ceases to take lines, when it does again, and what was lost.
func reportSender(ctx context.Context, w io.Writer, s *linkwatch.Sender) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	failing, lost := "", uint64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now := s.Failing()
		switch {
		case now == failing:
		case now == "":
			_, _ = fmt.Fprintln(w, "linkwatch: the collector takes lines again") // nobody is left to be told
		case failing == "":
			_, _ = fmt.Fprintln(w, "linkwatch: the collector does not take lines:", now) // likewise
		}
		failing = now
		if n := s.Lost.Load(); n != lost {
			_, _ = fmt.Fprintf(w, "linkwatch: %d lines were lost: too many wait for the collector\n", n-lost) // likewise
			lost = n
		}
	}
}
