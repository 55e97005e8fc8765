package event

import (
	"net/netip"
	"strconv"
	"strings"
)

// NewJoinedHost renders a host's facts.
func NewJoinedHost(f *HostFacts) *JoinedHost {
	h := &JoinedHost{name: f.Name}
	h.id = appendField(nil, `"id":"`, f.UUID)
	h.more = appendField(nil, `"hostname":"`, f.ShortName)
	h.more = appendAddrs(h.more, `"ip":[`, f.Addresses)
	h.more = append(h.more, `"type":"hypervisor",`...)
	if f.Version != "" {
		h.more = append(h.more, `"os":{"name":"VMware ESXi",`...)
		h.more = appendField(h.more, `"version":"`, f.Version)
		h.more = appendField(h.more, `"kernel":"`, f.Build)
		h.more = append(h.more, `"family":"esxi","platform":"vmware-esxi"},`...)
	}
	for _, full := range [...]bool{false, true} {
		var dst []byte
		dst = appendNamed(dst, `"vcenter":{`, f.VCenter.Name, full, `"instance_uuid":"`, f.VCenter.ID, `"version":"`, f.VCenterVersion)
		dst = appendNamed(dst, `"datacenter":{`, f.Datacenter.Name, full, `"moid":"`, f.Datacenter.ID)
		dst = appendNamed(dst, `"cluster":{`, f.Cluster.Name, full, `"moid":"`, f.Cluster.ID)
		dst = appendNamed(dst, `"host":{`, f.Name, full, `"moid":"`, f.MOID, `"uuid":"`, f.UUID, `"version":"`, f.Version, `"build":"`, f.Build)
		if full {
			h.objects = appendMaintenance(dst, f)
		} else {
			h.names = dst
		}
	}
	return h
}

// appendMaintenance adds vmware.host.in_maintenance to the host, which stands last.
func appendMaintenance(dst []byte, f *HostFacts) []byte {
	if f.Version == "" || len(dst) < 2 {
		return dst
	}
	dst = append(dst[:len(dst)-2], `,"in_maintenance":`...)
	dst = strconv.AppendBool(dst, f.Maintenance)
	return append(dst, '}', ',')
}

// appendNamed appends an object with a name and, in full, what else is given as key and value in turn.
func appendNamed(dst []byte, key, name string, full bool, more ...string) []byte {
	if name == "" {
		return dst
	}
	dst = append(dst, key...)
	dst = appendField(dst, `"name":"`, name)
	for i := 0; full && i+1 < len(more); i += 2 {
		dst = appendField(dst, more[i], more[i+1])
	}
	return closeObject(dst)
}

func appendAddrs(dst []byte, key string, addrs []netip.Addr) []byte {
	if len(addrs) == 0 {
		return dst
	}
	dst = append(dst, key...)
	for _, a := range addrs {
		dst = append(dst, '"')
		dst = a.Unmap().WithZone("").AppendTo(dst)
		dst = append(dst, '"', ',')
	}
	return closeList(dst)
}

func appendWords(dst []byte, key string, words []string) []byte {
	if len(words) == 0 {
		return dst
	}
	dst = append(dst, key...)
	for _, w := range words {
		dst = appendField(dst, `"`, w)
	}
	return closeList(dst)
}

func appendVerdict(dst []byte, key string, v *bool) []byte {
	if v == nil {
		return dst
	}
	dst = append(dst, key...)
	dst = strconv.AppendBool(dst, *v)
	return append(dst, ',')
}

// NewJoinedPort renders a port's facts.
func NewJoinedPort(f *PortFacts) *JoinedPort {
	p := &JoinedPort{ruleset: orElse(f.Portgroup.MOID, f.Portgroup.Name)}
	p.source = f.appendSource(nil)
	p.observer = f.appendObserver(nil)
	p.related = f.appendRelated(nil)
	p.objects = f.VM.append(nil)
	p.objects = f.VNIC.append(p.objects)
	p.objects = f.appendPlace(p.objects)
	p.policy = f.Policy.append(nil)
	if f.Exposure.Scope != "" {
		p.exposure = append(p.exposure, `"exposure":{`...)
		p.exposure = appendField(p.exposure, `"scope":"`, f.Exposure.Scope)
		p.exposure = appendUint(p.exposure, `"vms":`, uint64(max(f.Exposure.VMs, 0)))
		p.exposure = closeObject(p.exposure)
	}
	if len(f.Hints) > 0 {
		p.hints = append(p.hints, `"hints":[`...)
		for _, h := range f.Hints {
			p.hints = appendField(p.hints, `"`, h)
		}
	}
	return p
}

