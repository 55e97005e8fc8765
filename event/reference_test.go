package event

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// object is a JSON object as encoding/json reads it.
type object = map[string]any

// put sets a value by its dotted path, unless it says nothing.
func put(o object, path string, v any) {
	switch v := v.(type) {
	case string:
		if v == "" {
			return
		}
	case []any:
		if len(v) == 0 {
			return
		}
	}
	keys := strings.Split(path, ".")
	for _, k := range keys[:len(keys)-1] {
		inner, ok := o[k].(object)
		if !ok {
			inner = object{}
			o[k] = inner
		}
		o = inner
	}
	o[keys[len(keys)-1]] = v
}

// text is s with each byte that is not UTF-8 replaced, as encoding/json and we do it.
func text(s string) string { return string([]rune(s)) }

func number(n any) json.Number { return json.Number(fmt.Sprint(n)) }

func list(words ...string) (l []any) {
	for _, w := range words {
		l = append(l, w)
	}
	return l
}

// reference is what AppendJSON must say about e, built the slow way and level by level as
// event-schema.md has it.
func reference(e *Event, d Detail, o Original) object {
	if d == DetailAuto {
		d = DetailCompact
		if referenceSecurity(e) {
			d = DetailFull
		}
	}
	root := object{}
	referenceCore(root, e)
	referenceOriginal(root, e, o)
	if e.L2Sec.Kind != L2SecNone {
		referenceL2Sec(root, e, d)
	} else if e.NetPort.Kind != NetPortNone {
		referenceNetPort(root, e, d)
	}
	referenceVmkernel(root, e)
	referenceParts(root, e, d)
	if d >= DetailStandard {
		referenceStandard(root, e)
	}
	return root
}

func referenceCore(root object, e *Event) {
	put(root, "@timestamp", text(e.TimeText))
	if e.TimeText == "" {
		digits := min(max(3, int(e.TimeDigits)), 9)
		put(root, "@timestamp", time.Unix(0, e.Time).UTC().Format("2006-01-02T15:04:05."+strings.Repeat("0", digits)+"Z"))
	}
	put(root, "event.id", e.ID.String())
	put(root, "event.kind", text(orElse(e.Kind, "event")))
	put(root, "event.dataset", string(e.Dataset))
	if e.Received != 0 {
		put(root, "event.created", time.Unix(0, e.Received).UTC().Format("2006-01-02T15:04:05.000000Z"))
	}
	put(root, "message", text(referenceMask(e, e.Message)))
	put(root, "tags", list(e.Tags.Names(nil)...))
	put(root, "error.message", text(e.Reason))
	put(root, "host.name", text(e.Host))
	put(root, "log.level", text(e.Level))
	if p := e.Syslog.Priority; p >= 0 && p <= 191 {
		put(root, "log.syslog.priority", number(p))
		if e.Level == "" {
			put(root, "log.level", SeverityNames[p%8])
		}
	}
	if e.Syslog.Hostname != e.Host {
		put(root, "log.syslog.hostname", text(e.Syslog.Hostname))
	}
	put(root, "log.syslog.appname", text(e.Syslog.AppName))
	put(root, "log.syslog.procid", text(e.Syslog.ProcID))
	if sd := referenceSD(referenceMask(e, e.Syslog.StructuredData)); sd != nil {
		put(root, "log.syslog.structured_data", sd)
	}
	if e.Receiver.Peer.IsValid() {
		put(root, "vmware.receiver.peer_ip", e.Receiver.Peer.Addr().Unmap().WithZone("").String())
	}
	put(root, "vmware.receiver.format", string(e.Format))
	put(root, "vmware.receiver.time_source", string(e.TimeSource))
}

func referenceOriginal(root object, e *Event, o Original) {
	keep := o == OriginalAll
	if o == OriginalSecurity {
		keep = referenceSecurity(e) || e.Format == FormatRaw || e.Reason != "" ||
			e.Tags&(TagParsePartial|TagUnknownL2Sec|TagNoHeader|TagBadPriority|TagBadTimestamp|TagBadSD|TagNotUTF8) != 0
	}
	frame := e.Raw
	if e.Merged.Frames != "" {
		frame = e.Merged.Frames
	}
	if o != OriginalAll && (e.Secrets.Count > 0 || e.Merged.Frames == "") {
		frame = referenceMask(e, e.Raw)
	}
	if keep && e.Merged.Sizes != nil {
		var sizes []any
		for _, n := range e.Merged.Sizes {
			sizes = append(sizes, number(uint64(n)))
		}
		put(root, "vmware.group.sizes", sizes)
	}
	switch {
	case !keep:
	case utf8.ValidString(frame):
		put(root, "event.original", frame)
	default:
		put(root, "vmware.receiver.original_b64", base64.StdEncoding.EncodeToString([]byte(frame)))
	}
}

