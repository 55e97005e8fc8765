package file

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vswarden/sink"
	"vswarden/sink/sinktest"
)

// readLines returns the lines of all files of the sink at path, the oldest first.
func readLines(t *testing.T, path string) (out []string) {
	t.Helper()
	names, err := filepath.Glob(path + ".*Z*")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	if _, err := os.Stat(path); err == nil {
		names = append(names, path)
	}
	for _, name := range names {
		b := contents(t, name)
		for line := range strings.Lines(string(b)) {
			out = append(out, strings.TrimSuffix(line, "\n"))
		}
		if len(b) > 0 && b[len(b)-1] != '\n' {
			t.Errorf("%s ends inside a line", name)
		}
	}
	return out
}

// contents reads a plain or compressed file.
func contents(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, gzSuffix) {
		return b
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if b, err = io.ReadAll(z); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return b
}

// clock is a wall clock that tests set.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 9, 15, 10, 30, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// config is the default with a file in dir.
func config(dir string) Config {
	cfg := DefaultConfig()
	cfg.Path = filepath.Join(dir, "events.ndjson")
	return cfg
}

func mustOpen(t *testing.T, cfg Config, c *clock, disk *sinktest.Disk) *Sink {
	t.Helper()
	s, err := open(cfg, c.now, disk)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// batchOf makes records of the texts.
func batchOf(texts ...string) (batch []sink.Record) {
	for _, text := range texts {
		batch = append(batch, sink.Record{Value: []byte(text)})
	}
	return batch
}

func mustWrite(t *testing.T, s *Sink, texts ...string) {
	t.Helper()
	if err := s.Write(t.Context(), batchOf(texts...)); err != nil {
		t.Fatalf("Write: %v", err)
	}
}

func mustSync(t *testing.T, s *Sink) {
	t.Helper()
	if err := s.Sync(t.Context()); err != nil {
		t.Fatalf("Sync: %v", err)
	}
}

// names lists the files of dir.
func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("files:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestSuite(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Harness {
		disk, cfg := &sinktest.Disk{}, config(t.TempDir())
		return sinktest.Harness{
			Open:   func(t *testing.T) sink.Sink { return mustOpen(t, cfg, newClock(), disk) },
			Read:   func(t *testing.T) []string { return readLines(t, cfg.Path) },
			Break:  func(*testing.T) { disk.Limit(5000) },
			Repair: func(*testing.T) { disk.Unlimit() },
		}
	})
}

// TestSuiteRotating rotates all the time, and cannot even cut off what a full disk tore.
func TestSuiteRotating(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Harness {
		disk, cfg := &sinktest.Disk{}, config(t.TempDir())
		cfg.Rotate.Size, cfg.Rotate.Keep = 4096, 0
		return sinktest.Harness{
			Open: func(t *testing.T) sink.Sink { return mustOpen(t, cfg, newClock(), disk) },
			Read: func(t *testing.T) []string { return readLines(t, cfg.Path) },
			Break: func(*testing.T) {
				disk.Limit(10_001)
				disk.Fail("truncate", syscall.EIO)
			},
			Repair: func(*testing.T) {
				disk.Unlimit()
				disk.Fail("truncate", nil)
			},
		}
	})
}

// TestOneWriteABatch: a batch that fits is appended at once.
func TestOneWriteABatch(t *testing.T) {
	disk := &sinktest.Disk{}
	s := mustOpen(t, config(t.TempDir()), newClock(), disk)
	for range 7 {
		mustWrite(t, s, slices.Repeat([]string{strings.Repeat("x", 500)}, 500)...)
	}
	if n := disk.Calls("write"); n != 7 {
		t.Errorf("%d writes for 7 batches", n)
	}
}

// TestTornEnd opens a file that a crash left inside a line.
func TestTornEnd(t *testing.T) {
	cfg := config(t.TempDir())
	if err := os.WriteFile(cfg.Path, []byte("one\ntwo\nthr"), 0o640); err != nil {
		t.Fatal(err)
	}
	disk := &sinktest.Disk{}
	s := mustOpen(t, cfg, newClock(), disk)
	if s.Cut() != 3 {
		t.Errorf("Cut() = %d, want 3", s.Cut())
	}
	mustSync(t, s)
	if disk.Calls("sync") != 1 {
		t.Error("the cut was not synced")
	}
	mustWrite(t, s, "three")
	if got := readLines(t, cfg.Path); !slices.Equal(got, []string{"one", "two", "three"}) {
		t.Errorf("%q", got)
	}
}

