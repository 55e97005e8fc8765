package posture

import (
	"cmp"
	"slices"
	"strings"

	"vswarden/inventory"
	"vswarden/inventory/facts"
)

// look is an inventory turned round: which portgroups there are and who is on them.
type look struct {
	inv    *inventory.Inventory
	at     inventory.Stamp
	groups []*group
	byKey  map[key]*group
}

// key names a portgroup: a standard one within its host, a distributed one within its vCenter.
type key struct {
	vc   uint16
	host string // moid of the host; empty for a distributed portgroup
	id   string // its name, or its moid
}

// group is one portgroup and who is on it.
type group struct {
	key
	portgroup  *inventory.Portgroup // nil: only its name is known
	sw         *inventory.Switch
	kind       inventory.SwitchKind
	name       string
	switchName string
	hosts      []*inventory.HostTable // of a standard one: its host
	members    []Member
	ports      []ownPort
}

// ownPort is a port that says something of its own.
type ownPort struct {
	key      string
	port     *inventory.DVPort // nil: a list of the host's own says it
	enforced inventory.Flags
	client   string
	host     *inventory.HostTable
}

func (g *group) where() inventory.Where {
	return inventory.Where{
		Kind: g.kind, Switch: g.sw, Portgroup: g.portgroup, SwitchName: g.switchName, PortgroupName: g.name,
	}
}

func (g *group) hostName() string {
	if len(g.hosts) == 0 {
		return ""
	}
	return g.hosts[0].Facts().Name
}

// lookAround gathers all portgroups and all who are on them.
func lookAround(inv *inventory.Inventory, at, now inventory.Stamp) *look {
	l := &look{inv: inv, at: at, byKey: map[key]*group{}}
	switches := map[inventory.Ref]*inventory.Switch{}
	for _, s := range inv.Switches() {
		switches[s.Ref] = s
	}
	for _, p := range inv.Portgroups() {
		sw := switches[inventory.Ref{VC: p.Ref.VC, ID: p.Switch}]
		g := &group{key: key{vc: p.Ref.VC, id: p.Ref.ID}, portgroup: p, sw: sw, kind: p.Kind, name: p.Name}
		if sw != nil {
			g.switchName = sw.Name
		}
		l.add(g)
	}
	for _, s := range switches {
		for _, p := range inv.DVPorts(s.Ref) {
			if g := l.byKey[key{vc: s.Ref.VC, id: p.Portgroup}]; g != nil {
				g.ports = append(g.ports, ownPort{key: p.Key, port: p})
			}
		}
	}
	for _, h := range inv.AllHosts() {
		l.host(h)
	}
	for _, vm := range inv.VMs() {
		l.vm(vm)
	}
	l.lists(inv.Export(nil, at, now))
	slices.SortFunc(l.groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.vc, b.vc), strings.Compare(a.host, b.host), strings.Compare(a.id, b.id))
	})
	for _, g := range l.groups {
		slices.SortFunc(g.members, func(a, b Member) int {
			return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name), strings.Compare(a.Host, b.Host), strings.Compare(a.Device, b.Device))
		})
		slices.SortFunc(g.ports, func(a, b ownPort) int { return strings.Compare(a.key, b.key) })
	}
	return l
}

func (l *look) add(g *group) *group {
	l.groups = append(l.groups, g)
	l.byKey[g.key] = g
	return g
}

// host takes in the standard portgroups of a host and its vmk interfaces.
func (l *look) host(h *inventory.HostTable) {
	host := h.Facts()
	for i := range host.Portgroups {
		p := &host.Portgroups[i]
		g := &group{key: key{h.Ref().VC, h.Ref().ID, p.Name}, portgroup: p, kind: inventory.Standard, name: p.Name, switchName: p.Switch, hosts: []*inventory.HostTable{h}}
		for j := range host.Switches {
			if host.Switches[j].Name == p.Switch {
				g.sw = &host.Switches[j]
			}
		}
		l.add(g)
	}
	for i := range host.Kernel {
		k := &host.Kernel[i]
		if g := l.find(h, k.Portgroup); g != nil {
			g.members = append(g.members, Member{Kind: "vmk", Name: k.Device, port: k.DVPort}.on(h))
		}
	}
}

