package enrich

import (
	"strings"

	"vswarden/event"
	"vswarden/inventory"
	"vswarden/inventory/resolve"
)

// A host that denies something says so again and again. What was worked out for one line holds for the next one of the
// same port, client and text as long as nothing has changed in the inventory: then joining costs a lookup. Only answers that
// cannot depend on the moment are kept: one holder, settled, for certain, since before the window.

// memoKey is all of a line that its answer depends on, but for its time.
type memoKey struct {
	port      uint32
	line      event.L2SecKind
	netport   event.NetPortKind
	client    string
	believed  bool   // the sender is, when it says whose port it is
	requested string // address that the line asks for, or says that the port was enabled with
}

// memo is an answer that holds while the version of the inventory stays.
type memo struct {
	key     memoKey
	version uint64
	from    inventory.Stamp // windows that begin before are not covered
	joined  event.Joined    // without Host, Time and Age
	source  event.PolicySource
	tags    event.Tags
	agrees  resolve.Agreement
}

// maxMemos bounds what is kept of one host.
const maxMemos = 256

// recall answers a line from what is kept. The caller fills in what depends on the clock.
func (n *Enricher) recall(e *event.Event, h *host, k *memoKey, q *resolve.Question, told inventory.Stamp) bool {
	if q.ClockUnsettled || told < q.Join.Add(n.cfg.Guard) {
		return false
	}
	m := h.recall(k, n.inv.Version(), q.From)
	if m == nil {
		return false
	}
	host := e.Joined.Host
	e.Joined = m.joined
	e.Joined.Host = host
	e.Rarely().L2Sec.PolicySource = m.source
	e.Tags |= m.tags
	return true
}

// recall returns what holds of a version for a window that begins at from, or nil, and counts what it says of the port table.
func (h *host) recall(k *memoKey, version uint64, from inventory.Stamp) *memo {
	h.mu.Lock() // without a defer, which costs as much as all else here: nothing below may panic
	m := h.last
	if m == nil || m.key != *k {
		m = h.memos[*k]
	}
	if m != nil && (m.version != version || from < m.from || h.outcomes.untrusted()) {
		m = nil
	}
	if m != nil {
		h.last = m
		if m.agrees != resolve.NotCompared {
			h.outcomes.add(m.agrees == resolve.Disagreed)
		}
	}
	h.mu.Unlock()
	return m
}

// remember keeps an answer that does not depend on the moment. version was read before it was worked out, tags are those that it
// added to the line.
func (n *Enricher) remember(e *event.Event, h *host, k *memoKey, q *resolve.Question, a *resolve.Answer, version uint64, tags event.Tags) {
	if q.ClockUnsettled || q.TableUntrusted || a.Notes != 0 || a.Candidates != 1 || a.Confidence < resolve.Sure || !h.table.Steady(&a.Candidate, &a.Place, q.From) {
		return
	}
	m := &memo{version: version, from: q.From, joined: e.Joined, source: e.L2Sec.PolicySource, tags: tags, agrees: a.Agrees}
	m.joined.Host, m.joined.Time, m.joined.Age = nil, 0, 0
	port := *e.Joined.Port
	m.joined.Port = &port
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.memos) >= maxMemos && h.memos[*k] == nil {
		clear(h.memos)
	}
	// They are pieces of the line, and a map takes over the key also where it has an equal one.
	k.requested, k.client = strings.Clone(k.requested), strings.Clone(k.client)
	if q.Client != "" {
		port.Client = k.client
	}
	m.key = *k
	h.memos[*k], h.last = m, m
}
