package decode

import (
	"strings"
	"unsafe"

	"vswarden/event"
)

// echoedSecret marks what a command hands on, without the options in front of it.
func echoedSecret(e *event.Event, words string) {
	words = trimSpaces(words)
	for strings.HasPrefix(words, "-") {
		_, words = nextArgument(words)
		words = trimSpaces(words)
	}
	addSecret(e, words)
}

// commandSecrets marks the passwords and tokens of one command, word by word: the values of options,
// variables, headers and parameters that are called so, those of the programs that take one under a short
// name or in a fixed place, and those in addresses. Rather too much than too little.
func commandSecrets(e *event.Event, name, s string) {
	rule := secretRules(name, s)
	if rule.none || rule == (secretRule{}) && !secretName(s) && !strings.Contains(s, "://") && !strings.Contains(s, "<<<") {
		return // nearly every command
	}
	positional := 0
	for from := 0; from < len(s); {
		end := wordEnd(s, from)
		word := s[from:end]
		if word == "" {
			from = end + 1
			continue
		}
		value, n := wordSecret(s, from, end, &rule)
		if n == 0 && rule.place > 0 && word[0] != '-' {
			if positional++; positional == rule.place {
				value, n = from, end-from
			}
		}
		if n > 0 {
			addSecret(e, s[value:value+n])
			from = max(end, value+n)
			continue
		}
		switch {
		case !rule.globals:
		case word[0] == '-' && strings.IndexByte(word, '=') < 0 && word != "--debug":
			_, n := nextWord(s, end)
			from = end + 1 + n // its value is no namespace
			continue
		case word[0] != '-' && programName(word) != name && !isAssignment(word) && !isWrapper(word):
			rule.globals = false // esxcli's namespaces begin
		}
		if innerSecrets(e, s, from, end) {
			from = end
			continue
		}
		from = end + 1
	}
}

// secretRule is how a program takes secrets besides under a name that says so.
type secretRule struct {
	next    string // letters of options whose value follows, or is joined by an equals sign
	glued   string // letters of options whose value is glued to them: -pSecret
	place   int    // which word that is no option is a secret, counted from the program's name; 0 = none
	none    bool   // esxcli network takes none
	globals bool   // esxcli: -p is a password up to the first word that is no option
}

// secretRules knows programs that take a password or token under a short name, or without one.
func secretRules(name, s string) secretRule {
	switch name {
	case "esxcli", "localcli":
		_, words := nextArgument(s)
		words = trimSpaces(words)
		switch {
		case strings.HasPrefix(words, "network "):
			return secretRule{none: !strings.Contains(words, "pass")}
		case strings.Contains(s, "system account "):
			return secretRule{next: "pc", globals: true}
		case strings.Contains(s, " chap ") || strings.Contains(s, " auth "):
			return secretRule{next: "S", globals: true}
		case strings.Contains(s, "system snmp "):
			return secretRule{next: "cu", globals: true}
		}
		return secretRule{globals: strings.HasPrefix(words, "-")}
	case "curl":
		return secretRule{next: "uUb", glued: "uUb"}
	case "sshpass", "7z", "7za", "mysql", "mysqldump", "mysqladmin":
		if name == "sshpass" {
			return secretRule{next: "p", glued: "p"}
		}
		return secretRule{glued: "p"}
	case "ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldapwhoami", "ldappasswd":
		return secretRule{next: "wsa", glued: "w"}
	case "ipmitool", "zip", "unzip":
		return secretRule{next: "P", glued: "P"}
	case "racadm", "useradd", "usermod", "docker", "podman", "vicfg-user":
		return secretRule{next: "p"}
	case "ssh-keygen":
		return secretRule{next: "NP"}
	case "snmpwalk", "snmpget", "snmpset", "snmptrap", "snmpbulkwalk":
		return secretRule{next: "cAX"}
	case "govc":
		return secretRule{next: "u"}
	case "openssl":
		if strings.HasPrefix(trimSpaces(s), "openssl passwd") {
			return secretRule{place: 3}
		}
		return secretRule{next: "kK"}
	case "net", "smbclient", "rpcclient":
		return secretRule{next: "U"}
	case "domainjoin-cli":
		return secretRule{place: 5} // domainjoin-cli join DOMAIN USER PASSWORD
	case "htpasswd":
		return secretRule{place: 4}
	case "vault":
		return secretRule{place: 3} // vault login TOKEN
	}
	return secretRule{}
}

