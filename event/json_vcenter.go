package event

import "slices"

// appendVCEvent appends vmware.event and vmware.policy_change: an event of vCenter and what it says
// about a security policy.
func (v *VCEvent) appendVCEvent(dst []byte, enc *encoding) []byte {
	if !v.Present {
		return dst
	}
	dst = append(dst, `"event":{`...)
	dst = appendUint(dst, `"id":`, v.ID)
	if v.ChainID != 0 {
		dst = appendUint(dst, `"chain_id":`, v.ChainID)
	}
	if v.Parts > 1 {
		dst = appendUint(dst, `"part":`, uint64(v.Part))
		dst = appendUint(dst, `"parts":`, uint64(v.Parts))
	}
	dst = appendField(dst, `"target":"`, v.Target)
	if enc.standard {
		dst = appendField(dst, `"created_time":"`, v.Time)
	}
	dst = appendField(dst, `"switch":"`, v.Switch)
	dst = appendField(dst, `"portgroup":"`, v.Portgroup)
	dst = appendField(dst, `"dvport":"`, v.DVPort)
	dst = appendField(dst, `"vm":"`, v.VM)
	if v.NewMAC != "" {
		dst = append(dst, `"mac":{`...)
		dst = appendField(dst, `"old":"`, v.OldMAC)
		dst = appendField(dst, `"new":"`, v.NewMAC)
		dst = closeObject(dst)
	}
	dst = closeObject(dst)
	return v.appendChanges(dst)
}

// appendChanges appends vmware.policy_change by setting. The first statement about a setting counts.
func (v *VCEvent) appendChanges(dst []byte) []byte {
	mark := len(dst)
	dst = append(dst, `"policy_change":{`...)
	for i, c := range v.Changes {
		same := func(other PolicyChange) bool { return other.Setting == c.Setting }
		if name := c.settingKey(); name != "" && !slices.ContainsFunc(v.Changes[:i], same) {
			inner := len(dst)
			dst = append(dst, name...)
			dst = appendField(dst, `"old":"`, c.Old)
			dst = appendField(dst, `"new":"`, c.New)
			dst = endObject(dst, inner)
		}
	}
	if slices.ContainsFunc(v.Changes[:], PolicyChange.Weakens) {
		dst = append(dst, `"weakens":true,`...)
	}
	return endObject(dst, mark)
}

// settingKey is the beginning of the member for a setting, or empty for one we have no name for.
func (c PolicyChange) settingKey() string {
	switch c.Setting {
	case "allowPromiscuous":
		return `"allow_promiscuous":{`
	case "macChanges":
		return `"mac_changes":{`
	case "forgedTransmits":
		return `"forged_transmits":{`
	}
	return ""
}
