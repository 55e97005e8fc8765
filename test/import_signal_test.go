package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An import once did not hear a signal: it went on reading, or working.
func TestImportEndsOnASignal(t *testing.T) {
	needSignals(t)
	built(t)
	data := filepath.Join(t.TempDir(), "data")
	if r := vswarden(t, netStats, "inventory", "import", "--data", data, "--host", "esx01", "-"); r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	snapshot := filepath.Join(data, "inventory", "snapshot")
	before, err := os.ReadFile(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		cmd := exec.CommandContext(t.Context(), programs.vswarden, "inventory", "import", "--data", data, "--host", "esx02", "-")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// More than a pipe holds: when it is written, the command is reading.
		if _, err := in.Write([]byte(strings.Repeat(netStats, 4096))); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }) // it says so below
		err = cmd.Wait()
		if !late.Stop() || err == nil {
			t.Errorf("%v: %v, want an end by the signal", sig, err)
		}
	}
	if after, err := os.ReadFile(snapshot); err != nil || string(after) != string(before) {
		t.Errorf("the snapshot has changed: %v", err)
	}
}
