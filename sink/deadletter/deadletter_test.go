package deadletter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vswarden/event"
	"vswarden/setting"
	"vswarden/sink"
	"vswarden/sink/sinktest"
)

func at() time.Time { return time.Date(2026, 9, 15, 10, 30, 0, 123456789, time.UTC) }

func mustOpen(t *testing.T, path string, size setting.Bytes, disk *sinktest.Disk) *File {
	t.Helper()
	f, err := open(path, "events", Config{MaxSize: size}, disk, at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func mustWrite(t *testing.T, f *File, l Letter) {
	t.Helper()
	if err := f.Write(t.Context(), l); err != nil {
		t.Fatalf("Write: %v", err)
	}
}

func read(t *testing.T, path string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(strings.Lines(string(b)))
}

func TestLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead", "events.ndjson")
	f := mustOpen(t, path, setting.MiB, &sinktest.Disk{})
	mustWrite(t, f, Letter{
		ID: event.NewID(1, 2), Received: at().UnixNano() - 1e9, Reason: "permanent",
		Err: errors.New("400 <bad> request"), Original: []byte("<181>a & b"),
	})
	mustWrite(t, f, Letter{
		ID: event.NewID(1, 3), Reason: "panic",
		Err: errors.New("panic: index"), Stack: []byte("goroutine 1\nmain"), Original: []byte("\xff\x00"),
	})
	want := []string{
		`{"@timestamp":"2026-09-15T10:30:00.123456Z","event":{"id":"0000000000000G000000000002","created":"2026-09-15T10:29:59.123456Z"},` +
			`"sink":"events","reason":"permanent","error":"400 <bad> request","original":"<181>a & b"}` + "\n",
		`{"@timestamp":"2026-09-15T10:30:00.123456Z","event":{"id":"0000000000000G000000000003"},"sink":"events","reason":"panic",` +
			`"error":"panic: index","stack":"goroutine 1\nmain","original_b64":"/wA="}` + "\n",
	}
	if got := read(t, path); !slices.Equal(got, want) {
		t.Errorf("%s", strings.Join(got, ""))
	}
	for name, mode := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700 | os.ModeDir} {
		if info, err := os.Stat(name); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, want %v, %v", name, info.Mode(), mode, err)
		}
	}
}

// TestBounded: two files, never more than the bound, the newest letters are there, what went is
// counted.
func TestBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.ndjson")
	disk := &sinktest.Disk{}
	const bound = 10_000
	f := mustOpen(t, path, bound, disk)
	var written int64
	for i := range 500 {
		l := Letter{ID: event.NewID(1, uint64(i)), Reason: "record", Original: []byte(strings.Repeat("x", i%50))}
		line, err := f.line(l)
		if err != nil {
			t.Fatal(err)
		}
		written += int64(len(line))
		mustWrite(t, f, l)
		if i%100 == 50 { // a restart
			if err := errors.Join(f.Sync(t.Context()), f.Close()); err != nil {
				t.Fatal(err)
			}
			written -= f.Forgotten()
			f = mustOpen(t, path, bound, disk)
		}
	}
	var left int64
	letters := append(read(t, path+older), read(t, path)...)
	for i, line := range letters {
		left += int64(len(line))
		var got letter
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		if want := event.NewID(1, uint64(500-len(letters)+i)).String(); got.Event.ID != want {
			t.Fatalf("letter %d is %s, want %s", i, got.Event.ID, want)
		}
	}
	if left > bound || left < bound/3 {
		t.Errorf("%d bytes are kept of at most %d", left, bound)
	}
	if written-f.Forgotten() != left {
		t.Errorf("%d bytes written and not forgotten, %d kept", written-f.Forgotten(), left)
	}
	mustWrite(t, f, Letter{Reason: "record", Original: []byte(strings.Repeat("y", 2*bound))}) // larger than all
	if got := read(t, path); len(got) != 1 || len(got[0]) < 2*bound {
		t.Errorf("%d letters", len(got))
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
}

