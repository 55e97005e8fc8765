package posture

import (
	"fmt"
	"testing"

	"vswarden/inventory"
)

// bigEstate has hosts with VMs each on four portgroups of one distributed switch, of which one permits all, and a
// standard portgroup on each host.
func bigEstate(t testing.TB, hosts, vms int) *estate {
	w := estateOn(t, inventory.New(inventory.DefaultConfig()))
	u := inventory.Update{Switches: []inventory.Switch{{Ref: w.ref("dvs-1"), Kind: inventory.DistributedSwitch, Name: "DSwitch", Rules: distributed(inventory.Reject, false)}}}
	for i := range 4 {
		rules := distributed(inventory.Reject, true)
		if i == 0 {
			rules = distributed(inventory.Accept, false)
		}
		u.Portgroups = append(u.Portgroups, w.portgroup(fmt.Sprintf("pg-%d", i), fmt.Sprintf("PG-%d", i), inventory.StandardVLAN(4095), rules))
	}
	for h := range hosts {
		id := fmt.Sprintf("host-%d", h)
		u.Hosts = append(u.Hosts, inventory.Host{
			Ref: w.ref(id), Name: id + ".example.com", Connection: inventory.Connected, Boot: at(-86400),
			Switches:   []inventory.Switch{{Kind: inventory.Standard, Name: "vSwitch0", Rules: inventory.Rules{Own: inventory.Flags{Promiscuous: inventory.Accept, MACChanges: inventory.Accept, ForgedTransmits: inventory.Accept}}}},
			Portgroups: []inventory.Portgroup{{Kind: inventory.Standard, Name: "VM Network", Switch: "vSwitch0", VLAN: inventory.StandardVLAN(0)}},
		})
		table := inventory.PortTable{Host: w.ref(id), Whole: true}
		for v := range vms {
			n := h*vms + v
			vm := w.vm(n, fmt.Sprintf("vm-%d", n), id, fmt.Sprintf("pg-%d", n%4), fmt.Sprint(n))
			vm.NICs[0].MAC = inventory.MAC{0, 0x50, 0x56, byte(n >> 16), byte(n >> 8), byte(n)}
			u.VMs = append(u.VMs, vm)
			table.Rows = append(table.Rows, inventory.Row{Port: 0x2000000 + uint32(v), Kind: inventory.KindVM, MAC: vm.NICs[0].MAC, Net: inventory.Net{Switch: "DSwitch", Portgroup: fmt.Sprintf("PG-%d", n%4)}})
		}
		u.Tables = append(u.Tables, table)
	}
	w.apply(0, u)
	return w
}

func BenchmarkReport(b *testing.B) {
	w := bigEstate(b, 500, 20)
	b.ReportAllocs()
	for b.Loop() {
		if r := Of(w.Inventory, at(10), at(10)); len(r.Findings) != 501 || r.Findings[0].Reach != 10_000 {
			b.Fatalf("%d findings", len(r.Findings))
		}
	}
}

func BenchmarkObjects(b *testing.B) {
	w := bigEstate(b, 500, 20)
	b.ReportAllocs()
	for b.Loop() {
		if all := objects(w.Inventory); len(all) != 1005 {
			b.Fatalf("%d objects", len(all))
		}
	}
}
