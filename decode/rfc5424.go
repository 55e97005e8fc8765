package decode

import (
	"strings"

	"vswarden/event"
)

// versioned reads what follows "<PRI>1 ": RFC 5424, or ESXi's hybrid of its version and stamp with
// the "Prog: msg" of RFC 3164.
func versioned(e *event.Event, o *Options, s string, version uint8, pri bool) (h head, wrapped bool) {
	rest, ok := takeISO(e, o, s)
	if ok {
		h.esxi = s[len(s)-len(rest)-1] == 'Z'
		s = rest
	} else {
		s = strings.TrimPrefix(s, "-")
	}
	e.Syslog.Version = version
	s = trimSpaces(s)
	h.format = event.FormatHybrid
	if _, _, _, tag := colonTag(s); !tag {
		if host, rest, ok := token(s, 255); ok {
			e.Syslog.Hostname, s = nilEmpty(host), trimSpaces(rest)
		}
	}
	if beginsHeader(s) {
		e.Message = s
		return h, true
	}
	if f, ok := fields5424(s); ok {
		h.format = event.FormatRFC5424
		f.give(e)
	} else {
		h.untagged = !hybridText(e, s)
	}
	if !pri {
		h.format = event.FormatNoPRI
	}
	return h, headerAfterTag(e.Message)
}

// hybridText reads "Prog[pid]: [esx@4413 …] text". Without a program all of it is text.
func hybridText(e *event.Event, s string) (tagged bool) {
	app, pid, rest, ok := takeTag(s)
	if !ok {
		e.Message = trimBOM(s)
		return false
	}
	e.Syslog.AppName, e.Syslog.ProcID, e.Message = app, pid, trimBOM(rest)
	if !strings.HasPrefix(rest, "[esx@") {
		return true
	}
	sd, rest, strict, ok := takeSD(rest)
	if ok {
		e.Syslog.StructuredData, e.Message = sd, trimBOM(trimSpaces(rest))
	}
	if !ok || !strict {
		mark(e, event.TagBadSD, reasonSD)
	}
	return true
}

// fields are APP-NAME, PROCID, MSGID, STRUCTURED-DATA and MSG of RFC 5424. Nil values are empty.
type fields struct {
	app, procID, msgID, sd, msg string
	badSD                       bool
}

// fields5424 reads "vobd 2098000 - [esx@4413 …] text". A first word that ends in a colon is a tag.
func fields5424(s string) (f fields, ok bool) {
	app, rest, ok := token(s, maxTag)
	if !ok || app[len(app)-1] == ':' {
		return f, false
	}
	procID, rest, ok := token(rest, 128)
	if !ok {
		return f, false
	}
	msgID, rest, ok := token(rest, 64)
	if !ok || rest == "" {
		return f, false
	}
	f.app, f.procID, f.msgID = nilEmpty(app), nilEmpty(procID), nilEmpty(msgID)
	switch {
	case rest == "-" || strings.HasPrefix(rest, "- "):
		f.msg = rest[1:]
	case rest[0] == '[':
		var strict, closed bool
		f.sd, f.msg, strict, closed = takeSD(rest)
		if !closed && sdName(rest, 1) == 1 {
			return f, false
		}
		f.badSD = !strict || !closed
	default:
		return f, false
	}
	f.msg = trimBOM(trimSpaces(f.msg))
	return f, true
}

// nilEmpty turns the nil value of RFC 5424 into an empty string.
func nilEmpty(field string) string {
	if field == "-" {
		return ""
	}
	return field
}

// give puts the fields into e.
func (f fields) give(e *event.Event) {
	e.Syslog.AppName, e.Syslog.ProcID, e.Syslog.MsgID = f.app, f.procID, f.msgID
	e.Syslog.StructuredData, e.Message = f.sd, f.msg
	if f.badSD {
		mark(e, event.TagBadSD, reasonSD)
	}
}

// token splits the word at the beginning of s off, at most limit bytes, and one blank.
func token(s string, limit int) (word, rest string, ok bool) {
	i := strings.IndexByte(s[:min(len(s), limit+1)], ' ')
	if i <= 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

// headerAfterTag reports whether a message is a whole frame again: a relay that puts a tag of its
// own in front, or a shipper that sends the lines of vmkernel.log one by one.
func headerAfterTag(s string) bool {
	if s == "" {
		return false
	}
	if s[0] == '<' {
		return beginsHeader(s)
	}
	if !isDigit(s[0]) {
		return false
	}
	_, n := isoStamp(s)
	if n == 0 || n >= len(s) || s[n] != ' ' {
		return false
	}
	_, _, _, code := takeCode(s[n+1:])
	return code || cpuPrefix(s[n+1:])
}
