package test

import (
	"runtime"
	"strings"
	"testing"
)

func TestLinkwatchUsage(t *testing.T) {
	for _, args := range [][]string{{"--to", "collector"}, {"--to", "tcp://c"}, {"--ca", "x"}, {"--to", "udp://c:514", "--cert", "x"}, {"argument"}} {
		if r := vswarden(t, "", append([]string{"linkwatch"}, args...)...); r.code != 2 || r.stderr == "" {
			t.Errorf("%v: exit %d, %q", args, r.code, r.stderr)
		}
	}
	if runtime.GOOS != "linux" {
		if r := vswarden(t, "", "linkwatch"); r.code != 2 || !strings.Contains(r.stderr, "Linux only") {
			t.Errorf("exit %d, %q", r.code, r.stderr)
		}
	}
}

func TestNetlinkListenerFaults(t *testing.T) {
	r := vswarden(t, "", "check", "-c", writeConfig(t, `
listeners:
  - {address: "netlink://eth0"}
  - {address: "netlink://", allow: [10.0.0.0/8]}
`))
	if r.code != 2 || !strings.Contains(r.stderr, "listeners[0].address") || !strings.Contains(r.stderr, "listeners[1].address") {
		t.Errorf("exit %d, %s", r.code, r.stderr)
	}
}
