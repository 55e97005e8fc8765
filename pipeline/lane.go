package pipeline

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"net/netip"
	"runtime/debug"
	"strings"
	"unsafe"

	"vswarden/decode"
	"vswarden/event"
	"vswarden/group"
	"vswarden/receiver"
	"vswarden/sink"
	"vswarden/spool"
)

const (
	maxLanes    = 64
	keysLeast   = 4096    // sender keys a lane keeps before it lets go of those that the stage gave up
	outputKeep  = 4 << 20 // bytes of encoding buffer a lane keeps between batches
	kindBroken  = Kind(255)
	ownEventKey = "vswarden" // sender key of our own events
)

// lane delivers the records of some senders, in order, one batch at a time.
type lane struct {
	d     *Delivery
	index int32
	work  chan job

	stage  *group.Stage
	spent  []*group.Item // what the batch points into
	holds  holds
	filter *sink.Filter // of the batch
	event  event.Event  // of our own
	out    []byte       // encoded events of the batch, one after the other
	batch  []sink.Record
	frames []sink.Frame // of each in batch, where the sink is to have them
	ends   []int        // end of each event of batch in out
	keys   map[netip.Addr]*group.Sender
	names  map[string]*group.Sender // TLS names and hosts behind relays
	// last is the sender at lastPeer: frames of one read stand together.
	last     *group.Sender
	lastPeer netip.Addr
	zones    map[string]*decode.Options
	setting  setting    // of the frame before
	tags     [32]uint64 // tags seen in this batch, by bit
	utc      decode.Options

	patience patience
}

func newLane(d *Delivery, index int32) *lane {
	return &lane{
		d: d, index: index,
		work:  make(chan job, chunksInFlight+1),
		stage: group.NewStage(d.cfg.Group),
		keys:  map[netip.Addr]*group.Sender{},
		names: map[string]*group.Sender{},
		zones: map[string]*decode.Options{},
	}
}

