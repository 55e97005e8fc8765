package inventory

// Version counts changes of what the inventory knows. What a reader worked out after it read a version holds as long as
// the version stays, but for the clock: what sources have told since.
func (inv *Inventory) Version() uint64 { return inv.version.Load() }

// changed moves the version on. Writers only, after what changed can be seen.
func (inv *Inventory) changed() { inv.version.Add(1) }

// Steady reports whether a candidate holds its port for every window that begins at from or later and whose end its source
// has told past, as long as Version stays: it holds the port now, and nothing about it or its place has changed since from.
func (h *HostTable) Steady(c *Candidate, w *Where, from Stamp) bool {
	const dated = MethodBackdated | MethodImport | MethodTombstone
	if c.Cover != CoverAll || c.To != Forever || !c.Settled || c.Method&dated != 0 || c.FormerName || len(h.cur.Load().marks) != 1 {
		return false
	}
	if vm := c.VM; vm != nil && (vm.gone != 0 || !vm.past.before(from)) {
		return false
	}
	return (w.Switch == nil || rulesBefore(w.Switch.past, from)) && (w.Portgroup == nil || rulesBefore(w.Portgroup.past, from)) &&
		(w.Port == nil || rulesBefore(w.Port.past, from))
}

// before reports whether all that a VM was had ended before t.
func (p *vmPast) before(t Stamp) bool {
	if p == nil {
		return true
	}
	for i := range p.names {
		if p.names[i].late >= t {
			return false
		}
	}
	for i := range p.nets {
		if p.nets[i].late >= t {
			return false
		}
	}
	for i := range p.addrs {
		if p.addrs[i].late >= t {
			return false
		}
	}
	return true
}

func rulesBefore(past []rulesSpan, t Stamp) bool {
	for i := range past {
		if past[i].late >= t {
			return false
		}
	}
	return true
}
