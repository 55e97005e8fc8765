package inventory

// table takes in rows of a host's port table.
func (a *applying) table(t *PortTable) {
	v := a.inv.open(a.inv.host(t.Host, ""))
	var listed map[uint32]bool
	if t.Whole {
		listed = make(map[uint32]bool, len(t.Rows))
	}
	for i := range t.Rows {
		a.bind(v, &t.Rows[i])
		if t.Whole {
			listed[t.Rows[i].Port] = true
		}
	}
	if !t.Whole {
		return
	}
	for i := range v.host.Kernel {
		listed[v.host.Kernel[i].Port] = true
	}
	for i := range v.host.Uplinks {
		listed[v.host.Uplinks[i].Port] = true
	}
	for i := range v.ports {
		row := &v.ports[i]
		if listed[row.id] {
			continue
		}
		if j := row.openOf(a.id); j >= 0 {
			a.closeBinding(row, j, a.endOf(v, &row.open[j]), a.at)
		}
	}
}

// openOf returns the index of the open binding of a source, or -1.
func (row *portRow) openOf(id SourceID) int {
	for i := range row.open {
		if row.open[i].source == id {
			return i
		}
	}
	return -1
}

// bind takes in one row: the same holder goes on, another one ends it.
func (a *applying) bind(v *hostView, r *Row) {
	if r.Port == 0 {
		return
	}
	e, nic := v.holder(r)
	row := v.row(r.Port)
	if j := row.openOf(a.id); j >= 0 {
		b := &row.open[j]
		if a.goesOn(b, r, e) {
			a.confirm(row, j, r, e, nic)
			return
		}
		a.closeBinding(row, j, a.endOf(v, b), a.at)
	}
	b := binding{
		from: a.at, to: Forever, late: Forever, at: a.at,
		vm: e, net: a.inv.net(r.Net), client: a.inv.word(r.Client), nic: nic, mac: r.MAC, kind: r.Kind, source: a.id,
	}
	b.early, b.backdated = a.beginBinding(v, &b)
	row.open = append(append([]binding(nil), row.open...), b)
}

// beginBinding dates a new binding.
func (a *applying) beginBinding(v *hostView, b *binding) (early Stamp, backdated bool) {
	boot, moved := v.host.Boot, Stamp(0)
	if b.vm != nil {
		vm := b.vm.cur.Load()
		boot, moved = vm.Boot, vm.Moved
	}
	switch a.src.kind {
	case SourceStream:
		return a.at, false // the line says when
	case SourceLive: // since the VM came here, unless an adapter was connected anew
		for i := range v.residents {
			if r := &v.residents[i]; r.vm == b.vm && b.vm != nil && r.early < a.at {
				return r.early, true
			}
		}
		return a.at, false
	}
	if b.vm == nil && b.kind == KindVM {
		boot = 0 // not known whose boot would date it
	}
	return a.begin(v, boot, moved)
}

// goesOn reports whether the row states what the binding already says.
func (a *applying) goesOn(b *binding, r *Row, e *vmEntry) bool {
	switch {
	case b.kind != r.Kind:
		return false
	case b.vm != nil && e != nil && b.vm != e:
		return false
	case b.mac != (MAC{}) && r.MAC != (MAC{}):
		return b.mac == r.MAC
	case b.vm != nil && e != nil:
		return true
	}
	return b.client == r.Client
}

// confirm notes that a binding was stated again, perhaps with more.
func (a *applying) confirm(row *portRow, j int, r *Row, e *vmEntry, nic int32) {
	b := row.open[j]
	if b.vm == nil {
		b.vm, b.nic = e, nic
	}
	if b.nic == 0 {
		b.nic = nic
	}
	if b.mac == (MAC{}) {
		b.mac = r.MAC
	}
	if n := a.inv.net(r.Net); n != nil {
		b.net = n
	}
	if a.src.kind != SourcePushed { // a pushed table says it all the time; others say it as of a moment
		b.at = a.at
	}
	if b != row.open[j] {
		row.open = append([]binding(nil), row.open...)
		row.open[j] = b
	}
}

