package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"
	"unsafe"

	"vswarden/decode"
	"vswarden/event"
	"vswarden/receiver"
	"vswarden/sink"
	"vswarden/sink/deadletter"
	"vswarden/spool"
)

const (
	maxLanes    = 64
	keysMax     = 4096    // sender keys a lane keeps as strings
	outputKeep  = 4 << 20 // bytes of encoding buffer a lane keeps between batches
	kindBroken  = Kind(255)
	ownEventKey = "vswarden" // sender key of our own events
)

// lane delivers the records of some senders, in order, one batch at a time.
type lane struct {
	d     *Delivery
	index int32
	work  chan *chunk

	filter *sink.Filter // of the batch
	event  event.Event
	out    []byte // encoded events of the batch, one after the other
	batch  []sink.Record
	frames []sink.Frame // of each in batch, where the sink is to have them
	ends   []int        // end of each event of batch in out
	keys   map[netip.Addr]string
	names  map[string]string // TLS names and hosts behind relays
	zones  map[string]*decode.Options
	tags   [32]uint64 // tags seen in this batch, by bit
	utc    decode.Options
}

func newLane(d *Delivery, index int32) *lane {
	return &lane{
		d: d, index: index,
		work:  make(chan *chunk, chunksInFlight),
		keys:  map[netip.Addr]string{},
		names: map[string]string{},
		zones: map[string]*decode.Options{},
	}
}

// laneOf returns the lane of a record: the hash of its sender key.
func (d *Delivery) laneOf(r *Record) int32 {
	if len(d.lanes) == 1 {
		return 0
	}
	var h uint64
	switch {
	case len(r.Key) > 0:
		h = maphash.Bytes(d.seed, r.Key)
	case r.Kind != KindFrame:
	case len(r.TLSPeer) > 0:
		h = maphash.Bytes(d.seed, r.TLSPeer)
	case len(r.Relay) > 0:
		// Lower and upper case are one sender; the hash is of the lower case form.
		var low [255]byte
		h = maphash.Bytes(d.seed, lowerASCII(low[:0], decode.HeaderHost(r.Data)))
	default:
		h = maphash.Comparable(d.seed, r.Peer.Addr())
	}
	return int32(h % uint64(len(d.lanes)))
}

