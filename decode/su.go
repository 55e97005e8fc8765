package decode

import (
	"strings"

	"vswarden/event"
)

// suText reads what su, sudo and login say about who became whom:
//
//	bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls            sudo
//	bob : user NOT in sudoers ; TTY=pts/0 ; …
//	Successful su for root by bob · FAILED su for root by bob
//	'su root' failed for bob on /dev/pts/8 · (to root) bob on pts/0
//	FAILED LOGIN 1 FROM tty1 FOR root, Authentication failure · invalid password for 'root' on 'char/tty/1'
func suText(e *event.Event, s string) bool {
	if who, rest, ok := strings.Cut(s, " : "); ok && strings.Contains(rest, "COMMAND=") && strings.IndexByte(trimSpaces(who), ' ') < 0 {
		return sudoText(e, trimSpaces(who), rest)
	}
	for _, form := range [...]struct {
		text string
		act  event.Act
	}{
		{"Successful su for ", event.ActSessionOpened},
		{"FAILED su for ", event.ActLoginFailed},
	} {
		if rest, ok := strings.CutPrefix(s, form.text); ok {
			target, user, ok := cutLast(rest, " by ")
			e.Rarely().Target = splitUser(target)
			return ok && act(e, form.act, user, "")
		}
	}
	if rest, ok := strings.CutPrefix(s, "(to "); ok {
		target, who, ok := strings.Cut(rest, ") ")
		user, terminal, _ := strings.Cut(who, " on ")
		e.Rarely().Target, e.Login.Terminal = splitUser(target), terminal
		return ok && act(e, event.ActSessionOpened, user, "")
	}
	if rest, ok := strings.CutPrefix(s, "'su "); ok {
		target, who, ok := strings.Cut(rest, "' failed for ")
		user, terminal, _ := strings.Cut(who, " on ")
		e.Rarely().Target, e.Login.Terminal = splitUser(target), terminal
		return ok && act(e, event.ActLoginFailed, user, "")
	}
	return failedLogin(e, s)
}

// sudoText reads "TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls" of a user.
func sudoText(e *event.Event, user, s string) bool {
	head, command, _ := strings.Cut(s, "COMMAND=")
	commandLine(e, command)
	e.User = splitUser(user)
	for head != "" {
		var word string
		word, head, _ = strings.Cut(head, " ; ")
		if name, value, ok := strings.Cut(trimSpaces(word), "="); ok {
			switch name {
			case "TTY":
				e.Login.Terminal = value
			case "USER":
				e.Rarely().Target = splitUser(strings.TrimRight(value, " ;"))
			}
		} else if strings.Contains(word, "NOT in sudoers") || strings.Contains(word, "incorrect password") || strings.Contains(word, "not allowed") {
			e.Act, e.Rarely().Command.Result = event.ActLoginFailed, "failure"
		}
	}
	return true
}

// failedLogin reads login's "FAILED LOGIN 1 FROM tty1 FOR root, Authentication failure" and busybox's
// "invalid password for 'root' on 'char/tty/1'".
func failedLogin(e *event.Event, s string) bool {
	if rest, ok := strings.CutPrefix(s, "FAILED LOGIN "); ok {
		from, user, ok := strings.Cut(rest, " FOR ")
		if !ok {
			return false
		}
		if i := strings.LastIndexByte(user, ','); i > 0 {
			user = user[:i]
		}
		_, terminal, _ := strings.Cut(from, "FROM ")
		if _, on, ok := strings.Cut(from, " on "); ok {
			terminal = on
		}
		e.Login.Terminal = strings.Trim(terminal, "'")
		return act(e, event.ActLoginFailed, strings.Trim(user, "'"), "")
	}
	if rest, ok := strings.CutPrefix(s, "invalid password for '"); ok {
		user, terminal, _ := strings.Cut(rest, "' on '")
		e.Login.Terminal = strings.TrimSuffix(terminal, "'")
		return act(e, event.ActLoginFailed, strings.TrimSuffix(user, "'"), "")
	}
	return false
}
