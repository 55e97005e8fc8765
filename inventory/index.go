package inventory

import (
	"cmp"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"
)

// index finds things across hosts. It is replaced, never changed, and may be a second behind.
type index struct {
	hosts []*HostTable
	byRef map[Ref]*HostTable
	names map[string][]*HostTable // lower case: full name, first label, UUID
	addrs map[netip.Addr][]*HostTable
	macs  []macOwner // by address
	vms   []vmName   // by name
}

// vmName is one VM under its name.
type vmName struct {
	name string
	vm   *vmEntry
}

// macOwner is one adapter: of a VM, or of a host where vm is nil.
type macOwner struct {
	mac  MAC
	nic  int32 // of a host: which of its vmk interfaces
	vm   *vmEntry
	host *HostTable
}

// indexEvery is how often the index is rebuilt at most.
const indexEvery = Stamp(time.Second)

// reindex rebuilds the index if it is behind and a second has passed. The caller holds mu.
func (inv *Inventory) reindex(now Stamp) {
	if !inv.stale || inv.indexed != 0 && now-inv.indexed < indexEvery && now >= inv.indexed {
		return
	}
	inv.rebuild(now)
}

// Generation counts how often the index was rebuilt: what was looked up by name or address holds as long as it stays.
func (inv *Inventory) Generation() uint64 { return inv.rebuilt.Load() }

// rebuild makes the index anew. The caller holds mu.
func (inv *Inventory) rebuild(now Stamp) {
	ix := &index{
		hosts: make([]*HostTable, 0, len(inv.hosts)),
		byRef: make(map[Ref]*HostTable, len(inv.hosts)),
		names: make(map[string][]*HostTable, 2*len(inv.hosts)),
		addrs: make(map[netip.Addr][]*HostTable, 2*len(inv.hosts)),
		macs:  make([]macOwner, 0, len(inv.index.Load().macs)+64),
		vms:   make([]vmName, 0, len(inv.vms)),
	}
	for ref, h := range inv.hosts {
		if h.cur.Load().gone == 0 {
			ix.hosts = append(ix.hosts, h)
			ix.byRef[ref] = h
		}
	}
	// The best comes first in every list: connected before not, vCenters in their order.
	slices.SortFunc(ix.hosts, better)
	for _, h := range ix.hosts {
		ix.addHost(h)
	}
	for _, e := range inv.vms {
		vm := e.cur.Load()
		if vm.gone != 0 {
			continue
		}
		ix.vms = append(ix.vms, vmName{vm.Name, e})
		for i := range vm.NICs {
			n := &vm.NICs[i]
			ix.addMAC(macOwner{mac: n.MAC, nic: n.Key, vm: e})
			if n.Effective != n.MAC {
				ix.addMAC(macOwner{mac: n.Effective, nic: n.Key, vm: e})
			}
		}
	}
	slices.SortFunc(ix.macs, func(a, b macOwner) int { return cmp.Compare(a.mac.key(), b.mac.key()) })
	slices.SortFunc(ix.vms, func(a, b vmName) int { return strings.Compare(a.name, b.name) })
	inv.index.Store(ix)
	inv.rebuilt.Add(1)
	inv.changed()
	inv.stale, inv.indexed = false, now
}

// better orders hosts: the best comes first.
func better(a, b *HostTable) int {
	return cmp.Or(cmp.Compare(a.preference(), b.preference()), cmp.Compare(a.ref.VC, b.ref.VC), strings.Compare(a.ref.ID, b.ref.ID))
}

// preference orders hosts of one name: connected ones, others that a vCenter has, those that only log lines and imports
// know.
func (h *HostTable) preference() int {
	switch {
	case h.ref.VC == 0:
		return 2
	case h.Facts().Connection == Connected:
		return 0
	}
	return 1
}

func (ix *index) addMAC(o macOwner) {
	if o.mac != (MAC{}) {
		ix.macs = append(ix.macs, o)
	}
}

