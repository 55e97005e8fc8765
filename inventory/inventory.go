package inventory

import (
	"strings"
	"sync"
	"sync/atomic"
)

// Inventory is what all sources told, now and before.
type Inventory struct {
	cfg Config

	sources  atomic.Pointer[[]*source]
	vcenters atomic.Pointer[[]VCenter] // [0] is none
	nets     atomic.Pointer[network]
	index    atomic.Pointer[index]
	rebuilt  atomic.Uint64
	version  atomic.Uint64
	horizon  atomic.Int64 // Stamp: intervals that ended before it may have been forgotten

	mu      sync.Mutex // all that follows; held by writers
	hosts   map[Ref]*HostTable
	vms     map[Ref]*vmEntry
	words   map[string]string // strings that many objects share
	netSet  map[Net]*Net
	closed  int // ended intervals kept
	stats   Stats
	editing []*HostTable
	policy  policyLog
	stale   bool // the index is behind
	indexed Stamp
	swept   Stamp
}

// Stats counts what the inventory holds and has let go.
type Stats struct {
	Hosts         int `json:"hosts"`
	VMs           int `json:"vms"`
	Intervals     int `json:"intervals"`      // ended ones
	EvictedByAge  int `json:"evicted_by_age"` // since start
	EvictedByRoom int `json:"evicted_by_room"`
	Learned       int `json:"learned"`       // ports that log lines named
	LearnRefused  int `json:"learn_refused"` // for want of room, or too late to be of use
}

// New returns an empty inventory.
func New(cfg Config) *Inventory {
	inv := &Inventory{
		cfg:    cfg,
		hosts:  map[Ref]*HostTable{},
		vms:    map[Ref]*vmEntry{},
		words:  map[string]string{},
		netSet: map[Net]*Net{},
	}
	inv.sources.Store(&[]*source{})
	inv.vcenters.Store(&[]VCenter{{}})
	inv.nets.Store(&network{})
	inv.index.Store(&index{})
	return inv
}

// Config returns the bounds the inventory was made with.
func (inv *Inventory) Config() Config { return inv.cfg }

// Horizon returns the moment before which intervals may have been forgotten; 0 = none was.
func (inv *Inventory) Horizon() Stamp { return Stamp(inv.horizon.Load()) }

// Stats returns the counts as of now.
func (inv *Inventory) Stats() Stats {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	s := inv.stats
	s.Hosts, s.Intervals = len(inv.hosts), inv.closed
	for _, e := range inv.vms {
		if e.cur.Load().gone == 0 {
			s.VMs++
		}
	}
	return s
}

// maxWords bounds the strings kept to be shared.
const maxWords = 100_000

// word returns s, or an equal string that is kept already. Writers only.
func (inv *Inventory) word(s string) string {
	if s == "" {
		return ""
	}
	if w, ok := inv.words[s]; ok {
		return w
	}
	if len(inv.words) >= maxWords {
		clear(inv.words)
	}
	s = strings.Clone(s) // it may be a piece of a file
	inv.words[s] = s
	return s
}

// net returns the one copy of n. Writers only.
func (inv *Inventory) net(n Net) *Net {
	if n == (Net{}) {
		return nil
	}
	if p, ok := inv.netSet[n]; ok {
		return p
	}
	if len(inv.netSet) >= maxWords {
		clear(inv.netSet)
	}
	n.Switch, n.Portgroup, n.DVPort = inv.word(n.Switch), inv.word(n.Portgroup), strings.Clone(n.DVPort)
	p := &n
	inv.netSet[n] = p
	return p
}

// view returns the host's view as the update in progress sees it.
func (h *HostTable) view() *hostView {
	if h.edit != nil {
		return h.edit
	}
	return h.cur.Load()
}

// open returns the copy of the host's view that the update in progress changes.
func (inv *Inventory) open(h *HostTable) *hostView {
	if h.edit != nil {
		return h.edit
	}
	v := *h.cur.Load()
	v.ports = append([]portRow(nil), v.ports...)
	v.residents = append([]residence(nil), v.residents...)
	v.marks = append([]mark(nil), v.marks...)
	v.found = new(found)
	h.edit = &v
	inv.editing = append(inv.editing, h)
	return h.edit
}

// publish lets lookups see what the update in progress changed.
func (inv *Inventory) publish() {
	for _, h := range inv.editing {
		h.cur.Store(h.edit)
		h.edit = nil
	}
	clear(inv.editing)
	inv.editing = inv.editing[:0]
}

// host returns the table of a host, made where there is none.
func (inv *Inventory) host(ref Ref, name string) *HostTable {
	h := inv.hosts[ref]
	if h == nil {
		h = &HostTable{ref: ref, inv: inv}
		h.cur.Store(&hostView{host: &Host{Ref: ref, Name: name}, found: new(found)})
		inv.hosts[ref] = h
		inv.stale = true
	}
	return h
}

// Blank reports whether nobody has told of any host: there is nothing to ask.
func (inv *Inventory) Blank() bool { return len(inv.AllHosts()) == 0 && len(*inv.vcenters.Load()) <= 1 }
