package inventory

import (
	"net/netip"
	"testing"
)

const p1, p2 = 0x2000010, 0x2000011

// start is a world in which esx01 has one VM, known since second 0; the VM was booted at -3600.
func start(t *testing.T) *world {
	w := newWorld(t)
	w.apply(0, Update{
		Hosts: []Host{w.esx("esx01", -86400), w.esx("esx02", -86400)}, VMs: []VM{w.machine(1, "esx01", -3600)},
		Tables: append(w.table("esx01", port(p1, 1)), w.table("esx02")...),
	})
	w.report(0)
	return w
}

func TestFirstReportIsBackdatedToBoot(t *testing.T) {
	w := start(t)
	w.expect("esx01", p1, 60, 90, "vm01 all [port_table]; ")
	w.expect("esx01", p1, -600, 90, "vm01 all [port_table backdated]; ")
	w.expect("esx01", p1, -3700, 90, "") // before the VM was booted: nobody, never today's holder
	w.expect("esx01", 0x2000004, 60, 90, "vmk0 all [port_table vmk]; ")
	w.expect("esx01", p2, 60, 90, "")
	w.expect("esx02", p1, 60, 90, "")
}

func TestFirstReportWithoutBootIsNotBackdated(t *testing.T) {
	w := newWorld(t)
	vm := w.machine(1, "esx01", 0)
	vm.Boot = 0
	w.apply(0, Update{Hosts: []Host{w.esx("esx01", -86400)}, VMs: []VM{vm}, Tables: w.table("esx01", port(p1, 1))})
	w.report(0)
	w.expect("esx01", p1, -60, 90, "")
	w.expect("esx01", p1, 60, 90, "vm01 all [port_table]; ")
}

func TestBackdatingStopsAtTheLastMove(t *testing.T) {
	w := newWorld(t)
	vm := w.machine(1, "esx01", -3600)
	vm.Moved = at(-100)
	w.apply(0, Update{Hosts: []Host{w.esx("esx01", -86400)}, VMs: []VM{vm}, Tables: w.table("esx01", port(p1, 1))})
	w.report(0)
	w.expect("esx01", p1, -50, 90, "vm01 all [port_table backdated]; ")
	w.expect("esx01", p1, -150, 90, "")
}

func TestBackdatingStopsAtTheHostsBoot(t *testing.T) {
	w := newWorld(t)
	// The VM arrives in an earlier page than its host.
	w.apply(0, Update{VMs: []VM{w.machine(1, "esx01", -3600)}, Tables: w.table("esx01", port(p1, 1))})
	w.apply(0, Update{Hosts: []Host{w.esx("esx01", -100)}})
	w.report(0)
	w.expect("esx01", p1, -50, 90, "vm01 all [port_table backdated]; ")
	w.expect("esx01", p1, -150, 90, "")
}

func TestSettled(t *testing.T) {
	w := start(t)
	w.report(100)
	w.silent = true
	w.expect("esx01", p1, 100, 105, "vm01! all [port_table]; ") // guard has not passed
	w.expect("esx01", p1, 100, 110, "vm01 all [port_table]; ")
	w.expect("esx01", p1, 200, 300, "vm01! all [port_table]; ") // the source has been silent for too long
	w.Down(w.id)
	w.expect("esx01", p1, 100, 110, "vm01! all [port_table]; ") // down since what it reported at 100
	w.expect("esx01", p1, 90, 110, "vm01 all [port_table]; ")
}

func TestPowerCycleHandsThePortOn(t *testing.T) {
	w := start(t)
	off := w.machine(1, "esx01", -3600)
	off.Power = PoweredOff
	w.apply(100, Update{VMs: []VM{off}, Tables: w.table("esx01")})
	w.apply(130, Update{VMs: []VM{w.machine(2, "esx01", 128)}, Tables: w.table("esx01", port(p1, 2))})
	w.report(160)
	w.expect("esx01", p1, 80, 180, "vm01 all [port_table]; ")
	// vCenter tells up to guard late: what ended at 100 ended in 90 to 100.
	w.expect("esx01", p1, 95, 180, "vm01 part [port_table]; ")
	w.expect("esx01", p1, 105, 180, "vm01 perhaps [port_table]; ")
	w.expect("esx01", p1, 115, 180, "vm01 before [port_table tombstone]; ")
	w.expect("esx01", p1, 125, 180, "vm02 perhaps [port_table]; ")
	w.expect("esx01", p1, 135, 180, "vm02 at [port_table]; ")
	w.expect("esx01", p1, 145, 180, "vm02 all [port_table]; ")
}

