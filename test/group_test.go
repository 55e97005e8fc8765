package test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// talk sends lines over one TCP connection and leaves it open; the returned function closes it.
func talk(t *testing.T, p *instance, lines ...string) (end func()) {
	t.Helper()
	c, err := net.Dial("tcp", p.address(t, "tcp"))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if _, err := c.Write([]byte(l + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	return func() { _ = c.Close() } // All was written.
}

const hostdHead = "<166>2026-02-07T09:29:18.734Z esx1 Hostd: "

// Issue 8: lines that are one message are one event, in a running program as in decode; the books
// balance with what was grouped; security lines are there at once, whatever is held.
func TestGroupedWhileRunning(t *testing.T) {
	data := t.TempDir()
	config := configured(t, data, "", `group: {wait: 30s}
sinks: [{name: events, type: file, original: all, file: {path: "`+filepath.Join(data, "events.ndjson")+`"}}]`)
	p := start(t, "-c", config)
	defer talk(t, p, hostdHead+"info hostd[20] [Originator@6876 sub=Default] Fault: {", hostdHead+"-->    key = 1,", "   without a header", hostdHead+"--> }")()
	p.waitFor(t, "all lines in the log", func(m metrics) bool { return m.sum("vswarden_log_records_total") == 4 })
	if m := p.scrape(t); m.sum("vswarden_events_delivered_total") != 0 || m.sum("vswarden_cursor_lag_records") != 4 {
		t.Errorf("%v delivered, lag %v, although more may come for half a minute", m.sum("vswarden_events_delivered_total"), m.sum("vswarden_cursor_lag_records"))
	}
	books(t, p.scrape(t))
	defer talk(t, p, "<181>2026-02-07T09:29:18.735Z esx1 vmkernel: cpu1:2)etherswitch: L2Sec_EnforcePortCompliance:226: client vmk0 requested promiscuous mode on port 0x4000006, disallowed by vswitch policy")()
	m := p.waitFor(t, "the security line delivered, and what stood before it", func(m metrics) bool { return m.sum("vswarden_events_delivered_total") == 2 })
	if n := m.sum("vswarden_events_grouped_total"); n != 3 {
		t.Errorf("%v lines grouped, want 3", n)
	}
	books(t, p.settle(t, 5))
	p.stop(t)
	got := delivered(t, filepath.Join(data, "events.ndjson"))
	if len(got) != 2 || got[1].text("event.dataset") != "vmware.esxi.l2sec" {
		t.Fatalf("%d events: %v", len(got), got)
	}
	if msg := got[0].text("message"); !strings.HasSuffix(msg, "Fault: {\n   key = 1,\n   without a header\n}") || got[0].text("vmware.group.lines") != "4" {
		t.Errorf("message %q of %s lines", msg, got[0].text("vmware.group.lines"))
	}
	if o := got[0].text("event.original"); strings.Count(o, "\n") != 3 || !strings.HasSuffix(o, "\n"+hostdHead+"--> }") {
		t.Errorf("original %q", o)
	}
}

// Issue 8: a kill inside a group loses nothing and doubles nothing: the lines before it and the lines
// after it are one event, as if nothing had happened.
func TestKilledInsideAGroup(t *testing.T) {
	data := t.TempDir()
	out := filepath.Join(data, "events.ndjson")
	config := configured(t, data, "sync: always", `group: {wait: 60s}
sinks: [{name: events, type: file, original: all, file: {path: "`+out+`"}}]`)
	const rounds = 6
	sent := 0
	for round := range rounds {
		p := start(t, "-c", config)
		var lines []string
		if round == 0 {
			lines = append(lines, hostdHead+"info hostd[20] [Originator@6876 sub=Default] begin")
		}
		for i := range 5 {
			lines = append(lines, hostdHead+fmt.Sprintf("--> round %d line %d", round, i))
		}
		// Another host keeps the log and its cursor moving.
		lines = append(lines, fmt.Sprintf("<181>2026-02-07T09:29:18.735Z esx1 vmkernel: cpu1:2)World: 12075: of round %d", round))
		sent += len(lines)
		end := talk(t, p, lines...)
		p.waitFor(t, "the lines synced", func(m metrics) bool {
			return m.sum("vswarden_log_synced_records_total") == float64(len(lines))
		})
		time.Sleep(300 * time.Millisecond) // Cursors move five times a second: a wrong one would by now.
		books(t, p.scrape(t))
		p.kill(t)
		end()
	}
	p := start(t, "-c", config)
	end := talk(t, p, hostdHead+"info hostd[20] [Originator@6876 sub=Default] next", "<181>2026-02-07T09:29:19.735Z esx1 vmkernel: cpu1:2)etherswitch: L2Sec_EnforcePortCompliance:226: client vmk0 requested promiscuous mode on port 0x4000006, disallowed by vswitch policy")
	p.settle(t, 2)
	books(t, p.scrape(t))
	p.stop(t)
	end()
	ids, total, whole := map[string]string{}, 0, 0
	for _, e := range delivered(t, out) {
		id, msg := e.text("event.id"), e.text("message")
		if old, ok := ids[id]; ok {
			if old != msg {
				t.Errorf("event %s is %q and %q", id, old, msg)
			}
			continue
		}
		ids[id] = msg
		total += 1 + strings.Count(e.text("event.original"), "\n")
		if strings.Contains(msg, "begin\nround 0 line 0\n") {
			whole = strings.Count(msg, "\n")
		}
	}
	if total != sent+2 || whole != 5*rounds {
		t.Errorf("%d lines in events, %d sent; the group has %d lines behind its first, want %d", total, sent+2, whole, 5*rounds)
	}
}

// Issue 8: a flood is tagged from its 21st event of a minute on, a sink can leave it out, and one
// summary tells of it.
func TestFloodsAreTaggedFilteredAndSummedUp(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a minute to end")
	}
	t.Parallel()
	data := t.TempDir()
	all, few := filepath.Join(data, "all.ndjson"), filepath.Join(data, "few.ndjson")
	config := configured(t, data, "", fmt.Sprintf(`
sinks:
  - {name: all, type: file, file: {path: %q}}
  - {name: few, type: file, filter: {exclude_tags: [_flood]}, file: {path: %q}}`, all, few))
	p := start(t, "-c", config)
	if s := time.Now().Second(); s > 50 { // the whole flood lies in one minute
		time.Sleep(time.Duration(61-s) * time.Second)
	}
	var lines []string
	for range 50 {
		lines = append(lines, "<182>2026-02-07T09:29:18.735Z esx1 vmkernel: cpu1:2)NetPort: 1165: disabled port 0x3000007")
	}
	defer talk(t, p, lines...)()
	m := p.settle(t, 50)
	if n := m.sum("vswarden_events_delivered_total", `sink="few"`); n != 20 || m.sum("vswarden_events_filtered_total", `sink="few"`) != 30 || m.sum("vswarden_tags_total", `tag="_flood"`) != 30 {
		t.Errorf("%v delivered of a flood of 50, want 20", n)
	}
	p.waitFor(t, "the minute's summary", func(m metrics) bool {
		return m.sum("vswarden_detections_total") == 1 && m.sum("vswarden_events_delivered_total", `sink="few"`) == 21
	})
	books(t, p.settle(t, 50))
	p.stop(t)
	got := delivered(t, few)
	last := got[len(got)-1]
	if last.text("event.dataset") != "vswarden.alert" || last.text("event.action") != "events-flooded" || last.text("vmware.alert.count") != "50" ||
		last.text("host.name") != "esx1" || last.text("vmware.alert.first") != got[0].text("event.id") {
		t.Errorf("%v", last)
	}
}

// What a sink wrote can be sent through the decoders again: an event of several lines is made of them
// once more, under its id.
func TestReplayOfAGroup(t *testing.T) {
	data := t.TempDir()
	file := filepath.Join(data, "in.log")
	lines := hostdHead + "info hostd[20] [Originator@6876 sub=Default] begin\n" + hostdHead + "--> more\n  and more\n" + hostdHead + "info hostd[20] [Originator@6876 sub=Default] next\n"
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	config := configured(t, data, "", "sinks: [{name: out, type: stdout, original: all}]")
	first := replayed(t, 2, "--from", "files", "-c", config, file)
	if first[0].text("vmware.group.lines") != "3" {
		t.Fatalf("%v", first)
	}
	r := vswarden(t, "", "replay", "--from", "files", "-c", config, file)
	if err := os.WriteFile(file, []byte(r.stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, e := range replayed(t, 2, "--from", "files", "-c", config, file) {
		for _, field := range []string{"event.id", "message", "event.original", "vmware.group.lines"} {
			if e.text(field) != first[i].text(field) {
				t.Errorf("%s was %q and is %q", field, first[i].text(field), e.text(field))
			}
		}
	}
}
