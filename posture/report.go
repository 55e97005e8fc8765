// Package posture says what virtual switches permit, where no log line ever will: VMware logs a denial, and nothing
// where promiscuous mode, changed addresses or forged frames are allowed. It answers for every portgroup and port
// that permits something: at which level that is set, who may use it, and who is exposed to them.
//
// It reads an inventory (Of), or the sysfs of a Linux host (ReadSysfs), and watches the inventory over time
// (Reporter): the state every now and then, and each change of a policy. It knows no log line and no server.
package posture

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"vswarden/event"
	"vswarden/inventory"
)

// Setting is one effective setting: what it says and the level at which that is set.
type Setting struct {
	Value string `json:"value,omitempty"`  // accept, reject; empty: nobody stated it
	SetAt string `json:"set_at,omitempty"` // port, portgroup, switch, default, nsx
}

// Permits reports whether the setting permits what it is about.
func (s Setting) Permits() bool { return s.Value == "accept" }

func settingOf(s inventory.Setting) Setting {
	text, _ := s.Value.MarshalText() // it never fails
	if s == (inventory.Setting{}) {
		return Setting{}
	}
	return Setting{Value: string(text), SetAt: s.Level.String()}
}

// Member is who is on a portgroup or port.
type Member struct {
	Kind   string `json:"kind"` // vm, vmk
	Name   string `json:"name"`
	MOID   string `json:"moid,omitempty"`
	Device string `json:"device,omitempty"` // the adapter, by its label
	Host   string `json:"host"`

	host *inventory.HostTable
	port string // key of the distributed port
	id   string // of the VM, or of the vmk on its host: a VM with two adapters is one
}

// on returns the member as one of a host.
func (m Member) on(h *inventory.HostTable) Member {
	m.Host, m.host = h.Facts().Name, h
	m.id = m.Kind + "\x00" + strconv.Itoa(int(h.Ref().VC)) + "\x00" + m.MOID
	if m.MOID == "" {
		m.id += h.Ref().ID + "\x00" + m.Name
	}
	return m
}

// Finding is one portgroup, or one port with settings of its own, that permits something.
type Finding struct {
	Level       string  `json:"level"` // portgroup, port
	VCenter     string  `json:"vcenter,omitempty"`
	Datacenter  string  `json:"datacenter,omitempty"`
	Cluster     string  `json:"cluster,omitempty"`
	Host        string  `json:"host,omitempty"` // of a standard switch
	SwitchType  string  `json:"switch_type"`
	Switch      string  `json:"switch"`
	Portgroup   string  `json:"portgroup"`
	MOID        string  `json:"moid,omitempty"` // of a distributed portgroup
	Port        string  `json:"port,omitempty"` // key of the distributed port
	VLAN        string  `json:"vlan,omitempty"`
	AllVLANs    bool    `json:"all_vlans,omitempty"`
	Version     string  `json:"version,omitempty"`
	Promiscuous Setting `json:"allow_promiscuous"`
	MACChanges  Setting `json:"mac_changes"`
	Forged      Setting `json:"forged_transmits"`
	MACLearning Setting `json:"mac_learning,omitzero"`
	Override    string  `json:"override_allowed,omitempty"` // accept: ports may have settings of their own

	MaySniff []Member `json:"may_sniff"` // who is there, where promiscuous mode is permitted
	MayForge []Member `json:"may_forge"` // who is there, where changed or forged addresses are
	// Exposed are those whose frames pass a host where somebody may sniff, in the VLANs that the portgroup passes.
	Exposed []Member `json:"exposed"`
	// Reach counts who would be exposed if somebody who may sniff ran on each host of the switch.
	Reach      int      `json:"reach"`
	ReachKnown bool     `json:"reach_known"` // the VLANs are known
	Advice     []string `json:"advice,omitempty"`
	Notes      []string `json:"notes,omitempty"`

	moref     string // what the finding is about, within its vCenter
	boot      string // the vCenter's instance UUID, or its name
	hostID    string // of a standard switch: moid of the host
	sw        event.SwitchFacts
	portgroup event.PortgroupFacts
	policy    event.PolicyFacts
}

// permits reports whether the finding permits what one of --fail-on's words means.
func (f *Finding) permits(what FailOn) bool {
	switch what {
	case FailPromiscuous:
		return f.Promiscuous.Permits()
	case FailMACChanges:
		return f.MACChanges.Permits()
	case FailForged:
		return f.Forged.Permits()
	}
	return f.Promiscuous.Permits() || f.MACChanges.Permits() || f.Forged.Permits()
}

// FailOn is a word of --fail-on.
type FailOn string

// The words.
const (
	FailPromiscuous FailOn = "promiscuous"
	FailMACChanges  FailOn = "mac-changes"
	FailForged      FailOn = "forged-transmits"
	FailAny         FailOn = "any"
)