// laneOf returns the lane of a record: the hash of its sender key.
func (d *Delivery) laneOf(r *Record) int32 {
	if len(d.lanes) == 1 {
		return 0
	}
	var h uint64
	var name []byte
	if r.named() {
		var low [nameMost]byte
		name = r.senderName(low[:0])
	}
	switch {
	case name != nil:
		h = maphash.Bytes(d.seed, name)
	case r.Kind == KindFrame:
		a := r.Peer.Addr().As16()
		h = maphash.Bytes(d.seed, a[:])
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
	for j := range l.work {
		l.d.giveWay()
		switch {
		case ctx.Err() != nil || !l.deliver(ctx, j):
		case j.c == nil:
			l.holds.ticking.Store(false)
		case j.c.pending.Add(-1) == 0:
			l.d.done(j.c)
		}
	}
}

// deliver brings this lane's records of a chunk to the sink, and what the stage held and has
// complete by now; false when ctx ended before that.
func (l *lane) deliver(ctx context.Context, j job) bool {
	l.out, l.batch, l.ends, l.frames = l.out[:0], l.batch[:0], l.ends[:0], l.frames[:0]
	l.filter = l.d.filter.Load()
	var n counts
	held := l.stage.Lines()
	if j.c != nil {
		l.await(ctx, j.c)
		for i := range j.c.records {
			if j.c.lanes[i] != l.index {
				continue
			}
			if !l.take(ctx, j.c, i, &n) {
				return false
			}
		}
	} else {
		if j.quiet {
			l.stage.Quiet()
		} else {
			l.stage.Tick(j.now)
		}
		if !l.drain(ctx, nil, &n) {
			return false
		}
	}
	start := 0
	for i, end := range l.ends {
		if end == asItIs {
			continue
		}
		l.batch[i].Value = l.out[start:end] // its capacity is all that follows: see lines.Together
		start = end + 1
	}
	for i := range l.frames {
		l.batch[i].Frame = &l.frames[i]
	}
	l.countTags()
	l.d.Stats.Filtered.Add(n.filtered)
	if len(l.batch) > 0 && !l.write(ctx, j.c) {
		return false
	}
	l.d.Stats.Grouped.Add(n.grouped)
	for _, it := range l.spent {
		l.stage.Free(it)
	}
	l.spent = l.spent[:0]
	if cap(l.out) > outputKeep {
		l.out = nil
	}
	l.hold()
	l.d.undone.Add(int64(l.stage.Lines() - held - n.taken))
	return true
}

// past says of record i of a chunk that it was done long ago, and is read again for its neighbours' sake.
func (d *Delivery) past(c *chunk, i int) bool {
	return c.records[i].Past || c.First+spool.Position(i) <= d.from
}

// counts are the records of a batch, and those of them that are done although they are not in it.
type counts struct {
	taken             int
	filtered, grouped uint64
}

// take gives a record of c to the stage and appends what is complete then; an event of our own goes
// past the stage.
func (l *lane) take(ctx context.Context, c *chunk, i int, n *counts) bool {
	r := &c.records[i]
	past := l.d.past(c, i)
	if !past {
		n.taken++
	}
	if r.Kind != KindFrame {
		if past {
			return true
		}
		keep, err := l.encode(r, nil)
		if err != nil {
			return l.d.bury(ctx, letter(c.id(i), r.Received, r.Data, err))
		}
		if !keep {
			n.filtered++
		}
		return true
	}
	if l.bare() {
		if !past {
			l.pass(r, c.id(i))
		}
		return true
	}
	it := l.stage.New()
	err := l.decode(it, c, i)
	if l.d.watch != nil {
		c.sights[i].seeItem(it, err)
	}
	if err != nil {
		return past || l.d.bury(ctx, letter(c.id(i), r.Received, r.Data, err))
	}
	l.stage.Add(it)
	return l.drain(ctx, r, n)
}

// drain appends to the batch what the stage has complete; r is the record that was added last.
func (l *lane) drain(ctx context.Context, r *Record, n *counts) bool {
	for it := l.stage.Next(); it != nil; it = l.stage.Next() {
		if it.Past || it.Pos <= uint64(l.d.from) { // read again to know the neighbours; delivered long ago
			n.grouped += it.JoinedAfter(uint64(l.d.from))
			l.stage.Free(it)
			continue
		}
		keep, err := l.encode(r, it)
		switch {
		case err != nil:
			if !l.d.bury(ctx, letter(it.Event.ID, it.Stamp, it.Frames(), err)) {
				return false
			}
		case !keep:
			n.filtered++
		}
		n.grouped += uint64(it.Lines() - 1)
		l.holds.passed(it)
		if it.Owned() && keep {
			l.spent = append(l.spent, it)
		} else {
			l.stage.Free(it)
		}
	}
	return true
}

// decode fills it from record i of c. A panic comes back as an error: one record must not end the process.
func (l *lane) decode(it *group.Item, c *chunk, i int) (err error) {
	defer recovered(&err)
	r := &c.records[i]
	l.fill(&it.Event, c, i)
	it.Pos, it.Stamp, it.Base, it.Options = uint64(c.First)+uint64(i), r.Received, it.Event.Tags, *l.optionsOf(r)
	it.Past = r.Past
	it.Conn, it.Stream = r.Peer, r.Framing != receiver.Datagram && r.Framing != receiver.OctetCounting
	if r.Transport == receiver.File {
		fileLine(it, l.d.cfg.FileHost)
	} else {
		decode.Line(&it.Event, &it.Options)
	}
	it.Sender = l.sender(r)
	return nil
}

// recovered turns a panic into an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = &panicError{value: p, stack: debug.Stack()}
	}
}

// encode appends an event to the batch, false when the filter holds it back: that of it, or of
// our own record r where it is nil. A panic comes back as an error, with the batch as it was.
func (l *lane) encode(r *Record, it *group.Item) (keep bool, err error) {
	out, n := len(l.out), len(l.batch)
	defer func() {
		if p := recover(); p != nil {
			l.out, l.batch, l.ends, l.frames = l.out[:out], l.batch[:n], l.ends[:n], l.frames[:min(n, len(l.frames))]
			keep, err = false, &panicError{value: p, stack: debug.Stack()}
		}
	}()
	switch {
	case it != nil:
		l.stage.Finish(it)
		e := &it.Event
		if l.d.cfg.Plain {
			e.Secrets = event.Secrets{}
		}
		if l.d.cfg.Enrich != nil {
			if e.Received == 0 {
				e.Received = e.Time // a line of a file: its own time is all there is to look up by
			}
			l.d.cfg.Enrich.Enrich(e)
			if it.Options.File {
				e.Received = 0
			}
		}
		for t := e.Tags; t != 0; t &= t - 1 {
			l.tags[bit(t)]++
		}
		if l.filter != nil && !l.filter.Match(e) {
			return false, nil
		}
		rec := l.record()
		rec.ID, rec.Key, rec.Dataset, rec.Host, rec.Received = e.ID, it.Sender.Key, e.Dataset, e.Host, it.Stamp
		switch {
		case l.d.cfg.Format == FormatRaw && l.d.cfg.Frames:
			l.out = append(l.out, e.Raw...)
		case l.d.cfg.Format == FormatRaw:
			l.out = appendLine(l.out, e.Raw)
		default:
			l.out = e.AppendJSON(l.out, l.d.cfg.Detail, l.d.cfg.Original)
		}
	case r.Kind == KindEvent:
		e := &l.event
		e.Reset()
		e.ID, e.Received, e.Dataset = r.ID, r.Received, event.Dataset(text(r.Dataset))
		if l.filter != nil && !l.filter.Match(e) {
			return false, nil
		}
		rec := l.record()
		rec.ID, rec.Key, rec.Dataset, rec.Received = r.ID, ownEventKey, event.Dataset(strings.Clone(string(e.Dataset))), r.Received
		if l.d.cfg.Tags&event.TagReplay != 0 {
			l.out = appendTagged(l.out, r.Data, event.TagNames[bit(event.TagReplay)])
		} else {
			l.out = append(l.out, r.Data...)
		}
	default:
		return false, errRecord
	}
	l.ends = append(l.ends, len(l.out))
	l.out = append(l.out, '\n')
	if l.d.cfg.Frames {
		l.frames = append(l.frames, l.frame(r))
	}
	return true, nil
}

