package inventory

import (
	"context"
	"slices"
	"time"
)

// sweepEvery is how often old intervals are looked for.
const sweepEvery = Stamp(10 * time.Minute)

// Maintain does what no update does by itself: it brings the index up to date and forgets what is
// too old or too much. Run calls it every second.
func (inv *Inventory) Maintain(now Stamp) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	inv.reindex(now)
	full := inv.closed > inv.cfg.MaxIntervals
	if !full && inv.swept != 0 && now-inv.swept < sweepEvery {
		return
	}
	inv.swept = now
	cut := now.Add(-inv.cfg.Keep)
	if full {
		if c := inv.roomCut(); c > cut {
			cut = c
			inv.stats.EvictedByRoom += inv.sweep(cut)
			return
		}
	}
	inv.stats.EvictedByAge += inv.sweep(cut)
}

// Run keeps the inventory in order until ctx ends.
func (inv *Inventory) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			inv.Maintain(StampOf(now))
		}
	}
}

// roomCut returns the moment to forget everything before, so that nine tenths of the room are used.
func (inv *Inventory) roomCut() Stamp {
	ends := inv.ends()
	excess := len(ends) - inv.cfg.MaxIntervals*9/10
	if excess <= 0 {
		return 0
	}
	slices.Sort(ends)
	return ends[excess-1] + 1
}

// countClosed counts the ended intervals.
func (inv *Inventory) countClosed() int {
	n := len(inv.ends())
	net := inv.nets.Load()
	for _, s := range net.switches {
		n += len(s.past)
	}
	for _, p := range net.portgroups {
		n += len(p.past)
	}
	for _, table := range net.ports {
		for _, p := range table {
			n += len(p.past)
		}
	}
	return n
}

// ends returns when each ended interval was seen to end, but for those of distributed switches.
func (inv *Inventory) ends() []Stamp {
	ends := make([]Stamp, 0, inv.closed)
	for _, h := range inv.hosts {
		v := h.cur.Load()
		for i := range v.former {
			ends = append(ends, v.former[i].late)
		}
		for i := range v.ports {
			for j := range v.ports[i].closed {
				ends = append(ends, v.ports[i].closed[j].late)
			}
		}
		ends = appendRules(ends, v.host)
	}
	for _, e := range inv.vms {
		vm := e.cur.Load()
		if vm.gone != 0 {
			ends = append(ends, vm.gone)
		}
		if p := vm.past; p != nil {
			for i := range p.names {
				ends = append(ends, p.names[i].late)
			}
			for i := range p.nets {
				ends = append(ends, p.nets[i].late)
			}
			for i := range p.addrs {
				ends = append(ends, p.addrs[i].late)
			}
		}
	}
	return ends
}

func appendRules(ends []Stamp, host *Host) []Stamp {
	for i := range host.Switches {
		for j := range host.Switches[i].past {
			ends = append(ends, host.Switches[i].past[j].late)
		}
	}
	for i := range host.Portgroups {
		for j := range host.Portgroups[i].past {
			ends = append(ends, host.Portgroups[i].past[j].late)
		}
	}
	return ends
}

// sweep forgets every interval that ended before cut and returns how many. The horizon moves there
// if any was. The policies of distributed switches change seldom and are few: they go with age too.
func (inv *Inventory) sweep(cut Stamp) (evicted int) {
	for _, h := range inv.hosts {
		evicted += inv.sweepHost(h, cut)
	}
	for ref, e := range inv.vms {
		vm := e.cur.Load()
		n, past := sweepPast(vm.past, cut)
		if n > 0 {
			fresh := *vm
			fresh.past = past
			e.cur.Store(&fresh)
			evicted += n
		}
		if vm.gone != 0 && vm.gone < cut {
			delete(inv.vms, ref)
			evicted++
		}
	}
	evicted += inv.sweepNetwork(cut)
	inv.publish()
	inv.changed()
	inv.closed -= evicted
	if evicted > 0 && int64(cut) > inv.horizon.Load() {
		inv.horizon.Store(int64(cut))
	}
	return evicted
}

