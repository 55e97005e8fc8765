package pipeline

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"vswarden/decode"
	"vswarden/event"
	"vswarden/group"
	"vswarden/sink"
	"vswarden/sink/deadletter"
	"vswarden/spool"
)

// Cursor is where a Delivery reads and what it moves: the place of one sink in the log.
type Cursor interface {
	// Next fills ch with the records after those of the call before; io.EOF after the last one.
	Next(ctx context.Context, ch *spool.Chunk) error
	// Commit says that every record up to p is done.
	Commit(p spool.Position) error
	// Committed is the last record that was done when the process started, or since.
	Committed() spool.Position
}

// Enricher adds facts that are in memory already. It must not block; not knowing is not an error.
type Enricher interface{ Enrich(e *event.Event) }

// DeadLetters takes what a sink refuses for good. A nil result means it is kept.
type DeadLetters interface {
	Write(ctx context.Context, letter deadletter.Letter) error
	Sync(ctx context.Context) error
}

// Reasons for a dead letter (label reason of vswarden_events_dead_total).
const (
	DeadPermanent = "permanent" // the sink will never accept it
	DeadPanic     = "panic"     // we have a bug: decode or encode panicked on it
	DeadRecord    = "record"    // the log gave bytes that are no record of ours
)

// Reasons for a skipped record (label reason of vswarden_events_skipped_total).
const (
	SkipDamaged = "damaged"      // the log lost it: bit rot, a torn disk
	SkipNewest  = "start_newest" // older than a new sink with start: newest
)

// Format is the shape in which a sink gets its events.
type Format string

// The formats.
const (
	FormatECS Format = "ecs" // one JSON object, Elastic Common Schema
	FormatRaw Format = "raw" // the frame as it came; in lines, LF, CR and NUL become #012, #015, #000
)

// DeliveryConfig is all that one Delivery needs.
type DeliveryConfig struct {
	Name      string // of the sink
	Cursor    Cursor
	Sink      sink.Sink
	Dead      DeadLetters
	Enrich    Enricher      // nil joins nothing
	Waiter    Waiter        // nil waits for nothing
	Wait      time.Duration // how long at most, for lines of the virtual switch
	Filter    *sink.Filter  // nil passes all
	Format    Format
	Frames    bool // records tell the sink how they came (sink.Record.Frame)
	Detail    event.Detail
	Original  event.Original
	Plain     bool                       // passwords on command lines are written as they are
	Tags      event.Tags                 // marks that every event gets: TagReplay
	FileHost  string                     // whose the lines of files are that name no host
	Listeners map[uint16]*decode.Options // by Frame.Listener
	Lanes     int                        // events of one sender share a lane; 0 = 1
	// ChunkBytes is about how much of the log goes to the lanes at once; 0 is 64 KiB. A sink that has to wait for an
	// answer to each batch wants more of it.
	ChunkBytes int
	Group      group.Options // the zero value groups nothing
	Lookback   time.Duration // of records that are done, read again at the start for their neighbours' sake
	Clock      Clock         // nil: the last group of a sender ends with a later record, or with the log
	Final      bool          // nothing follows the end of the log: what is held then goes out
	Unordered  bool          // stamps of one sender may lie behind those of another that came before: a topic
	Reception  Reception     // goes first while it is behind; nil: nothing does
	Log        zerolog.Logger
}

// Bounds of a Delivery. A chunk holds up to about DeliveryConfig.ChunkBytes of the log.
const (
	chunksInFlight = 8                      // chunks read and not yet done: what lies above the low mark
	commitInterval = 200 * time.Millisecond // how often the sink is synced and the cursor moved
	retryFirst     = 100 * time.Millisecond
	retryMost      = 30 * time.Second
)

// Delivery takes records from one cursor to one sink: decode, filter, encode, write, and move the
// cursor over what is done. It runs in lanes: a lane is the hash of the sender key, with one batch
// in flight, so that one sender's events keep their order.
type Delivery struct {
	cfg   DeliveryConfig
	lanes []*lane
	seed  maphash.Seed
	Stats DeliveryStats

	free chan *chunk // chunks that may be filled
	mu   sync.Mutex  // guards flight and mark
	// flight holds the chunks read and not yet done, oldest first.
	flight []*chunk
	mark   spool.Position // every record up to here is done, or held by a stage

	from    spool.Position // done when this process began
	given   atomic.Uint64  // place of the newest record that the lanes were given
	logTime atomic.Int64   // its stamp
	undone  atomic.Int64   // records that the lanes were given and have not done, those that are held too
	ended   atomic.Bool    // the log ended: nothing follows
	looked  time.Time      // when tick looked for silent senders; of the goroutine that ticks

	watch *Detection // follows it; nil: none

	buried buried

	filter  atomic.Pointer[sink.Filter]   // nil passes all
	failing [steps]atomic.Pointer[string] // the last error of each step, nil while it works
}

