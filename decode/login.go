package decode

import (
	"strings"

	"vswarden/event"
)

// loginText reads what hostd, vobd, sshd, DCUI and PAM say about logins, sessions and accounts. What
// a stranger typed as a user's name is in these texts too: they are read from the right, so that a
// name cannot pretend to come from another address.
func loginText(e *event.Event, s string) bool {
	if len(s) < len("SSH x") {
		return false
	}
	switch s[0] {
	case 'A':
		return accepted(e, s) || accountText(e, s) || lockdownText(e, s)
	case 'C':
		return connectionText(e, s) || cannotLogin(e, s, "Cannot login ") || sshdText(e, s)
	case 'D':
		return disconnectText(e, s) || sshdText(e, s)
	case 'F':
		return failedMethod(e, s) || cannotLogin(e, s, "Failed login attempt for ") || firewallText(e, s) || ssoLogin(e, s)
	case 'I':
		return invalidUser(e, s)
	case 'N':
		return roleText(e, s)
	case 'L', 'B', 'E', 'b', 'f', 'm', 's':
		return sshdText(e, s) || lockdownText(e, s)
	case 'P':
		return accountText(e, s) || permissionText(e, s) || postponed(e, s) || sshdText(e, s)
	case 'R':
		switch s[2] {
		case 'c':
			return disconnectText(e, s)
		case 'j':
			return rejected(e, s)
		case 'l':
			return roleText(e, s)
		case 'm':
			return lockedText(e, s)
		}
	case 'S':
		switch s[1] {
		case 'S':
			return sshText(e, s) || sshdText(e, s)
		case 'e':
			return sessionText(e, s) || sshdText(e, s)
		case 'u':
			return ssoLogin(e, s) || sshdText(e, s)
		}
		return sshdText(e, s)
	case 'T':
		return shellService(e, s) || sshdText(e, s)
	case 'U':
		return userText(e, s) || sshdText(e, s)
	case 'a':
		return dcuiText(e, s)
	case 'e':
		return pamError(e, s) || sshdText(e, s)
	case 'l':
		return authdText(e, s)
	case 'p':
		return pamText(e, s) || sshdText(e, s)
	case '[':
		switch s[1] {
		case 'A':
			return authUser(e, s)
		case 'm':
			return pamModule(e, s)
		}
	}
	return false
}

// ssoLogin reads what vCenter repeats of its single sign-on: "Successful login u@d from 192.0.2.5 at
// 03/01/2026 09:00:10 GMT in SSO" and "Failed login u from …".
func ssoLogin(e *event.Event, s string) bool {
	a := event.ActLogin
	rest, ok := strings.CutPrefix(s, "Successful login ")
	if !ok {
		if rest, ok = strings.CutPrefix(s, "Failed login "); !ok {
			return false
		}
		a = event.ActLoginFailed
	}
	rest, ok = strings.CutSuffix(strings.TrimSuffix(rest, "."), " in SSO")
	rest, _, at := cutLast(rest, " at ")
	user, address, from := cutLast(rest, " from ")
	return ok && at && from && act(e, a, user, address)
}

// authUser reads hostd's "[Auth]: User root", which it writes when a session begins.
func authUser(e *event.Event, s string) bool {
	user, ok := strings.CutPrefix(s, "[Auth]: User ")
	if !ok || user == "" || strings.IndexByte(user, ' ') >= 0 {
		return false
	}
	e.User = splitUser(user)
	return true
}

// postponed reads sshd's "Postponed keyboard-interactive for root from 192.0.2.4 port 51000 ssh2
// [preauth]": somebody is about to answer.
func postponed(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "Postponed ")
	if !ok {
		return false
	}
	method, who, ok := strings.Cut(rest, " for ")
	if !ok {
		return false
	}
	who, invalid := strings.CutPrefix(who, "invalid user ")
	user, address, ok := cutLast(beforeSSH(who), " from ")
	if !ok {
		return false
	}
	e.Login = event.Login{Method: method, SSH: true, Invalid: invalid}
	e.User, e.Source = splitUser(user), endpoint(address)
	return true
}

