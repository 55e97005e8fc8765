package inventory

import (
	"net/netip"
	"slices"
	"time"
)

// vm takes in the facts of one VM.
func (a *applying) vm(facts *VM) {
	e := a.inv.vms[facts.Ref]
	if e == nil {
		e = &vmEntry{}
		a.inv.vms[facts.Ref] = e
	}
	old := e.cur.Load()
	vm := *facts
	a.shareVM(&vm)
	vm.gone, vm.past = 0, nil
	if old == nil {
		a.inv.stale = true
	} else {
		a.carryPast(&vm, old)
		if old.Name != vm.Name || old.gone != 0 || !sameMACs(old.NICs, vm.NICs) {
			a.inv.stale = true
		}
	}
	e.cur.Store(&vm)
	a.reside(e, old, &vm)
	if old != nil && e.home != nil {
		a.reconnected(e, old, &vm)
	}
}

// shareVM gives the VM its own memory, and lets strings that many VMs share be shared.
func (a *applying) shareVM(vm *VM) {
	w := a.inv.word
	vm.Host, vm.GuestID, vm.Folder, vm.Pool, vm.Owner = w(vm.Host), w(vm.GuestID), w(vm.Folder), w(vm.Pool), w(vm.Owner)
	vm.NICs = append([]NIC(nil), vm.NICs...)
	for i := range vm.NICs {
		n := &vm.NICs[i]
		n.Label, n.MACType, n.Adapter, n.Backing.Portgroup = w(n.Label), w(n.MACType), w(n.Adapter), w(n.Backing.Portgroup)
	}
	vm.Tags, vm.Attributes = slices.Clone(vm.Tags), slices.Clone(vm.Attributes) // the version before may share them
	for i := range vm.Tags {
		vm.Tags[i] = w(vm.Tags[i])
	}
	for i := range vm.Attributes {
		vm.Attributes[i] = Attribute{w(vm.Attributes[i].Name), w(vm.Attributes[i].Value)}
	}
}

// carryPast gives the VM the past of the one before, with what has just ended. Lists of the past only grow, and
// share their memory with those of the versions before.
func (a *applying) carryPast(vm, old *VM) {
	vm.past, vm.nameFrom, vm.addrFrom = old.past, old.nameFrom, old.addrFrom
	var past vmPast
	if old.past != nil {
		past = *old.past
	}
	ended := 0
	to := func(from Stamp) Stamp { return max(from, a.told()) }
	if old.Name != vm.Name {
		if old.Name != "" {
			past.names = append(past.names, nameSpan{old.nameFrom, to(old.nameFrom), a.at, old.Name})
			ended++
		}
		vm.nameFrom = a.at
	}
	if was, is := firstAddress(old), firstAddress(vm); was != is {
		if was.IsValid() {
			past.addrs = append(past.addrs, addrSpan{old.addrFrom, to(old.addrFrom), a.at, was.As16()})
			ended++
		}
		vm.addrFrom = a.at
	}
	for i := range vm.NICs {
		n := &vm.NICs[i]
		was := old.NIC(n.Key)
		switch {
		case was == nil:
			n.from = a.at
		case was.Backing == n.Backing:
			n.from = was.from
		default:
			past.nets = append(past.nets, netSpan{was.from, to(was.from), a.at, n.Key, was.Backing})
			n.from = a.at
			ended++
		}
	}
	if ended > 0 {
		vm.past = &past
		a.inv.closed += ended
	}
}

func firstAddress(vm *VM) netip.Addr {
	if len(vm.Addresses) == 0 {
		return netip.Addr{}
	}
	return vm.Addresses[0]
}

func sameMACs(a, b []NIC) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Key != b[i].Key || a[i].MAC != b[i].MAC || a[i].Effective != b[i].Effective {
			return false
		}
	}
	return true
}

// reside follows where the VM runs. Another boot, or a move away and back that we were not told of while it happened, is
// another residence: its ports are new.
func (a *applying) reside(e *vmEntry, old, vm *VM) {
	var home *HostTable
	if vm.Running() {
		home = a.inv.host(Ref{vm.Ref.VC, vm.Host}, "")
	}
	anew := Stamp(0)
	if old != nil && vm.Boot > old.Boot+Stamp(time.Second) && old.Boot != 0 {
		anew = vm.Boot
	}
	if old != nil && vm.Moved > old.Moved && e.home != nil && vm.Moved > e.home.view().residence(e).from {
		anew = max(anew, vm.Moved)
	}
	if e.home != nil && (e.home != home || anew != 0) {
		a.leave(e, anew)
	}
	switch {
	case home == nil:
	case e.home == home:
		v := a.inv.open(home)
		for i := range v.residents {
			if r := &v.residents[i]; r.vm == e {
				r.name = vm.Name
			}
		}
		a.claim(v, e, vm)
	default:
		a.arrive(home, e, vm)
	}
}

