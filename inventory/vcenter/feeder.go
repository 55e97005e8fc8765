package vcenter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"vswarden/inventory"
	"vswarden/inventory/vcenter/access"
)

// Feeder keeps an inventory abreast of one server.
type Feeder struct {
	cfg   access.Config
	inv   *inventory.Inventory
	id    inventory.SourceID
	vc    uint16
	name  string
	now   func() time.Time
	live  *Live // nil: hosts are not asked
	stats Stats

	writing   sync.Mutex      // one change of an object at a time: taken from the inventory, changed, handed back
	tree      tree            // guarded by writing
	told      told            // guarded by writing
	portsTold map[string]bool // guarded by writing: switches whose ports were read
	moves     map[string]move // guarded by writing: who came where, not seen in a property yet
	refused   [classCount]int // full reads in a row that missed most of a class; of the property loop alone
	spare     *link           // a session whose line was cut; of Run alone
	tail      tail            // where the event log was read to; of the event tail alone

	mu     sync.Mutex
	status Status
	rights rights
	apart  map[string]time.Time // hosts that do not have a switch's settings, and since when
	link   *link                // of the session in use; nil = none
}

// Stats counts what a feeder did and what went wrong. All are since start.
type Stats struct {
	Sessions, Syncs, Answers, Objects, Pages       atomic.Uint64
	Retries, Restarts, Failures, Panics            atomic.Uint64
	SweepsRefused, LeavesRefused, NilDevices       atomic.Uint64
	Events, EventFailures, PortReads, PortFailures atomic.Uint64
	Deeds                                          [deedCount]atomic.Uint64
}

// Deed is a kind of what the event log tells.
type Deed uint8

// The kinds of deeds.
const (
	DeedPolicy  Deed = iota // a switch, portgroup or port was changed
	DeedBlocked             // a port was blocked or let go
	DeedSync                // a host lost or regained the settings of its switch
	DeedMove                // a VM came to another host
	DeedPower
	DeedLogin
	deedCount
)

// Deeds returns all kinds.
func Deeds() []Deed { return []Deed{DeedPolicy, DeedBlocked, DeedSync, DeedMove, DeedPower, DeedLogin} }

// String returns the kind as a word.
func (d Deed) String() string {
	return [...]string{"policy", "blocked", "sync", "move", "power", "login"}[d%deedCount]
}

// State is how a feeder stands.
type State uint8

// The states.
const (
	Connecting State = iota // it has not reported yet
	Syncing                 // everything is being read
	Following               // changes are pushed
	Stale                   // it was following; what it told stays, with its age
	Refused                 // the server does not accept user name or password
)

// String returns the state as a word.
func (s State) String() string {
	return [...]string{"connecting", "syncing", "following", "stale", "refused"}[s%5]
}

// Status is how a feeder stands, for people.
type Status struct {
	Name    string
	State   State
	Since   time.Time // when it came into that state
	Error   string    // why it is not following
	Server  string    // name and version of the server
	Kept    string    // what was not taken out although it was no longer shown, and why
	Apart   []string  // hosts that do not have the settings of a distributed switch, by the event log
	Missing []Right   // what the user may not do
}

// New returns a feeder for one server. It makes the server and the source known to the inventory and connects
// to nothing. now is the clock; nil is the machine's.
func New(inv *inventory.Inventory, cfg access.Config, now func() time.Time) (*Feeder, error) {
	if now == nil {
		now = time.Now
	}
	f := &Feeder{cfg: cfg, inv: inv, name: cfg.Label(), now: now}
	f.vc = inv.AddVCenter(inventory.VCenter{Name: f.name})
	var err error
	if f.id, err = inv.AddSource(f.name, inventory.SourcePushed, f.vc); err != nil {
		return nil, err
	}
	f.tree.reset()
	f.moves, f.portsTold = map[string]move{}, map[string]bool{}
	f.status = Status{Name: f.name, State: Connecting, Since: now()}
	if f.live, err = newLive(f); err != nil {
		return nil, err
	}
	return f, nil
}

// Name returns the server's name.
func (f *Feeder) Name() string { return f.name }

// Source returns the feeder's source in the inventory.
func (f *Feeder) Source() inventory.SourceID { return f.id }

// Live returns what asks the server's hosts, or nil where that is off.
func (f *Feeder) Live() *Live { return f.live }

// Stats returns the counters.
func (f *Feeder) Stats() *Stats { return &f.stats }

// Status returns how the feeder stands.
func (f *Feeder) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.status
	s.Missing = f.rights.list()
	s.Apart = slices.Sorted(maps.Keys(f.apart))
	return s
}

const (
	firstPause = 250 * time.Millisecond
	maxPause   = 30 * time.Second
	// refusedPause is how long a refused login waits: accounts get locked when a wrong password is tried too often.
	refusedPause = 5 * time.Minute
)