// referenceSecurity reports whether the default detail of e is full.
func referenceSecurity(e *Event) bool {
	if SecurityDataset(e.Dataset) || e.VOB.Security() {
		return true
	}
	switch e.Act {
	case "vswitch-policy-changed", "vswitch-changed", "dvport-blocked", "dvport-unblocked", "mac-changed", "mac-conflict",
		"passthrough-entered", "permission-changed", "role-changed":
		return e.VCEvent.Present
	}
	return false
}

// referenceL2 is the table of event-schema.md "L2 security events", as it stands there.
var referenceL2 = map[L2SecKind][7]string{ // action, type, outcome, violation, effect, severity, technique
	L2SecPromiscRevoked:     {"promiscuous-mode-revoked", "denied", "failure", "promiscuous_mode", "revoked", "47", "T1040"},
	L2SecPromiscRequested:   {"promiscuous-mode-requested", "denied", "failure", "promiscuous_mode", "denied", "47", "T1040"},
	L2SecMACChangeRequested: {"mac-address-change-requested", "denied", "failure", "mac_address_change", "denied", "73", "T1557"},
	L2SecPeerBlocked:        {"port-blocked", "denied", "failure", "mac_address_change", "port_blocked", "73", "T1557"},
	L2SecPortBlocked:        {"port-blocked", "denied", "failure", "policy_violation", "port_blocked", "73", ""},
	L2SecPortUnblocked:      {"port-unblocked", "allowed", "success", "", "restored", "21", ""},
	L2SecUnknown:            {"l2sec-unknown", "info", "unknown", "unknown", "unknown", "47", ""},
}

func referenceL2Sec(root object, e *Event, d Detail) {
	l, row := &e.L2Sec, referenceL2[e.L2Sec.Kind]
	put(root, "event.category", list("network", "intrusion_detection"))
	put(root, "event.type", list(row[1]))
	put(root, "event.action", row[0])
	put(root, "event.outcome", row[2])
	put(root, "event.severity", json.Number(row[5]))
	if l.Kind == L2SecPromiscRequested && l.Client.Type == ClientVMK {
		put(root, "event.severity", json.Number("73"))
	}
	put(root, "event.reason", text(l.Reason))
	put(root, "event.code", text(l.Function))
	put(root, "vmware.l2sec.violation", row[3])
	put(root, "vmware.l2sec.effect", row[4])
	put(root, "vmware.l2sec.client.raw", text(l.Client.Raw))
	put(root, "vmware.l2sec.client.type", string(l.Client.Type))
	put(root, "vmware.l2sec.client.name", text(l.Client.Name))
	put(root, "vmware.l2sec.client.device", text(l.Client.Device))
	if l.HasPort {
		put(root, "vmware.l2sec.port_id", fmt.Sprintf("%#x", l.Port))
		put(root, "vmware.l2sec.port_id_dec", number(l.Port))
		if d >= DetailStandard {
			put(root, "vmware.l2sec.portset", number(l.Port>>24&0x7f))
			put(root, "vmware.l2sec.slot", number(l.Port&0xffffff))
			put(root, "vmware.l2sec.uplink", false)
		}
		if l.Port&(1<<31) != 0 {
			put(root, "vmware.l2sec.uplink", true)
		}
	}
	put(root, "vmware.l2sec.requested_mac", text(l.RequestedMAC))
	if d >= DetailStandard {
		put(root, "event.provider", "vmkernel")
		put(root, "event.reference", l.Kind.facts().reference)
		put(root, "log.logger", text(l.Module))
		put(root, "log.origin.function", text(l.Function))
		put(root, "vmware.l2sec.module", text(l.Module))
		if l.Line != 0 {
			put(root, "log.origin.file.line", number(l.Line))
			put(root, "vmware.l2sec.line", number(l.Line))
		}
	}
	if d == DetailFull {
		referenceAnalysis(root, row[6])
		if row[6] != "" {
			referenceRule(root, row[6], l.PolicySource)
		}
	}
}

func referenceAnalysis(root object, technique string) {
	site := "https://attack.mitre.org/"
	switch technique {
	case "T1040":
		put(root, "threat.tactic.id", list("TA0006", "TA0007"))
		put(root, "threat.tactic.name", list("Credential Access", "Discovery"))
		put(root, "threat.tactic.reference", list(site+"tactics/TA0006/", site+"tactics/TA0007/"))
		put(root, "threat.technique.name", list("Network Sniffing"))
	case "T1557":
		put(root, "threat.tactic.id", list("TA0006", "TA0009"))
		put(root, "threat.tactic.name", list("Credential Access", "Collection"))
		put(root, "threat.tactic.reference", list(site+"tactics/TA0006/", site+"tactics/TA0009/"))
		put(root, "threat.technique.name", list("Adversary-in-the-Middle"))
	case "T1110":
		put(root, "threat.tactic.id", list("TA0006"))
		put(root, "threat.tactic.name", list("Credential Access"))
		put(root, "threat.tactic.reference", list(site+"tactics/TA0006/"))
		put(root, "threat.technique.name", list("Brute Force"))
	default:
		return
	}
	put(root, "threat.framework", "MITRE ATT&CK")
	put(root, "threat.technique.id", list(technique))
	put(root, "threat.technique.reference", list(site+"techniques/"+technique+"/"))
}

