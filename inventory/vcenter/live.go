package vcenter

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
	"vswarden/inventory/vcenter/access"
)

// Live asks hosts for ports that nothing else knows: those of distributed switches, whose ids vCenter does not show.
// Questions are joined, bounded per host and per vCenter, and not put to whom they only annoy. What a host answers
// goes to the inventory, for this line if it can wait and for later ones.
type Live struct {
	f     *Feeder
	id    inventory.SourceID
	stats LiveStats
	work  chan question

	mu       sync.Mutex
	hosts    map[string]*liveHost // by moid
	all      bucket
	breaker  breaker // of the vCenter
	inFlight int
}

// LiveStats counts questions. All are since start.
type LiveStats struct {
	Asked, Answered, Unknown, Failed atomic.Uint64
	Joined                           atomic.Uint64 // questions that another one already asked
	Limited, Broken, Remembered      atomic.Uint64 // not asked: too many, too many failures, known to be unknown
}

// liveHost is what is kept of one host. Live.mu guards it.
type liveHost struct {
	bucket  bucket
	breaker breaker
	flights map[string]struct{}  // names that are being asked for
	unknown map[uint32]time.Time // ports that the host did not know, until then
}

// question is one port of one host.
type question struct {
	host, name string
	port       uint32
}

// maxUnknown bounds the ports remembered of one host.
const maxUnknown = 1024

// newLive returns what asks the hosts of a feeder's server, or nil where that is off.
func newLive(f *Feeder) (*Live, error) {
	if f.cfg.Live.Method != access.LiveESXCLI && f.cfg.Live.Method != access.LiveEsxtop {
		return nil, nil
	}
	id, err := f.inv.AddSource(f.name+" "+f.cfg.Live.Method, inventory.SourceLive, f.vc)
	if err != nil {
		return nil, err
	}
	return &Live{
		f: f, id: id, hosts: map[string]*liveHost{}, all: newBucket(f.cfg.Live.PerVCenter, f.now()),
		work: make(chan question, f.cfg.Live.InFlight),
	}, nil
}

// Stats returns the counters.
func (l *Live) Stats() *LiveStats { return &l.stats }

// Serves reports whether a host is of this server.
func (l *Live) Serves(host inventory.Ref) bool { return host.VC == l.f.vc }

// Ask reports whether an answer about a port may still come. Where nobody has asked it asks, if the bounds let it; it
// never waits. name is the VM's, where the line says it.
func (l *Live) Ask(host inventory.Ref, port uint32, name string) bool {
	if !l.Serves(host) || port == 0 || port>>31 != 0 { // uplinks are nobody's
		return false
	}
	now := l.f.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.hosts[host.ID]
	if h == nil {
		h = &liveHost{bucket: newBucket(l.f.cfg.Live.PerHost, now), flights: map[string]struct{}{}, unknown: map[uint32]time.Time{}}
		l.hosts[host.ID] = h
	}
	if until, ok := h.unknown[port]; ok {
		if now.Before(until) {
			l.stats.Remembered.Add(1)
			return false
		}
		delete(h.unknown, port)
	}
	if _, ok := h.flights[name]; ok {
		l.stats.Joined.Add(1)
		return true
	}
	switch {
	case l.breaker.open(now) || h.breaker.open(now):
		l.stats.Broken.Add(1)
		return false
	case l.inFlight >= l.f.cfg.Live.InFlight || !h.bucket.take(now):
		l.stats.Limited.Add(1)
		return false
	case !l.all.take(now):
		h.bucket.giveBack()
		l.stats.Limited.Add(1)
		return false
	}
	l.stats.Asked.Add(1)
	l.inFlight++
	h.flights[name] = struct{}{}
	l.work <- question{host.ID, name, port} // there is room for as many as may be in flight
	return true
}

// run asks until ctx ends.
func (l *Live) run(ctx context.Context) {
	var workers sync.WaitGroup
	for range l.f.cfg.Live.InFlight {
		workers.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case q := <-l.work:
					err := l.answer(ctx, q)
					l.done(q, err)
				}
			}
		})
	}
	workers.Wait()
}

