package decode

import (
	"strings"

	"vswarden/event"
)

// fileBody reads the body of a line of an on-host log file, which follows the stamp directly:
//
//	cpu0:262261)cswitch: …                          vmkernel.log
//	In(182) vmkernel: cpu0:262261)cswitch: …        any file of ESXi 8 and 9
//	info hostd[526501] [Originator@6876 …] …        hostd.log of ESXi 6 and 7, vpxd.log
//	[2C3ECB90 info 'Default' opID=…] …              hostd.log of ESXi 5
//	- time the service was last started …           notes of the rotation
//
// It sets e.Format only where the form has a name of its own.
func fileBody(e *event.Event, s string, pri bool) bool {
	if s == "" {
		return false
	}
	switch s[0] {
	case '[', '{', '(':
		return true
	case '-':
		return strings.HasPrefix(s, "- ")
	case 'c':
		return cpuPrefix(s)
	}
	if code, pri, rest, ok := takeCode(s); ok {
		esxi8Line(e, code, pri, rest)
		return true
	}
	if pri {
		return false
	}
	return leveledProgram(e, s)
}

// esxi8Line reads what follows "In(182)": " vmkernel: …", "+ Hostd[1]: …", "[+] hostprofile[1]: …".
// The word, not the number, is the level: the two may disagree (In(9), In(05)).
func esxi8Line(e *event.Event, level string, pri int16, s string) {
	e.Format = event.FormatFileESXi8
	e.Level, e.Syslog.Priority = level, pri
	rest := trimContinuation(s)
	e.Continued = len(rest) < len(s)
	s = trimSpaces(rest)
	e.Message = s
	if app, pid, rest, ok := takeTag(s); ok {
		e.Syslog.AppName, e.Syslog.ProcID, e.Message = app, pid, rest
	}
}

// trimContinuation takes off the mark of a continued line.
func trimContinuation(s string) string {
	if rest, ok := strings.CutPrefix(s, "[+]"); ok {
		return rest
	}
	return strings.TrimPrefix(s, "+")
}

// takeCode reads the severity that ESXi 8 puts before the program in files: "In(182)".
func takeCode(s string) (level string, pri int16, rest string, ok bool) {
	if len(s) < 5 || s[2] != '(' {
		return "", 0, s, false
	}
	switch s[:2] {
	case "Em":
		level = "emergency"
	case "Al":
		level = "alert"
	case "Cr":
		level = "critical"
	case "Er":
		level = "error"
	case "Wa":
		level = "warning"
	case "No":
		level = "notice"
	case "In":
		level = "info"
	case "Db":
		level = "debug"
	default:
		return "", 0, s, false
	}
	i, v := 3, int16(0)
	for ; i < len(s) && i < 6 && isDigit(s[i]); i++ {
		v = v*10 + int16(s[i]-'0')
	}
	if i == 3 || i >= len(s) || s[i] != ')' {
		return "", 0, s, false
	}
	if v > 191 {
		v = -1
	}
	return level, v, s[i+1:], true
}

// leveledProgram reads "info hostd[526501] [Originator…" and, from vCenter 9, "INFO vpxd 20973 […".
// All of it stays in the message, as on the wire, where it follows the tag; unless a colon makes it one.
func leveledProgram(e *event.Event, s string) bool {
	word, rest, ok := token(s, 8)
	if !ok {
		return false
	}
	level := levelWord(word)
	if level == "" {
		return false
	}
	end := tagEnd(rest)
	if end == 0 || end == len(rest) {
		return false
	}
	app, after := rest[:end], rest[end:]
	switch after[0] {
	case '[':
		pid, text, ok := takePID(after)
		if !ok {
			return false
		}
		e.Syslog.ProcID = pid
		if text, ok := strings.CutPrefix(text, ": "); ok { // info auth[71470]: text
			e.Message = text
		}
	case ' ':
		pid, _, ok := token(after[1:], 10)
		if !ok || !isDigit(pid[0]) {
			return false
		}
		e.Syslog.ProcID = pid
	default:
		return false
	}
	e.Level = level
	if app != "-" {
		e.Syslog.AppName = app
	}
	return true
}

// dateOnlyFile reads a line that has its date before and its time behind the program:
// "2022-06-02 In(14) hostprofile[1001430319]: 05:34:23.666 …".
func dateOnlyFile(e *event.Event, o *Options, s string) (h head, ok bool) {
	if len(s) < 16 || s[4] != '-' || s[7] != '-' || s[10] != ' ' {
		return h, false
	}
	level, pri, rest, ok := takeCode(s[11:])
	if !ok {
		return h, false
	}
	esxi8Line(e, level, pri, rest)
	e.Format = ""
	h = head{format: event.FormatFileESXi8, esxi: true}
	c, n := bsdClock{year: 1}.clock(e.Message, 0)
	year, month, day := two(s, 0)*100+two(s, 2), two(s, 5), two(s, 8)
	if n == 0 || hasBadClock(c.second) || !dateExists(year, month, day) {
		mark(e, event.TagBadTimestamp, reasonTimestamp)
		return h, true
	}
	ns, bad := unixNanos(year, month, day, c.second, c.frac)
	setTime(e, stamp{nanos: inZone(ns, o.Location), digits: c.digits, bad: bad}, "")
	return h, true
}

// hasBadClock reports a second of the day that no clock shows.
func hasBadClock(second int) bool { return second > daySeconds }

// bracketFile reads the file form of hostd up to 4.1, whose stamp is inside the bracket and stays in
// the message: "[2011-04-01 15:14:34.203 F5A5AB90 info 'Libs'] …"; and that of
// vCenter's services in Java, "[2026-03-01T09:00:13.744Z] [INFO ] …".
func bracketFile(e *event.Event, o *Options, s string) (h head, ok bool) {
	t, n := isoStamp(s[1:])
	if n == 0 || 1+n >= len(s) || s[1+n] != ' ' && s[1+n] != ']' {
		return h, false
	}
	if t.local {
		t.nanos = inZone(t.nanos, o.Location)
	}
	setTime(e, t, s[1:1+n])
	return head{format: event.FormatFileISO, esxi: s[1+n] == ' '}, true
}
