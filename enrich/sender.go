package enrich

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"sync"

	"vswarden/event"
	"vswarden/inventory"
)

// maxSenders bounds what is kept of senders, who can be forged: the oldest go first.
const maxSenders = 1 << 14

// shards spreads the senders over as many locks.
const (
	shardBits = 6
	shards    = 1 << shardBits
)

// senderKey is who sent a line, as far as the frame alone says: the verified TLS name, else behind a listed relay the
// header's host, else the address. Of a line of a file it is the host that it names.
type senderKey struct {
	name string
	addr netip.Addr
}

// never is a generation that no index has.
const never = ^uint64(0)

// sender is what is kept of one sender.
type sender struct {
	clock clock
	used  int64 // receive time of its last line

	generation uint64 // of the inventory's index, for which these were found
	*view             // of the last line
}

// view is which host a sender is, by one header.
type view struct {
	header   string // the host in it
	host     *host
	name     string          // under which it goes while the inventory does not know it; empty: the header has none
	conflict bool            // address or verified name and header mean different hosts
	facts    *inventory.Host // joined was rendered from these
	joined   *event.JoinedHost
}

type shard struct {
	mu      sync.Mutex
	senders map[senderKey]*sender
	// views are what was found for headers that senders changed from: a relay that nobody lists, or a connection that
	// lines of many hosts come over, names another host with each line. Those of another generation are of no use.
	views      map[viewKey]*view
	generation uint64
}

// viewKey is one header of one sender.
type viewKey struct {
	sender *sender
	header string
}

// maxViews bounds what a shard keeps of headers.
const maxViews = 1 << 11

// keyOf returns the key of a line's sender. Its name is a piece of the line.
func keyOf(e *event.Event) senderKey {
	r := &e.Receiver
	switch {
	case r.Authenticated && r.TLSPeer != "":
		return senderKey{name: r.TLSPeer}
	case r.Relay != "" && e.Syslog.Hostname != "":
		return senderKey{name: e.Syslog.Hostname}
	case ofFile(e):
		return senderKey{name: headerOf(e)}
	}
	return senderKey{addr: r.Peer.Addr().Unmap().WithZone("")}
}

// sent is what is known of a line by who sent it.
type sent struct {
	host     *host  // nil: not known
	name     string // then: the one that sticks; empty: its header has none
	joined   *event.JoinedHost
	renamed  bool
	conflict bool
	offset   int64 // of a line that speaks of a port
	settled  bool
	hasStamp bool
}

// sender learns from a line's stamp and finds out who sent it.
func (n *Enricher) sender(e *event.Event) (s sent) {
	key := keyOf(e)
	sh := &n.shards[hashKey(&key)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	p := sh.senders[key]
	if p == nil {
		p = sh.add(key)
	}
	p.used = e.Received
	if e.TimeSource == event.TimeHeader && e.Time != 0 && !ofFile(e) {
		p.clock.observe(e.Received, e.Time)
		s.hasStamp = true
	}
	header := headerOf(e)
	if speaksOfPort(e) {
		s.offset, s.settled = p.clock.offset(e.Received)
	}
	if g := n.inv.Generation(); p.generation != g || p.header != header {
		n.recognize(sh, p, key, e, &s, g)
	}
	if p.host == nil {
		s.name = p.name
		return s
	}
	if facts := p.host.table.Facts(); facts != p.facts {
		p.facts = facts
		var renamed bool
		if p.joined, renamed = n.render(p.host, facts); renamed {
			n.told.first(keyOfName(key, strings.TrimSuffix(p.header, ".")))
			s.renamed = true
		}
	}
	s.host, s.joined, s.conflict = p.host, p.joined, p.conflict
	return s
}

// recognize finds out which host a sender is, after it named another one in its header or the inventory has changed.
func (n *Enricher) recognize(sh *shard, p *sender, key senderKey, e *event.Event, s *sent, generation uint64) {
	names := headerOf(e)
	same := p.header == names
	if sh.generation != generation { // its vCenter may tell more of itself
		clear(sh.views)
		sh.generation = generation
	}
	if v := sh.views[viewKey{p, names}]; v != nil && p.generation == generation {
		p.view = v
		return
	}
	header, before := p.header, p.view
	if !same {
		header = strings.Clone(names)
	}
	p.view = &view{header: header}
	if !same && p.generation == generation { // it has more than one
		sh.keep(p, before)
		sh.keep(p, p.view)
	}
	p.generation = generation
	table, conflict := n.identify(e)
	p.conflict = conflict
	if table != nil {
		p.host = n.hosts.get(table)
	}
	name := strings.TrimSuffix(p.header, ".") // the root's dot is no part of a name
	switch k := keyOfName(key, name); {
	case name == "":
	case table == nil:
		p.name = n.names.settle(k, name, e.Received)
	case n.names.correct(k, table.Facts().Name, e.Received): // it went by another name so far
		s.renamed = n.told.first(k)
	}
}

// keep remembers what was found for a header of p.
func (sh *shard) keep(p *sender, v *view) {
	if len(sh.views) >= maxViews {
		clear(sh.views)
	}
	sh.views[viewKey{p, v.header}] = v
}

func speaksOfPort(e *event.Event) bool {
	return e.L2Sec.Kind != event.L2SecNone || e.NetPort.Kind != event.NetPortNone
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
	p := &sender{generation: never, view: &view{}}
	sh.senders[key] = p
	return p
}

// hashKey spreads keys over shards: it returns a number below shards.
func hashKey(k *senderKey) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for i := range len(k.name) {
		h = (h ^ uint64(k.name[i])) * 1099511628211
	}
	b := k.addr.As16()
	h ^= binary.BigEndian.Uint64(b[:8]) ^ binary.BigEndian.Uint64(b[8:])
	return h * 0x9e3779b97f4a7c15 >> (64 - shardBits) // the upper bits are mixed best
}

// identify finds the host that sent a line: by its verified name, by its address, by the name in the header. The first that the
// inventory knows is it; another one that a later way means is not believed, and said to be a conflict.
func (n *Enricher) identify(e *event.Event) (h *inventory.HostTable, conflict bool) {
	r := &e.Receiver
	consider := func(other *inventory.HostTable) {
		switch {
		case other == nil:
		case h == nil:
			h = other
		default:
			conflict = conflict || inventory.Same([]*inventory.HostTable{h, other}) == nil
		}
	}
	if r.Authenticated && r.TLSPeer != "" {
		consider(n.inv.Host(r.TLSPeer))
	}
	if r.Relay == "" {
		consider(inventory.Same(n.inv.HostsAt(r.Peer.Addr())))
	}
	if name := headerOf(e); name != "" {
		consider(n.inv.Host(name))
	}
	return h, conflict
}

// learnHost makes the host known that a trusted sender's NetPort line is of, where no source has told of it: by its verified
// name, else by the name in its header, else by its address.
func (n *Enricher) learnHost(e *event.Event) *host {
	r := &e.Receiver
	name := ""
	if r.Authenticated {
		name = r.TLSPeer
	}
	if name == "" && !strings.EqualFold(e.Syslog.Hostname, "localhost") {
		name = e.Syslog.Hostname
	}
	if name == "" {
		name = r.Peer.Addr().Unmap().WithZone("").String()
	}
	table := n.inv.LearnHost(name)
	if table == nil {
		return nil
	}
	return n.hosts.get(table)
}
