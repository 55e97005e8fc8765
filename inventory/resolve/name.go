package resolve

import "vswarden/inventory"

// checkName weighs what an agreement is worth that does not rest on the table alone: a name that several of the
// port's holders bore decides nothing, one that others on the host bore or that was given up decides less.
func (r *Resolver) checkName(q *Question, a *Answer, agreeing, vms int) {
	switch {
	case !a.Settled && twins(q, a.VM):
		a.Confidence = min(a.Confidence, unsettled)
		a.Notes |= NoteTwoNames
	case agreeing > 1:
		a.Confidence = min(a.Confidence, unsure)
		a.Notes |= NoteTwoNames
	case a.Confidence == exact:
	case vms > 1:
		a.Confidence = min(a.Confidence, unsettled)
		a.Notes |= NoteTwoNames
	case r.former(a.VM):
		a.Confidence = min(a.Confidence, unsettled)
		a.Notes |= NoteFormerName
	}
}

// twins reports whether another machine than vm bears the line's name now, on whatever host: as long as the source
// has not told all, it may be this one that has come here.
func twins(q *Question, vm *inventory.VM) bool {
	return vm != nil && q.Kind == inventory.KindVM && (q.Host.OthersNamed(q.Name, vm) || q.Client != q.Name && q.Host.OthersNamed(q.Client, vm))
}

// former reports whether the line's name is one that the VM bore before only.
func (r *Resolver) former(vm *inventory.VM) bool {
	for i := range r.names {
		if n := &r.names[i]; vm != nil && n.VM.Ref == vm.Ref && !n.FormerName {
			return false
		}
	}
	return len(r.names) > 0
}

// agrees reports whether the line names the candidate: by the name it had, or by the client name that the
// source itself printed.
func (r *Resolver) agrees(q *Question, c *inventory.Candidate) bool {
	if c.Client != "" && c.Client == q.Client {
		return true
	}
	if c.VM == nil {
		for i := range r.names {
			if n := r.names[i].VM.NICByMAC(c.MAC); n != nil {
				c.VM, c.NICKey = r.names[i].VM, n.Key
				return true
			}
		}
		return false
	}
	if c.VM.Ref.VC == 0 && c.VM.Name == q.Name {
		return true
	}
	for i := range r.names {
		if r.names[i].VM.Ref == c.VM.Ref {
			return true
		}
	}
	return false
}

// byName returns the VM that the line's name means on this host, and how many it may mean.
func (r *Resolver) byName() (c *inventory.Candidate, vms int) {
	for i := range r.names {
		n := &r.names[i]
		if n.Cover == inventory.CoverBefore && len(r.names) > 1 {
			continue
		}
		if c != nil && c.VM.Ref == n.VM.Ref {
			if n.Cover > c.Cover {
				c = n
			}
			continue
		}
		vms++
		if c == nil || n.Cover > c.Cover {
			c = n
		}
	}
	return c, vms
}

// nameOnly answers by the name alone: the VM is as sure as its residence, the adapter only where there is one
// or the line names it.
func (r *Resolver) nameOnly(q *Question, c *inventory.Candidate) Answer {
	a := Answer{Candidate: *c, Candidates: 1, Confidence: named}
	a.Client = q.Client
	literal := c.Client == q.Client && q.Client != q.Name
	if n := c.VM.NICByDevice(q.Device); n != nil && !literal {
		a.NICKey = n.Key
	}
	switch {
	case a.NICKey == 0 && len(c.VM.NICs) != 1:
		a.Confidence = vmOnly
		a.Notes |= NoteWhichNIC
	case c.Cover < inventory.CoverAll:
		a.Confidence = unsettled
		a.Notes |= NoteChanged
	case !c.Settled && twins(q, c.VM):
		a.Confidence = unsettled
		a.Notes |= NoteTwoNames
	}
	switch {
	case c.Cover == inventory.CoverBefore:
		a.Notes |= NoteLeft
	case c.Method&inventory.MethodImport != 0:
		a.Confidence = min(a.Confidence, max(importConfidence(q, c), vmOnly))
	}
	if c.FormerName {
		a.Notes |= NoteFormerName
		if !c.Settled { // somebody else may have been given the name by now
			a.Confidence = min(a.Confidence, unsettled)
		}
	}
	return a
}

// stranger answers where the table has a holder and the line names a client that nobody on this host is known to be. It may
// have come just now, to a port that another had before it.
func (r *Resolver) stranger(q *Question, best *inventory.Candidate, count, vms int) Answer {
	a := Answer{Candidate: *best, Confidence: min(r.base(q, best), unsure), Candidates: count + 1, Agrees: disagreed(best), Notes: NoteNameConflict}
	if vms > 1 {
		a.Notes |= NoteTwoNames
		return a
	}
	if a.Agrees == Disagreed {
		return a
	}
	for i := range r.ports {
		c := &r.ports[i]
		if c.VM != nil || c.Kind != inventory.KindVM || c.MAC == (inventory.MAC{}) {
			continue
		}
		// An address without a machine on this host, and its owner elsewhere bears the name: two who know nothing of each other.
		b := Answer{Candidate: *c, Candidates: count, Confidence: unsettled}
		r.byMAC(q, &b)
		if b.VM != nil && b.VM.Name == q.Name {
			b.Confidence = unsettled
			b.Client = q.Client
			b.Method |= inventory.MethodClientName
			b.Notes |= NoteElsewhere
			return b
		}
	}
	if vm := only(q); vm != nil {
		b := elsewhere(q, vm)
		b.Candidates = count + 1
		b.Notes |= NoteNameConflict
		return b
	}
	if best.VM == nil {
		r.byMAC(q, &a)
	}
	return a
}

// nameHolder finds the machine where table and line agree on a client that is not known to run on this host yet.
func (r *Resolver) nameHolder(q *Question, a *Answer) {
	vm := only(q)
	if vm == nil {
		return
	}
	a.VM, a.Confidence = vm, min(a.Confidence, unsettled)
	a.Notes |= NoteElsewhere
	if n := vm.NICByDevice(q.Device); n != nil {
		a.NICKey = n.Key
	} else if len(vm.NICs) == 1 {
		a.NICKey = vm.NICs[0].Key
	}
}

// only returns the one machine of the vCenter that the line's client may mean, by its name with or without an adapter.
func only(q *Question) *inventory.VM {
	if vm := q.Host.OnlyVMNamed(q.Name); vm != nil || q.Client == q.Name {
		return vm
	}
	return q.Host.OnlyVMNamed(q.Client)
}

// elsewhere answers by a name that nobody bears on this host, but one machine of the vCenter does: it may have come
// just now. Names prove nothing across hosts.
func elsewhere(q *Question, vm *inventory.VM) Answer {
	a := Answer{Confidence: hearsay, Candidates: 1, Notes: NoteElsewhere}
	a.Candidate = inventory.Candidate{Kind: inventory.KindVM, VM: vm, Client: q.Client, Method: inventory.MethodClientName}
	if n := vm.NICByDevice(q.Device); n != nil {
		a.NICKey = n.Key
	} else if len(vm.NICs) == 1 {
		a.NICKey = vm.NICs[0].Key
	}
	return a
}
