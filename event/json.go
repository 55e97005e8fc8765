package event

import "unicode/utf8"

// ECSVersion is the version of the Elastic Common Schema whose names we use (ecs.version).
const ECSVersion = "9.4.0"

// SchemaVersion is the version of our own fields (vmware.schema_version).
const SchemaVersion = "1"

// encoding is what one call of AppendJSON has decided for all parts of an event.
type encoding struct {
	rare     bool   // something of Rare may be set
	standard bool   // DetailStandard or more
	full     bool   // DetailFull
	original bool   // keep the frame
	exact    bool   // keep it as it is, secrets and all
	binary   bool   // keep it as base64: it is not UTF-8
	frame    string // what is kept
	meaning  *meaning
}

// AppendJSON appends e as one JSON object without a newline. The order of keys is fixed, with
// @timestamp and event.id first; a field that says nothing is absent and none is ever null.
// It allocates nothing when dst is large enough.
//
// Every part below appends its members with a comma each, and the object around them turns the
// last comma into its brace. Names and everything else that is fixed are constants in one piece.
// What few events have is asked for before its part is called: a dozen calls that append nothing would cost as much
// as to write the message.
func (e *Event) AppendJSON(dst []byte, d Detail, o Original) []byte {
	security := (d == DetailAuto || o == OriginalSecurity) && e.security()
	if d == DetailAuto {
		d = DetailCompact
		if security {
			d = DetailFull
		}
	}
	enc := &encoding{rare: !e.common, standard: d >= DetailStandard, full: d >= DetailFull, exact: o == OriginalAll, meaning: e.meaning(d)}
	if e.Raw != "" && (o == OriginalAll || o == OriginalSecurity && (security || e.unparsed())) {
		enc.original = true
		enc.frame = e.frame(enc.exact)
		enc.binary = !utf8.ValidString(enc.frame)
	}
	dst = e.appendHead(dst)
	dst = e.appendEvent(dst, enc)
	if enc.standard {
		dst = append(dst, `"ecs":{"version":"`+ECSVersion+`"},`...)
	}
	dst = e.appendMasked(dst, `"message":"`, e.Message)
	dst = e.Tags.appendTags(dst)
	if e.Reason != "" {
		dst = append(dst, `"error":{`...)
		dst = appendField(dst, `"message":"`, e.Reason)
		dst = closeObject(dst)
	}
	dst = e.appendLog(dst, enc)
	dst = e.appendHost(dst, enc)
	if enc.standard || e.User.Name != "" || e.User.Domain != "" || enc.rare && (e.Group != "" || e.Target.Name != "" || e.Linux.UID != "") {
		dst = e.appendUser(dst, enc)
	}
	if enc.full {
		dst = e.appendPort(dst, enc)
	}
	if e.Source.Address != "" {
		dst = e.Source.appendEndpoint(dst, `"source":{`, enc)
	}
	if enc.rare && e.Destination.Address != "" {
		dst = e.Destination.appendEndpoint(dst, `"destination":{`, enc)
	}
	if e.Login.SSH || e.Login.Agent != "" {
		dst = e.Login.appendAgent(dst)
	}
	if enc.rare && e.Access.Method != "" {
		dst = e.appendAccess(dst)
	}
	if enc.standard || enc.rare && (e.Command.Name != "" || e.Command.Line != "" || e.Command.Status != "") {
		dst = e.appendProcess(dst, enc)
	}
	if enc.full {
		if e.Joined.Port != nil {
			dst = e.Joined.Port.appendRelated(dst)
		} else {
			dst = e.appendRelated(dst)
		}
		dst = e.appendAnalysis(dst, enc)
	}
	dst = e.appendVMware(dst, enc)
	dst[len(dst)-1] = '}'
	return dst
}

// appendAnalysis appends rule and threat: what an analyst would add.
func (e *Event) appendAnalysis(dst []byte, enc *encoding) []byte {
	if e.L2Sec.Kind != L2SecNone {
		dst = e.L2Sec.appendRule(dst, e.Joined.Port.portgroup())
		return append(dst, e.L2Sec.Kind.facts().threat...)
	}
	if enc.meaning != nil && e.Linux.Reason != ReasonBridgeMembership {
		dst = append(dst, enc.meaning.threat...)
	}
	return dst
}

