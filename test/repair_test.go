package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Issue 3, "Resolved when" 4: a sink that cannot write, then repaired, loses nothing.

func oneFileSink(t *testing.T, data, path string) string {
	t.Helper()
	return configured(t, data, "", fmt.Sprintf(`
sinks: [{name: events, type: file, file: {path: %q}}]
shutdown_timeout: 1s`, path))
}

func TestSinkThatCannotWriteIsRepairedByConfiguration(t *testing.T) {
	needFullDevice(t)
	data := t.TempDir()
	p := start(t, "-c", oneFileSink(t, data, "/dev/full"))
	s := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "5000", "-hosts", "5")
	m := p.kept(t, s.Sent)
	if lag := m.sum("vswarden_cursor_lag_records"); lag != float64(s.Sent) {
		t.Errorf("lag %v with a sink that takes nothing, want %d", lag, s.Sent)
	}
	books(t, m)
	p.stop(t) // Exit 0: nothing is delivered and all is safe on disk.
	if text, _ := os.ReadFile(p.log); strings.Count(string(text), "no space left on device") > 20 {
		t.Errorf("the same error is logged again and again:\n%s", p.logTail())
	}

	path := filepath.Join(data, "events.ndjson")
	p = start(t, "-c", oneFileSink(t, data, path))
	m = p.settle(t, 0)
	books(t, m)
	if n := m.sum("vswarden_cursor_backlog_records"); n != float64(s.Sent) {
		t.Errorf("backlog %v after the restart, want %d", n, s.Sent)
	}
	p.stop(t)
	fine(t, judged(t, path, "-expect", s.file))
}

func TestSinkThatCannotWriteIsRepairedUnderWay(t *testing.T) {
	needFullDevice(t)
	data := t.TempDir()
	path := filepath.Join(data, "events.ndjson")
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Fatal(err)
	}
	p := start(t, "-c", oneFileSink(t, data, path))
	s := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "5000", "-hosts", "5")
	p.kept(t, s.Sent)
	repaired, link := filepath.Join(data, "repaired.ndjson"), filepath.Join(data, "link")
	if err := os.WriteFile(repaired, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(repaired, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link, path); err != nil { // As ln -sfn does.
		t.Fatal(err)
	}
	m := p.settle(t, s.Sent)
	books(t, m)
	if n := m.sum("vswarden_events_dead_total"); n != 0 {
		t.Errorf("%v dead letters; a full disk is no reason for one", n)
	}
	p.stop(t)
	fine(t, judged(t, repaired, "-expect", s.file))
}
