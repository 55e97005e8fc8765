package decode

import (
	"strings"

	"vswarden/event"
)

// pamText reads what PAM writes under the name of the program that asked it:
//
//	pam_unix(sshd:session): session opened for user root by (uid=0)
//	pam_unix(system-auth-generic:auth): authentication failure; logname= … rhost=192.0.2.4  user=root
//	pam_tally2(sshd:auth): user root (0) tally 72, deny 5
func pamText(e *event.Event, s string) bool {
	if !strings.HasPrefix(s, "pam_") {
		return false
	}
	module, text, ok := strings.Cut(s, "): ")
	if !ok {
		return false
	}
	e.Login.SSH = strings.Contains(module, "(sshd")
	if user, ok := strings.CutPrefix(text, "session opened for user "); ok {
		user, _, _ = strings.Cut(user, " by ")
		return act(e, event.ActSessionOpened, beforeUID(user), "")
	}
	if user, ok := strings.CutPrefix(text, "session closed for user "); ok {
		return act(e, event.ActSessionClosed, beforeUID(user), "")
	}
	if rest, ok := strings.CutPrefix(text, "access denied for user "); ok {
		return pamDenied(e, rest)
	}
	if rest, ok := strings.CutPrefix(text, "authentication failure;"); ok {
		return act(e, event.ActLoginFailed, assigned(rest, " user="), assigned(rest, " rhost="))
	}
	if rest, ok := strings.CutPrefix(text, "user "); ok {
		user, tally, ok := strings.Cut(rest, " tally ")
		if !ok {
			return pamTime(e, rest)
		}
		user, _, _ = strings.Cut(user, " (")
		v, _ := number(tally)
		e.Login.Failures = clamp32(v)
		return act(e, event.ActTally, user, "")
	}
	return false
}

// pamTime reads "user root (0) has time limit [900s left] since last failure" of pam_tally2.
func pamTime(e *event.Event, rest string) bool {
	user, limit, ok := strings.Cut(rest, " has time limit [")
	if !ok {
		return false
	}
	user, _, _ = strings.Cut(user, " (")
	secs, _ := number(limit)
	e.Login.LockSecs = clamp32(secs)
	return act(e, event.ActLoginFailed, user, "")
}

// pamDenied reads "access denied for user `bob' from `192.0.2.4'" of pam_access.
func pamDenied(e *event.Event, rest string) bool {
	user, address, ok := cutLast(rest, " from ")
	return ok && act(e, event.ActLoginFailed, strings.Trim(user, "`'"), strings.Trim(address, "`'"))
}

// beforeUID cuts the "(uid=0)" off a name.
func beforeUID(user string) string {
	user, _, _ = strings.Cut(user, "(uid=")
	return user
}

// assigned is the value of " name=value".
func assigned(s, name string) string {
	_, value, ok := cutLast(s, name)
	if !ok {
		return ""
	}
	value, _, _ = strings.Cut(value, " ")
	return value
}

// pamModule reads hostd's "[module:pam_lsass]pam_do_authenticate: error [login:root][error code:2]".
func pamModule(e *event.Event, s string) bool {
	if !strings.HasPrefix(s, "[module:pam_") || !strings.Contains(s, ": error ") {
		return false
	}
	_, user, ok := strings.Cut(s, "[login:")
	if !ok {
		return false
	}
	user, _, _ = strings.Cut(user, "]")
	return act(e, event.ActLoginFailed, user, "")
}

// dcuiText reads "authentication of user root succeeded".
func dcuiText(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "authentication of user ")
	if !ok {
		return false
	}
	if user, ok := strings.CutSuffix(rest, " succeeded"); ok {
		return act(e, event.ActLogin, user, "")
	}
	if user, ok := strings.CutSuffix(rest, " failed"); ok {
		return act(e, event.ActLoginFailed, user, "")
	}
	if user, _, ok := strings.Cut(rest, " failed"); ok { // failed: Authentication failure
		return act(e, event.ActLoginFailed, user, "")
	}
	return false
}

// authdText reads "login from 172.16.129.78 as 523b717c-…": a session, not a user.
func authdText(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "login from ")
	if !ok {
		return false
	}
	address, session, _ := strings.Cut(rest, " as ")
	e.Hostd.SessionID = session
	return act(e, event.ActLogin, "", address)
}

