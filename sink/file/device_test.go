//go:build unix

package file

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vswarden/sink"
	"vswarden/sink/sinktest"
)

// TestDevFull: every write fails, nothing is renamed, and Sync has nothing to say.
func TestDevFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here: ", err)
	}
	cfg := config("")
	cfg.Path, cfg.Rotate.Age, cfg.Rotate.Size = "/dev/full", time.Second, 4096
	s, err := Open(cfg, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.Write(t.Context(), batchOf("a", "b")); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Write: %v", err)
		}
	}
	if err := errors.Join(s.Sync(t.Context()), s.Reopen(), s.Close()); err != nil {
		t.Error(err)
	}
	info, err := os.Stat("/dev/full")
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		t.Fatalf("/dev/full is now %v, %v", info, err)
	}
	if found, _ := filepath.Glob("/dev/full.*"); len(found) > 0 {
		t.Errorf("made %v", found)
	}
}

func TestDevNull(t *testing.T) {
	s, err := Open(Config{Path: "/dev/null"}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, s, "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := errors.Join(s.Run(ctx), s.Close()); err != nil {
		t.Error(err)
	}
}

// reader reads a pipe into lines, and can pause.
type reader struct {
	mu    sync.Mutex
	pause sync.Mutex
	lines []string
}

func (r *reader) run(from io.Reader) {
	b := bufio.NewReader(from)
	for {
		r.pause.Lock()
		line, err := b.ReadString('\n')
		r.pause.Unlock()
		r.mu.Lock()
		if line != "" && line != "\n" { // Block writes empty ones
			r.lines = append(r.lines, strings.TrimSuffix(line, "\n"))
		}
		r.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// TestSuiteOnPipe runs the suite on a FIFO; a reader that pauses blocks it.
func TestSuiteOnPipe(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Harness {
		path := filepath.Join(t.TempDir(), "pipe")
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		r := &reader{}
		var done chan struct{}
		var ours *os.File // keeps the pipe open between two sinks
		return sinktest.Harness{
			Open: func(t *testing.T) sink.Sink {
				if done == nil {
					from, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
					if err != nil {
						t.Fatal(err)
					}
					if ours, err = os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0); err != nil {
						t.Fatal(err)
					}
					done = make(chan struct{})
					go func() { defer close(done); r.run(from); _ = from.Close() }()
				}
				s, err := Open(Config{Path: path}, time.Now)
				if err != nil {
					t.Fatal(err)
				}
				return s
			},
			Read: func(t *testing.T) []string {
				// All that was written lies in the pipe before this mark.
				if _, err := ours.WriteString("mark\n"); err != nil {
					t.Fatal(err)
				}
				for {
					r.mu.Lock()
					if n := len(r.lines); n > 0 && r.lines[n-1] == "mark" {
						r.lines = r.lines[:n-1]
						out := append([]string(nil), r.lines...)
						r.mu.Unlock()
						return out
					}
					r.mu.Unlock()
					time.Sleep(time.Millisecond)
				}
			},
			Block: func(t *testing.T) {
				// The reader may sit in a read: it takes one more line and then pauses.
				locked := make(chan struct{})
				go func() { r.pause.Lock(); close(locked) }()
				for {
					select {
					case <-locked:
						return
					default:
						if _, err := ours.WriteString("\n"); err != nil {
							t.Fatal(err)
						}
						time.Sleep(time.Millisecond)
					}
				}
			},
			Unblock: func(*testing.T) { r.pause.Unlock() },
		}
	})
}

// TestPipeWithoutReader: opening does not wait, writing says so, and it works once somebody reads.
func TestPipeWithoutReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Config{Path: path}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), batchOf("a")); err == nil || !strings.Contains(err.Error(), "nobody reads it") {
		t.Errorf("Write: %v", err)
	}
	for range 2 { // readers come and go
		from, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, s, "b")
		line := make([]byte, 100)
		if n, err := from.Read(line); err != nil || string(line[:n]) != "b\n" {
			t.Errorf("read %q, %v", line[:n], err)
		}
		_ = from.Close()
		if err := s.Write(t.Context(), batchOf("c")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("Write after the reader went: %v", err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("the pipe is now %v, %v", info, err)
	}
}

// TestMode: the mode is what it says, whatever the umask.
func TestMode(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	cfg, c := config(t.TempDir()), newClock()
	cfg.Rotate.Gzip = true
	s := mustOpen(t, cfg, c, &sinktest.Disk{})
	for range 3 {
		mustWrite(t, s, "a")
		if err := s.Reopen(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range names(t, filepath.Dir(cfg.Path)) {
		info, err := os.Stat(filepath.Join(filepath.Dir(cfg.Path), name))
		if err != nil || info.Mode() != 0o640 {
			t.Errorf("%s: mode %v, want -rw-r-----, %v", name, info.Mode(), err)
		}
	}
}

// An operator mends a sink that takes nothing by pointing its link at a file.
func TestDeviceThatFailsIsLookedAtAgain(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	dir := t.TempDir()
	link, target, fresh := filepath.Join(dir, "events"), filepath.Join(dir, "target"), filepath.Join(dir, "fresh")
	if err := os.Symlink("/dev/full", link); err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.Path = link
	s, err := Open(cfg, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	batch := []sink.Record{{Value: []byte("one")}, {Value: []byte("two")}}
	for range 2 {
		if err := s.Write(t.Context(), batch); err == nil {
			t.Fatal("/dev/full took events")
		}
	}
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, fresh); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, link); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(target); err != nil || string(got) != "one\ntwo\n" {
		t.Errorf("got %q, %v", got, err)
	}
}
