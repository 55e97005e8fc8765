// Package facts says what an inventory knows of switches, portgroups and policies in the words of events: one
// wording for what a line is joined with and for what is stated without one.
package facts

import (
	"vswarden/event"
	"vswarden/inventory"
)

// Switch is a switch; where sw is nil only its kind and name are known.
func Switch(sw *inventory.Switch, kind inventory.SwitchKind, name string) event.SwitchFacts {
	f := event.SwitchFacts{Type: kind.String(), Name: name}
	if sw != nil {
		f.UUID, f.MOID = sw.UUID.Spaced(), sw.Ref.ID
	}
	return f
}

// Portgroup is a portgroup; where p is nil only its name is known.
func Portgroup(p *inventory.Portgroup, name string) event.PortgroupFacts {
	f := event.PortgroupFacts{Name: name}
	if p == nil {
		return f
	}
	f.MOID = p.Ref.ID
	switch v := &p.VLAN; v.Kind {
	case inventory.VLANAccess:
		f.VLANType, f.VLAN = "access", v.ID
	case inventory.VLANPrivate:
		f.VLANType, f.VLAN = "private", v.ID
	case inventory.VLANTrunk:
		f.VLANType = "trunk"
		for _, r := range v.Ranges {
			f.Ranges = append(f.Ranges, [2]uint16{r.First, r.Last})
		}
	}
	return f
}

// Policy is what is in force, and at which level each setting is set. version is that of the portgroup's configuration.
func Policy(e *inventory.Effective, version string) event.PolicyFacts {
	p := event.PolicyFacts{Known: true, OverrideAllowed: verdict(e.Override), Version: version}
	for i, s := range [...]struct {
		setting *inventory.Setting
		value   **bool
	}{{&e.Promiscuous, &p.Promiscuous}, {&e.MACChanges, &p.MACChanges}, {&e.ForgedTransmits, &p.ForgedTransmits}, {&e.MACLearning, &p.MACLearning}} {
		if *s.value = verdict(s.setting.Value); *s.value != nil {
			p.From[i] = event.PolicySource(s.setting.Level.String())
		}
	}
	return p
}

// verdict is nil where nothing is known.
func verdict(v inventory.Verdict) *bool {
	if v == inventory.Unknown {
		return nil
	}
	allowed := v == inventory.Accept
	return &allowed
}
