package file

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"vswarden/sink"
	"vswarden/sink/sinktest"
)

// TestSuiteOnFullDisk runs the suite on a small file system that really is full.
func TestSuiteOnFullDisk(t *testing.T) {
	probe := t.TempDir()
	if err := syscall.Mount("tmpfs", probe, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("SKIPPED: mounting a file system needs root: %v", err)
	}
	if err := syscall.Unmount(probe, 0); err != nil {
		t.Fatal(err)
	}
	sinktest.Run(t, func(t *testing.T) sinktest.Harness {
		cfg := config(t.TempDir())
		dir := filepath.Dir(cfg.Path)
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=32m"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
				t.Errorf("unmount: %v", err)
			}
		})
		ballast := filepath.Join(dir, "ballast")
		return sinktest.Harness{
			Open: func(t *testing.T) sink.Sink {
				s, err := Open(cfg, time.Now)
				if err != nil {
					t.Fatal(err)
				}
				return s
			},
			Read: func(t *testing.T) []string { return readLines(t, cfg.Path) },
			Break: func(t *testing.T) {
				var room syscall.Statfs_t
				if err := syscall.Statfs(dir, &room); err != nil {
					t.Fatal(err)
				}
				left := int64(room.Bfree)*room.Bsize - 20_000
				if err := os.WriteFile(ballast, bytes.Repeat([]byte("b"), int(left)), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			Repair: func(t *testing.T) {
				if err := os.Remove(ballast); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

// TestFileSizeLimit meets a real short write without root: a child process with RLIMIT_FSIZE.
func TestFileSizeLimit(t *testing.T) {
	const limit = 10_000
	if path := os.Getenv("VSWARDEN_TEST_FSIZE"); path != "" {
		fileSizeLimitChild(t, path, limit)
		return
	}
	path := filepath.Join(t.TempDir(), "events.ndjson")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFileSizeLimit$", "-test.v")
	child.Env = append(os.Environ(), "VSWARDEN_TEST_FSIZE="+path)
	if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "EFBIG met") {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := readLines(t, path); len(got) != 1000 || slices.Compare(got, slices.Sorted(slices.Values(got))) != 0 {
		t.Errorf("%d lines, want 1000 in order", len(got))
	}
}

func fileSizeLimitChild(t *testing.T, path string, limit uint64) {
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.Path = path
	s := mustOpen(t, cfg, newClock(), &sinktest.Disk{})
	var texts []string
	for i := range 1000 {
		texts = append(texts, "line "+string(rune('a'+i/100))+string(rune('a'+i/10%10))+string(rune('a'+i%10))+" xxxxxxxxxxxxx")
	}
	var verdicts sink.Errors
	err := s.Write(t.Context(), batchOf(texts...))
	if !errors.As(err, &verdicts) || !errors.Is(verdicts[len(verdicts)-1], syscall.EFBIG) {
		t.Fatalf("Write: %v", err)
	}
	t.Log("EFBIG met")
	stored := slices.IndexFunc(verdicts, func(err error) bool { return err != nil })
	if got := readLines(t, path); len(got) != stored || stored == 0 {
		t.Fatalf("%d lines stored, %d acknowledged", len(got), stored)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, s, texts[stored:]...)
	mustSync(t, s)
}
