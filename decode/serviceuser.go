package decode

import (
	"strings"

	"vswarden/event"
)

// serviceText reads whom a service of vCenter speaks of, and from where, in the words they use:
//
//	User {Name: admin, Domain: lab.example} with role 'Administrator' logged in successfully.
//	[User {Name: admin, Domain: lab.example} with role 'Administrator'] Adding users '[{Name: bob, …}]' to local group 'G'
//	User lab.example\bob does not have privileges [System.Read] on object …
//	… user [of a session]: lab.example\bob …
//	… user=admin@vsphere.local, …
//	Modify Entry (cn=x, EID 42)(from 192.0.2.4)(by bob@lab.example)(via Ext)
func serviceText(e *event.Event, s string) {
	user, rest, braces := braceUser(s)
	if !braces {
		user = namedUser(s)
	}
	if user.Name != "" {
		e.User = user
	}
	if braces {
		principalText(e, rest)
		return
	}
	if _, from, found := strings.Cut(s, ")(from "); found {
		if address, _, ok := strings.Cut(from, ")"); ok {
			e.Source = endpoint(address)
		}
	}
	tcpPair(e, s)
}

// braceUser reads the first "{Name: admin, Domain: lab.example}" and returns what follows it.
func braceUser(s string) (u event.User, rest string, ok bool) {
	_, rest, ok = strings.Cut(s, "{Name: ")
	if !ok {
		return u, s, false
	}
	inner, rest, ok := strings.Cut(rest, "}")
	if !ok {
		return u, s, false
	}
	u.Name, u.Domain, _ = cutLast(inner, ", Domain: ")
	if u.Name == "" && u.Domain == "" {
		u.Name = inner
	}
	return u, rest, u.Name != ""
}

// principalText reads what a user did to another or to a group.
func principalText(e *event.Event, s string) {
	_, s, ok := strings.Cut(s, "'] ")
	if !ok {
		return
	}
	e.Act = principalAct(s)
	principalTarget(e, s)
	e.Rarely().VCEvent.Text = s
}

// principalTarget finds the account and the group in quotes: "Deleting principal 'bob'", "Adding users
// '[{Name: bob, Domain: lab.example}]' to local group 'Administrators'".
func principalTarget(e *event.Event, s string) {
	if u, _, ok := braceUser(s); ok {
		e.Rarely().Target = u
	}
	if _, group, ok := strings.Cut(s, "group '"); ok {
		e.Rarely().Group, _, _ = strings.Cut(group, "'")
		return
	}
	if _, name, ok := strings.Cut(s, " '"); ok && e.Target.Name == "" {
		name, _, _ = strings.Cut(name, "'")
		e.Rarely().Target = splitUser(name)
	}
}

// principalAct reads "Creating local person user 'bob' with details …" and its like.
func principalAct(s string) event.Act {
	group := strings.Contains(s, "group '")
	switch {
	case group && strings.HasPrefix(s, "Creating "):
		return event.ActGroupCreated
	case group:
		return event.ActGroupChanged
	case strings.HasPrefix(s, "Creating "):
		return event.ActAccountCreated
	case strings.HasPrefix(s, "Deleting "), strings.HasPrefix(s, "Removing "):
		return event.ActAccountRemoved
	case strings.HasPrefix(s, "Resetting ") && strings.HasSuffix(s, " password"):
		return event.ActPassword
	case strings.HasPrefix(s, "Updating "), strings.HasPrefix(s, "Enabling "), strings.HasPrefix(s, "Disabling "), strings.HasPrefix(s, "Unlocking "):
		return event.ActAccountUpdated
	}
	return ""
}

// namedUser finds the account behind the word user, whatever stands between them. A name without a
// domain counts only behind an equals sign: it may be any word.
func namedUser(s string) event.User {
	if _, by, ok := strings.Cut(s, ")(by "); ok {
		if name, _, ok := strings.Cut(by, ")"); ok {
			return splitUser(name)
		}
	}
	for from := 0; ; {
		i := strings.Index(s[from:], "ser")
		if i < 1 {
			if i < 0 {
				return event.User{}
			}
			from += len("ser")
			continue
		}
		at := from + i - 1
		from += i + len("ser")
		if s[at]|0x20 != 'u' || at > 0 && isAlnum(s[at-1]) {
			continue
		}
		if name, sure := accountAfter(s[from:]); name != "" && (sure || isAccount(name)) {
			return splitUser(name)
		}
	}
}

// accountAfter is the word behind "user", without what may stand between: "=", ": ", "Name:", "[of a
// session]: ", quotes. It is sure where an equals sign stands before it.
func accountAfter(s string) (name string, sure bool) {
	s = strings.TrimPrefix(s, "Name")
	s = strings.TrimPrefix(s, "name")
	if rest, ok := strings.CutPrefix(s, " ["); ok {
		if _, s, ok = strings.Cut(rest, "]"); !ok {
			return "", false
		}
	}
	switch {
	case strings.HasPrefix(s, "="):
		s, sure = s[1:], true
	case strings.HasPrefix(s, ": "):
		s = s[2:]
	case strings.HasPrefix(s, ":"), strings.HasPrefix(s, " "):
		s = s[1:]
	default:
		return "", false
	}
	if s = trimSpaces(s); s != "" && (s[0] == '\'' || s[0] == '"' || s[0] == '[') {
		s = s[1:]
	}
	end := strings.IndexAny(s, " ,'\"{}[]();")
	if end < 0 {
		end = len(s)
	}
	name = s[:end]
	for name != "" && (name[len(name)-1] == '.' || name[len(name)-1] == ':') {
		name = name[:len(name)-1]
	}
	return name, sure
}

// isAccount reports a word with a domain: D\u or u@d.
func isAccount(s string) bool {
	i := strings.IndexByte(s, '\\')
	if i < 0 {
		i = strings.IndexByte(s, '@')
	}
	return i > 0 && i+1 < len(s)
}