// step is what a sink does that may fail by itself: one that takes events may fail to sync them.
type step uint8

const (
	writing step = iota
	syncing
	steps
)

// chunk is a piece of the log on its way through the lanes.
type chunk struct {
	spool.Chunk
	records []Record
	lanes   []int32 // lane of each record
	sights  []sight // what the detections are told of each record, where they follow
	pending atomic.Int32
	last    spool.Position
}

// NewDelivery makes a Delivery; Run does its work.
func NewDelivery(cfg DeliveryConfig) *Delivery {
	cfg.Lanes = min(max(cfg.Lanes, 1), maxLanes)
	if cfg.Format == FormatRaw {
		cfg.Group.Wait = 0 // each frame as it came
	}
	d := &Delivery{
		cfg:  cfg,
		seed: maphash.MakeSeed(),
		free: make(chan *chunk, chunksInFlight),
		mark: cfg.Cursor.Committed(),
		from: cfg.Cursor.Committed(),
	}
	d.cfg.Group.Done = uint64(d.from)
	d.given.Store(uint64(d.from))
	d.filter.Store(cfg.Filter)
	for range chunksInFlight {
		c := &chunk{}
		c.Size = cfg.ChunkBytes
		d.free <- c
	}
	for i := range cfg.Lanes {
		d.lanes = append(d.lanes, newLane(d, int32(i)))
	}
	return d
}

// Run delivers until the log is closed for writing and all of it is done, or until ctx ends; what
// is not done then stays in the log. It returns an error only when it cannot go on at all: the log
// cannot be read or the cursor cannot be moved.
func (d *Delivery) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var lanes, commits sync.WaitGroup
	for _, l := range d.lanes {
		lanes.Go(func() { l.run(ctx) })
	}
	stop := make(chan struct{})
	var commitErr error
	commits.Go(func() {
		if commitErr = d.commitLoop(ctx, stop); commitErr != nil {
			cancel()
		}
	})

	var ticks sync.WaitGroup
	endTicks := make(chan struct{})
	ticks.Go(func() { d.tickLoop(endTicks) })

	err := d.rewind()
	if err == nil {
		err = d.read(ctx)
	}
	if err != nil {
		cancel() // what is in the lanes may wait for a sink that is down
	} else {
		d.settle(ctx)
	}
	close(endTicks)
	ticks.Wait()
	for _, l := range d.lanes {
		close(l.work)
	}
	lanes.Wait()
	close(stop)
	commits.Wait()
	d.mention(true)
	if err = errors.Join(err, commitErr); err != nil {
		return err
	}
	// What the sink has must not be forgotten because time is up, so this last step has its own.
	last, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer done()
	return d.commit(last)
}

// rewind goes back over what is done, for the stage to know the neighbours of what is not.
func (d *Delivery) rewind() error {
	r, ok := d.cfg.Cursor.(Rewinder)
	if !ok || d.cfg.Lookback <= 0 {
		return nil
	}
	if err := r.Rewind(d.cfg.Lookback); err != nil {
		return fmt.Errorf("sink %s: read the log again: %w", d.cfg.Name, err)
	}
	return nil
}

// read hands the log to the lanes, chunk by chunk.
func (d *Delivery) read(ctx context.Context) error {
	for {
		var c *chunk
		select {
		case c = <-d.free:
		case <-ctx.Done():
			return nil
		}
		switch err := d.cfg.Cursor.Next(ctx, &c.Chunk); {
		case errors.Is(err, io.EOF), err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("sink %s: read the log: %w", d.cfg.Name, err)
		}
		d.dispatch(c)
	}
}

// decode makes the records of c, whose bytes it counts, and says whose lane each is of and which lanes are used.
func (d *Delivery) decode(c *chunk, used *[maxLanes]bool) (size int) {
	lane, before := int32(0), &Record{}
	for i, b := range c.Records {
		r := &c.records[i]
		if r.decode(b) != nil {
			*r = Record{Kind: kindBroken, Data: b}
		}
		if r.follows = r.sameSender(before); !r.follows { // the frames of one read stand together
			lane = d.laneOf(r)
			used[lane] = true
		}
		c.lanes[i], before = lane, r
		size += len(b)
	}
	return size
}

