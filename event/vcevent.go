package event

// VCEvent is an event of vCenter as it comes over syslog: "Event [5851] [1-1] [time]
// [vim.event.UserLoginSessionEvent] [info] [user] [target] [5851] [text]". A long one comes in parts;
// only the first has more than its number and a piece of the text.
type VCEvent struct {
	Present  bool
	ID       uint64 // vmware.event.id: its key
	Part     uint16 // vmware.event.part, from 1
	Parts    uint16 // vmware.event.parts
	Time     string // createdTime, as written; the header has the time of sending
	Type     string // event.code: vim.event.UserLoginSessionEvent
	Severity string // info, warning, error, user
	Target   string // vmware.event.target: the entity, or empty
	ChainID  uint64 // vmware.event.chain_id; 0 = none
	Text     string

	Switch    string // distributed switch the text names
	Portgroup string
	DVPort    string // key of the distributed port, or several: 12,13
	VM        string
	OldMAC    string // as written; only where it is known
	NewMAC    string
	Changes   [MaxPolicyChanges]PolicyChange // security policy, where the text carries it
}

// MaxPolicyChanges is how many settings one event can change: promiscuous mode, MAC changes, forged
// transmits.
const MaxPolicyChanges = 3

// PolicyChange is one setting of a security policy before and after.
type PolicyChange struct {
	Setting  string // as written: allowPromiscuous, macChanges, forgedTransmits
	Old, New string // false, true; as written
}

// Weakens reports whether a change allows what was not allowed before.
func (c PolicyChange) Weakens() bool { return c.New == "true" && c.Old != "true" }