func TestPortReusedAtOnceHasTwoCandidates(t *testing.T) {
	w := start(t)
	off := w.machine(1, "esx01", -3600)
	off.Power = PoweredOff
	w.apply(100, Update{VMs: []VM{off, w.machine(2, "esx01", 99)}, Tables: w.table("esx01", port(p1, 2))})
	w.report(160)
	w.expect("esx01", p1, 95, 180, "vm02 perhaps [port_table]; vm01 part [port_table]; ")
	w.expect("esx01", p1, 103, 180, "vm02 at [port_table]; vm01 perhaps [port_table]; ")
	w.expect("esx01", p1, 111, 180, "vm02 all [port_table]; ")
}

func TestVMotion(t *testing.T) {
	w := start(t)
	w.apply(100, Update{VMs: []VM{w.machine(1, "esx02", -3600)}})
	// The tables follow: first the new host's, later the old one's.
	w.apply(101, Update{Tables: w.table("esx02", port(p2, 1))})
	w.apply(104, Update{Tables: w.table("esx01")})
	w.report(160)
	w.expect("esx01", p1, 60, 180, "vm01 all [port_table]; ")
	w.expect("esx01", p1, 115, 180, "vm01 before [port_table tombstone]; ")
	w.expect("esx01", p1, 100+16*60, 1200, "")
	w.expect("esx02", p2, 115, 180, "vm01 all [port_table]; ")
	w.expect("esx02", p2, 60, 180, "")
}

func TestTableBeforeTheVM(t *testing.T) {
	w := start(t)
	w.apply(100, Update{Tables: w.table("esx02", port(p2, 1))})
	w.report(100)
	w.expect("esx02", p2, 120, 140, "00:50:56:84:00:01 all [port_table]; ")
	w.apply(103, Update{VMs: []VM{w.machine(1, "esx02", -3600)}})
	w.report(150)
	w.expect("esx02", p2, 120, 160, "vm01 all [port_table]; ")
}

func TestSameAddressOnTwoVMsOfAHostNamesNone(t *testing.T) {
	w := start(t)
	twin := w.machine(3, "esx01", -60)
	twin.NICs[0].MAC = mac1(9)
	other := w.machine(4, "esx01", -60)
	other.NICs[0].MAC = mac1(9)
	w.apply(100, Update{VMs: []VM{twin, other}, Tables: w.table("esx01", port(p1, 1), port(p2, 9))})
	w.report(130)
	w.expect("esx01", p2, 130, 160, "00:50:56:84:00:09 all [port_table]; ")
}

func TestOutageMakesTheChangeTimeUnsure(t *testing.T) {
	w := start(t)
	w.report(100)
	w.Down(w.id)
	// An hour later vm01 is off and vm02, booted in the meantime, has its port.
	off := w.machine(1, "esx01", -3600)
	off.Power = PoweredOff
	w.apply(3700, Update{VMs: []VM{off, w.machine(2, "esx01", 2000)}, Tables: w.table("esx01", port(p1, 2))})
	w.report(3700)
	w.expect("esx01", p1, 80, 4000, "vm01 all [port_table]; ")
	w.expect("esx01", p1, 1000, 4000, "vm01 perhaps [port_table]; ")
	w.expect("esx01", p1, 3000, 4000, "vm02 all [port_table backdated]; vm01 perhaps [port_table]; ")
	w.expect("esx01", p1, 3720, 4000, "vm02 all [port_table]; ")
}

