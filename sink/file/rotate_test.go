package file

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"vswarden/sink/sinktest"
)

const stamp0 = ".20260915T103000.000Z"

func TestRotateBySize(t *testing.T) {
	cfg, c := config(t.TempDir()), newClock()
	cfg.Rotate.Size, cfg.Rotate.Keep = 4096, 0
	s := mustOpen(t, cfg, c, &sinktest.Disk{})
	var want []string
	for i := range 300 {
		want = append(want, fmt.Sprintf("%d %s", i, strings.Repeat("x", i)))
	}
	mustWrite(t, s, want...) // one batch over many files
	mustWrite(t, s, strings.Repeat("y", 10_000), "z")
	want = append(want, strings.Repeat("y", 10_000), "z")
	if got := readLines(t, cfg.Path); !slices.Equal(got, want) {
		t.Errorf("%d lines, want %d, or their order differs", len(got), len(want))
	}
	large := 0
	for _, name := range names(t, filepath.Dir(cfg.Path)) {
		info, err := os.Stat(filepath.Join(filepath.Dir(cfg.Path), name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > 4096 {
			large++
		}
		if info.Size() == 0 {
			t.Errorf("%s is empty", name)
		}
	}
	if large != 1 {
		t.Errorf("%d files are larger than they may be, want the one with the long line", large)
	}
}

func TestRotateByAge(t *testing.T) {
	cfg, c, disk := config(t.TempDir()), newClock(), &sinktest.Disk{}
	dir := filepath.Dir(cfg.Path)
	cfg.Rotate.Age = time.Hour
	s := mustOpen(t, cfg, c, disk)
	mustWrite(t, s, "a")
	c.add(59 * time.Minute)
	mustWrite(t, s, "b")
	wantNames(t, dir, "events.ndjson")
	c.add(time.Minute)
	mustWrite(t, s, "c")
	wantNames(t, dir, "events.ndjson", "events.ndjson.20260915T113000.000Z")

	// A restart does not make the file younger: it began with the rotation.
	_ = s.Close()
	c.add(30 * time.Minute)
	s = mustOpen(t, cfg, c, disk)
	mustWrite(t, s, "d")
	c.add(31 * time.Minute)
	mustWrite(t, s, "e")
	wantNames(t, dir, "events.ndjson", "events.ndjson.20260915T113000.000Z", "events.ndjson.20260915T123100.000Z")

	// The clock is set back by a year: the file does not live for a year and an hour.
	c.add(-365 * 24 * time.Hour)
	mustWrite(t, s, "f")
	c.add(time.Hour)
	mustWrite(t, s, "g")
	if n := len(names(t, dir)); n != 4 {
		t.Errorf("%d files, want 4: %v", n, names(t, dir))
	}
	if got := readLines(t, cfg.Path); !slices.Equal(got, []string{"a", "b", "c", "d", "e", "f", "g"}) {
		t.Errorf("%q", got)
	}
}

// TestRunRotatesByAge: an old file is rotated though nothing is written any more; an empty one stays.
func TestRunRotatesByAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(t.TempDir())
		cfg.Rotate.Age = time.Hour
		s, err := Open(cfg, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, s, "a")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if n := len(names(t, filepath.Dir(cfg.Path))); n != 2 {
			t.Errorf("%d files, want the live one and one older", n)
		}
		_ = s.Close()
	})
}

// TestNamesAreNeverReused: many rotations in one millisecond, a clock that goes back, restarts, and
// files that were removed meanwhile.
func TestNamesAreNeverReused(t *testing.T) {
	cfg, c, disk := config(t.TempDir()), newClock(), &sinktest.Disk{}
	cfg.Rotate.Keep = 3
	seen := map[string]bool{}
	s := mustOpen(t, cfg, c, disk)
	newest := ""
	for i := range 60 {
		mustWrite(t, s, fmt.Sprint(i))
		if err := s.Reopen(); err != nil {
			t.Fatal(err)
		}
		all := names(t, filepath.Dir(cfg.Path))
		name := all[len(all)-1]
		if seen[name] || name <= newest {
			t.Fatalf("rotation %d: %s after %s", i, name, newest)
		}
		seen[name], newest = true, name
		switch i % 10 {
		case 3:
			c.add(-time.Hour)
		case 6:
			_ = s.Close()
			s = mustOpen(t, cfg, c, disk)
		}
	}
}