func (ix *index) addHost(h *HostTable) {
	host := h.Facts()
	h.keys(host, ix.addName, ix.addAddr)
	for i := range host.Kernel {
		ix.addMAC(macOwner{mac: host.Kernel[i].MAC, nic: int32(i), host: h})
	}
}

// keys gives all that a host of these facts is found by.
func (h *HostTable) keys(host *Host, name func(string, *HostTable), addr func(netip.Addr, *HostTable)) {
	for _, s := range [...]string{host.Name, shortName(host.Name), host.Hostname, shortName(host.Hostname), host.UUID.String(), h.ref.ID} {
		if s != "" {
			name(strings.ToLower(s), h)
		}
	}
	each := func(a netip.Addr) {
		if a = a.Unmap().WithZone(""); a.IsValid() && !a.IsUnspecified() && !a.IsLoopback() {
			addr(a, h)
		}
	}
	for _, a := range host.Addresses {
		each(a)
	}
	for i := range host.Kernel {
		for _, a := range host.Kernel[i].Addresses {
			each(a)
		}
	}
	if a, err := netip.ParseAddr(host.Name); err == nil {
		each(a)
	}
}

func (ix *index) addName(name string, h *HostTable) {
	if list := ix.names[name]; len(list) == 0 || list[len(list)-1] != h {
		ix.names[name] = append(list, h)
	}
}

func (ix *index) addAddr(a netip.Addr, h *HostTable) {
	if list := ix.addrs[a]; len(list) == 0 || list[len(list)-1] != h {
		ix.addrs[a] = append(list, h)
	}
}

// shortName returns the first label of a host name; addresses have none.
func shortName(name string) string {
	if _, err := netip.ParseAddr(name); err == nil {
		return ""
	}
	short, _, _ := strings.Cut(name, ".")
	return short
}

// HostsNamed returns the hosts of that name, best first: the full name, the first label, the UUID or the
// moid, whatever the case. A full name that nobody has finds the host of its first label only if that host's
// own name has no domain.
func (inv *Inventory) HostsNamed(name string) []*HostTable { return inv.index.Load().hostsNamed(name) }

func (ix *index) hostsNamed(name string) []*HostTable {
	if list := ix.names[name]; list != nil {
		return list
	}
	name = strings.ToLower(name)
	if list := ix.names[name]; list != nil {
		return list
	}
	if short := shortName(name); short != name {
		for i, h := range ix.names[short] {
			if strings.EqualFold(h.Facts().Name, short) {
				return ix.names[short][i : i+1]
			}
		}
	}
	return nil
}

// HostsAt returns the hosts that have an address, best first.
func (inv *Inventory) HostsAt(addr netip.Addr) []*HostTable { return inv.index.Load().hostsAt(addr) }

func (ix *index) hostsAt(addr netip.Addr) []*HostTable { return ix.addrs[addr.Unmap().WithZone("")] }

// Host returns the host that a name or an address means, or nil where there is none or where two
// different hosts have the name. The same host seen by two vCenters is one: the connected one.
func (inv *Inventory) Host(name string) *HostTable { return inv.index.Load().host(name) }

func (ix *index) host(name string) *HostTable {
	list := ix.hostsNamed(name)
	if len(list) == 0 {
		if addr, err := netip.ParseAddr(name); err == nil {
			list = ix.hostsAt(addr)
		}
	}
	return Same(list)
}

// Same returns the first of the hosts if all are one machine, else nil: what two vCenters show
// under one UUID or one full name.
func Same(list []*HostTable) *HostTable {
	if len(list) == 0 {
		return nil
	}
	first := list[0].Facts()
	for _, h := range list[1:] {
		host := h.Facts()
		sameUUID := host.UUID == first.UUID && host.UUID != UUID{}
		if !sameUUID && !strings.EqualFold(host.Name, first.Name) {
			return nil
		}
	}
	return list[0]
}

// HostByRef returns the host a Ref names, or nil.
func (inv *Inventory) HostByRef(ref Ref) *HostTable { return inv.index.Load().byRef[ref] }