func TestOutageWithNothingChangedIsOneInterval(t *testing.T) {
	w := start(t)
	w.report(100)
	w.Down(w.id)
	w.apply(3700, Update{Hosts: []Host{w.esx("esx01", -86400)}, VMs: []VM{w.machine(1, "esx01", -3600)}, Tables: w.table("esx01", port(p1, 1))})
	w.report(3700)
	w.expect("esx01", p1, 2000, 4000, "vm01 all [port_table]; ")
	if n := w.Stats().Intervals; n != 0 {
		t.Errorf("%d ended intervals", n)
	}
}

func TestPowerCycleInAnOutageIsTwoIntervals(t *testing.T) {
	w := start(t)
	w.report(100)
	w.Down(w.id)
	w.apply(3700, Update{VMs: []VM{w.machine(1, "esx01", 2000)}, Tables: w.table("esx01", port(p1, 1))})
	w.report(3700)
	w.expect("esx01", p1, 1000, 4000, "vm01 perhaps [port_table]; ")
	w.expect("esx01", p1, 3000, 4000, "vm01 all [port_table backdated]; ")
	if n := w.Stats().Intervals; n != 2 { // a residence and a port
		t.Errorf("%d ended intervals", n)
	}
}

func TestHostRebootEndsAll(t *testing.T) {
	w := start(t)
	w.report(100)
	w.apply(500, Update{Hosts: []Host{w.esx("esx01", 480)}, Tables: w.table("esx01")})
	w.report(500)
	w.expect("esx01", p1, 90, 600, "vm01 all [port_table]; ")
	w.expect("esx01", p1, 510, 600, "vm01 before [port_table tombstone]; ")
	w.apply(600, Update{VMs: []VM{w.machine(1, "esx01", 595)}, Tables: w.table("esx01", port(p1, 1))})
	w.report(650)
	w.expect("esx01", p1, 640, 700, "vm01 all [port_table]; ")
	w.expect("esx01", p1, 540, 700, "vm01 before [port_table tombstone]; ")
	// A boot time that wobbles by seconds is the same boot.
	w.apply(700, Update{Hosts: []Host{w.esx("esx01", 482)}})
	w.expect("esx01", p1, 640, 700, "vm01 all [port_table]; ")
}

func TestDisconnectedHostKeepsItsTableUnsettled(t *testing.T) {
	w := start(t)
	w.report(1000)
	cut := w.esx("esx01", -86400)
	cut.Connection = NotResponding
	w.apply(1000, Update{Hosts: []Host{cut}})
	w.report(1030)
	w.expect("esx01", p1, 800, 1030, "vm01 all [port_table]; ")
	w.expect("esx01", p1, 950, 1030, "vm01! all [port_table]; ") // vCenter notices up to two minutes late
	w.apply(2000, Update{Hosts: []Host{w.esx("esx01", -86400)}, Tables: w.table("esx01", port(p1, 1))})
	w.report(2000)
	w.expect("esx01", p1, 950, 2030, "vm01 all [port_table]; ")
}

func TestLearnedPorts(t *testing.T) {
	w := start(t)
	id, err := w.AddSource("stream", SourceStream, 0)
	if err != nil {
		t.Fatal(err)
	}
	h := w.HostTable(w.ref("esx01"))
	const dv = 0x3000007
	if !w.Learn(id, h, dv, mac1(1), at(50)) || !w.Learn(id, h, dv, mac1(1), at(51)) {
		t.Error("refused")
	}
	w.silent = true
	w.expect("esx01", dv, 70, 90, "vm01! all [learned]; ") // nothing reported since 0+45
	w.silent = false
	w.report(60)
	w.expect("esx01", dv, 70, 90, "vm01 all [learned]; ")
	w.expect("esx01", dv, 45, 90, "")
	if w.Learn(id, h, dv, mac1(2), at(40)) {
		t.Error("a line older than what is known was taken")
	}
	w.Learn(id, h, dv, MAC{}, at(100))
	w.expect("esx01", dv, 120, 140, "vm01 before [learned tombstone]; ")
	if w.Learn(id, h, dv, MAC{}, at(101)) {
		t.Error("a port that is down went down")
	}
	// The VM leaves: what was learned of it ends.
	w.Learn(id, h, dv, mac1(1), at(200))
	w.apply(300, Update{VMs: []VM{w.machine(1, "esx02", -3600)}})
	w.report(320)
	w.expect("esx01", dv, 280, 330, "vm01 all [learned]; ")
	w.expect("esx01", dv, 330, 345, "vm01 before [learned tombstone]; ")
}

