package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAppendReadReopen(t *testing.T) {
	for name, fsys := range map[string]FS{"memory": NewMemFS(), "disk": diskFS(t)} {
		t.Run(name, func(t *testing.T) {
			l := openSmall(t, fsys, testConfig(), 0)
			if l.Last() != 0 {
				t.Fatalf("a new log ends at %d", l.Last())
			}
			c := cursor(t, l, "a", StartOldest)
			r := run(t, l)
			if p := appendRecords(t, l, "one", "two", ""); p != 3 {
				t.Fatalf("last position %d, want 3", p)
			}
			var ch Chunk
			if err := c.Next(t.Context(), &ch); err != nil || ch.First != 1 || len(ch.Records) != 3 || string(ch.Records[1]) != "two" || ch.Epoch != l.Epoch() {
				t.Fatalf("next: %v %+v", err, ch)
			}
			if err := l.WaitSynced(t.Context(), 3); err != nil {
				t.Fatal(err)
			}
			if err := c.Commit(2); err != nil {
				t.Fatal(err)
			}
			epoch := l.Epoch()
			r.closeAll(t)

			l = openSmall(t, fsys, testConfig(), 0)
			c = cursor(t, l, "a", StartOldest)
			if c.Committed() != 2 || c.Backlog() != 1 || l.Epoch() == epoch {
				t.Fatalf("committed %d backlog %d", c.Committed(), c.Backlog())
			}
			r = run(t, l)
			appendRecords(t, l, "four")
			if err := l.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			records, skipped := readAll(t, c)
			want := []got{{3, epoch, ""}, {4, l.Epoch(), "four"}}
			if len(records) != 2 || records[0] != want[0] || records[1] != want[1] || skipped != 0 {
				t.Fatalf("got %v, want %v", records, want)
			}
			if err := c.Next(t.Context(), &ch); !errors.Is(err, io.EOF) {
				t.Fatalf("after the end: %v", err)
			}
			r.closeAll(t)
			if d := l.TakeDamage(); d != nil {
				t.Fatalf("damage: %v", d)
			}
		})
	}
}

// diskFS is the real file system in a temporary directory.
func diskFS(t testing.TB) FS { return rootedFS{t.TempDir()} }

// TestPositionsNeverReused: a power cut takes records that a cursor had committed already.
func TestPositionsNeverReused(t *testing.T) {
	fsys := newCrashFS(rand.New(rand.NewPCG(1, 1)))
	l := openSmall(t, fsys, testConfig(), 0)
	c := cursor(t, l, "ahead", StartOldest)
	cursor(t, l, "behind", StartOldest)
	appendRecords(t, l, "synced")
	if err := l.flush(flushAll, true); err != nil {
		t.Fatal(err)
	}
	appendRecords(t, l, "two", "three", "four")
	var ch Chunk
	for c.has() {
		if err := c.Next(t.Context(), &ch); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(c.Commit(4), l.tidy()); err != nil { // The cursor is synced, the records are not.
		t.Fatal(err)
	}
	for i := range fsys.names {
		fsys.names[i].pending = nil // All that was not synced is gone.
	}
	fsys.dirOps = nil
	fsys.dead = true
	l = openSmall(t, fsys.image(true), testConfig(), 0)
	c, behind := cursor(t, l, "ahead", StartOldest), cursor(t, l, "behind", StartOldest)
	if l.Last() != 1 || l.Stats().Next != 5 || c.Committed() != 4 || c.Backlog() != 0 || behind.Backlog() != 1 {
		t.Fatalf("the log ends at %d and goes on with %d, cursor at %d with backlog %d; the other one's is %d", l.Last(), l.Stats().Next, c.Committed(), c.Backlog(), behind.Backlog())
	}
	if p := appendRecords(t, l, "five"); p != 5 {
		t.Fatalf("the next record is %d", p)
	}
	if err := l.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[*Cursor][]got{
		c: {{5, l.Epoch(), "five"}}, behind: {{1, 0, "synced"}, {5, l.Epoch(), "five"}},
	} {
		records, skipped := readAll(t, name)
		for i := range records {
			if records[i].pos == 1 {
				records[i].epoch = 0
			}
		}
		if !slices.Equal(records, want) || skipped != 0 {
			t.Fatalf("%s: got %v, skipped %d", name.Name(), records, skipped)
		}
	}
}

func TestLock(t *testing.T) {
	for name, fsys := range map[string]FS{"memory": NewMemFS(), "disk": diskFS(t)} {
		l := openSmall(t, fsys, testConfig(), 0)
		cursor(t, l, "a", StartOldest)
		_, err := Open(fsys, "log", testConfig())
		if inUse, ok := errors.AsType[*InUseError](err); !ok || inUse.PID != os.Getpid() || !strings.Contains(err.Error(), fmt.Sprintf("in use by pid %d", os.Getpid())) {
			t.Fatalf("%s: a second open: %v", name, err)
		}
		_, setErr := SetCursor(fsys, "log", "a", StartNewest, 0)
		for _, err := range []error{setErr, DropCursor(fsys, "log", "a")} {
			if _, inUse := errors.AsType[*InUseError](err); !inUse {
				t.Fatalf("%s: set or drop a cursor: %v", name, err)
			}
		}
		if list, err := ListCursors(fsys, "log"); err != nil || len(list) != 1 {
			t.Fatalf("%s: list cursors beside: %v %v", name, list, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = openSmall(t, fsys, testConfig(), 0)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no file modes")
	}
	dir := t.TempDir()
	l := openSmall(t, rootedFS{dir}, testConfig(), 0)
	cursor(t, l, "a", StartOldest)
	appendRecords(t, l, "x")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(filepath.Join(dir, "log"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if files++; err == nil && info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil || files != 5 { // The directory, lock, state, a.cursor and a segment.
		t.Fatalf("%d files, %v", files, err)
	}
}

// TestGroupCommit: those who wait for a sync share it, and it does not wait for the tick.
func TestGroupCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys := newFaultFS(NewMemFS())
		slow := func(op, name string) error {
			if op == "sync" && strings.HasSuffix(name, segmentExt) {
				fsys.mu.Unlock()
				time.Sleep(10 * time.Millisecond)
				fsys.mu.Lock()
			}
			return nil
		}
		cfg := testConfig()
		cfg.Sync, cfg.SyncInterval = SyncAlways, time.Minute
		l := openSmall(t, fsys, cfg, 0)
		cursor(t, l, "a", StartOldest)
		r := run(t, l)
		synctest.Wait()
		fsys.set(slow)
		before := fsys.count("sync")
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				for range 4 {
					p := appendRecords(t, l, "x")
					if err := l.WaitSynced(t.Context(), p); err != nil {
						t.Error(err)
					}
				}
			})
		}
		start := time.Now()
		wg.Wait()
		if n, took := fsys.count("sync")-before, time.Since(start); n > 8 || took > 80*time.Millisecond {
			t.Errorf("200 records of 50 appenders: %d syncs, %v", n, took)
		}
		if s := l.Stats(); s.Synced != 200 || s.Appended != 200 {
			t.Errorf("stats: %+v", s)
		}
		r.closeAll(t)
	})
}

