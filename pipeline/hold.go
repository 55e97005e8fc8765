package pipeline

import (
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"vswarden/group"
	"vswarden/retry"
	"vswarden/spool"
)

// tickInterval is how often the lanes are told how far the log's time is, while they hold something.
const tickInterval = 100 * time.Millisecond

// quietTime is how long a sender must be silent, by this machine's clock, where the records have no
// order in time that could tell.
const quietTime = 2 * time.Second

// Clock is the time of the log's end, for groups whose sender is silent.
type Clock interface {
	// Now returns a time that no record will be older than which is not in the log yet, and the
	// place of the newest one that is.
	Now() (now int64, newest spool.Position)
}

// Rewinder is a Cursor that can go back to records that are done.
type Rewinder interface {
	// Rewind lets Next begin at records whose stamps are at least that much older than the last one
	// that is done, or as far back as there are any. It is called before Next.
	Rewind(by time.Duration) error
}

// job is a piece of work for a lane: its records of a chunk, or only the log's time.
type job struct {
	c   *chunk
	now int64 // Unix nanoseconds; of no chunk
	// quiet ends, instead, what is held of senders of which nothing came since the job of this kind before.
	quiet bool
}

// holds is what the mark may not pass: lines that a lane's stage holds, and what lies between the
// first and the last line of a group that is done, so that no group is read in half after a restart.
type holds struct {
	ticking atomic.Bool // a job without a chunk is under way

	mu    sync.Mutex
	low   spool.Position // lowest place held; 0 = nothing
	spans []span
	fresh []span // of the batch under way; the lane's own
}

// span is a group of lines that is done.
type span struct{ first, last spool.Position }

// passed notes a group that goes out with the batch under way.
func (h *holds) passed(it *group.Item) {
	if it.Last > it.Pos {
		h.fresh = append(h.fresh, span{spool.Position(it.Pos), spool.Position(it.Last)})
	}
}

// hold notes what the stage holds after a batch is done.
func (l *lane) hold() {
	pos, held := l.stage.Held()
	l.stage.Keep()
	h := &l.holds
	h.mu.Lock()
	defer h.mu.Unlock()
	h.low = 0
	if held {
		h.low = spool.Position(pos)
	}
	h.spans = append(h.spans, h.fresh...)
	h.fresh = h.fresh[:0]
}

// below returns the highest place up to mark that cuts nothing; done is where the cursor stands.
func (h *holds) below(mark, done spool.Position) spool.Position {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.low > 0 && h.low <= mark {
		mark = h.low - 1
	}
	kept := h.spans[:0]
	for _, s := range h.spans {
		if s.last > done {
			kept = append(kept, s)
		}
	}
	h.spans = kept
	for again := true; again; {
		again = false
		for _, s := range slices.Backward(h.spans) { // about in order: one pass sees most chains to their end
			if s.first <= mark && mark < s.last {
				mark, again = s.first-1, true
			}
		}
	}
	return mark
}

// holding reports whether the lane's stage holds anything.
func (h *holds) holding() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.low > 0
}

// settled is the place up to which all is done and nothing is held.
func (d *Delivery) settled() spool.Position {
	d.mu.Lock()
	mark := d.mark
	d.mu.Unlock()
	done := d.cfg.Cursor.Committed()
	for again := true; again; {
		again = false
		for _, l := range d.lanes {
			if m := l.holds.below(mark, done); m < mark {
				mark, again = m, true
			}
		}
	}
	return mark
}

// tickLoop tells the lanes the time while they hold something, until stop is closed.
func (d *Delivery) tickLoop(stop <-chan struct{}) {
	t := time.NewTicker(tickInterval)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
			d.tick()
		}
	}
}

// tick tells the time to the lanes that hold something: that of the newest record they were given,
// or, when that is the newest there is, the clock's.
func (d *Delivery) tick() {
	if d.cfg.Unordered && !d.ended.Load() {
		if t := time.Now(); t.Sub(d.looked) > quietTime {
			d.looked = t
			d.tell(job{quiet: true})
		}
		return
	}
	now := d.logTime.Load()
	if d.cfg.Clock != nil {
		if t, newest := d.cfg.Clock.Now(); newest <= spool.Position(d.given.Load()) {
			now = t
		}
	} else if d.ended.Load() {
		now = math.MaxInt64
	}
	d.tell(job{now: now})
}

// tell gives a job without a chunk to the lanes that hold something.
func (d *Delivery) tell(j job) {
	for _, l := range d.lanes {
		if l.holds.holding() && l.holds.ticking.CompareAndSwap(false, true) {
			l.work <- j // never blocks: room for one beside all chunks
		}
	}
}

// settle waits, at the end of the log, until the lanes hold nothing more or ctx ends. What is held
// then stays in the log.
func (d *Delivery) settle(ctx context.Context) {
	if d.cfg.Unordered && !d.cfg.Final {
		return // what is held is whoever's has the topic next
	}
	d.ended.Store(true)
	for {
		d.mu.Lock()
		busy := len(d.flight) > 0
		d.mu.Unlock()
		for _, l := range d.lanes {
			busy = busy || l.holds.holding()
		}
		if !busy || !retry.Sleep(ctx, tickInterval/10) {
			return
		}
		d.tick()
	}
}