// NotKnown is a portgroup whose policy is not known, in part or at all.
type NotKnown struct {
	VCenter   string `json:"vcenter,omitempty"`
	Host      string `json:"host,omitempty"`
	Switch    string `json:"switch"`
	Portgroup string `json:"portgroup"`
	Why       string `json:"why"`
}

// Report is what an inventory permits at one moment.
type Report struct {
	At         inventory.Stamp `json:"at"`
	Portgroups int             `json:"portgroups"` // looked at, uplinks left out
	Findings   []Finding       `json:"findings"`
	NotKnown   []NotKnown      `json:"not_known"`
}

// Fails reports whether something of the report is what the word means.
func (r *Report) Fails(what FailOn) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.permits(what) })
}

// Of returns what the inventory permits at a moment. now is the clock.
func Of(inv *inventory.Inventory, at, now inventory.Stamp) *Report {
	r := &Report{At: at, Findings: []Finding{}, NotKnown: []NotKnown{}}
	l := lookAround(inv, at, now)
	for _, g := range l.groups {
		if g.portgroup != nil && g.portgroup.Uplink {
			continue
		}
		r.Portgroups++
		r.portgroup(l, g)
	}
	slices.SortStableFunc(r.Findings, widestFirst)
	return r
}

// portgroup judges one portgroup and the ports that differ from it.
func (r *Report) portgroup(l *look, g *group) {
	whole := g.where()
	e, _ := whole.Effective(l.at)
	if why := unknown(&e, g); why != "" {
		r.NotKnown = append(r.NotKnown, NotKnown{l.vcenter(g.vc), g.hostName(), g.switchName, g.name, why})
	}
	if f, ok := l.finding(g, &e, nil); ok {
		r.Findings = append(r.Findings, f)
	}
	for i := range g.ports {
		p := &g.ports[i]
		w := g.where()
		w.Port, w.Enforced = p.port, p.enforced
		if p.port == nil {
			w.Portgroup = nil // a list of the host itself is all there is
		}
		own, _ := w.Effective(l.at)
		if !ownPermission(&own) {
			continue
		}
		if f, ok := l.finding(g, &own, p); ok {
			r.Findings = append(r.Findings, f)
		}
	}
}

// ownPermission reports whether a port permits something that is set at the port.
func ownPermission(e *inventory.Effective) bool {
	for _, s := range [...]inventory.Setting{e.Promiscuous, e.MACChanges, e.ForgedTransmits} {
		if s.Value == inventory.Accept && s.Level == inventory.LevelPort {
			return true
		}
	}
	return false
}

// unknown says why the policy of a portgroup is not known in full; "" = it is.
func unknown(e *inventory.Effective, g *group) string {
	switch {
	case e.NSX:
		return "managed by NSX: the policy is in segment profiles, which vCenter does not show"
	case g.portgroup == nil:
		return "no source states the policy of this portgroup"
	case e.Promiscuous.Value == inventory.Unknown || e.MACChanges.Value == inventory.Unknown || e.ForgedTransmits.Value == inventory.Unknown:
		return "not every setting is stated"
	}
	return ""
}

// widestFirst orders findings: promiscuous mode before all else, then who reaches most, then what is set highest.
func widestFirst(a, b Finding) int {
	rank := func(f *Finding) int {
		switch {
		case f.Promiscuous.Permits():
			return 0
		case f.Forged.Permits():
			return 1
		}
		return 2
	}
	return cmp.Or(
		cmp.Compare(rank(&a), rank(&b)), cmp.Compare(b.Reach, a.Reach), cmp.Compare(a.height(), b.height()),
		strings.Compare(a.VCenter, b.VCenter), strings.Compare(a.Host, b.Host), strings.Compare(a.Switch, b.Switch),
		strings.Compare(a.Portgroup, b.Portgroup), strings.Compare(a.Port, b.Port),
	)
}

// height ranks the level at which the widest permission is set: what is set on a switch holds for every portgroup that
// says nothing else.
func (f *Finding) height() int {
	best := 9
	for _, s := range [...]Setting{f.Promiscuous, f.MACChanges, f.Forged} {
		if s.Permits() {
			best = min(best, slices.Index([]string{"default", "switch", "portgroup", "port"}, s.SetAt)&7)
		}
	}
	return best
}

// Words says what the finding permits and where that is set: "promiscuous mode (set on the portgroup), forged transmits (…)".
func (f *Finding) Words() string {
	var list []string
	for _, s := range [...]struct {
		Setting
		name string
	}{{f.Promiscuous, "promiscuous mode"}, {f.MACChanges, "MAC changes"}, {f.Forged, "forged transmits"}} {
		if s.Permits() {
			list = append(list, s.name+" ("+s.where()+")")
		}
	}
	return strings.Join(list, ", ")
}

func (s Setting) where() string {
	switch s.SetAt {
	case "default":
		return "the host's default"
	case "port", "portgroup", "switch":
		return "set on the " + s.SetAt
	}
	return "set at an unknown level"
}
