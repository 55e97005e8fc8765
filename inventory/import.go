package inventory

import (
	"cmp"
	"slices"
)

// Statement is what an import says of one host as of a moment. What is in it belongs to the inventory afterwards.
type Statement struct {
	Host Host // its Name is required; what else is known of it
	At   Stamp
	// WholePorts: every port in use has a row. WholeVMs: every running VM is in VMs or Rows.
	WholePorts bool
	WholeVMs   bool
	Rows       []Row
	VMs        []VM // by name; Ref and Host are given here
}

// importID is the ID of the one source of all imports, which a new inventory does not have yet.
func (inv *Inventory) importID() (SourceID, error) { return inv.AddSource("import", SourceImport, 0) }

// Import takes in what files or a tool's output say, in order. Each statement names its host, which is made known
// where no source has told of it.
func (inv *Inventory) Import(statements ...Statement) error {
	id, err := inv.importID()
	if err != nil {
		return err
	}
	inv.mu.Lock()
	defer inv.mu.Unlock()
	defer inv.changed()
	f := newFinder(inv.index.Load())
	a := &applying{inv: inv, id: id, src: (*inv.sources.Load())[id], guard: inv.cfg.Guard}
	for i := range statements {
		a.at = statements[i].At
		a.state(f, &statements[i])
	}
	inv.rebuild(inv.indexed) // once: it costs as much as there are hosts
	return nil
}

// state takes in one statement.
func (a *applying) state(f *finder, st *Statement) {
	inv := a.inv
	known := f.host(st.Host.Name)
	if known == nil {
		known = inv.host(Ref{0, inv.word(st.Host.Name)}, inv.word(st.Host.Name))
	}
	before := known.Facts()
	v := inv.open(known)
	if known.ref.VC == 0 {
		a.mergeHost(v, &st.Host)
	}
	if i, ok := slices.BinarySearch(v.imports, st.At); !ok {
		v.imports = slices.Insert(slices.Clone(v.imports), i, st.At)
	}
	for i := range st.VMs {
		a.stateVM(v, known, &st.VMs[i], nil)
	}
	for i := range st.Rows {
		a.stateRow(v, known, &st.Rows[i])
	}
	if st.WholePorts {
		a.stateFree(v, st)
	}
	if st.WholeVMs {
		a.stateAbsent(v, st)
	}
	for i := range v.ports {
		a.dateStated(v, &v.ports[i])
	}
	inv.publish()
	f.replace(known, before)
}

// mergeHost adds what an import says of a host that no other source knows.
func (a *applying) mergeHost(v *hostView, facts *Host) {
	host := *v.host
	if facts.UUID != (UUID{}) {
		host.UUID = facts.UUID
	}
	host.Version, host.Build = cmp.Or(facts.Version, host.Version), cmp.Or(facts.Build, host.Build)
	if facts.Cluster.Name != "" {
		host.Cluster = facts.Cluster
	}
	if facts.Datacenter.Name != "" {
		host.Datacenter = facts.Datacenter
	}
	if len(facts.Kernel) > 0 {
		host.Kernel = facts.Kernel
	}
	if len(facts.Uplinks) > 0 {
		host.Uplinks = facts.Uplinks
	}
	if len(facts.Addresses) > 0 {
		host.Addresses = facts.Addresses
	}
	if len(facts.Switches) > 0 {
		host.Switches = facts.Switches
	}
	if len(facts.Portgroups) > 0 {
		host.Portgroups = facts.Portgroups
	}
	a.shareHost(&host)
	a.carryRules(&host, v.host)
	v.host = &host
}

// stateVM finds the VM an import speaks of, by address or name among those of the host, or makes
// it known, and says that it ran there. was is whom the import named before on the same port, where it was without a name.
func (a *applying) stateVM(v *hostView, h *HostTable, facts *VM, was *vmEntry) (*vmEntry, *VM) {
	e := v.residentLike(facts)
	if e == nil && was != nil && was.cur.Load().Name == "" {
		e = was
	}
	if e == nil {
		id := facts.Ref.ID
		if id == "" {
			id = cmp.Or(facts.Name, firstMAC(facts))
		}
		ref := Ref{0, h.ref.ID + "/" + id}
		e = a.inv.vms[ref]
		if e == nil {
			e = &vmEntry{}
			a.inv.vms[ref] = e
			e.cur.Store(&VM{Ref: ref, Host: h.ref.ID})
		}
	}
	vm := e.cur.Load()
	if vm.Ref.VC == 0 {
		vm = mergeVM(vm, facts)
		a.shareVM(vm)
		e.cur.Store(vm)
	}
	from := a.at.Add(-a.guard)
	for i := range v.residents {
		r := &v.residents[i]
		if r.vm != e {
			continue
		}
		if r.at != 0 { // known from imports only
			r.name, r.early, r.from, r.at = vm.Name, min(r.early, from), min(r.from, from), max(r.at, a.at)
		}
		return e, vm
	}
	if facts.Power == PoweredOff || facts.Power == Suspended {
		return e, vm // registered there, but not running
	}
	v.residents = append(v.residents, residence{
		vm: e, name: vm.Name, early: from, from: from, to: Forever, late: Forever, at: a.at, source: a.id,
	})
	return e, vm
}

