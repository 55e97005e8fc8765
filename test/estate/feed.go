package main

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// feed answers WaitForUpdatesEx. The simulator's own answer reads the whole inventory again for each
// changed object; this one reads the object. Versions are numbers of changes: the same may be asked for again,
// as vCenter allows, and one that was never given is refused.
//
// The first pages of a collector are the simulator's own.
type feed struct {
	model   *simulator.Model
	synced  chan struct{} // closed when a client has been told everything once
	syncing sync.Once
	closing chan struct{}

	mu         sync.Mutex
	log        []pushed
	grown      chan struct{} // closed and replaced with each push
	collectors map[types.ManagedObjectReference]*position
	slowest    time.Duration // from a change to the answer that told a client of it
}

// pushed is one change.
type pushed struct {
	ref   types.ManagedObjectReference
	names []string
	since time.Time // when it happened in the world
}

// position is how far a collector has been told.
type position struct {
	first int  // the state that its first pages show
	paged bool // more pages of it are to come
}

// feedRef is where the simulator finds the feed.
func feedRef() types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: "EstateFeed", Value: "feed"}
}

// waiter is what the simulator calls. It must not be held locked while a client waits.
type waiter struct {
	types.ManagedObjectReference
	*feed
}

func (*waiter) Lock()   {}
func (*waiter) Unlock() {}

func newFeed(m *simulator.Model) *feed {
	f := &feed{
		model: m, synced: make(chan struct{}), closing: make(chan struct{}), grown: make(chan struct{}), collectors: map[types.ManagedObjectReference]*position{},
	}
	m.Map().Put(&waiter{feedRef(), f})
	return f
}

// push notes that properties of an object have changed, and when they did so in the world.
func (f *feed) push(ref types.ManagedObjectReference, names []string, since time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, pushed{ref, names, since})
	close(f.grown)
	f.grown = make(chan struct{})
}

// close ends all waiting.
func (f *feed) close() { close(f.closing) }

// settle is how long changes may gather once there is one.
const settle = 20 * time.Millisecond

// WaitForUpdatesEx has the name and shape that the simulator calls by reflection.
func (w *waiter) WaitForUpdatesEx(ctx *simulator.Context, r *types.WaitForUpdatesEx) soap.HasFault {
	pc, ok := ctx.Session.Get(r.This).(*simulator.PropertyCollector)
	if !ok {
		return &methods.WaitForUpdatesExBody{Fault_: simulator.Fault("", &types.ManagedObjectNotFound{Obj: r.This})}
	}
	w.mu.Lock()
	p := w.collectors[r.This]
	if r.Version == "" {
		p = &position{first: len(w.log), paged: true}
		w.collectors[r.This] = p
	}
	w.mu.Unlock()
	if p == nil {
		return invalidVersion()
	}
	if p.paged {
		return w.page(ctx, pc, p, r)
	}
	from, err := strconv.Atoi(r.Version)
	if err != nil || from < p.first || from > w.now() {
		return invalidVersion()
	}
	return w.wait(ctx, pc, from, r)
}

func invalidVersion() soap.HasFault {
	return &methods.WaitForUpdatesExBody{Fault_: simulator.Fault("", &types.InvalidCollectorVersion{})}
}

func (f *feed) now() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.log)
}

// page gives out the next page of the whole state.
func (w *waiter) page(ctx *simulator.Context, pc *simulator.PropertyCollector, p *position, r *types.WaitForUpdatesEx) soap.HasFault {
	body := pc.WaitForUpdatesEx(ctx, r)
	b, ok := body.(*methods.WaitForUpdatesExBody)
	if !ok || b.Res == nil || b.Res.Returnval == nil {
		return body
	}
	set := b.Res.Returnval
	if set.Truncated != nil && *set.Truncated {
		set.Version = "page of " + strconv.Itoa(p.first)
		return body
	}
	p.paged = false
	set.Version = strconv.Itoa(p.first)
	w.syncing.Do(func() { close(w.synced) })
	return body
}

