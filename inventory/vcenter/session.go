package vcenter

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
	"vswarden/retry"
)

// session is one session's work.
type session struct {
	*Feeder
	link    *link
	log     types.ManagedObjectReference // the collector of the event log
	reading bool                         // everything is being read; of the property loop alone
	once    bool                         // everything is read once, and nothing followed
	good    bool                         // it came as far as following
	synced  chan struct{}                // closed when all was told once
	ports   chan portWish                // ports to read anew
	resync  time.Duration                // after a full read, the next one; 0 = none
	stop    context.CancelCauseFunc
}

var (
	errRestart = errors.New("the server forgot what it had told us")
	errOnce    = errors.New("everything was read once")
	errResync  = errors.New("time to read everything anew")
)

// sweepAgain is when everything is read again after a read that missed most of it.
const sweepAgain = 10 * time.Minute

// maxRetries is how often an answer that got lost on the way is asked for again.
const maxRetries = 5

// spawn starts what runs beside the property updates.
func (s *session) spawn(ctx context.Context, wg *sync.WaitGroup) {
	for what, run := range map[string]func(context.Context) error{"events": s.tailEvents, "ports": s.readPorts, "tags": s.readTags} {
		wg.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					s.stats.Panics.Add(1)
					s.stop(fmt.Errorf("%s: panic: %v\n%s", what, r, debug.Stack()))
				}
			}()
			if err := run(ctx); err != nil && ctx.Err() == nil {
				s.stop(fmt.Errorf("%s: %w", what, plain(err)))
			}
		})
	}
}

// follow reads everything and then every change, until something breaks.
func (s *session) follow(ctx context.Context) error {
	view, err := s.view(ctx)
	if err != nil {
		return fmt.Errorf("make a view: %w", plain(err))
	}
	defer s.destroy(func(ctx context.Context) error {
		_, err := methods.DestroyView(ctx, s.link, &types.DestroyView{This: view})
		return err
	})
	s.readFields(ctx)
	for restarts := 0; ; {
		answers := s.stats.Answers.Load()
		err := s.collect(ctx, view)
		if s.stats.Answers.Load() > answers {
			restarts = 0
		}
		switch {
		case errors.Is(err, errRestart):
			s.stats.Restarts.Add(1)
			s.inv.Down(s.id)
			if restarts++; restarts > maxRetries {
				return err
			}
			if !retry.Sleep(ctx, pauseAfter(restarts)) {
				return ctx.Err()
			}
		case errors.Is(err, errResync):
		case errors.Is(err, errOnce):
			return nil
		default:
			return err
		}
	}
}

// maxLeftover bounds what is to be freed later: the session's end frees it at last.
const maxLeftover = 16

// destroy frees something at the server, which bounds what a session may have, but waits for no server that is away.
func (s *session) destroy(free func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := free(ctx); err != nil && !soap.IsSoapFault(err) && len(s.link.leftover) < maxLeftover {
		s.link.leftover = append(s.link.leftover, free)
	}
}

// ask returns a context for one question.
func (s *session) ask(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.cfg.Timeout)
}

// view makes a view of the whole inventory.
func (s *session) view(ctx context.Context) (view types.ManagedObjectReference, err error) {
	c := &s.link.ServiceContent
	if c.ViewManager == nil {
		return view, errNoRoot
	}
	ctx, cancel := s.ask(ctx)
	defer cancel()
	res, err := methods.CreateContainerView(ctx, s.link, &types.CreateContainerView{
		This: *c.ViewManager, Container: c.RootFolder, Type: kindNames(), Recursive: true,
	})
	if err != nil {
		return view, err
	}
	return res.Returnval, nil
}

