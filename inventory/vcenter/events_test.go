package vcenter

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
)

// post writes an event to the server's log.
func (s *sim) post(e types.BaseEvent) {
	s.t.Helper()
	c := s.client.Client
	if _, err := methods.PostEvent(s.t.Context(), c, &types.PostEvent{This: *c.ServiceContent.EventManager, EventToPost: e}); err != nil {
		s.t.Fatal(err)
	}
}

// portgroup returns the one distributed portgroup that is no uplink, and its switch.
func (s *sim) portgroup() (*simulator.DistributedVirtualPortgroup, *simulator.DistributedVirtualSwitch) {
	s.t.Helper()
	for _, o := range s.model.Map().All("DistributedVirtualPortgroup") {
		if pg := o.(*simulator.DistributedVirtualPortgroup); !strings.Contains(pg.Name, "Uplinks") {
			return pg, s.model.Map().Get(*pg.Config.DistributedVirtualSwitch).(*simulator.DistributedVirtualSwitch)
		}
	}
	s.t.Fatal("no portgroup")
	return nil, nil
}

// reconfigure sets the security of a portgroup as vCenter would, with overrides allowed.
func (s *sim) reconfigure(promiscuous bool, version string) {
	pg, _ := s.portgroup()
	cfg := pg.Config
	cfg.ConfigVersion = version
	cfg.Policy = &types.VMwareDVSPortgroupPolicy{SecurityPolicyOverrideAllowed: true}
	cfg.DefaultPortConfig = &types.VMwareDVSPortSetting{
		Vlan: &types.VmwareDistributedVirtualSwitchVlanIdSpec{VlanId: 120},
		SecurityPolicy: &types.DVSSecurityPolicy{
			AllowPromiscuous: &types.BoolPolicy{Value: &promiscuous}, MacChanges: &types.BoolPolicy{Value: new(false)},
			ForgedTransmits: &types.BoolPolicy{InheritablePolicy: types.InheritablePolicy{Inherited: true}, Value: new(false)},
		},
	}
	s.update(pg.Self, types.PropertyChange{Name: "config", Val: cfg})
}

// ofPortgroup is the head of an event about the portgroup.
func (s *sim) ofPortgroup() types.Event {
	pg, sw := s.portgroup()
	return types.Event{
		Net: &types.NetworkEventArgument{EntityEventArgument: types.EntityEventArgument{Name: pg.Name}, Network: pg.Self},
		Dvs: &types.DvsEventArgument{EntityEventArgument: types.EntityEventArgument{Name: sw.Name}, Dvs: sw.Self},
	}
}

func TestAPolicyChangeBearsTheNameOfWhoMadeIt(t *testing.T) {
	s := newSim(t, small(), false)
	s.reconfigure(false, "1")
	f := feed(t, s.config())
	sim, _ := s.portgroup()
	ref := inventory.Ref{VC: 1, ID: sim.Self.Value}
	pg := f.inv.Portgroup(ref)
	if pg.VLAN.ID != 120 || pg.Rules.SecurityOverride != inventory.Accept || pg.Rules.Distributed.Security.Promiscuous.Value != inventory.Reject || !pg.Rules.Distributed.Security.ForgedTransmits.Inherited {
		t.Fatalf("portgroup %+v", pg)
	}
	s.reconfigure(true, "2")
	s.post(&types.DVPortgroupReconfiguredEvent{DVPortgroupEvent: types.DVPortgroupEvent{Event: s.ofPortgroup()}})
	var taken []inventory.PolicyChange
	f.until("the change", func() bool {
		taken = append(taken, f.inv.TakePolicyChanges(inventory.StampOf(time.Now()))...)
		return len(taken) > 0
	})
	c := taken[0]
	was, _ := c.Old.Flags()
	is, _ := c.New.Flags()
	if c.Object != ref || c.User != "user" || c.Event != "DVPortgroupReconfiguredEvent" || c.Switch != "DVS0" || c.Name != sim.Name ||
		was.Promiscuous != inventory.Reject || is.Promiscuous != inventory.Accept || len(taken) != 1 {
		t.Errorf("taken %+v", taken)
	}
}

