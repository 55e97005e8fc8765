package enrich

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

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

// sender is what is kept of one sender.
type sender struct {
	// What every line looks at comes first: a lock is taken only for a line that tells something new (heard).
	used atomic.Int64 // about when its last line was received; forgotten: it had to make room
	// Lines of the hour quietHour whose clock differs by quiet or more do not move the clock.
	quiet, quietHour atomic.Int64

	mu    *sync.Mutex // the shard's
	clock clock
}

// forgotten is in used of a sender that is not kept any more.
const forgotten = math.MinInt64

// heard takes in a line that tells nothing new: it reports false where it does, or where that has to be looked at.
func (p *sender) heard(received int64, stamped bool, line int64) bool {
	used := p.used.Load()
	if used == forgotten {
		return false
	}
	if late := received - used; late > int64(time.Second) || late < 0 {
		p.used.CompareAndSwap(used, received) // not over forgotten
	}
	return !stamped || received/int64(time.Hour) == p.quietHour.Load() && received-line >= p.quiet.Load()
}

// observe takes in a line that may tell something new. The caller holds the shard's lock.
func (p *sender) observe(received, line int64) {
	p.clock.observe(received, line)
	if least, settled := p.clock.least[p.clock.now%24], p.clock.lines >= settledLines; settled {
		p.quietHour.Store(-1)
		p.quiet.Store(least)
		p.quietHour.Store(p.clock.now)
	}
}

// offset is how far the sender's clock is from ours, as far as that is known.
func (p *sender) offset(received int64) (offset int64, settled bool) {
	p.mu.Lock() // without a defer: nothing below may panic
	offset, settled = p.clock.offset(received)
	p.mu.Unlock()
	return offset, settled
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
	case ofFile(e):
		return senderKey{name: headerOf(e)}
	}
	return senderKey{addr: r.Peer.Addr().Unmap().WithZone("")}
}

// sent is what is known of a line by who sent it.
type sent struct {
	*seen
	renamed  bool
	offset   int64 // of a line that speaks of a port
	settled  bool
	hasStamp bool
}

// sender fills s: it learns from a line's stamp and finds out who sent it. Most lines are of a sender and a header that were seen before,
// since when nothing has changed, and move no clock: for those it takes no lock and asks no map (BenchmarkEnrich).
func (n *Enricher) sender(e *event.Event, s *sent) {
	name, addr, header := seenKeyOf(e)
	hash := n.seen.hash(name, addr, header)
	version := n.inv.Version()
	s.hasStamp = e.TimeSource == event.TimeHeader && e.Time != 0 && !ofFile(e)
	v := n.seen.find(hash, name, addr, header)
	if v != nil && (v.version.Load() == version || n.still(v, version)) && v.sender.heard(e.Received, s.hasStamp, e.Time) {
		s.seen = v
		if speaksOfPort(e) {
			s.offset, s.settled = v.sender.offset(e.Received)
		}
		return
	}
	key := keyOf(e)
	sh := &n.shards[hashKey(&key)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	p := sh.senders[key]
	if p == nil {
		p = sh.add(key)
	}
	p.used.Store(e.Received)
	if s.hasStamp {
		p.observe(e.Received, e.Time)
	}
	if speaksOfPort(e) {
		s.offset, s.settled = p.clock.offset(e.Received)
	}
	if v == nil || v.sender != p || v.version.Load() != version && !n.still(v, version) {
		v = n.recognize(v, p, &seenKey{name, addr, header}, key, e, version, s)
		v.hash = hash
		n.seen.keep(v)
	}
	s.seen = v
}

// still reports whether what was seen holds for a later version of the inventory, which was read before.
func (n *Enricher) still(v *seen, version uint64) bool {
	if v.generation != n.inv.Generation() || v.host != nil && v.host.table.Facts() != v.facts {
		return false
	}
	v.version.Store(version)
	return true
}

// recognize finds out which host a sender is, by a header that is new or after the inventory has changed. old is what was seen
// of that header before, or nil.
func (n *Enricher) recognize(old *seen, p *sender, k *seenKey, key senderKey, e *event.Event, version uint64, s *sent) *seen {
	v := &seen{sender: p, generation: n.inv.Generation()}
	v.version.Store(version)
	if old != nil {
		v.seenKey = old.seenKey
	} else {
		v.seenKey = seenKey{name: strings.Clone(k.name), addr: k.addr, header: strings.Clone(k.header)}
	}
	if len(v.header) <= len(v.text) {
		v.short = uint8(copy(v.text[:], v.header))
	}
	name := strings.TrimSuffix(v.header, ".") // the root's dot is no part of a name
	if old != nil && old.sender == p && old.generation == v.generation {
		v.host, v.name, v.conflict = old.host, old.name, old.conflict
	} else {
		var table *inventory.HostTable
		if table, v.conflict = n.identify(e); table != nil {
			v.host = n.hosts.get(table)
		}
		switch of := keyOfName(key, name); {
		case name == "":
		case table == nil:
			v.name = n.names.settle(of, name, e.Received)
		case n.names.correct(of, table.Facts().Name, e.Received): // it went by another name so far
			s.renamed = n.told.first(of)
		}
	}
	if v.host != nil {
		v.facts = v.host.table.Facts()
		var renamed bool
		if v.joined, renamed = n.render(v.host, v.facts); renamed {
			n.told.first(keyOfName(key, name))
			s.renamed = true
		}
		v.same = v.joined.Name() == v.header
	}
	return v
}

func speaksOfPort(e *event.Event) bool {
	return !e.OnlyCommon() && (e.L2Sec.Kind != event.L2SecNone || e.NetPort.Kind != event.NetPortNone)
}

// add makes room for a sender and returns it.
func (sh *shard) add(key senderKey) *sender {
	if len(sh.senders) >= maxSenders/shards {
		var oldest senderKey
		used := int64(0)
		for k, p := range sh.senders {
			if u := p.used.Load(); used == 0 || u < used {
				oldest, used = k, u
			}
		}
		sh.senders[oldest].used.Store(forgotten)
		delete(sh.senders, oldest)
	}
	key.name = strings.Clone(key.name)
	p := &sender{mu: &sh.mu}
	p.quietHour.Store(-1)
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