func TestNameTaken(t *testing.T) {
	cfg := config(t.TempDir())
	s := mustOpen(t, cfg, newClock(), &sinktest.Disk{})
	for _, name := range []string{cfg.Path + stamp0, cfg.Path + ".20260915T103000.001Z.gz"} {
		if err := os.WriteFile(name, []byte("theirs\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustWrite(t, s, "ours")
	if err := s.Reopen(); err != nil {
		t.Fatal(err)
	}
	if got := string(contents(t, cfg.Path+".20260915T103000.002Z")); got != "ours\n" {
		t.Errorf("%q", got)
	}
	if got := string(contents(t, cfg.Path+stamp0)); got != "theirs\n" {
		t.Errorf("theirs is %q", got)
	}
}

func TestReopenKeepsAnEmptyFile(t *testing.T) {
	cfg := config(t.TempDir())
	s := mustOpen(t, cfg, newClock(), &sinktest.Disk{})
	for range 3 {
		if err := s.Reopen(); err != nil {
			t.Fatal(err)
		}
	}
	wantNames(t, filepath.Dir(cfg.Path), "events.ndjson")
}

// TestKeep removes the oldest of ours and nothing else.
func TestKeep(t *testing.T) {
	cfg, c := config(t.TempDir()), newClock()
	dir := filepath.Dir(cfg.Path)
	cfg.Rotate.Keep = 2
	foreign := []string{
		"events.ndjson.1", "events.ndjson.20200101T000000.000Z.bak", "events.ndjson.20201301T000000.000Z",
		"events.ndjson.20200101T000000Z", "events.ndjson.notes", "other.ndjson.20200101T000000.000Z",
	}
	for _, name := range foreign {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("theirs\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(cfg.Path+".20190101T000000.000Z", 0o700); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, cfg, c, &sinktest.Disk{})
	for i := range 6 {
		mustWrite(t, s, fmt.Sprint(i))
		c.add(time.Second)
		if err := s.Reopen(); err != nil {
			t.Fatal(err)
		}
	}
	want := append(slices.Clone(foreign), "events.ndjson", "events.ndjson.20190101T000000.000Z",
		"events.ndjson.20260915T103005.000Z", "events.ndjson.20260915T103006.000Z")
	slices.Sort(want)
	wantNames(t, dir, want...)
}

// TestGzip compresses each file after the rotation that follows its own, and clears away what a
// crash left.
func TestGzip(t *testing.T) {
	cfg, c, disk := config(t.TempDir()), newClock(), &sinktest.Disk{}
	dir := filepath.Dir(cfg.Path)
	cfg.Rotate.Gzip, cfg.Rotate.Keep = true, 3
	s := mustOpen(t, cfg, c, disk)
	rotate := func(text string) {
		t.Helper()
		mustWrite(t, s, text)
		c.add(time.Second)
		if err := s.Reopen(); err != nil {
			t.Fatal(err)
		}
	}
	tidy := func() {
		t.Helper()
		if err := s.tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	rotate("a")
	tidy()
	wantNames(t, dir, "events.ndjson", "events.ndjson.20260915T103001.000Z")
	rotate("b")
	rotate(strings.Repeat("c", 3<<20))
	tidy()
	wantNames(t, dir, "events.ndjson", "events.ndjson.20260915T103001.000Z.gz", "events.ndjson.20260915T103002.000Z.gz",
		"events.ndjson.20260915T103003.000Z")

	// A crash between the rename and the removal of the source, and one inside the compression.
	for _, name := range []string{"02.000Z", "02.000Z.gz.tmp", "03.000Z.gz.tmp"} {
		if err := os.WriteFile(cfg.Path+".20260915T1030"+name, []byte("b\n"), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	tidy() // the source goes
	tidy() // what was half done goes
	wantNames(t, dir, "events.ndjson", "events.ndjson.20260915T103001.000Z.gz", "events.ndjson.20260915T103002.000Z.gz",
		"events.ndjson.20260915T103003.000Z")
	rotate("d")
	rotate("e")
	tidy()
	wantNames(t, dir, "events.ndjson", "events.ndjson.20260915T103003.000Z.gz", "events.ndjson.20260915T103004.000Z.gz",
		"events.ndjson.20260915T103005.000Z")
	if got := readLines(t, cfg.Path); !slices.Equal(got, []string{strings.Repeat("c", 3<<20), "d", "e"}) {
		t.Errorf("%d lines", len(got))
	}
}

// TestGzipFails keeps the source, says so, and ends soon with its context.
func TestGzipFails(t *testing.T) {
	cfg, c, disk := config(t.TempDir()), newClock(), &sinktest.Disk{}
	cfg.Rotate.Gzip = true
	s := mustOpen(t, cfg, c, disk)
	for _, text := range []string{strings.Repeat("a", 1<<20), "b"} {
		mustWrite(t, s, text)
		if err := s.Reopen(); err != nil {
			t.Fatal(err)
		}
	}
	want := names(t, filepath.Dir(cfg.Path))
	disk.Limit(100)
	if err := s.tidy(t.Context()); err == nil {
		t.Error("no error on a full disk")
	}
	wantNames(t, filepath.Dir(cfg.Path), want...)
	disk.Unlimit()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.tidy(ended); err == nil {
		t.Error("compressed with an ended context")
	}
	wantNames(t, filepath.Dir(cfg.Path), want...)

	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, cfg, c, disk) // its channels belong to this bubble
		disk.Limit(100)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		if s.Upkeep() == nil {
			t.Error("Upkeep knows nothing of a full disk")
		}
		disk.Unlimit()
		time.Sleep(upkeepInterval)
		synctest.Wait()
		if err := s.Upkeep(); err != nil {
			t.Errorf("Upkeep: %v", err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// TestRotationFails: an error of rename or of the new file is an error of Write; the lines are
// written once when it heals.
func TestRotationFails(t *testing.T) {
	for _, op := range []string{"rename", "open", "stat"} {
		cfg, c, disk := config(t.TempDir()), newClock(), &sinktest.Disk{}
		cfg.Rotate.Size = 4096
		s := mustOpen(t, cfg, c, disk)
		mustWrite(t, s, strings.Repeat("a", 4000))
		disk.Fail(op, syscall.EIO)
		for range 3 {
			if err := s.Write(t.Context(), batchOf(strings.Repeat("b", 500))); err == nil {
				t.Fatalf("%s: written", op)
			}
		}
		disk.Fail(op, nil)
		mustWrite(t, s, strings.Repeat("b", 500))
		mustSync(t, s)
		if got := readLines(t, cfg.Path); !slices.Equal(got, []string{strings.Repeat("a", 4000), strings.Repeat("b", 500)}) {
			t.Errorf("%s: %d lines", op, len(got))
		}
	}
	// Older files that cannot be removed do not stop the events; Run says so.
	cfg, c, disk := config(t.TempDir()), newClock(), &sinktest.Disk{}
	cfg.Rotate.Keep = 1
	s := mustOpen(t, cfg, c, disk)
	disk.Fail("remove", syscall.EACCES)
	for range 3 {
		mustWrite(t, s, "a")
		if err := s.Reopen(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.tidy(t.Context()); err == nil {
		t.Error("tidy says nothing")
	}
}