// find returns the portgroup that a host or one of its VMs means by a name or a moid.
func (l *look) find(h *inventory.HostTable, id string) *group {
	if g := l.byKey[key{h.Ref().VC, h.Ref().ID, id}]; g != nil {
		return g
	}
	return l.byKey[key{vc: h.Ref().VC, id: id}]
}

// vm takes in the adapters of a VM that runs.
func (l *look) vm(vm *inventory.VM) {
	h := l.inv.HostByRef(inventory.Ref{VC: vm.Ref.VC, ID: vm.Host})
	if h == nil || !vm.Running() {
		return
	}
	for i := range vm.NICs {
		n := &vm.NICs[i]
		if !n.Connected {
			continue
		}
		if g := l.find(h, n.Backing.Portgroup); g != nil {
			g.members = append(g.members, Member{Kind: "vm", Name: vm.Name, MOID: moid(vm.Ref), Device: n.Label, port: n.Backing.Port}.on(h))
		}
	}
}

// moid is the name of an object in a vCenter; what imports made known has none.
func moid(ref inventory.Ref) string {
	if ref.VC == 0 {
		return ""
	}
	return ref.ID
}

// lists takes in what only lists of a host's ports tell: imports name a port's holder and portgroup, net-dvs
// also what the host enforces on it.
func (l *look) lists(x *inventory.Export) {
	for i := range x.Hosts {
		h := l.inv.Host(cmp.Or(x.Hosts[i].MOID, x.Hosts[i].Name))
		if h == nil {
			continue
		}
		for j := range x.Hosts[i].Ports {
			p := &x.Hosts[i].Ports[j]
			if p.Portgroup == "" && p.Enforced == (inventory.Flags{}) || p.Unsure {
				continue
			}
			g := l.named(h, p)
			name := cmp.Or(p.VM, p.Client)
			if p.Kind == inventory.KindVM.String() && name != "" && !slices.ContainsFunc(g.members, func(m Member) bool { return m.Name == name && m.host == h }) {
				g.members = append(g.members, Member{Kind: "vm", Name: name, port: p.DVPort}.on(h))
			}
			own := ownPort{key: cmp.Or(p.DVPort, p.Port), enforced: p.Enforced, client: name, host: h}
			if p.Enforced != (inventory.Flags{}) && !slices.Contains(g.ports, own) {
				g.ports = append(g.ports, own)
			}
		}
	}
}

// named returns the portgroup of a port as a list prints it: by name. One that nobody else knows is made.
func (l *look) named(h *inventory.HostTable, p *inventory.ExportPort) *group {
	if g := l.find(h, p.Portgroup); g != nil {
		return g
	}
	for _, g := range l.groups {
		if g.vc == h.Ref().VC && g.host == "" && g.name == p.Portgroup && (p.Switch == "" || g.switchName == p.Switch) {
			return g
		}
	}
	k := key{h.Ref().VC, h.Ref().ID, p.Portgroup}
	if g := l.byKey[k]; g != nil {
		return g
	}
	return l.add(&group{key: k, kind: inventory.DistributedSwitch, name: p.Portgroup, switchName: p.Switch, hosts: []*inventory.HostTable{h}})
}

func (l *look) vcenter(index uint16) string { return l.inv.VCenter(index).Name }

// finding returns what g, or a port of it, permits; false where that is nothing.
func (l *look) finding(g *group, e *inventory.Effective, p *ownPort) (f Finding, ok bool) {
	vc := l.inv.VCenter(g.vc)
	f = Finding{
		Level: "portgroup", VCenter: vc.Name, SwitchType: g.kind.String(), Switch: g.switchName, Portgroup: g.name,
		Promiscuous: settingOf(e.Promiscuous), MACChanges: settingOf(e.MACChanges), Forged: settingOf(e.ForgedTransmits), MACLearning: settingOf(e.MACLearning),
		MaySniff: []Member{}, MayForge: []Member{}, Exposed: []Member{}, Notes: e.Notes.Texts(),
		boot: cmp.Or(vc.Instance.String(), vc.Name), moref: g.id, sw: facts.Switch(g.sw, g.kind, g.switchName), portgroup: facts.Portgroup(g.portgroup, g.name),
	}
	if !f.permits(FailAny) {
		return f, false
	}
	if text, _ := e.Override.MarshalText(); len(text) > 0 { // it never fails
		f.Override = string(text)
	}
	if g.host != "" {
		host := g.hosts[0].Facts()
		f.Host, f.Datacenter, f.Cluster = host.Name, host.Datacenter.Name, host.Cluster.Name
		f.hostID = moid(g.hosts[0].Ref())
		f.moref = cmp.Or(f.hostID, host.Name) + "/" + g.id
	} else {
		f.MOID = g.id
	}
	users := g.members
	if p != nil {
		f.Level, f.Port = "port", p.key
		f.moref += "/" + p.key
		users = slices.DeleteFunc(slices.Clone(users), func(m Member) bool {
			return m.port != p.key && (p.client == "" || m.Name != p.client || m.host != p.host)
		})
	}
	if g.portgroup != nil {
		f.Version, f.VLAN, f.AllVLANs = g.portgroup.Version, g.portgroup.VLAN.String(), g.portgroup.VLAN.All()
	}
	f.policy = facts.Policy(e, f.Version)
	if f.Promiscuous.Permits() {
		f.MaySniff = append(f.MaySniff, users...)
		l.expose(g, &f, users)
	}
	if f.MACChanges.Permits() || f.Forged.Permits() {
		f.MayForge = append(f.MayForge, users...)
	}
	f.Advice = advice(&f, g)
	return f, true
}

