package test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vswarden/linkwatch/netns"
)

// inNamespace puts the test's thread, and every process it starts, into a network namespace of its own.
func inNamespace(t *testing.T) {
	t.Helper()
	netns.Enter(t, "bash", "tcpdump")
	built(t)
}

func shell(t *testing.T, command string) string {
	t.Helper()
	out, err := exec.Command("bash", "-c", command).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

// metricsWithin reads the metrics of a process in the namespace: our own HTTP client is not in it.
func metricsWithin(t *testing.T, p *instance) metrics {
	t.Helper()
	host, port, err := net.SplitHostPort(p.note.Admin)
	if err != nil {
		t.Fatal(err)
	}
	answer := shell(t, fmt.Sprintf(`exec 3<>/dev/tcp/%s/%s; printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3; cat <&3`, host, port))
	_, body, ok := strings.Cut(answer, "\r\n\r\n")
	if !ok {
		t.Fatalf("answer %q", answer)
	}
	return parseMetrics(t, body)
}

// waitEvent returns the first event of a file that satisfies want.
func waitEvent(t *testing.T, path, what string, want func(object) bool) object {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		whole := string(text[:strings.LastIndexByte(string(text), '\n')+1])
		for _, o := range objects(t, whole) {
			if want(o) {
				return o
			}
		}
		if time.Now().After(end) {
			t.Fatalf("no event: %s\n%s", what, whole)
		}
	}
}

// Links are watched inside run (netlink://) and by a process of its own that sends to it.
func TestLinkwatch(t *testing.T) {
	inNamespace(t)
	data := t.TempDir()
	out := filepath.Join(data, "events.ndjson")
	p := start(t, "-c", writeConfig(t, fmt.Sprintf(`
data_dir: %q
listeners: [{name: links, address: "netlink://"}, {name: tcp, address: "tcp://127.0.0.1:0"}]
admin: {listen: "127.0.0.1:0"}
log: {min_free: 1MiB}
sinks: [{name: events, type: file, detail: full, file: {path: %q}}]
`, data, out)))
	watch := exec.Command(programs.vswarden, "linkwatch", "--to", "tcp://"+p.address(t, "tcp"))
	watch.Stderr = os.Stderr
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = watch.Process.Kill() }) // it may be gone
	from := func(transport string, fields ...string) {
		t.Helper()
		waitEvent(t, out, transport+" "+strings.Join(fields, " "), func(o object) bool {
			for _, f := range append(fields, "vmware.receiver.transport="+transport) {
				if name, value, _ := strings.Cut(f, "="); o.text(name) != value {
					return false
				}
			}
			return true
		})
	}
	both := func(fields ...string) { t.Helper(); from("netlink", fields...); from("tcp", fields...) }

	both("event.dataset=linux.promiscuous", "event.kind=state", "event.action=link-found", "vmware.linux.device=lo")
	shell(t, "ip link add br0 type bridge && ip link set br0 up && ip link add tap0 type veth peer name guest0 && ip link set tap0 up && ip link set guest0 up && ip link set tap0 master br0")
	both("event.dataset=linux.bridge", "event.action=bridge-port-added", "vmware.linux.device=tap0", "vmware.linux.bridge=br0")
	both("event.dataset=linux.promiscuous", "event.action=promiscuous-mode-entered", "vmware.linux.device=tap0", "vmware.linux.reason=bridge_membership", "event.severity=21")
	capture := exec.Command("tcpdump", "-i", "tap0", "-n", "-w", os.DevNull)
	if err := capture.Start(); err != nil {
		t.Fatal(err)
	}
	both("event.action=promiscuity-raised", "vmware.linux.device=tap0", "vmware.linux.promiscuity=2", "vmware.linux.reason=capture", "event.severity=47")
	_ = capture.Process.Signal(syscall.SIGINT) // it may be gone
	_ = capture.Wait()                         // how it ends does not matter
	both("event.action=promiscuity-lowered", "vmware.linux.device=tap0")
	shell(t, "ip link set br0 promisc on && ip link set br0 type bridge ageing_time 0")
	both("event.action=promiscuous-mode-entered", "vmware.linux.device=br0", "vmware.linux.reason=bridge_itself", "event.severity=73")
	both("event.dataset=linux.bridge", "event.action=bridge-became-hub", "vmware.linux.device=br0", "vmware.linux.ageing_ms=0", "event.severity=73")
	shell(t, "ip link del tap0")
	both("event.action=link-removed", "vmware.linux.device=tap0")

	if err := watch.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := watch.Wait(); err != nil {
		t.Errorf("linkwatch: %v", err)
	}
	var m metrics
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if m = metricsWithin(t, p); m.sum("vswarden_cursor_lag_records") == 0 {
			break
		} else if time.Now().After(end) {
			t.Fatal("the sink is behind")
		}
	}
	books(t, m)
	if m.sum("vswarden_frames_received_total", `transport="netlink"`) == 0 {
		t.Error("no frame of netlink was counted")
	}
	if n := m.sum("vswarden_frames_received_total", `transport="tcp"`); n == 0 {
		t.Error("no frame of the sender was counted")
	}
	p.stop(t)
}

// What it writes to standard output is what decode reads. Without --foreground, timeout would send two signals, and the second one kills.
func TestLinkwatchToStandardOutput(t *testing.T) {
	inNamespace(t)
	shell(t, "ip link add br0 type bridge ageing_time 0")
	out := shell(t, "timeout --foreground --preserve-status 2 "+programs.vswarden+" linkwatch")
	events := objects(t, vswarden(t, out, "decode", "--no-group", "-").stdout)
	found := false
	for _, o := range events {
		if o.text("vmware.linux.device") == "" || o.text("event.kind") != "state" {
			t.Errorf("%v", o)
		}
		found = found || o.text("event.action") == "bridge-hub-found" && o.text("vmware.linux.device") == "br0"
	}
	if !found {
		t.Errorf("no hub in %s", out)
	}
}

// The real sysfs of a machine shows the same as netlink does.
func TestPostureOfThisMachinesSysfs(t *testing.T) {
	inNamespace(t)
	shell(t, "ip link add br0 type bridge ageing_time 0 && ip link set br0 promisc on && ip link add tap0 type veth peer name guest0 && ip link set tap0 master br0 && ip link set tap0 up")
	out := shell(t, "unshare -m bash -c 'mount -t sysfs none /sys && "+programs.vswarden+" posture --sysfs /sys -o json'")
	var doc struct {
		Devices []struct {
			Device, Bridge, Reason string
			Promiscuous            bool
			Permits                []string
			Exposed                []string
			Ageing                 *int64 `json:"ageing_ms"`
			Flood                  *bool  `json:"unicast_flood"`
		}
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	seen := 0
	for _, d := range doc.Devices {
		switch d.Device {
		case "br0":
			seen++
			if !d.Promiscuous || d.Reason != "bridge_itself" || strings.Join(d.Permits, " ") != "bridge-promiscuous hub" || d.Ageing == nil || *d.Ageing != 0 || strings.Join(d.Exposed, " ") != "tap0" {
				t.Errorf("%+v", d)
			}
		case "tap0":
			seen++
			if d.Bridge != "br0" || d.Reason != "bridge_membership" || d.Flood == nil || !*d.Flood || len(d.Permits) != 0 {
				t.Errorf("%+v", d)
			}
		}
	}
	if seen != 2 {
		t.Errorf("%s", out)
	}
}