// wait answers with what has changed since, or with nothing when the client's patience is over.
func (w *waiter) wait(ctx *simulator.Context, pc *simulator.PropertyCollector, from int, r *types.WaitForUpdatesEx) soap.HasFault {
	patience := time.Hour
	if r.Options != nil && r.Options.MaxWaitSeconds != nil {
		patience = time.Duration(*r.Options.MaxWaitSeconds) * time.Second
	}
	over := time.NewTimer(patience)
	defer over.Stop()
	body := &methods.WaitForUpdatesExBody{Res: &types.WaitForUpdatesExResponse{}}
	for {
		w.mu.Lock()
		changed, grown := w.log[from:len(w.log):len(w.log)], w.grown
		w.mu.Unlock()
		if len(changed) > 0 {
			if set := w.collect(ctx, pc, changed); len(set) > 0 {
				w.measure(changed)
				body.Res.Returnval = &types.UpdateSet{Version: strconv.Itoa(from + len(changed)), FilterSet: set}
				return body
			}
			from += len(changed) // Nothing that this collector asked for.
		}
		select {
		case <-grown:
			time.Sleep(settle)
		case <-over.C:
			return body
		case <-w.closing:
			return body
		}
	}
}

// measure notes how late the client hears of changes.
func (f *feed) measure(changed []pushed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range changed {
		f.slowest = max(f.slowest, time.Since(changed[i].since))
	}
}

// collect reads the changed properties of the changed objects, each object once.
func (w *waiter) collect(ctx *simulator.Context, pc *simulator.PropertyCollector, changed []pushed) (sets []types.PropertyFilterUpdate) {
	names := map[types.ManagedObjectReference][]string{}
	var order []types.ManagedObjectReference
	for _, c := range changed {
		if names[c.ref] == nil {
			order = append(order, c.ref)
		}
		names[c.ref] = append(names[c.ref], c.names...)
	}
	for _, ref := range pc.Filter {
		filter, ok := ctx.Session.Get(ref).(*simulator.PropertyFilter)
		if !ok {
			continue
		}
		set := types.PropertyFilterUpdate{Filter: ref}
		for _, obj := range order {
			if u := w.object(ctx, pc, filter, obj, names[obj]); len(u.ChangeSet) > 0 {
				set.ObjectSet = append(set.ObjectSet, u)
			}
		}
		if len(set.ObjectSet) > 0 {
			sets = append(sets, set)
		}
	}
	return sets
}

func (w *waiter) object(ctx *simulator.Context, pc *simulator.PropertyCollector, filter *simulator.PropertyFilter, obj types.ManagedObjectReference, names []string) types.ObjectUpdate {
	u := types.ObjectUpdate{Kind: types.ObjectUpdateKindModify, Obj: obj}
	body := pc.RetrievePropertiesEx(ctx, &types.RetrievePropertiesEx{This: pc.Self, SpecSet: []types.PropertyFilterSpec{{
		PropSet: filter.Spec.PropSet, ObjectSet: []types.ObjectSpec{{Obj: obj}},
	}}})
	b, ok := body.(*methods.RetrievePropertiesExBody)
	if !ok || b.Res == nil || b.Res.Returnval == nil {
		return u
	}
	for _, content := range b.Res.Returnval.Objects {
		for _, p := range content.PropSet {
			if touches(names, p.Name) {
				u.ChangeSet = append(u.ChangeSet, types.PropertyChange{Op: types.PropertyChangeOpAssign, Name: p.Name, Val: p.Val})
			}
		}
	}
	return u
}

// touches reports whether one of the changed properties is, holds, or is part of the asked one.
func touches(changed []string, asked string) bool {
	for _, c := range changed {
		long, short := c, asked
		if len(short) > len(long) {
			long, short = short, long
		}
		if strings.HasPrefix(long, short) && (len(long) == len(short) || long[len(short)] == '.' || long[len(short)] == '[') {
			return true
		}
	}
	return false
}
