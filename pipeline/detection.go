package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"vswarden/decode"
	"vswarden/detect"
	"vswarden/event"
	"vswarden/retry"
	"vswarden/spool"
)

// DetectionConfig is all that a Detection needs.
type DetectionConfig struct {
	Cursor   SkipCursor
	Clock    Clock
	Detector *detect.Detector
	Emit     func(ctx context.Context, e *event.Event) error // Intake.Emit
	Save     func(detect.Memory) error                       // keeps what the Detector knows
	Full     func() bool                                     // the log takes nothing; nil: that is never so
	Log      zerolog.Logger
}

// SkipCursor is a Cursor that can pass over what its reader knows from elsewhere.
type SkipCursor interface {
	Cursor
	// Skip lets the next Next begin behind p, or where it would, if that is later.
	Skip(p spool.Position)
}

// Detection feeds each record of the log once to a Detector and states what that finds. There is one, however
// many sinks there are: what it finds reaches all of them by the log.
//
// It has a cursor of its own, so that no sink holds it up. But where a Delivery works (SetWatch), its lanes have
// decoded each line already: while lines flow, Detection follows that one and reads nothing by itself.
type Detection struct {
	cfg   DetectionConfig
	rules atomic.Pointer[detect.Config] // to be taken over

	// Of the goroutine of Run.
	ch      spool.Chunk
	record  Record
	event   event.Event
	saved   spool.Position
	at      time.Time // when it was saved
	retry   time.Time // when to try again what could not be stated
	failing atomic.Pointer[string]

	mu      sync.Mutex // guards what is below, and the Detector; held for a chunk, or a copy of what the Detector knows
	line    detect.Line
	senders map[netip.Addr]*watched
	names   map[string]*watched
	near    near[watched] // of senders
	latest  latest[watched]
	given   spool.Position // of the last record that the Detector was fed, or that there was nothing to feed of
	led     time.Time      // when a Delivery told something last
	leader  int64          // receive stamp of the last record that it told, Unix nanoseconds

	stated    atomic.Uint64
	dropped   atomic.Uint64
	panics    atomic.Uint64
	uncounted atomic.Uint64
	before    uint64 // Detector.Uncounted when this process began
}

// watched is what is kept of a sender so that its header need not be read for each line.
type watched struct {
	detect.Sender
	host  string
	lines uint64
}

const (
	detectTick   = time.Second // how often the Detector hears the time while nothing comes, and is saved
	detectWait   = 100 * time.Millisecond
	detectLook   = 100 * time.Millisecond // how often it is looked for something to state, while a Delivery is followed, or to save, while the log is full
	detectLag    = 10 * time.Second       // how far behind the newest line a Delivery is followed
	hostEvery    = 256                    // lines of a sender after which its header is read again
	watchedMost  = 8192
	savedLeisure = 500 // senders from which on the memory is saved every ten seconds only, while there is room in the log
)

// NewDetection makes a Detection; Run does its work.
func NewDetection(cfg DetectionConfig) *Detection {
	return &Detection{
		cfg: cfg, senders: map[netip.Addr]*watched{}, names: map[string]*watched{},
		given: cfg.Cursor.Committed(), saved: cfg.Cursor.Committed(), before: cfg.Detector.Uncounted(),
	}
}

// SetRules replaces the rules.
func (x *Detection) SetRules(c detect.Config) { x.rules.Store(&c) }

// Stated returns how many findings are in the log, and how many were given up because the log had no
// room for them for long.
func (x *Detection) Stated() (stated, dropped uint64) { return x.stated.Load(), x.dropped.Load() }

// PassedOver returns how many lines the rules have not looked at because of a bug of ours, and how many events were not
// counted because there were too many sorts of them in a minute.
func (x *Detection) PassedOver() (panics, uncounted uint64) {
	return x.panics.Load(), x.uncounted.Load()
}

// Failing returns why the memory cannot be saved, or "".
func (x *Detection) Failing() string {
	if p := x.failing.Load(); p != nil {
		return *p
	}
	return ""
}

