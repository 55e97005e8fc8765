// Package enrich joins a line with what the inventory knows: which host sent it, who held the port it speaks of
// when it was written, which policy was in force there, whose the address is that was asked for.
//
// It never blocks, asks nobody and fails at nothing: not knowing is an answer. It keeps the offset of each sender's clock
// and how well each host's table agrees with its lines, both bounded, and teaches the inventory the ports that lines of trusted
// senders name. It weighs nothing itself: package resolve does.
package enrich

import (
	"sync"
	"time"

	"vswarden/event"
	"vswarden/inventory"
	"vswarden/inventory/resolve"
)

// Enricher joins lines. It may be used by many goroutines at once.
type Enricher struct {
	cfg     Config
	inv     *inventory.Inventory
	now     func() time.Time
	learned inventory.SourceID
	asker   Asker // nil: hosts are not asked

	shards  [shards]shard
	seen    seenTable
	hosts   hosts
	names   *Names
	told    told
	ports   ports
	scratch sync.Pool // *scratch
}

// New returns an enricher that asks inv. now is the clock.
func New(cfg Config, inv *inventory.Inventory, now func() time.Time) (*Enricher, error) {
	id, err := inv.AddSource("log lines", inventory.SourceStream, 0)
	if err != nil {
		return nil, err
	}
	n := &Enricher{cfg: cfg, inv: inv, now: now, learned: id}
	for i := range n.shards {
		n.shards[i].senders = map[senderKey]*sender{}
	}
	n.seen.init()
	n.ports.places.most = maxPlaces
	n.names, n.told.of = NewNames(), map[nameKey]struct{}{}
	n.hosts.of = map[*inventory.HostTable]*host{}
	n.scratch.New = func() any { return new(scratch) }
	return n, nil
}

// ShareNames makes the enricher use names that others use too, before its first line.
func (n *Enricher) ShareNames(names *Names) { n.names = names }

// Enrich joins one line. Lines that nobody sent and nobody vouches for, or of no time, are left as they are.
func (n *Enricher) Enrich(e *event.Event) {
	if e.Received == 0 || !e.Receiver.Peer.IsValid() && !ofFile(e) {
		return
	}
	var s sent
	n.sender(e, &s)
	if s.host == nil && e.NetPort.Kind == event.NetPortEnabled && n.trusted(e) {
		if h := n.learnHost(e); h != nil {
			s.seen = &seen{host: h}
			s.joined, _ = n.render(h, h.table.Facts())
		}
	}
	j := &e.Joined
	if s.host == nil {
		if s.name != "" {
			e.Host = s.name
		}
		if n.inv.Blank() { // nothing was looked for
			return
		}
		j.Status, j.Missing = event.JoinUnresolved, event.JoinMissing(resolve.MissingHost)
		return
	}
	j.Status, j.Host = event.JoinComplete, s.joined
	if s.same { // of many hosts each name is far away in memory, and the line has it at hand
		e.Host = headerOf(e)
	} else {
		e.Host = s.joined.Name()
	}
	if s.renamed {
		e.Tags |= event.TagHostRenamed
	}
	if s.conflict {
		e.Tags |= event.TagHostConflict
	}
	if speaksOfPort(e) {
		n.port(e, &s)
	}
}

// when returns the window a line is of: its own time by our clock, never later than its receipt, less the guard. A line of
// a file was received at no time that means anything, so its window ends a guard after its own.
func (n *Enricher) when(e *event.Event, s *sent) (from, join, to inventory.Stamp) {
	if ofFile(e) {
		join = inventory.Stamp(e.Time)
		return join.Add(-n.cfg.Guard), join, join.Add(n.cfg.Guard)
	}
	to = inventory.Stamp(e.Received)
	join = to
	if s.hasStamp {
		join = min(inventory.Stamp(e.Time+s.offset), to)
	}
	return join.Add(-n.cfg.Guard), join, to
}

// trusted reports whether what a line says of ports is believed.
func (n *Enricher) trusted(e *event.Event) bool {
	if e.Receiver.Authenticated {
		return true
	}
	if e.Receiver.Relay != "" {
		return false
	}
	addr := e.Receiver.Peer.Addr().Unmap()
	for _, p := range n.cfg.LearnFrom {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// Untrusted counts the hosts whose port table disagreed with too many of their lines to be believed alone.
func (n *Enricher) Untrusted() int { return n.hosts.untrusted() }
