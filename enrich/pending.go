package enrich

import (
	"time"

	"vswarden/event"
	"vswarden/inventory"
)

// Asker asks hosts for ports that nothing else knows. It never blocks.
type Asker interface {
	// Ask reports whether an answer about the port may still come, and asks where nobody has. name is the VM's, where
	// the line says it.
	Ask(host inventory.Ref, port uint32, name string) bool
}

// AskWith has Pending ask hosts. It is called before anything is joined.
func (n *Enricher) AskWith(a Asker) { n.asker = a }

// fresh is how old a line may be for its host to be asked who holds the port now.
const fresh = time.Minute

// Pending reports whether a little patience would tell more of the port that a line speaks of: its host was asked for it, or
// the source that tells of it is not yet past the moment of the line. It asks the host where nobody has.
//
// It leaves no trace in what is kept of senders, so a line may be asked about as often as one likes.
func (n *Enricher) Pending(e *event.Event) bool {
	if e.Received == 0 || !e.Receiver.Peer.IsValid() || !speaksOfPort(e) {
		return false
	}
	port, client := e.L2Sec.Port, &e.L2Sec.Client
	if e.NetPort.Kind != event.NetPortNone {
		port, client = e.NetPort.Port, &e.NetPort.Client
	} else if !e.L2Sec.HasPort {
		return false
	}
	if port == 0 || port>>31 != 0 || client.Type == event.ClientVMK || client.Type == event.ClientVMNIC || client.Type == event.ClientSystem {
		return false
	}
	s, table := n.peek(e)
	if table == nil {
		return false
	}
	from, join, to := n.when(e, &s)
	now := inventory.StampOf(n.now())
	if now.Sub(to) > fresh {
		return false
	}
	// What is not settled now will be when the source is past the line's moment, if it goes on telling.
	left := join.Add(n.cfg.Guard).Sub(now)
	soon := left > 0 && left <= n.cfg.Wait && table.Told(now) >= now && (!s.hasStamp || s.settled)
	var room [4]inventory.Candidate
	found := table.Lookup(&inventory.Query{Port: port, From: from, At: join, To: to, Now: now}, room[:0])
	if len(found) == 0 {
		return n.asker != nil && n.asker.Ask(table.Ref(), port, client.Name) || soon
	}
	if n.asker != nil && client.Name == "" && onlyAsked(found, join) && n.asker.Ask(table.Ref(), port, "") {
		return true
	}
	if !soon {
		return false
	}
	for i := range found {
		if c := &found[i]; len(found) == 1 && c.VM != nil && client.Name != "" && c.VM.Name == client.Name {
			return false // the line itself agrees: there is nothing to wait for
		}
		if !found[i].Settled {
			return true
		}
	}
	return false
}

// peek is sender for those who only look.
func (n *Enricher) peek(e *event.Event) (s sent, table *inventory.HostTable) {
	key := keyOf(e)
	sh := &n.shards[hashKey(&key)]
	sh.mu.Lock()
	if p := sh.senders[key]; p != nil {
		if e.TimeSource == event.TimeHeader && e.Time != 0 {
			s.hasStamp = true
			s.offset, s.settled = p.clock.offset(e.Received)
		}
	}
	sh.mu.Unlock()
	name, addr, header := seenKeyOf(e)
	if v := n.seen.find(n.seen.hash(name, addr, header), name, addr, header); v != nil && v.generation == n.inv.Generation() && v.host != nil {
		return s, v.host.table
	}
	table, _ = n.identify(e)
	return s, table
}

// onlyAsked reports whether all that is known of a port is what its host said when it was asked, before the line: nobody
// tells when an adapter leaves such a port for another, so only a second answer makes the first one sure.
func onlyAsked(found []inventory.Candidate, join inventory.Stamp) bool {
	for i := range found {
		if c := &found[i]; c.Method&inventory.MethodPortTable != 0 || c.Method&inventory.MethodLive != 0 && c.Stated >= join {
			return false
		}
	}
	return true
}
