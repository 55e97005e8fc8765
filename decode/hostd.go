package decode

import (
	"strings"

	"vswarden/event"
)

// hostdLine reads the level that hostd and its kin state in front of their text, in any of the
// forms they had:
//
//	info hostd[2099655] [Originator@6876 …] text           6.0 to 7.0, on the wire and in files
//	[2C3ECB90 info 'Default' opID=b380000c-8a] text        5.x
//	[2011-06-03 01:23:12.139 2351BB90 info 'App'] text     4.x
//	[2008-03-09 22:43:35.924 'ha-eventmgr' 84503472 info]  3.x
//
// The message keeps all of it. ESXi 8 states no level; its <PRI> is right.
func hostdLine(e *event.Event) {
	s := e.Message
	if t, n := isoStamp(s); n > 0 && n < len(s) && s[n] == ' ' && !t.bad {
		s = s[n+1:] // NoneZ lines have their stamp here
	}
	if s == "" {
		return
	}
	if s[0] == '[' {
		if level := bracketLevel(s); level != "" {
			e.Level = level
		}
		return
	}
	word, rest, ok := token(s, 8)
	if !ok || !strings.HasPrefix(rest[min(len(rest), tagEnd(rest)):], "[") {
		return
	}
	if level := levelWord(word); level != "" {
		e.Level = level
	}
}

// bracketLevel finds the level among the first words of hostd's old header.
func bracketLevel(s string) string {
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return ""
	}
	s = s[1:end]
	for range 5 {
		word, rest, more := strings.Cut(s, " ")
		if level := levelWord(word); level != "" {
			return level
		}
		if !more {
			return ""
		}
		s = rest
	}
	return ""
}

// vmacorePrefix reports text that can only come from hostd or its kin: "[Originator@6876 …" or the
// bracket of 5.x with thread and level.
func vmacorePrefix(s string) bool {
	if strings.HasPrefix(s, "[Originator@") {
		return true
	}
	return s != "" && s[0] == '[' && bracketLevel(s) != "" && strings.IndexByte(s, '\'') > 0
}

// levelWord is the level that a word of hostd's names; "" if it names none. Unlike syslog, hostd
// has verbose below info and trivia below that.
func levelWord(word string) string {
	switch word {
	case "info", "INFO":
		return "info"
	case "verbose", "VERBOSE":
		return "verbose"
	case "warning", "WARNING", "warn", "WARN":
		return "warning"
	case "error", "ERROR":
		return "error"
	case "trivia", "TRIVIA":
		return "trivia"
	case "debug", "DEBUG":
		return "debug"
	case "panic", "PANIC":
		return "panic"
	case "fatal", "FATAL":
		return "fatal"
	}
	return ""
}