// TestInterval: what was appended is synced a SyncInterval later; in never mode at CloseWrite.
func TestInterval(t *testing.T) {
	for _, mode := range []SyncMode{SyncInterval, SyncNever} {
		synctest.Test(t, func(t *testing.T) {
			fsys := newFaultFS(NewMemFS())
			cfg := testConfig()
			cfg.Sync, cfg.Retain = mode, Retain{Age: time.Hour, Size: 1 << 30}
			l := openSmall(t, fsys, cfg, 0)
			cursor(t, l, "a", StartOldest)
			r := run(t, l)
			for range 10 {
				appendRecords(t, l, "x", "y")
				time.Sleep(cfg.SyncInterval)
				synctest.Wait()
				s := l.Stats()
				if s.BytesPending != 0 || mode == SyncInterval && s.Synced != s.Appended || mode == SyncNever && s.Synced != 0 {
					t.Fatalf("%s: after the interval: %+v", mode, s)
				}
				time.Sleep(time.Second)
			}
			before := fsys.count("write")
			time.Sleep(time.Second)
			if n := fsys.count("write") - before; n > 1 {
				t.Fatalf("%d writes with nothing to do", n)
			}
			if err := l.CloseWrite(); err != nil || l.Stats().Synced != 20 {
				t.Fatalf("%s: after CloseWrite: %v %+v", mode, err, l.Stats())
			}
			r.closeAll(t)
		})
	}
}

