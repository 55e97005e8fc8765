package resolve

import (
	"time"

	"vswarden/inventory"
)

// Question is what a line says and what is known of its time.
type Question struct {
	Host *inventory.HostTable // who sent it; nil: not known, and then a port id is worth nothing

	HasPort bool
	Port    uint32
	Kind    inventory.Kind // of the client, by the form of its name; KindUnknown where the line names none
	Client  string         // as written: web-01.eth0
	Name    string         // the VM's name in it: web-01
	Device  string         // the adapter in it: eth0, vmk0
	MAC     inventory.MAC  // with which the line says the port was enabled; zero: it does not

	Believed bool // the sender is believed when it says whose port it is

	From, Join, To inventory.Stamp // the window and the moment in it that the line is of
	Now            inventory.Stamp // the clock, for how far sources have told
	Guard          time.Duration
	// ClockUnsettled: the offset of the sender's clock rests on too few lines.
	ClockUnsettled bool
	// ClockNear: the line's own stamp is within Guard of its receipt. An import is vaguer than that anyway.
	ClockNear bool
	// TableUntrusted: of the last lines of this host that had both a port and a name, too many disagreed with its table.
	TableUntrusted bool
}

// Status is vmware.enrichment.status.
type Status uint8

// The statuses.
const (
	NotApplicable Status = iota // the line names no port and no client
	Unresolved
	Partial // who, but not all of where; or unsure
	Stale   // as Complete, but the source has not told enough for that time
	Complete
)

// String returns the word of the event schema.
func (s Status) String() string {
	return [...]string{"not_applicable", "unresolved", "partial", "stale", "complete"}[s%5]
}

// Missing is a set of facts that an answer lacks (vmware.enrichment.missing).
type Missing uint8

// The facts.
const (
	MissingHost Missing = 1 << iota
	MissingVM
	MissingNIC
	MissingPortgroup
	MissingPolicy
)

var missingNames = [...]string{"host", "vm", "vnic", "portgroup", "policy"}

// Names returns the facts as words.
func (m Missing) Names() (names []string) {
	for i, name := range missingNames {
		if m&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Answer is who held the port. What it points to is never changed.
type Answer struct {
	inventory.Candidate // of whom the answer is; its zero value where there is none

	Device     string // vmk0, vmnic2: of the host's own
	Confidence float64
	Status     Status
	Missing    Missing
	Notes      Note
	// Candidates is how many may be meant, the answer's own included.
	Candidates int
	// Others are all that were considered; they stay valid until the next call.
	Others []inventory.Candidate
	Place  inventory.Where // where the port is, as of the join time
	Agrees Agreement       // whether line and table name the same holder: a test of the table
}

// Agreement is what a line with both a port and a name says about the host's table.
type Agreement uint8

// The outcomes.
const (
	NotCompared Agreement = iota
	Agreed
	Disagreed
)
