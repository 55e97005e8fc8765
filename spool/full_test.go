package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"vswarden/setting"
)

// fill appends until the log is full and returns how many records it took.
func fill(t *testing.T, l *Log) (n int) {
	t.Helper()
	b := fullBatch(100)
	for {
		_, err := l.Append(b)
		if errors.Is(err, ErrFull) {
			return n
		}
		if err != nil {
			t.Fatalf("append: %v", err)
		}
		n += b.Len()
	}
}

// drain reads and commits all there is and returns how many records came.
func drain(t *testing.T, c *Cursor) (n int) {
	t.Helper()
	var ch Chunk
	for c.has() {
		if err := c.Next(t.Context(), &ch); err != nil {
			t.Fatalf("next: %v", err)
		}
		if ch.Skipped > 0 {
			t.Fatalf("%d records are lost", ch.Skipped)
		}
		n += len(ch.Records)
	}
	if err := c.Commit(c.next - 1); err != nil {
		t.Fatalf("commit: %v", err)
	}
	return n
}

// waitSpace waits in synctest's time.
func waitSpace(t *testing.T, l *Log) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if err := l.WaitSpace(ctx); err != nil {
		t.Fatalf("wait for space: %v", err)
	}
}

func TestFullByMaxSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys := newFaultFS(NewMemFS())
		cfg := testConfig()
		cfg.MaxSize = 4 * setting.MiB
		l := openSmall(t, fsys, cfg, 0)
		fast, slow := cursor(t, l, "fast", StartOldest), cursor(t, l, "slow", StartOldest)
		r := run(t, l)
		total := fill(t, l)
		synctest.Wait()
		if s := l.Stats(); s.BytesUndelivered+s.BytesPending > int64(cfg.MaxSize) || s.BytesUndelivered+s.BytesPending < int64(cfg.MaxSize)*9/10 {
			t.Fatalf("full at %+v", s)
		}
		if n := drain(t, fast); n != total {
			t.Fatalf("fast got %d of %d", n, total)
		}
		time.Sleep(time.Minute)
		if _, err := l.Append(fullBatch(100)); !errors.Is(err, ErrFull) {
			t.Fatalf("the slow cursor's records hold the space, and Append says %v", err)
		}
		// Nobody is woken before there is room, then all are.
		woken := make(chan error, 2)
		for range 2 {
			go func() { woken <- l.WaitSpace(t.Context()) }()
		}
		synctest.Wait()
		if len(woken) > 0 {
			t.Fatal("WaitSpace returned and there is no room")
		}
		if n := drain(t, slow); n != total {
			t.Fatalf("slow got %d of %d", n, total)
		}
		for range 2 {
			if err := <-woken; err != nil {
				t.Fatal(err)
			}
		}
		for range 10 { // What is delivered goes first, in every round.
			total += fill(t, l)
			drain(t, fast)
			drain(t, slow)
			waitSpace(t, l)
			if s := l.Stats(); s.BytesUndelivered+s.BytesRetained > int64(cfg.MaxSize) {
				t.Fatalf("the log is larger than max_size: %+v", s)
			}
		}
		r.closeAll(t)
	})
}

func TestFullByMinFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys := &freeFS{FS: NewMemFS()}
		fsys.set(8 << 20)
		cfg := testConfig()
		cfg.MinFree = 5 * setting.MiB
		l := openSmall(t, fsys, cfg, 0)
		c := cursor(t, l, "a", StartOldest)
		r := run(t, l)
		total := fill(t, l)
		if size := total * (recordSize + itemHeader); size > 3<<20 || size < 2<<20 {
			t.Fatalf("%d bytes were taken and 3 MiB were free beyond min_free", size)
		}
		fsys.set(64 << 20)
		waitSpace(t, l)
		total += 100
		if _, err := l.Append(fullBatch(100)); err != nil {
			t.Fatal(err)
		}
		if n := drain(t, c); n != total {
			t.Fatalf("got %d of %d", n, total)
		}
		r.closeAll(t)
	})
}

