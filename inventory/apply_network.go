package inventory

import (
	"maps"
	"slices"
)

// network is what lookups see of distributed switches. It is replaced, never changed.
type network struct {
	switches   map[Ref]*Switch
	portgroups map[Ref]*Portgroup
	ports      map[Ref]map[string]*DVPort // by switch and key
}

// network takes in distributed switches, portgroups and ports.
func (a *applying) network(u *Update) {
	if len(u.Switches)+len(u.Portgroups)+len(u.DVPorts) == 0 {
		return
	}
	n := *a.inv.nets.Load()
	if len(u.Switches) > 0 {
		n.switches = cloneMap(n.switches)
	}
	for i := range u.Switches {
		s := u.Switches[i]
		s.since, s.past = 0, nil
		if old := n.switches[s.Ref]; old != nil {
			s.since, s.past = a.rulesChange(old.since, old.past, &old.Rules, &s.Rules)
			if old.Rules != s.Rules {
				a.noteChange(PolicyChange{Level: LevelSwitch, Kind: s.Kind, Object: s.Ref, Name: s.Name, Switch: s.Name, Old: old.Rules, New: s.Rules})
			}
		}
		n.switches[s.Ref] = &s
	}
	if len(u.Portgroups) > 0 {
		n.portgroups = cloneMap(n.portgroups)
	}
	for i := range u.Portgroups {
		p := u.Portgroups[i]
		p.since, p.past = 0, nil
		if old := n.portgroups[p.Ref]; old != nil {
			p.since, p.past = a.rulesChange(old.since, old.past, &old.Rules, &p.Rules)
			if old.Rules != p.Rules {
				a.noteChange(PolicyChange{
					Level: LevelPortgroup, Kind: p.Kind, Object: p.Ref, Name: p.Name, Switch: n.switchName(Ref{p.Ref.VC, p.Switch}), Old: old.Rules, New: p.Rules,
				})
			}
		}
		n.portgroups[p.Ref] = &p
	}
	if len(u.DVPorts) > 0 {
		n.ports = cloneMap(n.ports)
		a.dvports(&n, u.DVPorts, u.First)
	}
	a.inv.nets.Store(&n)
}

// dvports takes in ports of distributed switches. A port that says nothing is forgotten once it has no past.
func (a *applying) dvports(n *network, ports []DVPort, first bool) {
	fresh := map[Ref]bool{}
	for i := range ports {
		p := ports[i]
		if !fresh[p.Switch] {
			n.ports[p.Switch] = cloneMap(n.ports[p.Switch])
			fresh[p.Switch] = true
		}
		table := n.ports[p.Switch]
		p.Portgroup, p.Status = a.inv.word(p.Portgroup), a.inv.word(p.Status)
		p.since, p.past = 0, nil
		var before Rules // a port that was not kept said nothing
		old := table[p.Key]
		if old != nil {
			before = old.Rules
			p.since, p.past = a.rulesChange(old.since, old.past, &old.Rules, &p.Rules)
		}
		if before != p.Rules && (old != nil || !first) {
			c := PolicyChange{
				Level: LevelPort, Kind: DistributedSwitch, Object: p.Switch, Switch: n.switchName(p.Switch), Port: p.Key, Old: before, New: p.Rules,
			}
			if pg := n.portgroups[Ref{p.Switch.VC, p.Portgroup}]; pg != nil {
				c.Name = pg.Name
			}
			a.noteChange(c)
		}
		if p.past == nil && !p.Blocked && p.Status == "" && p.Rules == (Rules{}) {
			delete(table, p.Key)
			continue
		}
		table[p.Key] = &p
	}
}

// goneNetwork takes a distributed switch or portgroup out of the inventory.
func (a *applying) goneNetwork(ref Ref) {
	n := *a.inv.nets.Load()
	switch {
	case n.switches[ref] != nil:
		n.switches = maps.Clone(n.switches)
		delete(n.switches, ref)
		n.ports = maps.Clone(n.ports)
		delete(n.ports, ref)
	case n.portgroups[ref] != nil:
		n.portgroups = maps.Clone(n.portgroups)
		delete(n.portgroups, ref)
	default:
		return
	}
	a.inv.nets.Store(&n)
}

// cloneMap returns a copy of m that can be written to.
func cloneMap[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return maps.Clone(m)
}

// switchName returns the name of a distributed switch, or nothing.
func (n *network) switchName(ref Ref) string {
	if s := n.switches[ref]; s != nil {
		return s.Name
	}
	return ""
}

// Switches returns every distributed switch, in no order.
func (inv *Inventory) Switches() []*Switch {
	return slices.Collect(maps.Values(inv.nets.Load().switches))
}

// Portgroups returns every distributed portgroup, in no order.
func (inv *Inventory) Portgroups() []*Portgroup {
	return slices.Collect(maps.Values(inv.nets.Load().portgroups))
}

// DVPorts returns the ports that are kept of a distributed switch, in no order.
func (inv *Inventory) DVPorts(sw Ref) []*DVPort {
	return slices.Collect(maps.Values(inv.nets.Load().ports[sw]))
}

// Switch returns a distributed switch, or nil.
func (inv *Inventory) Switch(ref Ref) *Switch { return inv.nets.Load().switches[ref] }

// Portgroup returns a distributed portgroup, or nil.
func (inv *Inventory) Portgroup(ref Ref) *Portgroup { return inv.nets.Load().portgroups[ref] }

// DVPort returns what is kept of a port of a distributed switch, or nil.
func (inv *Inventory) DVPort(sw Ref, key string) *DVPort { return inv.nets.Load().ports[sw][key] }
