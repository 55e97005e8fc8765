package inventory

// Verdict is what one security setting says. A setting nobody stated is Unknown: the defaults
// differ per version of ESXi and of the switch, so none is ever assumed.
type Verdict uint8

// The verdicts.
const (
	Unknown Verdict = iota
	Reject
	Accept
)

// VerdictOf returns what allowed says; nil is Unknown.
func VerdictOf(allowed *bool) Verdict {
	switch {
	case allowed == nil:
		return Unknown
	case *allowed:
		return Accept
	}
	return Reject
}

// Flags are the three security settings as a standard switch or portgroup states them.
type Flags struct {
	Promiscuous     Verdict `json:"allow_promiscuous,omitzero"`
	MACChanges      Verdict `json:"mac_changes,omitzero"`
	ForgedTransmits Verdict `json:"forged_transmits,omitzero"`
}

// Inheritable is a setting at one level of a distributed switch. vCenter fills in the value at
// every level and marks it inherited where a level above decides.
type Inheritable struct {
	Value     Verdict `json:"value,omitzero"`
	Inherited bool    `json:"inherited,omitzero"`
}

// SecurityPolicy is DVSSecurityPolicy, deprecated since API 6.7 but still filled in.
type SecurityPolicy struct {
	Present         bool        `json:"present,omitzero"`
	Inherited       bool        `json:"inherited,omitzero"` // all three
	Promiscuous     Inheritable `json:"allow_promiscuous,omitzero"`
	MACChanges      Inheritable `json:"mac_changes,omitzero"`
	ForgedTransmits Inheritable `json:"forged_transmits,omitzero"`
}

// MACManagement is DVSMacManagementPolicy: one mark for the three settings, one for learning.
type MACManagement struct {
	Present   bool        `json:"present,omitzero"`
	Inherited bool        `json:"inherited,omitzero"` // the three flags
	Flags     Flags       `json:"flags,omitzero"`
	Learning  MACLearning `json:"learning,omitzero"`
}

// MACLearning is DVSMacLearningPolicy.
type MACLearning struct {
	Present   bool    `json:"present,omitzero"`
	Inherited bool    `json:"inherited,omitzero"`
	Enabled   Verdict `json:"enabled,omitzero"`
	Flooding  Verdict `json:"allow_unicast_flooding,omitzero"`
	Limit     uint32  `json:"limit,omitzero"` // addresses; 0 = unknown
	DropAbove bool    `json:"drop_above_limit,omitzero"`
}

// DistributedSetting is what one level (port, portgroup, switch) of a distributed switch says.
type DistributedSetting struct {
	Security      SecurityPolicy `json:"security,omitzero"`
	MACManagement MACManagement  `json:"mac_management,omitzero"`
}

// Level is where an effective setting is set (vmware.policy.source).
type Level uint8

// The levels.
const (
	LevelUnknown Level = iota
	LevelPort
	LevelPortgroup
	LevelSwitch
	LevelDefault // the host's own: neither portgroup nor switch states it
	LevelNSX     // an NSX segment profile, which vCenter does not show
)

// String returns the word the event schema uses.
func (l Level) String() string {
	return [...]string{"unknown", "port", "portgroup", "switch", "default", "nsx"}[l%6]
}

// Via is the part of the API that an effective setting was read from.
type Via uint8

// The parts of the API.
const (
	ViaNone          Via = iota
	ViaSecurity          // securityPolicy
	ViaMACManagement     // macManagementPolicy
	ViaComputed          // the host's own computedPolicy
	ViaEnforced          // what the host's switch itself prints (net-dvs)
)

// String returns the name of the part in the vSphere API.
func (v Via) String() string {
	return [...]string{"", "securityPolicy", "macManagementPolicy", "computedPolicy", "enforced"}[v%5]
}

// Setting is one effective setting and where it comes from.
type Setting struct {
	Value Verdict
	Level Level
	Via   Via
}

// PolicyNote is a set of contradictions worth telling a human.
type PolicyNote uint16

