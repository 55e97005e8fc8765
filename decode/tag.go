package decode

import (
	"math/bits"
	"strings"

	"vswarden/event"
)

// maxTag bounds the name of a program. RFC 3164 has 32 and RFC 5424 48, but paths are longer.
const maxTag = 64

// takeTag splits "Prog[pid]: text" as ESXi writes it and as it breaks it: a blank before the colon,
// two tags in a row, and for its own programs no colon at all.
func takeTag(s string) (app, pid, rest string, ok bool) {
	app, pid, rest, ok = colonTag(s)
	if ok {
		return app, pid, rest, true
	}
	end := tagEnd(s)
	if end == 0 || end == len(s) {
		return "", "", s, false
	}
	app, rest = s[:end], s[end:]
	switch {
	case rest[0] == '[' && isESXProgram(app): // hostd[526501] [Originator@6876 …
		pid, rest, ok = takePID(rest)
		if ok && strings.HasPrefix(rest, " ") {
			return app, pid, trimSpaces(rest), true
		}
	case strings.HasPrefix(rest, " : "), strings.HasPrefix(rest, "  ") && strings.HasPrefix(trimSpaces(rest), ": "): // ucs-tool-esxi-inv : WARNING  : …
		return app, "", trimSpaces(trimSpaces(rest)[1:]), true
	case rest[0] == ' ' && isESXProgram(app):
		if app2, pid, rest2, ok := colonTag(trimSpaces(rest)); ok { // vmkwarning Hostd: …
			return app2, pid, rest2, true
		}
		return app, "", trimSpaces(rest), true
	case rest[0] == ' ' && isHostWorker(app): // host-16250 <analytics> …
		return app, "", trimSpaces(rest), true
	}
	return "", "", s, false
}

// colonTag splits "Prog: text" and "Prog[pid]: text".
func colonTag(s string) (app, pid, rest string, ok bool) {
	end := tagEnd(s)
	if end == 0 || end == len(s) {
		return "", "", s, false
	}
	app, rest = s[:end], s[end:]
	if rest[0] == '[' {
		if pid, rest, ok = takePID(rest); !ok {
			return "", "", s, false
		}
	}
	if rest == "" || rest[0] != ':' || !tagColon(app, rest) {
		return "", "", s, false
	}
	return app, pid, trimSpaces(rest[1:]), true
}

// tagColon reports whether the colon at the beginning of rest ends a tag: text follows after a
// blank, or directly where the program is one we know. "fe80::1" and "cpu4:123)" are no tags.
func tagColon(app, rest string) bool {
	return len(rest) == 1 || rest[1] == ' ' || rest[1] == '\t' || isESXProgram(app)
}

// tagEnd is the length of the word at the beginning of s that may name a program; 0 if none does.
func tagEnd(s string) int {
	i := span(s, inTag)
	if i > maxTag || i < len(s) && s[i] != ':' && s[i] != '[' && s[i] != ' ' {
		return 0
	}
	return i
}

// takePID splits "[2099655]…".
func takePID(s string) (pid, rest string, ok bool) {
	end := pidEnd(s)
	if end == 0 {
		return "", s, false
	}
	return s[1:end], s[end+1:], true
}

// pidEnd is the index of the bracket that closes "[2099655]"; 0 if none does. The number may be hexadecimal, and some
// programs put a name there. How many digits come first is told by one look: the upper four bits of each are those of '0',
// and the lower four and six carry nothing into them.
func pidEnd(s string) int {
	const zeros, six, upper = 0x3030303030303030, 0x0606060606060606, 0xf0f0f0f0f0f0f0f0
	i := 1
	if len(s) > 8 {
		w := event.Word(s[1:]) ^ zeros
		i += bits.TrailingZeros64((w|(w+six))&upper) >> 3
	}
	for ; i < min(len(s), 48); i++ {
		switch s[i] {
		case ']':
			if i > 1 {
				return i
			}
			return 0
		case ' ', '[':
			return 0
		}
	}
	return 0
}

// isHostWorker reports a tag such as host-16250, which ESXi 8 writes without a colon.
func isHostWorker(app string) bool {
	digits, ok := strings.CutPrefix(app, "host-")
	if !ok || digits == "" {
		return false
	}
	for i := range len(digits) {
		if !isDigit(digits[i]) {
			return false
		}
	}
	return true
}

// takeHost splits the host off "esx1 vmkernel: …". What holds a bracket, quote, slash or the like
// is text and not a host.
func takeHost(s string) (host, rest string, ok bool) {
	for i := range min(len(s), 256) {
		c := s[i]
		if c == ' ' || c == '\t' {
			return s[:i], trimSpaces(s[i:]), i > 0
		}
		if classes[c]&inHost == 0 {
			return "", s, false
		}
	}
	if len(s) < 256 {
		return s, "", s != ""
	}
	return "", s, false
}

// bracketHost splits an IPv6 address in brackets off "[2001:db8::10] Hostd: …".
func bracketHost(s string) (host, rest string, ok bool) {
	if len(s) < len("[::] ") || s[0] != '[' {
		return "", s, false
	}
	colons := 0
	for i := 1; i < min(len(s)-1, 64); i++ {
		switch c := s[i]; {
		case c == ':':
			colons++
		case c == ']':
			return s[1:i], trimSpaces(s[i+1:]), colons > 1 && s[i+1] == ' '
		case hexDigit(c) > 15 && c != '.':
			return "", s, false
		}
	}
	return "", s, false
}