func TestLiveRowsDateBackToTheArrival(t *testing.T) {
	w := start(t)
	id, err := w.AddSource("vc01 esxcli", SourceLive, w.vc)
	if err != nil {
		t.Fatal(err)
	}
	const dv = 0x3000007
	if err := w.Apply(&Update{Source: id, At: at(500), Tables: []PortTable{{Host: w.ref("esx01"), Rows: []Row{
		{Port: dv, Kind: KindVM, MAC: mac1(1), VM: "vm01", Net: Net{Switch: "DSwitch", Portgroup: "PG", DVPort: "37"}},
	}}}}); err != nil {
		t.Fatal(err)
	}
	w.report(520)
	w.expect("esx01", dv, 515, 530, "vm01 all [live]; ")
	w.expect("esx01", dv, 300, 530, "vm01 all [live backdated]; ")
	c := w.ask("esx01", dv, 515, 530)
	if c[0].Net == nil || c[0].Net.DVPort != "37" || c[0].NICKey != 4000 {
		t.Errorf("%+v", c[0])
	}
}

func TestTwoWitnessesOfOneHolderAreOneCandidate(t *testing.T) {
	w := start(t)
	id, _ := w.AddSource("stream", SourceStream, 0)
	w.Learn(id, w.HostTable(w.ref("esx01")), p1, mac1(1), at(20))
	w.report(60)
	w.expect("esx01", p1, 70, 90, "vm01 all [port_table learned]; ")
}

func TestNames(t *testing.T) {
	w := start(t)
	ask := func(host, name string, s int) string {
		t.Helper()
		w.poll(s + 20)
		q := &Query{From: at(s - 10), At: at(s), To: at(s), Now: at(s + 20)}
		list := w.HostTable(w.ref(host)).Named(name, q, nil)
		words := say(list)
		for _, c := range list {
			if c.FormerName {
				words += "former; "
			}
		}
		return words
	}
	w.report(100)
	vm := w.machine(1, "esx01", -3600)
	vm.Name = "renamed"
	w.apply(120, Update{VMs: []VM{vm}})
	for _, c := range []struct {
		host, name string
		s          int
		want       string
	}{
		{"esx01", "vm01", 100, "renamed all [client_name]; "},
		{"esx02", "vm01", 100, ""},
		{"esx01", "VM01", 100, ""},
		{"esx01", "", 100, ""},
		{"esx01", "renamed", 100, ""},                            // not its name yet
		{"esx01", "renamed", 115, "renamed all [client_name]; "}, // vCenter may tell late
		{"esx01", "renamed", 140, "renamed all [client_name]; "},
		{"esx01", "vm01", 140, "renamed all [client_name]; former; "}, // VMkernel keeps the old name
	} {
		if got := ask(c.host, c.name, c.s); got != c.want {
			t.Errorf("%s on %s at %d: %q, want %q", c.name, c.host, c.s, got, c.want)
		}
	}
	// After a power cycle VMkernel knows the new name only.
	vm.Boot = at(200)
	w.apply(201, Update{VMs: []VM{vm}})
	w.report(220)
	if got := ask("esx01", "vm01", 230); got != "renamed before [client_name tombstone]; former; " {
		t.Errorf("old name after the power cycle: %s", got)
	}
	now := w.VM(w.ref("vm-1"))
	if got := now.NameAt(at(50)); got != "vm01" {
		t.Errorf("name at 50: %s", got)
	}
	if got := now.FormerNames(); len(got) != 1 || got[0] != "vm01" {
		t.Errorf("former names %v", got)
	}
}

