package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Issue 3, "Resolved when" 5: a line for each fault, with path, value and cure, exit 2.
func TestEveryFaultIsTold(t *testing.T) {
	config := writeConfig(t, `
data_dir: x
listeners:
  - {name: a, address: "http://:514"}
  - {name: b, address: "udp://127.0.0.1:0", timezone: Mars/Olympus}
log: {sync: sometimes}
sinks:
  - {name: events, type: fil}
  - {name: second, type: stdout, detail: huge}
`)
	faults := [][]string{
		{"listeners[0].address: ", "http://:514", "udp"},
		{"listeners[1].timezone: ", "Mars/Olympus"},
		{"log.sync: ", "sometimes", "always"},
		{"sinks[0].type: ", "fil", "file"},
		{"sinks[1].detail: ", "huge", "compact"},
	}
	for _, command := range []string{"check", "run"} {
		r := vswarden(t, "", command, "-c", config)
		lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
		if r.code != 2 || len(lines) != len(faults) {
			t.Fatalf("%s: exit %d with %d lines, want 2 with %d:\n%s", command, r.code, len(lines), len(faults), r.stderr)
		}
		for _, want := range faults {
			found := false
			for _, line := range lines {
				if strings.HasPrefix(line, want[0]) {
					found = true
					for _, part := range want[1:] {
						if !strings.Contains(line, part) {
							t.Errorf("%s: %q does not say %q", command, line, part)
						}
					}
				}
			}
			if !found {
				t.Errorf("%s: no line begins with %q:\n%s", command, want[0], r.stderr)
			}
		}
	}
}

func TestUnknownKeysAreToldWithLineAndNearestKey(t *testing.T) {
	r := vswarden(t, "", "check", "-c", writeConfig(t, "data_dir: x\nlistenrs: []\n"))
	if r.code != 2 || !strings.Contains(r.stderr, "listenrs") || !strings.Contains(r.stderr, "listeners") || !strings.Contains(r.stderr, "2") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}

func TestReferenceConfigurationIsTaken(t *testing.T) {
	if r := vswarden(t, "", "check", "-c", "../configs/reference.yaml"); r.code != 0 {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}

func TestValuesAreExpanded(t *testing.T) {
	t.Setenv("VSWARDEN_TEST_SYNC", "sometimes")
	r := vswarden(t, "", "check", "-c", writeConfig(t, "log: {sync: \"${VSWARDEN_TEST_SYNC}\"}\ndata_dir: ${VSWARDEN_TEST_NONE:-x}\n"))
	if r.code != 2 || !strings.Contains(r.stderr, "sometimes") || strings.Contains(r.stderr, "data_dir") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}

func TestUsage(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	for _, args := range []string{
		"nonsense", "posture more", "port 1", "replay", "linkwatch more", "run --nonsense", "run more",
		"run -c " + missing, "check -c " + missing, "run --listen http://:1", "run --listen 127.0.0.1:0", "decode --detail huge", "decode --year x",
		"cursors set events --data " + missing,
	} {
		if r := vswarden(t, "", strings.Fields(args)...); r.code != 2 || r.stderr == "" {
			t.Errorf("%s: exit %d, want 2: %s%s", args, r.code, r.stdout, r.stderr)
		}
	}
	for args, want := range map[string]string{
		"decode --year abc -":    "--year abc: write a year from 1678 to 2261\n",
		"decode --year 99 -":     "--year 99: write a year from 1678 to 2261\n",
		"decode --no-group=no -": `invalid argument "no" for "--no-group" flag: write true or false; see: vswarden decode --help` + "\n",
	} {
		if r := vswarden(t, "", strings.Fields(args)...); r.code != 2 || r.stderr != want {
			t.Errorf("%s: exit %d, %q, want %q", args, r.code, r.stderr, want)
		}
	}
	for _, args := range []string{"version", "completion bash", "--help", "run --help", "cursors list --data " + t.TempDir()} {
		if r := vswarden(t, "", strings.Fields(args)...); r.code != 0 {
			t.Errorf("%s: exit %d: %s", args, r.code, r.stderr)
		}
	}
}

func TestDemo(t *testing.T) {
	built(t)
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	began := time.Now()
	r := vswarden(t, "", "demo")
	if took := time.Since(began); r.code != 0 || took > 20*time.Second {
		t.Errorf("exit %d after %v, want 0 within 20s: %s", r.code, took, r.stderr)
	}
	denials := 0
	for _, o := range objects(t, r.stdout) {
		if o.text("event.dataset") == "vmware.esxi.l2sec" {
			denials++
		}
	}
	if denials < 4 {
		t.Errorf("%d L2Sec events, want at least 4", denials)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it left %v behind (%v)", left, err)
	}
}

// The output of a program that is not on a terminal is for machines: its own log is JSON, and it
// says that it is ready.
func TestOwnLogIsJSON(t *testing.T) {
	needSignals(t)
	p := start(t, onLoopback(t, t.TempDir())...)
	p.stop(t)
	text, err := os.ReadFile(p.log)
	if err != nil {
		t.Fatal(err)
	}
	ready := false
	for line := range strings.Lines(string(text)) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Errorf("not JSON: %q", line)
		}
		ready = ready || o["message"] == "ready"
	}
	if !ready {
		t.Errorf("no line says ready:\n%s", text)
	}
}

func TestReadmeCommands(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"go run ./cmd/vswarden demo", "go test ./...", "esxcli system syslog config set --loghost=tcp://collector:1514", "esxcli network firewall ruleset set -r syslog -e true", "esxcli system syslog reload", `esxcli system syslog mark -s "vswarden test"`} {
		if !strings.Contains(string(text), command) {
			t.Errorf("README.md does not give the command: %s", command)
		}
	}
}