func firstMAC(vm *VM) string {
	for i := range vm.NICs {
		if m := vm.NICs[i].MAC; m != (MAC{}) {
			return m.String()
		}
	}
	return "unnamed"
}

// residentLike returns the VM of the host that has an address or the name of facts.
func (v *hostView) residentLike(facts *VM) *vmEntry {
	var named *vmEntry
	for i := range v.residents {
		e := v.residents[i].vm
		vm := e.cur.Load()
		for j := range facts.NICs {
			if vm.NICByMAC(facts.NICs[j].MAC) != nil {
				return e
			}
		}
		if facts.Name != "" && vm.Name == facts.Name && named == nil {
			named = e
		}
	}
	return named
}

// mergeVM returns old with what facts adds to it.
func mergeVM(old, facts *VM) *VM {
	vm := *old
	vm.Name, vm.Path = cmp.Or(facts.Name, vm.Name), cmp.Or(facts.Path, vm.Path)
	vm.GuestID, vm.Hostname = cmp.Or(facts.GuestID, vm.GuestID), cmp.Or(facts.Hostname, vm.Hostname)
	vm.Folder, vm.Pool, vm.Owner = cmp.Or(facts.Folder, vm.Folder), cmp.Or(facts.Pool, vm.Pool), cmp.Or(facts.Owner, vm.Owner)
	if facts.Instance != (UUID{}) {
		vm.Instance = facts.Instance
	}
	if facts.BIOS != (UUID{}) {
		vm.BIOS = facts.BIOS
	}
	if facts.World != 0 {
		vm.World = facts.World
	}
	if facts.Power != PowerUnknown {
		vm.Power = facts.Power
	}
	if facts.Boot != 0 {
		vm.Boot = facts.Boot
	}
	if len(facts.Addresses) > 0 {
		vm.Addresses = facts.Addresses
	}
	if len(facts.Tags) > 0 {
		vm.Tags = facts.Tags
	}
	if len(facts.Attributes) > 0 {
		vm.Attributes = facts.Attributes
	}
	vm.NICs = append([]NIC(nil), vm.NICs...)
	for i := range facts.NICs {
		vm.addNIC(&facts.NICs[i])
	}
	return &vm
}

// addNIC adds an adapter, or what it adds to the one with its address or, both lacking one, its key.
func (vm *VM) addNIC(n *NIC) {
	for i := range vm.NICs {
		old := &vm.NICs[i]
		sameMAC := n.MAC != MAC{} && n.MAC == old.MAC
		sameKey := n.Key != 0 && n.Key == old.Key && (n.MAC == MAC{} || old.MAC == MAC{})
		if !sameMAC && !sameKey {
			continue
		}
		if n.MAC != (MAC{}) {
			old.MAC = n.MAC
		}
		if n.Key != 0 {
			old.Key = n.Key
		}
		old.Label, old.Adapter = cmp.Or(n.Label, old.Label), cmp.Or(n.Adapter, old.Adapter)
		old.Connected = old.Connected || n.Connected
		if n.Backing != (Backing{}) {
			old.Backing = n.Backing
		}
		return
	}
	fresh := *n
	if fresh.Key == 0 { // the source does not number adapters: give each a number of its own, below any real one
		fresh.Key = int32(-1 - len(vm.NICs))
	}
	vm.NICs = append(vm.NICs, fresh)
}

// stateRow says that a port was held as of the import.
func (a *applying) stateRow(v *hostView, h *HostTable, r *Row) {
	if r.Port == 0 {
		return
	}
	b := binding{
		early: a.at.Add(-a.guard), from: a.at.Add(-a.guard), to: Forever, late: Forever, at: a.at,
		net: a.inv.net(r.Net), client: a.inv.word(r.Client), mac: r.MAC, kind: r.Kind, source: a.id,
	}
	row := v.row(r.Port)
	i, found := row.statedAt(a.at)
	var was binding
	if found {
		was = row.stated[i]
	}
	if b.kind == KindUnknown {
		b.kind = was.kind
	}
	if b.kind == KindVM {
		a.stateHolder(v, h, &b, &was, r)
	}
	row = v.row(r.Port)
	row.stated = slices.Clone(row.stated)
	if found {
		row.stated[i] = mergeStated(was, b)
		return
	}
	row.stated = slices.Insert(row.stated, i, b)
}

// statedAt returns where in row.stated the statement of a moment is or would be.
func (row *portRow) statedAt(at Stamp) (i int, found bool) {
	return slices.BinarySearchFunc(row.stated, at, func(b binding, at Stamp) int { return cmp.Compare(b.at, at) })
}