func referenceRule(root object, technique string, source PolicySource) {
	id, name := "security.allow_promiscuous", "Promiscuous mode: Reject"
	if technique == "T1557" {
		id, name = "security.mac_changes", "MAC address changes: Reject"
	}
	if strings.Contains(" port portgroup switch nsx ", " "+string(source)+" ") {
		id = string(source) + "." + id
	}
	put(root, "rule.id", id)
	put(root, "rule.name", name)
	put(root, "rule.category", "vswitch-security-policy")
}

func referenceNetPort(root object, e *Event, d Detail) {
	n := &e.NetPort
	put(root, "event.category", list("network"))
	row := map[NetPortKind][2]string{
		NetPortEnabled: {"start", "port-enabled"}, NetPortDisabled: {"end", "port-disabled"},
		NetPortConnected: {"start", "port-connected"}, NetPortDisconnected: {"end", "port-disconnected"},
		NetPortAssociated: {"info", "dvport-associated"}, NetPortDissociated: {"info", "dvport-dissociated"},
	}[n.Kind]
	put(root, "event.type", list(row[0]))
	put(root, "event.action", row[1])
	put(root, "event.outcome", "success")
	put(root, "vmware.netport.kind", "port")
	if n.Module == "Uplink" {
		put(root, "vmware.netport.kind", "uplink")
	}
	put(root, "vmware.netport.port_id", fmt.Sprintf("%#x", n.Port))
	put(root, "vmware.netport.port_id_dec", number(n.Port))
	put(root, "vmware.netport.mac", text(n.MAC))
	if c := n.Client; c.Raw != "" {
		put(root, "vmware.netport.client.raw", text(c.Raw))
		put(root, "vmware.netport.client.type", string(c.Type))
		put(root, "vmware.netport.client.name", text(c.Name))
		put(root, "vmware.netport.client.device", text(c.Device))
	}
	put(root, "vmware.netport.network", text(n.Network))
	put(root, "vmware.netport.dvport", text(n.DVPort))
	if d >= DetailStandard {
		put(root, "event.provider", "vmkernel")
		put(root, "log.logger", text(n.Module))
		if n.Line != 0 {
			put(root, "log.origin.file.line", number(n.Line))
		}
	}
}

func referenceVmkernel(root object, e *Event) {
	v := &e.Vmkernel
	if !v.Present {
		return
	}
	at := "vmware.vmkernel."
	put(root, at+"uptime", text(v.Uptime))
	put(root, at+"nic", text(v.NIC))
	if e.L2Sec.Kind != L2SecNone {
		at = "vmware.l2sec."
	}
	if v.HasCPU {
		put(root, at+"cpu", number(v.CPU))
		put(root, at+"world_id", number(v.World))
	}
	put(root, at+"op_id", text(v.OpID))
}

func referenceStandard(root object, e *Event) {
	put(root, "ecs.version", "9.4.0")
	put(root, "vmware.schema_version", "1")
	put(root, "vmware.enrichment.status", "disabled")
	module, _, _ := strings.Cut(string(e.Dataset), ".")
	put(root, "event.module", module)
	put(root, "log.logger", text(e.Logger))
	s, r := &e.Syslog, &e.Receiver
	if p := s.Priority; p >= 0 && p <= 191 {
		put(root, "log.syslog.facility.code", number(p/8))
		put(root, "log.syslog.facility.name", FacilityNames[p/8])
		put(root, "log.syslog.severity.code", number(p%8))
		put(root, "log.syslog.severity.name", SeverityNames[p%8])
	}
	put(root, "log.syslog.hostname", text(s.Hostname))
	put(root, "log.syslog.msgid", text(s.MsgID))
	if s.Version != 0 {
		put(root, "log.syslog.version", fmt.Sprint(s.Version))
	}
	put(root, "vmware.receiver.transport", text(r.Transport))
	put(root, "vmware.receiver.framing", text(r.Framing))
	put(root, "vmware.receiver.relay", text(r.Relay))
	put(root, "vmware.receiver.tls_peer", text(r.TLSPeer))
	if r.Peer.IsValid() || r.Authenticated {
		put(root, "vmware.receiver.authenticated", r.Authenticated)
	}
	if r.Peer.Port() != 0 {
		put(root, "vmware.receiver.peer_port", number(r.Peer.Port()))
	}
	if e.Tags&TagTruncated != 0 {
		put(root, "vmware.receiver.truncated", true)
	}
}
