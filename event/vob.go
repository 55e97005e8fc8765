package event

import "strings"

// VOB is an observation that vobd reports: "[netCorrelator] 73154456us: [esx.audit.net…] text". One
// happening is reported two to four times: by a vob.* id, by an esx.* id, and again as an event.
type VOB struct {
	Present    bool
	ID         string // event.code: vob.net.vmnic.linkstate.down, esx.audit.ssh.enabled; empty up to ESX 4
	Correlator string // vmware.vob.correlator: netCorrelator, UserLevelCorrelator, …
	UptimeUS   uint64 // vmware.vob.uptime_us: microseconds since the host's boot
	Text       string
	Again      bool // "The event ([esx.…] …) …": ESX 9 reports its report

	Switch     string  // virtual switch the text names
	Portgroups string  // as written: "vc", "Management Network"; or one name without quotes
	NIC        string  // vmnic6
	DVPort     string  // DVPort key
	RuleSet    string  // firewall rule set
	Operation  string  // what was done to it: add, remove, enable
	Result     Outcome // how it ended, where the text tells
	Target     string  // log host that a remote failure names
}

// Outcome is event.outcome in ECS's words; empty where nothing is known.
type Outcome string

// The outcomes that a line itself tells.
const (
	OutcomeSuccess Outcome = "success"
	OutcomeFailure Outcome = "failure"
)

// Security reports whether an id is about the network or about security, so that its event is
// written in full.
func (v *VOB) Security() bool {
	if !v.Present {
		return false
	}
	_, rest, _ := strings.Cut(v.ID, ".")
	word, rest, ok := strings.Cut(rest, ".") // vob.net.…
	if !ok || !securityWord(word, rest) {
		word, rest, ok = strings.Cut(rest, ".") // esx.problem.net.…
	}
	return ok && securityWord(word, rest)
}

// securityWord reports whether an id is about the network or about security by a word behind its first one or two, and by what
// follows that.
func securityWord(word, rest string) bool {
	switch word {
	case "net", "ssh", "shell", "account", "supershell", "dcui", "lockdownmode", "esximage", "uw", "vmsyslogd", "syslog", "usb", "firewall", "vib":
		return true
	case "weak":
		return strings.HasPrefix(rest, "ssl")
	case "host":
		return strings.HasPrefix(rest, "boot") || strings.HasPrefix(rest, "stop")
	case "user":
		for _, about := range [...]string{"ssh", "vmsyslogd", "account", "dcui", "lockdown", "esximage"} {
			if strings.HasPrefix(rest, about) {
				return true
			}
		}
	}
	return false
}