// sweepHost forgets a host's intervals, and ports of which nothing is left. A host that is gone goes
// with its last interval.
func (inv *Inventory) sweepHost(h *HostTable, cut Stamp) (evicted int) {
	v := h.cur.Load()
	old := countBefore(v.former, cut, func(r *residence) Stamp { return r.late })
	for i := range v.ports {
		old += countBefore(v.ports[i].closed, cut, func(b *binding) Stamp { return b.late })
	}
	if v.gone != 0 && v.gone < cut {
		delete(inv.hosts, h.ref)
		inv.stale = true
		return len(v.former) + closedPorts(v)
	}
	rules := sweepHostRules(v.host, cut)
	if old == 0 && rules == nil {
		return 0
	}
	v = inv.open(h)
	if rules != nil {
		evicted = len(appendRules(nil, v.host)) - len(appendRules(nil, rules))
		v.host = rules
	}
	var n int
	n, v.former = dropBefore(v.former, cut, func(r *residence) Stamp { return r.late })
	evicted += n
	kept, ids := v.ports[:0], make([]uint32, 0, len(v.ports))
	for _, row := range v.ports {
		n, row.closed = dropBefore(row.closed, cut, func(b *binding) Stamp { return b.late })
		evicted += n
		if len(row.open)+len(row.closed)+len(row.stated) > 0 {
			kept, ids = append(kept, row), append(ids, row.id)
		}
	}
	clear(v.ports[len(kept):])
	v.ports, v.ids = kept, ids
	return evicted
}

func closedPorts(v *hostView) (n int) {
	for i := range v.ports {
		n += len(v.ports[i].closed)
	}
	return n
}

func countBefore[T any](list []T, cut Stamp, late func(*T) Stamp) (n int) {
	for i := range list {
		if late(&list[i]) < cut {
			n++
		}
	}
	return n
}

// dropBefore returns how many of list ended before cut, and a new list of the others.
func dropBefore[T any](list []T, cut Stamp, late func(*T) Stamp) (n int, kept []T) {
	if n = countBefore(list, cut, late); n == 0 {
		return 0, list
	}
	if n == len(list) {
		return n, nil
	}
	kept = make([]T, 0, len(list)-n)
	for i := range list {
		if late(&list[i]) >= cut {
			kept = append(kept, list[i])
		}
	}
	return n, kept
}

func sweepPast(p *vmPast, cut Stamp) (n int, kept *vmPast) {
	if p == nil {
		return 0, nil
	}
	var fresh vmPast
	var a, b, c int
	a, fresh.names = dropBefore(p.names, cut, func(s *nameSpan) Stamp { return s.late })
	b, fresh.nets = dropBefore(p.nets, cut, func(s *netSpan) Stamp { return s.late })
	c, fresh.addrs = dropBefore(p.addrs, cut, func(s *addrSpan) Stamp { return s.late })
	if len(fresh.names)+len(fresh.nets)+len(fresh.addrs) == 0 {
		return a + b + c, nil
	}
	return a + b + c, &fresh
}

// sweepHostRules returns the host without what its standard switches said before cut, or nil if
// there is nothing to forget.
func sweepHostRules(host *Host, cut Stamp) *Host {
	old := false
	for _, late := range appendRules(nil, host) {
		old = old || late < cut
	}
	if !old {
		return nil
	}
	fresh := *host
	fresh.Switches, fresh.Portgroups = slices.Clone(host.Switches), slices.Clone(host.Portgroups)
	for i := range fresh.Switches {
		_, fresh.Switches[i].past = dropBefore(fresh.Switches[i].past, cut, func(s *rulesSpan) Stamp { return s.late })
	}
	for i := range fresh.Portgroups {
		_, fresh.Portgroups[i].past = dropBefore(fresh.Portgroups[i].past, cut, func(s *rulesSpan) Stamp { return s.late })
	}
	return &fresh
}

func (inv *Inventory) sweepNetwork(cut Stamp) (evicted int) {
	n := *inv.nets.Load()
	late := func(s *rulesSpan) Stamp { return s.late }
	for ref, s := range n.switches {
		if c, past := dropBefore(s.past, cut, late); c > 0 {
			fresh := *s
			fresh.past = past
			n.switches = cloneMap(n.switches)
			n.switches[ref] = &fresh
			evicted += c
		}
	}
	for ref, p := range n.portgroups {
		if c, past := dropBefore(p.past, cut, late); c > 0 {
			fresh := *p
			fresh.past = past
			n.portgroups = cloneMap(n.portgroups)
			n.portgroups[ref] = &fresh
			evicted += c
		}
	}
	for ref, table := range n.ports {
		for key, p := range table {
			if c, past := dropBefore(p.past, cut, late); c > 0 {
				fresh := *p
				fresh.past = past
				n.ports = cloneMap(n.ports)
				n.ports[ref] = cloneMap(n.ports[ref])
				n.ports[ref][key] = &fresh
				evicted += c
			}
		}
	}
	if evicted > 0 {
		inv.nets.Store(&n)
	}
	return evicted
}
