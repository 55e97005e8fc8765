package enrich

import (
	"vswarden/event"
	"vswarden/inventory"
	"vswarden/inventory/resolve"
)

// What each setting means, who asks for it without malice, and what to do instead of permitting it.
var (
	promiscuousHints = []string{
		"promiscuous mode opens the port's receive filter for all frames of the VLANs its portgroup passes, on the whole switch of this host: close to a hub, and it costs CPU time",
		"asked for without malice by intrusion detection, NDR and other sniffing appliances, nested ESXi, and bridges, macvlan or macvtap inside the guest",
		"instead: MAC learning on the portgroup (distributed switch 6.6 and later) serves nested ESXi and bridges without promiscuous mode; for sniffers permit it on a portgroup of their own, not on the switch; a change takes effect when the port is connected anew",
	}
	vmkHints = []string{
		"a capture on a vmk interface (tcpdump-uw, pktcap-uw) makes such a line",
	}
	macHints = []string{
		"the switch compares the address the guest uses with the one it was given; accepted, it replaces the table's entry and adds none; rejected, what is sent to the port is cut off and the guest notices nothing",
		"forged transmits is another setting: it compares the source of each frame with the address in use, drops what leaves and logs nothing; accepted alone, the replies are still lost",
		"asked for without malice by Microsoft NLB in unicast mode, bonding, VRRP and CARP, macvlan, macvtap and containers inside the guest, and nested ESXi",
		"instead: MAC learning (distributed switch 6.6 and later) keeps several addresses behind a port; else permit it on a portgroup of its own, not on the switch; a change takes effect when the port is connected anew",
	}
	blockedHints = []string{
		"the line does not say which setting was violated; compare vmware.policy, and the lines of this port before it",
	}
)

// kbHint is the article of VMware's that leads from a port id to its holder.
const kbHint = "https://knowledge.broadcom.com/external/article/304453"

// hintKey is all that hints depend on, but for what stands in them of one port. There are few hundred.
type hintKey struct {
	sort      resolve.Sort
	line      event.L2SecKind
	requested requested // of the address that the line asks for
	owner     ownerKind // whose that is
}

// hints renders what an analyst would do next.
func hints(k *hintKey) *event.JoinedHints {
	var texts []string
	if k.requested != 0 {
		texts = requestedHints(k)
	}
	return event.NewJoinedHints(k.sort.Commands(), append(texts, kbHint), advice(k))
}

// trunkHint is the hint at a capture on a trunk; empty: it is none.
func trunkHint(group *inventory.Portgroup) string {
	if group == nil || group.VLAN.Kind != inventory.VLANTrunk {
		return ""
	}
	return "pktcap-uw --switchport {port} --vlan ID: the portgroup is a " + group.VLAN.String() + ", name the VLAN"
}

// advice is what there is to say about the setting that a line is about.
func advice(k *hintKey) []string {
	switch k.line {
	case event.L2SecPromiscRevoked, event.L2SecPromiscRequested:
		if k.sort.Kind == inventory.KindVMKernel {
			return vmkHints
		}
		return promiscuousHints
	case event.L2SecMACChangeRequested, event.L2SecPeerBlocked:
		return macHints
	case event.L2SecPortBlocked:
		return blockedHints
	}
	return nil
}

// requestedHints says what the requested address tells.
func requestedHints(k *hintKey) (list []string) {
	if !k.sort.Old {
		list = append(list, "pktcap-uw --capture Drop -o /tmp/drop.pcap: frames that forged transmits drops are logged nowhere else")
	}
	switch k.owner {
	case ownerVM:
		list = append(list, "the requested address is another machine's (vmware.l2sec.requested_mac_owner): somebody takes its place, or the two are a copy or a failover pair")
	case ownerHost:
		list = append(list, "the requested address is a host's own (vmware.l2sec.requested_mac_owner): no guest has a reason to use it")
	case ownerRouter:
		list = append(list, "the requested address is of a range that virtual routers and load balancers share: expected of these, spoofing of anybody else")
	}
	if k.requested&requestedLocal != 0 && k.owner != ownerRouter {
		list = append(list, "the requested address is locally administered: made up by software, not given by a vendor")
	}
	if k.requested&requestedInitial != 0 {
		list = append(list, "the requested address is the adapter's own initial one: it was changed before, and is being changed back")
	}
	return list
}

// requested is what matters of a requested address, but for whose it is: there are too many addresses to keep something for each.
type requested uint8

const (
	requestedAny     requested = 1 << iota // there is one
	requestedLocal                         // locally administered
	requestedInitial                       // the asking adapter's own initial one
)

func requestedOf(m inventory.MAC, a *resolve.Answer) requested {
	r := requestedAny
	if m.Local() {
		r |= requestedLocal
	}
	if nic := a.NIC(); nic != nil && nic.MAC == m {
		r |= requestedInitial
	}
	return r
}
