package inventory

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// SourceKind tells how a source knows what it says.
type SourceKind uint8

// The kinds of sources, best first.
const (
	SourcePushed SourceKind = iota // a vCenter or host that pushes every change (property updates)
	SourceLive                     // a host's own table, asked for (esxcli, the Esxtop service)
	SourceStream                   // log lines: NetPort … enabled port … with mac …
	SourceImport                   // files and tool output: statements as of a moment
)

// String returns the kind as a word.
func (k SourceKind) String() string {
	return [...]string{"pushed", "live", "stream", "import"}[k%4]
}

// SourceID stands for a source within one Inventory.
type SourceID uint8

// maxSources bounds the sources of one inventory.
const maxSources = 250

// Quiet is how long a live source may say nothing at all and still be taken for healthy: a long
// poll answers every 30 s.
const Quiet = 45 * time.Second

// source is who told us. What is atomic is read by lookups.
type source struct {
	name string
	kind SourceKind
	vc   uint16

	reported atomic.Int64 // Stamp up to which it has told all changes
	live     atomic.Bool  // healthy since the last Reported
	synced   atomic.Bool  // has reported since this process began
	pending  []*HostTable // hosts whose marks the next Reported sets; guarded by Inventory.mu
}

// SourceState is what is known of a source.
type SourceState struct {
	ID       SourceID   `json:"-"`
	Name     string     `json:"name"`
	Kind     SourceKind `json:"-"`
	VC       uint16     `json:"-"`
	Reported Stamp      `json:"reported,omitzero"` // up to when it has told all changes
	Live     bool       `json:"live"`              // pushing
	Synced   bool       `json:"synced"`            // has reported since this process began; else it is the snapshot that speaks
}

var errSources = errors.New("too many sources")

// AddSource makes a source known and returns its ID. A source that the snapshot knows by that name and kind
// is the same one. vcenter is the index AddVCenter gave, 0 for none.
func (inv *Inventory) AddSource(name string, kind SourceKind, vcenter uint16) (SourceID, error) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	old := *inv.sources.Load()
	for i, s := range old {
		if s.name == name && s.kind == kind && s.vc == vcenter {
			return SourceID(i), nil
		}
	}
	if len(old) == maxSources {
		return 0, fmt.Errorf("add source %s: %w", name, errSources)
	}
	list := append(slices.Clip(old), &source{name: name, kind: kind, vc: vcenter})
	inv.sources.Store(&list)
	return SourceID(len(old)), nil
}

// AddVCenter makes a vCenter known by its name, or finds it, and returns its index in every Ref.
func (inv *Inventory) AddVCenter(vc VCenter) uint16 {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	return inv.addVCenter(vc)
}

func (inv *Inventory) addVCenter(vc VCenter) uint16 {
	list := append([]VCenter(nil), *inv.vcenters.Load()...)
	for i := 1; i < len(list); i++ {
		if list[i].Name == vc.Name {
			inv.stale = inv.stale || list[i] != vc // what was rendered of its hosts names it
			list[i] = vc
			inv.vcenters.Store(&list)
			return uint16(i)
		}
	}
	list = append(list, vc)
	inv.vcenters.Store(&list)
	return uint16(len(list) - 1)
}

// VCenter returns the vCenter behind an index; the zero VCenter for 0 and for an index never given.
func (inv *Inventory) VCenter(index uint16) VCenter {
	if list := *inv.vcenters.Load(); int(index) < len(list) {
		return list[index]
	}
	return VCenter{}
}

// Sources returns the state of every source.
func (inv *Inventory) Sources() []SourceState {
	list := *inv.sources.Load()
	states := make([]SourceState, len(list))
	for i, s := range list {
		states[i] = SourceState{
			ID: SourceID(i), Name: s.name, Kind: s.kind, VC: s.vc,
			Reported: Stamp(s.reported.Load()), Live: s.live.Load(), Synced: s.synced.Load(),
		}
	}
	return states
}

// Source returns the state of one source.
func (inv *Inventory) Source(id SourceID) SourceState {
	s := (*inv.sources.Load())[id]
	return SourceState{
		ID: id, Name: s.name, Kind: s.kind, VC: s.vc,
		Reported: Stamp(s.reported.Load()), Live: s.live.Load(), Synced: s.synced.Load(),
	}
}

// Reported says that a source has told all changes up to t, and pushes the ones to come. A
// feeder calls it when a sync is complete and then with each answer, silent ones too.
func (inv *Inventory) Reported(id SourceID, t Stamp) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	s := (*inv.sources.Load())[id]
	for _, h := range s.pending {
		h.markReported(id, t)
	}
	if len(s.pending) > 0 {
		inv.changed()
	}
	s.pending = nil
	if int64(t) > s.reported.Load() {
		s.reported.Store(int64(t))
	}
	s.live.Store(true)
	if !s.synced.Swap(true) { // a first sync is seen at once
		inv.rebuild(t)
	}
}

// Down says that a source no longer pushes; what it reported stays. Changes it tells of from now
// on, until the next Reported, may have happened at any time since.
func (inv *Inventory) Down(id SourceID) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	(*inv.sources.Load())[id].live.Store(false)
}

// mark is what one pushing source knows of one host.
type mark struct {
	source SourceID
	since  Stamp // its first complete report
	until  Stamp // the host was cut off from its vCenter then; 0 = it was not
}

func (v *hostView) mark(id SourceID) *mark {
	for i := range v.marks {
		if v.marks[i].source == id {
			return &v.marks[i]
		}
	}
	return nil
}

// markReported notes that the source has reported on h up to t. The caller holds Inventory.mu.
func (h *HostTable) markReported(id SourceID, t Stamp) {
	v := *h.cur.Load()
	v.marks = append([]mark(nil), v.marks...)
	connected := v.host.Connection == Connected || v.host.Connection == ConnectionUnknown
	m := v.mark(id)
	switch {
	case m == nil && connected:
		v.marks = append(v.marks, mark{source: id, since: t})
	case m != nil && connected:
		m.until = 0
	default:
		return
	}
	h.cur.Store(&v)
}

// knownUpTo returns the moment up to which the source has told all changes of the host, as seen at
// now; 0 = it has never reported on it.
func (v *hostView) knownUpTo(id SourceID, s *source, now Stamp) Stamp {
	m := v.mark(id)
	switch {
	case m == nil:
		return 0
	case m.until != 0:
		return m.until
	}
	return s.upTo(now)
}

// upTo returns the moment up to which the source has told all changes, as seen at now.
func (s *source) upTo(now Stamp) Stamp {
	reported := Stamp(s.reported.Load())
	if s.live.Load() && now > reported && now.Sub(reported) <= Quiet {
		return now
	}
	return reported
}

// Told returns the moment up to which any pushing source has told all changes of the host, as seen
// at now; 0 = none ever did.
func (h *HostTable) Told(now Stamp) (told Stamp) {
	v := h.cur.Load()
	sources := *h.inv.sources.Load()
	for i := range v.marks {
		told = max(told, v.knownUpTo(v.marks[i].source, sources[v.marks[i].source], now))
	}
	return told
}
