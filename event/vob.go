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
	_, rest, _ := strings.Cut(v.ID, ".") // vob.net.…
	_, further, _ := strings.Cut(rest, ".")
	return securityWord(rest) || securityWord(further) // esx.problem.net.…
}

// securityWord reports whether an id is about the network or about security by how it goes on behind its first part or two.
func securityWord(s string) bool {
	switch {
	case strings.HasPrefix(s, "net."), strings.HasPrefix(s, "ssh."), strings.HasPrefix(s, "shell."), strings.HasPrefix(s, "account."), strings.HasPrefix(s, "supershell."), strings.HasPrefix(s, "dcui."),
		strings.HasPrefix(s, "lockdownmode."), strings.HasPrefix(s, "esximage."), strings.HasPrefix(s, "uw."), strings.HasPrefix(s, "weak.ssl"), strings.HasPrefix(s, "vmsyslogd."), strings.HasPrefix(s, "syslog."),
		strings.HasPrefix(s, "host.boot"), strings.HasPrefix(s, "host.stop"), strings.HasPrefix(s, "usb."), strings.HasPrefix(s, "firewall."), strings.HasPrefix(s, "user.ssh"), strings.HasPrefix(s, "user.vmsyslogd"),
		strings.HasPrefix(s, "user.account"), strings.HasPrefix(s, "user.dcui"), strings.HasPrefix(s, "user.lockdown"), strings.HasPrefix(s, "user.esximage"), strings.HasPrefix(s, "vib."):
		return true
	}
	return false
}
