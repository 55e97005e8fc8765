package enrich

import (
	"net/netip"
	"strings"
	"sync"

	"vswarden/event"
	"vswarden/inventory"
)

// maxSenders bounds what is kept of senders, who can be forged: the oldest go first.
const maxSenders = 1 << 14

// shards spreads the senders over as many locks.
const shards = 64

// senderKey is who sent a line, as far as the frame alone says: the verified TLS name, else behind a listed relay the
// header's host, else the address.
type senderKey struct {
	name string
	addr netip.Addr
}

// sender is what is kept of one sender.
type sender struct {
	clock clock
	used  int64 // receive time of its last line

	header     string // the host in the header of the line that the rest was found for
	generation uint64 // of the inventory's index, likewise
	host       *inventory.HostTable
	facts      *inventory.Host // joined was rendered from these
	joined     *event.JoinedHost
}

type shard struct {
	mu      sync.Mutex
	senders map[senderKey]*sender
}

// keyOf returns the key of a line's sender. Its name is a piece of the line.
func keyOf(e *event.Event) senderKey {
	r := &e.Receiver
	switch {
	case r.Authenticated && r.TLSPeer != "":
		return senderKey{name: r.TLSPeer}
	case r.Relay != "" && e.Syslog.Hostname != "":
		return senderKey{name: e.Syslog.Hostname}
	}
	return senderKey{addr: r.Peer.Addr().Unmap().WithZone("")}
}

// sent is what is known of a line by who sent it.
type sent struct {
	host     *inventory.HostTable // nil: not known
	joined   *event.JoinedHost
	renamed  bool
	offset   int64
	settled  bool
	hasStamp bool
}

// sender learns from a line's stamp and finds out who sent it.
func (n *Enricher) sender(e *event.Event) (s sent) {
	key := keyOf(e)
	sh := &n.shards[hashKey(key)%shards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	p := sh.senders[key]
	if p == nil {
		p = sh.add(key)
	}
	p.used = e.Received
	if e.TimeSource == event.TimeHeader && e.Time != 0 {
		p.clock.observe(e.Received, e.Time)
		s.hasStamp = true
	}
	s.offset, s.settled = p.clock.offset(e.Received)
	if g := n.inv.Generation(); p.generation != g || p.header != e.Syslog.Hostname {
		p.host = n.identify(e)
		if p.header != e.Syslog.Hostname {
			p.header = strings.Clone(e.Syslog.Hostname)
		}
		p.generation = g
	}
	if p.host == nil {
		p.facts, p.joined = nil, nil
		return s
	}
	if facts := p.host.Facts(); facts != p.facts {
		p.facts = facts
		p.joined, s.renamed = n.ports.host(n, p.host, facts)
	}
	s.host, s.joined = p.host, p.joined
	return s
}

// renderedHost is a host's facts with what was rendered from them.
type renderedHost struct {
	facts  *inventory.Host
	joined *event.JoinedHost
}

// host returns a host's facts rendered, and whether its name is now another one for the first time. Several senders
// can be one host, and one relay can send the lines of many.
func (p *ports) host(n *Enricher, h *inventory.HostTable, facts *inventory.Host) (j *event.JoinedHost, renamed bool) {
	p.mu.RLock()
	r := p.hosts[h]
	p.mu.RUnlock()
	if r.facts == facts {
		return r.joined, false
	}
	j = event.NewJoinedHost(n.hostFacts(h))
	p.mu.Lock()
	defer p.mu.Unlock()
	r = p.hosts[h]
	renamed = r.joined != nil && r.joined.Name() != j.Name()
	if len(p.hosts) >= maxRendered {
		clear(p.hosts)
	}
	p.hosts[h] = renderedHost{facts, j}
	return j, renamed
}

// add makes room for a sender and returns it.
func (sh *shard) add(key senderKey) *sender {
	if len(sh.senders) >= maxSenders/shards {
		var oldest senderKey
		used := int64(0)
		for k, p := range sh.senders {
			if used == 0 || p.used < used {
				oldest, used = k, p.used
			}
		}
		delete(sh.senders, oldest)
	}
	key.name = strings.Clone(key.name)
	p := &sender{generation: ^uint64(0)}
	sh.senders[key] = p
	return p
}

// hashKey spreads keys over shards (FNV-1a).
func hashKey(k senderKey) uint32 {
	h := uint32(2166136261)
	for i := range len(k.name) {
		h = (h ^ uint32(k.name[i])) * 16777619
	}
	for _, b := range k.addr.As16() {
		h = (h ^ uint32(b)) * 16777619
	}
	return h
}

// identify finds the host that sent a line: by its verified name, by its address, by the name in the header. The first that the
// inventory knows is it; a header that names another known host than the address does is not believed.
func (n *Enricher) identify(e *event.Event) *inventory.HostTable {
	r := &e.Receiver
	if r.Authenticated && r.TLSPeer != "" {
		if h := n.inv.Host(r.TLSPeer); h != nil {
			return h
		}
	}
	if r.Relay == "" {
		if h := inventory.Same(n.inv.HostsAt(r.Peer.Addr())); h != nil {
			return h
		}
	}
	if e.Syslog.Hostname != "" {
		return n.inv.Host(e.Syslog.Hostname)
	}
	return nil
}

// hostFacts returns what is known of a host in the words of events.
func (n *Enricher) hostFacts(h *inventory.HostTable) *event.HostFacts {
	f := h.Facts()
	out := &event.HostFacts{
		Name: f.Name, UUID: f.UUID.String(), Version: f.Version, Build: f.Build, Maintenance: f.Maintenance,
		Addresses: append([]netip.Addr(nil), f.Addresses...), Datacenter: event.NamedFact{Name: f.Datacenter.Name, ID: f.Datacenter.ID},
		Cluster: event.NamedFact{Name: f.Cluster.Name, ID: f.Cluster.ID},
	}
	if _, err := netip.ParseAddr(f.Name); err != nil {
		out.ShortName, _, _ = strings.Cut(f.Name, ".")
	}
	for i := range f.Kernel {
		out.Addresses = append(out.Addresses, f.Kernel[i].Addresses...)
	}
	if h.Ref().VC != 0 {
		vc := n.inv.VCenter(h.Ref().VC)
		out.MOID = h.Ref().ID
		out.VCenter, out.VCenterVersion = event.NamedFact{Name: vc.Name, ID: vc.Instance.String()}, vc.Version
	}
	return out
}
