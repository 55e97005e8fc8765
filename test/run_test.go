package test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// lacking skips a test for something this machine does not have; under CI nothing is lacking.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("lacking here: %s", what)
	}
	t.Skipf("lacking here: %s", what)
}

// needSignals skips where a process cannot be told to stop.
func needSignals(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		lacking(t, "signals")
	}
}

// needFullDevice skips where there is no file that is always full.
func needFullDevice(t *testing.T) {
	t.Helper()
	needSignals(t)
	if _, err := os.Stat("/dev/full"); err != nil {
		lacking(t, "/dev/full")
	}
}

func TestEveryLineArrivesOverTCP(t *testing.T) {
	needSignals(t)
	for _, framing := range []string{"lf", "octet"} {
		t.Run(framing, func(t *testing.T) {
			data := t.TempDir()
			p := start(t, onLoopback(t, data)...)
			s := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-framing", framing, "-n", "20000", "-hosts", "8", "-conns", "4")
			m := p.settle(t, s.Sent)
			books(t, m)
			if n := m.sum("vswarden_frames_received_total", `transport="tcp"`); n != float64(s.Sent) {
				t.Errorf("%v frames received over tcp, %d sent", n, s.Sent)
			}
			p.stop(t)
			fine(t, judged(t, filepath.Join(data, "events.ndjson"), "-expect", s.file))
		})
	}
}

// UDP may lose datagrams on the way to us, and then the kernel says so.
func TestEveryDatagramIsAccountedFor(t *testing.T) {
	needSignals(t)
	data := t.TempDir()
	p := start(t, onLoopback(t, data)...)
	s := load(t, "-addr", p.address(t, "udp"), "-proto", "udp", "-n", "5000", "-rate", "5000", "-hosts", "5")
	m := p.waitFor(t, fmt.Sprintf("%d datagrams received or dropped by the kernel", s.Sent), func(m metrics) bool {
		return m.sum("vswarden_frames_received_total", `transport="udp"`)+m.sum("vswarden_udp_kernel_drops_total") == float64(s.Sent) &&
			m.sum("vswarden_cursor_lag_records") == 0
	})
	books(t, m)
	p.stop(t)
	v := judged(t, filepath.Join(data, "events.ndjson"))
	if drops := m.sum("vswarden_udp_kernel_drops_total"); v.Unique+uint64(drops) != s.Sent {
		t.Errorf("%d delivered + %v dropped by the kernel, %d sent", v.Unique, drops, s.Sent)
	}
	if v.TwoIDs+v.SharedIDs+v.Disorder+v.Invalid > 0 {
		t.Errorf("judge: %s", v.text)
	}
}