// AllHosts returns every host, connected ones first.
func (inv *Inventory) AllHosts() []*HostTable { return inv.index.Load().hosts }

// Owner is who has a MAC address.
type Owner struct {
	VM     *VM // nil: the host itself
	NIC    *NIC
	Host   *HostTable // where it is; nil = not known
	Device string     // vmk0, where the host has it
}

// MACOwners appends to dst all who have a MAC address now.
func (inv *Inventory) MACOwners(mac MAC, dst []Owner) []Owner {
	ix := inv.index.Load()
	key := mac.key()
	lo, hi := 0, len(ix.macs)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if ix.macs[mid].mac.key() < key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	for ; lo < len(ix.macs) && ix.macs[lo].mac == mac && mac != (MAC{}); lo++ {
		o := &ix.macs[lo]
		if o.vm == nil {
			owner := Owner{Host: o.host}
			if kernel := o.host.Facts().Kernel; int(o.nic) < len(kernel) {
				owner.Device = kernel[o.nic].Device
			}
			dst = append(dst, owner)
			continue
		}
		vm := o.vm.cur.Load()
		dst = append(dst, Owner{VM: vm, NIC: vm.NIC(o.nic), Host: ix.byRef[Ref{vm.Ref.VC, vm.Host}]})
	}
	return dst
}

// MACOwners is Inventory.MACOwners, for whoever holds only the host.
func (h *HostTable) MACOwners(mac MAC, dst []Owner) []Owner { return h.inv.MACOwners(mac, dst) }

// OnlyVMNamed returns the VM of the host's vCenter that has the name now, wherever it is: nil where none has it or more
// than one. Names prove nothing across hosts, but they tell where to look.
func (h *HostTable) OnlyVMNamed(name string) (only *VM) {
	ix := h.inv.index.Load()
	i := sort.Search(len(ix.vms), func(i int) bool { return ix.vms[i].name >= name })
	for ; i < len(ix.vms) && ix.vms[i].name == name; i++ {
		vm := ix.vms[i].vm.cur.Load()
		if vm.Ref.VC != h.ref.VC || vm.Name != name || vm.gone != 0 {
			continue
		}
		if only != nil {
			return nil
		}
		only = vm
	}
	return only
}

// OthersNamed reports whether another VM of the host's vCenter than vm has the name now, wherever it is.
func (h *HostTable) OthersNamed(name string, vm *VM) bool {
	ix := h.inv.index.Load()
	i := sort.Search(len(ix.vms), func(i int) bool { return ix.vms[i].name >= name })
	for ; i < len(ix.vms) && ix.vms[i].name == name; i++ {
		if o := ix.vms[i].vm.cur.Load(); o.Ref.VC == h.ref.VC && o.Ref != vm.Ref && o.Name == name && o.gone == 0 {
			return true
		}
	}
	return false
}

// VM returns a VM as last seen, gone or not, or nil. It takes the writers' lock: for feeders and
// commands, not for events.
func (inv *Inventory) VM(ref Ref) *VM {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	if e := inv.vms[ref]; e != nil {
		return e.cur.Load()
	}
	return nil
}

// VMs returns every VM that is there, in no order. It takes the writers' lock.
func (inv *Inventory) VMs() []*VM {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	list := make([]*VM, 0, len(inv.vms))
	for _, e := range inv.vms {
		if vm := e.cur.Load(); vm.gone == 0 {
			list = append(list, vm)
		}
	}
	return list
}

// HostTable returns the table of a host at once, where HostByRef may be a second behind. It takes
// the writers' lock.
func (inv *Inventory) HostTable(ref Ref) *HostTable {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	return inv.hosts[ref]
}

// HostTables returns the tables of the hosts that a vCenter has now, in no order. It takes the writers' lock.
func (inv *Inventory) HostTables(vcenter uint16) (list []*HostTable) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	for ref, h := range inv.hosts {
		if ref.VC == vcenter && h.cur.Load().gone == 0 {
			list = append(list, h)
		}
	}
	return list
}
