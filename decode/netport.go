package decode

import (
	"strings"

	"vswarden/event"
)

// netPortLine reads a port that comes up or goes down:
//
//	NetPort: 982: enabled port 0x3000007 with mac 00:50:56:84:5a:b4
//	NetPort: 1879: disabled port 0x2000002
//	Uplink: 12282: enabled port 0x4000002 with mac 00:00:00:00:00:00
func netPortLine(e *event.Event, s string) bool {
	module := ""
	switch {
	case strings.HasPrefix(s, "NetPort: "):
		module = s[:len("NetPort")]
	case strings.HasPrefix(s, "Uplink: "):
		module = s[:len("Uplink")]
	default:
		return false
	}
	n := event.NetPort{Module: module}
	n.Line, s = sourceLine(s[len(module)+2:])
	if rest, ok := strings.CutPrefix(s, "enabled port "); ok {
		n.Kind, s = event.NetPortEnabled, rest
	} else if rest, ok := strings.CutPrefix(s, "disabled port "); ok {
		n.Kind, s = event.NetPortDisabled, rest
	} else {
		return false
	}
	port, digits, ok := portID(s)
	if !ok {
		return false
	}
	n.Port = port
	if mac, ok := strings.CutPrefix(s[digits:], " with mac "); ok && isMAC(mac) {
		n.MAC = mac[:macLen]
	}
	e.Rarely().NetPort = n
	return true
}

// sourceLine takes "982: " off s: a line of the module's source, which moves with every build.
// 0 where there is none, or one that fits no uint32.
func sourceLine(s string) (line uint32, rest string) {
	v, n := number(s)
	if n == 0 || n >= len(s) || s[n] != ':' {
		return 0, s
	}
	if v > 1<<32-1 {
		v = 0
	}
	return uint32(v), trimSpaces(s[n+1:])
}

// portID reads a port id such as 0x3000007 at the beginning of s and says how long it is. Leading
// zeros do not count; what needs more than 32 bits, or runs into a word, is no port.
func portID(s string) (id uint32, n int, ok bool) {
	if len(s) < 3 || s[0] != '0' || s[1]|0x20 != 'x' {
		return 0, 0, false
	}
	v := uint64(0)
	for n = 2; n < len(s); n++ {
		d := hexDigit(s[n])
		if d > 15 {
			break
		}
		if v = v<<4 | uint64(d); v > 1<<32-1 {
			return 0, 0, false
		}
	}
	if n == 2 || n < len(s) && (isAlnum(s[n]) || s[n] == '_') {
		return 0, 0, false
	}
	return uint32(v), n, true
}

func hexDigit(c byte) byte {
	switch {
	case isDigit(c):
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}

// macLen is the length of a MAC address as text.
const macLen = len("00:50:56:84:5a:b4")

// isMAC reports whether s begins with a MAC address, written with colons or dashes, that ends there.
func isMAC(s string) bool {
	if len(s) < macLen || len(s) > macLen && (isAlnum(s[macLen]) || s[macLen] == s[2]) {
		return false
	}
	for i := range macLen {
		if i%3 == 2 {
			if s[i] != s[2] || s[i] != ':' && s[i] != '-' {
				return false
			}
		} else if hexDigit(s[i]) > 15 {
			return false
		}
	}
	return true
}
