package spool

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestFinalErrors: a failed fdatasync, a failed write and the like end the log for good, whatever
// happens afterwards; it opens again with all that was synced.
func TestFinalErrors(t *testing.T) {
	for name, fail := range map[string]func(op, name string) error{
		"fdatasync of a segment":        failOn("sync", segmentExt, syscall.EIO),
		"fdatasync without space":       failOn("sync", segmentExt, syscall.ENOSPC),
		"write to a segment":            failOn("write", segmentExt, syscall.EIO),
		"sync of the directory":         failOn("syncdir", "", syscall.EIO),
		"make of a segment":             failOn("create", segmentExt, syscall.EROFS),
		"write of the state":            failOn("write", stateName, syscall.EIO),
		"fdatasync of the state":        failOn("sync", stateName, syscall.EIO),
		"fdatasync of a cursor":         failOn("sync", cursorSuffix, syscall.EIO),
		"everything, as of a lost disk": func(string, string) error { return syscall.EIO },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { finalError(t, fail) })
		})
	}
}

func finalError(t *testing.T, fail func(op, name string) error) {
	fsys := newFaultFS(NewMemFS())
	l := openSmall(t, fsys, testConfig(), minSegment)
	c := cursor(t, l, "a", StartOldest)
	ended := make(chan error, 1)
	go func() { ended <- l.Run(t.Context()) }()
	appendSync := func() error {
		p, err := l.Append(fullBatch(100))
		if err == nil {
			err = l.WaitSynced(t.Context(), p)
		}
		return err
	}
	for range 5 {
		if err := appendSync(); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Second)
	fsys.set(fail)
	if err := c.Commit(1); err != nil && !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	var err error
	for range 10 { // Until a segment is full.
		if err = appendSync(); err != nil {
			break
		}
		time.Sleep(time.Second)
	}
	if err == nil {
		t.Fatal("nobody was told")
	}
	time.Sleep(time.Second)
	fsys.set(nil)
	final := <-ended
	if final == nil || !errors.Is(err, final) && err.Error() != final.Error() {
		t.Fatalf("Run returned %v, WaitSynced %v", final, err)
	}
	// Half alive would be worse than dead: the disk is well again, the log is not.
	var ch Chunk
	_, appendErr := l.Append(fullBatch(1))
	for what, got := range map[string]error{
		"append": appendErr, "synced": l.WaitSynced(t.Context(), 1000), "space": l.WaitSpace(t.Context()),
		"commit": c.Commit(2), "next": c.Next(t.Context(), &ch), "close write": l.CloseWrite(), "run": l.Run(t.Context()),
	} {
		if !errors.Is(got, final) && (got == nil || got.Error() != final.Error()) {
			t.Errorf("%s: %v, want %v", what, got, final)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	l = openSmall(t, fsys, testConfig(), minSegment)
	c = cursor(t, l, "a", StartOldest)
	if n := drain(t, c); n < 499 {
		t.Fatalf("%d of 500 synced records came back", n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestReadError: what the disk cannot read is one damage, and all around it comes.
func TestReadError(t *testing.T) {
	v := newVictim(t, 40, 6<<10)
	var ch Chunk
	for _, name := range v.segs {
		size := len(v.files[name])
		for from := 0; from < size; from += 512 {
			fsys := v.damaged(func(map[string][]byte) {})
			bad := &badSectorFS{crashFS: fsys, file: filepath.Join("log", name), from: int64(from), to: int64(from) + 512}
			l, err := Open(bad, "log", testConfig())
			if err != nil {
				t.Fatalf("%s, sector at %d: %v", name, from, err)
			}
			c := cursor(t, l, "fresh", StartOldest)
			var got []got
			skipped := 0
			for c.has() {
				if err := c.Next(t.Context(), &ch); err != nil {
					t.Fatalf("%s, sector at %d: %v", name, from, err)
				}
				got = collect(got, &ch)
				skipped += int(ch.Skipped)
			}
			// The unreadable unit is a page of 4 KiB.
			page := from / page * page
			lost := v.hit(name, edit(v.files[name], func(b []byte) {
				if page >= segmentStart || page+4096 > segmentStart {
					clear(b[max(page, segmentStart):min(page+4096, size)])
				}
			}))
			if len(got)+len(lost) != len(v.records) || skipped != len(lost) {
				t.Fatalf("%s, sector at %d: %d records, %d skipped; %d should be lost", name, from, len(got), skipped, len(lost))
			}
			if d := l.TakeDamage(); len(lost) > 0 && (len(d) == 0 || d[0].Kind != Corrupt) {
				t.Fatalf("%s, sector at %d: damage %+v", name, from, d)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// badSectorFS has a stretch of one file that cannot be read.
type badSectorFS struct {
	*crashFS
	file     string
	from, to int64
}

func (b *badSectorFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := b.crashFS.OpenFile(name, flag, perm)
	if err != nil || filepath.Clean(name) != b.file {
		return f, err
	}
	return badSectorFile{f, b}, nil
}

type badSectorFile struct {
	File
	fs *badSectorFS
}

func (f badSectorFile) ReadAt(b []byte, off int64) (int, error) {
	if off < f.fs.to && off+int64(len(b)) > f.fs.from {
		return 0, &fs.PathError{Op: "read", Path: f.fs.file, Err: syscall.EIO}
	}
	return f.File.ReadAt(b, off)
}

// TestDiskGone: a disk that reads nothing any more is an error, and nothing is skipped for it.
func TestDiskGone(t *testing.T) {
	fsys := newFaultFS(NewMemFS())
	l := openSmall(t, fsys, testConfig(), 0)
	c := cursor(t, l, "a", StartOldest)
	if _, err := l.Append(fullBatch(1000)); err != nil {
		t.Fatal(err)
	}
	if err := l.flush(flushAll, true); err != nil {
		t.Fatal(err)
	}
	l.warm = nil // or it would come from memory
	fsys.set(failOn("read", segmentExt, syscall.EIO))
	var ch Chunk
	if err := c.Next(t.Context(), &ch); !errors.Is(err, syscall.EIO) {
		t.Fatalf("next: %v", err)
	}
	fsys.set(nil)
	if n := drain(t, c); n != 1000 || l.TakeDamage() != nil {
		t.Fatalf("%d records when it came back", n)
	}
}

// TestUnusable: a directory that cannot be used is refused with its name and the reason.
func TestUnusable(t *testing.T) {
	for name, fail := range map[string]func(op, name string) error{
		"read only":       failOn("create", "", syscall.EROFS),
		"somebody else's": failOn("readdir", "", syscall.EACCES),
		"no inodes":       failOn("create", "", syscall.ENOSPC),
	} {
		_, err := Open(func() FS { f := newFaultFS(NewMemFS()); f.set(fail); return f }(), "log", testConfig())
		if err == nil || !strings.Contains(err.Error(), "log") {
			t.Errorf("%s: %v", name, err)
		}
	}
	under := NewMemFS()
	l := openSmall(t, under, testConfig(), 0)
	cursor(t, l, "a", StartOldest)
	appendRecords(t, l, "x")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, op := range []string{"readdir", "open", "read", "write", "sync"} {
		fsys := newFaultFS(under)
		fsys.set(failOn(op, "", syscall.EIO))
		if l, err := Open(fsys, "log", testConfig()); err == nil {
			_, err = l.Cursor("a", StartOldest)
			if err == nil {
				t.Errorf("%s fails and the log opens", op)
			}
			_ = l.Close()
		}
		fsys.set(nil)
		l := openSmall(t, fsys, testConfig(), 0)
		if n := drain(t, cursor(t, l, "a", StartOldest)); n > 1 {
			t.Errorf("after a failed %s: %d records", op, n)
		}
		if err := l.Close(); err != nil {
			t.Errorf("after a failed %s: %v", op, err)
		}
	}
	// A file where the directory should be.
	if _, err := Open(OSFS{}, "/dev/null/log", testConfig()); err == nil {
		t.Error("opened a log under a file")
	}
}

// TestRemoveFails: a segment that cannot be removed is tried again, and stops nothing.
func TestRemoveFails(t *testing.T) {
	fsys := newFaultFS(NewMemFS())
	cfg := testConfig()
	cfg.Retain = Retain{}
	l := openSmall(t, fsys, cfg, minSegment)
	c := cursor(t, l, "a", StartOldest)
	for range 10 {
		if _, err := l.Append(fullBatch(200)); err != nil {
			t.Fatal(err)
		}
		if err := l.flush(flushAll, true); err != nil {
			t.Fatal(err)
		}
	}
	drain(t, c)
	fsys.set(failOn("remove", segmentExt, syscall.EBUSY))
	before := l.Stats().Segments
	if err := l.tidy(); err != nil || l.Stats().Segments != before {
		t.Fatalf("%v, %d of %d segments", err, l.Stats().Segments, before)
	}
	fsys.set(nil)
	if err := l.tidy(); err != nil || l.Stats().Segments != 1 {
		t.Fatalf("%v, %d segments", err, l.Stats().Segments)
	}
}
