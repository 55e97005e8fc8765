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
		e.Command.Name = e.Syslog.AppName // it logs what follows its name
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
	n := strictElement(s)
	if n == 0 {
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
			e.Command.Result = value
		case "status":
			e.Command.Status = value
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
	c := &e.Command
	c.Line = s
	word := commandWord(s)
	c.Name = word[strings.LastIndexByte(word, '/')+1:]
	networkCommand(c)
	switch c.Network {
	case event.NetCommandCapture:
		e.Act = event.ActCapture
	case event.NetCommandPolicy:
		e.Act = event.ActSwitchPolicy
	case event.NetCommandSwitch, event.NetCommandVsish:
		e.Act = event.ActSwitchChanged
	case event.NetCommandFirewall:
		e.Act = event.ActFirewallChanged
	}
	findSecrets(e, s)
}

// commandWord is the program of a command line, behind assignments such as USER=vpxuser.
func commandWord(s string) string {
	for {
		word, rest, more := strings.Cut(s, " ")
		if !more || strings.IndexByte(word, '=') < 0 || strings.IndexByte(word, '/') >= 0 {
			return word
		}
		s = trimSpaces(rest)
	}
}

// networkCommand says in which way a command is about the network, and which switch it names.
func networkCommand(c *event.Command) {
	s := c.Line
	switch c.Name {
	case "tcpdump-uw", "pktcap-uw", "tcpdump":
		c.Network = event.NetCommandCapture
	case "esxcfg-vswitch":
		c.Network = showUnless(s, " -a", " -A", " -d", " -D", " -L", " -U", " -M", " -N", " -P", " -Q", " -v", " -m", " -r", " --add", " --delete", " --link", " --unlink", " --set", " --vlan", " --mtu")
		c.Switch = lastWord(s)
		c.Portgroup = option(s, "-p", "--pg")
		if strings.HasPrefix(c.Switch, "-") || c.Network == event.NetCommandShow {
			c.Switch = ""
		}
	case "net-dvs":
		c.Network = showUnless(s, " -s", " -u", " -a", " -d", " -A", " -D", " -B", " -b")
		c.Switch = lastWord(s)
		if c.Network == event.NetCommandShow {
			c.Switch = ""
		}
	case "vsish":
		c.Network = event.NetCommandNone
		if strings.Contains(s, "set /net/") {
			c.Network = event.NetCommandVsish
		} else if strings.Contains(s, " /net/") {
			c.Network = event.NetCommandShow
		}
	case "vim-cmd":
		if strings.Contains(s, "hostsvc/net/") {
			c.Network = showUnless(s, "_add", "_remove", "_set", "_update", "_destroy", "vswitch_setpolicy", "portgroup_set", "restore", "refresh")
		}
	case "esxcfg-vmknic", "esxcfg-nics":
		c.Network = event.NetCommandAdapter
	case "net-stats", "esxtop", "resxtop":
		c.Network = event.NetCommandShow
	case "esxcli", "localcli":
		esxcli(c, s)
	}
}

// esxcliWords are the words of a command of esxcli that matter here.
type esxcliWords struct {
	network, vswitch, portgroup, policy, security, firewall, adapter bool
	shows                                                            bool // list, get, stats
	set                                                              bool
	promiscuous, forged, macChange                                   string
	p                                                                string // -p: a portgroup, or --allow-promiscuous
}

// esxcli reads "esxcli network …" and "esxcli --formatter=csv network …".
func esxcli(c *event.Command, s string) {
	var w esxcliWords
	for _, s = nextArgument(s); s != ""; {
		var word string
		if word, s = nextArgument(s); strings.HasPrefix(word, "-") {
			s = w.option(c, word, s)
		} else {
			w.word(word)
		}
	}
	if !w.network {
		c.Switch, c.Portgroup = "", ""
		return
	}
	switch {
	case w.shows:
		c.Network = event.NetCommandShow
	case w.policy && w.security && w.set:
		c.Network = event.NetCommandPolicy
		c.Weakens = accepts(w.promiscuous) || accepts(w.forged) || accepts(w.macChange) || !w.portgroup && accepts(w.p)
		if !w.portgroup {
			w.p = ""
		}
	case w.vswitch:
		c.Network = event.NetCommandSwitch
	case w.firewall:
		c.Network = event.NetCommandFirewall
	case w.adapter:
		c.Network = event.NetCommandAdapter
	}
	if c.Portgroup == "" {
		c.Portgroup = w.p
	}
}

// word notes a word of the command's name.
func (w *esxcliWords) word(word string) {
	switch word {
	case "network":
		w.network = true
	case "vswitch":
		w.vswitch = true
	case "portgroup":
		w.portgroup = true
	case "policy":
		w.policy = true
	case "security":
		w.security = true
	case "firewall":
		w.firewall = true
	case "nic", "ip":
		w.adapter = true
	case "list", "get", "stats":
		w.shows = true
	case "set":
		w.set = true
	}
}

// option notes an option and returns what follows it and its value: --name=value or --name value.
func (w *esxcliWords) option(c *event.Command, word, s string) string {
	name, value, joined := strings.Cut(word, "=")
	rest := s
	if joined {
		value = argument(value)
	} else {
		value, rest = nextArgument(s)
		value = argument(value)
	}
	switch name {
	case "-v", "--vswitch-name":
		c.Switch = value
	case "--portgroup-name":
		c.Portgroup = value
	case "-p":
		w.p = value
	case "-o", "--allow-promiscuous":
		w.promiscuous = value
	case "-f", "--allow-forged-transmits":
		w.forged = value
	case "-m", "--allow-mac-change":
		w.macChange = value
	default:
		return s // may be a switch without a value
	}
	return rest
}

// nextArgument takes a word off s as a shell sees it: quotes hold blanks together.
func nextArgument(s string) (word, rest string) {
	s = trimSpaces(s)
	end := wordEnd(s, 0)
	return s[:end], s[end:]
}

func accepts(value string) bool {
	switch value {
	case "true", "1", "yes", "on":
		return true
	}
	return false
}

// showUnless is NetCommandSwitch where one of the words is in s, else NetCommandShow.
func showUnless(s string, words ...string) event.NetCommand {
	for _, word := range words {
		if strings.Contains(s, word) {
			return event.NetCommandSwitch
		}
	}
	return event.NetCommandShow
}

// option is the value of "-v vSwitch0", "--vswitch-name=vSwitch0", "--vswitch-name vSwitch0", with
// the quotes of the shell taken off.
func option(s, short, long string) string {
	for from := 0; ; {
		i := strings.IndexByte(s[from:], ' ')
		if i < 0 {
			return ""
		}
		from += i + 1
		rest := s[from:]
		if value, ok := strings.CutPrefix(rest, long); ok && value != "" && (value[0] == '=' || value[0] == ' ') {
			return argument(value[1:])
		}
		if value, ok := strings.CutPrefix(rest, short); ok && value != "" && (value[0] == '=' || value[0] == ' ') {
			return argument(value[1:])
		}
	}
}

// argument is the first word of s as a shell sees it: quotes hold blanks together.
func argument(s string) string {
	s = trimSpaces(s)
	s = strings.TrimPrefix(s, `\`) // an audit record escapes its quotes
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		if value, _, ok := strings.Cut(s[1:], s[:1]); ok {
			return strings.TrimSuffix(value, `\`)
		}
	}
	word, _, _ := strings.Cut(s, " ")
	return word
}

func lastWord(s string) string {
	i := strings.LastIndexByte(s, ' ')
	if i < 0 {
		return ""
	}
	return s[i+1:]
}