// isLogin reports an act of somebody who comes or goes: such lines are about authentication, whoever
// writes them.
func isLogin(a event.Act) bool {
	switch a {
	case event.ActLogin, event.ActLoginFailed, event.ActLogout, event.ActSessionOpened, event.ActSessionClosed,
		event.ActConnected, event.ActDisconnected, event.ActTally, event.ActLocked:
		return true
	}
	return false
}

// act notes what was done, by whom and from where.
func act(e *event.Event, a event.Act, user, address string) bool {
	e.Act = a
	if user != "" {
		e.User = splitUser(user)
	}
	if address != "" {
		e.Source = endpoint(address)
	}
	return true
}

// accepted reads hostd's "Accepted password for user root from 192.0.2.4 - session=52376b0f-…" and
// sshd's "Accepted publickey for root from 192.0.2.4 port 33398 ssh2: RSA SHA256:…".
func accepted(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "Accepted ")
	if !ok {
		return false
	}
	method, rest, ok := strings.Cut(rest, " for ")
	if !ok {
		return false
	}
	hostd := strings.HasPrefix(rest, "user ")
	if hostd {
		rest = rest[len("user "):]
		if who, session, ok := cutLast(rest, " - session="); ok {
			rest, e.Hostd.SessionID = who, firstWord(session)
		}
	} else {
		rest = beforeSSH(rest)
	}
	user, address, ok := cutLast(rest, " from ")
	if !ok {
		return false
	}
	e.Login.Method, e.Login.SSH = method, !hostd
	return act(e, event.ActLogin, user, address)
}

// beforeSSH cuts " ssh2: RSA SHA256:…" off what sshd says about a client.
func beforeSSH(s string) string {
	if head, _, ok := strings.Cut(s, " ssh2"); ok {
		return head
	}
	return s
}

// rejected reads hostd's "Rejected password for user root from 192.0.2.9".
func rejected(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "Rejected ")
	if !ok {
		return false
	}
	method, rest, ok := strings.Cut(rest, " for user ")
	if !ok {
		return false
	}
	user, address, ok := cutLast(rest, " from ")
	if !ok {
		return false
	}
	e.Login.Method = method
	return act(e, event.ActLoginFailed, user, address)
}

// failedMethod reads sshd's "Failed password for invalid user x from 192.0.2.4 port 41100 ssh2".
func failedMethod(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "Failed ")
	if !ok {
		return false
	}
	method, rest, ok := strings.Cut(rest, " for ")
	if !ok || identifierLen(method) == 0 {
		return false
	}
	rest = strings.TrimSuffix(rest, " ssh2")
	user, address, ok := cutLast(rest, " from ")
	if !ok || !strings.Contains(address, " port ") {
		return false
	}
	user, e.Login.Invalid = strings.CutPrefix(user, "invalid user ")
	e.Login.Method, e.Login.SSH = method, true
	return act(e, event.ActLoginFailed, user, address)
}

// invalidUser reads sshd's "Invalid user administrator from 192.0.2.4 port 41100".
func invalidUser(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "Invalid user ")
	if !ok {
		return false
	}
	user, address, ok := cutLast(rest, " from ")
	if !ok {
		return false
	}
	e.Login.Invalid, e.Login.SSH = true, true
	return act(e, event.ActLoginFailed, user, address)
}

// pamError reads sshd's "error: PAM: Authentication failure for illegal user x from 192.0.2.4".
func pamError(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "error: PAM: ")
	if !ok {
		return false
	}
	_, rest, ok = strings.Cut(rest, " for ")
	if !ok {
		return false
	}
	user, address, ok := cutLast(rest, " from ")
	if !ok {
		return false
	}
	user, e.Login.Invalid = strings.CutPrefix(user, "illegal user ")
	e.Login.SSH = true
	return act(e, event.ActLoginFailed, user, address)
}

