package app

import (
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"vswarden/inventory"
)

// demoEstate plays the vCenter of the demo: two hosts, a distributed switch, a few VMs. It is a feeder as any other,
// but lives in this process, so that it tells at once.
type demoEstate struct {
	inv    *inventory.Inventory
	source inventory.SourceID
	vc     uint16
	now    func() time.Time
	synced atomic.Bool
}

func newDemoEstate(inv *inventory.Inventory, now func() time.Time) (*demoEstate, error) {
	instance, err := inventory.ParseUUID("7f1c2b60-3c6d-4a3e-9d1a-0c5f2e8b9a10")
	if err != nil {
		return nil, fmt.Errorf("the demo's estate: %w", err)
	}
	d := &demoEstate{inv: inv, now: now}
	d.vc = inv.AddVCenter(inventory.VCenter{Name: "vc01.example.com", Instance: instance, Version: "8.0.3"})
	d.source, err = inv.AddSource("vc01.example.com", inventory.SourcePushed, d.vc)
	return d, err
}

// Name is the vCenter's.
func (d *demoEstate) Name() string { return "vc01.example.com" }

// Synced reports whether the estate is known.
func (d *demoEstate) Synced() bool { return d.synced.Load() }

// Trouble is none.
func (d *demoEstate) Trouble() string { return "" }

// Run tells of the estate, and then that nothing has changed.
func (d *demoEstate) Run(ctx context.Context) error {
	now := inventory.StampOf(d.now())
	if err := d.inv.Apply(d.update(now)); err != nil {
		return err
	}
	d.inv.Reported(d.source, now)
	d.synced.Store(true)
	<-ctx.Done()
	return nil
}

func (d *demoEstate) ref(id string) inventory.Ref { return inventory.Ref{VC: d.vc, ID: id} }

// demoMAC is the address of the n-th adapter of the demo.
func demoMAC(n byte) inventory.MAC { return inventory.MAC{0, 0x50, 0x56, 0x84, 0x5a, n} }

// demoVM is one machine of the demo with one adapter.
type demoVM struct {
	name, host, portgroup string
	mac                   byte
	port                  uint32 // 0: its port is not part of the story
}

// Portgroups of the distributed switch, by moid.
const (
	demoWeb    = "dvportgroup-120"
	demoNLB    = "dvportgroup-130"
	demoMirror = "dvportgroup-99"
	demoSwitch = "dvs-10"
)

func demoVMs() []demoVM {
	return []demoVM{
		{"web-01", "host-21", demoWeb, 0xba, 0x4000006},
		{"web-02", "host-21", demoWeb, 0xbb, 0x4000007},
		{"web-03", "host-21", demoWeb, 0xbc, 0x4000008},
		{"dc01", "host-21", demoWeb, 0x01, 0x4000009},
		{"nlb-02", "host-21", demoNLB, 0xc2, 0x4000011},
		{"db-01", "host-21", demoWeb, 0xd1, 0x4000012},
		{"ids-sensor", "host-22", demoMirror, 0xe1, 0x200002b},
		{"web-04", "host-22", demoWeb, 0xbd, 0},
		{"db-02", "host-22", demoWeb, 0xd2, 0},
	}
}