// The notes. Those about a single setting stand three in a row: promiscuous, MAC changes, forged transmits.
const (
	NoteComputedPromiscuous PolicyNote = 1 << iota
	NoteComputedMACChanges
	NoteComputedForgedTransmits
	NoteOldPromiscuous
	NoteOldMACChanges
	NoteOldForgedTransmits
	NoteOverrideForbidden
)

// policyNotes are the texts of the notes, in the order of their bits.
var policyNotes = [...]string{
	"allow_promiscuous: the host computed another value than switch and portgroup state: stale inventory or drift",
	"mac_changes: the host computed another value than switch and portgroup state: stale inventory or drift",
	"forged_transmits: the host computed another value than switch and portgroup state: stale inventory or drift",
	"allow_promiscuous: macManagementPolicy and the deprecated securityPolicy differ",
	"mac_changes: macManagementPolicy and the deprecated securityPolicy differ",
	"forged_transmits: macManagementPolicy and the deprecated securityPolicy differ",
	"the port carries an override although its portgroup forbids overrides: left over, or drift",
}

// Texts returns the notes in words.
func (n PolicyNote) Texts() (texts []string) {
	for i, text := range policyNotes {
		if n&(1<<i) != 0 {
			texts = append(texts, text)
		}
	}
	return texts
}

// Effective is the policy in force on one port, as far as it is known.
type Effective struct {
	Promiscuous     Setting
	MACChanges      Setting
	ForgedTransmits Setting
	MACLearning     Setting
	Learning        MACLearning // the rest of the learning policy
	Override        Verdict     // may a port of this portgroup override
	Exempt          bool        // an uplink: the switch enforces nothing there
	NSX             bool        // managed by NSX: the values above are not known here
	Notes           PolicyNote
}

// Unknown reports whether nobody has stated anything, and nothing explains why.
func (e *Effective) Unknown() bool {
	return !e.Exempt && !e.NSX && e.Promiscuous.Value == Unknown && e.MACChanges.Value == Unknown && e.ForgedTransmits.Value == Unknown
}

// EffectiveStandard returns the policy on a port of a standard switch. Each setting the portgroup
// leaves out comes from the switch; the host's own computation gives the value, and what switch
// and portgroup state only tells the level.
func EffectiveStandard(sw, portgroup, computed Flags) (e Effective) {
	e.Promiscuous = e.standard(sw.Promiscuous, portgroup.Promiscuous, computed.Promiscuous, NoteComputedPromiscuous)
	e.MACChanges = e.standard(sw.MACChanges, portgroup.MACChanges, computed.MACChanges, NoteComputedMACChanges)
	e.ForgedTransmits = e.standard(sw.ForgedTransmits, portgroup.ForgedTransmits, computed.ForgedTransmits, NoteComputedForgedTransmits)
	return e
}

func (e *Effective) standard(sw, portgroup, computed Verdict, note PolicyNote) (s Setting) {
	switch {
	case portgroup != Unknown:
		s = Setting{portgroup, LevelPortgroup, ViaSecurity}
	case sw != Unknown:
		s = Setting{sw, LevelSwitch, ViaSecurity}
	}
	if computed == Unknown {
		return s
	}
	switch s.Value {
	case Unknown:
		s.Level = LevelDefault
	case computed:
	default:
		e.Notes |= note
	}
	s.Value, s.Via = computed, ViaComputed
	return s
}

// Distributed is what EffectiveDistributed needs. The zero value of a level: not known.
type Distributed struct {
	Port, Portgroup, Switch DistributedSetting
	SecurityOverride        Verdict // the portgroup's securityPolicyOverrideAllowed
	MACOverride             Verdict // the portgroup's macManagementOverrideAllowed
	MACLearning             bool    // the switch's macLearningSupported (6.6 and later): macManagementPolicy rules
	Uplink, NSX             bool
}