// closeBinding ends the j-th open binding of a row.
func (a *applying) closeBinding(row *portRow, j int, to, late Stamp) {
	b := row.open[j]
	b.to, b.late = max(b.from, to), max(b.from, late)
	open := make([]binding, 0, len(row.open)-1)
	open = append(append(open, row.open[:j]...), row.open[j+1:]...)
	if len(open) == 0 {
		open = nil
	}
	row.open = open
	row.closed = append(row.closed, b)
	row.late = max(row.late, b.late)
	a.inv.closed++
}

// holder finds the VM on this host that a row means, by address or by name: nil where none or
// more than one could be meant.
func (v *hostView) holder(r *Row) (e *vmEntry, nic int32) {
	if r.Kind != KindVM {
		return nil, 0
	}
	count := 0
	for i := range v.residents {
		res := &v.residents[i]
		vm := res.vm.cur.Load()
		switch {
		case r.MAC != (MAC{}):
			n := vm.NICByMAC(r.MAC)
			if n == nil {
				continue
			}
			if r.VM != "" && vm.Name == r.VM {
				return res.vm, n.Key
			}
			e, nic = res.vm, n.Key
		case r.VM != "" && vm.Name == r.VM:
			e, nic = res.vm, 0
			if n := vm.NICByDevice(r.Device); n != nil {
				nic = n.Key
			} else if len(vm.NICs) == 1 {
				nic = vm.NICs[0].Key
			}
		default:
			continue
		}
		count++
	}
	if count != 1 {
		return nil, 0
	}
	return e, nic
}

// maxLearned bounds the ports that log lines can name on one host.
const maxLearned = 4096

// Learn takes in what a log line of an allow-listed sender says: at that moment a port of the host was
// enabled with an address, or disabled (mac is zero then). The source must be of kind SourceStream. It reports
// whether the line was of use: lines older than what is known of the port are not.
func (inv *Inventory) Learn(id SourceID, h *HostTable, port uint32, mac MAC, at Stamp) bool {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	a := &applying{inv: inv, id: id, src: (*inv.sources.Load())[id], at: at, guard: inv.cfg.Guard}
	v := h.cur.Load()
	row := v.find(port)
	var open *binding
	if row != nil {
		if j := row.openOf(id); j >= 0 {
			open = &row.open[j]
		}
	}
	switch {
	case open != nil && at < open.from, open == nil && mac == MAC{}, open == nil && row != nil && row.learnedAfter(id, at):
		inv.stats.LearnRefused++
		return false
	case open != nil && open.mac == mac:
		return true
	case mac != MAC{} && row == nil && len(v.ports) >= maxLearned:
		inv.stats.LearnRefused++
		return false
	}
	v = inv.open(h)
	if open != nil {
		row = v.row(port)
		a.closeBinding(row, row.openOf(id), at, at)
	}
	if mac != (MAC{}) {
		kind := KindVM
		if port>>31 != 0 {
			kind = KindUplink
		}
		a.bind(v, &Row{Port: port, Kind: kind, MAC: mac})
	}
	inv.stats.Learned++
	inv.publish()
	inv.changed()
	return true
}

// learnedAfter reports whether a source already told of the port at a later moment.
func (row *portRow) learnedAfter(id SourceID, at Stamp) bool {
	for i := len(row.closed) - 1; i >= 0; i-- {
		if b := &row.closed[i]; b.source == id {
			return b.late > at
		}
	}
	return false
}

// LearnHost returns the table of a host that only log lines and imports know, made where there is none and room for
// one more.
func (inv *Inventory) LearnHost(name string) *HostTable {
	if h := inv.Host(name); h != nil {
		return h
	}
	inv.mu.Lock()
	defer inv.mu.Unlock()
	ref := Ref{0, name}
	if h := inv.hosts[ref]; h != nil {
		return h
	}
	if len(inv.hosts) >= inv.cfg.MaxHosts {
		inv.stats.LearnRefused++
		return nil
	}
	h := inv.host(Ref{0, inv.word(name)}, inv.word(name))
	return h
}
