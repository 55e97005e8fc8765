package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"vswarden/setting"
)

// recordSize is about the mean of an ESXi host's lines with the log's own header.
const recordSize = 230

func benchConfig(mode SyncMode) Config {
	c := DefaultConfig()
	c.Sync = mode
	c.MinFree = 0
	c.MaxSize = 64 * setting.GiB
	c.Retain = Retain{} // What is delivered goes, so that a benchmark fills no disk.
	return c
}

func fullBatch(records int) *Batch {
	var b Batch
	line := bytes.Repeat([]byte("x"), recordSize)
	for range records {
		b.Add(line[:40], line[40:])
	}
	return &b
}

// BenchmarkAppend measures what an appender pays for a record in batches of 100, the disk's back
// pressure included; a cursor that commits lets old segments go.
func BenchmarkAppend(b *testing.B) {
	for _, body := range []BodyMode{BodyDisk, BodyMemory} {
		for _, mode := range []SyncMode{SyncAlways, SyncInterval, SyncNever} {
			b.Run(fmt.Sprintf("%s/%s", body, mode), func(b *testing.B) { benchAppend(b, body, mode) })
		}
	}
}

func benchAppend(b *testing.B, body BodyMode, mode SyncMode) {
	fsys := FS(NewMemFS())
	if body == BodyDisk {
		fsys = rootedFS{b.TempDir()}
	}
	l, err := Open(fsys, "log", benchConfig(mode))
	if err != nil {
		b.Fatal(err)
	}
	c, err := l.Cursor("bench", StartOldest)
	if err != nil {
		b.Fatal(err)
	}
	r := run(b, l)
	batch := fullBatch(100)
	b.SetBytes(recordSize)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if n++; n%100 != 0 {
			continue
		}
		p, err := l.Append(batch)
		if err == nil && mode == SyncAlways {
			err = l.WaitSynced(b.Context(), p)
		}
		if err == nil && n%(1<<16) == 0 {
			err = c.Commit(p)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	if err := errors.Join(r.stop(), l.Close()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRead measures a cursor that reads what is on disk, from the page cache.
func BenchmarkRead(b *testing.B) {
	const size = 512 << 20
	fsys := rootedFS{b.TempDir()}
	cfg := benchConfig(SyncNever)
	l, err := Open(fsys, "log", cfg)
	if err != nil {
		b.Fatal(err)
	}
	r := run(b, l)
	batch := fullBatch(100)
	for range size / batch.Size() {
		if _, err := l.Append(batch); err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(r.stop(), l.Close()); err != nil {
		b.Fatal(err)
	}
	if l, err = Open(fsys, "log", cfg); err != nil {
		b.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // Nothing was written.
	if err := l.CloseWrite(); err != nil {
		b.Fatal(err)
	}
	var ch Chunk
	b.SetBytes(recordSize)
	b.ReportAllocs()
	left, turn := 0, 0
	var c *Cursor
	for b.Loop() {
		for left == 0 {
			if c == nil {
				turn++
				if c, err = l.Cursor(fmt.Sprint("reader", turn), StartOldest); err != nil {
					b.Fatal(err)
				}
			}
			err := c.Next(b.Context(), &ch)
			if errors.Is(err, io.EOF) {
				c = nil
			} else if err != nil {
				b.Fatal(err)
			}
			left = len(ch.Records)
		}
		left--
	}
}

// BenchmarkOpen measures opening a log of SPOOL_BENCH_GIB GiB (default 1) and reports its size.
func BenchmarkOpen(b *testing.B) {
	gib := 1
	if s := os.Getenv("SPOOL_BENCH_GIB"); s != "" {
		if _, err := fmt.Sscan(s, &gib); err != nil {
			b.Fatal(err)
		}
	}
	fsys := rootedFS{b.TempDir()}
	cfg := benchConfig(SyncNever)
	l, err := Open(fsys, "log", cfg)
	if err != nil {
		b.Fatal(err)
	}
	r := run(b, l)
	batch := fullBatch(1000)
	for range gib << 30 / batch.Size() {
		if _, err := l.Append(batch); err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(r.stop(), l.Close()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		l, err := Open(fsys, "log", cfg)
		if err != nil {
			b.Fatal(err)
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(gib), "GiB")
}