// expose finds whose frames those who may sniff would see: on the same switch of the same host, in VLANs that their
// portgroup passes.
func (l *look) expose(g *group, f *Finding, sniffers []Member) {
	if g.portgroup == nil || g.portgroup.VLAN.Kind == inventory.VLANUnknown {
		return
	}
	f.ReachKnown = true
	first, many := map[*inventory.HostTable]string{}, map[*inventory.HostTable]bool{} // who may sniff, by host
	for i := range sniffers {
		s := &sniffers[i]
		if id, ok := first[s.host]; !ok {
			first[s.host] = s.id
		} else if id != s.id {
			many[s.host] = true
		}
	}
	reach := map[string]bool{}
	exposed := map[string]bool{}
	for _, other := range l.groups {
		if !g.sees(other) {
			continue
		}
		for i := range other.members {
			m := &other.members[i]
			reach[m.id] = true
			sniffer, ok := first[m.host]
			if ok && (many[m.host] || sniffer != m.id) && !exposed[m.id] { // nobody is exposed to itself
				exposed[m.id] = true
				f.Exposed = append(f.Exposed, *m)
			}
		}
	}
	f.Reach = len(reach)
	if len(sniffers) == 1 && f.Level == "port" { // it is not exposed to itself
		f.Reach = max(f.Reach-1, 0)
	}
	slices.SortFunc(f.Exposed, func(a, b Member) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name), strings.Compare(a.Host, b.Host))
	})
}

// sees reports whether a promiscuous port of g sees frames of other's ports on the same host.
func (g *group) sees(other *group) bool {
	if other.portgroup == nil || other.portgroup.Uplink || g.vc != other.vc || g.host != other.host {
		return false
	}
	return g.portgroup.Switch == other.portgroup.Switch && g.portgroup.VLAN.Sees(other.portgroup.VLAN)
}

// advice says what would do the same with less.
func advice(f *Finding, g *group) (list []string) {
	learning := f.MACLearning.Permits()
	switch {
	case !f.Promiscuous.Permits():
	case learning:
		list = append(list, "MAC learning is on: nested hosts need no promiscuous mode, reject it")
	case g.sw != nil && g.sw.MACLearning:
		list = append(list, "for nested hosts and the like turn on MAC learning (with forged transmits) and reject promiscuous mode")
	case g.kind == inventory.DistributedSwitch:
		list = append(list, "a distributed switch of version 6.6 or later has MAC learning: nested hosts need no promiscuous mode there")
	case g.kind == inventory.Standard:
		list = append(list, "a standard switch has no MAC learning: put who needs this on a distributed switch (6.6 or later), or on a portgroup of its own")
	}
	if f.height() <= 1 && f.Promiscuous.Permits() {
		list = append(list, "permit it on a portgroup of its own for those who need it, not for all of the switch")
	}
	if f.Forged.Permits() && !learning && !f.Promiscuous.Permits() && g.sw != nil && g.sw.MACLearning {
		list = append(list, "with MAC learning forged transmits are bounded to addresses that the switch has learned there")
	}
	if f.Override == "accept" && f.Level == "portgroup" {
		list = append(list, "ports may have settings of their own here: forbid overrides where nobody needs them")
	}
	return list
}
