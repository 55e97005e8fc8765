package inventory

// Named appends to dst the VMs that ran on the host in the window under that name: as it was then,
// or as it was earlier in the same residence, because VMkernel keeps a VM's name until the next power cycle or
// vMotion. If there are none, the last one before the window. Names are compared exactly.
func (h *HostTable) Named(name string, q *Query, dst []Candidate) []Candidate {
	if name == "" {
		return dst
	}
	v := h.cur.Load()
	base := len(dst)
	v.called(name, func(r *residence) { dst = h.considerNamed(v, r, name, q, dst, base) })
	oldest := q.From.Add(-grace)
	for i := len(v.former) - 1; i >= 0 && v.former[i].late >= oldest; i-- {
		dst = h.considerNamed(v, &v.former[i], name, q, dst, base)
	}
	return dropGhosts(dst, base)
}

func (h *HostTable) considerNamed(v *hostView, r *residence, name string, q *Query, dst []Candidate, base int) []Candidate {
	vm := r.vm.cur.Load()
	if r.name != name && vm.past == nil { // most of those who left
		return dst
	}
	cover, backdated := coverOf(r.early, r.from, r.to, r.late, r.backdated, q)
	if cover == CoverNone {
		return dst
	}
	bore, former := vm.bore(name, r.early, q, h.inv)
	if !bore {
		return dst
	}
	for i := base; i < len(dst); i++ { // two residences of one VM
		if dst[i].VM != nil && dst[i].VM.Ref == vm.Ref && dst[i].Cover >= cover {
			return dst
		}
	}
	c := Candidate{
		Kind: KindVM, VM: vm, Client: name, Early: r.early, From: r.from, To: r.to, Late: r.late, Stated: r.at,
		Method: MethodClientName, Cover: cover, FormerName: former,
	}
	if len(vm.NICs) == 1 {
		c.NICKey = vm.NICs[0].Key
	}
	if backdated {
		c.Method |= MethodBackdated
	}
	s := (*h.inv.sources.Load())[r.source]
	if s.kind == SourceImport {
		c.Method |= MethodImport
		c.Settled = true
		return append(dst, c)
	}
	if !s.synced.Load() {
		c.Method |= MethodSnapshot
	}
	c.Settled = v.knownUpTo(r.source, s, q.Now) >= q.At.Add(h.inv.cfg.Guard)
	return append(dst, c)
}

// bore reports whether the VM had that name at some moment from since to the end of the window, and
// whether only before the window.
func (vm *VM) bore(name string, since Stamp, q *Query, inv *Inventory) (bore, former bool) {
	guard := inv.cfg.Guard
	if vm.Name == name && vm.nameFrom.Add(-guard) <= q.To {
		return true, false
	}
	if vm.past == nil {
		return false, false
	}
	for i := len(vm.past.names) - 1; i >= 0; i-- {
		n := &vm.past.names[i]
		if n.name == name && n.from.Add(-guard) <= q.To && n.late >= since {
			return true, n.late < q.From
		}
	}
	return false, false
}

// NameAt returns the VM's name at t; before its first is known, the first.
func (vm *VM) NameAt(t Stamp) string {
	if vm.past != nil {
		for i := range vm.past.names {
			if n := &vm.past.names[i]; t < n.to {
				return n.name
			}
		}
	}
	return vm.Name
}

// FormerNames returns the names the VM had before, oldest first.
func (vm *VM) FormerNames() (names []string) {
	if vm.past != nil {
		for i := range vm.past.names {
			names = append(names, vm.past.names[i].name)
		}
	}
	return names
}