// frame is what is kept of the frame, or of the frames of a group. Where secrets are to be left out
// of a group, it is the one frame in which they were found.
func (e *Event) frame(exact bool) string {
	if e.Merged.Frames == "" || !exact && e.Secrets.Count > 0 {
		return e.Raw
	}
	return e.Merged.Frames
}

// unparsed reports whether some of the line was not understood.
func (e *Event) unparsed() bool {
	return e.Tags&tagsUnparsed != 0 || e.Format == FormatRaw || e.Reason != ""
}

// appendEvent appends the object event behind its kind.
func (e *Event) appendEvent(dst []byte, enc *encoding) []byte {
	switch {
	case !enc.rare:
		if enc.standard || enc.meaning != nil {
			dst = e.appendMeaning(dst, enc)
		}
	case e.L2Sec.Kind != L2SecNone:
		dst = e.appendL2SecEvent(dst, enc)
	case e.NetPort.Kind != NetPortNone:
		dst = e.appendNetPortEvent(dst, enc)
	default:
		dst = e.appendMeaning(dst, enc)
	}
	if enc.standard {
		dst = appendWord(dst, `"module":"`, e.Dataset.module())
	}
	dst = appendWord(dst, `"dataset":"`, string(e.Dataset))
	if e.Received != 0 {
		dst = e.printed.created.append(dst, e.Received)
	}
	if enc.rare && (e.Alert.Start != 0 || e.Alert.End != 0) {
		dst = e.Alert.appendAlertTimes(dst)
	}
	if enc.standard && e.L2Sec.Kind != L2SecNone {
		dst = appendWord(dst, `"reference":"`, e.L2Sec.Kind.facts().reference)
	}
	if enc.original && !enc.binary {
		if enc.exact {
			dst = e.appendPartField(dst, `"original":"`, enc.frame)
		} else {
			dst = e.appendMasked(dst, `"original":"`, enc.frame)
		}
	}
	return closeObject(dst)
}

func (t Tags) appendTags(dst []byte) []byte {
	if t == 0 {
		return dst
	}
	dst = append(dst, `"tags":[`...)
	for bit, name := range TagNames {
		if t&(1<<bit) != 0 {
			dst = append(dst, '"')
			dst = append(dst, name...)
			dst = append(dst, '"', ',')
		}
	}
	dst[len(dst)-1] = ']'
	return append(dst, ',')
}

// appendLog appends the object log: level, logger, origin and the syslog header. Mostly compact has a level there that the
// priority says too, and then all up to the priority is one piece.
func (e *Event) appendLog(dst []byte, enc *encoding) []byte {
	s := &e.Syslog
	if !enc.standard && s.HasPriority() && (e.Level == "" || e.Level == SeverityNames[s.Severity()]) {
		dst = append(dst, priorityLogs[s.Priority]...)
		dst = e.appendHeader(dst, enc)
		dst[len(dst)-1] = '}'
		return append(dst, '}', ',')
	}
	mark := len(dst)
	dst = append(dst, `"log":{`...)
	switch {
	case e.Level != "":
		dst = e.appendPartField(dst, `"level":"`, e.Level)
	case s.HasPriority():
		dst = appendWord(dst, `"level":"`, SeverityNames[s.Severity()])
	}
	if enc.standard {
		dst = e.appendOrigin(dst)
	}
	inner := len(dst)
	dst = append(dst, `"syslog":{`...)
	if s.HasPriority() {
		dst = append(dst, priorityMembers[s.Priority]...)
		if enc.standard {
			dst = append(dst, priorityParts[s.Priority]...)
		}
	}
	dst = e.appendHeader(dst, enc)
	dst = endObject(dst, inner)
	return endObject(dst, mark)
}

// appendHeader appends the members of log.syslog behind the priority.
func (e *Event) appendHeader(dst []byte, enc *encoding) []byte {
	s := &e.Syslog
	if enc.standard || s.Hostname != e.Host {
		dst = e.appendPartField(dst, `"hostname":"`, s.Hostname)
	}
	dst = e.appendPartField(dst, `"appname":"`, s.AppName)
	dst = e.appendPartField(dst, `"procid":"`, s.ProcID)
	if enc.standard {
		dst = e.appendPartField(dst, `"msgid":"`, s.MsgID)
		if s.Version != 0 {
			dst = appendUint(dst, `"version":"`, uint64(s.Version))
			dst[len(dst)-1] = '"'
			dst = append(dst, ',')
		}
	}
	if s.StructuredData != "" {
		dst = e.appendStructuredData(dst)
	}
	return dst
}

