package test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Issue 8: SIGHUP renews the detections of a running program. Two hosts that it remembers are silent, for
// 40 and for 20 minutes; each is told as soon as the rules say so, and never twice.
func TestHangupRenewsTheDetections(t *testing.T) {
	needSignals(t)
	data := t.TempDir()
	now, minute := time.Now().UnixNano(), int64(time.Minute)
	memory := fmt.Sprintf(`{"version":1,"state":{"now":%d,"listened":%d,"hosts":{
		"192.0.2.1":{"name":"esx1","lines":100,"last":%d,"pause":%d,"seen":%d},
		"192.0.2.2":{"name":"esx2","lines":100,"last":%d,"pause":%d,"seen":%d}}}}`,
		now, 60*minute, 20*minute, minute, now-40*minute, 40*minute, minute, now-20*minute)
	if err := os.WriteFile(filepath.Join(data, "detect.json"), []byte(memory), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(data, "events.ndjson")
	config := configured(t, data, "", fmt.Sprintf(`detections: {silence: {enabled: false, after: 30m}}
sinks: [{name: events, type: file, file: {path: %q}}]`, out))
	p := start(t, "-c", config)
	reload := func(old, rule string) {
		t.Helper()
		text, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), old, rule, 1)
		if changed == string(text) {
			t.Fatalf("%q is not in the configuration", old)
		}
		if err := os.WriteFile(config, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		p.signal(t, syscall.SIGHUP)
	}
	stated := func(n float64) {
		t.Helper()
		p.waitFor(t, fmt.Sprintf("%v events of the detections", n), func(m metrics) bool {
			if got := m.sum("vswarden_detections_total"); got > n {
				t.Fatalf("%v events of the detections, want %v", got, n)
			}
			return m.sum("vswarden_detections_total") == n && m.sum("vswarden_events_delivered_total") == n+1
		})
	}
	talk(t, p, hostdHead+"info hostd[20] [Originator@6876 sub=Default] a line")()
	stated(0)
	reload("enabled: false", "enabled: true")
	stated(1)
	reload("after: 30m", "after: 10m")
	stated(2)
	reload("after: 10m", "after: 1s") // a fault: what was there stays
	books(t, p.settle(t, 1))
	p.stop(t)
	var told []string
	for _, e := range delivered(t, out) {
		if e.text("event.dataset") == "vswarden.alert" {
			told = append(told, e.text("host.name"))
		}
	}
	if slices.Sort(told); !slices.Equal(told, []string{"esx1", "esx2"}) { // rotated within one second, files have no order
		t.Errorf("told of %q", told)
	}
}
