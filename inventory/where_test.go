package inventory

import "testing"

// dvs is a world with a distributed switch: portgroups web (VLAN 120, port overrides allowed), trunk and up.
func dvs(t *testing.T) *world {
	w := newWorld(t)
	esx := w.esx("esx01", -86400)
	esx.Kernel = append(esx.Kernel, VMKernel{Device: "vmk1", MAC: mac1(900), Portgroup: "dvportgroup-1", DVPort: "7"})
	pg := func(id, name string, v VLAN, verdict Verdict) Portgroup {
		return Portgroup{
			Ref: w.ref(id), Kind: DistributedSwitch, Name: name, Switch: "dvs-1", VLAN: v,
			Rules: Rules{Distributed: sec(verdict, false), SecurityOverride: Accept},
		}
	}
	up := pg("dvportgroup-9", "Uplinks", VLAN{Kind: VLANTrunk, Ranges: []VLANRange{{0, 4094}}}, Reject)
	up.Uplink = true
	u := Update{
		Hosts:    []Host{esx},
		Switches: []Switch{{Ref: w.ref("dvs-1"), Kind: DistributedSwitch, Name: "DSwitch-Prod", Rules: Rules{Distributed: sec(Reject, false)}}},
		Portgroups: []Portgroup{
			pg("dvportgroup-1", "web", VLAN{Kind: VLANAccess, ID: 120}, Reject),
			pg("dvportgroup-2", "trunk", VLAN{Kind: VLANTrunk, Ranges: []VLANRange{{100, 199}}}, Accept), up,
		},
		DVPorts: []DVPort{{Switch: w.ref("dvs-1"), Key: "37", Portgroup: "dvportgroup-1", Rules: Rules{Distributed: sec(Accept, false)}}},
	}
	for i, portgroup := range []string{"dvportgroup-1", "dvportgroup-1", "dvportgroup-2", "VM Network"} {
		vm := w.machine(i+1, "esx01", -3600)
		vm.NICs[0].Backing = Backing{Kind: DistributedSwitch, Portgroup: portgroup, Port: "3" + string(rune('6'+i))}
		if i == 3 {
			vm.NICs[0].Backing = Backing{Kind: Standard, Portgroup: portgroup}
		}
		u.VMs = append(u.VMs, vm)
	}
	w.apply(0, u)
	w.report(0)
	return w
}

func (w *world) vmPlace(id string, s int) (Where, *VM) {
	w.t.Helper()
	vm := w.VM(w.ref(id))
	h := w.HostTable(w.ref(vm.Host))
	return h.Where(&Candidate{Kind: KindVM, VM: vm, NICKey: vm.NICs[0].Key}, at(s)), vm
}

func TestPolicyOfAPort(t *testing.T) {
	w := dvs(t)
	for _, c := range []struct {
		vm, portgroup, sw string
		want              Setting
	}{
		{"vm-1", "web", "DSwitch-Prod", Setting{Reject, LevelPortgroup, ViaSecurity}},
		{"vm-2", "web", "DSwitch-Prod", Setting{Accept, LevelPort, ViaSecurity}},
		{"vm-3", "trunk", "DSwitch-Prod", Setting{Accept, LevelPortgroup, ViaSecurity}},
		{"vm-4", "VM Network", "vSwitch0", Setting{Reject, LevelSwitch, ViaSecurity}},
	} {
		place, _ := w.vmPlace(c.vm, 10)
		e, _ := place.Effective(at(10))
		if place.PortgroupName != c.portgroup || place.SwitchName != c.sw || e.Promiscuous != c.want {
			t.Errorf("%s: %s on %s, %+v", c.vm, place.PortgroupName, place.SwitchName, e.Promiscuous)
		}
	}
	h := w.HostTable(w.ref("esx01"))
	place := h.Where(&Candidate{Kind: KindVMKernel, Client: "vmk1"}, at(10))
	if e, _ := place.Effective(at(10)); place.PortgroupName != "web" || place.PortKey != "7" || e.Promiscuous.Value != Reject {
		t.Errorf("vmk1: %+v", place)
	}
	place = h.Where(&Candidate{Kind: KindVM, Net: &Net{Portgroup: "elsewhere", DVPort: "9"}}, at(10))
	if e, _ := place.Effective(at(10)); e.Promiscuous != (Setting{}) || place.PortgroupName != "elsewhere" || place.Kind != DistributedSwitch {
		t.Errorf("unknown portgroup: %+v", place)
	}
	place = h.Where(&Candidate{Kind: KindVM, Net: &Net{DVPort: "9", Enforced: Flags{Accept, Reject, Reject}}}, at(10))
	if e, _ := place.Effective(at(10)); e.Promiscuous != (Setting{Accept, LevelPort, ViaEnforced}) {
		t.Errorf("enforced: %+v", e)
	}
}