// cannotLogin reads hostd's "Cannot login root@192.0.2.4" and "Failed login attempt for root@…".
func cannotLogin(e *event.Event, s, before string) bool {
	rest, ok := strings.CutPrefix(s, before)
	if !ok {
		return false
	}
	rest, _, _ = strings.Cut(rest, ": ") // no permission
	user, address := splitLogin(strings.TrimSuffix(rest, "."))
	return act(e, event.ActLoginFailed, user, address)
}

// userText reads hostd's "User root@192.0.2.1 logged in as pyvmomi" and "User root logged out
// (login time: …, user agent: pyvmomi)", and su's "User 'root' running command '…'".
func userText(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "User ")
	if !ok {
		return false
	}
	if i := strings.Index(rest, "logged "); i > 1 && rest[i-1] == ' ' {
		user, address := splitLogin(rest[:i-1])
		switch tail := rest[i+len("logged "):]; {
		case tail == "in", strings.HasPrefix(tail, "in "), strings.HasPrefix(tail, "in."):
			e.Login.Agent, ok = strings.CutPrefix(tail, "in as ")
			if !ok {
				e.Login.Agent = ""
			}
			return act(e, event.ActLogin, user, address)
		case strings.HasPrefix(tail, "out"):
			if _, agent, ok := cutLast(tail, "user agent: "); ok {
				e.Login.Agent = strings.TrimSuffix(agent, ")")
			}
			return act(e, event.ActLogout, user, address)
		}
	}
	if strings.HasPrefix(rest, "'") {
		if user, command, ok := strings.Cut(rest[1:], "' running command '"); ok {
			commandLine(e, strings.TrimSuffix(command, "'"))
			return act(e, e.Act, user, "")
		}
	}
	return false
}

// sshText reads "SSH session was opened for 'root@192.0.2.4'." and "SSH login has failed for '…'."
// of vobd and hostd, and "SSH access has been enabled.".
func sshText(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "SSH ")
	if !ok {
		return false
	}
	for _, form := range [...]struct {
		text string
		act  event.Act
	}{
		{"session was opened for '", event.ActSessionOpened},
		{"session was closed for '", event.ActSessionClosed},
		{"login has failed for '", event.ActLoginFailed},
	} {
		if who, ok := strings.CutPrefix(rest, form.text); ok {
			user, address := splitLogin(untilQuote(who))
			e.Login.SSH = true
			return act(e, form.act, user, address)
		}
	}
	switch strings.TrimSuffix(rest, ".") {
	case "access has been enabled", "login enabled":
		return act(e, event.ActSSHEnabled, "", "")
	case "access has been disabled", "login disabled":
		return act(e, event.ActSSHDisabled, "", "")
	}
	return false
}

// untilQuote is a name up to the quote that closes it, "root'." The name may hold quotes, and text may follow
// that was another line's: the last quote with a full stop counts, or one that ends the text.
func untilQuote(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if name, ok := strings.CutSuffix(s, "'"); ok {
		return name
	}
	if name, _, ok := cutLast(s, "'."); ok {
		return name
	}
	name, _, _ := cutLast(s, "'")
	return name
}

// sessionText reads sshd's "Session opened for 'root' on /dev/char/pty/t0".
func sessionText(e *event.Event, s string) bool {
	a := event.ActSessionOpened
	s, ok := strings.CutPrefix(s, "Session ")
	if !ok {
		return false
	}
	rest, ok := strings.CutPrefix(s, "opened for ")
	if !ok {
		if rest, ok = strings.CutPrefix(s, "closed for "); !ok {
			return false
		}
		a = event.ActSessionClosed
	}
	rest = strings.TrimPrefix(rest, "user ")
	who, terminal, _ := strings.Cut(rest, " on ")
	e.Login.Terminal = terminal
	return act(e, a, strings.Trim(who, "'"), "")
}

