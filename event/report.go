package event

// Report is what vswarden states by itself about a virtual switch: what a portgroup or port permits
// (posture), or a change of a policy. It is set on events of our own only.
type Report struct {
	Level      string // port, portgroup, switch: what the event is about
	VCenter    NamedFact
	Datacenter string
	Cluster    string
	Host       NamedFact // of a standard switch
	Switch     SwitchFacts
	Portgroup  PortgroupFacts
	Port       string // key of a distributed port
	Policy     PolicyFacts
	Posture    *Posture // what is permitted
	Change     *Change  // what changed
}

// Posture is vmware.posture: who may use what is permitted, and who is exposed. Lists hold the first names, the counts
// tell how many there are.
type Posture struct {
	Permits                              []string // promiscuous, mac-changes, forged-transmits
	MaySniff, MayForge, Exposed          []string
	SniffCount, ForgeCount, ExposedCount int
	Reach                                int // -1: not known
	Advice, Notes                        []string
}

// Change is a change of a policy, in vmware.policy_change.
type Change struct {
	Settings  []SettingChange
	Direction string // weaker, stronger, mixed, same
	Since     int64  // it happened after this, Unix nanoseconds; 0 = unknown. It was seen at Event.Time
}

// SettingChange is one setting before and after.
type SettingChange struct {
	Name     string // allow_promiscuous, mac_changes, forged_transmits, mac_learning, override_allowed
	Old, New string // true, false; empty: nobody stated it
}

// weakens reports a change after which something is permitted that was not.
func (c *Change) weakens() bool { return c.Direction == "weaker" || c.Direction == "mixed" }

// severity is event.severity of what is permitted: promiscuous mode weighs more, and most where
// somebody is there and others are exposed.
func (p *Posture) severity() uint8 {
	for _, word := range p.Permits {
		if word == "promiscuous" {
			if p.ExposedCount > 0 {
				return severityHigh
			}
			return severityMedium
		}
	}
	return severityLow
}
