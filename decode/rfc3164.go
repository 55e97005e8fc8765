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
	host, rest, ok := takeHost(s)
	if !ok {
		h.format = noHost
		return h, false
	}
	if beginsHeader(rest) {
		e.Syslog.Hostname, e.Message = host, rest
		return h, true
	}
	if !takeProgram(e, rest) && !style.pri {
		e.Message = s // without <PRI> and program the first word is text: "… Section for VMware ESX"
		h.format = event.FormatFileISO
		return h, false
	}
	e.Syslog.Hostname = host
	return h, headerAfterTag(e.Message)
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
