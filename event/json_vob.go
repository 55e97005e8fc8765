package event

import "strings"

// appendVOB appends vmware.vob: what an observation is about.
func (v *VOB) appendVOB(dst []byte) []byte {
	if !v.Present {
		return dst
	}
	mark := len(dst)
	dst = append(dst, `"vob":{`...)
	dst = appendField(dst, `"correlator":"`, v.Correlator)
	if v.UptimeUS != 0 {
		dst = appendUint(dst, `"uptime_us":`, v.UptimeUS)
	}
	dst = appendField(dst, `"switch":"`, v.Switch)
	dst = appendPortgroups(dst, v.Portgroups)
	dst = appendField(dst, `"nic":"`, v.NIC)
	dst = appendField(dst, `"dvport":"`, v.DVPort)
	dst = appendField(dst, `"rule_set":"`, v.RuleSet)
	dst = appendField(dst, `"operation":"`, v.Operation)
	dst = appendField(dst, `"target":"`, v.Target)
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
