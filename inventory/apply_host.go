package inventory

import (
	"slices"
	"time"
)

// hostTimeout is how long a host may be silent before vCenter says that it does not respond: what
// vCenter had from it by then may be that old.
const hostTimeout = 2 * time.Minute

// rebootSlack is by how much a boot time must grow to be another boot: it is computed from an uptime and wobbles.
const rebootSlack = Stamp(30 * time.Second)

// host takes in the facts of one host.
func (a *applying) host(facts *Host) {
	h := a.inv.host(facts.Ref, facts.Name)
	v := a.inv.open(h)
	old := v.host
	host := *facts
	a.shareHost(&host)
	a.carryRules(&host, old)
	v.host = &host
	if v.gone != 0 {
		v.gone = 0
		a.inv.stale = true
	}
	if old.Name != host.Name || old.Hostname != host.Hostname || old.UUID != host.UUID || !sameAddresses(old, &host) {
		a.inv.stale = true
	}
	switch {
	case old.Boot == 0 && host.Boot != 0:
		v.clipBackdated(host.Boot)
	case host.Boot > old.Boot+rebootSlack:
		a.endAll(h, min(host.Boot, a.at))
	}
	if a.src.kind == SourcePushed {
		a.markConnection(h, v)
	}
	a.infrastructure(v)
}

// markConnection follows the host being cut off from its vCenter and coming back.
func (a *applying) markConnection(h *HostTable, v *hostView) {
	m := v.mark(a.id)
	away := v.host.Connection == Disconnected || v.host.Connection == NotResponding
	switch {
	case m != nil && away && m.until == 0:
		m.until = max(m.since, min(a.src.upTo(a.at), a.at).Add(-hostTimeout))
	case !away && (m == nil || m.until != 0):
		a.src.pending = append(a.src.pending, h)
	}
}

// shareHost gives the host its own lists, which will be written to, and lets equal strings of many hosts share their
// memory.
func (a *applying) shareHost(host *Host) {
	host.Switches, host.Portgroups = slices.Clone(host.Switches), slices.Clone(host.Portgroups)
	w := a.inv.word
	host.Version, host.Build = w(host.Version), w(host.Build)
	host.Cluster = Place{w(host.Cluster.ID), w(host.Cluster.Name)}
	host.Datacenter = Place{w(host.Datacenter.ID), w(host.Datacenter.Name)}
	for i := range host.Portgroups {
		p := &host.Portgroups[i]
		p.Name, p.Switch = w(p.Name), w(p.Switch)
	}
	for i := range host.Switches {
		host.Switches[i].Name = w(host.Switches[i].Name)
	}
}

// carryRules gives the host's switches and portgroups the past of their namesakes.
func (a *applying) carryRules(host, old *Host) {
	for i := range host.Switches {
		s := &host.Switches[i]
		for j := range old.Switches {
			if o := &old.Switches[j]; o.Name == s.Name {
				s.since, s.past = a.rulesChange(o.since, o.past, &o.Rules, &s.Rules)
				a.noteHostChange(host, LevelSwitch, s.Name, s.Name, &o.Rules, &s.Rules)
			}
		}
	}
	for i := range host.Portgroups {
		p := &host.Portgroups[i]
		for j := range old.Portgroups {
			if o := &old.Portgroups[j]; o.Name == p.Name {
				p.since, p.past = a.rulesChange(o.since, o.past, &o.Rules, &p.Rules)
				a.noteHostChange(host, LevelPortgroup, p.Name, p.Switch, &o.Rules, &p.Rules)
			}
		}
	}
}

// noteHostChange keeps a change on a standard switch.
func (a *applying) noteHostChange(host *Host, level Level, name, sw string, old, now *Rules) {
	if *old != *now {
		a.noteChange(PolicyChange{
			Level: level, Kind: Standard, Object: host.Ref, Host: host.Name, Name: name, Switch: sw, Old: *old, New: *now,
		})
	}
}

// rulesChange returns since when the new rules hold and what held before.
func (a *applying) rulesChange(since Stamp, past []rulesSpan, old, now *Rules) (Stamp, []rulesSpan) {
	if *old == *now {
		return since, past
	}
	a.inv.closed++
	span := rulesSpan{from: since, to: max(since, a.told()), late: a.at, rules: *old}
	return a.at, append(slices.Clip(past), span)
}

// infrastructure binds the ports that the host's own facts name: its vmk interfaces and uplinks.
func (a *applying) infrastructure(v *hostView) {
	for i := range v.host.Kernel {
		if k := &v.host.Kernel[i]; k.Port != 0 {
			a.bind(v, &Row{Port: k.Port, Kind: KindVMKernel, Client: k.Device, MAC: k.MAC, Net: Net{Switch: k.Switch, Portgroup: k.Portgroup, DVPort: k.DVPort}})
		}
	}
	for i := range v.host.Uplinks {
		if u := &v.host.Uplinks[i]; u.Port != 0 {
			a.bind(v, &Row{Port: u.Port, Kind: KindUplink, Client: u.Device, MAC: u.MAC, Net: Net{Switch: u.Switch}})
		}
	}
}

// clipBackdated makes nothing on a host older than the host's boot.
func (v *hostView) clipBackdated(boot Stamp) {
	for i := range v.residents {
		if r := &v.residents[i]; r.backdated && r.early < boot && boot < r.from {
			r.early = boot
		}
	}
	for i := range v.ports {
		row := &v.ports[i]
		for j := range row.open {
			if b := row.open[j]; b.backdated && b.early < boot && boot < b.from {
				row.open = append([]binding(nil), row.open...)
				row.open[j].early = boot
			}
		}
	}
}

// endAll ends every interval of a host that began before boot: the host was rebooted, and port ids start anew.
func (a *applying) endAll(h *HostTable, boot Stamp) {
	v := a.inv.open(h)
	to := func(from Stamp) Stamp { return min(boot, a.end(v, from)) }
	kept := v.residents[:0]
	for _, r := range v.residents {
		if r.from >= boot || r.at != 0 {
			kept = append(kept, r)
			continue
		}
		r.vm.home = nil
		a.closeResidence(v, r, to(r.from), boot)
	}
	v.residents = kept
	for i := range v.ports {
		row := &v.ports[i]
		for j := len(row.open) - 1; j >= 0; j-- {
			if b := &row.open[j]; b.from < boot {
				a.closeBinding(row, j, to(b.from), boot)
			}
		}
		for j := range row.stated {
			if b := row.stated[j]; b.at < boot && b.late > boot {
				row.stated = append([]binding(nil), row.stated...)
				row.stated[j].to, row.stated[j].late = min(b.to, boot), boot
			}
		}
	}
}

func sameAddresses(a, b *Host) bool {
	if len(a.Kernel) != len(b.Kernel) || len(a.Addresses) != len(b.Addresses) {
		return false
	}
	for i := range a.Addresses {
		if a.Addresses[i] != b.Addresses[i] {
			return false
		}
	}
	for i := range a.Kernel {
		x, y := &a.Kernel[i], &b.Kernel[i]
		if x.MAC != y.MAC || x.Device != y.Device || len(x.Addresses) != len(y.Addresses) {
			return false
		}
		for j := range x.Addresses {
			if x.Addresses[j] != y.Addresses[j] {
				return false
			}
		}
	}
	return true
}