func TestPolicyIsAsOfThen(t *testing.T) {
	w := dvs(t)
	pg := *w.Portgroup(w.ref("dvportgroup-1"))
	pg.Rules.Distributed = sec(Accept, false)
	w.apply(1000, Update{Portgroups: []Portgroup{pg}})
	w.report(1000)
	for _, c := range []struct {
		s        int
		want     Verdict
		changing bool
	}{{500, Reject, false}, {989, Reject, false}, {995, Accept, true}, {1000, Accept, true}, {1001, Accept, false}} {
		place, _ := w.vmPlace("vm-1", c.s)
		e, changing := place.Effective(at(c.s))
		if e.Promiscuous.Value != c.want || changing != c.changing {
			t.Errorf("at %d: %d, changing %v", c.s, e.Promiscuous.Value, changing)
		}
	}
	place, _ := w.vmPlace("vm-1", 1100)
	if !place.ChangedBetween(at(900), at(1100)) || place.ChangedBetween(at(1010), at(1100)) {
		t.Error("when the policy changed")
	}
	// The host's own switches have a past too.
	esx := *w.HostTable(w.ref("esx01")).Facts()
	esx.Portgroups = append([]Portgroup(nil), esx.Portgroups...)
	esx.Portgroups[0].Rules.Own.Promiscuous = Accept
	w.apply(2000, Update{Hosts: []Host{esx}})
	for s, want := range map[int]Setting{1900: {Reject, LevelSwitch, ViaSecurity}, 2100: {Accept, LevelPortgroup, ViaSecurity}} {
		place, _ := w.vmPlace("vm-4", s)
		if e, _ := place.Effective(at(s)); e.Promiscuous != want {
			t.Errorf("at %d: %+v", s, e.Promiscuous)
		}
	}
}

func TestPortThatSaysNothingIsForgotten(t *testing.T) {
	w := dvs(t)
	w.apply(10, Update{DVPorts: []DVPort{
		{Switch: w.ref("dvs-1"), Key: "55", Portgroup: "dvportgroup-1"},
		{Switch: w.ref("dvs-1"), Key: "56", Portgroup: "dvportgroup-1", Blocked: true, Status: "L2 security"},
	}})
	if w.DVPort(w.ref("dvs-1"), "55") != nil {
		t.Error("kept")
	}
	if p := w.DVPort(w.ref("dvs-1"), "56"); p == nil || !p.Blocked {
		t.Errorf("%+v", p)
	}
	w.apply(20, Update{Gone: []Ref{w.ref("dvs-1"), w.ref("dvportgroup-2")}})
	if w.Switch(w.ref("dvs-1")) != nil || w.Portgroup(w.ref("dvportgroup-2")) != nil || w.DVPort(w.ref("dvs-1"), "56") != nil {
		t.Error("still there")
	}
}

func TestExposure(t *testing.T) {
	w := dvs(t)
	h := w.HostTable(w.ref("esx01"))
	for _, c := range []struct {
		vm   string
		want int
		vlan string
	}{
		{"vm-1", 2, "vlan 120"},      // vm-2 in the same portgroup, vm-3 whose trunk passes 120
		{"vm-3", 2, "trunk 100-199"}, // both of VLAN 120
		{"vm-4", 0, "untagged"},      // nobody else is on vSwitch0
	} {
		place, vm := w.vmPlace(c.vm, 10)
		x := h.Exposure(&place, vm)
		if !x.Known || x.VMs != c.want || x.VLAN.String() != c.vlan {
			t.Errorf("%s: %+v", c.vm, x)
		}
	}
	off := *w.VM(w.ref("vm-2"))
	off.Power = PoweredOff
	w.apply(100, Update{VMs: []VM{off}})
	place, vm := w.vmPlace("vm-1", 110)
	if x := h.Exposure(&place, vm); x.VMs != 1 {
		t.Errorf("a machine that is off is counted: %+v", x)
	}
	if x := h.Exposure(&place, nil); x.VMs != 2 {
		t.Errorf("for a vmk all are others: %+v", x)
	}
	if x := h.Exposure(&Where{}, nil); x.Known {
		t.Errorf("of no portgroup: %+v", x)
	}
}

func TestVLANSees(t *testing.T) {
	access := func(id uint16) VLAN { return VLAN{Kind: VLANAccess, ID: id} }
	trunk := func(a, b uint16) VLAN { return VLAN{Kind: VLANTrunk, Ranges: []VLANRange{{a, b}}} }
	private := func(id uint16, k PrivateKind) VLAN { return VLAN{Kind: VLANPrivate, ID: id, Primary: 200, Private: k} }
	for _, c := range []struct {
		a, b VLAN
		want bool
	}{
		{access(5), access(5), true},
		{access(5), access(6), false},
		{access(0), access(0), true},
		{trunk(1, 10), access(5), true},
		{trunk(1, 10), access(50), false},
		{access(5), trunk(1, 10), true},
		{trunk(1, 10), trunk(10, 20), true},
		{trunk(1, 10), trunk(11, 20), false},
		{StandardVLAN(4095), access(7), true},
		{private(200, Promiscuous), private(201, Isolated), true},
		{private(201, Isolated), private(201, Isolated), false},
		{private(201, Isolated), private(200, Promiscuous), true},
		{private(202, Community), private(202, Community), true},
		{private(202, Community), private(203, Community), false},
		{private(202, Community), access(202), true},
		{VLAN{}, access(5), false},
		{access(5), VLAN{}, false},
	} {
		if got := c.a.Sees(c.b); got != c.want {
			t.Errorf("%v sees %v: %v", c.a, c.b, got)
		}
	}
	if !StandardVLAN(4095).All() || StandardVLAN(7).All() || StandardVLAN(-1).Kind != VLANUnknown {
		t.Error("standard VLANs")
	}
}

func TestSwitchOfPortset(t *testing.T) {
	w := start(t)
	h := w.HostTable(w.ref("esx01"))
	if got := h.SwitchOf(0x2000099); got != "vSwitch0" {
		t.Errorf("%q", got)
	}
	if got := h.SwitchOf(0x82000005); got != "vSwitch0" {
		t.Errorf("an uplink of the portset: %q", got)
	}
	if got := h.SwitchOf(0x3000099); got != "" {
		t.Errorf("%q", got)
	}
}
