package inventory

// SwitchKind tells the kinds of virtual switches apart.
type SwitchKind uint8

// The kinds of switches.
const (
	SwitchUnknown SwitchKind = iota
	Standard
	DistributedSwitch
	Opaque // managed elsewhere (NSX): vCenter shows a name only
	Bridge // a Linux bridge
)

// String returns the word vmware.switch.type uses.
func (k SwitchKind) String() string {
	return [...]string{"", "standard", "distributed", "opaque", "bridge"}[k%5]
}

// Switch is one virtual switch: distributed ones stand by themselves, standard ones in their Host.
type Switch struct {
	Ref         Ref        `json:"ref,omitzero"` // distributed only
	Kind        SwitchKind `json:"kind"`
	Name        string     `json:"name"`
	UUID        UUID       `json:"uuid,omitzero"`
	MACLearning bool       `json:"mac_learning_supported,omitzero"`
	Rules       Rules      `json:"rules,omitzero"`

	since Stamp
	past  []rulesSpan
}

// Portgroup is one portgroup: distributed ones stand by themselves, those of standard switches in their Host.
type Portgroup struct {
	Ref    Ref        `json:"ref,omitzero"` // distributed: its moid, which is also its key
	Kind   SwitchKind `json:"kind"`
	Name   string     `json:"name"`
	Switch string     `json:"switch,omitempty"` // standard: the switch's name; distributed: its moid
	VLAN   VLAN       `json:"vlan,omitzero"`
	Uplink bool       `json:"uplink,omitzero"`
	NSX    bool       `json:"nsx,omitzero"`
	// ResetAtDisconnect: a port loses its overrides when its VM is powered off.
	ResetAtDisconnect bool   `json:"reset_at_disconnect,omitzero"`
	Version           string `json:"version,omitempty"` // configVersion
	Rules             Rules  `json:"rules,omitzero"`

	since Stamp
	past  []rulesSpan
}

// DVPort is one port of a distributed switch, kept where it differs from its portgroup or is blocked.
type DVPort struct {
	Switch    Ref    `json:"switch"`
	Key       string `json:"key"`
	Portgroup string `json:"portgroup,omitempty"` // moid
	Blocked   bool   `json:"blocked,omitzero"`
	Status    string `json:"status,omitempty"` // state.runtimeInfo.statusDetail
	Rules     Rules  `json:"rules,omitzero"`

	since Stamp
	past  []rulesSpan
}

// Rules are what one level says about security. It is compared and kept as a whole: a change of
// any part ends an interval.
type Rules struct {
	Own              Flags              `json:"own,omitzero"`      // standard switch or portgroup
	Computed         Flags              `json:"computed,omitzero"` // standard portgroup: what the host computed
	Distributed      DistributedSetting `json:"distributed,omitzero"`
	SecurityOverride Verdict            `json:"security_override,omitzero"` // distributed portgroup: may ports override
	MACOverride      Verdict            `json:"mac_override,omitzero"`
}

// rulesSpan is what a level said in [from, to). late is when the change was seen: it happened in [to, late].
type rulesSpan struct {
	from, to, late Stamp
	rules          Rules
}

// rulesAt returns what held at t, and whether it was then just changing. Before the first is known what
// is known first.
func rulesAt(now *Rules, past []rulesSpan, t Stamp) (r Rules, changing bool) {
	for i := range past {
		if t < past[i].to {
			return past[i].rules, changing
		}
		changing = t <= past[i].late
	}
	return *now, changing
}