// preset gives the switch ports of its own.
func (s *sim) preset(ports ...types.DistributedVirtualPort) {
	_, sw := s.portgroup()
	ctx := s.model.Service.Context
	ctx.WithLock(sw, func() { sw.Returnval = ports })
}

func TestPortsOfSwitchesAreReadWhereTheyMayDiffer(t *testing.T) {
	s := newSim(t, small(), false)
	s.reconfigure(false, "1")
	pg, sw := s.portgroup()
	vm := s.vms()["DC0_C0_RP0_VM0"]
	port := func(key string, promiscuous, inherited bool) types.DistributedVirtualPort {
		return types.DistributedVirtualPort{
			Key: key, DvsUuid: sw.Uuid, PortgroupKey: pg.Key,
			Config: types.DVPortConfigInfo{Setting: &types.VMwareDVSPortSetting{SecurityPolicy: &types.DVSSecurityPolicy{
				AllowPromiscuous: &types.BoolPolicy{InheritablePolicy: types.InheritablePolicy{Inherited: inherited}, Value: &promiscuous},
			}}},
		}
	}
	nic := 0
	for _, d := range vm.Config.Hardware.Device {
		if c, ok := d.(types.BaseVirtualEthernetCard); ok {
			nic = int(c.GetVirtualEthernetCard().Key)
		}
	}
	seven := port("7", true, false)
	seven.Connectee = &types.DistributedVirtualSwitchPortConnectee{ConnectedEntity: &vm.Self, NicKey: strconv.Itoa(nic)}
	seven.State = &types.DVPortState{RuntimeInfo: &types.DVPortStatus{MacAddress: "00:50:56:00:00:99"}}
	s.preset(seven, port("8", false, true))

	cfg := s.config()
	f := feed(t, cfg)
	ref := inventory.Ref{VC: 1, ID: sw.Self.Value}
	if p := f.inv.DVPort(ref, "7"); p == nil || p.Rules.Distributed.Security.Promiscuous.Value != inventory.Accept {
		t.Fatalf("port 7: %+v", p)
	}
	if p := f.inv.DVPort(ref, "8"); p != nil {
		t.Errorf("port 8 says nothing of its own: %+v", p)
	}
	if n := f.vm(vm.Name).NICs[0]; n.Effective.String() != "00:50:56:00:00:99" {
		t.Errorf("the address that the switch sees: %+v", n)
	}
	if got := f.inv.TakePolicyChanges(inventory.StampOf(time.Now().Add(time.Hour))); got != nil {
		t.Errorf("a first read is no change: %+v", got)
	}

	// An event says that a port was blocked, another that one was changed: both are read anew.
	eight := port("8", true, false)
	eight.State = &types.DVPortState{RuntimeInfo: &types.DVPortStatus{Blocked: true, StatusDetail: "blocked by L2Sec"}}
	s.preset(seven, eight)
	s.post(&types.DvsPortReconfiguredEvent{DvsEvent: types.DvsEvent{Event: s.ofPortgroup()}, PortKey: []string{"8"}})
	f.until("port 8", func() bool {
		p := f.inv.DVPort(ref, "8")
		return p != nil && p.Blocked && p.Status == "blocked by L2Sec" && p.Rules.Distributed.Security.Promiscuous.Value == inventory.Accept
	})
	var taken []inventory.PolicyChange
	f.until("who did it", func() bool {
		taken = append(taken, f.inv.TakePolicyChanges(inventory.StampOf(time.Now()))...)
		return len(taken) > 0
	})
	if c := taken[0]; c.Level != inventory.LevelPort || c.Port != "8" || c.User != "user" {
		t.Errorf("taken %+v", taken)
	}

	// A change of the portgroup has them read too.
	s.preset(port("8", false, true))
	s.reconfigure(false, "3")
	f.until("port 8 to say nothing", func() bool {
		p := f.inv.DVPort(ref, "8")
		return p == nil || !p.Blocked && p.Rules == (inventory.Rules{})
	})
	f.until("port 7 to be gone", func() bool {
		p := f.inv.DVPort(ref, "7")
		return p == nil || p.Rules == (inventory.Rules{})
	})
}