// reconnected ends what hosts were asked for, or lines taught, of ports from which an adapter was unplugged: connected
// anew it has another one, and its old one may be anybody's. What was learned since then is of the new one.
func (a *applying) reconnected(e *vmEntry, old, vm *VM) {
	var v *hostView
	for i := range vm.NICs {
		n := &vm.NICs[i]
		was := old.NIC(n.Key)
		if was == nil || n.Cookie == was.Cookie || n.Cookie == 0 || was.Cookie == 0 {
			continue
		}
		if v == nil {
			v = a.inv.open(e.home)
		}
		sources := *a.inv.sources.Load()
		for j := range v.ports {
			row := &v.ports[j]
			for k := len(row.open) - 1; k >= 0; k-- {
				b := &row.open[k]
				if b.vm != e || b.nic != n.Key && b.nic != 0 || b.source == a.id || sources[b.source].kind == SourcePushed {
					continue
				}
				if to := a.end(v, 0); b.at < to {
					a.closeBinding(row, k, max(b.from, b.at, min(to, a.at)), a.at)
				}
			}
		}
	}
}

// arrive begins a residence.
func (a *applying) arrive(h *HostTable, e *vmEntry, vm *VM) {
	v := a.inv.open(h)
	early, backdated := a.begin(v, vm.Boot, vm.Moved)
	e.home = h
	v.residents = append(v.residents, residence{
		vm: e, name: vm.Name, early: early, from: a.at, to: Forever, late: Forever, source: a.id, backdated: backdated,
	})
	if a.src.kind == SourcePushed && v.mark(a.id) == nil {
		a.src.pending = append(a.src.pending, h)
	}
	a.claim(v, e, vm)
}

// claim gives the VM the ports on its host that are bound to its addresses, but to no machine yet: a host's table
// can come before the news that the VM runs there. What was bound before the VM was started or came there was
// another stay of it.
func (a *applying) claim(v *hostView, e *vmEntry, vm *VM) {
	anew := max(vm.Boot, vm.Moved)
	for i := range v.ports {
		row := &v.ports[i]
		for j := range row.open {
			b := row.open[j]
			if b.vm != nil || b.kind != KindVM {
				continue
			}
			nic := vm.NICByMAC(b.mac)
			if nic == nil || v.rival(e, b.mac) {
				continue
			}
			b.vm, b.nic = e, nic.Key
			if anew <= a.at && anew > b.from.Add(a.guard) {
				a.closeBinding(row, j, min(anew, a.end(v, b.from)), anew)
				b.early, b.from, b.at, b.backdated = anew, a.at, a.at, true
				row.open = append(append([]binding(nil), row.open...), b)
				break // the row is another one now; a source has one binding of a port
			}
			row.open = append([]binding(nil), row.open...)
			row.open[j] = b
		}
	}
}

// rival reports whether another VM that runs on the host has that address too.
func (v *hostView) rival(e *vmEntry, mac MAC) bool {
	for i := range v.residents {
		if o := v.residents[i].vm; o != e && o.cur.Load().NICByMAC(mac) != nil {
			return true
		}
	}
	return false
}

// residence returns the open residence of a VM on the host; the zero value where there is none.
func (v *hostView) residence(e *vmEntry) residence {
	for i := range v.residents {
		if v.residents[i].vm == e {
			return v.residents[i]
		}
	}
	return residence{}
}

// leave ends a residence and with it the VM's ports on that host. anew is when the VM was started or came
// there anew, 0 if it was not: it had left by then.
func (a *applying) leave(e *vmEntry, anew Stamp) {
	if e.home == nil {
		return
	}
	v := a.inv.open(e.home)
	late := a.at
	for i, r := range v.residents {
		if r.vm != e {
			continue
		}
		if anew > r.from && anew < late {
			late = anew
		}
		v.residents = append(v.residents[:i], v.residents[i+1:]...)
		a.closeResidence(v, r, min(late, a.end(v, r.from)), late)
		break
	}
	for i := range v.ports {
		row := &v.ports[i]
		for j := len(row.open) - 1; j >= 0; j-- {
			if b := &row.open[j]; b.vm == e {
				a.closeBinding(row, j, min(late, a.end(v, b.from)), late)
			}
		}
	}
	e.home = nil
}

func (a *applying) closeResidence(v *hostView, r residence, to, late Stamp) {
	r.to, r.late = max(r.from, to), max(r.from, late)
	v.former = append(v.former, r)
	a.inv.closed++
}
