package vcenter

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
	"vswarden/inventory/vcenter/answer"
)

// told is who was named in the full read in progress.
type told struct {
	seen [classCount]map[string]struct{}
}

func (t *told) begin() {
	for i := range t.seen {
		t.seen[i] = map[string]struct{}{}
	}
}

func (t *told) note(c class, id string) {
	if t.seen[c] != nil {
		t.seen[c][id] = struct{}{}
	}
}

// batch turns one answer of the server into one update of the inventory. The feeder's writing lock is held.
type batch struct {
	*Feeder
	u       inventory.Update
	vms     map[string]int // index in u.VMs
	hosts   map[string]int
	left    []types.ManagedObjectReference // what the server no longer shows
	wishes  []portWish
	private bool // the private VLANs of a switch changed
	noAuth  bool // a value is missing because the session is dead
}

func (f *Feeder) newBatch() *batch {
	return &batch{
		Feeder: f, u: inventory.Update{Source: f.id, At: inventory.StampOf(f.now())},
		vms: map[string]int{}, hosts: map[string]int{},
	}
}

// ref names an object of this server for good.
func (f *Feeder) ref(id string) inventory.Ref { return inventory.Ref{VC: f.vc, ID: id} }

// take takes in what the server says of one object. A value we cannot make sense of costs that object, not the answer.
func (b *batch) take(o *types.ObjectUpdate) {
	defer func() {
		if r := recover(); r != nil {
			b.stats.Panics.Add(1)
			b.missing(o.Obj.Type+" "+o.Obj.Value, "", "this object", fmt.Sprintf("not understood: %v", r))
		}
	}()
	b.stats.Objects.Add(1)
	c := classOf(o.Obj.Type)
	if o.Kind == types.ObjectUpdateKindLeave {
		b.left = append(b.left, o.Obj)
		return
	}
	b.told.note(c, o.Obj.Value)
	for _, m := range o.MissingSet {
		if _, ok := m.Fault.Fault.(*types.NotAuthenticated); ok {
			b.noAuth = true
			return
		}
	}
	changes := o.ChangeSet
	if o.Kind == types.ObjectUpdateKindEnter {
		changes = whole(c, o)
	}
	for _, m := range o.MissingSet {
		why := fmt.Sprintf("%T", m.Fault.Fault)
		if np, ok := m.Fault.Fault.(*types.NoPermission); ok {
			why = "NoPermission"
			b.missing(typeName(c, o.Obj.Type)+" "+m.Path, cmp.Or(np.PrivilegeId, "System.Read"), lostWithout(typeName(c, o.Obj.Type), m.Path), why)
			continue
		}
		b.missing(typeName(c, o.Obj.Type)+" "+m.Path, "", lostWithout(typeName(c, o.Obj.Type), m.Path), why)
	}
	switch c {
	case classVM:
		b.vm(o.Obj.Value, changes)
	case classHost:
		b.host(o.Obj.Value, changes)
	case classPortgroup:
		b.portgroup(o.Obj.Value, changes)
	case classSwitch:
		b.dvs(o.Obj.Value, changes)
	case classFields:
		b.fields(changes)
	default:
		b.node(o.Obj, changes)
	}
}

// whole returns the changes of an object that comes into view: a property it does not mention is not set, unless it
// is hidden from us.
func whole(c class, o *types.ObjectUpdate) []types.PropertyChange {
	changes := o.ChangeSet
paths:
	for _, path := range pathsOf(c) {
		for i := range o.ChangeSet {
			if o.ChangeSet[i].Name == path {
				continue paths
			}
		}
		for i := range o.MissingSet {
			if o.MissingSet[i].Path == path {
				continue paths
			}
		}
		changes = append(slices.Clip(changes), types.PropertyChange{Name: path, Op: types.PropertyChangeOpRemove})
	}
	return changes
}

// value returns the new value of a property; nil where it is not set.
func value(c *types.PropertyChange) types.AnyType {
	if c.Op == types.PropertyChangeOpRemove || c.Op == types.PropertyChangeOpIndirectRemove {
		return nil
	}
	return c.Val
}

// typeName is the name under which rights of a class are counted.
func typeName(c class, typ string) string {
	if c == classSwitch {
		return "DistributedVirtualSwitch"
	}
	return typ
}

// node takes in a folder, datacenter, cluster or pool.
func (b *batch) node(ref types.ManagedObjectReference, changes []types.PropertyChange) {
	n := b.tree.nodes[ref.Value]
	old := n
	n.kind = ref.Type
	for i := range changes {
		switch v := value(&changes[i]).(type) {
		case string:
			if changes[i].Name == "name" {
				n.name = answer.Unescape(v)
			}
		case types.ManagedObjectReference:
			n.parent = v.Value
		}
	}
	if n != old {
		b.tree.put(ref.Value, n)
	}
}

// fields takes in the definitions of custom attributes.
func (b *batch) fields(changes []types.PropertyChange) {
	for i := range changes {
		list, ok := value(&changes[i]).(types.ArrayOfCustomFieldDef)
		if !ok {
			continue
		}
		renamed := map[string]string{}
		for _, d := range list.CustomFieldDef {
			if old := b.tree.fields[d.Key]; old != "" && old != d.Name {
				renamed[old] = d.Name
			}
			b.tree.fields[d.Key] = d.Name
		}
		if len(renamed) > 0 {
			b.renameAttributes(renamed)
		}
	}
}

// renameAttributes gives the attributes of all VMs their new names.
func (b *batch) renameAttributes(names map[string]string) {
	for _, vm := range b.inv.VMs() {
		if vm.Ref.VC != b.vc {
			continue
		}
		for _, a := range vm.Attributes {
			if names[a.Name] == "" {
				continue
			}
			vm := b.vmOf(vm.Ref.ID)
			list := make([]inventory.Attribute, len(vm.Attributes))
			for i, a := range vm.Attributes {
				list[i] = inventory.Attribute{Name: cmp.Or(names[a.Name], a.Name), Value: a.Value}
			}
			vm.Attributes = list
			b.own(vm)
			break
		}
	}
}

// replace renews the names of places where the tree changed.
func (b *batch) replace() {
	if !b.tree.moved {
		return
	}
	b.tree.moved = false
	for _, vm := range b.inv.VMs() {
		if vm.Ref.VC != b.vc {
			continue
		}
		if _, known := b.tree.vms[vm.Ref.ID]; !known {
			continue // from a snapshot: not told of yet
		}
		if folder, pool := b.tree.vmPlaces(vm.Ref.ID); folder != vm.Folder || pool != vm.Pool {
			b.vmOf(vm.Ref.ID)
		}
	}
	for i := range b.u.VMs {
		vm := &b.u.VMs[i]
		vm.Folder, vm.Pool = b.tree.vmPlaces(vm.Ref.ID)
	}
	for id := range b.tree.hosts {
		h := b.inv.HostTable(b.ref(id))
		if h == nil {
			continue
		}
		if cluster, datacenter := b.tree.hostPlaces(id); cluster != h.Facts().Cluster || datacenter != h.Facts().Datacenter {
			b.hostOf(id)
		}
	}
	for i := range b.u.Hosts {
		host := &b.u.Hosts[i]
		host.Cluster, host.Datacenter = b.tree.hostPlaces(host.Ref.ID)
	}
}

// empty reports whether there is nothing to tell.
func (b *batch) empty() bool {
	u := &b.u
	return len(u.Switches)+len(u.Portgroups)+len(u.DVPorts)+len(u.Hosts)+len(u.VMs)+len(u.Tables)+len(u.Gone) == 0
}
