package decode

import (
	"strings"

	"vswarden/event"
)

// serviceHeader reads what vCenter's services, most of them in Java, put in front of their text, and
// returns the text:
//
//	INFO ssoAdminServer[7:pool-1-thread-1] [OpId=a1] [com.vmware.identity.X] text
//	[tomcat-exec-43  INFO  AuthorizationService.AuditLog  opId=a2] text        vpxd-svcs
//	[authz-service-7 [] INFO com.vmware.cis.X opId=a3] text
//	[2026-03-01T09:00:13.744Z] [INFO ] thread logger text                        vapi
//	t@140000000000001:INFO: text                                                 vmdird, vmafdd
//	'Activation' 140000000000002 INFO  [activationValidator, 368] text           updatemgr
//
// A stamp of the service's own may stand before it.
func serviceHeader(e *event.Event, s string) (text string, ok bool) {
	s = afterInnerStamp(trimSpaces(s))
	if s == "" {
		return s, false
	}
	switch s[0] {
	case '[':
		return bracketHeader(e, s)
	case '\'':
		return updateHeader(e, s)
	case 't', ':':
		if rest, found := strings.CutPrefix(strings.TrimPrefix(s, ":"), "t@"); found {
			return directoryHeader(e, rest)
		}
	}
	return levelHeader(e, s)
}

// afterInnerStamp cuts off a stamp that a service has put before its line; a collector on vCenter
// puts the syslog header in front of that. Update Manager has a colon before the milliseconds.
func afterInnerStamp(s string) string {
	if !isDigit0(s) {
		return s
	}
	t, n := isoStamp(s)
	if n == 0 || t.bad {
		return s
	}
	rest := s[n:]
	if len(rest) > 5 && rest[0] == ':' && isDigit(rest[1]) && isDigit(rest[2]) && isDigit(rest[3]) && rest[4] == 'Z' {
		rest = rest[5:]
	}
	return trimSpaces(strings.TrimPrefix(rest, ":"))
}

// levelHeader reads "INFO prog[pid:thread] [OpId=…] [logger] text" and what else begins with a level
// in capitals.
func levelHeader(e *event.Event, s string) (text string, ok bool) {
	word, rest, ok := token(s, 8)
	level := ""
	if ok {
		level = capitalLevel(word)
	}
	if level == "" {
		return s, false
	}
	rest = trimSpaces(rest)
	end := tagEnd(rest)
	if end == 0 || end == len(rest) || rest[end] == ' ' {
		if head, after, found := strings.Cut(rest, " - "); found && end > 0 && strings.IndexByte(head, ' ') < 0 {
			e.Level, e.Logger = level, head // INFO com.vmware.X - text
			return trimSpaces(after), true
		}
		e.Level = level
		return rest, true
	}
	pid, after, found := takePID(rest[end:])
	if !found {
		return s, false
	}
	e.Level = level
	if _, thread, found := strings.Cut(pid, ":"); found {
		e.Hostd.Thread = thread
	} else {
		e.Hostd.Thread = pid
	}
	return serviceBrackets(e, trimSpaces(after)), true
}

// serviceBrackets takes "[OpId=x] [com.vmware.X] " off s: the operation, and who in the program
// wrote. A bracket that is neither begins the text.
func serviceBrackets(e *event.Event, s string) string {
	for range 4 {
		if !strings.HasPrefix(s, "[") {
			return s
		}
		end := strings.IndexByte(s, ']')
		if end < 0 || strings.IndexByte(s[1:end], ' ') >= 0 || end == 1 {
			return s
		}
		inner := s[1:end]
		switch key, value, pair := strings.Cut(inner, "="); {
		case pair && (strings.EqualFold(key, "opid") || key == "CorId"):
			e.Hostd.OpID = value
		case !pair && e.Logger == "" && identifierLen(inner) > 0:
			e.Logger = inner
		default:
			return s
		}
		s = trimSpaces(s[end+1:])
	}
	return s
}

// bracketHeader reads the forms that begin with a bracket.
func bracketHeader(e *event.Event, s string) (text string, ok bool) {
	end := balancedEnd(s)
	if end == 0 {
		if i := strings.Index(s, "] "); i > 0 { // [tomcat-exec-25 [] INFO … opId=] lost one
			end = i + 1
		} else {
			return s, false
		}
	}
	inner, rest := s[1:end-1], s[end:]
	if t, n := isoStamp(inner); n > 0 && !t.bad && n == len(inner) {
		if rest = trimSpaces(rest); !strings.HasPrefix(rest, "[") {
			return s, false
		}
		return bracketHeader(e, rest)
	}
	if level := capitalLevel(strings.TrimRight(inner, " ")); level != "" { // [INFO ] text
		e.Level = level
		return trimSpaces(rest), true
	}
	thread, words, found := strings.Cut(inner, " ")
	if !found {
		return s, false
	}
	level := ""
	for words = trimSpaces(words); words != "" && level == ""; words = trimSpaces(words) {
		var word string
		word, words, _ = strings.Cut(words, " ")
		level = capitalLevel(word)
	}
	if level == "" {
		return s, false
	}
	e.Level, e.Hostd.Thread = level, thread
	logger, words, _ := strings.Cut(words, " ")
	e.Logger = logger
	if id, ok := strings.CutPrefix(trimSpaces(words), "opId="); ok {
		e.Hostd.OpID = id
	}
	return trimSpaces(rest), true
}

// capitalLevel is levelWord for services in Java, which write it in capitals: hostd's family does not.
func capitalLevel(word string) string {
	if word == "" || word[0] > 'Z' {
		return ""
	}
	return levelWord(word)
}

// updateHeader reads Update Manager's "'Activation' 140000000000002 INFO  [activationValidator, 368] text".
func updateHeader(e *event.Event, s string) (text string, ok bool) {
	logger, rest, ok := strings.Cut(s[1:], "' ")
	if !ok || strings.IndexByte(logger, ' ') >= 0 {
		return s, false
	}
	thread, rest, ok := token(rest, 20)
	if !ok || trailingDigits(thread) != len(thread) {
		return s, false
	}
	word, rest, ok := token(rest, 8)
	level := ""
	if ok {
		level = levelWord(word)
	}
	if level == "" {
		return s, false
	}
	e.Logger, e.Hostd.Thread, e.Level = logger, thread, level
	if rest = trimSpaces(rest); strings.HasPrefix(rest, "[") {
		if _, after, ok := strings.Cut(rest, "] "); ok {
			return trimSpaces(after), true
		}
	}
	return rest, true
}

// directoryHeader reads what follows "t@": "140000000000001:INFO: text", with or without a level.
func directoryHeader(e *event.Event, s string) (text string, ok bool) {
	thread, rest, ok := strings.Cut(s, ":")
	if !ok || len(thread) > 20 || identifierLen(thread) != len(thread) {
		return s, false
	}
	e.Hostd.Thread = thread
	rest = trimSpaces(rest)
	if i := strings.IndexByte(rest[:min(len(rest), 10)], ':'); i > 0 {
		if level := levelWord(strings.TrimRight(rest[:i], " ")); level != "" {
			e.Level = level
			return trimSpaces(rest[i+1:]), true
		}
	}
	return rest, true
}
