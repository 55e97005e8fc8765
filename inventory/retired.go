package inventory

// ObjectsOf returns the hosts, VMs, switches and portgroups that a vCenter has, in no order; without the hosts
// of which an import has told something after since. It takes the writers' lock.
func (inv *Inventory) ObjectsOf(vcenter uint16, since Stamp) (refs []Ref) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	for ref, e := range inv.vms {
		if ref.VC == vcenter && e.cur.Load().gone == 0 {
			refs = append(refs, ref)
		}
	}
	for ref, h := range inv.hosts {
		v := h.cur.Load()
		imported := len(v.imports) > 0 && v.imports[len(v.imports)-1] > since
		if ref.VC == vcenter && v.gone == 0 && !imported {
			refs = append(refs, ref)
		}
	}
	nets := inv.nets.Load()
	for ref := range nets.switches {
		if ref.VC == vcenter {
			refs = append(refs, ref)
		}
	}
	for ref := range nets.portgroups {
		if ref.VC == vcenter {
			refs = append(refs, ref)
		}
	}
	return refs
}
