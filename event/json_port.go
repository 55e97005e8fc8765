package event

import (
	"strconv"
	"strings"
)

// NewJoinedVM renders a VM and one of its adapters, either of which may not be known.
func NewJoinedVM(v *VMFacts, n *VNICFacts) *JoinedVM {
	vm := &JoinedVM{name: v.Name, hostname: v.Hostname, world: v.World}
	vm.source = appendSource(nil, v, n)
	vm.objects = n.append(v.append(nil))
	vm.names = [2][]byte{appendField(nil, `"`, v.Name), appendField(nil, `"`, v.Hostname)}
	vm.ips = appendAddrList(nil, v.Addresses)
	return vm
}

// NewJoinedPlace renders a switch and a portgroup. vlans is what the portgroup passes, in words; empty: not known. trunk is
// the hint at a capture on it.
func NewJoinedPlace(s *SwitchFacts, g *PortgroupFacts, vlans, trunk string) *JoinedPlace {
	p := &JoinedPlace{ruleset: orElse(g.MOID, g.Name)}
	p.observer = appendField(nil, `"name":"`, s.Name)
	vlan := ""
	if g.VLANType == "access" || g.VLANType == "private" {
		vlan = `"vlan":{"id":"` + strconv.Itoa(int(g.VLAN)) + `"},`
		p.ingress = append(p.ingress, ',')
		p.ingress = closeObject(append(p.ingress, vlan...))
	} else {
		p.ingress = append(p.ingress, "},"...)
	}
	p.ingress = closeObject(p.ingress)
	if g.Name != "" {
		p.ingress = append(p.ingress, `"network":{`...)
		p.ingress = appendField(p.ingress, `"name":"`, g.Name)
		p.ingress = closeObject(append(p.ingress, vlan...))
	}
	p.objects = g.append(s.append(nil))
	if vlans != "" {
		p.scope = append(p.scope, `"exposure":{"scope":"`...)
		p.scope = appendText(p.scope, vlans+" on "+s.Name+", host ")
	}
	if trunk != "" {
		p.trunk = appendHint(nil, trunk)
	}
	return p
}

// NewJoinedPolicy renders a policy, and what is to be said about it.
func NewJoinedPolicy(f *PolicyFacts, notes []string) *JoinedPolicy {
	p := &JoinedPolicy{members: f.append(nil)}
	for _, note := range notes {
		p.notes = appendField(p.notes, `"`, note)
	}
	return p
}

// appendObserver appends the virtual switch as what observed, and the network the port is on.
func (e *Event) appendObserver(dst []byte, p *JoinedPort) []byte {
	dst = append(dst, `"observer":{"vendor":"VMware","product":"ESXi","type":"vswitch",`...)
	if h := p.Host; h != nil {
		dst = append(dst, h.version...)
		dst = append(dst, p.Place.observer...)
		dst = append(dst, h.observer...)
	}
	dst = append(dst, `"ingress":{"interface":{"id":"0x`...)
	dst = strconv.AppendUint(dst, uint64(p.ID), 16)
	dst = append(dst, '"', ',')
	dst = e.appendPartField(dst, `"name":"`, p.Client)
	dst = appendField(dst, `"alias":"`, p.DVPort.Key)
	dst[len(dst)-1] = '}'
	return append(dst, p.Place.ingress...)
}

// appendRelated appends related: the host, the VM and what they are called by.
func (p *JoinedPort) appendRelated(dst []byte) []byte {
	mark := len(dst)
	dst = append(dst, `"related":{`...)
	inner := len(dst)
	dst = append(dst, `"hosts":[`...)
	last := ""
	if p.Host != nil {
		dst, last = append(dst, p.Host.related...), p.Host.name
	}
	if vm := p.VM; vm != nil {
		if vm.name != last {
			dst = append(dst, vm.names[0]...)
		}
		if vm.hostname != orElse(vm.name, last) {
			dst = append(dst, vm.names[1]...)
		}
	}
	dst = endList(dst, inner)
	inner = len(dst)
	dst = append(dst, `"ip":[`...)
	if p.Host != nil {
		dst = append(dst, p.Host.ips...)
	}
	if p.VM != nil {
		dst = append(dst, p.VM.ips...)
	}
	return endObject(endList(dst, inner), mark)
}

// endList closes a list that began at mark, or takes it back if it has no members.
func endList(dst []byte, mark int) []byte {
	if dst[len(dst)-1] == '[' {
		return dst[:mark]
	}
	return closeList(dst)
}

func (p *JoinedPort) appendExposure(dst []byte) []byte {
	if p.Exposed < 0 || len(p.Place.scope) == 0 {
		return dst
	}
	dst = append(dst, p.Place.scope...)
	if p.Host != nil {
		dst = append(dst, p.Host.scope...)
	}
	dst = appendUint(dst, `","vms":`, uint64(p.Exposed))
	return closeObject(dst)
}

// dashed returns an address as ECS wants it: 00-50-56-84-5A-BA.
func dashed(mac string) string { return strings.ToUpper(strings.ReplaceAll(mac, ":", "-")) }

func appendSource(dst []byte, v *VMFacts, n *VNICFacts) []byte {
	mark := len(dst)
	dst = append(dst, `"source":{`...)
	dst = appendField(dst, `"address":"`, v.Name)
	dst = appendField(dst, `"mac":"`, dashed(n.MAC))
	if len(v.Addresses) > 0 {
		dst = append(dst, `"ip":"`...)
		dst = v.Addresses[0].Unmap().WithZone("").AppendTo(dst)
		dst = append(dst, '"', ',')
	}
	return endObject(dst, mark)
}