// freeFS says what a test wants of the free space.
type freeFS struct {
	FS
	free atomic.Int64
}

func (f *freeFS) set(n int64)                { f.free.Store(n) }
func (f *freeFS) Free(string) (int64, error) { return f.free.Load(), nil }

// TestNoSpace plays a disk that is full before max_size and min_free are, in segments, frames and
// inodes, and then has room again: nothing is lost and nobody has to help.
func TestNoSpace(t *testing.T) {
	for name, full := range map[string]func(f *faultFS){
		"bytes":  func(f *faultFS) { f.setRoom(100_000) },
		"none":   func(f *faultFS) { f.setRoom(0) },
		"inodes": func(f *faultFS) { f.mu.Lock(); f.inodes = 0; f.mu.Unlock() },
		"create": func(f *faultFS) { f.set(failOn("create", segmentExt, syscall.ENOSPC)) },
		"write":  func(f *faultFS) { f.set(failOn("write", segmentExt, syscall.ENOSPC)) },
		"quota":  func(f *faultFS) { f.set(failOn("write", segmentExt, errQuota)) },
		"cursor": func(f *faultFS) { f.set(failOn("write", "", syscall.ENOSPC)) },
	} {
		for _, pace := range []time.Duration{0, 10 * time.Millisecond} { // As fast as it goes, and at leisure.
			t.Run(fmt.Sprint(name, " ", pace), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { noSpace(t, full, pace) })
			})
		}
	}
}

