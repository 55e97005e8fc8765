package file

import (
	"slices"
	"strings"
	"testing"
	"time"

	"vswarden/sink/sinktest"
)

func TestWriteAllocatesNothing(t *testing.T) {
	s := mustOpen(t, config(t.TempDir()), newClock(), &sinktest.Disk{})
	batch := batchOf(slices.Repeat([]string{strings.Repeat("x", 500)}, 500)...)
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		if err := s.Write(ctx, batch); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
}

func BenchmarkWrite(b *testing.B) {
	cfg := config(b.TempDir())
	cfg.Rotate.Keep = 1
	s, err := Open(cfg, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	const events, size = 500, 500
	batch := batchOf(slices.Repeat([]string{strings.Repeat("x", size)}, events)...)
	ctx := b.Context()
	b.SetBytes(events * (size + 1))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Write(ctx, batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/events, "ns/event")
}
