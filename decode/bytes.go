package decode

import "strings"

// The classes of bytes that words are made of.
const (
	inAlnum      = 1 << iota // ASCII letters and digits
	inIdentifier             // names in the vmkernel: etherswitch, L2Sec_EnforcePortCompliance
	inTag                    // names of programs, with a path
	inHost                   // names and addresses of hosts, and placeholders for them
	inShell                  // what a shell may end a command at, and quotes
	inSecret                 // what a word for a secret begins with
	inGap                    // what a shell may end a word at, and quotes
	inName                   // what most names of hosts and programs are made of: letters, digits, '-' and '.'
)

// classes says of each byte which words it may be part of; read-only.
var classes = byteClasses()

func byteClasses() (t [256]uint8) {
	for i := range t {
		c := byte(i)
		alnum := isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z'
		switch {
		case alnum:
			t[i] = inAlnum | inIdentifier | inTag | inHost
		case c == '_' || c == '-':
			t[i] = inIdentifier | inTag | inHost
		case strings.IndexByte("./+@#%", c) >= 0:
			t[i] = inTag
		}
		if strings.IndexByte(";&|`$\"'\n", c) >= 0 {
			t[i] |= inShell
		}
		if strings.IndexByte(" \"'", c) >= 0 {
			t[i] |= inGap
		}
		if alnum || c == '-' || c == '.' {
			t[i] |= inName
		}
		if strings.IndexByte("pstabcPSTABC", c) >= 0 {
			t[i] |= inSecret
		}
		// What holds a bracket, a quote, a slash or the like is text and not a host.
		if c > ' ' && c != 0x7f && strings.IndexByte("[](){}=\"',;|\\/#", c) < 0 {
			t[i] |= inHost
		}
	}
	return t
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func isAlnum(c byte) bool { return classes[c]&inAlnum != 0 }

// trimSpaces takes the blanks and tabs off the beginning of s.
func trimSpaces(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') { // none or one nearly always
		s = s[1:]
	}
	return s
}

// untilBlank is what stands before the first blank of s: strings.Cut, which asks for more.
func untilBlank(s string) string {
	end := strings.IndexByte(s, ' ')
	if end < 0 {
		end = len(s)
	}
	return s[:end]
}

// number reads the decimal digits at the beginning of s and says how many they are; 0 where there
// are none, or more than fit into 19.
func number(s string) (v uint64, n int) {
	for n < len(s) && isDigit(s[n]) {
		if n == 19 {
			return 0, 0
		}
		v = v*10 + uint64(s[n]-'0')
		n++
	}
	return v, n
}

// span is how many bytes s begins with that are in class, which is one bit.
func span(s string, class uint8) int {
	n := 0
	for ; n <= len(s)-4; n += 4 { // in this form nothing is checked twice
		switch w := s[n : n+4]; {
		case classes[w[0]]&class == 0:
			return n
		case classes[w[1]]&class == 0:
			return n + 1
		case classes[w[2]]&class == 0:
			return n + 2
		case classes[w[3]]&class == 0:
			return n + 3
		}
	}
	for n < len(s) && classes[s[n]]&class != 0 {
		n++
	}
	return n
}

// find is strings.Index for a sep of two bytes or more, of which the first is rare in s: it goes from one to the next, where Index sets
// up more than that, and in a short s looks at every place (BenchmarkFind).
func find(s, sep string) int {
	i := strings.IndexByte(s, sep[0])
	for i >= 0 && i <= len(s)-len(sep) {
		if s[i+1] == sep[1] && s[i:i+len(sep)] == sep { // what differs mostly differs there
			return i
		}
		next := strings.IndexByte(s[i+1:], sep[0])
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return -1
}

// outside is how many bytes s begins with that are not in class.
func outside(s string, class uint8) int {
	n := 0
	for rest := s; len(rest) >= 8; rest = rest[8:] { // a byte at a time takes twice as long
		if (classes[rest[0]]|classes[rest[1]]|classes[rest[2]]|classes[rest[3]]|classes[rest[4]]|classes[rest[5]]|classes[rest[6]]|classes[rest[7]])&class != 0 {
			break
		}
		n += 8
	}
	for n < len(s) && classes[s[n]]&class == 0 {
		n++
	}
	return n
}
