package inventory

import (
	"cmp"
	"net/netip"
)

// Where is the place of a port in the network at one moment. What is not known is nil or empty.
type Where struct {
	Kind          SwitchKind
	Switch        *Switch
	Portgroup     *Portgroup
	Port          *DVPort
	SwitchName    string
	PortgroupName string
	PortKey       string // of a distributed switch
	Enforced      Flags  // what the host's switch itself printed
}

// Where returns the place of a candidate's port at t.
func (h *HostTable) Where(c *Candidate, t Stamp) (w Where) {
	v := h.cur.Load()
	if c.Net != nil {
		w.SwitchName, w.PortgroupName, w.PortKey, w.Enforced = c.Net.Switch, c.Net.Portgroup, c.Net.DVPort, c.Net.Enforced
	}
	switch {
	case c.NIC() != nil:
		b := c.VM.BackingAt(c.NIC(), t)
		h.backing(&w, v, &b)
	case c.Kind == KindVMKernel:
		for i := range v.host.Kernel {
			if k := &v.host.Kernel[i]; k.Device == c.Client {
				h.place(&w, v, k.Portgroup, k.DVPort)
			}
		}
	}
	if w.Portgroup == nil && w.PortgroupName != "" {
		h.place(&w, v, w.PortgroupName, w.PortKey)
	}
	if w.Kind == SwitchUnknown && w.PortKey != "" {
		w.Kind = DistributedSwitch
	}
	return w
}

func (h *HostTable) backing(w *Where, v *hostView, b *Backing) {
	if b.Kind == Opaque {
		w.Kind, w.PortgroupName = Opaque, cmp.Or(w.PortgroupName, b.Portgroup)
		return
	}
	h.place(w, v, b.Portgroup, b.Port)
}

// place fills in portgroup, switch and port from a standard portgroup's name, or a distributed one's moid or name.
func (h *HostTable) place(w *Where, v *hostView, portgroup, port string) {
	if p := v.portgroup(portgroup); p != nil {
		w.Kind, w.Portgroup, w.PortgroupName, w.SwitchName = Standard, p, p.Name, p.Switch
		for j := range v.host.Switches {
			if s := &v.host.Switches[j]; s.Name == p.Switch {
				w.Switch = s
			}
		}
		return
	}
	n := h.inv.nets.Load()
	p := n.portgroups[Ref{h.ref.VC, portgroup}]
	if p == nil {
		p = n.named(h.ref.VC, portgroup, w.SwitchName)
	}
	if p == nil {
		w.PortgroupName, w.PortKey = cmp.Or(w.PortgroupName, portgroup), cmp.Or(w.PortKey, port)
		return
	}
	w.Kind, w.Portgroup, w.PortgroupName = p.Kind, p, p.Name
	w.PortKey = cmp.Or(port, w.PortKey)
	ref := Ref{h.ref.VC, p.Switch}
	if s := n.switches[ref]; s != nil {
		w.Switch, w.SwitchName = s, s.Name
	}
	if w.PortKey != "" {
		w.Port = n.ports[ref][w.PortKey]
	}
}

// named returns the distributed portgroup of that name, or nil where none or more than one has it. Lists of
// hosts print names where vCenter has moids.
func (n *network) named(vc uint16, name, sw string) (found *Portgroup) {
	for ref, p := range n.portgroups {
		if ref.VC != vc || p.Name != name || name == "" {
			continue
		}
		if s := n.switches[Ref{vc, p.Switch}]; s != nil && s.Name == sw {
			return p
		}
		if found != nil {
			return nil
		}
		found = p
	}
	return found
}

// Effective returns the policy in force there at t, and whether it was just changing then. What
// nobody stated is Unknown.
func (w *Where) Effective(t Stamp) (e Effective, changing bool) {
	var port, portgroup, sw Rules
	var c1, c2, c3 bool
	if w.Port != nil {
		port, c1 = rulesAt(&w.Port.Rules, w.Port.past, t)
	}
	if w.Portgroup != nil {
		portgroup, c2 = rulesAt(&w.Portgroup.Rules, w.Portgroup.past, t)
	}
	if w.Switch != nil {
		sw, c3 = rulesAt(&w.Switch.Rules, w.Switch.past, t)
	}
	changing = c1 || c2 || c3
	switch {
	case w.Kind == Opaque:
		return EffectiveDistributed(&Distributed{NSX: true}), changing
	case w.Portgroup == nil && w.Enforced != (Flags{}):
		f := w.Enforced
		return Effective{
			Promiscuous:     enforced(f.Promiscuous),
			MACChanges:      enforced(f.MACChanges),
			ForgedTransmits: enforced(f.ForgedTransmits),
		}, false
	case w.Kind == Standard:
		return EffectiveStandard(sw.Own, portgroup.Own, portgroup.Computed), changing
	case w.Kind == DistributedSwitch:
		d := Distributed{
			Port: port.Distributed, Portgroup: portgroup.Distributed, Switch: sw.Distributed,
			SecurityOverride: portgroup.SecurityOverride, MACOverride: portgroup.MACOverride,
		}
		if w.Portgroup != nil {
			d.Uplink, d.NSX = w.Portgroup.Uplink, w.Portgroup.NSX
		}
		d.MACLearning = w.Switch != nil && w.Switch.MACLearning
		return EffectiveDistributed(&d), changing
	}
	return Effective{}, changing
}

