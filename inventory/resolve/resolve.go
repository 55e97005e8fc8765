// Package resolve weighs what the inventory knows and what a line says into one answer: who held
// the port when the line was written, and how sure that is.
//
// It promises to be unsure rather than wrong: a confidence of 0.85 or more is given only where one
// holder is known for the whole time the line may be of, or where the line itself names the
// holder. It is pure: no clock, no state, no memory of its own.
//
// Events and commands get their answers from the same rules: Resolve for lines, AnswerPort and Show
// for people, as structs that print as JSON under the names of the event schema.
package resolve

import (
	"cmp"
	"time"

	"vswarden/inventory"
)

// Confidences. Those of vsphere.md §6 and contract.md.
const (
	exact      = 0.995 // table and line agree
	table      = 0.97
	confirmed  = 0.95 // unsure by itself, but the line agrees
	named      = 0.90
	behind     = 0.85 // the line names one VM for certain, the table another
	unsettled  = 0.80 // the most where something may yet be told
	vmOnly     = 0.70
	unsure     = 0.60 // the most where more than one is possible
	hearsay    = 0.50 // a name, but of another host
	Sure       = 0.85 // what is below is not known for certain
	importOld  = 0.60
	importDay  = 0.85
	importMade = 0.95
	// importFor is how long a statement counts without being repeated.
	importFor = 24 * time.Hour
)

// Resolver holds the memory that one caller uses again and again. Not for concurrent use.
type Resolver struct {
	ports, names []inventory.Candidate
	owners       []inventory.Owner
}

// Resolve answers a question. It allocates nothing once its memory has grown.
func (r *Resolver) Resolve(q *Question) (a Answer) {
	if !q.HasPort && q.Client == "" {
		return Answer{Status: NotApplicable}
	}
	if q.Host == nil {
		return Answer{Status: Unresolved, Missing: MissingHost, Candidate: inventory.Candidate{Kind: q.Kind}}
	}
	query := inventory.Query{Port: q.Port, From: q.From, At: q.Join, To: q.To, Now: q.Now}
	r.ports = r.ports[:0]
	if q.HasPort {
		r.ports = q.Host.Lookup(&query, r.ports)
	}
	r.names = r.names[:0]
	if q.Kind == inventory.KindVM {
		r.names = q.Host.Named(q.Name, &query, r.names)
		if q.Client != q.Name { // a VM may be called x.eth0
			r.names = q.Host.Named(q.Client, &query, r.names)
		}
	}
	switch {
	case q.HasPort && q.Port>>31 != 0 || q.Kind == inventory.KindUplink:
		a = r.own(q, inventory.KindUplink)
	case q.Kind == inventory.KindVMKernel:
		a = r.own(q, inventory.KindVMKernel)
	case q.Kind == inventory.KindSystem:
		a = r.own(q, inventory.KindSystem)
	default:
		a = r.holder(q)
	}
	r.finish(q, &a)
	return a
}

// own answers for the host's own ports: uplinks, vmk interfaces, the switch itself.
func (r *Resolver) own(q *Question, kind inventory.Kind) (a Answer) {
	a.Kind, a.Device, a.Confidence = kind, q.Device, named
	if kind == inventory.KindUplink {
		a.Method = inventory.MethodUplink
		if q.Port>>31 != 0 {
			a.Confidence = confirmed // bit 31 says so
		}
	}
	if kind == inventory.KindVMKernel {
		a.Method = inventory.MethodVMK
	}
	if q.Client != "" {
		a.Method |= inventory.MethodClientName
	}
	a.Client = q.Client
	for i := range r.ports {
		c := &r.ports[i]
		switch {
		case c.Kind == kind && (q.Client == "" || c.Client == q.Client || c.Client == ""):
			method := a.Method
			a.Candidate = *c
			a.Method |= method
			a.Device = cmp.Or(q.Device, c.Client)
			if c.Cover >= inventory.CoverAt {
				a.Confidence = 0.99
			}
		case c.Kind == inventory.KindVM && c.Cover >= inventory.CoverAt && a.Confidence < 0.99 && kind != inventory.KindUplink:
			a.Notes |= NoteNameConflict
			a.Confidence = unsure
		}
	}
	a.Candidates = 1
	return a
}