func TestTheEventLogIsReadOnFromWhereItWas(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	f := feed(t, p.config(s))
	event := func() { s.post(&types.UserLoginSessionEvent{IpAddress: "192.0.2.1", Locale: "en", SessionId: "x"}) }
	count := func() uint64 { return f.Stats().Deeds[DeedLogin].Load() }
	before := count()
	event()
	f.until("the first", func() bool { return count() >= before+1 })
	// The line is cut; one is written while we are away. None is lost, none is taken twice.
	p.breaks(func(string) int { return cut })
	p.disconnect()
	f.until("the feeder is away", func() bool { return f.Status().State == Stale })
	event()
	p.breaks(nil)
	f.follows()
	event()
	logins := func() uint64 { // ours too: each session of ours is one
		n := uint64(0)
		for _, e := range s.events() {
			if _, ok := e.(*types.UserLoginSessionEvent); ok {
				n++
			}
		}
		return n
	}
	f.until("all of them, once", func() bool { return count() == logins() })
	time.Sleep(1500 * time.Millisecond) // another round of reading
	if count() != logins() {
		t.Errorf("%d logins taken, the server wrote %d", count(), logins())
	}
}

// events returns all events of the server.
func (s *sim) events() []types.BaseEvent {
	s.t.Helper()
	c := s.client.Client
	res, err := methods.QueryEvents(s.t.Context(), c, &types.QueryEvents{This: *c.ServiceContent.EventManager, Filter: types.EventFilterSpec{}})
	if err != nil {
		s.t.Fatal(err)
	}
	return res.Returnval
}

func TestAMoveWhileWeWereAwayIsDatedByItsEvent(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	f := feed(t, p.config(s))
	vm := s.vms()["DC0_C0_RP0_VM0"]
	var other types.ManagedObjectReference
	for _, h := range s.model.Map().All("HostSystem") {
		if h.Reference() != *vm.Runtime.Host {
			other = h.Reference()
		}
	}
	p.breaks(func(string) int { return cut })
	p.disconnect()
	f.until("the feeder is away", func() bool { return f.Status().State == Stale })
	s.task(s.object(vm.Self).Relocate(t.Context(), types.VirtualMachineRelocateSpec{Host: &other}, types.VirtualMachineMovePriorityDefaultPriority))
	moved := time.Now()
	s.post(&types.VmMigratedEvent{VmEvent: types.VmEvent{Event: types.Event{
		Vm:   &types.VmEventArgument{EntityEventArgument: types.EntityEventArgument{Name: vm.Name}, Vm: vm.Self},
		Host: &types.HostEventArgument{EntityEventArgument: types.EntityEventArgument{Name: "x"}, Host: other},
	}}})
	p.breaks(nil)
	f.until("the move", func() bool { return f.vm(vm.Name).Host == other.Value })
	if got := f.vm(vm.Name).Moved.Time(); got.Sub(moved).Abs() > 30*time.Second {
		t.Errorf("moved at %v, want about %v", got, moved)
	}
}

func TestAHostOutOfSyncIsNamed(t *testing.T) {
	s := newSim(t, small(), false)
	f := feed(t, s.config())
	host := types.HostEventArgument{EntityEventArgument: types.EntityEventArgument{Name: "esx01"}, Host: s.model.Map().All("HostSystem")[0].Reference()}
	s.post(&types.DvsHostWentOutOfSyncEvent{DvsEvent: types.DvsEvent{Event: s.ofPortgroup()}, HostOutOfSync: types.DvsOutOfSyncHostArgument{OutOfSyncHost: host, ConfigParamters: []string{"security"}}})
	f.until("the host", func() bool { a := f.Status().Apart; return len(a) == 1 && a[0] == "esx01 with DVS0" })
	s.post(&types.DvsHostBackInSyncEvent{DvsEvent: types.DvsEvent{Event: s.ofPortgroup()}, HostBackInSync: host})
	f.until("the host in sync", func() bool { return len(f.Status().Apart) == 0 })
}
