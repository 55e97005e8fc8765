package inventory

import (
	"net/netip"
	"testing"
)

func TestHostByNameAddressUUID(t *testing.T) {
	w := newWorld(t)
	esx := w.esx("esx01", -86400)
	esx.UUID, _ = ParseUUID("4c4c4544-0042-3510-8057-b7c04f4d3733")
	esx.Kernel[0].Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("fe80::1%vmk0")}
	bare := Host{Ref: w.ref("host-9"), Name: "192.0.2.19"}
	w.apply(0, Update{Hosts: []Host{esx, bare, {Ref: w.ref("host-8"), Name: "esx08"}}})
	w.report(0)
	for name, want := range map[string]string{
		"esx01.example.com": "esx01", "ESX01.Example.COM": "esx01", "esx01": "esx01",
		"4C4C4544-0042-3510-8057-B7C04F4D3733": "esx01", "192.0.2.11": "esx01", "::ffff:192.0.2.11": "esx01",
		"192.0.2.19": "host-9", "esx08.example.org": "host-8", "esx01.elsewhere.org": "", "esx": "", "": "", "192": "",
	} {
		h := w.Host(name)
		got := ""
		if h != nil {
			got = h.Ref().ID
		}
		if got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestHostInTwoVCenters(t *testing.T) {
	inv := New(DefaultConfig())
	one := worldOn(t, inv)
	two := &world{Inventory: inv, t: t, vc: inv.AddVCenter(VCenter{Name: "vc02"})}
	two.id, _ = inv.AddSource("vc02", SourcePushed, two.vc)
	gone, here := one.esx("esx01", 0), two.esx("host-5", 0)
	gone.Connection, here.Name = Disconnected, gone.Name
	one.apply(0, Update{Hosts: []Host{gone}})
	two.apply(2, Update{Hosts: []Host{here}})
	one.report(3)
	inv.Maintain(at(5))
	if h := inv.Host("esx01"); h == nil || h.Ref() != two.ref("host-5") {
		t.Errorf("%+v", h)
	}
	other := two.esx("host-6", 0)
	other.Name = "esx01.other.example"
	two.apply(10, Update{Hosts: []Host{other}})
	inv.Maintain(at(15))
	if h := inv.Host("esx01"); h != nil {
		t.Errorf("a first label that two hosts have found %v", h.Ref())
	}
	if h := inv.Host("esx01.other.example"); h == nil {
		t.Error("the full name found none")
	}
	if got := inv.VCenter(two.vc).Name; got != "vc02" {
		t.Errorf("vCenter %q", got)
	}
	if got := inv.AddVCenter(VCenter{Name: "vc02", Version: "8.0.3"}); got != two.vc || inv.VCenter(got).Version != "8.0.3" {
		t.Errorf("vc02 became %d", got)
	}
	if inv.VCenter(99) != (VCenter{}) {
		t.Error("vCenter 99")
	}
}

func TestMACOwners(t *testing.T) {
	w := start(t)
	twin := w.machine(7, "esx02", -60)
	twin.NICs[0].MAC = mac1(1)
	twin.NICs[0].Effective = mac1(8)
	w.apply(10, Update{VMs: []VM{twin}})
	w.report(12)
	owners := w.MACOwners(mac1(1), nil)
	if len(owners) != 2 {
		t.Fatalf("%+v", owners)
	}
	for _, o := range owners {
		if o.VM == nil || o.NIC == nil || o.Host == nil || o.Host.Ref().ID != o.VM.Host {
			t.Errorf("%+v", o)
		}
	}
	if owners = w.MACOwners(mac1(8), nil); len(owners) != 1 || owners[0].VM.Name != "vm07" {
		t.Errorf("effective address: %+v", owners)
	}
	vmk := MAC{0, 0x50, 0x56, 0x60, 0, 5}
	if owners = w.MACOwners(vmk, nil); len(owners) != 2 || owners[0].Device != "vmk0" || owners[0].VM != nil {
		t.Errorf("vmk: %+v", owners)
	}
	if owners = w.MACOwners(MAC{}, nil); len(owners) != 0 {
		t.Errorf("of no address: %+v", owners)
	}
	w.apply(20, Update{Gone: []Ref{twin.Ref}})
	w.report(22)
	if owners = w.MACOwners(mac1(1), nil); len(owners) != 1 {
		t.Errorf("after one is gone: %+v", owners)
	}
}

func TestIndexIsRebuiltAtMostOnceASecond(t *testing.T) {
	w := start(t)
	first := w.index.Load()
	now := at(100)
	for i := range 20 {
		vm := w.machine(100+i, "esx01", 0)
		if err := w.Apply(&Update{Source: w.id, At: now + Stamp(i)*1e6, VMs: []VM{vm}}); err != nil {
			t.Fatal(err)
		}
		w.Maintain(now + Stamp(i)*1e6)
	}
	second := w.index.Load()
	if second == first || len(second.macs) != len(first.macs)+1 {
		t.Errorf("%d addresses, then %d", len(first.macs), len(second.macs))
	}
	w.Maintain(now + 5e8)
	if w.index.Load() != second {
		t.Error("rebuilt within a second")
	}
	w.Maintain(now + 1e9)
	if n := len(w.index.Load().macs); n != len(first.macs)+20 {
		t.Errorf("%d addresses after a second", n)
	}
	third := w.index.Load()
	w.Maintain(now + 5e9)
	if w.index.Load() != third {
		t.Error("rebuilt although nothing changed")
	}
}

func TestParseAddresses(t *testing.T) {
	for _, s := range []string{"00:50:56:84:5a:ba", "00-50-56-84-5A-BA", "0050.5684.5aba", "005056845aba"} {
		if m, err := ParseMAC(s); err != nil || m.String() != "00:50:56:84:5a:ba" {
			t.Errorf("%s: %v %v", s, m, err)
		}
	}
	for _, s := range []string{"", "00:50:56:84:5a", "00:50:56:84:5a:bg", "00:50:56:84:5a:ba:01", ":00:50:56:84:5a:ba", "0:0:0:0:0:0"} {
		if m, err := ParseMAC(s); err == nil {
			t.Errorf("%q: %v", s, m)
		}
	}
	const want = "50330aa7-d534-2da0-9952-6ec58fc71e41"
	for _, s := range []string{want, "50 33 0a a7 d5 34 2d a0-99 52 6e c5 8f c7 1e 41"} {
		if u, err := ParseUUID(s); err != nil || u.String() != want || u.Spaced() != "50 33 0a a7 d5 34 2d a0-99 52 6e c5 8f c7 1e 41" {
			t.Errorf("%s: %v %v", s, u, err)
		}
	}
	if _, err := ParseUUID("50330aa7"); err == nil {
		t.Error("half a UUID")
	}
}