// stateHolder finds the VM and the adapter that a row means. was is what another file of the same moment says of the
// port: one names the VM, another its address.
func (a *applying) stateHolder(v *hostView, h *HostTable, b, was *binding, r *Row) {
	facts := VM{Name: r.VM, World: r.World}
	nic := NIC{MAC: r.MAC, Connected: true, Backing: Backing{Portgroup: r.Net.Portgroup, Port: r.Net.DVPort}}
	if n, ok := deviceNumber(r.Device); ok {
		nic.Key = 4000 + n
	}
	if was.vm != nil {
		facts.Name = cmp.Or(facts.Name, was.vm.cur.Load().Name)
		if nic.MAC == (MAC{}) {
			nic.MAC = was.mac
		}
		if nic.Key == 0 && was.nic > 0 {
			nic.Key = was.nic
		}
	}
	if facts.Name == "" && nic.MAC == (MAC{}) {
		return
	}
	if nic.MAC != (MAC{}) || nic.Key != 0 {
		facts.NICs = []NIC{nic}
	}
	e, vm := a.stateVM(v, h, &facts, was.vm)
	b.vm = e
	n := vm.NICByMAC(nic.MAC)
	if n == nil {
		n = vm.NIC(nic.Key)
	}
	if n == nil && len(vm.NICs) == 1 && nic.MAC == (MAC{}) {
		n = &vm.NICs[0]
	}
	if n != nil {
		b.nic = n.Key
		if b.mac == (MAC{}) {
			b.mac = n.MAC
		}
	}
}

// mergeStated joins two statements of one moment about one port: a file names the VM, another its address.
func mergeStated(old, b binding) binding {
	if b.vm == nil {
		b.vm, b.nic = old.vm, old.nic
	}
	if b.nic == 0 && b.vm == old.vm {
		b.nic = old.nic
	}
	if b.net == nil {
		b.net = old.net
	}
	if b.mac == (MAC{}) {
		b.mac = old.mac
	}
	if b.client == "" {
		b.client = old.client
	}
	if b.kind == KindUnknown {
		b.kind = old.kind
	}
	return b
}

// stateFree notes on every port that the import would have named, but did not, that it was free
// then: as a statement without a holder.
func (a *applying) stateFree(v *hostView, st *Statement) {
	listed := make(map[uint32]bool, len(st.Rows))
	for i := range st.Rows {
		listed[st.Rows[i].Port] = true
	}
	for i := range v.ports {
		row := &v.ports[i]
		if len(row.stated) == 0 || listed[row.id] {
			continue
		}
		at, found := row.statedAt(a.at)
		if found {
			continue
		}
		free := binding{at: a.at, from: a.at.Add(-a.guard), source: a.id, kind: kindFree}
		row.stated = slices.Insert(slices.Clone(row.stated), at, free)
	}
}

// kindFree marks a statement that nobody held the port.
const kindFree Kind = 255

// stateAbsent ends the residence of VMs that an import of all VMs does not name.
func (a *applying) stateAbsent(v *hostView, st *Statement) {
	named := map[string]bool{}
	for i := range st.VMs {
		named[st.VMs[i].Name] = true
	}
	for i := range st.Rows {
		named[st.Rows[i].VM] = true
	}
	kept := v.residents[:0]
	for _, r := range v.residents {
		if r.at == 0 || r.at >= a.at || named[r.name] {
			kept = append(kept, r)
			continue
		}
		a.closeResidence(v, r, r.at.Add(a.guard), a.at.Add(-a.guard))
	}
	v.residents = kept
}

// dateStated dates the imports' statements of one port by their neighbours: each holds around its moment; it goes on
// until the next one, and where the next one disagrees, either may have held the port in between.
func (a *applying) dateStated(v *hostView, row *portRow) {
	if len(row.stated) == 0 {
		return
	}
	list := slices.Clone(row.stated)
	for i := len(list) - 1; i >= 0; i-- {
		b := &list[i]
		b.from, b.to, b.late = b.at.Add(-a.guard), Forever, Forever
		b.early = b.from
		if i+1 < len(list) {
			next := &list[i+1]
			b.to, b.late = next.to, next.late
			if !sameStated(b, next) {
				b.late = max(b.from, next.at.Add(-a.guard))
				b.to = min(b.late, b.at.Add(a.guard))
			}
		}
		if boot := v.host.Boot; boot > b.at { // rebooted since: port ids began anew
			b.to, b.late = min(b.to, boot), min(b.late, boot)
		}
		if i > 0 && !sameStated(&list[i-1], b) {
			b.early = min(b.from, max(list[i-1].at.Add(a.guard), v.bootAfter(list[i-1].at)))
		}
	}
	row.stated = list
}

// bootAfter returns the host's boot if it was after t, else 0.
func (v *hostView) bootAfter(t Stamp) Stamp {
	if v.host.Boot > t {
		return v.host.Boot
	}
	return 0
}

// sameStated reports whether two statements name one holder.
func sameStated(a, b *binding) bool {
	switch {
	case a.kind != b.kind:
		return false
	case a.vm != nil && b.vm != nil:
		return a.vm == b.vm && (a.nic == b.nic || a.nic == 0 || b.nic == 0)
	case a.mac != (MAC{}) && b.mac != (MAC{}):
		return a.mac == b.mac
	}
	return a.client == b.client
}
