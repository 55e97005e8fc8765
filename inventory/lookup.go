package inventory

import "time"

// Method is a set of ways in which an answer was found (vmware.enrichment.match).
type Method uint16

// The methods: the closed list of the event schema.
const (
	MethodPortTable Method = 1 << iota // the host's own table, pushed by vCenter
	MethodClientName
	MethodLearned // a log line said so
	MethodLive    // the host was asked
	MethodVMK
	MethodUplink
	MethodImport
	MethodSnapshot  // no source has confirmed it since this process began
	MethodBackdated // since the holder's boot, which was before the first report
	MethodTombstone // the holder has left; nobody is known to have come after it
	MethodMAC
)

// MethodNames are the words of the event schema, in the order of the bits.
var MethodNames = [...]string{
	"port_table", "client_name", "learned", "live", "vmk", "uplink", "import", "snapshot", "backdated", "tombstone", "mac",
}

// Names returns the methods as words.
func (m Method) Names() (names []string) {
	for i, name := range MethodNames {
		if m&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Cover says how much of the asked window a candidate held the port.
type Cover uint8

// The covers, least first.
const (
	CoverNone    Cover = iota
	CoverBefore        // it had left not long before
	CoverPerhaps       // it may have held the port in the window
	CoverPart          // it held the port at some moment of the window, but not when the line was written
	CoverAt            // it held the port when the line was written
	CoverAll           // it held the port throughout
)

// Query asks who held a port of one host.
type Query struct {
	Port     uint32
	From, To Stamp // the window: join time less guard, receive time
	At       Stamp // the join time
	Now      Stamp // the clock, for how far healthy sources have told
}

// Candidate is one who may be meant. What it points to is never changed.
type Candidate struct {
	Kind   Kind
	VM     *VM   // as last seen; nil: not a VM, or not known which
	NICKey int32 // which adapter of VM; 0 = not known
	MAC    MAC
	Net    *Net // as the source prints it; nil: not known
	Client string

	Early, From, To, Late Stamp // surely in [From, To), perhaps in [Early, Late)
	Stated                Stamp // when the source said so: counts for imports

	Method     Method
	Cover      Cover
	Settled    bool // its source has told all that happened up to guard after Query.At
	FormerName bool // found by a name it no longer bore in the window
}

// NIC returns the adapter, or nil where it is not known.
func (c *Candidate) NIC() *NIC {
	if c.VM == nil || c.NICKey == 0 {
		return nil
	}
	return c.VM.NIC(c.NICKey)
}

// grace is how long after its end an interval is still offered where nothing else is known.
const grace = 15 * time.Minute

// Lookup appends to dst all who held or may have held the port in the window, one candidate for each
// holder; if there are none, the last one before it. It takes no lock and allocates nothing
// if dst has room.
func (h *HostTable) Lookup(q *Query, dst []Candidate) []Candidate {
	v := h.cur.Load()
	row := v.find(q.Port)
	if row == nil {
		return dst
	}
	base := len(dst)
	for i := range row.open {
		dst = h.consider(v, &row.open[i], q, dst, base)
	}
	for i := range row.stated {
		if row.stated[i].kind != kindFree {
			dst = h.consider(v, &row.stated[i], q, dst, base)
		}
	}
	if oldest := q.From.Add(-grace); row.late >= oldest {
		for i := len(row.closed) - 1; i >= 0 && row.closed[i].late >= oldest; i-- {
			dst = h.consider(v, &row.closed[i], q, dst, base)
		}
	}
	return dropGhosts(dst, base)
}

// dropGhosts takes out who had left before the window, but for the last one if nobody else is known.
func dropGhosts(dst []Candidate, base int) []Candidate {
	last, live := -1, false
	for i := base; i < len(dst); i++ {
		switch {
		case dst[i].Cover > CoverBefore:
			live = true
		case last < 0 || dst[i].Late > dst[last].Late:
			last = i
		}
	}
	if last < 0 {
		return dst
	}
	if !live {
		dst[last].Method |= MethodTombstone
		dst[base] = dst[last]
		return dst[:base+1]
	}
	kept := base
	for i := base; i < len(dst); i++ {
		if dst[i].Cover > CoverBefore {
			dst[kept] = dst[i]
			kept++
		}
	}
	return dst[:kept]
}

// consider appends the holder of b, if it held the port near the window, or adds to what dst says of it.
func (h *HostTable) consider(v *hostView, b *binding, q *Query, dst []Candidate, base int) []Candidate {
	cover, backdated := coverOf(b.early, b.from, b.to, b.late, b.backdated, q)
	if cover == CoverNone {
		return dst
	}
	var c *Candidate
	for i := base; i < len(dst) && c == nil; i++ {
		if b.sameAs(&dst[i]) {
			c = &dst[i]
		}
	}
	if c == nil {
		dst = append(dst, Candidate{})
		c = &dst[len(dst)-1]
		c.Kind, c.Client, c.MAC = b.kind, b.client, b.mac
	} else if c.Kind == KindUnknown {
		c.Kind, c.Client = b.kind, b.client
	}
	if b.vm != nil && (c.VM == nil || c.NICKey == 0) {
		vm := b.vm.cur.Load()
		if c.VM == nil || c.VM.Ref.VC == 0 || c.VM.Ref == vm.Ref {
			c.VM, c.NICKey = vm, b.nic
		}
	}
	if c.Net == nil || b.net != nil && b.net.DVPort != "" && c.Net.DVPort == "" {
		c.Net = b.net
	}
	if c.MAC == (MAC{}) {
		c.MAC = b.mac
	}
	method, settled := h.standing(v, b, q)
	if backdated {
		method |= MethodBackdated
	}
	// The best witness dates the candidate; what a second one adds is that it agrees.
	if better := cover > c.Cover || cover == c.Cover && b.from > c.From; better {
		if c.Cover != CoverNone {
			method |= c.Method &^ (MethodBackdated | MethodSnapshot)
		}
		c.Cover, c.Settled, c.Method = cover, settled, method
		c.Early, c.From, c.To, c.Late, c.Stated = b.early, b.from, b.to, b.late, b.at
		return dst
	}
	c.Method |= method &^ (MethodBackdated | MethodSnapshot)
	return dst
}

// coverOf compares an interval with the window.
func coverOf(early, from, to, late Stamp, backdated bool, q *Query) (c Cover, usedBoot bool) {
	start := from
	if backdated && q.At < from {
		start, usedBoot = early, true
	}
	switch {
	case start <= q.From && to >= q.To:
		c = CoverAll
	case start <= q.At && to > q.At:
		c = CoverAt
	case start <= q.To && to > q.From:
		c = CoverPart
	case early <= q.To && late > q.From:
		c = CoverPerhaps
	case late <= q.From && late >= q.From.Add(-grace):
		c = CoverBefore
	}
	return c, usedBoot
}

// sameAs reports whether c is the holder of b. A VM that only imports know is the same as another by address
// or, where one has none, by name.
func (b *binding) sameAs(c *Candidate) bool {
	if b.kind == KindUnknown || c.Kind == KindUnknown {
		return true // a list that does not say who, such as net-dvs
	}
	if b.kind != c.Kind {
		return false
	}
	if b.kind != KindVM {
		return b.client == c.Client || b.client == "" || c.Client == ""
	}
	if b.mac != (MAC{}) && c.MAC != (MAC{}) {
		return b.mac == c.MAC && !b.otherVM(c)
	}
	if b.vm != nil && c.VM != nil {
		vm := b.vm.cur.Load()
		if vm.Ref == c.VM.Ref {
			return b.nic == 0 || c.NICKey == 0 || b.nic == c.NICKey
		}
		return (vm.Ref.VC == 0 || c.VM.Ref.VC == 0) && vm.Name == c.VM.Name
	}
	return b.client != "" && b.client == c.Client
}

// otherVM reports whether b and c name two machines for certain: an address can be had twice.
func (b *binding) otherVM(c *Candidate) bool {
	if b.vm == nil || c.VM == nil {
		return false
	}
	vm := b.vm.cur.Load()
	return vm.Ref != c.VM.Ref && vm.Ref.VC != 0 && c.VM.Ref.VC != 0
}

// standing returns by which method a binding is known, and whether it is settled at q.At.
func (h *HostTable) standing(v *hostView, b *binding, q *Query) (m Method, settled bool) {
	sources := *h.inv.sources.Load()
	s := sources[b.source]
	switch s.kind {
	case SourceImport:
		return MethodImport, true
	case SourceLive:
		m = MethodLive
	case SourceStream:
		m = MethodLearned
	default:
		m = MethodPortTable
	}
	switch b.kind {
	case KindVMKernel:
		m |= MethodVMK
	case KindUplink:
		m |= MethodUplink
	}
	want := q.At.Add(h.inv.cfg.Guard)
	if s.kind == SourcePushed {
		if !s.synced.Load() {
			m |= MethodSnapshot
		}
		return m, v.knownUpTo(b.source, s, q.Now) >= want
	}
	// What was asked for or learned ends when a pushing source says that the VM has left.
	snapshot := false
	for i := range v.marks {
		src := sources[v.marks[i].source]
		snapshot = snapshot || !src.synced.Load()
		if b.vm != nil && v.knownUpTo(v.marks[i].source, src, q.Now) >= want {
			settled = true
		}
	}
	if snapshot {
		m |= MethodSnapshot
	}
	return m, settled
}

// Knows reports whether anything is or was known of a port.
func (h *HostTable) Knows(port uint32) bool { return h.cur.Load().find(port) != nil }

// Counts returns how many VMs run on the host and how many of its ports are held now.
func (h *HostTable) Counts() (vms, ports int) {
	v := h.cur.Load()
	for i := range v.ports {
		p := &v.ports[i]
		if n := len(p.stated); len(p.open) > 0 || n > 0 && p.stated[n-1].kind != kindFree {
			ports++
		}
	}
	return len(v.residents), ports
}