// TestSyncMakesDurable: everything written and renamed reaches the disk in Sync, and nothing is
// synced that did not change.
func TestSyncMakesDurable(t *testing.T) {
	disk, cfg := &sinktest.Disk{}, config(t.TempDir())
	s := mustOpen(t, cfg, newClock(), disk)
	counts := func(wantSyncs, wantDirs int) {
		t.Helper()
		mustSync(t, s)
		if got := disk.Calls("sync"); got != wantSyncs {
			t.Errorf("%d file syncs, want %d", got, wantSyncs)
		}
		if got := disk.Calls("syncdir"); got != wantDirs {
			t.Errorf("%d directory syncs, want %d", got, wantDirs)
		}
	}
	counts(0, 1) // the file was made
	mustWrite(t, s, "a")
	counts(1, 1)
	counts(1, 1)
	mustWrite(t, s, "b")
	if err := s.Reopen(); err != nil {
		t.Fatal(err)
	}
	counts(2, 2) // the rotated file
	mustWrite(t, s, "c")
	if err := s.Reopen(); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, s, "d")
	counts(4, 3) // both
}

func TestSyncNever(t *testing.T) {
	disk, cfg := &sinktest.Disk{}, config(t.TempDir())
	cfg.Sync = SyncNever
	s := mustOpen(t, cfg, newClock(), disk)
	for range 20 {
		mustWrite(t, s, "a")
		if err := s.Reopen(); err != nil {
			t.Fatal(err)
		}
	}
	mustSync(t, s)
	if disk.Calls("sync")+disk.Calls("syncdir") != 0 || len(s.unsynced) != 0 {
		t.Error("synced, though never")
	}
}

// TestSyncFailureIsFinal: after a failed fsync the kernel may forget the pages and say yes the
// next time, so the sink does not ask again.
func TestSyncFailureIsFinal(t *testing.T) {
	for _, rotate := range []bool{false, true} {
		disk, cfg := &sinktest.Disk{}, config(t.TempDir())
		s := mustOpen(t, cfg, newClock(), disk)
		mustWrite(t, s, "a")
		if rotate {
			if err := s.Reopen(); err != nil {
				t.Fatal(err)
			}
		}
		disk.Fail("sync", syscall.EIO)
		if err := s.Sync(t.Context()); !errors.Is(err, sink.ErrUnsynced) || !errors.Is(err, syscall.EIO) {
			t.Errorf("Sync: %v", err)
		}
		disk.Fail("sync", nil)
		if err := s.Sync(t.Context()); !errors.Is(err, sink.ErrUnsynced) {
			t.Errorf("second Sync: %v", err)
		}
		if err := s.Write(t.Context(), batchOf("b")); !errors.Is(err, sink.ErrUnsynced) {
			t.Errorf("Write: %v", err)
		}
		s = mustOpen(t, cfg, newClock(), disk)
		mustWrite(t, s, "a", "b")
		mustSync(t, s)
	}
}

// TestDirectorySyncIsTriedAgain: it fails for want of a file descriptor, too, and that heals.
func TestDirectorySyncIsTriedAgain(t *testing.T) {
	disk := &sinktest.Disk{}
	s := mustOpen(t, config(t.TempDir()), newClock(), disk)
	mustWrite(t, s, "a")
	disk.Fail("syncdir", syscall.EMFILE)
	for range 2 {
		if err := s.Sync(t.Context()); err == nil || errors.Is(err, sink.ErrUnsynced) {
			t.Fatalf("Sync: %v", err)
		}
	}
	disk.Fail("syncdir", nil)
	mustSync(t, s)
}

// TestUnsyncedFilesAreBounded rotates without a Sync.
func TestUnsyncedFilesAreBounded(t *testing.T) {
	disk := &sinktest.Disk{}
	s := mustOpen(t, config(t.TempDir()), newClock(), disk)
	for range 100 {
		mustWrite(t, s, "a")
		if err := s.Reopen(); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.unsynced) != unsyncedMax || disk.Calls("sync") != 100-unsyncedMax {
		t.Errorf("%d files open, %d synced", len(s.unsynced), disk.Calls("sync"))
	}
}

