package event

import "strings"

// appendVOB appends vmware.vob: what an observation is about.
func (e *Event) appendVOB(dst []byte) []byte {
	v := &e.VOB
	if !v.Present {
		return dst
	}
	mark := len(dst)
	dst = append(dst, `"vob":{`...)
	dst = e.appendPartField(dst, `"correlator":"`, v.Correlator)
	if v.UptimeUS != 0 {
		dst = appendUint(dst, `"uptime_us":`, v.UptimeUS)
	}
	dst = e.appendPartField(dst, `"switch":"`, v.Switch)
	dst = appendPortgroups(dst, v.Portgroups)
	dst = e.appendPartField(dst, `"nic":"`, v.NIC)
	dst = e.appendPartField(dst, `"dvport":"`, v.DVPort)
	dst = e.appendPartField(dst, `"rule_set":"`, v.RuleSet)
	dst = e.appendPartField(dst, `"operation":"`, v.Operation)
	dst = e.appendPartField(dst, `"target":"`, v.Target)
	return endObject(dst, mark)
}

// appendPortgroups appends vmware.vob.portgroups, always a list: of `"vc", "Management Network"`, or
// of one name without quotes.
func appendPortgroups(dst []byte, s string) []byte {
	mark := len(dst)
	dst = append(dst, `"portgroups":[`...)
	if list, quoted := strings.CutPrefix(s, `"`); quoted {
		list = strings.TrimSuffix(list, `"`)
		for more := true; more; {
			s, list, more = strings.Cut(list, `", "`)
			dst = appendField(dst, `"`, s)
		}
	} else {
		dst = appendField(dst, `"`, s)
	}
	if dst[len(dst)-1] == '[' {
		return dst[:mark]
	}
	return closeList(dst)
}