// holder answers for a VM's port.
func (r *Resolver) holder(q *Question) Answer {
	byName, vms := r.byName()
	best, count := r.best()
	if q.MAC != (inventory.MAC{}) && q.Client == "" {
		if a := r.address(q, count); a.VM != nil {
			return a
		}
	}
	if best == nil || best.Cover == inventory.CoverBefore {
		return r.noHolder(q, best, byName, vms)
	}
	if q.Kind == inventory.KindVM {
		agreed, n := (*inventory.Candidate)(nil), 0
		for i := range r.ports {
			if c := &r.ports[i]; r.agrees(q, c) {
				n++
				if agreed == nil || c.Cover > agreed.Cover {
					agreed = c
				}
			}
		}
		switch {
		case n >= 1:
			a := r.agreed(q, agreed, count)
			if a.VM == nil {
				r.nameHolder(q, &a)
			}
			r.checkName(q, &a, n, vms)
			return a
		case best.VM == nil && best.Client == "" && byName != nil: // the table has an address at most
			a := r.noHolder(q, nil, byName, vms)
			if a.Net == nil {
				a.Net = best.Net
			}
			return a
		case byName != nil && vms == 1: // the table is behind: the line names a VM of this host, and no other has that name
			a := r.nameOnly(q, byName)
			a.Confidence = min(a.Confidence, behind)
			a.Candidates, a.Agrees = count+1, disagreed(best)
			a.Notes |= NoteTableBehind
			return a
		}
		if best.VM == nil && best.Client == "" && vms == 0 && q.Host.KnownSince() == 0 { // an address alone, which no name contradicts
			return r.addressOnly(q, best, count)
		}
		return r.stranger(q, best, count, vms)
	}
	return r.tableOnly(q, best, count)
}

// addressOnly answers where the line names a client that nobody knows and the table has no more than an address.
func (r *Resolver) addressOnly(q *Question, best *inventory.Candidate, count int) Answer {
	a := r.tableOnly(q, best, count)
	if a.VM != nil && a.VM.Name != q.Name && a.VM.Name != q.Client { // found by the address, under another name
		a.Notes |= NoteNameConflict
		a.Confidence, a.Candidates = min(a.Confidence, unsure), a.Candidates+1
	}
	return a
}

// disagreed reports a disagreement only of a table that was sure of its holder.
func disagreed(c *inventory.Candidate) Agreement {
	if c.Cover == inventory.CoverAll && c.Settled && c.Method&inventory.MethodBackdated == 0 {
		return Disagreed
	}
	return NotCompared
}

// best returns the likeliest of the holders and how many there are. What a better source knows for the
// whole window overrules what a lesser one said before it.
func (r *Resolver) best() (best *inventory.Candidate, count int) {
	for i := range r.ports {
		c := &r.ports[i]
		if best == nil || c.Cover > best.Cover || c.Cover == best.Cover && rank(c) > rank(best) {
			best = c
		}
	}
	if best == nil {
		return nil, 0
	}
	count = 1
	whole := best.Cover == inventory.CoverAll && best.Settled && best.Method&inventory.MethodBackdated == 0
	for i := range r.ports {
		c := &r.ports[i]
		if c != best && (!whole || rank(c) >= rank(best) || c.From > best.From) {
			count++
		}
	}
	return best, count
}

// rank orders sources that know of the same time: the inventory's before what log lines taught, imports last.
func rank(c *inventory.Candidate) int {
	switch {
	case c.Method&inventory.MethodPortTable != 0:
		return 3
	case c.Method&inventory.MethodLive != 0:
		return 2
	case c.Method&inventory.MethodLearned != 0:
		return 1
	}
	return 0
}