// dispatch gives each lane its records of c.
func (d *Delivery) dispatch(c *chunk) {
	if c.Skipped > 0 && c.First > d.from { // what lies before was counted when it was found
		n := c.Skipped
		if d.from > 0 {
			n = min(n, uint64(c.First-d.from-1))
		}
		d.Stats.skippedDamaged.Add(n)
	}
	n := len(c.Records)
	c.last = c.First + spool.Position(n) - 1
	c.records, c.lanes = grow(c.records, n), grow(c.lanes, n)
	if d.watch != nil {
		c.sights = grow(c.sights, n)
	}
	var used [maxLanes]bool
	size, lanes := d.decode(c, &used), int32(0)
	for _, u := range used {
		if u {
			lanes++
		}
	}
	past := n > 0 && c.records[0].Past // then all are
	if c.last > d.from && !past {
		d.Stats.BytesIn.Add(uint64(size))
		d.undone.Add(int64(min(uint64(n), uint64(c.last-d.from))))
	}
	c.pending.Store(lanes)
	d.mu.Lock()
	d.flight = append(d.flight, c)
	d.mu.Unlock()
	newest := d.logTime.Load()
	if n > 0 {
		newest = max(newest, c.records[n-1].Received)
	}
	last := c.last
	if lanes == 0 {
		d.done(c)
	}
	for i, l := range d.lanes {
		if used[i] {
			l.work <- job{c: c} // never blocks: room for all chunks in flight
		}
	}
	d.logTime.Store(newest) // after the lanes have it: a tick never overtakes a record
	d.given.Store(max(d.given.Load(), uint64(last)))
}

// done is called when no lane has work left in c; chunks are done in any order, the mark moves
// over the oldest ones only.
func (d *Delivery) done(c *chunk) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c.pending.Store(-1)
	n := 0
	for n < len(d.flight) && d.flight[n].pending.Load() == -1 {
		head := d.flight[n]
		d.mark = max(d.mark, head.last)
		if d.watch != nil {
			d.watch.follow(head)
		}
		d.free <- head // never blocks: room for all chunks
		n++
	}
	d.flight = d.flight[:copy(d.flight, d.flight[n:])]
}

// commitLoop moves the cursor from time to time until stop is closed or the cursor cannot be moved.
func (d *Delivery) commitLoop(ctx context.Context, stop <-chan struct{}) error {
	t := time.NewTicker(commitInterval)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return nil
		case <-t.C:
		}
		d.mention(false)
		if err := d.commit(ctx); err != nil {
			return err
		}
	}
}

// commit makes what was written durable and moves the cursor over it. A sink that cannot sync
// keeps its cursor where it is: that is its trouble to be cured, not an error of ours. But what a
// failed sync may have lost cannot be known or cured here (sink.ErrUnsynced): only a restart, which
// delivers it again, is safe.
func (d *Delivery) commit(ctx context.Context) error {
	mark := d.settled()
	if mark <= d.cfg.Cursor.Committed() {
		d.works(syncing)
		return nil
	}
	err := d.cfg.Dead.Sync(ctx)
	if err != nil {
		err = fmt.Errorf("dead letters: %w", err)
	} else if s, ok := d.cfg.Sink.(sink.Syncer); ok {
		err = s.Sync(ctx)
	}
	switch {
	case errors.Is(err, sink.ErrUnsynced):
		return fmt.Errorf("sink %s: %w", d.cfg.Name, err)
	case err != nil:
		if ctx.Err() == nil {
			d.fail(syncing, fmt.Errorf("sync: %w", err))
		}
		return nil
	}
	d.works(syncing)
	if err := d.cfg.Cursor.Commit(mark); err != nil {
		return fmt.Errorf("sink %s: move the cursor: %w", d.cfg.Name, err)
	}
	return nil
}

// SetClock gives a Delivery that does not run yet its clock: the intake of its log.
func (d *Delivery) SetClock(c Clock) { d.cfg.Clock = c }

// SetFilter replaces the filter; batches under way end with the old one.
func (d *Delivery) SetFilter(f *sink.Filter) { d.filter.Store(f) }

// Undone returns how many records the lanes were given and have not done: they hold them, or the sink
// has not taken them; and the place of the newest record that they were given.
func (d *Delivery) Undone() (n uint64, given spool.Position) {
	return uint64(max(d.undone.Load(), 0)), spool.Position(d.given.Load())
}

// Failing returns the sink's last error while it does not work, else "".
func (d *Delivery) Failing() string {
	for i := range d.failing {
		if p := d.failing[i].Load(); p != nil {
			return *p
		}
	}
	return ""
}

// fail notes that the sink does not work and logs it when that is news.
func (d *Delivery) fail(s step, err error) {
	text := err.Error()
	if old := d.failing[s].Swap(&text); old == nil || *old != text {
		d.cfg.Log.Error().Str("sink", d.cfg.Name).Err(err).Msg("sink does not take events; they wait in the log and are tried again")
	}
}

// works notes that a step succeeded.
func (d *Delivery) works(s step) {
	if d.failing[s].Load() != nil && d.failing[s].Swap(nil) != nil {
		d.cfg.Log.Info().Str("sink", d.cfg.Name).Msg("sink takes events again")
	}
}

// grow returns s with length n, its old elements to be overwritten.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}
