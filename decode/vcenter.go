package decode

import (
	"slices"
	"strings"

	"vswarden/event"
)

// vcEventLine reads an event of vCenter (vSphere 6.7 and later):
//
//	Event [5851] [1-1] [2021-09-06T14:40:30.28341Z] [vim.event.UserLoginSessionEvent] [info] [VSPHERE.LOCAL\admin] [DC] [5851] [User …]
//	Event [5851] [2-13] the text goes on
//
// Fields are cut from the left; the text is the rest, whatever brackets it holds.
func vcEventLine(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "Event [")
	if !ok {
		return false
	}
	id, n := number(rest)
	if n == 0 || !strings.HasPrefix(rest[n:], "] [") {
		return false
	}
	rest = rest[n+len("] ["):]
	part, n := number(rest)
	if n == 0 || n >= len(rest) || rest[n] != '-' {
		return false
	}
	parts, m := number(rest[n+1:])
	if m == 0 || !strings.HasPrefix(rest[n+1+m:], "]") || part > 1<<16-1 || parts > 1<<16-1 {
		return false
	}
	rest = trimSpaces(rest[n+1+m+1:])
	v := event.VCEvent{Present: true, ID: id, Part: uint16(part), Parts: uint16(parts), Text: rest}
	if part == 1 {
		vcFields(e, &v, rest)
	}
	v.Changes = policyChanges(v.Text)
	e.Rarely().VCEvent = v
	vcAct(e)
	return true
}

// vcFields reads the fields of a first part: "[time] [type] [severity] [user] [target] [chain] [text]".
func vcFields(e *event.Event, v *event.VCEvent, s string) {
	rest, ok := strings.CutPrefix(s, "[")
	if !ok {
		return
	}
	var f [4]string
	for i := range f {
		if f[i], rest, ok = strings.Cut(rest, "] ["); !ok {
			return
		}
	}
	target, chain, text, ok := vcTarget(rest)
	if !ok {
		return
	}
	v.Time, v.Type, v.Severity, v.Target, v.ChainID = f[0], f[1], f[2], target, chain
	v.Text = text
	if v.Part == v.Parts {
		v.Text = strings.TrimSuffix(text, "]")
	}
	e.User = splitUser(f[3])
	if level := levelWord(v.Severity); level != "" {
		e.Level = level
	}
}

// vcTarget splits "target] [chain] [text". A target may hold anything; the chain is a number or
// nothing.
func vcTarget(s string) (target string, chain uint64, text string, ok bool) {
	for from := 0; ; {
		i := strings.Index(s[from:], "] [")
		if i < 0 {
			return "", 0, "", false
		}
		from += i
		rest := s[from+len("] ["):]
		v, n := number(rest)
		if strings.HasPrefix(rest[n:], "] [") {
			return s[:from], v, rest[n+len("] ["):], true
		}
		from += len("] [")
	}
}

// policyChanges finds "allowPromiscuous.value: false -> true" in the text of a reconfiguration. Since 6.7 a
// setting is there twice, in securityPolicy and in macManagementPolicy: the change that weakens counts.
func policyChanges(s string) (changes [event.MaxPolicyChanges]event.PolicyChange) {
	n := 0
	for range 64 {
		i := strings.Index(s, "->")
		if i < 0 {
			break
		}
		old := strings.TrimRight(s[:i], " ")
		head, value, ok := cutLast(old, ":")
		head = strings.TrimSuffix(head, ".value")
		setting := head[lastNonLetter(head):]
		s = trimSpaces(s[i+len("->"):])
		if !ok {
			continue
		}
		switch setting {
		case "allowPromiscuous", "macChanges", "forgedTransmits":
			c := event.PolicyChange{Setting: setting, Old: trimSpaces(value), New: policyValue(s)}
			if at := slices.IndexFunc(changes[:n], func(known event.PolicyChange) bool { return known.Setting == setting }); at < 0 {
				changes[n] = c
				n++
			} else if c.Weakens() && !changes[at].Weakens() {
				changes[at] = c
			}
		}
	}
	return changes
}

// lastNonLetter is the index behind the last byte of s that is no letter.
func lastNonLetter(s string) int {
	i := len(s)
	for i > 0 && s[i-1]|0x20 >= 'a' && s[i-1]|0x20 <= 'z' {
		i--
	}
	return i
}