// wordSecret finds the value that the word s[from:end] announces: in the word itself, or as the word after
// it.
func wordSecret(s string, from, end int, rule *secretRule) (value, n int) {
	word := s[from:end]
	option := strings.TrimLeft(word, "-/")
	dashes := len(word) - len(option)
	if i := strings.IndexAny(word, "=:"); i > dashes && secretName(word[:i]) && identifierLen(option) == i-dashes {
		if word[i] == '=' || dashes > 0 {
			return from + i + 1, end - from - i - 1
		}
	}
	switch {
	case dashes == 1 && word[0] == '-' && option != "":
		if value, n, next := rule.short(option, from, end); n > 0 || next {
			if next {
				return nextWord(s, end)
			}
			return value, n
		}
		if secretName(option) && len(option) > 2 { // -password Secret1
			return nextWord(s, end)
		}
	case dashes == 2:
		if strings.IndexByte(option, '=') < 0 && (secretName(option) || option == "user" && strings.IndexByte(rule.next, 'u') >= 0 || option == "proxy-user" || option == "users" && rule.next == "cu") {
			return nextWord(s, end)
		}
		if strings.HasPrefix(option, "user=") && strings.IndexByte(rule.next, 'u') >= 0 || strings.HasPrefix(option, "users=") && rule.next == "cu" {
			i := strings.IndexByte(word, '=')
			return from + i + 1, end - from - i - 1
		}
	case strings.HasPrefix(word, "pass:"): // openssl … -passin pass:Secret1
		return from + len("pass:"), end - from - len("pass:")
	case word == "<<<" || strings.EqualFold(word, "Bearer"):
		return nextWord(s, end)
	}
	return 0, 0
}

// short reads the letters of a short option, one or several after one dash.
func (r *secretRule) short(option string, from, end int) (value, n int, next bool) {
	letters := r.next
	if r.globals && option[0] == 'p' {
		letters = "p"
	}
	if strings.IndexByte(letters, option[0]) >= 0 {
		switch {
		case len(option) == 1:
			return 0, 0, true
		case option[1] == '=':
			return from + len("-p="), end - from - len("-p="), false
		}
	}
	if strings.IndexByte(r.glued, option[0]) >= 0 && len(option) > 1 {
		return from + len("-p"), end - from - len("-p"), false
	}
	if last := option[len(option)-1]; r.glued != "" && strings.IndexByte(r.next, last) >= 0 && len(option) <= 6 && identifierLen(option) == len(option) {
		return 0, 0, true // curl -sku user:password
	}
	return 0, 0, false
}

// nextWord is the word behind s[:end].
func nextWord(s string, end int) (value, n int) {
	for end < len(s) && s[end] == ' ' {
		end++
	}
	return end, wordEnd(s, end) - end
}

