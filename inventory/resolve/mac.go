package resolve

import "vswarden/inventory"

// byMAC looks for the VM behind an address that no machine of this host is known to have.
func (r *Resolver) byMAC(q *Question, a *Answer) {
	r.owners = q.Host.MACOwners(a.MAC, r.owners[:0])
	owners := 0
	var found *inventory.Owner
	for i := range r.owners {
		if o := &r.owners[i]; o.VM != nil {
			owners++
			found = o
		}
	}
	if owners == 0 {
		return
	}
	a.Candidates = max(a.Candidates, owners)
	a.Method |= inventory.MethodMAC
	if owners > 1 || found.Host != q.Host {
		a.Confidence = min(a.Confidence, unsure)
	}
	if owners == 1 {
		a.VM, a.NICKey = found.VM, found.NIC.Key
		a.Confidence = min(a.Confidence, unsettled)
	}
}

// address answers for a line that says with which address a port was enabled; a.VM is nil where that tells nothing. The
// holder that the table has is confirmed by it. Without one the address tells whose port it is, if such lines are
// believed, but not for certain: a guest can change it.
func (r *Resolver) address(q *Question, count int) (a Answer) {
	for i := range r.ports {
		c := &r.ports[i]
		switch n := c.NIC(); {
		case c.MAC != q.MAC && (n == nil || n.MAC != q.MAC):
		case c.Method&(inventory.MethodPortTable|inventory.MethodLive) == 0:
			if count > 1 {
				break
			}
			if c.VM != nil && c.From == q.Join { // the line itself taught us that
				return Answer{Candidate: *c, Candidates: 1, Confidence: named}
			}
			return Answer{}
		case c.VM != nil && c.Cover >= inventory.CoverPerhaps && (a.VM == nil || c.Cover > a.Cover):
			a = r.agreed(q, c, count)
			a.Agrees = NotCompared // a test of the table needs a name
			a.Method = a.Method&^inventory.MethodClientName | inventory.MethodMAC
		}
	}
	if a.VM != nil || !q.Believed {
		return a
	}
	a = Answer{Candidates: max(count, 1), Confidence: unsettled}
	a.Kind, a.MAC = inventory.KindVM, q.MAC
	r.byMAC(q, &a)
	return a
}
