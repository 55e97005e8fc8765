package decode

import (
	"strings"

	"vswarden/event"
)

// isoStyle is what stood before and in the stamp of an ISO header.
type isoStyle struct {
	pri  bool // <PRI> before it
	zulu bool // UTC with Z, as ESXi stamps since 5.0
}

// isoHeader reads what follows an ISO stamp: "host Prog: msg", ESXi's own form of RFC 3164, or the
// body of a line of an on-host log file, which has no host.
func isoHeader(e *event.Event, s string, style isoStyle) (h head, wrapped bool) {
	if style.pri && usualHeader(e, trimSpaces(s)) {
		return head{format: event.FormatRFC3164ISO, esxi: style.zulu}, headerAfterTag(e.Message)
	}
	return unusualHeader(e, s, style)
}

// unusualHeader reads all that may follow an ISO stamp.
func unusualHeader(e *event.Event, s string, style isoStyle) (h head, wrapped bool) {
	h = head{format: event.FormatRFC3164ISO, esxi: style.zulu}
	noHost := event.FormatFileISO // the form when no host follows
	if style.pri {
		noHost = event.FormatRFC3164ISO
	} else {
		h.format = event.FormatNoPRI
	}
	if strings.HasPrefix(s, ":") { // 2013-08-12T13:48:25.645Z: [netCorrelator] …
		e.Message = trimSpaces(s[1:])
		return head{format: event.FormatFileISO, esxi: h.esxi}, false
	}
	s = trimSpaces(s)
	e.Message = s
	if host, rest, ok := bracketHost(s); ok { // [2001:db8::10] Hostd: …
		e.Syslog.Hostname = host
		takeProgram(e, rest)
		return h, headerAfterTag(e.Message)
	}
	if rest, ok := strings.CutPrefix(s, "- "); ok && knownTag(rest) { // a host that is not known
		takeProgram(e, rest)
		return h, headerAfterTag(e.Message)
	}
	if fileBody(e, s, style.pri) {
		if e.Format != "" {
			noHost, e.Format = e.Format, ""
		}
		h.format = noHost
		return h, headerAfterTag(e.Message)
	}
	if app, pid, rest, ok := colonTag(s); ok { // shell[277438]: tcpdump-uw -i vmk0
		e.Syslog.AppName, e.Syslog.ProcID, e.Message = app, pid, rest
		h.format = noHost
		return h, headerAfterTag(rest)
	}
	if strings.HasPrefix(s, "vmsyslog.") { // vmsyslog.main     : ERROR ] …
		if app, _, rest, ok := takeTag(s); ok {
			e.Syslog.AppName, e.Message = app, rest
			h.format = noHost
			return h, false
		}
	}
	host, rest, ok := takeHost(s)
	if !ok {
		h.format = noHost
		return h, false
	}
	if beginsHeader(rest) {
		e.Syslog.Hostname, e.Message = host, rest
		return h, true
	}
	if level, pri, text, ok := takeCode(rest); ok { // a line of a file behind a relay's stamp and host
		esxi8Line(e, level, pri, text)
		h.format, e.Format = e.Format, ""
		e.Syslog.Hostname = host
		return h, false
	}
	e.Syslog.Hostname = host
	if app, pid, text, ok := colonTag(rest); ok { // nearly every line
		e.Syslog.AppName, e.Syslog.ProcID, e.Message = app, pid, text
		return h, headerAfterTag(text)
	}
	if wrapped, ok := secondHost(e, rest); ok {
		return h, wrapped
	}
	if !takeProgram(e, rest) && !style.pri && !strings.HasPrefix(rest, "last message repeated ") {
		e.Syslog.Hostname = ""
		e.Message = s // without <PRI> and program the first word is text: "… Section for VMware ESX"
		h.format = event.FormatFileISO
		return h, false
	}
	return h, headerAfterTag(e.Message)
}

// secondHost reads a second host behind the first one: that of a relay, or the same in another form. It
// reports whether there is one, and whether a header follows.
func secondHost(e *event.Event, s string) (wrapped, ok bool) {
	host, rest, ok := takeHost(s)
	if !ok || host[len(host)-1] == ':' || rest == "" {
		return false, false
	}
	first := e.Syslog.Hostname
	switch {
	case beginsHeader(rest) && (isAddress(host) || strings.IndexByte(host, '.') > 0):
		e.Message = rest // the first one stays: it is nearest to us
		return true, true
	case programOf(baseName(host)) != programUnknown || !knownTag(rest):
		return false, false
	case !strings.HasPrefix(first, host) || len(first) > len(host) && first[len(host)] != '.':
		unwrap(e, first) // else the first is the same host with its domain
		e.Syslog.Hostname = host
	}
	takeProgram(e, rest)
	return headerAfterTag(e.Message), true
}

// knownTag reports whether s begins with the tag of a program that we know.
func knownTag(s string) bool {
	app, _, _, ok := colonTag(s)
	return ok && programOf(baseName(app)) != programUnknown
}

// bsdHeader reads what follows a BSD stamp: "host Prog: msg" (RFC 3164), with or without the host.
func bsdHeader(e *event.Event, s string, pri bool) (h head, wrapped bool) {
	h.format = event.FormatRFC3164BSD
	if !pri {
		h.format = event.FormatNoPRI
	}
	s = trimSpaces(strings.TrimPrefix(s, ":"))
	e.Message = s
	if beginsHeader(s) {
		return h, true
	}
	if cpuPrefix(s) {
		return h, false
	}
	if app, pid, rest, ok := colonTag(s); ok {
		e.Syslog.AppName, e.Syslog.ProcID, e.Message = app, pid, rest
		return h, headerAfterTag(rest)
	}
	host, rest, ok := takeHost(s)
	if !ok {
		return h, false
	}
	e.Syslog.Hostname, e.Message = host, rest
	if beginsHeader(rest) {
		return h, true
	}
	if app, pid, text, ok := colonTag(rest); ok {
		e.Syslog.AppName, e.Syslog.ProcID, e.Message = app, pid, text
		return h, headerAfterTag(text)
	}
	if wrapped, ok := secondHost(e, rest); ok {
		return h, wrapped
	}
	takeProgram(e, rest)
	return h, headerAfterTag(e.Message)
}

// takeProgram reads the program behind a host: a tag, or the fields of RFC 5424 where only <PRI>
// and version were lost on the way. Where there is none, all of s is the message.
func takeProgram(e *event.Event, s string) bool {
	e.Message = s
	if app, pid, rest, ok := colonTag(s); ok {
		e.Syslog.AppName, e.Syslog.ProcID, e.Message = app, pid, rest
		return true
	}
	if f, ok := fields5424(s); ok && (f.procID == "" || isDigit(f.procID[0])) && (f.sd != "" || f.msgID == "") {
		f.give(e)
		return true
	}
	if app, pid, rest, ok := takeTag(s); ok {
		e.Syslog.AppName, e.Syslog.ProcID, e.Message = app, pid, rest
		return true
	}
	return false
}