// Run works until the log is closed for writing and read, or until ctx ends.
func (x *Detection) Run(ctx context.Context) error {
	for {
		if c := x.rules.Swap(nil); c != nil {
			x.mu.Lock()
			x.cfg.Detector.SetConfig(*c)
			x.mu.Unlock()
		}
		var err error
		if x.follows() {
			if !retry.Sleep(ctx, detectLook) {
				err = ctx.Err()
			}
		} else {
			err = x.read(ctx)
		}
		switch {
		case errors.Is(err, io.EOF) || err != nil && ctx.Err() != nil:
			return x.keep()
		case err != nil:
			return fmt.Errorf("detections: read the log: %w", err)
		}
		x.state(ctx)
		x.mu.Lock()
		given, senders := x.given, len(x.senders)+len(x.names)
		x.mu.Unlock()
		if now := time.Now(); given > x.saved && now.Sub(x.at) >= x.pause(senders) {
			x.at = now
			if err := x.keep(); err != nil {
				return err
			}
		}
	}
}

// pause is how long the memory is not saved again: of many senders that is work, but what is not saved holds room in the log,
// for which lines wait where it is full.
func (x *Detection) pause(senders int) time.Duration {
	switch {
	case x.cfg.Full != nil && x.cfg.Full():
		return detectLook
	case senders > savedLeisure:
		return 10 * detectTick
	}
	return detectTick
}

// read feeds the next chunk of the log to the Detector, or the time where there is none for a while.
func (x *Detection) read(ctx context.Context) error {
	x.mu.Lock()
	given := x.given
	x.mu.Unlock()
	x.cfg.Cursor.Skip(given)
	most := detectTick
	if given > x.saved { // the log may fill up with what is not saved, and then nothing comes
		most = detectLook
	}
	wait, cancel := context.WithTimeout(ctx, most)
	err := x.cfg.Cursor.Next(wait, &x.ch)
	cancel()
	if err == nil {
		x.feed()
		return nil
	}
	if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	now, newest := x.cfg.Clock.Now()
	x.mu.Lock()
	defer x.mu.Unlock()
	if newest <= x.given {
		x.cfg.Detector.Tick(now)
	}
	return nil
}

// keep saves what is known and moves the cursor over what that comes from.
func (x *Detection) keep() error {
	x.mu.Lock()
	given, memory := x.given, x.cfg.Detector.Memory()
	x.mu.Unlock()
	x.noteSaved(x.cfg.Save(memory))
	if given == x.saved {
		return nil
	}
	x.saved = given
	if err := x.cfg.Cursor.Commit(given); err != nil {
		return fmt.Errorf("detections: move the cursor: %w", err)
	}
	return nil
}

// noteSaved notes whether the memory could be kept. That it cannot be must not hold the log: then a crash costs what
// was counted since.
func (x *Detection) noteSaved(err error) {
	switch was := x.failing.Load(); {
	case err == nil:
		x.failing.Store(nil)
	case was == nil:
		why := err.Error()
		x.failing.Store(&why)
		x.cfg.Log.Error().Err(err).Msg("the memory of the detections cannot be saved; after a crash they begin anew")
	}
}

// state puts what was found into the log. A log that is full must not be waited for: the cursor would
// stand still, and hold what fills it.
func (x *Detection) state(ctx context.Context) {
	x.mu.Lock()
	found := x.cfg.Detector.Pending() // more may be found meanwhile, behind these
	x.dropped.Store(x.cfg.Detector.Dropped())
	x.uncounted.Store(x.cfg.Detector.Uncounted() - x.before)
	x.mu.Unlock()
	if len(found) == 0 || time.Now().Before(x.retry) {
		return
	}
	moment, cancel := context.WithTimeout(ctx, detectWait)
	defer cancel()
	n := 0
	for ; n < len(found); n++ {
		if x.cfg.Emit(moment, &found[n]) != nil { // the log is full, or closed: it is kept
			x.retry = time.Now().Add(detectTick)
			break
		}
		x.stated.Add(1)
	}
	x.mu.Lock()
	x.cfg.Detector.Took(n)
	x.mu.Unlock()
}

