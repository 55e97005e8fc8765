package enrich

import (
	"cmp"
	"time"

	"vswarden/event"
	"vswarden/inventory"
	"vswarden/inventory/facts"
	"vswarden/inventory/resolve"
)

// port joins a line of the virtual switch.
func (n *Enricher) port(e *event.Event, s *sent) {
	h := s.host
	q := resolve.Question{Host: h.table, Guard: n.cfg.Guard, Now: inventory.StampOf(n.now()), ClockUnsettled: s.hasStamp && !s.settled || ofFile(e)}
	q.From, q.Join, q.To = n.when(e, s)
	k := memoKey{port: e.L2Sec.Port, line: e.L2Sec.Kind, netport: e.NetPort.Kind, client: e.L2Sec.Client.Raw, requested: e.L2Sec.RequestedMAC}
	if e.NetPort.Kind != event.NetPortNone {
		k.port, k.client, k.requested = e.NetPort.Port, e.NetPort.Client.Raw, e.NetPort.MAC
		k.believed = n.trusted(e)
		n.learn(e, h.table, q.Join)
	}
	version := n.inv.Version()
	told := h.table.Told(q.Now)
	if n.recall(e, h, &k, &q, told) {
		e.Joined.Time, e.Joined.Age = int64(told), max(0, q.Now.Sub(told).Milliseconds())
		return
	}
	n.ask(e, s, &q)
	r := n.scratch.Get().(*scratch)
	defer n.scratch.Put(r)
	a := r.Resolve(&q)
	if a.Agrees != resolve.NotCompared {
		h.mu.Lock()
		h.outcomes.add(a.Agrees == resolve.Disagreed)
		h.mu.Unlock()
	}
	j := &e.Joined
	j.Match, j.Missing = event.JoinMatch(a.Method), event.JoinMissing(a.Missing)
	j.Confidence, j.Candidates = uint16(a.Confidence*1000+0.5), uint16(min(a.Candidates, 1<<15))
	if a.Method&inventory.MethodImport != 0 {
		told = max(told, a.Stated)
	}
	if told != 0 {
		j.Time, j.Age = int64(told), max(0, q.Now.Sub(told).Milliseconds())
	}
	j.Status = statusOf(a.Status)
	if a.Status == resolve.NotApplicable {
		return
	}
	before := e.Tags
	n.attach(e, h, &q, &a, r) // of a holder nobody knows: whose the requested address is, and how to find out more
	n.remember(e, h, &k, &q, &a, version, e.Tags&^before)
}

// ask fills in what the line asks.
func (n *Enricher) ask(e *event.Event, s *sent, q *resolve.Question) {
	if e.L2Sec.Kind != event.L2SecNone {
		c := &e.L2Sec.Client
		q.HasPort, q.Port = e.L2Sec.HasPort, e.L2Sec.Port
		q.Client, q.Name, q.Device = c.Raw, c.Name, c.Device
		q.Kind = kindOf(c.Type)
	} else {
		c := &e.NetPort.Client
		q.HasPort, q.Port = true, e.NetPort.Port
		if c.Raw != "" {
			q.Client, q.Name, q.Device, q.Kind = c.Raw, c.Name, c.Device, kindOf(c.Type)
		}
		if e.NetPort.Kind == event.NetPortEnabled {
			q.MAC, _ = inventory.ParseMAC(e.NetPort.MAC) // Zero where there is none.
			q.Believed = n.trusted(e)
		}
	}
	q.ClockNear = s.hasStamp && time.Duration(e.Received-e.Time).Abs() <= n.cfg.Guard
	s.host.mu.Lock()
	q.TableUntrusted = s.host.outcomes.untrusted()
	s.host.mu.Unlock()
}

// learn teaches the inventory what a NetPort line says.
func (n *Enricher) learn(e *event.Event, h *inventory.HostTable, join inventory.Stamp) {
	if !e.NetPort.UpOrDown() || !n.trusted(e) || e.NetPort.Port == 0 {
		return
	}
	var mac inventory.MAC
	if e.NetPort.Kind == event.NetPortEnabled {
		m, err := inventory.ParseMAC(e.NetPort.MAC)
		if err != nil || m == (inventory.MAC{}) {
			return
		}
		mac = m
	}
	n.inv.Learn(n.learned, h, e.NetPort.Port, mac, join) // what is refused is counted there
}

