package inventory

import (
	"testing"
	"time"
)

// importing is a host that only imports know: at 0 vm a holds p1, at 1000 vm b does, at 2000 nobody.
func importing(t *testing.T) (*Inventory, func(s int) string) {
	t.Helper()
	inv := New(DefaultConfig())
	row := func(vm string, n int) []Row {
		return []Row{{Port: p1, Kind: KindVM, Client: vm + ".eth0", VM: vm, Device: "eth0", MAC: mac1(n)}}
	}
	for _, st := range []Statement{ // in no order
		{At: at(1000), Rows: row("b", 2), WholePorts: true},
		{At: at(0), Rows: row("a", 1), WholePorts: true},
		{At: at(2000), WholePorts: true},
		{At: at(500), Rows: row("a", 1)},
		{At: at(700), Rows: []Row{{Port: p2, Kind: KindVMKernel, Client: "vmk0"}}}, // says nothing of p1
	} {
		st.Host.Name = "esx01"
		if err := inv.Import(st); err != nil {
			t.Fatal(err)
		}
	}
	h := inv.Host("esx01")
	return inv, func(s int) string {
		return say(h.Lookup(&Query{Port: p1, From: at(s - 10), At: at(s), To: at(s), Now: at(9000)}, nil))
	}
}

func TestImportsAreStatementsOfAMoment(t *testing.T) {
	_, ask := importing(t)
	for _, c := range []struct {
		s    int
		want string
	}{
		{-60, ""}, // before the first, nothing is known
		{-5, "a at [import]; "},
		{0, "a all [import]; "},
		{300, "a all [import]; "},
		{495, "a all [import]; "}, // two statements that agree
		{505, "a all [import]; "},
		{511, "b perhaps [import]; a part [import]; "},
		{800, "a perhaps [import]; b perhaps [import]; "},
		{991, "b at [import]; a perhaps [import]; "},
		{1001, "b all [import]; "},
		{1009, "b all [import]; "},
		{1500, "b perhaps [import]; "},
		{2005, "b before [import tombstone]; "},
		{4000, ""},
	} {
		got := ask(c.s)
		if c.s == 511 || c.s == 800 || c.s == 991 { // in either order
			if len(got) != len(c.want) {
				t.Errorf("at %d: %s, want %s", c.s, got, c.want)
			}
			continue
		}
		if got != c.want {
			t.Errorf("at %d: %s, want %s", c.s, got, c.want)
		}
	}
}

func TestImportIsDatedByItsStatement(t *testing.T) {
	inv, _ := importing(t)
	h := inv.Host("esx01")
	c := h.Lookup(&Query{Port: p1, From: at(590), At: at(600), To: at(600), Now: at(9000)}, nil)
	for i := range c {
		if c[i].VM.Name == "a" && c[i].Stated != at(500) {
			t.Errorf("stated %v", c[i].Stated.Time())
		}
	}
}

