package event

import "strconv"

// l2secFacts is what a kind of L2Sec line means: one row of event-schema "L2 security events". What
// ECS and ATT&CK call it is in meanings.txt.
type l2secFacts struct {
	row       string // key of its row in meanings.txt
	violation Violation
	effect    string
	reference string // event.reference
	setting   string // the setting that denied: rule.id, behind where it lives
	rule      string // the other members of rule, at full detail

	action   string // event.action
	severity uint8  // event.severity; see L2Sec.Severity
	event    string // fixed members of event
	l2sec    string // fixed members of vmware.l2sec
	threat   string // threat, at full detail
}

// event.severity as Elastic scales it: low, medium, high.
const (
	severityLow    = 21
	severityMedium = 47
	severityHigh   = 73
)

// The articles behind event.reference: of the lines that begin with the port and speak of
// promiscuous mode, and of all that begin with the client or end with a blocked port.
const (
	kbRevoked = "https://knowledge.broadcom.com/external/article/304453"
	kbDenied  = "https://knowledge.broadcom.com/external/article/344495"
)

// The settings that deny: the end of rule.id, and rule's other members.
const (
	settingPromiscuous = "security.allow_promiscuous"
	settingMACChanges  = "security.mac_changes"
	rulePromiscuous    = `"name":"Promiscuous mode: Reject","category":"vswitch-security-policy",`
	ruleMACChanges     = `"name":"MAC address changes: Reject","category":"vswitch-security-policy",`
)

// l2secTable holds the facts by kind; read-only.
var l2secTable = l2secRows(meanings.l2sec, [...]l2secFacts{
	L2SecPromiscRevoked: {
		row: "promiscuous-revoked", violation: ViolationPromiscuous, effect: "revoked", reference: kbRevoked,
		setting: settingPromiscuous, rule: rulePromiscuous,
	},
	L2SecPromiscRequested: {
		row: "promiscuous-requested", violation: ViolationPromiscuous, effect: "denied", reference: kbDenied,
		setting: settingPromiscuous, rule: rulePromiscuous,
	},
	L2SecMACChangeRequested: {
		row: "mac-change-requested", violation: ViolationMACChange, effect: "denied", reference: kbDenied,
		setting: settingMACChanges, rule: ruleMACChanges,
	},
	L2SecPeerBlocked: {
		row: "peer-blocked", violation: ViolationMACChange, effect: "port_blocked", reference: kbDenied,
		setting: settingMACChanges, rule: ruleMACChanges,
	},
	L2SecPortBlocked: { // the line does not say which policy
		row: "port-blocked", violation: ViolationPolicy, effect: "port_blocked", reference: kbDenied,
	},
	L2SecPortUnblocked: {row: "port-unblocked", effect: "restored", reference: kbDenied},
	L2SecUnknown:       {row: "unknown", violation: ViolationUnknown, effect: "unknown"},
})

// l2secRows completes the facts with their rows of meanings.txt. It panics if one has none: no test
// passes then.
func l2secRows(rows map[string]*meaning, table [L2SecUnknown + 1]l2secFacts) [L2SecUnknown + 1]l2secFacts {
	for k := range table {
		f := &table[k]
		if f.row == "" {
			continue // L2SecNone
		}
		m := rows[f.row]
		if m == nil {
			panic("meanings.txt has no l2sec " + f.row)
		}
		f.action, f.severity, f.threat = m.action, m.severity, m.threat
		f.event = string(appendWord([]byte(m.members), `"outcome":"`, m.outcome))
		f.l2sec = string(appendWord(appendWord(nil, `"violation":"`, string(f.violation)), `"effect":"`, f.effect))
	}
	return table
}

// facts returns the row of k; a kind that is not in the table is L2SecUnknown.
func (k L2SecKind) facts() *l2secFacts {
	if int(k) >= len(l2secTable) {
		k = L2SecUnknown
	}
	return &l2secTable[k]
}

// Action is event.action of a line of this kind, or empty for L2SecNone.
func (k L2SecKind) Action() string { return k.facts().action }

