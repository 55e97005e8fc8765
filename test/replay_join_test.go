package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Log files that hosts kept are joined with the inventory of the time of their lines.
func TestReplayOfFilesIsJoined(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	for at, text := range map[string]string{
		"2026-09-15T10:00:00Z": netStats,
		"2026-09-15T12:00:00Z": strings.NewReplacer("web-01", "other-01", "5a:ba", "5a:cc").Replace(netStats), // has the port since
	} {
		if r := vswarden(t, text, "inventory", "import", "--data", data, "--host", "esx01", "--at", at, "-"); r.code != 0 {
			t.Fatalf("import: exit %d\n%s", r.code, r.stderr)
		}
	}
	config := writeConfig(t, fmt.Sprintf("data_dir: %q\nsinks: [{name: out, type: stdout}]", data))
	const text = ` cpu3:2097)etherswitch: L2Sec_EnforcePortCompliance:226: `
	const named, bare = `client web-01.eth0 requested promiscuous mode on port 0x4000006, disallowed by vswitch policy`, `0x4000006: peer not allowed promiscuous, revoking setting`
	const forged = `client other-01.eth0 requested promiscuous mode on port 0x4000006, disallowed by vswitch policy`

	write := func(name string, lines ...string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	joined := func(o object) (vm, status string, confidence float64) {
		c, _ := strconv.ParseFloat(o.text("vmware.enrichment.confidence"), 64) // 0 where there is none
		return o.text("vmware.vm.name"), o.text("vmware.enrichment.status"), c
	}

	// As a collector keeps them: the header names the host.
	collected := write("hosts.log",
		"2026-09-15T10:00:05.000Z esx01 vmkernel:"+text+named,
		"2026-09-15T10:00:06.000Z esx01 vmkernel:"+text+bare,
		"2026-09-15T12:00:01.000Z esx01 vmkernel:"+text+forged,
		"2026-09-15T10:00:07.000Z esx99 vmkernel:"+text+named,
	)
	for _, o := range replayed(t, 4, "--from", "files", "-c", config, collected) {
		vm, status, confidence := joined(o)
		switch at := o.text("@timestamp"); at {
		case "2026-09-15T10:00:05.000Z":
			if vm != "web-01" || confidence < 0.9 || o.text("host.name") != "esx01" {
				t.Errorf("%s: %q %s %v", at, vm, status, confidence)
			}
		case "2026-09-15T10:00:06.000Z":
			if vm != "web-01" || confidence == 0 || confidence > 0.8 {
				t.Errorf("%s, a line that names nobody: %q %s %v", at, vm, status, confidence)
			}
		case "2026-09-15T12:00:01.000Z":
			if vm != "other-01" {
				t.Errorf("%s: %q %s %v", at, vm, status, confidence)
			}
		default:
			if vm != "" || status != "unresolved" {
				t.Errorf("%s, of a host nobody knows: %q %s %v", at, vm, status, confidence)
			}
		}
		if o.text("event.created") != "" {
			t.Errorf("received at %s, of which a file says nothing", o.text("event.created"))
		}
	}

	// As ESXi keeps them: the user says whose they are.
	own := write("vmkernel.log", "2026-09-15T10:00:05.000Z"+text+named)
	if o := replayed(t, 1, "--from", "files", "-c", config, own)[0]; o.text("vmware.vm.name") != "" || o.text("vmware.enrichment.status") != "unresolved" {
		t.Errorf("without a host: %v", o)
	}
	if o := replayed(t, 1, "--from", "files", "--host", "ESX01", "-c", config, own)[0]; o.text("vmware.vm.name") != "web-01" || o.text("host.name") != "esx01" {
		t.Errorf("with its host: %v", o)
	}
	if r := vswarden(t, "", "replay", "--from", "kafka", "--host", "esx01", "-c", config); r.code != 2 || !strings.Contains(r.stderr, "--host") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}