func (v *VMFacts) append(dst []byte) []byte {
	if !v.Known {
		return dst
	}
	dst = append(dst, `"vm":{`...)
	dst = appendField(dst, `"name":"`, v.Name)
	dst = appendField(dst, `"moid":"`, v.MOID)
	dst = appendField(dst, `"instance_uuid":"`, v.Instance)
	dst = appendField(dst, `"bios_uuid":"`, v.BIOS)
	dst = appendField(dst, `"power_state":"`, v.Power)
	mark := len(dst)
	dst = append(dst, `"guest":{`...)
	dst = appendField(dst, `"hostname":"`, v.Hostname)
	dst = appendAddrs(dst, `"ip":[`, v.Addresses)
	dst = appendField(dst, `"os":"`, v.GuestOS)
	dst = endObject(dst, mark)
	dst = appendField(dst, `"folder":"`, v.Folder)
	dst = appendField(dst, `"resource_pool":"`, v.ResourcePool)
	dst = appendWords(dst, `"tags":[`, v.Tags)
	dst = appendField(dst, `"owner":"`, v.Owner)
	if v.World != 0 {
		dst = appendUint(dst, `"world_id":`, v.World)
	}
	dst = appendField(dst, `"url":"`, v.URL)
	return closeObject(dst)
}

func (n *VNICFacts) append(dst []byte) []byte {
	if !n.Known {
		return dst
	}
	dst = append(dst, `"vnic":{`...)
	if n.Key > 0 {
		dst = appendUint(dst, `"key":`, uint64(n.Key))
	}
	dst = appendField(dst, `"label":"`, n.Label)
	dst = appendField(dst, `"mac":"`, n.MAC)
	dst = appendField(dst, `"mac_type":"`, n.MACType)
	dst = appendField(dst, `"adapter":"`, n.Adapter)
	dst = append(dst, `"connected":`...)
	dst = strconv.AppendBool(dst, n.Connected)
	dst = append(dst, ',')
	dst = appendField(dst, `"effective_mac":"`, n.Effective)
	return closeObject(dst)
}

func (s *SwitchFacts) append(dst []byte) []byte {
	mark := len(dst)
	dst = append(dst, `"switch":{`...)
	dst = appendField(dst, `"type":"`, s.Type)
	dst = appendField(dst, `"name":"`, s.Name)
	dst = appendField(dst, `"uuid":"`, s.UUID)
	dst = appendField(dst, `"moid":"`, s.MOID)
	return endObject(dst, mark)
}

func (g *PortgroupFacts) append(dst []byte) []byte {
	if g.Name == "" {
		return dst
	}
	dst = append(dst, `"portgroup":{`...)
	dst = appendField(dst, `"name":"`, g.Name)
	dst = appendField(dst, `"moid":"`, g.MOID)
	dst = appendField(dst, `"key":"`, g.MOID)
	dst = g.appendVLAN(dst)
	return closeObject(dst)
}

func (p *DVPortFacts) append(dst []byte) []byte {
	if p.Key == "" {
		return dst
	}
	dst = append(dst, `"port":{`...)
	dst = appendField(dst, `"key":"`, p.Key)
	dst = append(dst, `"blocked":`...)
	dst = strconv.AppendBool(dst, p.Blocked)
	dst = append(dst, ',')
	dst = appendField(dst, `"status":"`, p.Status)
	return closeObject(dst)
}

func (g *PortgroupFacts) appendVLAN(dst []byte) []byte {
	if g.VLANType == "" {
		return dst
	}
	dst = append(dst, `"vlan":{`...)
	dst = appendWord(dst, `"type":"`, g.VLANType)
	if g.VLANType != "trunk" {
		dst = appendUint(dst, `"id":`, uint64(g.VLAN))
	}
	if len(g.Ranges) > 0 {
		dst = append(dst, `"ranges":[`...)
		for _, r := range g.Ranges {
			dst = append(dst, '"')
			dst = strconv.AppendUint(dst, uint64(r[0]), 10)
			dst = append(dst, '-')
			dst = strconv.AppendUint(dst, uint64(r[1]), 10)
			dst = append(dst, '"', ',')
		}
		dst = closeList(dst)
	}
	return closeObject(dst)
}

// append appends the members of vmware.policy that are the same for every line of the port.
func (p *PolicyFacts) append(dst []byte) []byte {
	if !p.Known {
		return dst
	}
	mark := len(dst)
	dst = append(dst, `"effective":{`...)
	dst = appendVerdict(dst, `"allow_promiscuous":`, p.Promiscuous)
	dst = appendVerdict(dst, `"mac_changes":`, p.MACChanges)
	dst = appendVerdict(dst, `"forged_transmits":`, p.ForgedTransmits)
	dst = appendVerdict(dst, `"mac_learning":`, p.MACLearning)
	dst = endObject(dst, mark)
	mark = len(dst)
	dst = append(dst, `"source":{`...)
	for i, key := range [...]string{`"allow_promiscuous":"`, `"mac_changes":"`, `"forged_transmits":"`, `"mac_learning":"`} {
		dst = appendWord(dst, key, string(p.From[i]))
	}
	dst = endObject(dst, mark)
	dst = appendVerdict(dst, `"override_allowed":`, p.OverrideAllowed)
	return appendField(dst, `"version":"`, p.Version)
}
