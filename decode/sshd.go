package decode

import (
	"strings"

	"vswarden/event"
)

// sshdText reads what sshd says besides logins that worked or failed by a method: refusals, guesses that
// end a connection, negotiations that fail, sessions. The user's name is the client's word, so that
// addresses are read from the right.
func sshdText(e *event.Event, s string) bool {
	if e.Hostd.Present || e.VOB.Present || e.VCEvent.Present {
		return false // hostd, vobd and vCenter have words of their own
	}
	s = strings.TrimPrefix(s, "error: ")
	s = strings.TrimPrefix(s, "fatal: ")
	switch {
	case s == "":
		return false
	case s[0] == 'm':
		if who, ok := strings.CutPrefix(s, "maximum authentication attempts exceeded for "); ok {
			return sshdWho(e, event.ActLoginFailed, who)
		}
	case s[0] == 'P':
		return pamMore(e, s) || dropbearText(e, s)
	case s[0] == 'R':
		return disconnectText(e, s)
	case s[0] == 'U':
		return sshdRefusal(e, s)
	case s[0] == 'C' || s[0] == 'S':
		return sshdSession(e, s)
	case s[0] == 'B' || s[0] == 'D' || s[0] == 'T' || s[0] == 'b' || s[0] == 's':
		return sshdStranger(e, s)
	case s[0] == 'L' || s[0] == 'E':
		return dropbearText(e, s)
	}
	return false
}

// sshdWho reads "[invalid user ]root from 192.0.2.4 port 51000 ssh2 [preauth]".
func sshdWho(e *event.Event, a event.Act, who string) bool {
	who, invalid := strings.CutPrefix(who, "invalid user ")
	user, address, ok := cutLast(beforeSSH(who), " from ")
	if !ok {
		return false
	}
	e.Login.SSH, e.Login.Invalid = true, invalid
	return act(e, a, user, strings.TrimSuffix(address, " [preauth]"))
}

// pamMore reads "PAM 2 more authentication failures; logname= uid=0 … rhost=192.0.2.4  user=root".
func pamMore(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "PAM ")
	if !ok {
		return false
	}
	count, n := number(rest)
	rest, ok = strings.CutPrefix(rest[n:], " more authentication failure")
	if n == 0 || !ok {
		return false
	}
	e.Login.Failures, e.Login.SSH = clamp32(count), true
	return act(e, event.ActLoginFailed, assigned(rest, " user="), assigned(rest, " rhost="))
}

// sshdRefusal reads "User root from 192.0.2.4 not allowed because …" and "Unable to negotiate with
// 192.0.2.4 port 51000: no matching …".
func sshdRefusal(e *event.Event, s string) bool {
	if who, ok := strings.CutPrefix(s, "User "); ok {
		who, _, ok = strings.Cut(who, " not allowed because ")
		return ok && sshdWho(e, event.ActLoginFailed, who)
	}
	if address, ok := strings.CutPrefix(s, "Unable to negotiate with "); ok {
		address, _, _ = strings.Cut(address, ": ")
		e.Login.SSH = true
		return act(e, event.ActDisconnected, "", address)
	}
	return false
}

// sshdSession reads "Starting session: shell on pts/0 for root from 192.0.2.4 port 51000 id 0" and
// "Close session: user root from 192.0.2.4 port 51000 id 0".
func sshdSession(e *event.Event, s string) bool {
	if rest, ok := strings.CutPrefix(s, "Starting session: "); ok {
		what, who, ok := strings.Cut(rest, " for ")
		if !ok {
			return false
		}
		if _, terminal, ok := strings.Cut(what, " on "); ok {
			e.Login.Terminal = terminal
		}
		return sshdWho(e, event.ActSessionOpened, who)
	}
	if who, ok := strings.CutPrefix(s, "Close session: user "); ok {
		return sshdWho(e, event.ActSessionClosed, who)
	}
	return false
}

// sshdStranger reads lines about a client that never said who it is, or was too slow to say so.
func sshdStranger(e *event.Event, s string) bool {
	switch {
	case strings.HasPrefix(s, "Bad protocol version identification "), strings.HasPrefix(s, "Did not receive identification string from "):
		_, address, ok := cutLast(s, " from ")
		e.Login.SSH = ok
		return ok && act(e, event.ActDisconnected, "", address)
	case strings.HasPrefix(s, "Timeout before authentication for "):
		e.Login.SSH = true
		return act(e, event.ActDisconnected, "", s[len("Timeout before authentication for "):])
	case strings.HasPrefix(s, "Timeout, client not responding from "):
		return leave(e, s[len("Timeout, client not responding from "):])
	case strings.HasPrefix(s, "banner exchange: Connection from "):
		address, _, _ := strings.Cut(s[len("banner exchange: Connection from "):], ": ")
		e.Login.SSH = true
		return act(e, event.ActDisconnected, "", address)
	case strings.HasPrefix(s, "ssh_dispatch_run_fatal: Connection from "):
		who, _, _ := strings.Cut(s[len("ssh_dispatch_run_fatal: Connection from "):], ": ")
		return leave(e, who)
	}
	return dropbearText(e, s)
}

// dropbearText reads what dropbear says, the SSH server of ESXi 4: "Password auth succeeded for 'root'
// from 192.0.2.4:5555", "Bad password attempt for 'root' from …", "Exit (root): …".
func dropbearText(e *event.Event, s string) bool {
	if app := e.Syslog.AppName; app != "dropbear" && app != "" {
		return false
	}
	for _, form := range [...]struct {
		text string
		act  event.Act
	}{
		{"Password auth succeeded for '", event.ActLogin},
		{"password auth succeeded for '", event.ActLogin},
		{"Pubkey auth succeeded for '", event.ActLogin},
		{"Bad password attempt for '", event.ActLoginFailed},
		{"bad password attempt for '", event.ActLoginFailed},
	} {
		if who, ok := strings.CutPrefix(s, form.text); ok {
			user, address, ok := cutLast(who, "' from ")
			if !ok {
				return false
			}
			e.Login.SSH = true
			return act(e, form.act, user, address)
		}
	}
	if _, address, ok := strings.Cut(s, "ogin attempt for nonexistent user from "); ok {
		e.Login.SSH, e.Login.Invalid = true, true
		return act(e, event.ActLoginFailed, "", address)
	}
	if who, ok := strings.CutPrefix(s, "Exit ("); ok {
		user, _, ok := strings.Cut(who, "): ")
		e.Login.SSH = ok
		return ok && act(e, event.ActDisconnected, user, "")
	}
	return false
}
