package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"vswarden/setting"
)

// testConfig is small, so that a test of few records sees many segments.
func testConfig() Config {
	c := DefaultConfig()
	c.MaxSize = 64 * setting.MiB
	c.MinFree = 0
	return c
}

// open opens a log and makes its segments and blocks small when segSize is not 0.
func openSmall(t testing.TB, fsys FS, cfg Config, segSize int64) *Log {
	t.Helper()
	l, err := Open(fsys, "log", cfg)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	if segSize > 0 {
		l.shrink(segSize)
	}
	return l
}

// shrink makes segments and blocks small. It is called before the first Append.
func (l *Log) shrink(segSize int64) {
	l.segSize, l.blockSize, l.behind = segSize, int(segSize/4), int(segSize)
}

// running is a log whose Run runs until stop is called.
type running struct {
	*Log
	stop func() error
}

func run(t testing.TB, l *Log) running {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var err error
	go func() {
		defer close(done)
		err = l.Run(ctx)
	}()
	stop := func() error { cancel(); <-done; return err }
	t.Cleanup(func() { _ = stop() }) // A failed test leaves nothing running.
	return running{l, stop}
}

// closeAll ends a running log in order.
func (r running) closeAll(t testing.TB) {
	t.Helper()
	if err := errors.Join(r.CloseWrite(), r.stop(), r.Close()); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func appendRecords(t testing.TB, l *Log, records ...string) Position {
	t.Helper()
	var b Batch
	for _, r := range records {
		b.Add([]byte(r[:len(r)/2]), []byte(r[len(r)/2:]))
	}
	p, err := l.Append(&b)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return p
}

func cursor(t testing.TB, l *Log, name string, start Start) *Cursor {
	t.Helper()
	c, err := l.Cursor(name, start)
	if err != nil {
		t.Fatalf("cursor %s: %v", name, err)
	}
	return c
}

// got is a record as a cursor gave it.
type got struct {
	pos   Position
	epoch uint64
	data  string
}

// readAll reads until io.EOF and returns the records and how many were skipped.
func readAll(t testing.TB, c *Cursor) (records []got, skipped uint64) {
	t.Helper()
	var ch Chunk
	for {
		err := c.Next(t.Context(), &ch)
		if errors.Is(err, io.EOF) {
			return records, skipped
		}
		if err != nil {
			t.Fatalf("next: %v", err)
		}
		records, skipped = collect(records, &ch), skipped+ch.Skipped
	}
}

func collect(records []got, ch *Chunk) []got {
	for i, r := range ch.Records {
		records = append(records, got{ch.First + Position(i), ch.Epoch, string(r)})
	}
	return records
}

// line returns a record that is different for each n, of a length that differs.
func line(rng *rand.Rand, n int) string {
	b := make([]byte, rng.IntN(300))
	for i := range b {
		b[i] = 'a' + byte(rng.IntN(26))
	}
	return fmt.Sprintf("%d %s", n, b)
}