// connectionText reads sshd's "Connection from 192.0.2.4 port 2605" and "Connection closed by
// authenticating user root 192.0.2.4 port 2605 [preauth]", dropbear's "Child connection from …".
func connectionText(e *event.Event, s string) bool {
	if address, ok := strings.CutPrefix(s, "Connection from "); ok {
		address, _, _ = strings.Cut(address, " on ")
		e.Login.SSH = true
		return act(e, event.ActConnected, "", address)
	}
	if address, ok := strings.CutPrefix(s, "Child connection from "); ok {
		e.Login.SSH = true
		return act(e, event.ActConnected, "", address)
	}
	for _, before := range [...]string{"Connection closed by ", "Connection reset by "} {
		if who, ok := strings.CutPrefix(s, before); ok {
			return leave(e, who)
		}
	}
	return false
}

// disconnectText reads sshd's "Received disconnect from 192.0.2.4 port 2605:11: disconnected by
// user" and "Disconnected from user root 192.0.2.4 port 2605".
func disconnectText(e *event.Event, s string) bool {
	who, ok := strings.CutPrefix(s, "Received disconnect from ")
	if ok {
		who = beforeReason(who)
	} else if who, ok = strings.CutPrefix(s, "Disconnected from "); !ok {
		return false
	}
	return leave(e, who)
}

// beforeReason cuts ":11: disconnected by user" off an address and its port.
func beforeReason(s string) string {
	if i := strings.Index(s, ": "); i >= 0 {
		s = s[:i]
		n := trailingDigits(s)
		if n > 0 && n < len(s) && s[len(s)-1-n] == ':' {
			return s[:len(s)-1-n]
		}
	}
	return s
}

// leave reads "[authenticating user root ]192.0.2.4 port 2605[ [preauth]]".
func leave(e *event.Event, who string) bool {
	who = strings.TrimSuffix(who, " [preauth]")
	user := ""
	for _, before := range [...]string{"authenticating user ", "invalid user ", "user "} {
		if rest, ok := strings.CutPrefix(who, before); ok {
			name, _, _ := cutLast(rest, " port ")
			name, _, _ = cutLast(name, " ")
			user, who = name, strings.TrimPrefix(rest[len(name):], " ")
			e.Login.Invalid = before[0] == 'i'
			break
		}
	}
	e.Login.SSH = true
	return act(e, event.ActDisconnected, user, who)
}

// splitLogin splits "root@192.0.2.1" and "admin@vsphere.local@192.0.2.1": the account, and where it
// came from. A name behind the only @ is the account's domain.
func splitLogin(s string) (user, address string) {
	user, address, ok := cutLast(s, "@")
	if !ok || user == "" {
		return s, ""
	}
	if isAddress(address) || strings.ContainsAny(user, `@\`) {
		return user, address
	}
	return s, ""
}

// isAddress reports an IP address by its form.
func isAddress(s string) bool {
	dots := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == ':':
			return true
		case c == '.':
			dots++
		case !isDigit(c):
			return false
		}
	}
	return dots == 3
}

// endpoint reads "192.0.2.4", "192.0.2.4 port 2605" and "192.0.2.4:2605".
func endpoint(s string) (p event.Endpoint) {
	p.Address = s
	address, port, ok := s, "", false
	if strings.IndexByte(s, ' ') >= 0 {
		address, port, ok = strings.Cut(s, " port ")
	}
	if !ok {
		address, port, ok = cutLast(s, ":")
		if !ok || strings.IndexByte(address, ':') >= 0 && !strings.HasPrefix(address, "[") {
			return p // no port, or an IPv6 address
		}
	}
	v, n := number(port)
	if n == 0 || v > 1<<16-1 {
		return p
	}
	if address != "" && (address[0] > '9' || address[len(address)-1] > '9') {
		address = strings.Trim(address, "[]")
	}
	p.Address, p.Port = address, uint16(v)
	return p
}