// policyValue is the word at the beginning of s up to a blank, semicolon, comma or bracket.
func policyValue(s string) string {
	i := 0
	for i < len(s) && isAlnum(s[i]) {
		i++
	}
	return s[:i]
}

// vcAct says what an event of vCenter is about. Those of a host arrive as EventEx with their text
// alone, so that the text decides.
func vcAct(e *event.Event) {
	v := &e.Rarely().VCEvent
	user := e.User
	loginText(e, v.Text)
	if user.Name != "" {
		e.User = user // the event's own field is surer than its text
	}
	kind, ok := strings.CutPrefix(v.Type, "vim.event.")
	if !ok {
		return
	}
	switch kind {
	case "UserLoginSessionEvent":
		e.Act = event.ActLogin
	case "UserLogoutSessionEvent":
		e.Act = event.ActLogout
	case "BadUsernameSessionEvent", "NoAccessUserEvent":
		e.Act = event.ActLoginFailed
	case "VmMacChangedEvent", "VmMacAssignedEvent":
		e.Act = event.ActMACChanged
		macFacts(v)
	case "VmMacConflictEvent", "VmStaticMacConflictEvent":
		e.Act = event.ActMACConflict
		macFacts(v)
	case "VmReconfiguredEvent":
		if _, rest, ok := strings.Cut(v.Text, "macAddress: "); ok {
			v.OldMAC, v.NewMAC = macPair(rest)
		}
	case "TaskEvent":
		if switchTask(v.Text) {
			e.Act = event.ActSwitchChanged
		}
	case "EventEx", "ExtendedEvent":
		if e.Act == "" {
			echoText(e, v.Text)
		}
	case "AccountCreatedEvent":
		e.Act = event.ActAccountCreated
	case "AccountRemovedEvent":
		e.Act = event.ActAccountRemoved
	case "AccountUpdatedEvent":
		e.Act = event.ActAccountUpdated
	case "UserPasswordChanged", "UserPasswordChangedEvent":
		e.Act = event.ActPassword
	case "LocalTSMEnabledEvent":
		e.Act = event.ActShellEnabled
	case "RemoteTSMEnabledEvent":
		e.Act = event.ActSSHEnabled
	default:
		switch {
		case strings.HasPrefix(kind, "Permission"):
			e.Act = event.ActPermission
		case strings.HasPrefix(kind, "Role"):
			e.Act = event.ActRole
		case strings.HasPrefix(kind, "GeneralHost"):
			lostMessages(e, v.Text)
		case strings.HasPrefix(kind, "Dvs"), strings.HasPrefix(kind, "DVPortgroup"):
			switchAct(e, kind)
		}
	}
}

// switchTask reports a task of vCenter that changes a virtual switch: for a standard switch there is no
// other event.
func switchTask(s string) bool {
	switch strings.TrimSuffix(strings.TrimPrefix(s, "Task: "), ".") {
	case "Update port group", "Add port group", "Remove port group", "Update virtual switch", "Add virtual switch", "Remove virtual switch",
		"Update network configuration", "Reconfigure dvPort group", "Reconfigure Distributed Port Group", "Reconfigure distributed virtual switch",
		"Reconfigure vSphere Distributed Switch", "Reconfigure dvPort":
		return true
	}
	return false
}

// switchAct says what an event about a distributed switch is about, where it is a change of what the
// switch allows.
func switchAct(e *event.Event, kind string) {
	v := &e.Rarely().VCEvent
	switchFacts(v)
	switch kind {
	case "DvsPortBlockedEvent":
		e.Act = event.ActPortBlocked
	case "DvsPortUnblockedEvent":
		e.Act = event.ActPortUnblocked
	case "DvsPortEnteredPassthruEvent":
		e.Act = event.ActPassthru
	case "DVPortgroupReconfiguredEvent", "DvsReconfiguredEvent", "DvsPortReconfiguredEvent":
		e.Act = event.ActSwitchChanged
		if v.Changes[0].Setting != "" {
			e.Act = event.ActSwitchPolicy
		}
	}
}