func TestVMGoneAndBack(t *testing.T) {
	w := start(t)
	w.apply(100, Update{Gone: []Ref{w.ref("vm-1"), w.ref("nobody")}, Tables: w.table("esx01")})
	w.report(130)
	w.expect("esx01", p1, 60, 140, "vm01 all [port_table]; ")
	if vm := w.ask("esx01", p1, 60, 140)[0].VM; vm.Gone() != at(100) {
		t.Errorf("gone at %v", vm.Gone().Time())
	}
	if n := w.Stats().VMs; n != 0 {
		t.Errorf("%d VMs", n)
	}
	w.apply(200, Update{VMs: []VM{w.machine(1, "esx01", -3600)}, Tables: w.table("esx01", port(p1, 1))})
	w.report(230)
	w.expect("esx01", p1, 240, 260, "vm01 all [port_table]; ")
}

func TestPortgroupAndAddressHistory(t *testing.T) {
	w := start(t)
	vm := w.machine(1, "esx01", -3600)
	vm.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	w.apply(50, Update{VMs: []VM{vm}})
	vm.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.2")}
	vm.NICs = []NIC{vm.NICs[0]}
	vm.NICs[0].Backing.Portgroup = "Management Network"
	w.apply(100, Update{VMs: []VM{vm}})
	w.report(130)
	now := w.VM(w.ref("vm-1"))
	nic := now.NIC(4000)
	if got := now.BackingAt(nic, at(60)).Portgroup; got != "VM Network" {
		t.Errorf("portgroup at 60: %s", got)
	}
	if got := now.BackingAt(nic, at(120)).Portgroup; got != "Management Network" {
		t.Errorf("portgroup at 120: %s", got)
	}
	if got := now.AddressAt(at(60)).String(); got != "192.0.2.1" {
		t.Errorf("address at 60: %s", got)
	}
	if got := now.AddressAt(at(120)).String(); got != "192.0.2.2" {
		t.Errorf("address at 120: %s", got)
	}
}

func TestStandaloneAndUnknownSource(t *testing.T) {
	w := newWorld(t)
	if err := w.Apply(&Update{Source: 77}); err == nil {
		t.Error("an update from nowhere was taken")
	}
}

// An adapter that was connected anew has another port; what its host was asked before is of the old one.
func TestAReconnectedAdapterLeavesWhatItsHostWasAsked(t *testing.T) {
	w := newWorld(t)
	live, err := w.AddSource("vc01 esxcli", SourceLive, w.vc)
	if err != nil {
		t.Fatal(err)
	}
	vm := w.machine(1, "host-1", -1000)
	vm.NICs[0].Backing, vm.NICs[0].Cookie = Backing{DistributedSwitch, "dvportgroup-1", "7"}, 100
	w.apply(0, Update{Hosts: []Host{w.esx("host-1", -2000)}, VMs: []VM{vm}})
	w.report(1)
	ask := func(s int, port uint32) {
		if err := w.Apply(&Update{Source: live, At: at(s), Tables: []PortTable{{Host: w.ref("host-1"), Rows: []Row{{Port: port, Kind: KindVM, VM: vm.Name, MAC: mac1(1)}}}}}); err != nil {
			t.Fatal(err)
		}
	}
	ask(20, 0x4000006)
	vm.NICs = append([]NIC(nil), vm.NICs...)
	w.apply(60, Update{VMs: []VM{vm}}) // nothing of the adapter changed
	if got := w.ask("host-1", 0x4000006, 61, 80); len(got) != 1 || got[0].Cover != CoverAll {
		t.Errorf("before: %s", say(got))
	}
	ask(95, 0x4000009) // its new port, asked for before vCenter told
	vm.NICs = append([]NIC(nil), vm.NICs...)
	vm.NICs[0].Cookie = 101
	w.apply(100, Update{VMs: []VM{vm}})
	if got := w.ask("host-1", 0x4000006, 120, 140); len(got) != 1 || got[0].Method&MethodTombstone == 0 {
		t.Errorf("the old port: %s", say(got))
	}
	if got := w.ask("host-1", 0x4000009, 120, 140); len(got) != 1 || got[0].Cover != CoverAll {
		t.Errorf("the new port: %s", say(got))
	}
}