func lowerASCII(dst, s []byte) []byte {
	for _, c := range s[:min(len(s), cap(dst))] {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// run works until its channel is closed. Once ctx has ended it only empties the channel: chunks
// that are not done hold the mark where it is.
func (l *lane) run(ctx context.Context) {
	for c := range l.work {
		if ctx.Err() != nil || !l.deliver(ctx, c) {
			continue
		}
		if c.pending.Add(-1) == 0 {
			l.d.done(c)
		}
	}
}

// deliver brings this lane's records of c to the sink; false when ctx ended before that.
func (l *lane) deliver(ctx context.Context, c *chunk) bool {
	l.out, l.batch, l.ends, l.frames = l.out[:0], l.batch[:0], l.ends[:0], l.frames[:0]
	l.filter = l.d.filter.Load()
	var filtered uint64
	for i := range c.records {
		if c.lanes[i] != l.index {
			continue
		}
		id := c.id(i)
		keep, err := l.encode(&c.records[i], id)
		if err != nil {
			if !l.d.bury(ctx, l.letter(&c.records[i], id, err)) {
				return false
			}
		} else if !keep {
			filtered++
		}
	}
	start := 0
	for i, end := range l.ends {
		l.batch[i].Value = l.out[start:end:end]
		start = end
	}
	for i := range l.frames {
		l.batch[i].Frame = &l.frames[i]
	}
	l.countTags()
	l.d.Stats.Filtered.Add(filtered)
	if len(l.batch) > 0 && !l.write(ctx, c) {
		return false
	}
	if cap(l.out) > outputKeep {
		l.out = nil
	}
	return true
}

// encode appends the event of r to the batch; false when the filter holds it back. A panic comes
// back as an error, with the batch as it was: one record must not end the process.
func (l *lane) encode(r *Record, id event.ID) (keep bool, err error) {
	out, n := len(l.out), len(l.batch)
	defer func() {
		if p := recover(); p != nil {
			l.out, l.batch, l.ends, l.frames = l.out[:out], l.batch[:n], l.ends[:n], l.frames[:min(n, len(l.frames))]
			keep, err = false, &panicError{value: p, stack: debug.Stack()}
		}
	}()
	e := &l.event
	e.Reset()
	rec := sink.Record{ID: id, Key: ownEventKey, Received: r.Received}
	switch r.Kind {
	case KindFrame:
		l.fill(e, r, id)
		if r.Transport == receiver.File {
			l.line(e, r)
		} else {
			decode.Line(e, l.optionsOf(r))
		}
		if l.d.cfg.Plain {
			e.Secrets = event.Secrets{}
		}
		if l.d.cfg.Enrich != nil {
			if e.Received == 0 {
				e.Received = e.Time // a line of a file: its own time is all there is to look up by
			}
			l.d.cfg.Enrich.Enrich(e)
			if r.Transport == receiver.File {
				e.Received = 0
			}
		}
		for t := e.Tags; t != 0; t &= t - 1 {
			l.tags[bit(t)]++
		}
		if l.filter != nil && !l.filter.Match(e) {
			return false, nil
		}
		rec.Key, rec.Dataset, rec.Host = l.key(r), e.Dataset, e.Host
		switch {
		case l.d.cfg.Format == FormatRaw && l.d.cfg.Frames:
			l.out = append(l.out, r.Data...)
		case l.d.cfg.Format == FormatRaw:
			l.out = appendLine(l.out, r.Data)
		default:
			l.out = e.AppendJSON(l.out, l.d.cfg.Detail, l.d.cfg.Original)
		}
	case KindEvent:
		e.ID, e.Received, e.Dataset = r.ID, r.Received, event.Dataset(text(r.Dataset))
		if l.filter != nil && !l.filter.Match(e) {
			return false, nil
		}
		rec.ID, rec.Dataset = r.ID, event.Dataset(strings.Clone(string(e.Dataset)))
		if l.d.cfg.Tags&event.TagReplay != 0 {
			l.out = appendTagged(l.out, r.Data, event.TagNames[bit(event.TagReplay)])
		} else {
			l.out = append(l.out, r.Data...)
		}
	default:
		return false, errRecord
	}
	l.batch = append(l.batch, rec)
	l.ends = append(l.ends, len(l.out))
	if l.d.cfg.Frames {
		l.frames = append(l.frames, l.frame(r))
	}
	return true, nil
}

// frame is what the receiver knew of r, for a sink that passes it on.
func (l *lane) frame(r *Record) sink.Frame {
	if r.Kind != KindFrame {
		return sink.Frame{Own: true}
	}
	f := sink.Frame{
		Peer: r.Peer, Transport: r.Transport.String(), Framing: r.Framing.String(),
		TLSPeer: text(r.TLSPeer), Relay: text(r.Relay), Listener: r.Listener,
		Truncated: r.Flags&receiver.Truncated != 0, Unfinished: r.Flags&receiver.Unfinished != 0,
	}
	if loc := l.optionsOf(r).Location; loc != nil {
		f.Timezone = loc.String()
	}
	return f
}

// fill gives e what the receiver knew of the frame.
func (l *lane) fill(e *event.Event, r *Record, id event.ID) {
	e.ID, e.Received, e.Raw = id, r.Received, text(r.Data)
	e.Receiver = event.Receiver{
		Peer: r.Peer, Transport: r.Transport.String(), Framing: r.Framing.String(),
		TLSPeer: text(r.TLSPeer), Relay: text(r.Relay), Authenticated: len(r.TLSPeer) > 0,
	}
	e.Tags |= l.d.cfg.Tags
	if r.Flags&receiver.Truncated != 0 {
		e.Tags |= event.TagTruncated
	}
	if r.Foreign {
		e.Tags |= event.TagForeign
		e.Receiver.Transport, e.Receiver.Framing = "", ""
	}
}

func (l *lane) options(listener uint16) *decode.Options {
	if o := l.d.cfg.Listeners[listener]; o != nil {
		return o
	}
	return &l.utc // a listener that was there when the line came and is not configured any more
}

// key returns the sender key as a string that outlives the record. Both maps are bounded: when
// one is full it is emptied, which costs a few allocations and nothing else.
func (l *lane) key(r *Record) string {
	if len(r.Key) == 0 && len(r.TLSPeer) == 0 && len(r.Relay) == 0 {
		a := r.Peer.Addr()
		k, ok := l.keys[a]
		if !ok {
			if len(l.keys) >= keysMax {
				clear(l.keys)
			}
			k = a.String()
			l.keys[a] = k
		}
		return k
	}
	var low [255]byte
	name := r.Key
	if len(name) == 0 {
		name = r.TLSPeer
	}
	if len(name) == 0 {
		name = lowerASCII(low[:0], decode.HeaderHost(r.Data))
	}
	k, ok := l.names[string(name)]
	if !ok {
		if len(l.names) >= keysMax {
			clear(l.names)
		}
		k = string(name)
		l.names[k] = k
	}
	return k
}

// appendLine appends a frame as one line: what could end it, or forge the next one, is written as
// rsyslog does it, # and three octal digits.
func appendLine(dst, frame []byte) []byte {
	for {
		i := bytes.IndexAny(frame, "\n\r\x00")
		if i < 0 {
			return append(dst, frame...)
		}
		dst = append(dst, frame[:i]...)
		dst = fmt.Appendf(dst, "#%03o", frame[i])
		frame = frame[i+1:]
	}
}

func (l *lane) countTags() {
	for i, n := range l.tags {
		if n > 0 {
			l.d.Stats.Tags[i].Add(n)
			l.tags[i] = 0
		}
	}
}

// write is the one retry loop of vswarden: it returns true when every event of the batch is
// delivered or dead-lettered, false when ctx ended before that.
func (l *lane) write(ctx context.Context, c *chunk) bool {
	d, batch := l.d, l.batch
	for attempt := 0; ; attempt++ {
		err := d.cfg.Sink.Write(ctx, batch)
		if err == nil {
			d.Stats.delivered(batch)
			d.works(writing)
			return true
		}
		var verdicts sink.Errors
		switch {
		case errors.As(err, &verdicts) && len(verdicts) == len(batch):
			if batch, err = l.sort(ctx, c, batch, verdicts); len(batch) == 0 {
				if err == nil {
					d.works(writing)
				}
				return err == nil
			}
		case sink.IsPermanent(err):
			for i := range batch {
				if !d.bury(ctx, l.refused(c, &batch[i], err)) {
					return false
				}
			}
			d.works(writing)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		d.fail(writing, err)
		d.Stats.Retries.Add(1)
		if !sleep(ctx, backoff(attempt)) {
			return false
		}
	}
}

// sort counts what verdicts say was delivered, buries what was refused for good, and returns
// what has to be tried again with the reason. An error with nothing left means that ctx ended.
func (l *lane) sort(ctx context.Context, c *chunk, batch []sink.Record, verdicts sink.Errors) (left []sink.Record, err error) {
	var again error
	done := make([]sink.Record, 0, len(batch)) // not the hot path: the sink refused something
	for i, v := range verdicts {
		switch {
		case v == nil:
			done = append(done, batch[i])
		case sink.IsPermanent(v):
			if !l.d.bury(ctx, l.refused(c, &batch[i], v)) {
				return nil, ctx.Err()
			}
		default:
			left, again = append(left, batch[i]), v
		}
	}
	l.d.Stats.delivered(done)
	return left, again
}

// bury writes a dead letter, again and again until it is kept or ctx ends (false).
func (d *Delivery) bury(ctx context.Context, letter deadletter.Letter) bool {
	for attempt := 0; ; attempt++ {
		err := d.cfg.Dead.Write(ctx, letter)
		if err == nil {
			d.Stats.dead(letter.Reason)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		d.fail(writing, fmt.Errorf("write dead letter: %w", err))
		if !sleep(ctx, backoff(attempt)) {
			return false
		}
	}
}

// letter is the dead letter of a record that could not be encoded.
func (l *lane) letter(r *Record, id event.ID, err error) deadletter.Letter {
	letter := deadletter.Letter{ID: id, Received: r.Received, Reason: DeadRecord, Err: err, Original: r.Data}
	if p, ok := errors.AsType[*panicError](err); ok {
		letter.Reason, letter.Stack = DeadPanic, p.stack
	}
	return letter
}

// refused is the dead letter of an event that the sink will never take: its record is found again
// by its number, so that the letter holds the frame and not our rendering of it.
func (l *lane) refused(c *chunk, rec *sink.Record, err error) deadletter.Letter {
	letter := deadletter.Letter{ID: rec.ID, Received: rec.Received, Reason: DeadPermanent, Err: err, Original: rec.Value}
	for i := range c.records {
		if c.lanes[i] == l.index && c.id(i) == rec.ID {
			letter.Original = c.records[i].Data
			break
		}
	}
	return letter
}

// backoff grows from retryFirst to retryMost, with half of it drawn by chance so that sinks that
// failed together do not come back together.
func backoff(attempt int) time.Duration {
	d := retryMost
	if attempt < 9 {
		d = min(retryFirst<<attempt, retryMost)
	}
	return d/2 + rand.N(d/2)
}

// sleep waits for d; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// text is b as a string without a copy. It is the one place where record bytes become strings:
// they live in the chunk's buffer, which is not filled again before the chunk is done, and what
// must live longer is cloned (key, rec.Dataset).
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

var _ Cursor = (*spool.Cursor)(nil)
