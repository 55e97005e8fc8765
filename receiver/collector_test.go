package receiver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"vswarden/setting"
)

// collector is a Handler that keeps copies of what it was given.
type collector struct {
	mu     sync.Mutex
	frames []Frame
	calls  int
	more   chan struct{} // closed and made anew with each call
}

func newCollector() *collector { return &collector{more: make(chan struct{})} }

func (c *collector) handle(batch []Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range batch {
		origin := *f.Origin
		f.Origin, f.Data = &origin, bytes.Clone(f.Data)
		c.frames = append(c.frames, f)
	}
	c.calls++
	close(c.more)
	c.more = make(chan struct{})
	return nil
}

func (c *collector) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.frames)
}

// wait returns the frames once keep has accepted n of them; nil keeps all.
func (c *collector) wait(t testing.TB, n int, keep func(Frame) bool) []Frame {
	t.Helper()
	deadline := time.After(20 * time.Second)
	var got []Frame
	for seen := 0; ; {
		c.mu.Lock()
		more := c.more
		for _, f := range c.frames[seen:] {
			if keep == nil || keep(f) {
				got = append(got, f)
			}
		}
		seen = len(c.frames)
		c.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("%d of %d frames after 20s, the last: %.200q", len(got), n, data(got[max(0, len(got)-5):]))
		}
	}
}

func data(frames []Frame) []string {
	got := make([]string, len(frames))
	for i, f := range frames {
		got[i] = string(f.Data)
	}
	return got
}

// config is a listener on a free loopback port.
func config(address string) Config {
	cfg := DefaultConfig()
	cfg.Address = address
	cfg.ReceiveBuffer = 4 * setting.MiB
	return cfg
}

// serve listens until the test ends, and then holds Serve to having cleaned up.
func serve(t testing.TB, cfg Config, h Handler) *Listener {
	t.Helper()
	l, _ := serveLog(t, cfg, h, io.Discard)
	return l
}

func serveLog(t testing.TB, cfg Config, h Handler, w io.Writer) (l *Listener, stop func() error) {
	t.Helper()
	l, err := Listen(cfg, zerolog.New(zerolog.SyncWriter(w)))
	if err != nil {
		t.Fatal(err)
	}
	return l, run(t, l, h)
}

// run serves until the test ends, or stop is called.
func run(t testing.TB, l *Listener, h Handler) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Serve(ctx, h) }()
	stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(20 * time.Second):
			buf := make([]byte, 1<<16)
			t.Fatalf("Serve does not return:\n%s", buf[:runtime.Stack(buf, true)])
			return nil
		}
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
		balance(t, l.Stats())
	})
	return stop
}

// balance holds the books of connections: each accepted one has ended for one reason.
func balance(t testing.TB, s *Stats) {
	t.Helper()
	if n := s.Open.Load(); n != 0 {
		t.Errorf("%d connections open after Serve", n)
	}
	var ends uint64
	for i := range s.Refused {
		ends += s.Refused[i].Load()
	}
	for i := range s.HandshakeFaults {
		ends += s.HandshakeFaults[i].Load()
	}
	for i := range s.Closed {
		ends += s.Closed[i].Load()
	}
	if n := s.Accepted.Load(); n != ends {
		t.Errorf("%d connections accepted, %d ended", n, ends)
	}
}

func dial(t testing.TB, l *Listener) net.Conn {
	t.Helper()
	c, err := net.Dial(l.Addr().Network(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func send(t testing.TB, w io.Writer, s string) {
	t.Helper()
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

func waitFor(t testing.TB, what func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !what(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("did not happen in 20s")
		}
	}
}