// innerSecrets marks secrets inside of a word: parameters of a form, members of JSON, headers, the password
// of an address. It reports whether there were any.
func innerSecrets(e *event.Event, s string, from, end int) (found bool) {
	quoted := strings.IndexByte(`"'\`, s[from]) >= 0
	for i := from; i < end; {
		if strings.HasPrefix(s[i:end], "://") {
			if at, n := urlPassword(s[from:end], i-from); n > 0 {
				addSecret(e, s[from+at:from+at+n])
				found = true
				i = from + at + n
				continue
			}
		}
		if !isAlnum(s[i]) {
			i++
			continue
		}
		n := max(1, identifierLen(s[i:end]))
		name := s[i : i+n]
		i += n
		if !secretName(name) {
			continue
		}
		if value, n := pairValue(s[:end], i, quoted); n > 0 {
			addSecret(e, s[value:value+n])
			found = true
			i = value + n
		}
	}
	return found
}

// pairValue finds the value behind a name that ends at s[i]: =value, :value, ": value", ":"value".
func pairValue(s string, i int, quoted bool) (value, n int) {
	for i < len(s) && (s[i] == '"' || s[i] == '\'' || s[i] == '\\' || s[i] == ' ') {
		i++
	}
	if i >= len(s) || s[i] != '=' && s[i] != ':' {
		return 0, 0
	}
	header := s[i] == ':'
	i++
	for i < len(s) && s[i] == ' ' {
		i++
	}
	for i < len(s) && s[i] == '\\' {
		i++
	}
	if i < len(s) && (s[i] == '"' || s[i] == '\'') {
		end := strings.IndexByte(s[i+1:], s[i])
		if end < 0 {
			end = len(s) - i - 1
		}
		return i + 1, len(strings.TrimRight(s[i+1:i+1+end], `\`))
	}
	stop := `&,;}"'\ `
	if header && quoted { // "Authorization: Bearer x"
		stop = `"'\`
	}
	end := strings.IndexAny(s[i:], stop)
	if end < 0 {
		end = len(s) - i
	}
	return i, end
}

// secretName reports whether s holds a word by which options, variables and headers that hold a
// secret are called: --password, MY_TOKEN, chap-secret, Authorization.
func secretName(s string) bool {
	for i := 0; i+2 < len(s); i++ {
		if classes[s[i]]&inSecret == 0 {
			continue
		}
		switch uint16(s[i]|0x20)<<8 | uint16(s[i+1]|0x20) {
		case 'p'<<8 | 'a':
			if hasPrefixFold(s[i:], "passw") || hasPrefixFold(s[i:], "passphrase") || hasPrefixFold(s[i:], "pass") && endsName(s, i+len("pass")) {
				return true
			}
		case 'p'<<8 | 'w': // but not PWD and OLDPWD
			if i > 0 && s[i-1]|0x20 != 'd' && isNamePart(s[i-1]) && hasPrefixFold(s[i:], "pwd") && endsName(s, i+len("pwd")) || i > 0 && s[i-1] == '-' && hasPrefixFold(s[i:], "pwd") {
				return true
			}
		case 'p'<<8 | 'r':
			if hasPrefixFold(s[i:], "privacy-hash") {
				return true
			}
		case 's'<<8 | 'e':
			if hasPrefixFold(s[i:], "secret") || hasPrefixFold(s[i:], "session-id") || hasPrefixFold(s[i:], "sessionid") {
				return true
			}
		case 't'<<8 | 'o':
			if hasPrefixFold(s[i:], "token") {
				return true
			}
		case 'a'<<8 | 'u':
			if hasPrefixFold(s[i:], "auth-hash") || hasPrefixFold(s[i:], "authorization") {
				return true
			}
		case 'a'<<8 | 'p':
			if hasPrefixFold(s[i:], "apikey") || hasPrefixFold(s[i:], "api-key") {
				return true
			}
		case 'b'<<8 | 'e':
			if hasPrefixFold(s[i:], "bearer") {
				return true
			}
		case 'c'<<8 | 'o':
			if hasPrefixFold(s[i:], "communities") || hasPrefixFold(s[i:], "cookie") {
				return true
			}
		case 'c'<<8 | 'r':
			if hasPrefixFold(s[i:], "credential") {
				return true
			}
		}
	}
	return false
}

// isNamePart reports a byte that may stand before the last word of a variable's name: MYSQL_PWD.
func isNamePart(c byte) bool { return isAlnum(c) || c == '_' || c == '-' }

// endsName reports whether a name ends at s[i]: bypass and PWD are names too, passive is another.
func endsName(s string, i int) bool { return i == len(s) || !isAlnum(s[i]) }

// urlPassword finds the secret in word, whose "://" begins at i: user:password@host, and token@host where
// a web address has something too long for a user's name.
func urlPassword(word string, i int) (value, n int) {
	start := i + len("://")
	end := strings.IndexAny(word[start:], `/?#"' `)
	if end < 0 {
		end = len(word) - start
	}
	at := strings.LastIndexByte(word[start:start+end], '@')
	if at < 0 {
		return 0, 0
	}
	userinfo := word[start : start+at]
	if colon := strings.IndexByte(userinfo, ':'); colon >= 0 {
		return start + colon + 1, len(userinfo) - colon - 1
	}
	const longest = 20 // a user's name; tokens are longer
	if len(userinfo) >= longest && strings.HasPrefix(word[max(0, i-len("https")):], "http") {
		return start, len(userinfo)
	}
	return 0, 0
}

// wordEnd is where the shell's word that begins at s[i] ends. Quotes hold blanks together.
func wordEnd(s string, i int) int {
	for ; i < len(s); i++ {
		c := s[i]
		if classes[c]&inGap == 0 {
			continue
		}
		if c == ' ' {
			return i
		}
		if j := strings.IndexByte(s[i+1:], c); j >= 0 {
			i += j + 1
		}
	}
	return i
}

// addSecret notes a part of e.Raw. What no longer fits extends the last span to the end of the line.
func addSecret(e *event.Event, part string) {
	if part == "" {
		return
	}
	start := offset(e.Raw, part)
	x := &e.Secrets
	if x.Count > 0 && start < x.Spans[x.Count-1].End {
		return // a part of one that is known
	}
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
