package vcenter

import (
	"context"
	"errors"
	"fmt"

	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
)

// An object that leaves the view was deleted, or hidden from us: someone took our right to see it away. Only the
// server can tell, so it is asked for the object by name before the inventory lets go of it.

// maxProbes is how many of the objects that left together are asked for. All others are taken to have gone the same way.
const maxProbes = 32

// confirmGone takes out what the server says is no more, and keeps what it only hides.
func (s *session) confirmGone(ctx context.Context, left []types.ManagedObjectReference) error {
	var byClass [classCount][]types.ManagedObjectReference
	for _, ref := range left {
		byClass[classOf(ref.Type)] = append(byClass[classOf(ref.Type)], ref)
	}
	for c, refs := range byClass {
		if len(refs) == 0 || class(c) == classFields {
			continue
		}
		gone, err := s.gone(ctx, class(c), refs)
		if err != nil {
			return err
		}
		if err := s.takeOut(class(c), gone); err != nil {
			return err
		}
	}
	return nil
}

// gone returns which of refs are no more.
func (s *session) gone(ctx context.Context, c class, refs []types.ManagedObjectReference) (gone []types.ManagedObjectReference, err error) {
	if c == classNode {
		return refs, nil // names of places only: they come back with the next read
	}
	step := max(1, len(refs)/maxProbes)
	hidden := false
	unasked := make([]types.ManagedObjectReference, 0, len(refs))
	for i, ref := range refs {
		if i%step != 0 {
			unasked = append(unasked, ref)
			continue
		}
		is, err := s.exists(ctx, ref)
		switch {
		case err != nil:
			return nil, err
		case is:
			hidden = true
		default:
			gone = append(gone, ref)
		}
	}
	if hidden {
		s.stats.LeavesRefused.Add(1)
		s.keep(fmt.Sprintf("%d of %d %s are no longer shown, but not deleted: was a right taken away?", len(refs)-len(gone), len(refs), c))
		return gone, nil
	}
	return append(gone, unasked...), nil
}

// exists asks whether an object is there, whether we may see it or not.
func (s *session) exists(ctx context.Context, ref types.ManagedObjectReference) (bool, error) {
	ctx, cancel := s.ask(ctx)
	defer cancel()
	_, err := methods.RetrievePropertiesEx(ctx, s.link, &types.RetrievePropertiesEx{
		This: s.link.ServiceContent.PropertyCollector,
		SpecSet: []types.PropertyFilterSpec{{
			ObjectSet: []types.ObjectSpec{{Obj: ref}}, PropSet: []types.PropertySpec{{Type: ref.Type, PathSet: []string{"name"}}},
		}},
	})
	switch {
	case err == nil:
		return true, nil
	case fault.Is(err, &types.ManagedObjectNotFound{}):
		return false, nil
	case fault.Is(err, &types.NoPermission{}):
		return true, nil
	}
	return false, fmt.Errorf("ask for %s: %w", ref.Value, plain(err))
}

// keep notes what was kept although it is not shown.
func (f *Feeder) keep(why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Kept = why
}

// takeOut takes objects out of the inventory.
func (s *session) takeOut(c class, refs []types.ManagedObjectReference) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	u := inventory.Update{Source: s.id, At: inventory.StampOf(s.now())}
	for _, ref := range refs {
		switch c {
		case classNode:
			s.tree.drop(ref.Value)
			continue
		case classVM:
			delete(s.tree.vms, ref.Value)
		case classHost:
			delete(s.tree.hosts, ref.Value)
		}
		u.Gone = append(u.Gone, s.ref(ref.Value))
	}
	if len(u.Gone) == 0 {
		return nil
	}
	return s.inv.Apply(&u)
}

var errHalf = errors.New("fewer than half came back")

// patience is after how many full reads that miss most of a class, ten minutes apart, what the server says of
// single objects counts again: an estate can shrink while we are away. A class that is missed whole is kept for good.
const patience = 3

// sweep takes out what the full read that just ended did not name. A server that has just started, or one that hides
// things from us, must not empty the inventory: of each class at least half must have come back.
func (s *session) sweep(ctx context.Context) (again bool, err error) {
	var kept error
	s.keep("")
	for c, typ := range map[class]string{
		classVM: "VirtualMachine", classHost: "HostSystem", classPortgroup: "DistributedVirtualPortgroup", classSwitch: "DistributedVirtualSwitch",
	} {
		missed, all := s.missed(c)
		if len(missed) == 0 {
			s.refused[c] = 0
			continue
		}
		if seen := all - len(missed); all > 1 && 2*seen < all && (seen == 0 || s.refused[c] < patience) {
			s.refused[c]++
			again = true
			s.stats.SweepsRefused.Add(1)
			kept = errors.Join(kept, fmt.Errorf("%d of %d %s were not shown: %w, all are kept", len(missed), all, c, errHalf))
			continue
		}
		refs := make([]types.ManagedObjectReference, len(missed))
		for i, id := range missed {
			refs[i] = types.ManagedObjectReference{Type: typ, Value: id}
		}
		gone, err := s.gone(ctx, c, refs)
		if err != nil {
			return false, err
		}
		if err := s.takeOut(c, gone); err != nil {
			return false, err
		}
	}
	if kept != nil {
		s.keep(kept.Error())
	}
	return again, nil
}

// shown returns the hosts that the server has shown: others are known only because VMs say that they run there.
func (f *Feeder) shown() (hosts []*inventory.HostTable) {
	for _, h := range f.inv.HostTables(f.vc) {
		if h.Facts().Name != "" {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// missed returns the objects of a class that the inventory has of this server and the full read did not name.
func (s *session) missed(c class) (missed []string, all int) {
	s.writing.Lock()
	defer s.writing.Unlock()
	note := func(ref inventory.Ref) {
		if ref.VC != s.vc {
			return
		}
		all++
		if _, ok := s.told.seen[c][ref.ID]; !ok {
			missed = append(missed, ref.ID)
		}
	}
	switch c {
	case classVM:
		for _, vm := range s.inv.VMs() {
			note(vm.Ref)
		}
	case classHost:
		for _, h := range s.shown() {
			note(h.Ref())
		}
	case classPortgroup:
		for _, p := range s.inv.Portgroups() {
			note(p.Ref)
		}
	case classSwitch:
		for _, sw := range s.inv.Switches() {
			note(sw.Ref)
		}
	}
	return missed, all
}
