package enrich

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"vswarden/event"
	"vswarden/inventory"
)

// sentAs joins a line of an address nobody knows, under a name.
func sentAs(n *Enricher, addr, header string) event.Event {
	var e event.Event
	e.Reset()
	e.Received = epoch.UnixNano()
	e.Time = e.Received
	e.Receiver.Peer = netip.MustParseAddrPort(addr + ":514")
	e.Syslog.Hostname, e.Host = header, strings.TrimSuffix(header, ".")
	if header == "" {
		e.Host = addr
	}
	n.Enrich(&e)
	return e
}

func TestFirstNameSticks(t *testing.T) {
	n, err := New(DefaultConfig(), inventory.New(inventory.DefaultConfig()), func() time.Time { return epoch })
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ addr, header, want string }{
		{"203.0.113.1", "esx01", "esx01"},
		{"203.0.113.1", "esx01.example.com", "esx01"}, // the same with its domain
		{"203.0.113.1", "ESX01", "esx01"},
		{"203.0.113.1", "esx02", "esx02"}, // a relay nobody listed
		{"203.0.113.1", "", "203.0.113.1"},
		{"203.0.113.2", "esx01.example.com.", "esx01.example.com"}, // another sender
		{"203.0.113.2", "esx01", "esx01.example.com"},
		{"203.0.113.2", "esx01.example.net", "esx01.example.net"}, // not an alias
		{"203.0.113.3", "192.0.2.3", "192.0.2.3"},
		{"203.0.113.3", "192.0.2.4", "192.0.2.4"},
	} {
		for range 2 {
			if e := sentAs(n, c.addr, c.header); e.Host != c.want || e.Tags != 0 {
				t.Errorf("%s says it is %q: %s %v, want %s", c.addr, c.header, e.Host, e.Tags.Names(nil), c.want)
			}
		}
	}
}

// TestNamesOutliveTheProcess: what a sender went by is known after a restart, and corrected once by the inventory.
func TestNamesOutliveTheProcess(t *testing.T) {
	names := NewNames()
	first, _ := New(DefaultConfig(), inventory.New(inventory.DefaultConfig()), func() time.Time { return epoch })
	first.ShareNames(names)
	sentAs(first, "192.0.2.99", "esx09")
	var file bytes.Buffer
	save := func(n *Names) (saved bool) {
		file.Reset()
		if err := n.Write(func(write func(io.Writer) error) error { saved = true; return write(&file) }); err != nil {
			t.Fatal(err)
		}
		return saved
	}
	if !save(names) || save(names) {
		t.Error("saved when there is something new, and only then")
	}
	save2 := func() *Names {
		t.Helper()
		n, err := ReadNames(bytes.NewReader(file.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	sentAs(first, "192.0.2.98", "esx08")
	save(names)
	l := newLab(t)
	l.ShareNames(save2())
	if e := sentAs(l.Enricher, "192.0.2.99", "esx09.example.com"); e.Host != "esx09" {
		t.Errorf("after a restart: %s", e.Host)
	}
	h := l.host(inventory.Reject)
	h.Ref.ID, h.Name = "host-29", "esx09.dc1.example.com"
	h.Kernel = []inventory.VMKernel{{Device: "vmk0", Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.99")}}}
	l.tell(330, inventory.Update{Hosts: []inventory.Host{h}})
	l.report(332)
	for i, want := range []bool{true, false, false} {
		l.tell(340+10*i, inventory.Update{VMs: []inventory.VM{l.vm(3, fmt.Sprint(i))}}) // the index is made anew meanwhile
		l.report(345 + 10*i)
		for _, header := range []string{"esx09", "esx09.example.com"} { // which are one
			e := sentAs(l.Enricher, "192.0.2.99", header)
			if e.Host != "esx09.dc1.example.com" || (e.Tags&event.TagHostRenamed != 0) != (want && header == "esx09") {
				t.Errorf("%d %s: %s %v", i, header, e.Host, e.Tags.Names(nil))
			}
		}
	}
	save(l.names)
	again, _ := New(DefaultConfig(), l.inv, func() time.Time { return epoch })
	again.ShareNames(save2())
	if e := sentAs(again, "192.0.2.99", "esx09"); e.Tags != 0 || e.Host != "esx09.dc1.example.com" {
		t.Errorf("corrected before the restart: %s %v", e.Host, e.Tags.Names(nil))
	}
}

func TestNamesAreBounded(t *testing.T) {
	n := NewNames()
	for i := range maxSenders + 500 {
		n.settle(nameKey{fmt.Sprint(i), "x"}, "x", int64(i))
	}
	if len(n.of) != maxSenders {
		t.Errorf("%d names", len(n.of))
	}
}

func TestNamesThatCannotBeRead(t *testing.T) {
	for _, text := range []string{"", "{", `{"version":2}`, `[]`, "\x00\x01"} {
		if _, err := ReadNames(strings.NewReader(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func FuzzReadNames(f *testing.F) {
	f.Add([]byte(`{"version":1,"names":[{"sender":"192.0.2.1","label":"esx01","name":"esx01","used":5}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := ReadNames(bytes.NewReader(text))
		if err == nil && len(n.of) > maxSenders {
			t.Errorf("%d names", len(n.of))
		}
	})
}
