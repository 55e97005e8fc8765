package decode

import (
	"strings"

	"vswarden/event"
)

// shellLine reads a command typed in the ESXi shell: "[root]: esxcli …", without a user up to 5.x.
func shellLine(e *event.Event) {
	s := e.Message
	if strings.HasPrefix(s, "Interactive shell session ") {
		e.Act = event.ActSessionOpened
		if strings.HasSuffix(s, "ended") || strings.HasSuffix(s, "closed") {
			e.Act = event.ActSessionClosed
		}
		return
	}
	if user, command, ok := strings.Cut(s, "]: "); ok && strings.HasPrefix(user, "[") && strings.IndexByte(user, ' ') < 0 {
		e.User = splitUser(user[1:])
		s = command
	}
	switch {
	case s == "" || strings.HasPrefix(s, "[") || strings.HasPrefix(s, "TSM "):
	case e.Syslog.AppName == "esxcli" && !strings.HasPrefix(s, "esxcli"):
		commandLine(e, s)
		e.Rarely().Command.Name = e.Syslog.AppName // it logs what follows its name
	default:
		commandLine(e, s)
	}
}

// auditRecord reads an audit record: an element alone, in the message or as structured data.
//
//	[shell.cmd@6876 subject="root" object="shell" command="ls" result="success" status="0"]
func auditRecord(e *event.Event) {
	s := e.Message
	if sd := e.Syslog.StructuredData; sd != "" && strings.Contains(sd, "subject=") {
		s = sd
	}
	n := 0
	if len(s) > len(`"]`) && strings.Index(s, `"]`) == len(s)-2 { // one element and nothing else: nearly every record
		n = len(s)
	} else if n = strictElement(s); n == 0 {
		n = looseElement(s)
	}
	if !strings.HasPrefix(s, "[") || n == 0 {
		return
	}
	element := s[1 : n-1]
	i := strings.IndexByte(element, ' ')
	if i < 0 {
		return
	}
	if id, _, ok := strings.Cut(element[:i], "@"); ok && !strings.HasSuffix(id, ".cmd") {
		e.Rarely().VCEvent.Type = id // what the record is about, where it is no command
	}
	for s = element[i:]; ; {
		key, value, rest, ok := nextParam(s)
		if !ok {
			return
		}
		switch key {
		case "subject":
			e.User = splitUser(value)
		case "command":
			commandLine(e, value)
		case "result":
			e.Rarely().Command.Result = value
		case "status":
			e.Rarely().Command.Status = value
		}
		s = rest
	}
}

// userCommand reads crond's "USER root pid 9919303 cmd /bin/hostd-probe.sh".
func userCommand(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "USER ")
	if !ok {
		return false
	}
	user, rest, ok := strings.Cut(rest, " pid ")
	if !ok {
		return false
	}
	_, command, ok := strings.Cut(rest, " cmd ")
	if !ok {
		return false
	}
	e.User = splitUser(user)
	commandLine(e, command)
	return true
}

// commandLine notes a command, whether it is about the network, and what is secret in it.
func commandLine(e *event.Event, s string) {
	s = trimSpaces(s)
	for s != "" && s[len(s)-1] <= ' ' {
		s = s[:len(s)-1]
	}
	if s == "" {
		return
	}
	e.Act = event.ActCommand
	c := &e.Rarely().Command
	c.Line = s
	c.Name = programName(commandWord(s))
	found, off := commands(e, s)
	c.Network, c.Switch, c.Portgroup, c.Weakens = found.Network, found.Switch, found.Portgroup, found.Weakens
	switch c.Network {
	case event.NetCommandCapture:
		e.Act = event.ActCapture
	case event.NetCommandPolicy:
		e.Act = event.ActSwitchPolicy
	case event.NetCommandSwitch, event.NetCommandVsish:
		e.Act = event.ActSwitchChanged
	case event.NetCommandFirewall:
		e.Act = event.ActFirewallChanged
		if off {
			e.Act = event.ActFirewallOff
		}
	}
}