// readFields reads the names of custom attributes before anything refers to them.
func (s *session) readFields(ctx context.Context) {
	ref := s.link.ServiceContent.CustomFieldsManager
	if ref == nil {
		return
	}
	ctx, cancel := s.ask(ctx)
	defer cancel()
	res, err := methods.RetrievePropertiesEx(ctx, s.link, &types.RetrievePropertiesEx{
		This: s.link.ServiceContent.PropertyCollector,
		SpecSet: []types.PropertyFilterSpec{{
			ObjectSet: []types.ObjectSpec{{Obj: *ref}}, PropSet: []types.PropertySpec{{Type: ref.Type, PathSet: []string{"field"}}},
		}},
	})
	if err != nil || res.Returnval == nil {
		return // the filter tells of it too
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	for _, o := range res.Returnval.Objects {
		for _, p := range o.PropSet {
			if list, ok := p.Val.(types.ArrayOfCustomFieldDef); ok {
				for _, d := range list.CustomFieldDef {
					s.tree.fields[d.Key] = d.Name
				}
			}
		}
	}
}

// filter makes a collector of our own with the one filter. One waiter per collector; ours is nobody else's.
func (s *session) filter(ctx context.Context, view types.ManagedObjectReference) (collector types.ManagedObjectReference, err error) {
	ctx, cancel := s.ask(ctx)
	defer cancel()
	res, err := methods.CreatePropertyCollector(ctx, s.link, &types.CreatePropertyCollector{This: s.link.ServiceContent.PropertyCollector})
	if err != nil {
		return collector, err
	}
	collector = res.Returnval
	objects := []types.ObjectSpec{{
		Obj: view, Skip: new(true),
		SelectSet: []types.BaseSelectionSpec{&types.TraversalSpec{Type: "ContainerView", Path: "view"}},
	}}
	fields := s.link.ServiceContent.CustomFieldsManager
	if fields != nil {
		objects = append(objects, types.ObjectSpec{Obj: *fields})
	}
	_, err = methods.CreateFilter(ctx, s.link, &types.CreateFilter{This: collector, Spec: types.PropertyFilterSpec{
		ObjectSet: objects, PropSet: propertySpec(fields != nil), // PartialUpdates is false: what changes comes whole
	}})
	return collector, err
}

// collect follows one collector: first everything, page by page, then changes.
func (s *session) collect(ctx context.Context, view types.ManagedObjectReference) error {
	pc, err := s.filter(ctx, view)
	if pc.Value != "" {
		defer s.destroy(func(ctx context.Context) error {
			_, err := methods.DestroyPropertyCollector(ctx, s.link, &types.DestroyPropertyCollector{This: pc})
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("make a filter: %w", plain(err))
	}
	s.writing.Lock()
	s.told.begin()
	s.writing.Unlock()
	s.recount()
	began, full, truncated, retries := s.now(), true, false, 0
	s.reading = true
	for version := ""; ; {
		set, err := s.wait(ctx, pc, version)
		switch {
		case err == nil:
			retries = 0
		case ctx.Err() != nil:
			return ctx.Err()
		case fault.Is(err, &types.InvalidCollectorVersion{}):
			return errRestart
		case soap.IsSoapFault(err) || soap.IsVimFault(err) || retries >= maxRetries:
			return fmt.Errorf("wait for updates: %w", plain(err))
		default:
			// The answer got lost on the way. A version that was not truncated may be asked for again.
			retries++
			s.stats.Retries.Add(1)
			if truncated || version == "" {
				return errRestart
			}
			if !retry.Sleep(ctx, pauseAfter(retries)) {
				return ctx.Err()
			}
			continue
		}
		s.stats.Answers.Add(1)
		if set == nil { // nothing changed
			if !full {
				s.reported()
				if s.resync > 0 && s.now().Sub(began) >= s.resync {
					return errResync
				}
			}
			continue
		}
		if err := s.apply(ctx, set); err != nil {
			return err
		}
		version = set.Version
		truncated = set.Truncated != nil && *set.Truncated
		switch {
		case truncated:
			s.stats.Pages.Add(1)
		case full:
			full, s.reading = false, false
			if err := s.complete(ctx); err != nil {
				return err
			}
		default:
			s.reported()
		}
	}
}

// pauseAfter is how long to wait after so many failures in a row.
func pauseAfter(failures int) time.Duration {
	return time.Duration(failures*failures) * 100 * time.Millisecond
}

// wait asks for what is new since version. nil: nothing within Poll. govmomi's own loop forgets the version each time.
func (s *session) wait(ctx context.Context, pc types.ManagedObjectReference, version string) (*types.UpdateSet, error) {
	poll := int32(s.cfg.Poll / time.Second)
	most := s.cfg.Poll + s.cfg.Timeout
	if s.reading { // a server gathers everything before it gives the first page
		most += 3 * s.cfg.Timeout
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	late := time.AfterFunc(s.cfg.Poll+overdueAfter, s.overdue)
	defer late.Stop()
	res, err := methods.WaitForUpdatesEx(ctx, s.link, &types.WaitForUpdatesEx{
		This: pc, Version: version, Options: &types.WaitOptions{MaxWaitSeconds: &poll},
	})
	if err != nil {
		return nil, err
	}
	return res.Returnval, nil
}

// overdueAfter is by how much an answer may be late before the source counts as silent.
const overdueAfter = 5 * time.Second

// apply takes in one answer.
func (s *session) apply(ctx context.Context, set *types.UpdateSet) error {
	s.writing.Lock()
	b := s.newBatch()
	for i := range set.FilterSet {
		for j := range set.FilterSet[i].ObjectSet {
			b.take(&set.FilterSet[i].ObjectSet[j])
		}
	}
	err := s.flush(b)
	s.writing.Unlock()
	if err != nil {
		return err
	}
	for _, w := range b.wishes {
		s.wish(w)
	}
	return s.confirmGone(ctx, b.left)
}

// flush hands a batch to the inventory. The caller holds writing.
func (s *session) flush(b *batch) error {
	if b.noAuth {
		// Some servers answer on an expired session, with every value missing.
		return errNotAccepted
	}
	if !s.reading { // while everything is read the tree changes with every page
		b.replace()
	}
	b.privateVLANs()
	if b.empty() {
		return nil
	}
	if s.live != nil {
		for i := range b.u.Hosts {
			s.live.changed(b.u.Hosts[i].Ref.ID)
		}
		for i := range b.u.VMs {
			s.live.changed(b.u.VMs[i].Host)
		}
	}
	return s.inv.Apply(&b.u)
}

// reported notes that everything up to now is told.
func (s *session) reported() {
	s.inv.Reported(s.id, inventory.StampOf(s.now()))
	s.following()
}

// complete ends a full read: what it did not name is looked for, and all is reported.
func (s *session) complete(ctx context.Context) error {
	again, err := s.sweep(ctx)
	if err != nil {
		return err
	}
	s.writing.Lock()
	s.told = told{}
	err = s.flush(s.newBatch()) // the names of places
	s.writing.Unlock()
	if err != nil {
		return err
	}
	s.resync = s.cfg.Resync
	if again && (s.resync == 0 || s.resync > sweepAgain) {
		s.resync = sweepAgain
	}
	if !s.good {
		s.firstPorts(ctx)
	}
	s.stats.Syncs.Add(1)
	s.reported()
	debug.FreeOSMemory() // a full read leaves its XML behind, many times what is kept of it
	if !s.good {
		s.good = true
		close(s.synced)
	}
	if s.once {
		return errOnce
	}
	return nil
}
