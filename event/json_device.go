package event

import "strconv"

// actBridgePort is the row of meanings.txt for a bridge port's change of state, which is no Act.
const actBridgePort = "bridge-port-changed"

// noAUID is what the audit system prints for nobody: -1 of 32 bits without a sign.
const noAUID = "4294967295"

// appendLinux appends vmware.linux: a device that listens to all traffic, or a port of a bridge.
func (l *Linux) appendLinux(dst []byte) []byte {
	if l.Device == "" {
		return dst
	}
	dst = append(dst, `"linux":{`...)
	dst = appendField(dst, `"device":"`, l.Device)
	dst = appendWord(dst, `"device_kind":"`, string(l.Kind))
	dst = appendField(dst, `"driver":"`, l.Driver)
	dst = appendField(dst, `"bus":"`, l.Bus)
	dst = appendField(dst, `"bridge":"`, l.Bridge)
	if l.Port != 0 {
		dst = appendUint(dst, `"port":`, uint64(l.Port))
	}
	dst = appendField(dst, `"state":"`, l.State)
	dst = appendWord(dst, `"reason":"`, string(l.Reason))
	if l.AUID != noAUID {
		dst = appendField(dst, `"auid":"`, l.AUID)
	}
	dst = l.Watch.append(dst)
	return closeObject(dst)
}

// append appends the members of vmware.linux that only linkwatch knows.
func (f *LinkFacts) append(dst []byte) []byte {
	dst = appendField(dst, `"master":"`, f.Master)
	dst = appendField(dst, `"master_was":"`, f.MasterWas)
	dst = appendField(dst, `"device_was":"`, f.NameWas)
	if f.Known|f.WasKnown == 0 {
		return dst
	}
	for _, n := range [...]struct {
		fact  LinkFact
		key   string
		value uint32
	}{
		{FactPromiscuity, `"promiscuity":`, f.Promiscuity},
		{FactPromiscuityWas, `"promiscuity_was":`, f.PromiscuityWas},
		{FactAgeing, `"ageing_ms":`, f.Ageing},
		{FactAgeingWas, `"ageing_was_ms":`, f.AgeingWas},
	} {
		if f.Known&n.fact != 0 {
			dst = appendUint(dst, n.key, uint64(n.value))
		}
	}
	for i, key := range [...]string{`"unicast_flood":`, `"learning":`, `"isolated":`, `"promiscuous_flag":`} {
		dst = appendFact(dst, key, f.Known, f.On, 1<<i)
	}
	for i, key := range [...]string{`"unicast_flood_was":`, `"learning_was":`, `"isolated_was":`} {
		dst = appendFact(dst, key, f.WasKnown, f.Was, 1<<i)
	}
	return dst
}

func appendFact(dst []byte, key string, known, on, fact LinkFact) []byte {
	if known&fact == 0 {
		return dst
	}
	dst = append(dst, key...)
	dst = strconv.AppendBool(dst, on&fact != 0)
	return append(dst, ',')
}