// appendOrigin appends log.logger and log.origin: who in the program wrote the line.
func (e *Event) appendOrigin(dst []byte) []byte {
	logger, function, line := e.Logger, "", uint32(0)
	switch {
	case e.L2Sec.Kind != L2SecNone:
		logger, function, line = orElse(logger, e.L2Sec.Module), e.L2Sec.Function, e.L2Sec.Line
	case e.NetPort.Kind != NetPortNone:
		logger, line = orElse(logger, e.NetPort.Module), e.NetPort.Line
	}
	dst = e.appendPartField(dst, `"logger":"`, logger)
	if function == "" && line == 0 {
		return dst
	}
	dst = append(dst, `"origin":{`...)
	dst = e.appendPartField(dst, `"function":"`, function)
	if line != 0 {
		dst = appendUint(dst, `"file":{"line":`, uint64(line))
		dst = closeObject(dst)
	}
	return closeObject(dst)
}

// appendVMware appends the object vmware: what ECS has no names for.
func (e *Event) appendVMware(dst []byte, enc *encoding) []byte {
	mark := len(dst)
	dst = append(dst, `"vmware":{`...)
	if enc.standard {
		dst = append(dst, `"schema_version":"`+SchemaVersion+`",`...)
		dst = e.appendHostd(dst)
	}
	switch {
	case !enc.rare:
	case e.L2Sec.Kind != L2SecNone:
		dst = e.appendL2Sec(dst, enc)
	case e.NetPort.Kind != NetPortNone:
		dst = e.appendNetPort(dst)
	}
	if e.Vmkernel.Present {
		dst = e.appendVmkernel(dst)
	}
	if enc.rare && enc.standard {
		dst = e.appendVOB(dst)
	}
	if enc.rare && e.VCEvent.Present {
		dst = e.VCEvent.appendVCEvent(dst, enc)
	}
	if l := &e.Login; l.Method != "" || l.Terminal != "" || l.Failures|l.LockSecs != 0 || l.Invalid {
		dst = e.Login.appendLogin(dst)
	}
	if enc.rare {
		dst = e.appendRarest(dst)
	}
	if g := &e.Merged; g.Lines != 0 || g.Continues != (ID{}) || e.SameAs != (ID{}) {
		dst = e.appendMerged(dst, enc)
	}
	if e.Secrets.Count > 0 {
		dst = append(dst, `"redacted":true,`...)
	}
	if e.Report != nil {
		dst = e.Report.append(dst)
	}
	if enc.standard {
		dst = e.Joined.appendObjects(dst, e.L2Sec.RequestedMAC, enc)
		if e.Report == nil { // nothing was joined: it is the inventory itself that speaks
			dst = e.Joined.appendEnrichment(dst)
		}
	}
	dst = e.appendReceiver(dst, enc)
	return endObject(dst, mark)
}

// appendRarest appends the members of vmware that fewest have.
func (e *Event) appendRarest(dst []byte) []byte {
	if c := &e.Command; c.Network != "" || c.Switch != "" || c.Portgroup != "" || c.Weakens {
		dst = c.appendCommand(dst)
	}
	if e.Loss.Kind != LossNone {
		dst = e.Loss.appendLoss(dst)
	}
	if e.Linux.Device != "" {
		dst = e.Linux.appendLinux(dst)
	}
	if e.Alert.Rule != "" {
		dst = e.Alert.appendAlert(dst)
	}
	return dst
}

// closeObject closes an object that has members, and adds the comma behind it.
func closeObject(dst []byte) []byte {
	dst[len(dst)-1] = '}'
	return append(dst, ',')
}

// endObject closes an object that began at mark, or takes it back if it has no members.
func endObject(dst []byte, mark int) []byte {
	if dst[len(dst)-1] == '{' {
		return dst[:mark]
	}
	return closeObject(dst)
}

// appendField appends a member whose value is the sender's text. key ends with the opening quote.
func appendField(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, key...)
	dst = appendText(dst, value)
	return append(dst, '"', ',')
}

// appendWord appends a member whose value is a word of ours: nothing in it needs to be escaped.
func appendWord(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, key...)
	dst = append(dst, value...)
	return append(dst, '"', ',')
}

// appendUint appends a member that is a number; key ends with its colon.
func appendUint(dst []byte, key string, value uint64) []byte {
	return appendNumber(append(dst, key...), value)
}

func orElse(s, other string) string {
	if s != "" {
		return s
	}
	return other
}