// Run follows the server until ctx ends, however often the server is away. It returns nil.
func (f *Feeder) Run(ctx context.Context) error {
	if f.live != nil {
		var live sync.WaitGroup
		live.Go(func() { f.live.run(ctx) })
		defer live.Wait()
	}
	pause := firstPause
	for ctx.Err() == nil {
		good, err := f.session(ctx)
		f.inv.Down(f.id)
		if ctx.Err() != nil {
			break
		}
		if good {
			pause = firstPause
		}
		f.fail(err)
		wait := pause
		if errors.Is(err, errLogin) {
			wait = refusedPause
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		pause = min(2*pause, maxPause)
	}
	if f.spare != nil {
		f.spare.close()
	}
	return nil
}

// session connects and follows until something breaks. good tells whether it came as far as following. A panic
// is an error like others: what breaks on one answer must not end the program.
func (f *Feeder) session(ctx context.Context) (good bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			f.stats.Panics.Add(1)
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	s, err := f.open(ctx)
	if err != nil {
		return false, err
	}
	defer func() { s.close(ctx.Err() == nil && !dead(err) && !errors.Is(err, errNotAccepted)) }()

	// What runs beside ends with the session, and before the logout.
	inner, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s.stop = stop
	var beside sync.WaitGroup
	defer beside.Wait()
	defer stop(nil)
	s.spawn(inner, &beside)
	err = s.follow(inner)
	if cause := context.Cause(inner); cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return s.good, err
}

// open connects, logs in and reads the event log up to now.
func (f *Feeder) open(ctx context.Context) (*session, error) {
	l, err := f.connect(ctx)
	if err != nil {
		return nil, err
	}
	f.connected(l)
	s := &session{Feeder: f, link: l, synced: make(chan struct{}), ports: make(chan portWish, 64)}
	s.catchUp(ctx)
	return s, nil
}

// connect goes on with the session whose line was cut, or logs in: servers bound the number of sessions, and one that is
// left behind stays for half an hour.
func (f *Feeder) connect(ctx context.Context) (*link, error) {
	if l := f.spare; l != nil {
		switch known, err := l.alive(ctx); {
		case known:
			f.spare = nil
			return l, nil
		case err == nil:
			l.CloseIdleConnections()
			f.spare = nil
		}
	}
	dialing, cancel := context.WithTimeout(ctx, f.cfg.Timeout)
	defer cancel()
	l, err := dial(dialing, &f.cfg, f.now)
	if err != nil {
		return nil, err
	}
	f.stats.Sessions.Add(1)
	if f.spare != nil {
		f.spare.close()
		f.spare = nil
	}
	return l, nil
}

// close frees what the session has at the server, and keeps it for later or logs out.
func (s *session) close(later bool) {
	s.closeLog()
	s.disconnected()
	if later {
		s.spare = s.link
		return
	}
	s.link.close()
}

// connected notes a fresh session.
func (f *Feeder) connected(l *link) {
	about := &l.ServiceContent.About
	instance, _ := inventory.ParseUUID(about.InstanceUuid) // a host has none
	f.inv.AddVCenter(inventory.VCenter{Name: f.name, Instance: instance, Version: about.Version})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.link = l
	f.status.Server = about.FullName
	if f.status.State == Connecting || f.status.State == Refused {
		f.setState(Syncing)
	}
}

func (f *Feeder) disconnected() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.link = nil
}

// session returns the link in use, or nil.
func (f *Feeder) current() *link {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.link
}

// setState changes the state. The caller holds mu.
func (f *Feeder) setState(s State) {
	if f.status.State != s {
		f.status.State, f.status.Since = s, f.now()
	}
}

// following notes that all is told.
func (f *Feeder) following() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.setState(Following)
	f.status.Error = ""
}

// overdue notes that an answer does not come. What the server told stays; what is asked about later
// moments is no longer settled.
func (f *Feeder) overdue() {
	f.inv.Down(f.id)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.status.State == Following {
		f.setState(Stale)
		f.status.Error = "the server does not answer"
	}
}

// fail notes why a session ended.
func (f *Feeder) fail(err error) {
	f.stats.Failures.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case errors.Is(err, errLogin):
		f.setState(Refused)
	case f.status.State == Following:
		f.setState(Stale)
	case f.status.State != Stale:
		f.setState(Connecting)
	}
	f.status.Error = "the session ended"
	if err != nil {
		f.status.Error = plain(err).Error()
	}
}

// Synced reports whether the server has told all it has since this process began.
func (f *Feeder) Synced() bool { return f.inv.Source(f.id).Synced }

// Trouble says why the server does not tell anything at the moment; empty while it does.
func (f *Feeder) Trouble() string {
	s := f.Status()
	if s.State == Following {
		return ""
	}
	return s.State.String() + " since " + s.Since.UTC().Format(time.RFC3339) + ": " + cmp.Or(s.Error, "everything is being read")
}