// dashed returns an address as ECS wants it: 00-50-56-84-5A-BA.
func dashed(mac string) string { return strings.ToUpper(strings.ReplaceAll(mac, ":", "-")) }

func (f *PortFacts) appendSource(dst []byte) []byte {
	mark := len(dst)
	dst = append(dst, `"source":{`...)
	dst = appendField(dst, `"address":"`, f.VM.Name)
	dst = appendField(dst, `"mac":"`, dashed(f.VNIC.MAC))
	if len(f.VM.Addresses) > 0 {
		dst = append(dst, `"ip":"`...)
		dst = f.VM.Addresses[0].Unmap().WithZone("").AppendTo(dst)
		dst = append(dst, '"', ',')
	}
	return endObject(dst, mark)
}

// appendObserver appends the virtual switch as what observed, and the network the port is on.
func (f *PortFacts) appendObserver(dst []byte) []byte {
	dst = append(dst, `"observer":{"vendor":"VMware","product":"ESXi","type":"vswitch",`...)
	if h := f.Host; h != nil {
		dst = appendField(dst, `"version":"`, h.Version)
		dst = appendField(dst, `"name":"`, f.Switch.Name)
		dst = appendField(dst, `"hostname":"`, h.Name)
		dst = appendAddrs(dst, `"ip":[`, h.Addresses)
	}
	dst = append(dst, `"ingress":{"interface":{"id":"0x`...)
	dst = strconv.AppendUint(dst, uint64(f.Port), 16)
	dst = append(dst, '"', ',')
	dst = appendField(dst, `"name":"`, f.Client)
	dst = appendField(dst, `"alias":"`, f.DVPort.Key)
	dst = closeObject(dst)
	vlan := ""
	if f.Portgroup.VLANType == "access" || f.Portgroup.VLANType == "private" {
		vlan = strconv.Itoa(int(f.Portgroup.VLAN))
	}
	if vlan != "" {
		dst = append(dst, `"vlan":{`...)
		dst = appendField(dst, `"id":"`, vlan)
		dst = closeObject(dst)
	}
	dst = closeObject(dst)
	dst = closeObject(dst)
	if f.Portgroup.Name == "" {
		return dst
	}
	dst = append(dst, `"network":{`...)
	dst = appendField(dst, `"name":"`, f.Portgroup.Name)
	if vlan != "" {
		dst = append(dst, `"vlan":{`...)
		dst = appendField(dst, `"id":"`, vlan)
		dst = closeObject(dst)
	}
	return closeObject(dst)
}