// TestNeverSyncs: with sync: never, CloseWrite and WaitSynced sync all segments, though they were
// ended long before; and a kept log has no loss.
func TestNeverSyncs(t *testing.T) {
	for name, ask := range map[string]func(l *Log) error{
		"close write": (*Log).CloseWrite,
		"wait":        func(l *Log) error { return l.WaitSynced(t.Context(), l.Last()) },
	} {
		t.Run(name, func(t *testing.T) {
			fsys := newCrashFS(rand.New(rand.NewPCG(1, 1)))
			cfg := testConfig()
			cfg.Sync = SyncNever
			l := openSmall(t, fsys, cfg, minSegment)
			cursor(t, l, "a", StartOldest)
			for range 10 {
				if _, err := l.Append(fullBatch(100)); err != nil {
					t.Fatal(err)
				}
				if err := l.flush(flushAll, false); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.retireDelivered(); err != nil {
				t.Fatal(err)
			}
			r := run(t, l)
			if err := ask(l); err != nil || l.Stats().Synced != 1000 {
				t.Fatalf("%v %+v", err, l.Stats())
			}
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			for i := range fsys.names {
				fsys.names[i].pending = nil // All that was not synced is gone.
			}
			fsys.dirOps, fsys.dead = nil, true
			l = openSmall(t, fsys.image(true), cfg, minSegment)
			if n := drain(t, cursor(t, l, "a", StartOldest)); n != 1000 {
				t.Fatalf("%d records of 1000 came back", n)
			}
		})
	}
}

// TestTailFromMemory: a reader gets a record before it is written, without waiting for the tick.
func TestTailFromMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys := newFaultFS(NewMemFS())
		l := openSmall(t, fsys, testConfig(), 0)
		c := cursor(t, l, "a", StartOldest)
		run(t, l)
		before := fsys.count("write")
		done := make(chan struct{})
		go func() {
			defer close(done)
			var ch Chunk
			start := time.Now()
			if err := c.Next(t.Context(), &ch); err != nil || string(ch.Records[0]) != "now" || time.Since(start) != 0 {
				t.Errorf("%v %q after %v", err, ch.Records, time.Since(start))
			}
			if n := fsys.count("write") - before; n != 0 {
				t.Errorf("%d writes before the record came", n)
			}
		}()
		synctest.Wait()
		appendRecords(t, l, "now")
		<-done
		if err := c.Commit(1); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		var ch Chunk
		if err := c.Next(ctx, &ch); !errors.Is(err, context.Canceled) {
			t.Fatalf("nothing came, and Next says %v", err)
		}
		if len(l.waiting) != 0 {
			t.Fatal("a reader that left still counts as waiting")
		}
	})
}

func TestAppendAllocates(t *testing.T) {
	cfg := testConfig()
	l := openSmall(t, NewMemFS(), cfg, 0)
	c := cursor(t, l, "a", StartOldest)
	b := fullBatch(100)
	var ch Chunk
	round := func() {
		for range 4 {
			if _, err := l.Append(b); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Next(t.Context(), &ch); err != nil {
			t.Fatal(err)
		}
		if err := l.flush(flushAll, false); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		round()
	}
	if n := testing.AllocsPerRun(20, round); n > 0 && !raceEnabled {
		t.Errorf("%v allocations to append, read and write 400 records", n)
	}
}

func TestTooLarge(t *testing.T) {
	l := openSmall(t, NewMemFS(), testConfig(), 0)
	var b Batch
	b.Add(nil, make([]byte, maxRecord+1))
	if _, err := l.Append(&b); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("a record of %d bytes: %v", maxRecord+1, err)
	}
	b.Reset()
	big := bytes.Repeat([]byte("big"), 1<<20)
	b.Add([]byte("head"), big)
	c := cursor(t, l, "a", StartOldest)
	if _, err := l.Append(&b); err != nil {
		t.Fatal(err)
	}
	appendRecords(t, l, "small")
	for _, flush := range []bool{false, true} { // From memory, then from disk.
		if flush {
			if err := l.flush(flushAll, false); err != nil {
				t.Fatal(err)
			}
			c = cursor(t, l, "b", StartOldest)
		}
		var ch Chunk
		if err := c.Next(t.Context(), &ch); err != nil || len(ch.Records[0]) != 4+len(big) || !bytes.Equal(ch.Records[0][4:], big) {
			t.Fatalf("%v, %d records", err, len(ch.Records))
		}
	}
}

func TestClosed(t *testing.T) {
	l := openSmall(t, NewMemFS(), testConfig(), 0)
	c := cursor(t, l, "a", StartOldest)
	appendRecords(t, l, "x")
	if err := errors.Join(l.CloseWrite(), l.Close()); err != nil {
		t.Fatal(err)
	}
	var ch Chunk
	_, appendErr := l.Append(fullBatch(1))
	_, cursorErr := l.Cursor("b", StartOldest)
	for what, err := range map[string]error{
		"append": appendErr, "cursor": cursorErr, "next": c.Next(t.Context(), &ch), "commit": c.Commit(1),
		"space": l.WaitSpace(t.Context()), "synced": l.WaitSynced(t.Context(), 9), "close": l.Close(),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := l.WaitSynced(t.Context(), 1); err != nil {
		t.Errorf("a record that was synced: %v", err)
	}
}

// TestMemory: what an open log holds in memory does not depend on its size but for a few words a
// segment.
func TestMemory(t *testing.T) {
	fsys := diskFS(t)
	cfg := testConfig()
	cfg.Sync = SyncNever
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	var small int64
	for round := range 2 {
		before := heap()
		l := openSmall(t, fsys, cfg, 8<<10)
		opened := heap() - before
		if round == 0 {
			small = opened
			for range 1000 {
				if _, err := l.Append(fullBatch(10)); err != nil {
					t.Fatal(err)
				}
				if err := l.flush(flushAll, false); err != nil {
					t.Fatal(err)
				}
			}
		} else if n := l.Stats().Segments; n < 500 || (opened-small)/int64(n) > 1000 {
			t.Errorf("%d bytes more for %d segments", opened-small, n)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