// EffectiveDistributed returns the policy on a port of a distributed switch: the nearest level's value, and the
// level it is set at, found by going up while it is marked inherited. A port's own value counts
// unless its portgroup forbids overrides.
func EffectiveDistributed(d *Distributed) (e Effective) {
	if d.Uplink {
		return Effective{Exempt: true}
	}
	if d.NSX {
		nsx := Setting{Level: LevelNSX}
		return Effective{Promiscuous: nsx, MACChanges: nsx, ForgedTransmits: nsx, MACLearning: nsx, NSX: true}
	}
	security, mac := d.SecurityOverride, d.MACOverride
	if mac == Unknown {
		mac = security
	}
	e.Override = security
	if d.MACLearning {
		e.Override = mac
	}
	for i, setting := range [...]*Setting{&e.Promiscuous, &e.MACChanges, &e.ForgedTransmits} {
		old := e.walk([3]rung{d.Port.Security.rung(i), d.Portgroup.Security.rung(i), d.Switch.Security.rung(i)}, security)
		managed := e.walk([3]rung{d.Port.MACManagement.rung(i), d.Portgroup.MACManagement.rung(i), d.Switch.MACManagement.rung(i)}, mac)
		old.Via, managed.Via = ViaSecurity, ViaMACManagement
		if old.Value != Unknown && managed.Value != Unknown && old.Value != managed.Value {
			e.Notes |= NoteOldPromiscuous << i
		}
		switch {
		case managed.Value != Unknown && (d.MACLearning || old.Value == Unknown):
			*setting = managed
		case old.Value != Unknown:
			*setting = old
		}
	}
	const learning = 3
	e.MACLearning = e.walk([3]rung{d.Port.MACManagement.rung(learning), d.Portgroup.MACManagement.rung(learning), d.Switch.MACManagement.rung(learning)}, mac)
	if e.MACLearning.Value != Unknown {
		e.MACLearning.Via = ViaMACManagement
		e.Learning = d.learning(mac)
	}
	return e
}

// learning returns the learning policy of the nearest level that has one.
func (d *Distributed) learning(override Verdict) MACLearning {
	port := &d.Port.MACManagement.Learning
	if port.Present && (port.Inherited || override != Reject) {
		return *port
	}
	if pg := &d.Portgroup.MACManagement.Learning; pg.Present {
		return *pg
	}
	return d.Switch.MACManagement.Learning
}

// rung is one setting at one level.
type rung struct {
	present   bool
	value     Verdict
	inherited bool
}

func (p *SecurityPolicy) rung(i int) rung {
	s := [...]Inheritable{p.Promiscuous, p.MACChanges, p.ForgedTransmits}[i]
	return rung{p.Present, s.Value, p.Inherited || s.Inherited}
}

func (p *MACManagement) rung(i int) rung {
	if l := &p.Learning; i == 3 {
		return rung{p.Present && l.Present, l.Enabled, l.Inherited}
	}
	return rung{p.Present, [...]Verdict{p.Flags.Promiscuous, p.Flags.MACChanges, p.Flags.ForgedTransmits}[i], p.Inherited}
}

// walk finds the value of the nearest of port, portgroup and switch, and the level that set it.
func (e *Effective) walk(rungs [3]rung, override Verdict) (s Setting) {
	if port := &rungs[0]; port.present && port.value != Unknown && !port.inherited && override == Reject {
		e.Notes |= NoteOverrideForbidden
		*port = rung{}
	}
	for i, r := range rungs {
		if !r.present {
			continue
		}
		if s.Value == Unknown {
			s.Value = r.value
		}
		level := LevelPort + Level(i)
		if r.value != Unknown && (!r.inherited || level == LevelSwitch) {
			s.Level = level
			break
		}
		// Only the switch is above a portgroup, so it decides even where it is hidden from us.
		if level == LevelPortgroup {
			s.Level = LevelSwitch
		}
	}
	if s.Value == Unknown {
		return Setting{}
	}
	return s
}

// MarshalText writes "accept" or "reject", or nothing.
func (v Verdict) MarshalText() ([]byte, error) {
	return []byte([...]string{"", "reject", "accept"}[v%3]), nil
}

// UnmarshalText reads what MarshalText writes, and true and false; anything else is Unknown.
func (v *Verdict) UnmarshalText(text []byte) error {
	switch string(text) {
	case "accept", "true":
		*v = Accept
	case "reject", "false":
		*v = Reject
	default:
		*v = Unknown
	}
	return nil
}