func (f *PortFacts) appendRelated(dst []byte) []byte {
	mark := len(dst)
	dst = append(dst, `"related":{`...)
	var hosts []string
	var addrs []netip.Addr
	if f.Host != nil {
		hosts = append(hosts, f.Host.Name)
		addrs = append(addrs, f.Host.Addresses...)
	}
	for _, name := range [...]string{f.VM.Name, f.VM.Hostname} {
		if name != "" && (len(hosts) == 0 || hosts[len(hosts)-1] != name) {
			hosts = append(hosts, name)
		}
	}
	dst = appendWords(dst, `"hosts":[`, hosts)
	dst = appendAddrs(dst, `"ip":[`, append(addrs, f.VM.Addresses...))
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

// appendPlace appends vmware.switch, .portgroup and .port.
func (f *PortFacts) appendPlace(dst []byte) []byte {
	mark := len(dst)
	dst = append(dst, `"switch":{`...)
	dst = appendField(dst, `"type":"`, f.Switch.Type)
	dst = appendField(dst, `"name":"`, f.Switch.Name)
	dst = appendField(dst, `"uuid":"`, f.Switch.UUID)
	dst = appendField(dst, `"moid":"`, f.Switch.MOID)
	dst = endObject(dst, mark)
	if g := &f.Portgroup; g.Name != "" {
		dst = append(dst, `"portgroup":{`...)
		dst = appendField(dst, `"name":"`, g.Name)
		dst = appendField(dst, `"moid":"`, g.MOID)
		dst = appendField(dst, `"key":"`, g.MOID)
		dst = g.appendVLAN(dst)
		dst = closeObject(dst)
	}
	if f.DVPort.Key == "" {
		return dst
	}
	dst = append(dst, `"port":{`...)
	dst = appendField(dst, `"key":"`, f.DVPort.Key)
	dst = append(dst, `"blocked":`...)
	dst = strconv.AppendBool(dst, f.DVPort.Blocked)
	dst = append(dst, ',')
	dst = appendField(dst, `"status":"`, f.DVPort.Status)
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

// NewJoinedMAC renders whose a requested address is: kind is vm, vmk or virtual_router; name, adapter, network and
// host say which and where.
func NewJoinedMAC(kind, name, adapter, network, host string) *JoinedMAC {
	dst := append([]byte(nil), `"requested_mac_owner":{`...)
	dst = appendField(dst, `"kind":"`, kind)
	dst = appendField(dst, `"name":"`, name)
	dst = appendField(dst, `"device":"`, adapter)
	dst = appendField(dst, `"network":"`, network)
	dst = appendField(dst, `"host":"`, host)
	return &JoinedMAC{closeObject(dst)}
}

// appendHost appends the object host. The joined name is in e.Host.
func (e *Event) appendHost(dst []byte, enc encoding) []byte {
	h := e.Joined.Host
	if e.Host == "" {
		return dst
	}
	dst = append(dst, `"host":{`...)
	dst = e.appendPartField(dst, `"name":"`, e.Host)
	if h != nil {
		dst = append(dst, h.id...)
		if enc.full {
			dst = append(dst, h.more...)
		}
	}
	return closeObject(dst)
}

// appendPort appends observer, source and network: what ECS has names for. The line's own source wins.
func (j *Joined) appendPort(dst []byte, own bool, enc encoding) []byte {
	if j.Port == nil || !enc.full {
		return dst
	}
	dst = append(dst, j.Port.observer...)
	if !own {
		dst = append(dst, j.Port.source...)
	}
	return dst
}

// appendObjects appends the members of vmware that were joined. requested is the address that the line asks for.
func (j *Joined) appendObjects(dst []byte, requested string, enc encoding) []byte {
	if j.Host != nil && enc.full {
		dst = append(dst, j.Host.objects...)
	} else if j.Host != nil && enc.standard {
		dst = append(dst, j.Host.names...)
	}
	if j.Port == nil || !enc.full {
		return dst
	}
	dst = append(dst, j.Port.objects...)
	if len(j.Port.policy) > 0 {
		dst = append(dst, `"policy":{`...)
		dst = appendWord(dst, `"setting":"`, string(j.Setting))
		dst = append(dst, j.Port.policy...)
		if j.Agrees != AgreementUnknown {
			dst = append(dst, `"agrees_with_log":`...)
			dst = strconv.AppendBool(dst, j.Agrees == Agrees)
			dst = append(dst, ',')
		}
		dst = closeObject(dst)
	}
	dst = append(dst, j.Port.exposure...)
	if len(j.Port.hints) == 0 {
		return dst
	}
	dst = append(dst, j.Port.hints...)
	if j.Capture {
		dst = append(dst, `"pktcap-uw --srcmac `...)
		dst = appendText(dst, requested)
		dst = append(dst, ` -o /tmp/requested.pcap",`...)
	}
	return closeList(dst)
}

// appendEnrichment appends vmware.enrichment.
func (j *Joined) appendEnrichment(dst []byte) []byte {
	dst = append(dst, `"enrichment":{`...)
	dst = appendWord(dst, `"status":"`, j.Status.String())
	if j.Match != 0 {
		dst = append(dst, `"match":[`...)
		dst = appendBits(dst, uint64(j.Match), JoinMatchNames[:])
		dst = closeList(dst)
	}
	if j.Confidence != 0 {
		dst = append(dst, `"confidence":`...)
		dst = strconv.AppendFloat(dst, float64(j.Confidence)/1000, 'f', -1, 64)
		dst = append(dst, ',')
	}
	if j.Candidates > 1 {
		dst = appendUint(dst, `"candidates":`, uint64(j.Candidates))
	}
	if j.Time != 0 {
		dst = append(dst, `"inventory_time":"`...)
		dst = appendTime(dst, j.Time, 3)
		dst = append(dst, '"', ',')
		dst = appendUint(dst, `"inventory_age_ms":`, uint64(max(j.Age, 0)))
	}
	if j.Missing != 0 {
		dst = append(dst, `"missing":[`...)
		dst = appendBits(dst, uint64(j.Missing), JoinMissingNames[:])
		dst = closeList(dst)
	}
	return closeObject(dst)
}

// appendBits appends the names of the bits that are set, as strings with a comma each.
func appendBits(dst []byte, bits uint64, names []string) []byte {
	for i, name := range names {
		if bits&(1<<i) != 0 {
			dst = append(dst, '"')
			dst = append(dst, name...)
			dst = append(dst, '"', ',')
		}
	}
	return dst
}
