package decode

import (
	"strings"

	"vswarden/event"
)

// esxcliWords are the words of a command of esxcli that matter here.
type esxcliWords struct {
	network, system, vswitch, portgroup, policy, security, firewall, adapter bool
	shows                                                                    bool // list, get, stats
	set                                                                      bool
	ruleset, unload                                                          bool
	quotes                                                                   bool // in the command, somewhere
	promiscuous, forged, macChange, enabled                                  string
	p                                                                        string // -p: a portgroup, or --allow-promiscuous
}

// esxcli reads "esxcli network …" and "esxcli --formatter=csv network …". It reports whether the host's
// firewall is turned off.
func esxcli(c *event.Command, s string) (firewallOff bool) {
	var w esxcliWords
	w.quotes = strings.IndexByte(s, '"') >= 0 || strings.IndexByte(s, '\'') >= 0
	for _, s = w.next(s); s != ""; {
		var word string
		if word, s = w.next(s); word != "" && word[0] == '-' {
			s = w.option(c, word, s)
		} else if w.word(word); !w.network && !w.system && len(word) > 3 && !isOptionValue(word) {
			break // a namespace that is not about the network
		}
	}
	if !w.network {
		c.Switch, c.Portgroup = "", ""
		if w.set && strings.HasPrefix(w.promiscuous, "/Net/") { // system settings advanced set -o /Net/…
			c.Network = event.NetCommandAdapter
		}
		return false
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
	if c.Portgroup == "" && (w.portgroup || w.adapter) { // elsewhere -p is a port
		c.Portgroup = w.p
	}
	return w.firewall && !w.shows && !w.ruleset && (w.unload || w.set && w.enabled == "false")
}

// isOptionValue reports a word that is no namespace of esxcli's but the value of a global option, such as a
// server's name or address.
func isOptionValue(word string) bool {
	switch word {
	case "device", "elxmgmt", "esxcli", "fcoe", "graphics", "hardware", "iscsi", "nvme", "rdma", "sched", "software", "storage", "vsan", "daemon":
		return false
	}
	return true
}

// word notes a word of the command's name.
func (w *esxcliWords) word(word string) {
	switch word {
	case "network":
		w.network = true
	case "system":
		w.system = true
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
	case "ruleset":
		w.ruleset = true
	case "unload":
		w.unload = true
	}
}

// option notes an option and returns what follows it and its value: --name=value or --name value.
func (w *esxcliWords) option(c *event.Command, word, s string) string {
	name, value, ok := strings.Cut(word, "=")
	rest := s
	if !ok {
		value, rest = w.next(s)
	}
	value = argument(value)
	switch name {
	case "-v", "--vswitch-name":
		c.Switch = value
	case "--portgroup-name":
		c.Portgroup = value
	case "-p":
		w.p = value
	case "-o", "--allow-promiscuous", "--option":
		w.promiscuous = value
	case "-f", "--allow-forged-transmits":
		w.forged = value
	case "-m", "--allow-mac-change":
		w.macChange = value
	case "-e", "--enabled":
		w.enabled = value
	default:
		return s // may be a switch without a value
	}
	return rest
}

// next is nextArgument for the words of a command that mostly has no quotes.
func (w *esxcliWords) next(s string) (word, rest string) {
	if w.quotes {
		return nextArgument(s)
	}
	s = trimSpaces(s)
	if end := strings.IndexByte(s, ' '); end >= 0 {
		return s[:end], s[end:]
	}
	return s, ""
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

// argument is the first word of s as a shell sees it: quotes hold blanks together.
func argument(s string) string {
	s = trimSpaces(s)
	s = strings.TrimPrefix(s, `\`) // an audit record escapes its quotes
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		if value, _, ok := strings.Cut(s[1:], s[:1]); ok {
			return strings.TrimSuffix(value, `\`)
		}
	}
	if i := strings.IndexByte(s, ' '); i >= 0 {
		return s[:i]
	}
	return s
}
