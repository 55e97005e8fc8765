package enrich

import (
	"vswarden/event"
	"vswarden/inventory"
	"vswarden/inventory/resolve"
)

// ownerKey is all that a rendered owner depends on.
type ownerKey struct {
	mac  inventory.MAC
	vm   *inventory.VM
	host *inventory.HostTable
}

// routers are the addresses that protocols for virtual routers and load balancing share between machines.
var routers = [...]struct {
	prefix []byte
	name   string
}{
	{[]byte{0x00, 0x00, 0x5e, 0x00, 0x01}, "VRRP or CARP"},
	{[]byte{0x00, 0x00, 0x5e, 0x00, 0x02}, "VRRP for IPv6"},
	{[]byte{0x00, 0x00, 0x0c, 0x07, 0xac}, "HSRP"},
	{[]byte{0x00, 0x00, 0x0c, 0x9f, 0xf0}, "HSRP version 2"},
	{[]byte{0x00, 0x05, 0x73, 0xa0, 0x00}, "HSRP for IPv6"},
	{[]byte{0x00, 0x07, 0xb4}, "GLBP"},
	{[]byte{0x02, 0xbf}, "Microsoft NLB"},
	{[]byte{0x03, 0xbf}, "Microsoft NLB, multicast"},
	{[]byte{0x01, 0x00, 0x5e, 0x7f}, "Microsoft NLB, IGMP multicast"},
}

// routerOf returns the protocol whose range an address is in, or nothing.
func routerOf(m inventory.MAC) string {
	for i := range routers {
		if p := routers[i].prefix; string(m[:len(p)]) == string(p) {
			return routers[i].name
		}
	}
	return ""
}

// ownerKind is what has a requested address.
type ownerKind uint8

const (
	ownerNone ownerKind = iota // nobody that is known, or the asking adapter itself
	ownerVM
	ownerHost
	ownerRouter
)

// owner says whose a requested address is: another VM's, a vmk interface's, a virtual router's.
func (n *Enricher) owner(m inventory.MAC, a *resolve.Answer) (*event.JoinedMAC, ownerKind) {
	var found inventory.Owner
	var buf [4]inventory.Owner
	for _, o := range n.inv.MACOwners(m, buf[:0]) {
		if o.VM != nil && a.VM != nil && o.VM.Ref == a.VM.Ref {
			if o.NIC != nil && o.NIC.Key == a.NICKey {
				return nil, ownerNone
			}
		}
		if found.VM == nil && found.Host == nil || o.VM != nil && found.VM == nil {
			found = o
		}
	}
	k := ownerKey{mac: m, vm: found.VM, host: found.Host}
	kind := ownerRouter
	switch {
	case found.VM != nil:
		kind = ownerVM
	case found.Host != nil:
		kind = ownerHost
	case routerOf(m) == "":
		return nil, ownerNone
	}
	j := n.ports.owners.get(&k)
	if j == nil {
		j = n.ports.owners.keep(&k, renderOwner(m, &found))
	}
	return j, kind
}

func renderOwner(m inventory.MAC, o *inventory.Owner) *event.JoinedMAC {
	host := ""
	if o.Host != nil {
		host = o.Host.Facts().Name
	}
	switch {
	case o.VM != nil:
		device, network := "", ""
		if o.NIC != nil {
			device = o.NIC.Label
			if o.Host != nil {
				place := o.Host.Where(&inventory.Candidate{Kind: inventory.KindVM, VM: o.VM, NICKey: o.NIC.Key}, inventory.Forever)
				network = place.PortgroupName
			}
		}
		return event.NewJoinedMAC("vm", o.VM.Name, device, network, host)
	case o.Host != nil:
		place := o.Host.Where(&inventory.Candidate{Kind: inventory.KindVMKernel, Client: o.Device}, inventory.Forever)
		return event.NewJoinedMAC("vmk", "", o.Device, place.PortgroupName, host)
	}
	return event.NewJoinedMAC("virtual_router", routerOf(m), "", "", "")
}