// Issue 3, "Resolved when" 3.
func TestFramingIsDetectedPerMessage(t *testing.T) {
	needSignals(t)
	data := t.TempDir()
	p := start(t, onLoopback(t, data)...)
	const denial = "<181>2014-12-10T19:23:45.733Z esx1 vmkernel: cpu14:1559738)etherswitch: L2Sec_EnforcePortCompliance:226: client %s.eth0 requested promiscuous mode on port 0x200002b, disallowed by vswitch policy"
	type sending struct{ framing, client string }
	var want []sending
	var wire bytes.Buffer
	for range 100 {
		fmt.Fprintf(&wire, denial+"\n", "same")
		want = append(want, sending{"lf", "same"})
	}
	conn, err := net.Dial("tcp", p.address(t, "tcp"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(wire.Bytes()); err != nil { // In one write.
		t.Fatal(err)
	}
	wire.Reset()
	add := func(framing string, n int, frame func(line string) string) {
		for i := range n {
			client := fmt.Sprintf("%s-%d", framing, i)
			wire.WriteString(frame(fmt.Sprintf(denial, client)))
			want = append(want, sending{framing, client})
		}
	}
	add("octet_counting", 10, func(line string) string { return fmt.Sprintf("%d %s", len(line), line) })
	add("octet_counting", 10, func(line string) string { return fmt.Sprintf("%d %s\n", len(line)+1, line) }) // rsyslog counts the LF.
	add("crlf", 10, func(line string) string { return line + "\r\n" })
	add("nul", 10, func(line string) string { return line + "\x00" })
	add("lf", 10, func(line string) string { // Begins with digits and is no octet count.
		_, text, _ := strings.Cut(line, "vmkernel: ")
		return "2012-12-23T01:12:51.889Z " + text + "\n"
	})
	add("octet_counting", 1, func(line string) string { return fmt.Sprintf("%d %s", len(line), line) })
	const digits = `1644579494.944824,0,{"capacityUsed":1}`
	wire.WriteString(digits + "\n")
	want = append(want, sending{"lf", ""})
	if _, err := conn.Write(wire.Bytes()); err != nil {
		t.Fatal(err)
	}
	books(t, p.settle(t, uint64(len(want))))
	p.stop(t)

	got := delivered(t, filepath.Join(data, "events.ndjson"))
	if len(got) != len(want) {
		t.Fatalf("%d events, want %d", len(got), len(want))
	}
	ids := map[string]bool{}
	for i, o := range got {
		ids[o.text("event.id")] = true
		if want[i].client == "" {
			if !strings.Contains(o.text("message"), "capacityUsed") {
				t.Errorf("event %d: message %q", i, o.text("message"))
			}
			continue
		}
		if have := (sending{o.text("vmware.receiver.framing"), o.text("vmware.l2sec.client.name")}); have != want[i] {
			t.Errorf("event %d: %+v, want %+v", i, have, want[i])
		}
	}
	if len(ids) != len(want) {
		t.Errorf("%d different ids, want %d", len(ids), len(want))
	}
}

func TestADataDirectoryHasOneOwner(t *testing.T) {
	needSignals(t)
	data := t.TempDir()
	p := start(t, onLoopback(t, data)...)
	if p.note.PID != p.cmd.Process.Pid {
		t.Errorf("ready file names pid %d, it is %d", p.note.PID, p.cmd.Process.Pid)
	}
	inUse := fmt.Sprintf("in use by pid %d", p.note.PID)
	for _, args := range [][]string{
		append([]string{"run"}, onLoopback(t, data)...),
		{"cursors", "set", "events", "oldest", "--data", data},
		{"cursors", "drop", "events", "--data", data},
	} {
		if r := vswarden(t, "", args...); r.code != 2 || !strings.Contains(r.stderr, inUse) {
			t.Errorf("%v: exit %d, want 2 and %q: %s", args, r.code, inUse, r.stderr)
		}
	}
	if r := vswarden(t, "", "cursors", "list", "--data", data); r.code != 0 || !strings.Contains(r.stdout, "events") {
		t.Errorf("cursors list beside it: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	p.kill(t)
	start(t, onLoopback(t, data)...).stop(t) // The dead owner does not stand in the way.
}

func TestStopDrains(t *testing.T) {
	needSignals(t)
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			data := t.TempDir()
			p := start(t, onLoopback(t, data)...)
			s := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "30000", "-hosts", "3")
			p.waitFor(t, "all frames received", func(m metrics) bool { return m.sum("vswarden_frames_received_total") == float64(s.Sent) })
			p.signal(t, signal)
			if code := p.wait(t); code != 0 {
				t.Errorf("exit %d, want 0", code)
			}
			fine(t, judged(t, filepath.Join(data, "events.ndjson"), "-expect", s.file))
		})
	}
}

// What was read off the socket when the signal came is not lost, in the middle of a stream too.
func TestStopInMidStreamLosesNothingThatWasReceived(t *testing.T) {
	needSignals(t)
	data := t.TempDir()
	var total float64
	for round := range 3 {
		p := start(t, onLoopback(t, data)...)
		l := loading(t, p, round*3, 3)
		p.waitFor(t, "some frames", func(m metrics) bool { return m.sum("vswarden_frames_received_total") > 1000 })
		p.stop(t)
		l.end()
	}
	p := start(t, onLoopback(t, data)...)
	m := p.settle(t, 0)
	books(t, m)
	p.stop(t)
	v := judged(t, filepath.Join(data, "events.ndjson"))
	fine(t, v)
	if total += float64(v.Unique); total < 3000 {
		t.Errorf("%v lines delivered, more than 3000 were received", total)
	}
}

