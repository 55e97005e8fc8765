package enrich

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"

	"vswarden/event"
	"vswarden/inventory"
)

// seen is which host a sender is, by one header. A relay that nobody lists, or a connection that lines of many hosts come over,
// names another host with each line. It is replaced, never changed, but for version. It takes three cache lines (TestSeenSize),
// none of which the line before has looked at: so an address and the usual header are compared without following a pointer.
type seen struct {
	seenKey
	hash     uint32 // of seenKey
	conflict bool   // address or verified name and header mean different hosts
	same     bool   // header is the name of host
	short    uint8  // bytes of header in text; 0: too many, or none

	version    atomic.Uint64 // of the inventory, as of which the rest holds
	sender     *sender
	host       *host
	joined     *event.JoinedHost
	facts      *inventory.Host // joined was rendered from these
	name       string          // under which it goes while the inventory does not know it; empty: the header has none
	generation uint64          // of the inventory's index

	text [64]byte // header once more
}

// has reports whether header is that of v.
func (v *seen) has(header string) bool {
	if v.short > 0 {
		return string(v.text[:v.short]) == header
	}
	return v.header == header
}

// seenKey is a sender as its lines have it, and a header.
type seenKey struct {
	name   string     // see senderKey
	addr   netip.Addr // as the socket has it
	header string
}

// seenKeyOf returns the parts of a line's key, which is not built: to read what was stored in pieces just before would wait
// for the stores.
func seenKeyOf(e *event.Event) (name string, addr netip.Addr, header string) {
	header = headerOf(e)
	r := &e.Receiver
	switch {
	case r.Authenticated && r.TLSPeer != "":
		return r.TLSPeer, addr, header
	case r.Relay != "" && e.Syslog.Hostname != "", ofFile(e):
		return header, addr, header
	}
	return "", r.Peer.Addr(), header
}

// maxSeen bounds what is kept of headers, which can be made up: beyond it all is looked for anew.
const maxSeen = 1 << 15

// seenTable finds what was seen without a lock: a table with open addresses, at most half full, that is replaced to grow.
type seenTable struct {
	seed  maphash.Seed
	slots atomic.Pointer[[]atomic.Pointer[seen]]

	mu   sync.Mutex
	used int // slots
}

// leastSlots is how long the table is at first.
const leastSlots = 1 << 8

func (t *seenTable) init() {
	t.seed = maphash.MakeSeed()
	t.renew(leastSlots)
}

// hash spreads keys over the table.
func (t *seenTable) hash(name string, addr netip.Addr, header string) uint32 {
	var h uint64
	if addr.Is4() { // of sixteen bytes, stored in two pieces and read in one, would be waited for
		a := addr.As4()
		h = uint64(binary.BigEndian.Uint32(a[:]))
	} else {
		a := addr.As16()
		h = binary.BigEndian.Uint64(a[:8]) ^ binary.BigEndian.Uint64(a[8:])
	}
	h *= 0x9e3779b97f4a7c15
	if name != "" {
		h ^= maphash.String(t.seed, name) * 0x9e3779b97f4a7c15
	}
	return uint32(h ^ h>>32 ^ maphash.String(t.seed, header))
}

// find returns what was seen under a key, or nil.
func (t *seenTable) find(hash uint32, name string, addr netip.Addr, header string) *seen {
	slots := *t.slots.Load()
	for i := hash; ; i++ {
		v := slots[i&uint32(len(slots)-1)].Load()
		if v == nil || v.hash == hash && v.has(header) && v.addr == addr && v.seenKey.name == name {
			return v
		}
	}
}

// keep keeps v in the place of what was seen under its key before.
func (t *seenTable) keep(v *seen) {
	t.mu.Lock()
	defer t.mu.Unlock()
	slots := *t.slots.Load()
	if 2*t.used >= len(slots) {
		old := slots
		if t.used >= maxSeen { // most of it made up
			slots, old = t.renew(leastSlots), nil
		} else {
			slots = t.renew(2 * len(old))
		}
		for i := range old {
			if o := old[i].Load(); o != nil {
				t.put(slots, o)
			}
		}
	}
	t.put(slots, v)
}

// renew begins an empty table. Whoever looks meanwhile finds nothing, and looks for it anew.
func (t *seenTable) renew(length int) []atomic.Pointer[seen] {
	slots := make([]atomic.Pointer[seen], length)
	t.used = 0
	t.slots.Store(&slots)
	return slots
}

func (t *seenTable) put(slots []atomic.Pointer[seen], v *seen) {
	for i := v.hash; ; i++ {
		at := &slots[i&uint32(len(slots)-1)]
		old := at.Load()
		if old == nil {
			t.used++
		}
		if old == nil || old.hash == v.hash && old.seenKey == v.seenKey {
			at.Store(v)
			return
		}
	}
}