// record is one more of the batch. It is filled where it stands: a copy of what was stored in pieces just before waits for the
// stores.
func (l *lane) record() *sink.Record {
	l.batch = append(l.batch, sink.Record{})
	return &l.batch[len(l.batch)-1]
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

// fill gives e what the receiver knew of frame i of c; where it stands, as record says.
func (l *lane) fill(e *event.Event, c *chunk, i int) {
	r, v := &c.records[i], &e.Receiver
	c.putID(i, &e.ID)
	e.Received, e.Raw = r.Received, text(r.Data)
	v.Peer, v.Transport, v.Framing = r.Peer, r.Transport.String(), r.Framing.String()
	v.TLSPeer, v.Relay, v.Authenticated = text(r.TLSPeer), text(r.Relay), len(r.TLSPeer) > 0
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

// nameMost is how much of a host's name behind a relay is the sender key.
const nameMost = 255

// senderName is the sender key of r where it is a name, in low where it had to be made; nil where it
// is the peer's address, as behind a relay where the line names no host. One that is not named has none.
func (r *Record) senderName(low []byte) []byte {
	switch {
	case len(r.Key) > 0:
		return r.Key
	case len(r.TLSPeer) > 0:
		return r.TLSPeer
	case len(r.Relay) > 0:
		if host := decode.HeaderHost(r.Data); len(host) > 0 {
			return lowerASCII(low, host) // lower and upper case are one sender
		}
	}
	return nil
}

// sender returns the state of r's sender, whose key outlives the record. The maps hold no more than
// the stage does: of what it gave up, they let go when they are as long as they may be.
func (l *lane) sender(r *Record) *group.Sender {
	var name []byte
	if r.named() {
		var low [nameMost]byte
		name = r.senderName(low[:0])
	}
	if name == nil {
		a := r.Peer.Addr()
		if l.last != nil && a == l.lastPeer && !l.last.Gone() {
			return l.last
		}
		snd := l.keys[a]
		if snd == nil || snd.Gone() {
			if len(l.keys) >= l.keysMost() {
				maps.DeleteFunc(l.keys, func(_ netip.Addr, s *group.Sender) bool { return s.Gone() })
			}
			snd = l.stage.Sender(a.String())
			l.keys[a] = snd
		}
		l.last, l.lastPeer = snd, a
		return snd
	}
	snd := l.names[string(name)]
	if snd == nil || snd.Gone() {
		if len(l.names) >= l.keysMost() {
			maps.DeleteFunc(l.names, func(_ string, s *group.Sender) bool { return s.Gone() })
		}
		snd = l.stage.Sender(string(name))
		l.names[snd.Key] = snd
	}
	return snd
}

// keysMost is how long a map of senders may be before it is looked through: longer than what the stage keeps, of which
// nothing could go.
func (l *lane) keysMost() int { return max(keysLeast, l.d.cfg.Group.Senders) }

// appendLine appends a frame as one line: what could end it, or forge the next one, is written as
// rsyslog does it, # and three octal digits.
func appendLine(dst []byte, frame string) []byte {
	for {
		i := strings.IndexAny(frame, "\n\r\x00")
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

// text is b as a string without a copy. It is the one place where record bytes become strings. They lie in the
// chunk's buffer, which is not filled again before the chunk is done, or in memory of the log that others read too:
// nobody may write into them, and what must live longer than the chunk is cloned (key, rec.Dataset).
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

var _ Cursor = (*spool.Cursor)(nil)
