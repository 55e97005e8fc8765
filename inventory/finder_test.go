package inventory

import (
	"fmt"
	"net/netip"
	"testing"
)

// An import of n hosts once rebuilt the index n times, which costs n²: ten thousand hosts did not end.
func TestImportRebuildsTheIndexOnce(t *testing.T) {
	inv := New(DefaultConfig())
	var all []Statement
	for i := range 300 {
		all = append(all, Statement{
			Host: Host{Name: fmt.Sprintf("esx%03d.example.com", i)}, At: at(0),
			Rows: []Row{{Port: p1, Kind: KindVM, VM: fmt.Sprint("vm", i), MAC: mac1(i)}},
		})
	}
	before := inv.Generation()
	if err := inv.Import(all...); err != nil {
		t.Fatal(err)
	}
	if n := inv.Generation() - before; n != 1 {
		t.Errorf("%d rebuilds", n)
	}
	if n := len(inv.AllHosts()); n != 300 {
		t.Errorf("%d hosts", n)
	}
	if h := inv.Host("ESX299"); h == nil || h.Facts().Name != "esx299.example.com" {
		t.Errorf("esx299 is %v", h)
	}
}

// Statements of one import find the hosts that those before them told of, and by what they told: as if each came alone.
func TestImportFindsTheHostsOfStatementsBefore(t *testing.T) {
	a1, a2 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	uuid := UUID{1, 2, 3}
	steps := []struct {
		host Host
		port uint32
		want string // the host it is of
	}{
		{Host{Name: "esx01.example.com", UUID: uuid, Addresses: []netip.Addr{a1}}, 1, "esx01.example.com"},
		{Host{Name: "ESX01"}, 2, "esx01.example.com"},
		{Host{Name: uuid.String()}, 3, "esx01.example.com"},
		{Host{Name: "192.0.2.1"}, 4, "esx01.example.com"},
		{Host{Name: "esx02", Addresses: []netip.Addr{a2}}, 5, "esx02"},
		{Host{Name: "esx01", Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.9")}}, 6, "esx01.example.com"}, // it moved
		{Host{Name: "192.0.2.1"}, 7, "192.0.2.1"},
		{Host{Name: "192.0.2.9"}, 8, "esx01.example.com"},
		{Host{Name: "esx01.other.example"}, 9, "esx01.other.example"},
		{Host{Name: "esx01"}, 10, "esx01"}, // two have that first label, so it is neither
		{Host{Name: "esx02.example.com"}, 11, "esx02"},
	}
	var all []Statement
	alone, together := New(DefaultConfig()), New(DefaultConfig())
	for _, s := range steps {
		st := Statement{Host: s.host, At: at(0), Rows: []Row{{Port: s.port, Kind: KindVMKernel, Client: "vmk0"}}}
		all = append(all, st)
		if err := alone.Import(st); err != nil {
			t.Fatal(err)
		}
	}
	if err := together.Import(all...); err != nil {
		t.Fatal(err)
	}
	for name, inv := range map[string]*Inventory{"alone": alone, "together": together} {
		for _, s := range steps {
			for _, h := range inv.AllHosts() {
				if has := h.cur.Load().find(s.port) != nil; has != (h.Facts().Name == s.want) {
					t.Errorf("%s: port %d, said of %s, is with %s: %v, want %s", name, s.port, s.host.Name, h.Facts().Name, has, s.want)
				}
			}
		}
	}
}
