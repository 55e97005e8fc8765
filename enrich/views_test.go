package enrich

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"unsafe"

	"vswarden/event"
	"vswarden/inventory"
)

// TestManyHostsOverOneAddress: a connection over which the lines of many hosts come in turn costs no more memory than
// one of a single host, and each line gets its own host, also when the inventory changes meanwhile.
func TestManyHostsOverOneAddress(t *testing.T) {
	l := newLab(t)
	for _, name := range []string{"esx02", "esx03"} {
		h := l.host(inventory.Reject)
		h.Ref.ID, h.Name, h.Kernel = "host-"+name, name+".example.com", nil
		l.tell(310, inventory.Update{Hosts: []inventory.Host{h}})
	}
	l.report(312)
	names := []string{"esx01", "esx02", "nobody", "esx03"}
	var lines []event.Event
	for _, name := range names {
		e := l.line(320, 0)
		e.Receiver.Peer = netip.MustParseAddrPort("203.0.113.77:514")
		e.Syslog.Hostname = name
		lines = append(lines, e)
	}
	all := func() {
		for i := range lines {
			e := lines[i]
			l.Enrich(&e)
			if name := names[i]; name == "nobody" && e.Joined.Host != nil || name != "nobody" && e.Host != name+".example.com" {
				t.Fatalf("%s: %q", name, e.Host)
			}
		}
	}
	all()
	if !raceEnabled {
		if n := testing.AllocsPerRun(50, all); n != 0 {
			t.Errorf("%v allocations for %d lines", n, len(lines))
		}
	}
	h := l.host(inventory.Reject)
	h.Ref.ID, h.Name, h.Kernel = "host-new", "nobody.example.com", nil
	l.tell(330, inventory.Update{Hosts: []inventory.Host{h}})
	l.report(332)
	for range 2 {
		e := lines[2]
		l.Enrich(&e)
		if e.Host != "nobody.example.com" {
			t.Fatalf("the new host is not found: %q", e.Host)
		}
		e = lines[0]
		l.Enrich(&e)
	}
}

// TestHeadersAreBounded: a sender that makes up headers changes no more than what is kept of it.
func TestHeadersAreBounded(t *testing.T) {
	l := newLab(t)
	most := 0
	for i := range 3 * maxSeen {
		e := l.line(300, 0)
		e.Receiver.Peer = netip.MustParseAddrPort("203.0.113.77:514")
		e.Syslog.Hostname = fmt.Sprintf("made-up-%d-%s", i, strings.Repeat("x", 20))
		l.Enrich(&e)
		most = max(most, l.seen.used)
	}
	if n := len(*l.seen.slots.Load()); most > maxSeen || most < maxSeen/2 || n > 2*maxSeen {
		t.Errorf("%d headers in %d slots", most, n)
	}
}

// TestHeadersOfManySenders: as many hosts as there may be, over a few connections and each over its own, find themselves again.
func TestHeadersOfManySenders(t *testing.T) {
	l := newLab(t)
	const hosts = 10_000
	lines := make([]event.Event, 2*hosts)
	for i := range lines {
		e := l.line(300, 0)
		addr := [4]byte{203, 0, 113, byte(i % 8)}
		if i >= hosts {
			addr = [4]byte{10, 7, byte(i >> 8), byte(i)}
		}
		e.Receiver.Peer = netip.AddrPortFrom(netip.AddrFrom4(addr), 514)
		e.Syslog.Hostname = fmt.Sprintf("esx-%05d.lab.example", i)
		lines[i] = e
		l.Enrich(&e)
		if e.Host != lines[i].Syslog.Hostname {
			t.Fatalf("%s is %s", lines[i].Syslog.Hostname, e.Host)
		}
	}
	if n := l.seen.used; n != 2*hosts+1 {
		t.Errorf("%d headers are kept", n)
	}
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	if n := testing.AllocsPerRun(2, func() {
		for i := range lines {
			e := lines[i]
			if l.Enrich(&e); e.Host != lines[i].Syslog.Hostname {
				t.Fatalf("%s is %s", lines[i].Syslog.Hostname, e.Host)
			}
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestSeenSize: what every line looks at is as many bytes as the allocator lays at the beginning of a cache line.
func TestSeenSize(t *testing.T) {
	if n := unsafe.Sizeof(seen{}); n > 192 {
		t.Errorf("%d bytes, want at most 192", n)
	}
}
