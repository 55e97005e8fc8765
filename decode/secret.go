package decode

import (
	"strings"
	"unsafe"

	"vswarden/event"
)

// findSecrets marks the passwords and tokens of a command line: the values of options and variables
// that are called so, and those of the programs that take one under a short name.
func findSecrets(e *event.Event, s string) {
	from, short := 0, shortSecrets(s)
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
	if !ok || !secretName(name) && !containsFold(name, "authorization") {
		return 0, 0
	}
	return len(name) + len(": "), len(strings.TrimSuffix(rest, word[:1]))
}

// secretNames are parts of the names of options and variables that hold a secret.
var secretNames = [...]string{"password", "passwd", "secret", "token", "passphrase", "auth-hash", "privacy-hash", "apikey", "api-key", "communities"}

// secretName reports a name such as --password, MY_TOKEN or --chap-secret.
func secretName(name string) bool {
	for _, part := range secretNames {
		if containsFold(name, part) {
			return true
		}
	}
	return false
}

// shortSecrets are the letters of the short options that take a password, by the program.
func shortSecrets(s string) string {
	switch {
	case strings.Contains(s, " system account "):
		return "pc"
	case strings.Contains(s, "sshpass "):
		return "p"
	case strings.Contains(s, "ipmitool "):
		return "P"
	case strings.Contains(s, "curl "):
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

// containsFold reports whether s holds lower, a word in lower case, in any case.
func containsFold(s, lower string) bool {
	for i := 0; i+len(lower) <= len(s); i++ {
		if s[i]|0x20 == lower[0] && strings.EqualFold(s[i:i+len(lower)], lower) {
			return true
		}
	}
	return false
}
