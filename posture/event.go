package posture

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"vswarden/event"
	"vswarden/inventory"
)

// maxNames is how many members an event names; its counts tell of all.
const maxNames = 100

// eventID names a statement for good: hash of vCenter, object, version and the start of the interval, so that a
// statement made again after a crash is the same one.
func eventID(kind, vcenter, moref, version string, start inventory.Stamp) (id event.ID) {
	h := sha256.New()
	for _, s := range [...]string{kind, vcenter, moref, version} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		_, _ = h.Write(n[:]) // a hash never fails
		_, _ = io.WriteString(h, s)
	}
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(start))
	_, _ = h.Write(n[:])
	copy(id[:], h.Sum(nil))
	return id
}

// newEvent is what all events of this package have in common.
func newEvent(dataset event.Dataset, act event.Act, at inventory.Stamp) *event.Event {
	e := &event.Event{Common: event.Common{Dataset: dataset, Act: act, Time: int64(at), TimeDigits: 3}}
	e.Syslog.Priority = -1
	return e
}

// Event returns the finding as an event of the interval that began at start.
func (f *Finding) Event(start inventory.Stamp) *event.Event {
	e := newEvent(event.DatasetPosture, event.ActPosture, start)
	e.Kind = "state"
	e.ID = eventID("posture", f.boot, f.moref, f.Version, start)
	e.Host = f.Host
	p := &event.Posture{
		MaySniff: firstNames(f.MaySniff), MayForge: firstNames(f.MayForge), Exposed: firstNames(f.Exposed),
		SniffCount: distinct(f.MaySniff), ForgeCount: distinct(f.MayForge), ExposedCount: distinct(f.Exposed),
		Reach: f.Reach, Advice: f.Advice, Notes: f.Notes,
	}
	if !f.ReachKnown {
		p.Reach = -1
	}
	words, _ := f.columns()
	p.Permits = strings.Fields(words)
	e.Report = &event.Report{
		Level: f.Level, VCenter: event.NamedFact{Name: f.VCenter, ID: uuidOf(f.boot, f.VCenter)}, Datacenter: f.Datacenter, Cluster: f.Cluster,
		Host: event.NamedFact{Name: f.Host, ID: f.hostID}, Switch: f.sw, Portgroup: f.portgroup, Port: f.Port, Policy: f.policy, Posture: p,
	}
	e.Message = f.Place() + " permits " + f.Words() + ": " + f.counts(p)
	return e
}

// uuidOf returns the vCenter's instance UUID, or nothing where its name stands for it.
func uuidOf(boot, name string) string {
	if boot == name {
		return ""
	}
	return boot
}

func (f *Finding) counts(p *event.Posture) string {
	if !f.Promiscuous.Permits() {
		return fmt.Sprintf("%d may use it", p.ForgeCount)
	}
	if !f.ReachKnown {
		return fmt.Sprintf("%d may listen", p.SniffCount)
	}
	return fmt.Sprintf("%d may listen, %d are exposed now, %d are in reach", p.SniffCount, p.ExposedCount, p.Reach)
}

// firstNames lists members, each once.
func firstNames(list []Member) (names []string) {
	seen := map[string]bool{}
	for i := range list {
		m := &list[i]
		if seen[m.id] || len(names) == maxNames {
			continue
		}
		seen[m.id] = true
		name := m.Name
		if m.Kind == "vmk" {
			name += " of " + m.Host
		}
		names = append(names, name)
	}
	return names
}

// settingChanges compares what a level said before and after.
func settingChanges(old, now *inventory.Rules) (changes []event.SettingChange, direction string) {
	was, learned := old.Flags()
	is, learns := now.Flags()
	weaker, stronger := false, false
	add := func(name string, before, after inventory.Verdict, weakens bool) {
		if before == after {
			return
		}
		changes = append(changes, event.SettingChange{Name: name, Old: truth(before), New: truth(after)})
		if weakens {
			weaker = weaker || after == inventory.Accept
			stronger = stronger || before == inventory.Accept
		}
	}
	add("allow_promiscuous", was.Promiscuous, is.Promiscuous, true)
	add("mac_changes", was.MACChanges, is.MACChanges, true)
	add("forged_transmits", was.ForgedTransmits, is.ForgedTransmits, true)
	add("mac_learning", learned, learns, false) // it makes other permissions needless, and permits nothing
	add("override_allowed", cmp.Or(old.MACOverride, old.SecurityOverride), cmp.Or(now.MACOverride, now.SecurityOverride), true)
	switch {
	case weaker && stronger:
		direction = "mixed"
	case weaker:
		direction = "weaker"
	case stronger:
		direction = "stronger"
	default:
		direction = "same"
	}
	return changes, direction
}

func truth(v inventory.Verdict) string {
	return [...]string{"", "false", "true"}[v%3]
}

// event returns the change as an event. o is its object as it is now; nil: it is gone.
func (p *pending) event(o *object) *event.Event {
	c, vc := &p.Change, &p.VCenter
	if o == nil {
		o = &object{sw: event.SwitchFacts{Type: c.Kind.String(), Name: c.Switch}}
		if c.Level != inventory.LevelSwitch {
			o.portgroup.Name = c.Name
		}
	}
	e := newEvent(event.DatasetPolicy, event.ActSwitchPolicy, c.When)
	e.ID = eventID("policy "+c.Level.String(), cmp.Or(vc.Instance.String(), vc.Name), p.MORef, p.Version, c.When)
	e.Host = c.Host
	e.User = userOf(c.User)
	if c.Event != "" {
		e.Rarely().VCEvent.Type = "vim.event." + strings.TrimPrefix(c.Event, "vim.event.")
	}
	changes, direction := settingChanges(&c.Old, &c.New)
	e.Report = &event.Report{
		Level: c.Level.String(), VCenter: event.NamedFact{Name: vc.Name, ID: vc.Instance.String()}, Host: event.NamedFact{Name: c.Host, ID: o.host},
		Switch: o.sw, Portgroup: o.portgroup, Port: c.Port, Change: &event.Change{Settings: changes, Direction: direction, Since: int64(c.Since)},
	}
	if p.Version != "" {
		e.Report.Policy = event.PolicyFacts{Known: true, Version: p.Version}
	}
	e.Message = changeText(c, changes, direction)
	return e
}

func changeText(c *inventory.PolicyChange, changes []event.SettingChange, direction string) string {
	text := "policy of " + c.Level.String() + " " + cmp.Or(c.Name, c.Switch)
	if c.Level == inventory.LevelPort {
		text = "policy of port " + c.Port + " of " + cmp.Or(c.Name, c.Switch)
	}
	if c.Switch != "" && c.Switch != c.Name {
		text += onPlace(c.Switch)
	}
	text += onPlace(c.Host) + " changed"
	for i, s := range changes {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		text += sep + s.Name + " " + cmp.Or(s.Old, "unset") + " to " + cmp.Or(s.New, "unset")
	}
	if c.User != "" {
		text += ", by " + c.User
	}
	return text + " (" + direction + ")"
}

// userOf takes DOMAIN\user and user@domain apart.
func userOf(s string) event.User {
	if domain, name, ok := strings.Cut(s, `\`); ok {
		return event.User{Name: name, Domain: domain}
	}
	if i := strings.LastIndexByte(s, '@'); i > 0 {
		return event.User{Name: s[:i], Domain: s[i+1:]}
	}
	return event.User{Name: s}
}
