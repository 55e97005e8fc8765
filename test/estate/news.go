package main

import (
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// news is how vCenter hears of the world: a state of an object is shown up to opt.lag later, states of one object in
// their order.
type news struct {
	v    *vcenter
	last map[any]time.Time // when the last state of an object is due
	told int
}

// transit is what of the lag is left to the way from the simulator to its client.
const transit = time.Second

// delay draws how much later a change is shown.
func (n *news) delay() time.Duration {
	most := n.v.w.opt.lag - min(transit, n.v.w.opt.lag/4)
	if most <= 0 {
		return 0
	}
	return time.Duration(n.v.w.rand.Int64N(int64(most)))
}

// tell takes the state that an object has now on its way.
func (n *news) tell(object any) {
	now := time.Now()
	due := now.Add(n.delay())
	if last := n.last[object]; due.Before(last) {
		due = last
	}
	n.last[object] = due
	var show func()
	switch o := object.(type) {
	case *vm:
		changes := n.v.vmState(o)
		show = func() { n.v.update(n.v.vms[o], now, changes...) }
	case *host:
		change := types.PropertyChange{Name: "config.network", Val: n.v.hostNetwork(o)}
		show = func() { n.v.update(n.v.hosts[o], now, change) }
	case *portgroup:
		pg := n.v.registry().Get(types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: o.moid}).(*simulator.DistributedVirtualPortgroup)
		change := types.PropertyChange{Name: "config", Val: n.v.portgroupConfig(o, pg)}
		show = func() { n.v.update(pg, now, change) }
	}
	n.v.w.clock.at(due, func(time.Time) {
		n.told++
		show()
	})
}

// note posts an event of vCenter, with the time at which the thing happened.
func (n *news) note(e note) {
	event := n.event(&e)
	ctx := n.v.model.Service.Context
	m := n.v.registry().EventManager()
	n.v.registry().WithLock(ctx, m, func() {
		m.PostEvent(ctx, &types.PostEvent{This: m.Self, EventToPost: event})
		event.GetEvent().CreatedTime, event.GetEvent().UserName = e.at, `ESTATE\operator`
	})
}

func (n *news) event(e *note) types.BaseEvent {
	if e.kind == notePolicy {
		if !e.group.distributed {
			return &types.GeneralUserEvent{GeneralEvent: types.GeneralEvent{Message: "portgroup " + e.group.name + " was reconfigured"}}
		}
		ref := types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: e.group.moid}
		return &types.DVPortgroupReconfiguredEvent{DVPortgroupEvent: types.DVPortgroupEvent{Event: types.Event{
			Datacenter: n.datacenter(), Net: &types.NetworkEventArgument{EntityEventArgument: types.EntityEventArgument{Name: e.group.name}, Network: ref},
		}}}
	}
	about := types.VmEvent{Event: types.Event{
		Vm:         &types.VmEventArgument{EntityEventArgument: types.EntityEventArgument{Name: e.vm.name}, Vm: n.v.vms[e.vm].Self},
		Host:       n.hostArgument(e.vm.host),
		Datacenter: n.datacenter(),
	}}
	switch e.kind {
	case notePowerOn:
		return &types.VmPoweredOnEvent{VmEvent: about}
	case notePowerOff:
		return &types.VmPoweredOffEvent{VmEvent: about}
	case noteMoved:
		store := &types.DatastoreEventArgument{EntityEventArgument: types.EntityEventArgument{Name: "vsan"}}
		about.Ds = store
		return &types.VmMigratedEvent{VmEvent: about, SourceHost: *n.hostArgument(e.from), SourceDatacenter: n.datacenter(), SourceDatastore: store}
	case noteRenamed:
		return &types.VmRenamedEvent{VmEvent: about, OldName: e.was, NewName: e.vm.name}
	}
	return &types.VmReconfiguredEvent{VmEvent: about}
}

func (n *news) hostArgument(h *host) *types.HostEventArgument {
	return &types.HostEventArgument{EntityEventArgument: types.EntityEventArgument{Name: h.name}, Host: n.v.hosts[h].Self}
}

func (n *news) datacenter() *types.DatacenterEventArgument {
	for _, o := range n.v.registry().AllReference("Datacenter") {
		return &types.DatacenterEventArgument{EntityEventArgument: types.EntityEventArgument{Name: "DC0"}, Datacenter: o.Reference()}
	}
	return nil
}