// terminalLogin reads "root login on 'char/tty/1'".
func terminalLogin(e *event.Event, s string) bool {
	user, terminal, ok := strings.Cut(s, " login on '")
	if !ok || strings.IndexByte(user, ' ') >= 0 {
		return false
	}
	e.Login.Terminal = strings.TrimSuffix(terminal, "'")
	return act(e, event.ActLogin, user, "")
}

// lockedText reads "Remote access for ESXi local user account 'root' has been locked for 900 seconds
// after 6 failed login attempts.".
func lockedText(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "Remote access for ESXi local user account '")
	if !ok {
		return false
	}
	user, rest, ok := cutLast(rest, "' has been locked for ")
	if !ok {
		return false
	}
	secs, n := number(rest)
	e.Login.LockSecs = clamp32(secs)
	if _, after, ok := strings.Cut(rest[n:], " after "); ok {
		failures, _ := number(after)
		e.Login.Failures = clamp32(failures)
	}
	return act(e, event.ActLocked, user, "")
}

// accountText reads "Password was changed for account X on host Y", "Account X was created on host
// Y" and its like.
func accountText(e *event.Event, s string) bool {
	if rest, ok := strings.CutPrefix(s, "Password was changed for account "); ok {
		user, _, _ := cutLast(rest, " on host ")
		return actOn(e, event.ActPassword, user)
	}
	rest, ok := strings.CutPrefix(s, "Account ")
	if !ok {
		return false
	}
	for _, form := range [...]struct {
		text string
		act  event.Act
	}{
		{" was created on host ", event.ActAccountCreated},
		{" was removed on host ", event.ActAccountRemoved},
		{" was removed from host ", event.ActAccountRemoved},
		{" was updated on host ", event.ActAccountUpdated},
	} {
		if user, _, ok := cutLast(rest, form.text); ok {
			return actOn(e, form.act, user)
		}
	}
	return false
}

// permissionText reads "Permission created for bob on ha-folder-root, role is Admin, …" and "Permission
// rule removed for bob on …".
func permissionText(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "Permission ")
	if !ok {
		return false
	}
	_, account, ok := strings.Cut(rest, " for ")
	account, _, _ = strings.Cut(account, " on ")
	return ok && actOn(e, event.ActPermission, strings.Trim(account, "'"))
}

// roleText reads "New role Operators was created" and "Role Operators was removed".
func roleText(e *event.Event, s string) bool {
	if !strings.HasPrefix(s, "New role ") && !strings.HasPrefix(s, "Role ") {
		return false
	}
	if !strings.Contains(s, "created") && !strings.Contains(s, "removed") && !strings.Contains(s, "modified") && !strings.Contains(s, "updated") {
		return false
	}
	e.Act = event.ActRole
	return true
}

// actOn notes what was done to an account. Who did it stands in hostd's header, where it is known.
func actOn(e *event.Event, a event.Act, account string) bool {
	e.Act, e.Rarely().Target = a, splitUser(account)
	if e.User.Name == "" {
		e.User = e.Target
	}
	return true
}

// lockdownText reads "Administrator access to the host has been enabled.": the end of lockdown mode.
func lockdownText(e *event.Event, s string) bool {
	switch strings.TrimSuffix(s, ".") {
	case "Administrator access to the host has been enabled":
		return act(e, event.ActLockdownOff, "", "")
	case "Administrator access to the host has been disabled":
		return act(e, event.ActLockdownOn, "", "")
	}
	return false
}

// shellService reads "The ESXi command line shell has been enabled.".
func shellService(e *event.Event, s string) bool {
	switch strings.TrimSuffix(s, ".") {
	case "The ESXi command line shell has been enabled", "The ESXi Shell has been enabled":
		return act(e, event.ActShellEnabled, "", "")
	case "The ESXi command line shell has been disabled", "The ESXi Shell has been disabled":
		return act(e, event.ActShellDisabled, "", "")
	}
	return false
}

// firewallText reads "Firewall has been disabled." and "Firewall configuration has changed. …".
func firewallText(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "Firewall ")
	if !ok {
		return false
	}
	switch {
	case strings.HasPrefix(rest, "has been disabled"):
		return act(e, event.ActFirewallOff, "", "")
	case strings.HasPrefix(rest, "has been enabled"):
		return act(e, event.ActFirewallOn, "", "")
	case strings.HasPrefix(rest, "configuration has changed"):
		return act(e, event.ActFirewallChanged, "", "")
	}
	return false
}

func clamp32(v uint64) uint32 { return uint32(min(v, 1<<32-1)) }
