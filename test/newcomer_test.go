package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMisspelledDataDirectory names a directory where no vswarden ever ran: that is said, and none is made.
func TestMisspelledDataDirectory(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "vswraden-data")
	for _, args := range []string{"cursors list", "cursors set events oldest", "cursors drop events", "replay --from spool"} {
		r := vswarden(t, "", append(strings.Fields(args), "--data", missing)...)
		if r.code != 2 || !strings.Contains(r.stderr, "is --data right?") || r.stdout != "" {
			t.Errorf("%s: exit %d: %s%s", args, r.code, r.stdout, r.stderr)
		}
		if _, err := os.Stat(missing); err == nil {
			t.Fatalf("%s made the directory", args)
		}
	}
}

// TestNoPlaceInTheLog moves a cursor to what is no place: the answer is what to write, without a word of Go.
func TestNoPlaceInTheLog(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := start(t, "--data", data)
	p.stop(t)
	for _, to := range []string{"banana", "99999999999999999999", "-- -1"} {
		r := vswarden(t, "", append([]string{"cursors", "set", "--data", data, "events"}, strings.Fields(to)...)...)
		if r.code != 2 || !strings.Contains(r.stderr, "write oldest, newest or a record number") || strings.Contains(r.stderr, "strconv") {
			t.Errorf("%s: exit %d: %s", to, r.code, r.stderr)
		}
	}
}

// TestControlCharactersInErrors names a file as nobody would: what a terminal could obey is escaped on standard error too.
func TestControlCharactersInErrors(t *testing.T) {
	t.Parallel()
	const name = "messages\x1b[2J\u009b31m\a.gz"
	for _, args := range [][]string{{"decode", name}, {"inventory", "import", "--data", filepath.Join(t.TempDir(), "d"), name}, {"check", "-c", name}, {"port", name, "--host", "h"}} {
		r := vswarden(t, "", args...)
		if r.code == 0 || strings.ContainsAny(r.stderr, "\x1b\u009b\a") || !strings.Contains(r.stderr, `[2J`) {
			t.Errorf("%s: exit %d: %q", args[0], r.code, r.stderr)
		}
	}
}

// TestPortCommandsCanBeCopied reads the answer as JSON: a command in it holds &, not its escape.
func TestPortCommandsCanBeCopied(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "d")
	if r := vswarden(t, netStats, "inventory", "import", "--data", data, "--host", "esx01", "-"); r.code != 0 {
		t.Fatalf("import: exit %d: %s", r.code, r.stderr)
	}
	r := vswarden(t, "", "port", "67108870", "--host", "esx01", "--data", data, "-o", "json")
	if !strings.Contains(r.stdout, ".pcap & pktcap-uw") {
		t.Errorf("exit %d: %s", r.code, r.stdout)
	}
}