func (d *demoEstate) update(now inventory.Stamp) *inventory.Update {
	u := &inventory.Update{Source: d.source, At: now}
	u.Switches = []inventory.Switch{{
		Ref: d.ref(demoSwitch), Kind: inventory.DistributedSwitch, Name: "DSwitch-Prod", MACLearning: true,
		Rules: inventory.Rules{Distributed: demoPolicy(false, inventory.Reject, inventory.Reject)},
	}}
	u.Portgroups = []inventory.Portgroup{
		d.portgroup(demoWeb, "PG-Web-120", inventory.VLAN{Kind: inventory.VLANAccess, ID: 120}, demoPolicy(false, inventory.Reject, inventory.Reject)),
		// Permitted in vCenter, and yet the host will deny it.
		d.portgroup(demoNLB, "PG-NLB-130", inventory.VLAN{Kind: inventory.VLANAccess, ID: 130}, demoPolicy(false, inventory.Reject, inventory.Accept)),
		d.portgroup(demoMirror, "PG-Mirror", inventory.VLAN{Kind: inventory.VLANTrunk, Ranges: []inventory.VLANRange{{First: 0, Last: 4094}}}, demoPolicy(true, inventory.Reject, inventory.Reject)),
	}
	for i, id := range []string{"host-21", "host-22"} {
		u.Hosts = append(u.Hosts, inventory.Host{
			Ref: d.ref(id), Name: fmt.Sprintf("esx%02d.example.com", i+1), Version: "8.0.3", Build: "24022510", Connection: inventory.Connected,
			Boot: now.Add(-40 * 24 * time.Hour), Cluster: inventory.Place{ID: "domain-c8", Name: "Prod-01"}, Datacenter: inventory.Place{ID: "datacenter-3", Name: "DC1"},
			Kernel: []inventory.VMKernel{{
				Device: "vmk0", Port: 0x1000003, MAC: inventory.MAC{0, 0x50, 0x56, 0x60, 0, byte(i + 1)}, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, byte(11 + i)})}, Portgroup: "Management Network",
			}},
			Switches: []inventory.Switch{{Kind: inventory.Standard, Name: "vSwitch0", Rules: inventory.Rules{Own: inventory.Flags{
				Promiscuous: inventory.Reject, MACChanges: inventory.Reject, ForgedTransmits: inventory.Reject,
			}}}},
			Portgroups: []inventory.Portgroup{{Kind: inventory.Standard, Name: "Management Network", Switch: "vSwitch0", VLAN: inventory.StandardVLAN(10)}},
		})
		u.Tables = append(u.Tables, inventory.PortTable{Host: d.ref(id), Whole: true, Rows: []inventory.Row{
			{Port: 0x1000003, Kind: inventory.KindVMKernel, Client: "vmk0", Net: inventory.Net{Switch: "vSwitch0", Portgroup: "Management Network"}},
		}})
	}
	for i, v := range demoVMs() {
		key := fmt.Sprint(400 + i)
		u.VMs = append(u.VMs, inventory.VM{
			Ref: d.ref(fmt.Sprintf("vm-%d", 1001+i)), Name: v.name, Host: v.host, Power: inventory.PoweredOn, Boot: now.Add(-72 * time.Hour), World: 2098760 + uint64(i),
			Hostname: v.name + ".example.com", Addresses: []netip.Addr{netip.AddrFrom4([4]byte{198, 51, 100, byte(21 + i)})}, Folder: "/DC1/vm/Prod", Owner: "web-team",
			NICs: []inventory.NIC{{
				Key: 4000, Label: "Network adapter 1", MAC: demoMAC(v.mac), MACType: "assigned", Adapter: "vmxnet3", Connected: true,
				Backing: inventory.Backing{Kind: inventory.DistributedSwitch, Portgroup: v.portgroup, Port: key},
			}},
		})
		if v.port != 0 {
			t := &u.Tables[0]
			if v.host != t.Host.ID {
				t = &u.Tables[1]
			}
			t.Rows = append(t.Rows, inventory.Row{Port: v.port, Kind: inventory.KindVM, MAC: demoMAC(v.mac), Net: inventory.Net{Switch: "DSwitch-Prod", Portgroup: v.portgroup, DVPort: key}})
		}
	}
	return u
}

func (d *demoEstate) portgroup(id, name string, vlan inventory.VLAN, policy inventory.DistributedSetting) inventory.Portgroup {
	return inventory.Portgroup{
		Ref: d.ref(id), Kind: inventory.DistributedSwitch, Name: name, Switch: demoSwitch, VLAN: vlan, Version: "7",
		Rules: inventory.Rules{Distributed: policy, SecurityOverride: inventory.Reject, MACOverride: inventory.Reject},
	}
}

// demoPolicy is what one level of the distributed switch says.
func demoPolicy(inherited bool, promiscuous, macChanges inventory.Verdict) inventory.DistributedSetting {
	return inventory.DistributedSetting{MACManagement: inventory.MACManagement{
		Present: true, Inherited: inherited,
		Flags:    inventory.Flags{Promiscuous: promiscuous, MACChanges: macChanges, ForgedTransmits: inventory.Reject},
		Learning: inventory.MACLearning{Present: true, Enabled: inventory.Reject},
	}}
}
