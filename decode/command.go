package decode

import (
	"strings"

	"vswarden/event"
)

// commandWord is the program of a command line, behind assignments such as USER=vpxuser and programs that
// only run another one.
func commandWord(s string) string {
	for {
		word, rest := nextArgument(s)
		rest = trimSpaces(rest)
		if rest == "" || !isAssignment(word) && !isWrapper(word) {
			return word
		}
		s = rest
	}
}

// isAssignment reports NAME=value in front of a command.
func isAssignment(word string) bool {
	i := strings.IndexByte(word, '=')
	return i > 0 && strings.IndexByte(word[:i], '/') < 0 && word[0] != '-'
}

// isWrapper reports words that stand in front of the program that is run.
func isWrapper(word string) bool {
	switch word {
	case "nohup", "sudo", "time", "exec", "env", "command", "do", "then", "else", "if", "while", "!", "{", "(":
		return true
	}
	return false
}

// programName cuts the path off a program, wherever it begins, and the quote of sh -c.
func programName(word string) string {
	for word != "" && (word[0] == '"' || word[0] == '\'' || word[0] == '(') {
		word = word[1:]
	}
	return word[strings.LastIndexByte(word, '/')+1:]
}

// commands looks at every command of a line: what it does to the network, and what in it is secret. Of
// several the one that does most counts. It reports whether that one turns the host's firewall off.
func commands(e *event.Event, s string) (best event.Command, firewallOff bool) {
	for n := 0; s != "" && n < 16; n++ {
		one, rest := simpleCommand(s)
		found := event.Command{Line: one, Name: programName(commandWord(one))}
		off := false
		switch script, ok := shellScript(found.Name, one); {
		case ok:
			found, off = commands(e, script)
		case (found.Name == "echo" || found.Name == "printf") && strings.Contains(rest, "passwd"):
			_, words := nextArgument(trimSpaces(one))
			echoedSecret(e, strings.TrimRight(words, " ")) // echo Secret1! | passwd --stdin root
		default:
			commandSecrets(e, found.Name, one)
			off = networkCommand(&found)
		}
		if weight(&found) > weight(&best) {
			best, firewallOff = found, off
		}
		s = rest
	}
	return best, firewallOff
}

// simpleCommand splits s at the first ; & | or line end outside of quotes.
func simpleCommand(s string) (one, rest string) {
	for i := outside(s, inShell); i < len(s); i++ {
		if classes[s[i]]&inShell == 0 {
			continue
		}
		switch s[i] {
		case ';', '&', '|', '`', '\n':
			return s[:i], s[i+1:]
		case '$':
			if i+1 < len(s) && s[i+1] == '(' {
				return s[:i], s[i+2:]
			}
		case '"', '\'':
			if end := strings.IndexByte(s[i+1:], s[i]); end >= 0 {
				i += end + 1
			}
		}
	}
	return s, ""
}

// shellScript is the script of sh -c "…".
func shellScript(name, s string) (script string, ok bool) {
	switch name {
	case "sh", "bash", "ash", "busybox", "su", "ssh":
	default:
		return "", false
	}
	_, rest, ok := strings.Cut(s, " -c ")
	if !ok {
		return "", false
	}
	script = argument(rest)
	return script, script != "" && len(script) < len(s)
}

// weight orders commands by how much they do.
func weight(c *event.Command) int {
	if c.Weakens {
		return 10
	}
	switch c.Network {
	case event.NetCommandPolicy:
		return 9
	case event.NetCommandSwitch, event.NetCommandVsish:
		return 8
	case event.NetCommandCapture:
		return 7
	case event.NetCommandFirewall:
		return 6
	case event.NetCommandAdapter:
		return 5
	case event.NetCommandShow:
		return 1
	}
	return 0
}

