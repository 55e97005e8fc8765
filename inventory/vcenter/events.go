package vcenter

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
)

// The event log tells what properties do not: who did it, and when it really was. It is read from where it was read to
// before, by time and key, over sessions and away times.

// followed are the types of events that are read, all others stay at the server.
var followed = []string{
	"DVPortgroupReconfiguredEvent", "DVPortgroupCreatedEvent", "DVPortgroupDestroyedEvent", "DVPortgroupRenamedEvent",
	"DvsReconfiguredEvent", "DvsPortReconfiguredEvent", "DvsPortBlockedEvent", "DvsPortUnblockedEvent",
	"DvsHostWentOutOfSyncEvent", "DvsHostBackInSyncEvent", "OutOfSyncDvsHost",
	"VmMigratedEvent", "DrsVmMigratedEvent", "VmRelocatedEvent",
	"VmPoweredOnEvent", "DrsVmPoweredOnEvent", "VmPoweredOffEvent", "VmSuspendedEvent", "VmResettingEvent",
	"UserLoginSessionEvent", "UserLogoutSessionEvent", "BadUsernameSessionEvent", "NoAccessUserEvent",
	"TaskEvent",
}

const (
	eventPage = 100
	// maxLookBack is how far back the log is read after we were away, or at the very start: moves date who came where.
	maxLookBack = 24 * time.Hour
	// overlap is read again: events are not always written in the order of their stamps.
	overlap = time.Minute
	// maxCatchUp bounds the pages read before the first report: the log may be long.
	maxCatchUp = 100
	// maxCatchUpTime is how long that may take.
	maxCatchUpTime = 15 * time.Second
)

// tail is where the event log was read to.
type tail struct {
	at   time.Time // stamp of the last event, by the server's clock
	key  int32     // its number, which grows
	seen map[int32]time.Time
}

// fresh reports whether an event was not taken yet, and notes it. Numbers begin anew where a server lost its database.
func (t *tail) fresh(e *types.Event) bool {
	if at, ok := t.seen[e.Key]; ok && at.Equal(e.CreatedTime) {
		return false
	}
	if t.seen == nil {
		t.seen = map[int32]time.Time{}
	}
	t.seen[e.Key] = e.CreatedTime
	if e.CreatedTime.After(t.at) {
		t.at = e.CreatedTime
	}
	t.key = e.Key
	if len(t.seen) > 4*eventPage {
		for k, at := range t.seen {
			if t.at.Sub(at) > 2*overlap {
				delete(t.seen, k)
			}
		}
		if len(t.seen) > 100*eventPage { // a storm: what was read last counts
			clear(t.seen)
			t.seen[e.Key] = e.CreatedTime
		}
	}
	return true
}

// move is a VM that came to a host, by an event that was read before its property said so.
type move struct {
	host string
	at   inventory.Stamp
}

// maxMoves bounds the moves that wait for their property.
const maxMoves = 50_000

// tailEvents reads the event log every Events. What was written before the session began was read by catchUp.
func (s *session) tailEvents(ctx context.Context) error {
	if s.cfg.Events == 0 || s.log.Value == "" {
		return nil
	}
	t := time.NewTicker(s.cfg.Events)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = s.readEvents(ctx); err != nil {
				if dead(err) || fault.Is(err, &types.ManagedObjectNotFound{}) {
					return err
				}
				s.stats.EventFailures.Add(1)
				more = false
			}
		}
	}
}

// catchUp opens the log where it was read to and reads what was written since, so that moves are known before the
// properties that show them. It never keeps the session from going on.
func (s *session) catchUp(ctx context.Context) {
	if s.cfg.Events == 0 || s.link.ServiceContent.EventManager == nil {
		return
	}
	from := s.tail.at
	if reported := s.inv.Source(s.id).Reported; from.IsZero() && reported != 0 {
		from = reported.Time().Add(s.link.offset)
	}
	if oldest := s.now().Add(s.link.offset - maxLookBack); from.Before(oldest) {
		from = oldest
	}
	from = from.Add(-overlap)
	asking, cancel := s.ask(ctx)
	res, err := methods.CreateCollectorForEvents(asking, s.link, &types.CreateCollectorForEvents{
		This: *s.link.ServiceContent.EventManager, Filter: types.EventFilterSpec{
			Time: &types.EventFilterSpecByTime{BeginTime: &from}, EventTypeId: followed, DisableFullMessage: new(true),
		},
	})
	cancel()
	const what = "EventManager"
	if err != nil {
		s.missing(what, "System.View at the root", "who changed a policy, and when a VM moved while we were away", faultName(err))
		return
	}
	s.granted(what)
	s.log = res.Returnval
	end := s.now().Add(maxCatchUpTime)
	for range maxCatchUp {
		more, err := s.readEvents(ctx)
		if err != nil || !more || s.now().After(end) {
			return
		}
	}
}

// closeLog frees the collector of the event log.
func (s *session) closeLog() {
	if s.log.Value != "" {
		s.destroy(func(ctx context.Context) error {
			_, err := methods.DestroyCollector(ctx, s.link, &types.DestroyCollector{This: s.log})
			return err
		})
	}
}

// faultName is the type of the fault behind an error, or its text.
func faultName(err error) string {
	name := ""
	fault.In(err, func(f types.BaseMethodFault, _ string, _ []types.LocalizableMessage) bool {
		name = fmt.Sprintf("%T", f)
		name = name[strings.LastIndexByte(name, '.')+1:]
		return true
	})
	return cmp.Or(name, err.Error())
}