func TestImportFindsWhatIsKnown(t *testing.T) {
	w := start(t)
	dv := uint32(0x3000007)
	err := w.Import(Statement{Host: Host{Name: "ESX01"}, At: at(50), Rows: []Row{
		{Port: dv, Kind: KindVM, MAC: mac1(1), Net: Net{Switch: "DSwitch", Portgroup: "PG", DVPort: "37"}},
		{Port: dv + 1, Kind: KindVM, VM: "stranger", Client: "stranger.eth1", Device: "eth1"},
		{Port: 0, Kind: KindVM, VM: "no port"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.expect("esx01", dv, 60, 90, "vm01 all [import]; ")
	w.expect("esx01", dv+1, 60, 90, "stranger all [import]; ")
	c := w.ask("esx01", dv, 60, 90)[0]
	if c.VM.Ref != w.ref("vm-1") || c.NICKey != 4000 {
		t.Errorf("%+v", c)
	}
	if c = w.ask("esx01", dv+1, 60, 90)[0]; c.NICKey != 4001 {
		t.Errorf("%+v", c)
	}
	// The same port by vCenter's table and by the import, under one name: one candidate.
	err = w.Import(Statement{Host: Host{Name: "esx01"}, At: at(50), Rows: []Row{{Port: p1, Kind: KindVM, VM: "vm01"}}})
	if err != nil {
		t.Fatal(err)
	}
	w.expect("esx01", p1, 60, 90, "vm01 all [port_table import]; ")
}

func TestImportsOfOneMomentComplementEachOther(t *testing.T) {
	inv := New(DefaultConfig())
	for _, st := range []Statement{
		{VMs: []VM{{Name: "a", World: 12344, Instance: UUID{7}}}, WholeVMs: true},
		{Rows: []Row{{Port: p1, Kind: KindVM, Client: "a.eth0", VM: "a", Device: "eth0"}}, WholePorts: true},
		{Rows: []Row{{Port: p1, Kind: KindVM, VM: "a", MAC: mac1(1), Net: Net{Switch: "vSwitch0", Portgroup: "VM Network"}}}},
	} {
		st.Host.Name, st.At = "esx01", at(0)
		if err := inv.Import(st); err != nil {
			t.Fatal(err)
		}
	}
	c := inv.Host("esx01").Lookup(&Query{Port: p1, From: at(-10), At: at(0), To: at(0), Now: at(0)}, nil)
	if len(c) != 1 || c[0].VM.World != 12344 || c[0].MAC != mac1(1) || c[0].Net == nil || c[0].Client != "a.eth0" {
		t.Fatalf("%+v", c)
	}
	if n := c[0].NIC(); n == nil || n.MAC != mac1(1) || n.Key != 4000 {
		t.Errorf("%+v", c[0].VM.NICs)
	}
}

func TestImportNamesWithoutPorts(t *testing.T) {
	inv := New(DefaultConfig())
	for _, said := range []struct {
		at    int
		names []string
	}{{0, []string{"a", "b"}}, {1000, []string{"b"}}} {
		st := Statement{Host: Host{Name: "esx01"}, At: at(said.at), WholeVMs: true}
		for _, name := range said.names {
			st.VMs = append(st.VMs, VM{Name: name})
		}
		if err := inv.Import(st); err != nil {
			t.Fatal(err)
		}
	}
	h := inv.Host("esx01")
	ask := func(name string, s int) string {
		return say(h.Named(name, &Query{From: at(s - 10), At: at(s), To: at(s), Now: at(9000)}, nil))
	}
	if got := ask("b", 1200); got != "b all [client_name import]; " {
		t.Error(got)
	}
	if got := ask("a", 3000); got != "" {
		t.Error(got)
	}
	if got := ask("c", 0); got != "" {
		t.Error(got)
	}
}

func TestHostRebootEndsWhatWasImported(t *testing.T) {
	w := start(t)
	if err := w.Import(Statement{Host: Host{Name: "esx01"}, At: at(50), Rows: []Row{{Port: 77, Kind: KindVM, VM: "vm01"}}}); err != nil {
		t.Fatal(err)
	}
	w.apply(500, Update{Hosts: []Host{w.esx("esx01", 480)}, Tables: w.table("esx01")})
	w.report(500)
	w.expect("esx01", 77, 400, 600, "vm01 all [import]; ")
	w.expect("esx01", 77, 5000, 6000, "")
}

func TestImportsAreNotForgottenByAge(t *testing.T) {
	inv, ask := importing(t)
	inv.Maintain(at(0).Add(365 * 24 * time.Hour))
	if got := ask(300); got != "a all [import]; " {
		t.Error(got)
	}
}

func TestLearnHost(t *testing.T) {
	cfg := DefaultConfig()
	cfg.MaxHosts = 2
	inv := New(cfg)
	id, _ := inv.AddSource("stream", SourceStream, 0)
	h := inv.LearnHost("esx01")
	if h == nil || inv.LearnHost("esx01") != h || inv.LearnHost("esx02") == nil || inv.LearnHost("esx03") != nil {
		t.Error("hosts")
	}
	if s := inv.Stats(); s.Hosts != 2 || s.LearnRefused != 1 {
		t.Errorf("%+v", s)
	}
	if !inv.Learn(id, h, 0x82000005, mac1(3), at(0)) {
		t.Error("refused")
	}
	c := h.Lookup(&Query{Port: 0x82000005, From: at(0), At: at(5), To: at(5), Now: at(5)}, nil)
	if len(c) != 1 || c[0].Kind != KindUplink {
		t.Errorf("%+v", c)
	}
	for i := range maxLearned + 5 {
		inv.Learn(id, h, uint32(i+1), mac1(i+10), at(0))
	}
	if n := len(h.cur.Load().ports); n != maxLearned {
		t.Errorf("%d ports", n)
	}
}
