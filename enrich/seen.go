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
// names another host with each line. It is replaced, never changed, but for version.
type seen struct {
	seenKey
	hash   uint64 // of seenKey
	sender *sender

	version    atomic.Uint64 // of the inventory, as of which the rest holds
	generation uint64        // of its index
	host       *host
	name       string          // under which it goes while the inventory does not know it; empty: the header has none
	conflict   bool            // address or verified name and header mean different hosts
	facts      *inventory.Host // joined was rendered from these
	joined     *event.JoinedHost
}

// seenKey is a sender as its lines have it, and a header.
type seenKey struct {
	name   string     // see senderKey
	addr   netip.Addr // as the socket has it
	header string
}

func seenKeyOf(e *event.Event) (k seenKey) {
	k.header = headerOf(e)
	r := &e.Receiver
	switch {
	case r.Authenticated && r.TLSPeer != "":
		k.name = r.TLSPeer
	case r.Relay != "" && e.Syslog.Hostname != "", ofFile(e):
		k.name = k.header
	default:
		k.addr = r.Peer.Addr()
	}
	return k
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
func (t *seenTable) hash(k *seenKey) uint64 {
	a := k.addr.As16()
	h := (binary.BigEndian.Uint64(a[:8]) ^ binary.BigEndian.Uint64(a[8:])) * 0x9e3779b97f4a7c15
	if k.name != "" {
		h ^= maphash.String(t.seed, k.name) * 0x9e3779b97f4a7c15
	}
	return h ^ h>>32 ^ maphash.String(t.seed, k.header)
}

// find returns what was seen under a key, or nil.
func (t *seenTable) find(hash uint64, k *seenKey) *seen {
	slots := *t.slots.Load()
	for i := hash; ; i++ {
		v := slots[i&uint64(len(slots)-1)].Load()
		if v == nil || v.hash == hash && v.seenKey == *k {
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
		at := &slots[i&uint64(len(slots)-1)]
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
