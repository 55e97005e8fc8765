package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

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
	for _, body := range []BodyMode{BodyDisk, BodyMemory, "nowhere"} {
		for _, mode := range []SyncMode{SyncAlways, SyncInterval, SyncNever} {
			b.Run(fmt.Sprintf("%s/%s", body, mode), func(b *testing.B) { benchAppend(b, body, mode) })
		}
	}
}

func benchAppend(b *testing.B, body BodyMode, mode SyncMode) {
	fsys := FS(NewMemFS())
	switch body {
	case BodyDisk:
		fsys = rootedFS{b.TempDir()}
	case "nowhere": // What is left is the work of the log itself.
		fsys = nowhereFS{fsys}
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

// nowhereFS keeps nothing of a segment but its size.
type nowhereFS struct{ FS }

func (n nowhereFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := n.FS.OpenFile(name, flag, perm)
	if filepath.Ext(name) == segmentExt && err == nil {
		return nowhereFile{f}, nil
	}
	return f, err
}

type nowhereFile struct{ File }

func (nowhereFile) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }

// BenchmarkSegmentFiles measures how segments are best made: anew, anew with their blocks taken at
// once, or by writing over old ones. It writes 256 KiB at a time and syncs every 20 ms or never.
func BenchmarkSegmentFiles(b *testing.B) {
	for _, how := range []string{"new", "preallocated", "recycled"} {
		for _, mode := range []SyncMode{SyncInterval, SyncNever} {
			b.Run(how+"/"+string(mode), func(b *testing.B) { benchSegmentFiles(b, how, mode == SyncInterval) })
		}
	}
}

func benchSegmentFiles(b *testing.B, how string, sync bool) {
	fsys := rootedFS{b.TempDir()}
	block := make([]byte, maxBlock)
	var f File
	must := func(errs ...error) {
		if err := errors.Join(errs...); err != nil {
			b.Fatal(err)
		}
	}
	open := func(n int) {
		flag, name := os.O_RDWR|os.O_CREATE, fmt.Sprint(n)
		if how == "recycled" {
			name = fmt.Sprint(n % 4)
		} else if n >= 4 {
			must(fsys.Remove(fmt.Sprint(n - 4)))
		}
		var err error
		f, err = fsys.OpenFile(name, flag, 0o600)
		must(err)
		if p, ok := f.(preallocator); ok && how == "preallocated" {
			must(p.Preallocate(maxSegment))
		}
	}
	off, n := int64(maxSegment), 0
	write := func() {
		if off == maxSegment {
			if f != nil {
				must(f.Close())
			}
			open(n)
			off, n = 0, n+1
		}
		_, err := f.WriteAt(block, off)
		must(err)
		off += maxBlock
	}
	for range 4 * maxSegment / maxBlock { // Old files to write over.
		write()
	}
	must(f.Sync())
	b.SetBytes(maxBlock)
	last, cpu := time.Now(), cpuTime()
	for b.Loop() {
		write()
		if sync && (time.Since(last) > 20*time.Millisecond || off == maxSegment) {
			must(f.Sync())
			last = time.Now()
		}
	}
	b.ReportMetric((cpuTime()-cpu).Seconds()/(float64(b.N)*maxBlock/1e9), "cpu-s/GB")
	must(f.Close())
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

// BenchmarkTail measures how long a record takes from Append to a reader at the tail, at 50 000
// records a second, alone and beside a reader that goes through 512 MiB of old records all the time.
func BenchmarkTail(b *testing.B) {
	for _, beside := range []bool{false, true} {
		b.Run(fmt.Sprintf("oldReader=%v", beside), func(b *testing.B) { benchTail(b, beside) })
	}
}

func benchTail(b *testing.B, beside bool) {
	cfg := benchConfig(SyncInterval)
	cfg.Retain = Retain{Age: time.Hour, Size: 8 * setting.GiB}
	l, err := Open(rootedFS{b.TempDir()}, "log", cfg)
	if err != nil {
		b.Fatal(err)
	}
	r := run(b, l)
	old := fullBatch(100)
	for range 512 << 20 / old.Size() {
		if _, err := l.Append(old); err != nil {
			b.Fatal(err)
		}
	}
	tail, err := l.Cursor("tail", StartNewest)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	if beside {
		wg.Go(func() { readOld(ctx, b, l) })
	}
	var took []time.Duration
	wg.Go(func() {
		var ch Chunk
		for tail.Next(ctx, &ch) == nil {
			for _, rec := range ch.Records {
				took = append(took, time.Duration(time.Now().UnixNano()-int64(le.Uint64(rec))))
			}
		}
	})
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var batch Batch
	n := 0
	for b.Loop() { // One record each.
		if n++; n%50 != 0 {
			continue
		}
		<-tick.C
		batch.Reset()
		for range 50 {
			batch.Add(le.AppendUint64(nil, uint64(time.Now().UnixNano())), make([]byte, recordSize-8))
		}
		if _, err := l.Append(&batch); err != nil {
			b.Fatal(err)
		}
	}
	time.Sleep(10 * time.Millisecond)
	cancel()
	wg.Wait()
	slices.Sort(took)
	if len(took) > 0 {
		b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	}
	if err := errors.Join(r.stop(), l.Close()); err != nil {
		b.Fatal(err)
	}
}

// readOld reads the log from its beginning again and again until ctx ends.
func readOld(ctx context.Context, b *testing.B, l *Log) {
	var ch Chunk
	for turn := 0; ctx.Err() == nil; turn++ {
		c, err := l.Cursor(fmt.Sprint("old", turn), StartOldest)
		if err != nil {
			b.Error(err)
			return
		}
		for c.next < 2_000_000 && c.Next(ctx, &ch) == nil {
			continue
		}
	}
}
