package event

import (
	"net/netip"
	"strconv"
)

// NewJoinedHost renders a host's facts.
func NewJoinedHost(f *HostFacts) *JoinedHost {
	h := &JoinedHost{name: f.Name}
	h.object = appendField(appendField(append(h.room[:0], `"host":{`...), `"name":"`, f.Name), `"id":"`, f.UUID)
	h.more = appendField(nil, `"hostname":"`, f.ShortName)
	h.more = appendAddrs(h.more, `"ip":[`, f.Addresses)
	h.more = append(h.more, `"type":"hypervisor",`...)
	if f.Version != "" {
		h.more = append(h.more, `"os":{"name":"VMware ESXi",`...)
		h.more = appendField(h.more, `"version":"`, f.Version)
		h.more = appendField(h.more, `"kernel":"`, f.Build)
		h.more = append(h.more, `"family":"esxi","platform":"vmware-esxi"},`...)
	}
	h.version = appendField(nil, `"version":"`, f.Version)
	h.observer = appendAddrs(appendField(nil, `"hostname":"`, f.Name), `"ip":[`, f.Addresses)
	h.related = appendField(nil, `"`, f.Name)
	h.ips = appendAddrList(nil, f.Addresses)
	h.scope = appendText(nil, f.Name)
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
	return closeList(appendAddrList(append(dst, key...), addrs))
}

// appendAddrList appends addresses as members of a list.
func appendAddrList(dst []byte, addrs []netip.Addr) []byte {
	for _, a := range addrs {
		dst = append(dst, '"')
		dst = a.Unmap().WithZone("").AppendTo(dst)
		dst = append(dst, '"', ',')
	}
	return dst
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

// appendHost appends the object host. Where one was joined, its name is e.Host.
func (e *Event) appendHost(dst []byte, enc *encoding) []byte {
	h := e.Joined.Host
	switch {
	case e.Host == "":
		return dst
	case h == nil:
		dst = e.appendPartField(dst, `"host":{"name":"`, e.Host)
		return closeObject(dst)
	default:
		dst = append(dst, h.object...)
	}
	if enc.full {
		dst = append(dst, h.more...)
	}
	return closeObject(dst)
}

// appendPort appends observer, source and network: what ECS has names for. The line's own source wins.
func (e *Event) appendPort(dst []byte, enc *encoding) []byte {
	p := e.Joined.Port
	if p == nil || !enc.full {
		return dst
	}
	dst = e.appendObserver(dst, p)
	if p.VM != nil && e.Source.Address == "" {
		dst = append(dst, p.VM.source...)
	}
	return dst
}

// appendObjects appends the members of vmware that were joined. requested is the address that the line asks for.
func (j *Joined) appendObjects(dst []byte, requested string, enc *encoding) []byte {
	if j.Host != nil && enc.full {
		dst = append(dst, j.Host.objects...)
	} else if j.Host != nil && enc.standard {
		dst = append(dst, j.Host.names...)
	}
	p := j.Port
	if p == nil || !enc.full {
		return dst
	}
	if p.VM != nil {
		dst = append(dst, p.VM.objects...)
	}
	dst = append(dst, p.Place.objects...)
	dst = p.DVPort.append(dst)
	if p.Policy != nil && len(p.Policy.members) > 0 {
		dst = append(dst, `"policy":{`...)
		dst = appendWord(dst, `"setting":"`, string(j.Setting))
		dst = append(dst, p.Policy.members...)
		if j.Agrees != AgreementUnknown {
			dst = append(dst, `"agrees_with_log":`...)
			dst = strconv.AppendBool(dst, j.Agrees == Agrees)
			dst = append(dst, ',')
		}
		dst = closeObject(dst)
	}
	dst = p.appendExposure(dst)
	if p.Hints == nil {
		return dst
	}
	dst = p.appendHints(append(dst, `"hints":[`...))
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
