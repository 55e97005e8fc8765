package enrich

import (
	"cmp"
	"net/netip"
	"strings"
	"sync"
	"time"

	"vswarden/event"
	"vswarden/inventory"
	"vswarden/inventory/resolve"
)

// ports keeps what was rendered. What a key holds is never changed, so neither is what was rendered from it.
type ports struct {
	mu     sync.RWMutex
	known  map[portKey]*event.JoinedPort
	owners map[ownerKey]*event.JoinedMAC
}

// maxRendered bounds what is kept rendered.
const maxRendered = 1 << 12

// portKey is all that a rendered port depends on.
type portKey struct {
	host      *inventory.HostTable
	facts     *inventory.Host
	vm        *inventory.VM
	nic       int32
	port      uint32
	mac       inventory.MAC // of a port whose adapter is not known
	kind      inventory.Kind
	line      event.L2SecKind
	requested requested  // of the address that the line asks for
	owner     ownerKind  // whose that is
	name      string     // of the VM, then
	address   netip.Addr // its first one, then
	client    string
	place     inventory.Where
	policy    inventory.Effective
	noPolicy  bool
	exposed   int
}

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
	r := n.scratch.Get().(*resolve.Resolver)
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
	n.attach(e, &q, &a) // of a holder nobody knows: whose the requested address is, and how to find out more
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
func (n *Enricher) attach(e *event.Event, q *resolve.Question, a *resolve.Answer) {
	k := portKey{
		host: q.Host, facts: q.Host.Facts(), vm: a.VM, nic: a.NICKey, port: q.Port, kind: a.Kind, line: e.L2Sec.Kind, client: cmp.Or(q.Client, a.Client), place: a.Place,
	}
	if a.VM != nil {
		k.name, k.address = a.VM.NameAt(q.Join), a.VM.AddressAt(q.Join)
	}
	if a.NICKey == 0 {
		k.mac = a.MAC
	}
	changing := false
	k.noPolicy = a.Missing&resolve.MissingPolicy != 0 || a.Kind == inventory.KindUplink || a.Kind == inventory.KindSystem
	if !k.noPolicy {
		k.policy, changing = a.Place.Effective(q.Join)
		n.judge(e, q, a, &k.policy, changing)
	}
	k.exposed = -1
	if e.L2Sec.Violation == event.ViolationPromiscuous {
		if x := q.Host.Exposure(&a.Place, a.VM); x.Known {
			k.exposed = x.VMs
		}
	}
	if e.L2Sec.RequestedMAC != "" {
		if m, err := inventory.ParseMAC(e.L2Sec.RequestedMAC); err == nil {
			k.requested = requestedOf(m, a)
			e.Joined.Capture = resolve.HasPktcap(k.facts.Version)
			e.Joined.MAC, k.owner = n.owner(m, a)
		}
	}
	n.ports.mu.RLock()
	p := n.ports.known[k]
	n.ports.mu.RUnlock()
	if p == nil {
		p = n.renderPort(&k)
	}
	e.Joined.Port = p
}

// renderPort makes what is attached to every line of that key.
func (n *Enricher) renderPort(k *portKey) *event.JoinedPort {
	k.client = strings.Clone(k.client) // it is a piece of the line
	p := event.NewJoinedPort(n.portFacts(k))
	n.ports.mu.Lock()
	defer n.ports.mu.Unlock()
	if len(n.ports.known) >= maxRendered {
		clear(n.ports.known)
	}
	n.ports.known[*k] = p
	return p
}