func noSpace(t *testing.T, full func(f *faultFS), pace time.Duration) {
	fsys := newFaultFS(NewMemFS())
	l := openSmall(t, fsys, testConfig(), minSegment)
	c := cursor(t, l, "a", StartOldest)
	r := run(t, l)
	total := 1000
	if _, err := l.Append(fullBatch(total)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	full(fsys)
	for { // The disk's refusal is known when the first block does not fit.
		_, err := l.Append(fullBatch(100))
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		total += 100
		time.Sleep(pace)
	}
	var ch Chunk // Readers go on, from memory too, and cursors move.
	if err := errors.Join(c.Next(t.Context(), &ch), c.Commit(1)); err != nil {
		t.Fatalf("next and commit on a full disk: %v", err)
	}
	time.Sleep(time.Minute)
	if _, err := l.Append(fullBatch(1)); !errors.Is(err, ErrFull) {
		t.Fatalf("append to a full disk: %v", err)
	}
	fsys.set(nil)
	fsys.mu.Lock()
	fsys.room, fsys.inodes = 1<<40, 1<<40
	fsys.mu.Unlock()
	waitSpace(t, l)
	last, err := l.Append(fullBatch(100))
	if err != nil {
		t.Fatal(err)
	}
	total += 100
	if err := l.WaitSynced(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	r.closeAll(t)
	l = openSmall(t, fsys, testConfig(), minSegment)
	if d := l.TakeDamage(); d != nil {
		t.Fatalf("damage: %+v", d)
	}
	if n := drain(t, cursor(t, l, "a", StartOldest)); n != total-1 {
		t.Fatalf("got %d of %d", n, total-1)
	}
}

// TestNoSpaceAtClose: what does not fit on the disk is said to be lost, and the log opens again.
func TestNoSpaceAtClose(t *testing.T) {
	fsys := newFaultFS(NewMemFS())
	l := openSmall(t, fsys, testConfig(), 0)
	cursor(t, l, "a", StartOldest)
	fsys.setRoom(6000)
	appendRecords(t, l, strings.Repeat("x", 1000))
	if err := l.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	l2 := l
	if err := l2.Close(); err != nil {
		t.Fatal(err)
	}
	l = openSmall(t, fsys, testConfig(), 0)
	appendRecords(t, l, strings.Repeat("y", 1000))
	if err := l.CloseWrite(); !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("close: %v", err)
	}
	if err := l.Close(); !errors.Is(err, ErrFull) {
		t.Fatalf("close: %v", err)
	}
	l = openSmall(t, fsys, testConfig(), 0)
	if n := drain(t, cursor(t, l, "a", StartOldest)); n != 1 {
		t.Fatalf("got %d records", n)
	}
}

// tear writes behind the end of a segment what a crash leaves there, and returns where that was.
func tear(t *testing.T, fsys FS, seg, torn string) (size int64) {
	t.Helper()
	f, err := fsys.OpenFile(seg, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if size, err = f.Size(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(torn), size); err != nil {
		t.Fatal(err)
	}
	return size
}

// TestNoSpaceForTorn: a disk too full to set a torn end aside does not keep the log from opening.
func TestNoSpaceForTorn(t *testing.T) {
	fsys := newFaultFS(NewMemFS())
	l := openSmall(t, fsys, testConfig(), 0)
	cursor(t, l, "a", StartOldest)
	appendRecords(t, l, "well", "and good")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	seg := l.path(l.segs[0])
	size := tear(t, fsys, seg, "half a frame, as a crash leaves it")
	noName := func(op, name string) error {
		if op == "rename" && strings.Contains(name, tornSuffix) {
			return syscall.ENOSPC
		}
		return nil
	}
	for _, room := range []int64{0, 10, 1 << 30} {
		fsys.setRoom(room)
		if room > 10 {
			fsys.set(noName)
		}
		l = openSmall(t, fsys, testConfig(), 0)
		if d := l.TakeDamage(); len(d) != 1 || d[0].Kind != Torn || d[0].Offset != size {
			t.Fatalf("damage: %+v", d)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	fsys.set(nil)
	l = openSmall(t, fsys, testConfig(), 0)
	appendRecords(t, l, "and more")
	if n := drain(t, cursor(t, l, "a", StartOldest)); n != 3 {
		t.Fatalf("got %d records", n)
	}
	names, err := fsys.ReadDir("log")
	if err != nil || !strings.Contains(strings.Join(names, " "), tornSuffix) {
		t.Fatalf("no torn file in %v, %v", names, err)
	}
}

// TestTornTwice: what was torn at a place stays in its file when a later end is torn at the same place.
func TestTornTwice(t *testing.T) {
	fsys := NewMemFS()
	l := openSmall(t, fsys, testConfig(), 0)
	r := run(t, l)
	appendRecords(t, l, "one")
	r.closeAll(t)
	seg := l.path(l.segs[0])
	for _, torn := range []string{"half a frame, as a crash leaves it", "half of another one"} {
		size := tear(t, fsys, seg, torn)
		l = openSmall(t, fsys, testConfig(), 0)
		d := l.TakeDamage()
		if len(d) != 1 || d[0].Offset != size {
			t.Fatalf("damage: %+v", d)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 100)
		f, err := fsys.OpenFile(l.join(strings.TrimPrefix(d[0].Note, setAsideIn)), os.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if n, _ := f.ReadAt(b, 0); string(b[:n]) != torn {
			t.Errorf("set aside: %q; want %q", b[:n], torn)
		}
	}
	names, err := fsys.ReadDir("log")
	if n := strings.Count(strings.Join(names, " "), tornSuffix); err != nil || n != 2 {
		t.Errorf("%d torn files of 2 in %v, %v", n, names, err)
	}
}

// TestRetainedGoesFirst: when the file system has no inode left, or the quota no byte, although it
// has free space, delivered segments are removed one by one until there is room.
func TestRetainedGoesFirst(t *testing.T) {
	for name, limit := range map[string]func(f *faultFS){
		"inodes": func(f *faultFS) { f.inodes = 5 },
		"quota":  func(f *faultFS) { f.room = 400_000 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fsys := newFaultFS(NewMemFS())
				l := openSmall(t, fsys, testConfig(), minSegment)
				c := cursor(t, l, "a", StartOldest)
				r := run(t, l)
				limit(fsys)
				for round := range 10 {
					fill(t, l)
					drain(t, c)
					waitSpace(t, l)
					if round == 0 && l.oldest() > 1000 {
						t.Fatalf("more was removed than needed: the log begins at %d", l.oldest())
					}
				}
				r.closeAll(t)
			})
		})
	}
}