// TestSyncBesideWritesAndRotations is for the race detector.
func TestSyncBesideWritesAndRotations(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.Rotate.Size, cfg.Rotate.Keep, cfg.Rotate.Gzip = 4096, 0, true
	s, err := Open(cfg, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var side, lanes sync.WaitGroup
	side.Go(func() {
		for ctx.Err() == nil {
			if err := s.Sync(t.Context()); err != nil {
				t.Errorf("Sync: %v", err)
			}
		}
	})
	side.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	side.Go(func() {
		for range 20 {
			if err := s.Reopen(); err != nil {
				t.Errorf("Reopen: %v", err)
			}
		}
	})
	for lane := range 4 {
		lanes.Go(func() {
			for i := range 200 {
				if err := s.Write(t.Context(), batchOf(fmt.Sprint(lane, " ", i), strings.Repeat("x", 200))); err != nil {
					t.Errorf("Write: %v", err)
				}
			}
		})
	}
	lanes.Wait()
	cancel()
	side.Wait()
	if err := errors.Join(s.Upkeep(), s.Sync(t.Context()), s.Close()); err != nil {
		t.Error(err)
	}
	if got := readLines(t, cfg.Path); len(got) != 4*200*2 {
		t.Errorf("%d lines, want %d", len(got), 4*200*2)
	}
}

// TestSomebodyElsesRotation: the file is renamed, removed or replaced under us.
func TestSomebodyElsesRotation(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(path string) error
		want []string // at the path
	}{
		{"renamed", func(p string) error { return os.Rename(p, p+".1") }, []string{"b"}},
		{"removed", os.Remove, []string{"b"}},
		{"replaced", func(p string) error {
			return errors.Join(os.Rename(p, p+".1"), os.WriteFile(p, []byte("theirs\n"), 0o600))
		}, []string{"theirs", "b"}},
		{"truncated", func(p string) error { return os.Truncate(p, 0) }, []string{"b"}},
	} {
		for _, how := range []string{"sync", "reopen"} {
			t.Run(test.name+" "+how, func(t *testing.T) {
				cfg := config(t.TempDir())
				s := mustOpen(t, cfg, newClock(), &sinktest.Disk{})
				mustWrite(t, s, "a")
				if err := test.do(cfg.Path); err != nil {
					t.Fatal(err)
				}
				if how == "sync" {
					mustSync(t, s)
				} else if err := s.Reopen(); err != nil {
					t.Fatal(err)
				}
				mustWrite(t, s, "b")
				mustSync(t, s)
				got := strings.Fields(string(contents(t, cfg.Path)))
				if !slices.Equal(got, test.want) {
					t.Errorf("%q, want %q", got, test.want)
				}
				if b, err := os.ReadFile(cfg.Path + ".1"); err == nil && string(b) != "a\n" {
					t.Errorf("renamed file: %q", b)
				}
			})
		}
	}
}

func TestOpenErrorsNameTheCure(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "nothing"), link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "missing", "events.ndjson"): "make it and let vswarden's user write there",
		dir:                     "name a file in it",
		link:                    "does not exist: make it, or name the file itself",
		"/dev/vswarden-nothing": "open device",
	} {
		s, err := Open(Config{Path: path, Sync: SyncAlways}, time.Now)
		if s != nil || err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	disk := &sinktest.Disk{}
	disk.Fail("open", fs.ErrPermission)
	if _, err := open(config(dir), time.Now, disk); err == nil || !strings.Contains(err.Error(), "let vswarden's user write in "+dir) {
		t.Errorf("permission: %v", err)
	}
}

// TestFullAtStart: no room even for a name; the program starts and the sink comes when there is.
func TestFullAtStart(t *testing.T) {
	cfg, disk := config(t.TempDir()), &sinktest.Disk{}
	disk.Fail("open", syscall.ENOSPC)
	s := mustOpen(t, cfg, newClock(), disk)
	if err := s.Write(t.Context(), batchOf("a")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Write: %v", err)
	}
	mustSync(t, s) // nothing was written
	disk.Fail("open", nil)
	mustWrite(t, s, "a")
}

// TestSymbolicLink writes and rotates the file that the link names.
func TestSymbolicLink(t *testing.T) {
	dir, target := t.TempDir(), t.TempDir()
	cfg := config(dir)
	if err := os.WriteFile(filepath.Join(target, "real.ndjson"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(target, "real.ndjson"), cfg.Path); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, cfg, newClock(), &sinktest.Disk{})
	mustWrite(t, s, "a")
	if err := s.Reopen(); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, s, "b")
	wantNames(t, dir, "events.ndjson")
	wantNames(t, target, "real.ndjson", "real.ndjson.20260915T103000.000Z")
	if got := string(contents(t, cfg.Path)); got != "b\n" {
		t.Errorf("%q behind the link", got)
	}
}

func TestValidate(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Path = "/var/log/events.ndjson"
	if faults := cfg.Validate(); len(faults) != 0 {
		t.Errorf("default: %v", faults)
	}
	bad := Config{Path: "/var/log/", Rotate: Rotate{Size: 5, Age: time.Millisecond, Keep: -1}, Sync: "sometimes"}
	var paths []string
	for _, f := range append(bad.Validate(), Config{Sync: SyncAlways}.Validate()...) {
		paths = append(paths, f.Path)
	}
	if want := []string{"path", "rotate.size", "rotate.age", "rotate.keep", "sync", "path"}; !slices.Equal(paths, want) {
		t.Errorf("faults at %v, want %v", paths, want)
	}
}
