package decode

import (
	"strings"
	"unsafe"

	"vswarden/event"
)

// findSecrets marks the passwords and tokens of a command line: the values of options and variables
// that are called so, and those of the programs that take one under a short name.
func findSecrets(e *event.Event, s string) {
	short := shortSecrets(e.Command.Name, s)
	if short == "" && !secretName(s) && !strings.Contains(s, "://") {
		return // nearly every command
	}
	from := 0
	if head, tail, ok := strings.Cut(s, "|"); ok && strings.HasPrefix(head, "echo ") && strings.Contains(tail, "passwd") {
		from = len("echo ") // echo Secret1! | passwd --stdin root
		addSecret(e, strings.TrimRight(head[from:], " "))
		from = len(head)
	}
	for from < len(s) {
		word := wordEnd(s, from)
		value, n := secretValue(s, from, word, short)
		if n > 0 {
			addSecret(e, s[value:value+n])
			from = value + n
			continue
		}
		from = word + 1
	}
}

// secretValue finds the value that the word s[from:end] announces: in the word itself, or as the
// word after it. short are the letters of the short options that take one.
func secretValue(s string, from, end int, short string) (value, n int) {
	word := s[from:end]
	if value, n = headerValue(word); n > 0 {
		return from + value, n
	}
	if i := strings.IndexByte(word, '='); i > 0 {
		if secretName(word[:i]) {
			return from + i + 1, end - from - i - 1
		}
		return 0, 0
	}
	if i := strings.Index(word, "://"); i > 0 {
		return urlPassword(word, from, i+3)
	}
	takesNext := strings.HasPrefix(word, "-") && secretName(word) ||
		len(word) == 2 && word[0] == '-' && strings.IndexByte(short, word[1]) >= 0 || strings.EqualFold(word, "Bearer")
	if !takesNext || end >= len(s) {
		return 0, 0
	}
	next := end
	for next < len(s) && s[next] == ' ' {
		next++
	}
	return next, wordEnd(s, next) - next
}

// headerValue finds the value of a header in quotes: 'Authorization: Bearer x', "X-Auth-Token: x".
func headerValue(word string) (value, n int) {
	if word == "" || word[0] != '"' && word[0] != '\'' {
		return 0, 0
	}
	name, rest, ok := strings.Cut(word, ": ")
	if !ok || !secretName(name) {
		return 0, 0
	}
	return len(name) + len(": "), len(strings.TrimSuffix(rest, word[:1]))
}

// secretName reports whether s holds a word by which options, variables and headers that hold a
// secret are called: --password, MY_TOKEN, chap-secret, Authorization.
func secretName(s string) bool {
	for i := range len(s) {
		switch s[i] | 0x20 {
		case 'p':
			if hasPrefixFold(s[i:], "passw") || hasPrefixFold(s[i:], "passphrase") || hasPrefixFold(s[i:], "privacy-hash") {
				return true
			}
		case 's':
			if hasPrefixFold(s[i:], "secret") {
				return true
			}
		case 't':
			if hasPrefixFold(s[i:], "token") {
				return true
			}
		case 'a':
			if hasPrefixFold(s[i:], "auth-hash") || hasPrefixFold(s[i:], "apikey") || hasPrefixFold(s[i:], "api-key") || hasPrefixFold(s[i:], "authorization") {
				return true
			}
		case 'b':
			if hasPrefixFold(s[i:], "bearer") {
				return true
			}
		case 'c':
			if hasPrefixFold(s[i:], "communities") {
				return true
			}
		}
	}
	return false
}

// shortSecrets are the letters of the short options that take a password, by the program. A line of
// several commands is searched for its programs.
func shortSecrets(name, s string) string {
	several := strings.ContainsAny(s, "|;&(`")
	switch {
	case (name == "esxcli" || name == "localcli" || several) && strings.Contains(s, "system account "):
		return "pc"
	case name == "sshpass" || several && strings.Contains(s, "sshpass "):
		return "p"
	case name == "ipmitool" || several && strings.Contains(s, "ipmitool "):
		return "P"
	case name == "curl" || several && strings.Contains(s, "curl "):
		return "u"
	}
	return ""
}

// urlPassword finds the password in scheme://user:password@host.
func urlPassword(word string, from, i int) (value, n int) {
	userinfo, _, ok := strings.Cut(word[i:], "@")
	if !ok || strings.IndexByte(userinfo, '/') >= 0 {
		return 0, 0
	}
	colon := strings.IndexByte(userinfo, ':')
	if colon < 0 {
		return 0, 0
	}
	return from + i + colon + 1, len(userinfo) - colon - 1
}

// wordEnd is where the shell's word that begins at s[i] ends. Quotes hold blanks together.
func wordEnd(s string, i int) int {
	for ; i < len(s) && s[i] != ' '; i++ {
		if c := s[i]; c == '"' || c == '\'' {
			if j := strings.IndexByte(s[i+1:], c); j >= 0 {
				i += j + 1
			}
		}
	}
	return i
}

// addSecret notes a part of e.Raw. What no longer fits extends the last span to the end of the line:
// rather too much than too little.
func addSecret(e *event.Event, part string) {
	if part == "" {
		return
	}
	start := offset(e.Raw, part)
	x := &e.Secrets
	if int(x.Count) == len(x.Spans) {
		x.Spans[len(x.Spans)-1].End = uint32(len(e.Raw))
		return
	}
	x.Spans[x.Count] = event.Span{Start: start, End: start + uint32(len(part))}
	x.Count++
}

// offset is where part, a substring of whole, begins in it. Looking for its text would find the same
// word earlier in the line, and leave the secret uncovered.
func offset(whole, part string) uint32 {
	return uint32(uintptr(unsafe.Pointer(unsafe.StringData(part))) - uintptr(unsafe.Pointer(unsafe.StringData(whole))))
}

// hasPrefixFold reports whether s begins with lower, a word in lower case, in any case.
func hasPrefixFold(s, lower string) bool {
	return len(s) >= len(lower) && s[1]|0x20 == lower[1] && strings.EqualFold(s[:len(lower)], lower)
}
