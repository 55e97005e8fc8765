package enrich

import (
	"vswarden/event"
	"vswarden/inventory"
	"vswarden/inventory/resolve"
)

// What each setting means, who asks for it without malice, and what to do instead of permitting it.
var (
	promiscuousHints = []string{
		"would have seen all frames of the portgroup's VLANs on this switch and host, at the price of CPU time",
		"asked for without malice by intrusion detection and other sniffing appliances, nested ESXi, and bridges or macvlan inside the guest",
		"MAC learning on the portgroup (distributed switch 6.6 and later) serves nested ESXi and bridges without promiscuous mode; for sniffers permit it on a portgroup of their own, not on the switch",
	}
	vmkHints = []string{
		"a capture on a vmk interface (tcpdump-uw, pktcap-uw) makes such a line",
	}
	macHints = []string{
		"the switch compares the address the guest set with the one it was given, and stops what is sent to the port; the guest notices nothing",
		"asked for without malice by Microsoft NLB in unicast mode, bonding, VRRP and CARP, macvlan and containers inside the guest",
		"permit it on a portgroup of its own, not on the switch; a change takes effect when the port is connected anew",
	}
)

// hints returns what an analyst would do next.
func hints(k *portKey) []string {
	a := resolve.Answer{Candidate: inventory.Candidate{Kind: k.kind, VM: k.vm}}
	if k.kind != inventory.KindVM {
		a.Device = k.client
	}
	list := resolve.Commands(&a, k.port, k.facts.Version)
	if k.requested != (inventory.MAC{}) {
		list = append(list, "pktcap-uw --srcmac "+k.requested.String())
		if k.requested.Local() && routerOf(k.requested) == "" {
			list = append(list, "the requested address is locally administered: made up by software, not given by a vendor")
		}
		if nic := nicOf(k); nic != nil && nic.MAC == k.requested {
			list = append(list, "the requested address is the adapter's own initial one: it was changed before, and is being changed back")
		}
	}
	switch k.line {
	case event.L2SecPromiscRevoked, event.L2SecPromiscRequested:
		if k.kind == inventory.KindVMKernel {
			return append(list, vmkHints...)
		}
		return append(list, promiscuousHints...)
	case event.L2SecMACChangeRequested, event.L2SecPeerBlocked:
		return append(list, macHints...)
	}
	return list
}

func nicOf(k *portKey) *inventory.NIC {
	if k.vm == nil {
		return nil
	}
	return k.vm.NIC(k.nic)
}
