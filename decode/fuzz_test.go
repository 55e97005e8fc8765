package decode

import (
	"fmt"
	"testing"
	"time"

	"vswarden/event"
)

// seeds gives a fuzz target the shapes that are known.
func seeds(f *testing.F) {
	f.Helper()
	for _, file := range []string{"esxi.log", "foreign.log", "odd.log"} {
		for _, s := range testdataLines(f, file) {
			f.Add(s)
		}
	}
	for _, s := range []string{
		"", "<", "<1", "<13>", "<13>1 ", "1 <", "9 <", "\ufeff", "cpu", "<13>Jul", "2014-12-10T19:23:45", "x:Jul 1 14:30:23", "L2Sec_", ": L2Sec_:",
		"<110>2025-06-23T12:59:42.288Z esx1 shell: [",
	} {
		f.Add(s)
	}
}

// FuzzLine holds decode's three promises: no panic, the frame untouched, and every string a part of
// the frame.
func FuzzLine(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw string) {
		before := string([]byte(raw))
		for _, file := range []bool{false, true} {
			var e event.Event
			e.Reset()
			e.Raw, e.Received = raw, 1770465600000000000
			Line(&e, &Options{File: file, Location: time.FixedZone("", -3600)})
			if e.Raw != raw || raw != before {
				t.Fatalf("Raw was changed: %q", e.Raw)
			}
			checkStrings(t, &e)
			checkEvent(t, &e)
		}
	})
}

// checkEvent holds what every event promises, whatever the line.
func checkEvent(t *testing.T, e *event.Event) {
	t.Helper()
	if e.Dataset == "" || e.Format == "" {
		t.Errorf("%q: dataset %q, format %q", e.Raw, e.Dataset, e.Format)
	}
	if e.Syslog.Priority < -1 || e.Syslog.Priority > 191 {
		t.Errorf("%q: priority %d", e.Raw, e.Syslog.Priority)
	}
	if e.TimeDigits > 9 {
		t.Errorf("%q: %d digits", e.Raw, e.TimeDigits)
	}
	if e.TimeText != "" {
		if at, err := time.Parse(time.RFC3339Nano, e.TimeText); err != nil || at.UnixNano() != e.Time || e.TimeText[len(e.TimeText)-1] != 'Z' {
			t.Errorf("%q: TimeText %q, Time %d, %v", e.Raw, e.TimeText, e.Time, err)
		}
	}
	if l := e.L2Sec; (l.Kind != event.L2SecNone) != (e.Dataset == event.DatasetL2Sec) {
		t.Errorf("%q: dataset %s, %+v", e.Raw, e.Dataset, l)
	}
	if (e.NetPort.Kind != event.NetPortNone) != (e.Dataset == event.DatasetNetPort) {
		t.Errorf("%q: dataset %s, %+v", e.Raw, e.Dataset, e.NetPort)
	}
	if e.Reason == "" && e.Tags&(event.TagParsePartial|event.TagUnknownL2Sec|event.TagNoHeader|event.TagBadPriority|event.TagBadTimestamp|event.TagBadSD) != 0 {
		t.Errorf("%q: tags %b without a reason", e.Raw, e.Tags)
	}
}

// FuzzHeaderHost holds that the sender key and the event name the same host.
func FuzzHeaderHost(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw string) {
		b := []byte(raw)
		host := string(HeaderHost(b))
		if string(b) != raw {
			t.Fatalf("the frame was changed: %q", b)
		}
		if e := line(raw); e.Syslog.Hostname != host {
			t.Fatalf("%q: Line says %q, HeaderHost %q", raw, e.Syslog.Hostname, host)
		}
	})
}

// FuzzL2Sec holds that no name of a VM changes what a denial says about anything else.
func FuzzL2Sec(f *testing.F) {
	for _, s := range []string{"web-01", "a on port 0x1 ], b", "x, disallowed by vswitch policy", "é", " has policy violations on port 0x9. Port is blocked"} {
		f.Add(s, uint32(0x84000006))
	}
	f.Fuzz(func(t *testing.T, name string, port uint32) {
		if name == "" {
			return
		}
		for kind, text := range l2secTexts(name, port) {
			e := line(trapHeader + "etherswitch: L2Sec_EnforcePortCompliance:226: " + text)
			if e.L2Sec.Kind != kind || !e.L2Sec.HasPort || e.L2Sec.Port != port || e.L2Sec.Client.Name != name || e.L2Sec.Client.Device != "eth2" {
				t.Fatalf("VM %q, port %#x: %+v", name, port, e.L2Sec)
			}
		}
	})
}

// l2secTexts are the texts that name a VM, for one name and port.
func l2secTexts(name string, port uint32) map[event.L2SecKind]string {
	p := fmt.Sprintf("%#x", port)
	return map[event.L2SecKind]string{
		event.L2SecPromiscRequested:   "client " + name + ".eth2 requested promiscuous mode on port " + p + ", disallowed by vswitch policy",
		event.L2SecMACChangeRequested: "client " + name + ".eth2 requested mac address change to 00:50:56:aa:bb:cc on port " + p + ", disallowed by vswitch policy",
		event.L2SecPortBlocked:        "client " + name + ".eth2 has policy violations on port " + p + ". Port is blocked",
	}
}

// FuzzStamp compares the stamps with those of package time.
func FuzzStamp(f *testing.F) {
	for _, s := range []string{"2014-12-10T19:23:45.733Z", "2014-12-10T19:23:45+05:30", "2016-02-29T23:59:59.999999999-00:01", "Jul  1 14:30:23", "2000-01-10T00:00:00+00:60", "2000-01-10T00:00:00+24:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		bsdStamp(s)
		got, n := isoStamp(s)
		if n > len(s) {
			t.Fatalf("%q: %d bytes", s, n)
		}
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil || at.Year() < 1679 || at.Year() > 2261 || s[13] != ':' {
			return // package time takes an hour of one digit, RFC 3339 does not
		}
		if zone := s[len(s)-len("hh:mm"):]; s[len(s)-1] != 'Z' && (zone[:2] > "23" || zone[3:] > "59") {
			return // nor offsets of 24 hours or 60 minutes
		}
		if got.bad || n != len(s) || got.nanos != at.UnixNano() {
			t.Fatalf("%q: %+v, %d bytes; package time says %s", s, got, n, at)
		}
	})
}