// readEvents reads one page. more: there may be another.
func (s *session) readEvents(ctx context.Context) (more bool, err error) {
	ctx, cancel := s.ask(ctx)
	defer cancel()
	res, err := methods.ReadNextEvents(ctx, s.link, &types.ReadNextEvents{This: s.log, MaxCount: eventPage})
	if err != nil {
		return false, err
	}
	for _, e := range res.Returnval {
		if e == nil { // of a type that govmomi does not know
			continue
		}
		if b := e.GetEvent(); b != nil && s.tail.fresh(b) {
			s.stats.Events.Add(1)
			s.event(e, b)
		}
	}
	return len(res.Returnval) >= eventPage, nil
}

// event takes in one event.
func (s *session) event(e types.BaseEvent, b *types.Event) {
	act := inventory.Act{When: inventory.StampOf(s.link.ours(b.CreatedTime)), User: b.UserName, Event: eventName(e)}
	dvs := ""
	if b.Dvs != nil {
		dvs = b.Dvs.Dvs.Value
	}
	switch e := e.(type) {
	case types.BaseDVPortgroupEvent:
		if b.Net != nil {
			act.Object = s.ref(b.Net.Network.Value)
			s.stats.Deeds[DeedPolicy].Add(1)
			s.inv.Acted(act)
			s.wish(portWish{portgroup: b.Net.Network.Value})
		}
	case *types.DvsReconfiguredEvent:
		s.stats.Deeds[DeedPolicy].Add(1)
		s.switchActed(act, dvs)
	case *types.DvsPortReconfiguredEvent:
		s.stats.Deeds[DeedPolicy].Add(1)
		for _, key := range e.PortKey {
			act.Object, act.Port = s.ref(dvs), key
			s.inv.Acted(act)
			s.wish(portWish{sw: dvs, key: key})
		}
	case *types.DvsPortBlockedEvent:
		s.stats.Deeds[DeedBlocked].Add(1)
		s.wish(portWish{sw: dvs, key: e.PortKey})
	case *types.DvsPortUnblockedEvent:
		s.stats.Deeds[DeedBlocked].Add(1)
		s.wish(portWish{sw: dvs, key: e.PortKey})
	case *types.DvsHostWentOutOfSyncEvent:
		s.outOfSync(b, e.HostOutOfSync.OutOfSyncHost.Name, true)
	case *types.OutOfSyncDvsHost:
		for i := range e.HostOutOfSync {
			s.outOfSync(b, e.HostOutOfSync[i].OutOfSyncHost.Name, true)
		}
	case *types.DvsHostBackInSyncEvent:
		s.outOfSync(b, e.HostBackInSync.Name, false)
	case *types.VmMigratedEvent, *types.DrsVmMigratedEvent, *types.VmRelocatedEvent:
		s.stats.Deeds[DeedMove].Add(1)
		s.noteMove(b, act.When)
	case *types.TaskEvent:
		s.taskDone(e, act)
	case types.BaseSessionEvent:
		s.stats.Deeds[DeedLogin].Add(1)
	default:
		s.stats.Deeds[DeedPower].Add(1)
	}
}

// eventName is the type of an event as vSphere names it.
func eventName(e types.BaseEvent) string {
	name := fmt.Sprintf("%T", e)
	return name[strings.LastIndexByte(name, '.')+1:]
}

// switchActed notes who changed a switch: what its portgroups inherit changes with it.
func (s *session) switchActed(act inventory.Act, dvs string) {
	if dvs == "" {
		return
	}
	act.Object = s.ref(dvs)
	s.inv.Acted(act)
	for _, pg := range s.inv.Portgroups() {
		if pg.Ref.VC == s.vc && pg.Switch == dvs {
			act.Object = pg.Ref
			s.inv.Acted(act)
		}
	}
}

// taskDone notes who changed a host's network: standard switches have no event of their own.
func (s *session) taskDone(e *types.TaskEvent, act inventory.Act) {
	if !strings.HasPrefix(strings.ToLower(e.Info.DescriptionId), "host.networksystem.") {
		return
	}
	s.stats.Deeds[DeedPolicy].Add(1)
	act.Event = "TaskEvent " + e.Info.DescriptionId
	switch {
	case e.Host != nil:
		act.Object = s.ref(e.Host.Host.Value)
	case e.Info.Entity != nil:
		act.Object = s.ref(e.Info.Entity.Value)
	}
	s.inv.Acted(act)
}

// noteMove keeps when a VM came to its host until the property says that it did.
func (s *session) noteMove(b *types.Event, at inventory.Stamp) {
	if b.Vm == nil || b.Host == nil {
		return
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if len(s.moves) >= maxMoves {
		clear(s.moves)
	}
	if m := s.moves[b.Vm.Vm.Value]; at > m.at {
		s.moves[b.Vm.Vm.Value] = move{b.Host.Host.Value, at}
	}
}

// outOfSync notes that a host does not have the settings of a switch that vCenter believes it has: what vCenter says of
// policy there is not what the host does.
func (s *session) outOfSync(b *types.Event, host string, out bool) {
	s.stats.Deeds[DeedSync].Add(1)
	name := host
	if b.Dvs != nil && b.Dvs.Name != "" {
		name += " with " + b.Dvs.Name
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apart == nil {
		s.apart = map[string]time.Time{}
	}
	switch {
	case !out:
		delete(s.apart, name)
	case len(s.apart) < 1000:
		s.apart[name] = b.CreatedTime
	}
}