func kindOf(t event.ClientType) inventory.Kind {
	switch t {
	case event.ClientVM:
		return inventory.KindVM
	case event.ClientVMK:
		return inventory.KindVMKernel
	case event.ClientVMNIC:
		return inventory.KindUplink
	case event.ClientSystem:
		return inventory.KindSystem
	}
	return inventory.KindUnknown
}

func statusOf(s resolve.Status) event.JoinStatus {
	switch s {
	case resolve.NotApplicable:
		return event.JoinNotApplicable
	case resolve.Partial:
		return event.JoinPartial
	case resolve.Stale:
		return event.JoinStale
	case resolve.Complete:
		return event.JoinComplete
	}
	return event.JoinUnresolved
}

// attach adds what is known of the port.
func (n *Enricher) attach(e *event.Event, h *host, q *resolve.Question, a *resolve.Answer, r *scratch) {
	p := r.port()
	e.Joined.Port = p
	p.ID, p.Client, p.Host = q.Port, cmp.Or(q.Client, a.Client), e.Joined.Host
	v := vmKey{vm: a.VM, nic: a.NICKey}
	if a.VM != nil {
		v.name, v.address = a.VM.NameAt(q.Join), a.VM.AddressAt(q.Join)
	} else if a.NICKey == 0 {
		v.mac = a.MAC
	}
	p.VM = n.renderedVM(&v)
	n.place(p, &a.Place)

	pktcap := h.rendered.Load().pktcap
	k := hintKey{line: e.L2Sec.Kind, sort: resolve.Sort{
		Kind: a.Kind, Old: !pktcap, HasPort: q.Port != 0, HasDevice: a.Kind != inventory.KindVM && p.Client != "", HasWorld: a.VM != nil && a.VM.World != 0,
	}}
	if a.Missing&resolve.MissingPolicy == 0 && a.Kind != inventory.KindUplink && a.Kind != inventory.KindSystem {
		policy, changing := a.Place.Effective(q.Join)
		n.judge(e, q, a, &policy, changing)
		p.Policy = n.policy(&policy, a.Place.Portgroup)
	}
	p.Trunk = pktcap && a.Kind != inventory.KindUplink
	p.Exposed = -1
	if e.L2Sec.Violation == event.ViolationPromiscuous {
		p.Exposed = h.exposure(n.inv.Version(), &a.Place, a.VM)
	}
	if e.L2Sec.RequestedMAC != "" {
		if m, err := inventory.ParseMAC(e.L2Sec.RequestedMAC); err == nil {
			k.requested = requestedOf(m, a)
			e.Joined.Capture = pktcap
			e.Joined.MAC, k.owner = n.owner(m, a)
		}
	}
	if p.Hints = n.ports.hints.get(&k); p.Hints == nil {
		p.Hints = n.ports.hints.keep(&k, hints(&k))
	}
}

// place adds the port's place in the network.
func (n *Enricher) place(p *event.JoinedPort, w *inventory.Where) {
	k := placeKey{kind: w.Kind, sw: w.Switch, portgroup: w.Portgroup, switchName: w.SwitchName, portgroupName: w.PortgroupName}
	if p.Place = n.ports.places.get(&k); p.Place == nil {
		p.Place = n.ports.places.keep(&k, renderPlace(&k))
	}
	p.DVPort.Key = w.PortKey
	if w.Port != nil {
		p.DVPort.Blocked, p.DVPort.Status = w.Port.Blocked, w.Port.Status
	}
}

// policy returns a policy rendered.
func (n *Enricher) policy(policy *inventory.Effective, group *inventory.Portgroup) *event.JoinedPolicy {
	k := policyKey{policy: *policy}
	if group != nil {
		k.version = group.Version
	}
	if p := n.ports.policies.get(&k); p != nil {
		return p
	}
	f := facts.Policy(policy, k.version)
	return n.ports.policies.keep(&k, event.NewJoinedPolicy(&f, policy.Notes.Texts()))
}