// ssoAudit reads a record of vCenter's single sign-on, whose JSON may have lost its closing brace:
// {"user":"…","client":"…","timestamp":"…","description":"…","eventSeverity":"INFO","type":"com.vmware.sso.LoginFailure"}.
func ssoAudit(e *event.Event, s string) bool {
	i := strings.Index(s, `{"user":"`)
	if i < 0 {
		return false
	}
	var user, client, description, kind string
	s0 := s[:i]
	for s = s[i+1:]; ; {
		key, value, rest, ok := jsonPair(s)
		if !ok {
			break
		}
		switch key {
		case "user":
			user = value
		case "client":
			client = value
		case "description":
			description = value
		case "type":
			kind = value
		}
		s = rest
	}
	what, ok := strings.CutPrefix(kind, "com.vmware.sso.")
	if !ok {
		return false
	}
	serviceHeader(e, s0)
	v := &e.Rarely().VCEvent
	v.Type, v.Text = kind, description
	act(e, ssoAct(what, description), user, client)
	if what == "PrincipalManagement" {
		principalTarget(e, description)
	}
	return true
}

// ssoAct says what a record of single sign-on is about.
func ssoAct(kind, description string) event.Act {
	switch kind {
	case "LoginSuccess":
		return event.ActLogin
	case "LoginFailure":
		return event.ActLoginFailed
	case "Logout":
		return event.ActLogout
	case "PrincipalManagement":
		if a := principalAct(description); a != "" {
			return a
		}
		return event.ActAccountUpdated
	case "PasswordPolicy":
		return event.ActAccountUpdated
	}
	return ""
}

// jsonPair takes `"key":"value",` off s, a flat object's inside; escapes stay as they are.
func jsonPair(s string) (key, value, rest string, ok bool) {
	s = strings.TrimPrefix(s, ",")
	s, ok = strings.CutPrefix(s, `"`)
	if !ok {
		return "", "", s, false
	}
	key, s, ok = strings.Cut(s, `":"`)
	if !ok {
		return "", "", s, false
	}
	for from := 0; ; {
		i := strings.IndexByte(s[from:], '"')
		if i < 0 {
			return "", "", s, false
		}
		from += i
		slashes := 0
		for slashes < from && s[from-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return key, s[:from], s[from+1:], true
		}
		from++
	}
}

// authorizationAudit reads what vCenter's inventory service says about permissions and roles:
// "[tomcat-exec-43  INFO  AuthorizationService.AuditLog  opId=1] Action performed by principal(name=D\u,isGroup=false):Added …".
func authorizationAudit(e *event.Event, s string) bool {
	_, rest, ok := strings.Cut(s, "AuthorizationService.AuditLog")
	if !ok {
		return false
	}
	serviceHeader(e, s)
	_, rest, ok = strings.Cut(rest, "principal(name=")
	if !ok {
		return false
	}
	user, rest, _ := strings.Cut(rest, ",")
	e.User = splitUser(user)
	e.Act = event.ActPermission
	if _, action, ok := strings.Cut(rest, "):"); ok {
		e.Rarely().VCEvent.Text = action
		if verb, _, _ := strings.Cut(action, " Id="); strings.HasSuffix(verb, " role") || strings.HasPrefix(action, "Delete role ") {
			e.Act = event.ActRole
		}
	}
	return true
}

// tcpPair reads the two ends of a connection where vmacore prints them: "<TCP '10.0.0.1 : 443'>,
// <TCP '10.0.0.2 : 50504'>".
func tcpPair(e *event.Event, s string) {
	if strings.IndexByte(s, '<') < 0 {
		return // most texts
	}
	first, rest, ok := tcpEnd(s)
	if !ok {
		return
	}
	second, _, ok := tcpEnd(rest)
	if !ok {
		return
	}
	e.Source, e.Rarely().Destination = first, second
}

// tcpEnd reads the next "<TCP 'address : port'>".
func tcpEnd(s string) (p event.Endpoint, rest string, ok bool) {
	at := find(s, "<TCP '")
	if at < 0 {
		return p, s, false
	}
	rest = s[at+len("<TCP '"):]
	text, rest, ok := strings.Cut(rest, "'")
	if !ok {
		return p, s, false
	}
	address, port, ok := cutLast(text, " : ")
	v, n := number(port)
	if !ok || n == 0 || v > 1<<16-1 {
		return p, s, false
	}
	return event.Endpoint{Address: address, Port: uint16(v)}, rest, true
}
