package test

import (
	"fmt"
	"path/filepath"
	"testing"
)

// What a filter keeps back is counted, and another sink gets it all the same.
func TestEachSinkHasItsOwnFilterAndItsOwnBooks(t *testing.T) {
	needSignals(t)
	data := t.TempDir()
	all, denials := filepath.Join(data, "all.ndjson"), filepath.Join(data, "denials.ndjson")
	p := start(t, "-c", configured(t, data, "", fmt.Sprintf(`
sinks:
  - {name: all, type: file, file: {path: %q}}
  - {name: denials, type: file, file: {path: %q}, filter: {datasets: [vmware.esxi.l2sec]}}`, all, denials)))
	s := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "4000", "-hosts", "4")
	m := p.settle(t, s.Sent)
	books(t, m)
	p.stop(t)
	fine(t, judged(t, all, "-expect", s.file))
	got := delivered(t, denials)
	for _, o := range got {
		if o.text("event.dataset") != "vmware.esxi.l2sec" {
			t.Errorf("%s passed the filter", o.text("event.dataset"))
		}
	}
	// A thousand lines of the mix hold five.
	if len(got) != 20 || m.sum("vswarden_events_delivered_total", `sink="denials"`) != 20 || m.sum("vswarden_events_filtered_total", `sink="denials"`) != 3980 {
		t.Errorf("%d denials delivered, metrics say %v, and %v filtered, of 4000 lines", len(got),
			m.sum("vswarden_events_delivered_total", `sink="denials"`), m.sum("vswarden_events_filtered_total", `sink="denials"`))
	}
}

// A sink that is added later begins where start says; the books say what it never got.
func TestASinkAddedLater(t *testing.T) {
	needSignals(t)
	data := t.TempDir()
	path := func(name string) string { return filepath.Join(data, name+".ndjson") }
	sinks := fmt.Sprintf("sinks:\n  - {name: first, type: file, file: {path: %q}}\n", path("first"))
	p := start(t, "-c", configured(t, data, "", sinks))
	one := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "1000")
	books(t, p.settle(t, one.Sent))
	p.stop(t)

	for _, begin := range []string{"newest", "oldest"} {
		sinks += fmt.Sprintf("  - {name: %s, type: file, start: %s, file: {path: %q}}\n", begin, begin, path(begin))
	}
	p = start(t, "-c", configured(t, data, "", sinks))
	two := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "500", "-first", "1001")
	books(t, p.settle(t, two.Sent))
	p.stop(t)
	fine(t, judged(t, path("first"), "-expect", one.file, "-expect", two.file))
	fine(t, judged(t, path("oldest"), "-expect", one.file, "-expect", two.file))
	fine(t, judged(t, path("newest"), "-expect", two.file))
}

func TestACursorThatWasSet(t *testing.T) {
	needFullDevice(t)
	data := t.TempDir()
	p := start(t, "-c", oneFileSink(t, data, "/dev/full"))
	one := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "1000")
	p.kept(t, one.Sent)
	p.stop(t)
	if r := vswarden(t, "", "cursors", "set", "events", "newest", "--data", data); r.code != 0 {
		t.Fatalf("cursors set: exit %d: %s", r.code, r.stderr)
	}
	path := filepath.Join(data, "events.ndjson")
	p = start(t, "-c", oneFileSink(t, data, path))
	two := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "500", "-first", "1001")
	books(t, p.settle(t, two.Sent))
	p.stop(t)
	fine(t, judged(t, path, "-expect", two.file))

	if r := vswarden(t, "", "cursors", "set", "events", "oldest", "--data", data); r.code != 0 {
		t.Fatalf("cursors set: exit %d: %s", r.code, r.stderr)
	}
	p = start(t, "-c", oneFileSink(t, data, path))
	books(t, p.settle(t, 0))
	p.stop(t)
	v := judged(t, path)
	if v.Unique != 1500 || v.Repeats != 500 || v.TwoIDs+v.SharedIDs+v.Missing > 0 {
		t.Errorf("after setting the cursor back, all 1500 are due and 500 of them again: %s", v.text)
	}
	if r := vswarden(t, "", "cursors", "drop", "events", "--data", data); r.code != 0 {
		t.Errorf("cursors drop: exit %d: %s", r.code, r.stderr)
	}
}

// A log that is full stops TCP and drops datagrams, and says how many.
func TestAFullLog(t *testing.T) {
	needFullDevice(t)
	data := t.TempDir()
	log := "max_size: 4MiB, retain: {size: 0, age: 0}"
	p := start(t, "-c", configured(t, data, log, "sinks: [{name: events, type: file, file: {path: /dev/full}}]\nshutdown_timeout: 1s"))
	s := load(t, "-addr", p.address(t, "udp"), "-proto", "udp", "-n", "40000", "-rate", "20000", "-hosts", "4")
	m := p.waitFor(t, "all datagrams received or dropped by the kernel", func(m metrics) bool {
		return m.sum("vswarden_frames_received_total")+m.sum("vswarden_udp_kernel_drops_total") == float64(s.Sent)
	})
	books(t, m)
	if m.sum("vswarden_frames_dropped_total", `transport="udp"`) == 0 {
		t.Errorf("%d lines of %d bytes fit into a log of 4 MiB", s.Sent, s.Bytes)
	}
	p.stop(t)

	path := filepath.Join(data, "events.ndjson")
	p = start(t, "-c", configured(t, data, log, fmt.Sprintf("sinks: [{name: events, type: file, file: {path: %q}}]", path)))
	// More than the log holds, over TCP: it waits instead.
	two := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "40000", "-hosts", "2", "-first-host", "100")
	end := p.settle(t, two.Sent)
	books(t, end)
	if n := end.sum("vswarden_frames_dropped_total"); n != 0 {
		t.Errorf("%v frames dropped over TCP", n)
	}
	p.stop(t)
	v := judged(t, path)
	if v.perSender[100] != 20000 || v.perSender[101] != 20000 || v.TwoIDs+v.SharedIDs+v.Disorder+v.Invalid > 0 {
		t.Errorf("judge: %s", v.text)
	}
	if kept := v.Unique - 40000; float64(kept) != m.sum("vswarden_log_records_total") {
		t.Errorf("%d datagrams delivered in the end, %v were appended", kept, m.sum("vswarden_log_records_total"))
	}
}

func TestALogInMemory(t *testing.T) {
	needSignals(t)
	data := t.TempDir()
	p := start(t, "-c", configured(t, data, "body: memory", ""))
	s := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "5000", "-hosts", "2")
	books(t, p.settle(t, s.Sent))
	p.stop(t)
	fine(t, judged(t, filepath.Join(data, "events.ndjson"), "-expect", s.file))
}