// feed gives the records of the chunk that was read to the Detector.
func (x *Detection) feed() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := 0; i < len(x.ch.Records); {
		i = x.feedFrom(i)
	}
	x.given = max(x.given, x.ch.First+spool.Position(len(x.ch.Records))-1)
}

// feedFrom gives the records from the i-th on, up to one that makes us panic, and returns where to go on. One call recovers for
// all of them, as place says.
func (x *Detection) feedFrom(i int) (next int) {
	defer x.caught()
	for next = i; next < len(x.ch.Records); {
		b, pos := x.ch.Records[next], x.ch.First+spool.Position(next)
		next++
		if pos <= x.given || x.record.decode(b) != nil || x.record.Kind != KindFrame {
			continue
		}
		s := x.look()
		x.fed(&x.record, pos, x.ch.Epoch, &s)
	}
	return next
}

// caught recovers, when it is deferred, from a panic of ours over a line that then does not count.
func (x *Detection) caught() {
	if p := recover(); p != nil {
		x.tell(p)
		x.panics.Add(1)
	}
}

// look decodes x.record where it may be counted. A panic of ours costs that line only.
func (x *Detection) look() (s sight) {
	defer func() {
		if p := recover(); p != nil {
			s = sight{broken: true}
			x.tell(p)
		}
	}()
	if !mayFlood(x.record.Data) {
		return sight{}
	}
	e := &x.event
	e.Reset()
	e.Raw, e.Received = text(x.record.Data), x.record.Received
	decode.Line(e, nil)
	return sightOf(e)
}

// tell logs the first panic of ours.
func (x *Detection) tell(p any) {
	if x.panics.Load() == 0 {
		x.cfg.Log.Error().Interface("panic", p).Bytes("stack", debug.Stack()).Msg("detections: a line made us panic; it does not count")
	}
}

// fed gives the Detector one frame.
func (x *Detection) fed(r *Record, pos spool.Position, epoch uint64, s *sight) {
	if s.broken {
		x.panics.Add(1)
	}
	w := x.latest.get(r, uint64(pos))
	if w == nil {
		w = x.watched(r)
		x.latest.put(uint64(pos), w)
	} else if s.sort == 0 && w.lines%hostEvery != 0 && x.cfg.Detector.Again(uint64(pos), r.Received, &w.Sender) {
		w.lines++
		return
	}
	if w.lines%hostEvery == 0 {
		if host := decode.HeaderHost(r.Data); !strings.EqualFold(w.host, text(host)) {
			w.host = strings.ToLower(string(host))
		}
	}
	w.lines++
	l := &x.line // filled where it stands, as lane.record says; of no sort, the rest of one is not looked at
	l.Pos, l.Stamp, l.Sender, l.Host, l.Sort = uint64(pos), r.Received, &w.Sender, w.host, s.sort
	if s.sort != 0 {
		l.Name, l.Dataset, l.ID = s.name, s.dataset, event.NewID(epoch, uint64(pos))
	}
	x.cfg.Detector.Line(l)
}

// watched finds the sender of r.
func (x *Detection) watched(r *Record) *watched {
	var name []byte
	if r.named() {
		var low [nameMost]byte
		name = r.senderName(low[:0])
	}
	if name == nil {
		a := r.Peer.Addr()
		if w := x.near.get(a); w != nil {
			return w
		}
		w := x.senders[a]
		if w == nil {
			if len(x.senders) >= watchedMost {
				clear(x.senders)
			}
			w = &watched{Sender: detect.Sender{Key: a.String()}}
			x.senders[a] = w
		}
		x.near.put(a, w)
		return w
	}
	w := x.names[string(name)]
	if w == nil {
		if len(x.names) >= watchedMost {
			clear(x.names)
		}
		w = &watched{Sender: detect.Sender{Key: string(name)}}
		x.names[w.Key] = w
	}
	return w
}