// base is how sure a table is of a holder whom it knows for the whole window.
func (r *Resolver) base(q *Question, c *inventory.Candidate) float64 {
	switch {
	case c.Method&(inventory.MethodPortTable|inventory.MethodLive) != 0:
		return table
	case c.Method&inventory.MethodLearned != 0:
		return named
	case c.Method&inventory.MethodImport != 0:
		return importConfidence(q, c)
	}
	return unsettled
}

// importConfidence is contract.md's rule: an import is a statement as of a moment.
func importConfidence(q *Question, c *inventory.Candidate) float64 {
	switch age := q.Join.Sub(c.Stated); {
	case age.Abs() <= q.Guard:
		return importMade
	case age > 0 && age <= importFor:
		return importDay
	}
	return importOld
}

// tableOnly answers where the line names nobody.
func (r *Resolver) tableOnly(q *Question, best *inventory.Candidate, count int) Answer {
	a := Answer{Candidate: *best, Candidates: count, Confidence: r.base(q, best)}
	limit := func(most float64, why Note) {
		if a.Confidence > most {
			a.Confidence = most
		}
		a.Notes |= why
	}
	imported := a.Method&(inventory.MethodPortTable|inventory.MethodLive|inventory.MethodLearned) == 0
	if count > 1 {
		limit(unsure, NoteSeveral)
	}
	switch {
	case best.Cover <= inventory.CoverPart:
		limit(unsure, NotePerhaps)
	case best.Cover == inventory.CoverAt && !imported:
		limit(unsettled, NoteChanged)
	}
	if best.Method&inventory.MethodBackdated != 0 {
		limit(unsettled, NoteBackdated)
	}
	if !imported && best.Method&inventory.MethodPortTable == 0 && best.Stated < min(q.To, q.Join.Add(q.Guard)) {
		limit(unsettled, NoteUnsettled) // nobody tells when an adapter leaves such a port for another
	}
	if !best.Settled {
		limit(unsettled, NoteUnsettled)
		a.Confidence *= staleness(q)
	}
	if q.ClockUnsettled && (!imported || !q.ClockNear) {
		limit(unsettled, NoteClock)
	}
	if q.TableUntrusted && best.Method&inventory.MethodPortTable != 0 {
		limit(unsure, NoteUntrusted)
	}
	if imported && q.Join.Sub(best.Stated) > importFor {
		a.Notes |= NoteImportOld
	}
	if best.VM == nil && best.MAC != (inventory.MAC{}) && best.Kind == inventory.KindVM {
		r.byMAC(q, &a)
	}
	return a
}

// staleness is by how much what was last told loses with the time since.
func staleness(q *Question) float64 {
	told := q.Host.Told(q.Now)
	switch age := q.Now.Sub(told); {
	case told == 0: // only its own log lines have told of it
		return 1
	case age > time.Hour:
		return 0.7
	case age > 2*time.Minute:
		return 0.9
	}
	return 1
}

// silent reports whether the host's source has not told all up to now: it is away, or was never there since the start.
func silent(q *Question) bool {
	told := q.Host.Told(q.Now)
	return told != 0 && told < q.Now
}

// agreed answers where the line names the holder that the table has. Among several it decides.
func (r *Resolver) agreed(q *Question, c *inventory.Candidate, count int) Answer {
	a := Answer{Candidate: *c, Candidates: count, Agrees: Agreed}
	a.Method |= inventory.MethodClientName
	base := r.base(q, c)
	sure := c.Cover == inventory.CoverAll && c.Settled && count == 1 && !q.ClockUnsettled && c.Method&inventory.MethodBackdated == 0
	switch {
	case base >= table && sure:
		a.Confidence = exact
	case base >= table && c.Cover >= inventory.CoverAt:
		a.Confidence = table
	case c.Cover >= inventory.CoverAt:
		a.Confidence = max(base, confirmed)
	default:
		a.Confidence = named
	}
	r.checkNIC(q, &a)
	return a
}

