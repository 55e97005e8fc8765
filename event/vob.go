package event

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
	switch {
	case !v.Present:
		return false
	case v.has("net."), v.has("ssh."), v.has("shell."), v.has("account."), v.has("supershell."), v.has("dcui."),
		v.has("lockdownmode."), v.has("esximage."), v.has("uw."), v.has("weak.ssl"), v.has("vmsyslogd."), v.has("syslog."),
		v.has("host.boot"), v.has("host.stop"), v.has("usb."), v.has("firewall."), v.has("user.ssh"), v.has("user.vmsyslogd"),
		v.has("user.account"), v.has("user.dcui"), v.has("user.lockdown"), v.has("user.esximage"), v.has("vib."):
		return true
	}
	return false
}

// has reports whether the id goes on with word behind its first part or two: vob.net.…,
// esx.problem.net.….
func (v *VOB) has(word string) bool {
	id := v.ID
	for range 2 {
		i := 0
		for i < len(id) && id[i] != '.' {
			i++
		}
		if i == len(id) {
			return false
		}
		id = id[i+1:]
		if len(id) >= len(word) && id[:len(word)] == word {
			return true
		}
	}
	return false
}
