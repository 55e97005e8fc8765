package inventory

import (
	"fmt"
	"time"
)

// Update is what one source tells at one moment. Objects come whole: a feeder that was told of one
// property takes the object the inventory has, changes it and hands it back. What is in an Update
// belongs to the inventory afterwards.
type Update struct {
	Source     SourceID
	At         Stamp // when the source said it
	Switches   []Switch
	Portgroups []Portgroup
	DVPorts    []DVPort
	Hosts      []Host
	VMs        []VM
	Tables     []PortTable
	Gone       []Ref // hosts, VMs, switches and portgroups that are no more
	First      bool  // DVPorts are told for the first time: that one carries settings of its own is no change
}

// PortTable is a host's port table, or rows of it.
type PortTable struct {
	Host  Ref
	Whole bool // ports without a row are free, as far as this source can see
	Rows  []Row
}

// Row is one port as a source states it. What a source does not say is zero.
type Row struct {
	Port   uint32 `json:"port_id_dec"`
	Kind   Kind   `json:"kind,omitzero"`
	Client string `json:"client,omitempty"` // as written: web-01.eth0, vmk1, vmnic0
	VM     string `json:"vm,omitempty"`     // the VM's name, where Client holds one
	Device string `json:"device,omitempty"` // eth0 or ethernet0 from Client
	World  uint64 `json:"world_id,omitzero"`
	MAC    MAC    `json:"mac,omitzero"`
	Net    Net    `json:"net,omitzero"`
}

// applying is one update on its way into the inventory.
type applying struct {
	inv   *Inventory
	id    SourceID
	src   *source
	at    Stamp
	guard time.Duration
}

// Apply takes in what a source tells. Lookups see a host's part of it whole or not at all.
func (inv *Inventory) Apply(u *Update) error {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	defer inv.changed()
	list := *inv.sources.Load()
	if int(u.Source) >= len(list) {
		return fmt.Errorf("apply update: source %d was never added", u.Source)
	}
	a := &applying{inv: inv, id: u.Source, src: list[u.Source], at: u.At, guard: inv.cfg.Guard}
	a.network(u)
	for i := range u.Hosts {
		a.host(&u.Hosts[i])
	}
	for i := range u.VMs {
		a.vm(&u.VMs[i])
	}
	for i := range u.Tables {
		a.table(&u.Tables[i])
	}
	for _, ref := range u.Gone {
		a.gone(ref)
	}
	inv.publish()
	return nil
}

// known returns the moment up to which this source has told all changes of a host, 0 where it has never
// reported on it: then this is the first we hear.
func (a *applying) known(v *hostView) Stamp {
	if v.mark(a.id) == nil {
		return 0
	}
	return min(v.knownUpTo(a.id, a.src, a.at), a.at).Add(-a.guard)
}

// told is known for what belongs to no host.
func (a *applying) told() Stamp { return min(a.src.upTo(a.at), a.at).Add(-a.guard) }

// begin dates what this source tells for the first time: it holds now, and since when may it
// have? A first report goes back to the holder's boot; after a gap a boot within the gap dates it,
// else it may have begun at any time in the gap.
func (a *applying) begin(v *hostView, boot, moved Stamp) (early Stamp, backdated bool) {
	known := a.known(v)
	since := max(boot, moved, v.host.Boot)
	if boot != 0 && since < a.at && (known == 0 || since > known && known < a.at.Add(-a.guard)) {
		return since, true
	}
	if known == 0 {
		return a.at, false
	}
	return known, false
}

// end dates what this source no longer tells: it surely held until to.
func (a *applying) end(v *hostView, from Stamp) (to Stamp) {
	to = a.known(v)
	if to == 0 {
		to = a.at.Add(-a.guard)
	}
	return max(to, from)
}

// endOf is end for a binding: who was only asked knows no more than what it said last.
func (a *applying) endOf(v *hostView, b *binding) (to Stamp) {
	if a.src.kind == SourceLive {
		return max(b.from, b.at)
	}
	return a.end(v, b.from)
}

// gone takes an object out of the inventory; its past stays.
func (a *applying) gone(ref Ref) {
	if e := a.inv.vms[ref]; e != nil {
		if old := e.cur.Load(); old.gone == 0 {
			a.leave(e, 0)
			vm := *old
			vm.gone = a.at
			vm.Attributes, vm.Pool = nil, ""
			e.cur.Store(&vm)
			a.inv.closed++
			a.inv.stale = true
		}
		return
	}
	if h := a.inv.hosts[ref]; h != nil {
		v := a.inv.open(h)
		if v.gone == 0 {
			a.endAll(h, a.at)
			v.gone = a.at
			a.inv.stale = true
		}
		return
	}
	a.goneNetwork(ref)
}