var errAway = errors.New("there is no session with the server")

// answer puts one question to its host and tells the inventory.
func (l *Live) answer(ctx context.Context, q question) (err error) {
	defer func() {
		if r := recover(); r != nil {
			l.f.stats.Panics.Add(1)
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	link := l.f.current()
	if link == nil {
		return errAway
	}
	ctx, cancel := context.WithTimeout(ctx, l.f.cfg.Live.Timeout)
	defer cancel()
	var rows []inventory.Row
	if l.f.cfg.Live.Method == access.LiveEsxtop {
		h := l.f.inv.HostTable(inventory.Ref{VC: l.f.vc, ID: q.host})
		if h == nil {
			return errNoService
		}
		rows, err = l.askEsxtop(ctx, link, h.Facts().Name)
	} else {
		rows, err = l.askESXCLI(ctx, link, q.host, q.name)
	}
	if err != nil && len(rows) == 0 {
		return err
	}
	u := inventory.Update{Source: l.id, At: inventory.StampOf(l.f.now()), Tables: []inventory.PortTable{{Host: l.f.ref(q.host), Rows: rows}}}
	if applied := l.f.inv.Apply(&u); applied != nil {
		return applied
	}
	if noted := l.worlds(q.host, rows); noted != nil {
		return noted
	}
	found := false
	for i := range rows {
		found = found || rows[i].Port == q.port
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if found {
		l.stats.Answered.Add(1)
		return nil
	}
	l.stats.Unknown.Add(1)
	if h := l.hosts[q.host]; h != nil {
		if len(h.unknown) >= maxUnknown {
			clear(h.unknown)
		}
		h.unknown[q.port] = l.f.now().Add(l.f.cfg.Live.Remember)
	}
	return nil
}

// worlds notes the world of each VM, which only its host knows.
func (l *Live) worlds(host string, rows []inventory.Row) error {
	h := l.f.inv.HostTable(l.f.ref(host))
	if h == nil {
		return nil
	}
	l.f.writing.Lock()
	defer l.f.writing.Unlock()
	b := l.f.newBatch()
	for i := range rows {
		r := &rows[i]
		if r.World == 0 || r.Kind != inventory.KindVM {
			continue
		}
		found := h.Lookup(&inventory.Query{Port: r.Port, From: b.u.At, At: b.u.At, To: b.u.At, Now: b.u.At}, nil)
		if len(found) != 1 || found[0].VM == nil || found[0].VM.Gone() != 0 || found[0].VM.World == r.World {
			continue
		}
		b.vmOf(found[0].VM.Ref.ID).World = r.World
	}
	if b.empty() {
		return nil
	}
	return l.f.inv.Apply(&b.u)
}

// done notes how a question went.
func (l *Live) done(q question, err error) {
	l.permitted(err)
	now := l.f.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	h := l.hosts[q.host]
	delete(h.flights, q.name)
	if err != nil {
		l.stats.Failed.Add(1)
	}
	switch {
	case err == nil:
		h.breaker.note(true, now)
		l.breaker.note(true, now)
	case fault.Is(err, &types.NoPermission{}):
		l.breaker.trip(now)
	case errors.Is(err, errAway):
		l.breaker.note(false, now)
	default:
		h.breaker.note(false, now)
		if h.breaker.failures == breakAfter { // one host is its own trouble, several are the server's
			l.breaker.note(false, now)
		}
	}
}

// permitted names the right that is missing, or forgets that it was.
func (l *Live) permitted(err error) {
	what, privilege := "esxcli network vm list", "Host.Config.Settings on the hosts"
	if l.f.cfg.Live.Method == access.LiveEsxtop {
		what, privilege = "Esxtop service", "Global.ServiceManagers"
	}
	switch {
	case err == nil:
		l.f.granted(what)
	case fault.Is(err, &types.NoPermission{}):
		l.f.missing(what, privilege, liveLost, "NoPermission")
	}
}

// changed forgets which ports of a host were unknown: something there is new.
func (l *Live) changed(host string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.hosts[host]; h != nil {
		clear(h.unknown)
	}
}