// checkNIC compares the adapter that the line names with the one the table has. A table that is not settled may show the
// one that had the port before, and so may what an earlier line said.
func (r *Resolver) checkNIC(q *Question, a *Answer) {
	if a.VM == nil {
		return
	}
	n := a.VM.NICByDevice(q.Device)
	switch {
	case n == nil || n.Key == a.NICKey:
	case a.NICKey == 0:
		a.NICKey = n.Key
		a.Confidence = min(a.Confidence, named)
	default:
		a.Notes |= NoteNICConflict
		a.Confidence = min(a.Confidence, behind)
		if !a.Settled || a.Method&(inventory.MethodPortTable|inventory.MethodLive) == 0 {
			a.NICKey = n.Key
		}
	}
}

// noHolder answers where no table has the port at that time. gone is who had left it before, or nil.
func (r *Resolver) noHolder(q *Question, gone, byName *inventory.Candidate, vms int) Answer {
	switch {
	case byName != nil && vms == 1:
		a := r.nameOnly(q, byName)
		if gone != nil && gone.VM != nil && gone.VM.Ref == byName.VM.Ref {
			a.Method |= gone.Method
			if a.NICKey == 0 {
				a.NICKey = gone.NICKey
			}
			if a.Net == nil {
				a.Net = gone.Net
			}
		}
		return a
	case vms > 1:
		return Answer{Status: Unresolved, Candidates: vms, Notes: NoteTwoNames, Candidate: inventory.Candidate{Kind: q.Kind}}
	case gone != nil && q.Kind == inventory.KindVM && !r.agrees(q, gone):
		if vm := only(q); vm != nil {
			return elsewhere(q, vm)
		}
		return Answer{Candidate: *gone, Candidates: 1, Confidence: unsure, Notes: NoteLeft}
	case gone != nil:
		a := Answer{Candidate: *gone, Candidates: 1, Confidence: unsettled, Notes: NoteLeft}
		if q.ClockUnsettled {
			a.Confidence = unsure
		}
		if gone.Method&inventory.MethodImport != 0 {
			a.Confidence = unsure
		}
		return a
	}
	if q.Kind == inventory.KindVM && gone == nil {
		if vm := only(q); vm != nil {
			return elsewhere(q, vm)
		}
	}
	a := Answer{Status: Unresolved, Candidate: inventory.Candidate{Kind: q.Kind, Client: q.Client}}
	if known := q.Host.KnownSince(); known == 0 || q.Join < known {
		a.Notes |= NoteBeforeKnowledge
	}
	return a
}

// finish adds where the port is and what is missing.
func (r *Resolver) finish(q *Question, a *Answer) {
	a.Others = r.ports
	if a.Status == Unresolved {
		a.Missing |= MissingVM | MissingNIC | MissingPortgroup | MissingPolicy
		return
	}
	if a.Device == "" && a.Kind != inventory.KindVM && a.Kind != inventory.KindUnknown {
		a.Device = a.Client
	}
	a.Place = q.Host.Where(&a.Candidate, q.Join)
	if a.Kind == inventory.KindVM || a.Kind == inventory.KindUnknown {
		if a.VM == nil {
			a.Missing |= MissingVM
		}
		if a.NICKey == 0 {
			a.Missing |= MissingNIC
		}
	}
	if a.Kind != inventory.KindUplink && a.Kind != inventory.KindSystem {
		if a.Place.PortgroupName == "" {
			a.Missing |= MissingPortgroup
		}
		if e, _ := a.Place.Effective(q.Join); e.Unknown() {
			a.Missing |= MissingPolicy
		}
	}
	switch {
	case a.Confidence == 0:
		a.Status = Unresolved
	case a.Missing != 0 || a.Candidates > 1 && a.Agrees != Agreed:
		a.Status = Partial
	case !a.Settled && silent(q):
		a.Status = Stale
	case a.Confidence < unsettled:
		a.Status = Partial
	default:
		a.Status = Complete
	}
}