// networkCommand says in which way one command is about the network, and which switch it names.
func networkCommand(c *event.Command) (firewallOff bool) {
	s := c.Line
	if !strings.HasPrefix(s, c.Name) { // a path, or what only runs the program
		if at := strings.Index(s, c.Name); at > 0 {
			s = s[at:]
		}
	}
	switch c.Name {
	case "tcpdump-uw", "pktcap-uw", "tcpdump":
		c.Network = event.NetCommandCapture
	case "esxcfg-vswitch":
		esxcfgVswitch(c, s)
	case "net-dvs":
		netDVS(c, s)
	case "vsish":
		if _, path, ok := strings.Cut(s, "set /net/"); ok {
			c.Network = event.NetCommandVsish
			if portset, ok := strings.CutPrefix(path, "portsets/"); ok {
				c.Switch, _, _ = strings.Cut(portset, "/")
			}
		} else if strings.Contains(s, " /net/") {
			c.Network = event.NetCommandShow
		}
	case "vim-cmd":
		vimCmd(c, s)
	case "esxcfg-vmknic", "esxcfg-nics", "esxcfg-vswif", "esxcfg-route":
		c.Network = event.NetCommandAdapter
	case "net-stats", "esxtop", "resxtop":
		c.Network = event.NetCommandShow
	case "esxcli", "localcli":
		return esxcli(c, s)
	case "esxcfg-firewall":
		c.Network = event.NetCommandFirewall
	}
	return false
}

// esxcfgVswitch reads "esxcfg-vswitch -v 120 -p PG1 vSwitch0", its words in any order.
func esxcfgVswitch(c *event.Command, s string) {
	c.Network = event.NetCommandShow
	for _, s = nextArgument(s); s != ""; {
		var word string
		if word, s = nextArgument(s); !strings.HasPrefix(word, "-") {
			if c.Switch == "" && word != "" {
				c.Switch = argument(word)
			}
			continue
		}
		name, value, joined := strings.Cut(word, "=")
		next, rest := nextArgument(s)
		if !joined {
			value = next
		}
		value = argument(value)
		switch name {
		case "-l", "--list", "-c", "--check", "-C", "--check-pg", "-f", "--force", "-h", "--help", "-b", "--get-cdp":
			if name[1] == 'c' || strings.HasPrefix(name, "-C") || strings.HasPrefix(name, "--check") {
				break
			}
			continue
		case "-r", "--restore", "-q":
			c.Network = event.NetCommandSwitch
			continue
		case "-a", "--add", "-d", "--delete":
			c.Switch = value
			c.Network = event.NetCommandSwitch
		case "-A", "--add-pg", "-D", "--del-pg", "-p", "--pg":
			c.Portgroup = value
			c.Network = event.NetCommandSwitch
		default: // -L, -U, -M, -N, -P, -Q, -v, -m and their long names have a value
			c.Network = event.NetCommandSwitch
		}
		if !joined {
			s = rest
		}
	}
	if c.Network == event.NetCommandShow {
		c.Switch = ""
	}
}

// netDVS reads "net-dvs -s com.vmware.etherswitch.port.security=allow … -p 12 DVS1".
func netDVS(c *event.Command, s string) {
	c.Network = showUnless(s, " -s", " -u", " -a", " -d", " -A", " -D", " -B", " -b")
	if c.Network == event.NetCommandShow {
		return
	}
	c.Switch = argument(lastWord(s))
	if _, value, ok := strings.Cut(s, "port.security"); ok {
		c.Network = event.NetCommandPolicy
		c.Weakens = strings.Contains(value, "allow ")
	}
}

// vimCmd reads "vim-cmd hostsvc/net/portgroup_set --securepolicy-promisc=true vSwitch0 PG1".
func vimCmd(c *event.Command, s string) {
	_, s, ok := strings.Cut(s, "hostsvc/net/")
	if !ok {
		return
	}
	verb, s := nextArgument(s)
	c.Network = showUnless(verb, "_add", "_remove", "_set", "_update", "_destroy", "restore", "refresh")
	if c.Network == event.NetCommandShow {
		return
	}
	for s = trimSpaces(s); s != ""; s = trimSpaces(s) {
		var word string
		word, s = nextArgument(s)
		switch {
		case strings.HasPrefix(word, "--securepolicy"):
			c.Network = event.NetCommandPolicy
			_, value, _ := strings.Cut(word, "=")
			c.Weakens = c.Weakens || accepts(value)
		case strings.HasPrefix(word, "-"):
		case !strings.HasPrefix(verb, "vswitch") && !strings.HasPrefix(verb, "portgroup"):
		case c.Switch == "":
			c.Switch = argument(word)
		case c.Portgroup == "" && strings.HasPrefix(verb, "portgroup"):
			c.Portgroup = argument(word)
		}
	}
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

func lastWord(s string) string {
	i := strings.LastIndexByte(s, ' ')
	if i < 0 {
		return ""
	}
	return s[i+1:]
}
