package spool

import (
	"io/fs"
	"os"
	"sync"
	"syscall"
	"testing"
)

// busyFS does not remove what is open for reading, as Windows does not.
type busyFS struct {
	*MemFS
	mu      sync.Mutex
	open    map[string]int
	refused int
}

type busyFile struct {
	File
	fs   *busyFS
	name string
}

func (f *busyFile) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.fs.open[f.name]--
	return f.File.Close()
}

func (b *busyFS) OpenFile(name string, flag int, mode fs.FileMode) (File, error) {
	f, err := b.MemFS.OpenFile(name, flag, mode)
	if err != nil || flag != os.O_RDONLY {
		return f, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open[name]++
	return &busyFile{f, b, name}, nil
}

func (b *busyFS) Remove(name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open[name] > 0 {
		b.refused++
		return syscall.EBUSY
	}
	return b.MemFS.Remove(name)
}

// TestCaughtUpHoldsNoSegment: a reader that was behind and has caught up keeps no segment open, which then could not be
// removed, or would take its room on the disk without a name.
func TestCaughtUpHoldsNoSegment(t *testing.T) {
	fsys := &busyFS{MemFS: NewMemFS(), open: map[string]int{}}
	cfg := testConfig()
	cfg.Retain.Age, cfg.Retain.Size = 0, 0
	l := openSmall(t, fsys, cfg, 64<<10)
	c := cursor(t, l, "a", StartOldest)
	next := 1
	grow := func() {
		t.Helper()
		if _, err := l.Append(numbered(next, 40)); err != nil {
			t.Fatal(err)
		}
		next += 40
		if err := l.flush(flushAll, true); err != nil {
			t.Fatal(err)
		}
	}
	var ch Chunk
	read := func() {
		t.Helper()
		for int(c.next) < next {
			if err := c.Next(t.Context(), &ch); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Commit(c.next - 1); err != nil {
			t.Fatal(err)
		}
	}
	for range 30 { // more than stays in memory
		grow()
	}
	read()
	for range 100 {
		grow()
		read()
		if err := l.tidy(); err != nil {
			t.Fatal(err)
		}
	}
	if fsys.refused > 0 || len(l.segs) > 2 {
		t.Errorf("%d segments are there, and %d times one could not be removed", len(l.segs), fsys.refused)
	}
}