// TestFullDisk: a letter that is not kept is an error, and half of it never stays.
func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.ndjson")
	disk := &sinktest.Disk{}
	disk.Fail("open", syscall.ENOSPC)
	f := mustOpen(t, path, setting.MiB, disk)
	if _, err := os.Stat(path); err == nil {
		t.Error("there is a file without a letter")
	}
	l := Letter{Reason: "record", Original: []byte("frame")}
	if err := f.Write(t.Context(), l); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Write: %v", err)
	}
	disk.Fail("open", nil)
	mustWrite(t, f, l)
	for room := range int64(80) {
		disk.Limit(room)
		if err := f.Write(t.Context(), l); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("Write: %v", err)
		}
	}
	disk.Unlimit()
	mustWrite(t, f, l)
	if err := f.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); len(got) != 2 || got[0] != got[1] {
		t.Errorf("%q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := errors.Join(f.Write(ctx, l), f.Sync(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
}

func TestSyncFailureIsFinal(t *testing.T) {
	disk := &sinktest.Disk{}
	f := mustOpen(t, filepath.Join(t.TempDir(), "events.ndjson"), setting.MiB, disk)
	mustWrite(t, f, Letter{Reason: "record"})
	disk.Fail("sync", syscall.EIO)
	for range 2 {
		if err := f.Sync(t.Context()); !errors.Is(err, sink.ErrUnsynced) {
			t.Errorf("Sync: %v", err)
		}
		disk.Fail("sync", nil)
	}
	if err := f.Write(t.Context(), Letter{}); !errors.Is(err, sink.ErrUnsynced) {
		t.Errorf("Write: %v", err)
	}
}

// TestRotationFails: nothing is lost and it heals.
func TestRotationFails(t *testing.T) {
	for _, op := range []string{"rename", "open", "sync directory"} {
		disk, path := &sinktest.Disk{}, filepath.Join(t.TempDir(), "events.ndjson")
		f := mustOpen(t, path, 1000, disk)
		big := Letter{Reason: "record", Original: []byte(strings.Repeat("x", 300))}
		mustWrite(t, f, big)
		disk.Fail(op, syscall.EIO)
		if err := f.Write(t.Context(), big); err == nil && op != "sync directory" {
			t.Errorf("%s: written", op)
		}
		disk.Fail(op, nil)
		mustWrite(t, f, big)
		if err := f.Sync(t.Context()); err != nil {
			t.Error(err)
		}
		if len(read(t, path)) != 1 || len(read(t, path+older)) != 1 {
			t.Errorf("%s: letters lost", op)
		}
	}
}

// TestTakenAway: an operator moves the letters to look at them.
func TestTakenAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.ndjson")
	f := mustOpen(t, path, setting.MiB, &sinktest.Disk{})
	mustWrite(t, f, Letter{Reason: "record"})
	if err := os.Rename(path, path+".look"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	mustWrite(t, f, Letter{Reason: "record"})
	if len(read(t, path)) != 1 || len(read(t, path+".look")) != 1 {
		t.Error("letters lost")
	}
}

func TestConcurrentWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.ndjson")
	f := mustOpen(t, path, setting.MiB, &sinktest.Disk{})
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 50 {
				l := Letter{ID: event.NewID(uint64(w), uint64(i)), Reason: "record", Err: fmt.Errorf("cause %d", i)}
				if err := errors.Join(f.Write(t.Context(), l), f.Sync(t.Context())); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	if got := read(t, path); len(got) != 200 {
		t.Errorf("%d letters", len(got))
	}
}

func TestValidate(t *testing.T) {
	if faults := DefaultConfig().Validate(); len(faults) != 0 {
		t.Errorf("default: %v", faults)
	}
	if faults := (Config{MaxSize: 5}).Validate(); len(faults) != 1 || faults[0].Path != "max_size" {
		t.Errorf("%v", faults)
	}
}
