package stdout_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"vswarden/sink"
	"vswarden/sink/sinktest"
	"vswarden/sink/stdout"
)

// terminal is a writer that can run full and hang.
type terminal struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	full bool
	room int
	gate sync.Mutex // held: writes hang
}

func (w *terminal) Write(p []byte) (int, error) {
	w.gate.Lock()
	defer w.gate.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.full {
		return w.buf.Write(p)
	}
	n := min(len(p), w.room)
	w.room -= n
	w.buf.Write(p[:n])
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (w *terminal) lines() (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range strings.Lines(w.buf.String()) {
		out = append(out, strings.TrimSuffix(line, "\n"))
	}
	return out
}

func TestSuite(t *testing.T) {
	sinktest.Run(t, func(*testing.T) sinktest.Harness {
		w := &terminal{}
		return sinktest.Harness{
			Open: func(*testing.T) sink.Sink { return stdout.New(w) },
			Read: func(*testing.T) []string { return w.lines() },
			Break: func(*testing.T) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.full, w.room = true, 7777
			},
			Repair: func(*testing.T) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.full = false
			},
			Block:   func(*testing.T) { w.gate.Lock() },
			Unblock: func(*testing.T) { w.gate.Unlock() },
		}
	})
}

// TestReaderGone: EPIPE is an error like any other, and Close leaves the file alone.
func TestReaderGone(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s := stdout.New(w)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = stdout.New(w)
	batch := []sink.Record{{Value: []byte("a")}}
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatalf("after Close of the sink before: %v", err)
	}
	_ = r.Close()
	if err := s.Write(t.Context(), batch); !errors.Is(err, syscall.EPIPE) || sink.IsPermanent(err) {
		t.Errorf("Write: %v", err)
	}
	_ = w.Close()
}

// TestWaitingForTurn: a Write behind one that hangs ends with its own context.
func TestWaitingForTurn(t *testing.T) {
	w := &terminal{}
	s := stdout.New(w)
	w.gate.Lock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	batch := []sink.Record{{Value: []byte("a")}}
	done := make(chan error)
	first, end := context.WithCancel(t.Context())
	go func() { done <- s.Write(first, batch) }()
	end()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("first: %v", err)
	}
	if err := s.Write(ctx, batch); !errors.Is(err, context.Canceled) {
		t.Errorf("second: %v", err)
	}
	w.gate.Unlock()
	if err := s.Write(t.Context(), []sink.Record{{Value: []byte("b")}}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(w.lines(), " "); got != "a b" && got != "b" {
		t.Errorf("%q", got)
	}
}
