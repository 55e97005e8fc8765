package inventory

import (
	"slices"
	"sync/atomic"
)

// Kind is what holds a port.
type Kind uint8

// The kinds of holders.
const (
	KindUnknown Kind = iota
	KindVM
	KindVMKernel
	KindUplink
	KindSystem // the switch's own Management client, vdr-vdrPort and the like
)

// String returns the word vmware.l2sec.client.type uses.
func (k Kind) String() string { return [...]string{"unknown", "vm", "vmk", "vmnic", "system"}[k%5] }

// HostTable is one host's place in the inventory; it stays the same while the host is known.
type HostTable struct {
	ref Ref
	inv *Inventory
	cur atomic.Pointer[hostView]

	edit *hostView // the copy that an update in progress changes; guarded by Inventory.mu
}

// hostView is what a lookup sees of a host. It is replaced, never changed; lists that only grow share
// their memory with the view before.
type hostView struct {
	host      *Host
	gone      Stamp
	ids       []uint32    // the ids of ports, in order: they fit into few cache lines
	ports     []portRow   // by id
	residents []residence // who runs here
	former    []residence // who ran here, by the time it was seen to leave; grows only
	marks     []mark
	imports   []Stamp // moments of the imports that spoke of this host, in order
	found     *found  // worked out by lookups; never nil
}

// portRow is all that is known of one port id on one host.
type portRow struct {
	id     uint32
	open   []binding // at most one of each source
	closed []binding // by the time they were seen to end; grows only
	late   Stamp     // when the last of closed was seen to end: most lookups need not look there
	stated []binding // from imports, by the time stated
}

// binding is an interval in which a port was held: surely in [from, to), perhaps in [early, late).
type binding struct {
	early, from, to, late Stamp
	at                    Stamp    // when the source last said so
	vm                    *vmEntry // nil: not a VM, or not known which
	net                   *Net     // nil: not known
	client                string   // the holder's name as the source has it
	nic                   int32    // device key; 0 = not known
	mac                   MAC
	kind                  Kind
	source                SourceID
	backdated             bool // [early, from) is the time since the holder booted
}

// Net is where a port is.
type Net struct {
	Switch    string `json:"switch,omitempty"` // as the source prints it: a name or DvsPortset-N
	Portgroup string `json:"portgroup,omitempty"`
	DVPort    string `json:"dvport,omitempty"`
	Enforced  Flags  `json:"enforced,omitzero"` // what the host's switch itself prints
}

// residence is an interval in which a VM ran on a host.
type residence struct {
	vm                    *vmEntry
	name                  string // its name, the last one it bore here
	early, from, to, late Stamp
	at                    Stamp // when an import said so; 0 = a source that pushes
	source                SourceID
	backdated             bool
}

// vmEntry is one VM's place in the inventory.
type vmEntry struct {
	cur  atomic.Pointer[VM]
	home *HostTable // where it runs; guarded by Inventory.mu
}

// vmPast is what a VM was.
type vmPast struct {
	names []nameSpan
	nets  []netSpan
	addrs []addrSpan
}

// A span held in [from, to); its end was seen at late and happened in [to, late].
type nameSpan struct {
	from, to, late Stamp
	name           string
}

type netSpan struct {
	from, to, late Stamp
	key            int32
	backing        Backing
}

type addrSpan struct {
	from, to, late Stamp
	addr           [16]byte
}

// find returns the row of a port id, or nil.
func (v *hostView) find(id uint32) *portRow {
	lo, hi := 0, len(v.ids)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if v.ids[mid] < id {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(v.ids) && v.ids[lo] == id {
		return &v.ports[lo]
	}
	return nil
}

// row returns the row of a port id, made where there is none. v must be an edit.
func (v *hostView) row(id uint32) *portRow {
	i, found := slices.BinarySearch(v.ids, id)
	if !found {
		v.ids = slices.Insert(slices.Clone(v.ids), i, id)
		v.ports = slices.Insert(v.ports, i, portRow{id: id})
	}
	return &v.ports[i]
}

// Facts returns what is known of the host itself.
func (h *HostTable) Facts() *Host { return h.cur.Load().host }

// Ref returns the host's name for good.
func (h *HostTable) Ref() Ref { return h.ref }

// Gone returns when the host left the inventory; 0 = it is there.
func (h *HostTable) Gone() Stamp { return h.cur.Load().gone }

// KnownSince returns when a pushing source first reported on the host; 0 = none has.
func (h *HostTable) KnownSince() (since Stamp) {
	for _, m := range h.cur.Load().marks {
		if since == 0 || m.since < since {
			since = m.since
		}
	}
	return since
}