func TestASecondSignalStopsAtOnce(t *testing.T) {
	needFullDevice(t)
	data := t.TempDir()
	p := start(t, "-c", configured(t, data, "", `
sinks: [{name: events, type: file, file: {path: /dev/full}}]
shutdown_timeout: 10m`))
	s := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "100")
	p.waitFor(t, "all frames received", func(m metrics) bool { return m.sum("vswarden_frames_received_total") == float64(s.Sent) })
	p.signal(t, syscall.SIGTERM)
	select {
	case <-p.exited:
		t.Fatal("ended with its sink behind and shutdown_timeout far away")
	case <-time.After(500 * time.Millisecond):
	}
	p.signal(t, syscall.SIGTERM)
	p.wait(t)
}

func TestHangupRotates(t *testing.T) {
	needSignals(t)
	data := t.TempDir()
	p := start(t, onLoopback(t, data)...)
	path := filepath.Join(data, "events.ndjson")
	var args []string
	for round := range 3 {
		s := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "500", "-first", fmt.Sprint(1+round*500))
		p.settle(t, uint64(500*(round+1)))
		args = append(args, "-expect", s.file)
		p.signal(t, syscall.SIGHUP)
		for end := time.Now().Add(patience); len(outputs(t, path)) < round+2; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("no rotated file: %v", outputs(t, path))
			}
		}
		if round < 2 {
			time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // Names differ by the second.
		}
	}
	books(t, p.scrape(t))
	p.stop(t)
	if v := judged(t, path, args...); v.Unique != 1500 || v.Verdict != "ok" {
		t.Errorf("judge: %s", v.text)
	}
}

// The names of contract.md, "Metrics": all are there from the first scrape, at 0.
func TestMetricsAreThereFromTheFirstScrape(t *testing.T) {
	needSignals(t)
	p := start(t, "--listen", "udp://127.0.0.1:0", "--listen", "tcp://127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", t.TempDir())
	m := p.scrape(t)
	series := []string{
		`vswarden_frames_received_total{transport="tcp"}`,
		`vswarden_frames_received_total{transport="udp"}`,
		`vswarden_udp_kernel_drops_total`,
		`vswarden_log_records_total`,
		`vswarden_log_synced_records_total`,
		`vswarden_log_damage_total{kind="torn"}`,
		`vswarden_log_damage_total{kind="corrupt"}`,
		`vswarden_log_damage_total{kind="missing"}`,
		`vswarden_cursor_backlog_records{sink="events"}`,
		`vswarden_cursor_lag_records{sink="events"}`,
		`vswarden_events_delivered_total{sink="events"}`,
		`vswarden_events_filtered_total{sink="events"}`,
		`vswarden_events_grouped_total{sink="events"}`,
		`vswarden_delivery_latency_seconds_count{sink="events"}`,
	}
	for _, s := range series {
		if v, ok := m[s]; !ok || v != 0 {
			t.Errorf("%s: there %v, value %v, want 0", s, ok, v)
		}
	}
	families := []struct{ name, label string }{
		{"vswarden_records_emitted_total", "kind="},
		{"vswarden_frames_dropped_total", "reason="},
		{"vswarden_events_dead_total", "reason="},
		{"vswarden_events_skipped_total", `reason="damaged"`},
		{"vswarden_bytes_total", `direction="in"`},
		{"vswarden_bytes_total", `direction="out"`},
		{"vswarden_tags_total", "tag="},
		{"vswarden_log_bytes", "state="},
	}
	for _, f := range families {
		there := false
		for s, v := range m {
			if name, rest, _ := strings.Cut(s, "{"); name == f.name && strings.Contains(rest, f.label) {
				there = true
				if v != 0 && f.name != "vswarden_log_bytes" {
					t.Errorf("%s = %v, want 0", s, v)
				}
			}
		}
		if !there {
			t.Errorf("no series of %s with %s", f.name, f.label)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := p.get(t, path); status != 200 {
			t.Errorf("GET %s: %d %s", path, status, body)
		}
	}
	books(t, m)
	p.stop(t)
}