// Violation is vmware.l2sec.violation of a line of this kind.
func (k L2SecKind) Violation() Violation { return k.facts().violation }

// Effect is vmware.l2sec.effect of a line of this kind.
func (k L2SecKind) Effect() string { return k.facts().effect }

// Severity is event.severity: a host's own interface that listens in weighs more than a VM's.
func (l *L2Sec) Severity() int {
	if l.Kind == L2SecPromiscRequested && l.Client.Type == ClientVMK {
		return severityHigh
	}
	return int(l.Kind.facts().severity)
}

// appendL2SecEvent appends the members of event that an L2Sec line decides.
func (e *Event) appendL2SecEvent(dst []byte, enc *encoding) []byte {
	l := &e.L2Sec
	dst = append(dst, l.Kind.facts().event...)
	dst = appendUint(dst, `"severity":`, uint64(l.Severity()))
	dst = e.appendPartField(dst, `"reason":"`, l.Reason)
	dst = e.appendPartField(dst, `"code":"`, l.Function)
	if enc.standard {
		dst = append(dst, `"provider":"vmkernel",`...)
	}
	return dst
}

// appendRule appends the setting that denied. The line does not say whether it is one of the port,
// the portgroup or the switch: as long as nobody else does either, rule.id is the setting alone. ruleset is the portgroup
// it is in, where that is known.
func (l *L2Sec) appendRule(dst []byte, ruleset string) []byte {
	f := l.Kind.facts()
	if f.setting == "" {
		return dst
	}
	dst = append(dst, `"rule":{"id":"`...)
	switch l.PolicySource {
	case "", PolicyDefault, PolicyUnknown:
	default:
		dst = append(dst, l.PolicySource...)
		dst = append(dst, '.')
	}
	dst = append(dst, f.setting...)
	dst = append(dst, '"', ',')
	dst = append(dst, f.rule...)
	dst = appendField(dst, `"ruleset":"`, ruleset)
	return closeObject(dst)
}

// appendL2Sec appends vmware.l2sec.
func (e *Event) appendL2Sec(dst []byte, enc *encoding) []byte {
	l := &e.L2Sec
	dst = append(dst, `"l2sec":{`...)
	dst = append(dst, l.Kind.facts().l2sec...)
	dst = e.appendClient(dst, &l.Client)
	if l.HasPort {
		dst = appendPort(dst, l.Port)
		if enc.standard {
			dst = appendUint(dst, `"portset":`, uint64(PortSet(l.Port)))
			dst = appendUint(dst, `"slot":`, uint64(PortSlot(l.Port)))
		}
		switch {
		case PortUplink(l.Port):
			dst = append(dst, `"uplink":true,`...)
		case enc.standard:
			dst = append(dst, `"uplink":false,`...)
		}
	}
	dst = e.appendPartField(dst, `"requested_mac":"`, l.RequestedMAC)
	if m := e.Joined.MAC; m != nil && enc.full {
		dst = append(dst, m.object...)
	}
	if enc.standard {
		dst = e.appendPartField(dst, `"module":"`, l.Module)
		if l.Line != 0 {
			dst = appendUint(dst, `"line":`, uint64(l.Line))
		}
	}
	if e.Vmkernel.Present {
		dst = e.appendWorld(dst)
	}
	return closeObject(dst)
}

func (e *Event) appendClient(dst []byte, c *Client) []byte {
	mark := len(dst)
	dst = append(dst, `"client":{`...)
	dst = e.appendPartField(dst, `"raw":"`, c.Raw)
	dst = appendWord(dst, `"type":"`, string(c.Type))
	dst = e.appendPartField(dst, `"name":"`, c.Name)
	dst = e.appendPartField(dst, `"device":"`, c.Device)
	return endObject(dst, mark)
}

// appendPort appends a port id as the log has it, in lower-case hex without leading zeros, and as
// esxtop, net-stats and esxcli have it, in decimal.
func appendPort(dst []byte, id uint32) []byte {
	dst = append(dst, `"port_id":"0x`...)
	dst = strconv.AppendUint(dst, uint64(id), 16)
	return appendUint(dst, `","port_id_dec":`, uint64(id))
}