func enforced(v Verdict) Setting {
	if v == Unknown {
		return Setting{}
	}
	return Setting{v, LevelPort, ViaEnforced}
}

// ChangedBetween reports whether the policy there was seen to change in [from, to]: a denial of that time says
// nothing about drift.
func (w *Where) ChangedBetween(from, to Stamp) bool {
	changed := func(past []rulesSpan) bool {
		for i := range past {
			if past[i].late >= from && past[i].to <= to {
				return true
			}
		}
		return false
	}
	return w.Port != nil && changed(w.Port.past) || w.Portgroup != nil && changed(w.Portgroup.past) ||
		w.Switch != nil && changed(w.Switch.past)
}

// BackingAt returns what the adapter was plugged into at t; before the first is known, the first.
func (vm *VM) BackingAt(n *NIC, t Stamp) Backing {
	if vm.past != nil {
		for i := range vm.past.nets {
			if s := &vm.past.nets[i]; s.key == n.Key && t < s.to {
				return s.backing
			}
		}
	}
	return n.Backing
}

// AddressAt returns the first address of the guest at t, as far as known.
func (vm *VM) AddressAt(t Stamp) netip.Addr {
	if vm.past != nil {
		for i := range vm.past.addrs {
			if s := &vm.past.addrs[i]; t < s.to {
				return netip.AddrFrom16(s.addr).Unmap()
			}
		}
	}
	return firstAddress(vm)
}

// Exposure is what a port would see in promiscuous mode.
type Exposure struct {
	Known  bool // the portgroup's VLANs are
	VLAN   VLAN
	All    bool // every VLAN of the switch
	Switch string
	VMs    int // powered-on VMs on this host in those VLANs, in any portgroup of the switch, the asking one not counted
}

// Exposure counts who would be seen from there by a port of self (nil: of no VM). It is as of now.
func (h *HostTable) Exposure(w *Where, self *VM) Exposure {
	x := h.Scope(w)
	x.VMs -= h.InScope(w, self)
	return x
}

// Scope is Exposure for a port of no VM. It looks at every machine of the host, and holds as long as Version stays.
func (h *HostTable) Scope(w *Where) (x Exposure) {
	if !w.scoped() {
		return Exposure{}
	}
	vlan := w.Portgroup.VLAN
	x = Exposure{Known: true, VLAN: vlan, All: vlan.All(), Switch: w.SwitchName}
	v := h.cur.Load()
	n := h.inv.nets.Load()
	for i := range v.residents {
		if h.seen(v, n, w, v.residents[i].vm.cur.Load()) {
			x.VMs++
		}
	}
	return x
}

// InScope returns how often Scope counts self: that is 1, or 0 if it does not run there.
func (h *HostTable) InScope(w *Where, self *VM) (times int) {
	if self == nil || !w.scoped() {
		return 0
	}
	v := h.cur.Load()
	n := h.inv.nets.Load()
	v.called(self.Name, func(r *residence) {
		if vm := r.vm.cur.Load(); vm.Ref == self.Ref && h.seen(v, n, w, vm) {
			times++
		}
	})
	return times
}

// scoped reports whether it is known which VLANs are seen from there.
func (w *Where) scoped() bool { return w.Portgroup != nil && w.Portgroup.VLAN.Kind != VLANUnknown }

// seen reports whether one of a VM's adapters is in w's scope.
func (h *HostTable) seen(v *hostView, n *network, w *Where, vm *VM) bool {
	for j := range vm.NICs {
		if nic := &vm.NICs[j]; nic.Connected && h.inScope(v, n, w, nic) {
			return true
		}
	}
	return false
}

// inScope reports whether an adapter on this host is on w's switch in a VLAN that w's portgroup passes.
func (h *HostTable) inScope(v *hostView, n *network, w *Where, nic *NIC) bool {
	var p *Portgroup
	if nic.Backing.Kind == Standard {
		p = v.portgroup(nic.Backing.Portgroup)
	} else {
		p = n.portgroups[Ref{h.ref.VC, nic.Backing.Portgroup}]
	}
	return p != nil && p.Kind == w.Portgroup.Kind && p.Switch == w.Portgroup.Switch && w.Portgroup.VLAN.Sees(p.VLAN)
}

// SwitchOf returns the switch that other ports of the same portset are on: all ports of one switch on one
// host share bits 24 to 30 of their id. A hint, seen in samples, not documented.
func (h *HostTable) SwitchOf(port uint32) string {
	v := h.cur.Load()
	for i := range v.ports {
		row := &v.ports[i]
		if row.id>>24&0x7f != port>>24&0x7f {
			continue
		}
		for _, list := range [...][]binding{row.open, row.stated, row.closed} {
			for j := range list {
				if n := list[j].net; n != nil && n.Switch != "" {
					return n.Switch
				}
			}
		}
	}
	return ""
}
