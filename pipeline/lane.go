package pipeline

import (
	"context"
	"hash/maphash"
	"net/netip"
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
	at     place
	keys   map[netip.Addr]*group.Sender
	names  map[string]*group.Sender // TLS names and hosts behind relays
	near   near[group.Sender]       // of keys
	latest latest[group.Sender]
	zones  map[string]*decode.Options

	setting setting    // of the frame before
	tags    [32]uint64 // tags seen in this batch, by bit
	utc     decode.Options

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
	switch {
	case j.c != nil:
		l.await(ctx, j.c)
	case j.quiet:
		l.stage.Quiet()
	default:
		l.stage.Tick(j.now)
	}
	l.at = place{i: -1}
	for {
		ok, err := l.takeAll(ctx, j.c, &n)
		if err != nil && l.poisoned(ctx, j.c, &n, err) {
			continue
		}
		if err != nil || !ok {
			return false
		}
		break
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

// takeAll gives the stage this lane's records of c, if there is one, and appends to the batch what is complete then; false when
// ctx ended. A panic comes back as an error: one record must not end the process. Called again, it goes on behind that.
func (l *lane) takeAll(ctx context.Context, c *chunk, n *counts) (ok bool, err error) {
	defer l.recovered(&err)
	var last *Record
	if l.at.i >= 0 {
		last = &c.records[l.at.i]
	}
	l.drain(last, n)
	if c == nil {
		return true, nil
	}
	for i := l.at.i + 1; i < len(c.records); i++ {
		if c.lanes[i] != l.index {
			continue
		}
		if l.at.i = i; !l.take(ctx, c, i, n) {
			return false, nil
		}
	}
	return true, nil
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
		return past || l.takeOwn(ctx, c, i, n)
	}
	if l.bare() {
		if !past {
			l.pass(c, i)
		}
		return true
	}
	it := l.stage.New()
	l.at.it, l.at.doing = it, decoding
	l.decode(it, r, uint64(c.First)+uint64(i), c.Epoch)
	l.at.doing = idle
	if l.d.watch != nil {
		c.sights[i].seeItem(it, nil)
	}
	l.stage.Add(it)
	l.drain(r, n)
	return true
}

// takeOwn appends record i of c, an event of our own.
func (l *lane) takeOwn(ctx context.Context, c *chunk, i int, n *counts) bool {
	r := &c.records[i]
	l.at.it, l.at.doing = nil, encoding
	keep, err := l.encodeOwn(r)
	l.at.doing = idle
	if err != nil {
		return l.d.bury(ctx, letter(c.id(i), r.Received, r.Data, err))
	}
	if !keep {
		n.filtered++
	}
	return true
}

// drain appends to the batch what the stage has complete; r is the record that was added last.
func (l *lane) drain(r *Record, n *counts) {
	for it := l.stage.Next(); it != nil; it = l.stage.Next() {
		if it.Past || it.Pos <= uint64(l.d.from) { // read again to know the neighbours; delivered long ago
			n.grouped += it.JoinedAfter(uint64(l.d.from))
			l.stage.Free(it)
			continue
		}
		l.at.it, l.at.doing = it, encoding
		keep := l.encode(r, it)
		l.at.doing = idle
		if !keep {
			n.filtered++
		}
		l.passed(it, keep, n)
	}
}

// passed is done with it, whose event is in the batch if keep.
func (l *lane) passed(it *group.Item, keep bool, n *counts) {
	n.grouped += uint64(it.Lines() - 1)
	l.holds.passed(it)
	if it.Owned() && keep {
		l.spent = append(l.spent, it)
	} else {
		l.stage.Free(it)
	}
}

// decode fills it from r, the record at pos.
func (l *lane) decode(it *group.Item, r *Record, pos, epoch uint64) {
	l.fill(&it.Event, r, pos, epoch)
	it.Pos, it.Stamp, it.Base, it.Options = pos, r.Received, it.Event.Tags, *l.optionsOf(r)
	it.Past = r.Past
	it.Conn, it.Stream = r.Peer, r.Framing != receiver.Datagram && r.Framing != receiver.OctetCounting
	if r.Transport == receiver.File {
		fileLine(it, l.d.cfg.FileHost)
	} else {
		decode.Line(&it.Event, &it.Options)
	}
	it.Sender = l.sender(r, pos)
}

// fill gives e, which is empty, what the receiver knew of the frame r; where it stands, as record says.
func (l *lane) fill(e *event.Event, r *Record, pos, epoch uint64) {
	v := &e.Receiver
	r.putID(&e.ID, pos, epoch)
	e.Received, e.Raw = r.Received, text(r.Data)
	v.Peer, v.Transport, v.Framing = r.Peer, r.Transport.String(), r.Framing.String()
	e.Tags |= l.d.cfg.Tags
	if r.Flags&receiver.Truncated != 0 {
		e.Tags |= event.TagTruncated
	}
	if r.usual {
		return
	}
	v.TLSPeer, v.Relay, v.Authenticated = text(r.TLSPeer), text(r.Relay), len(r.TLSPeer) > 0
	if r.Foreign {
		e.Tags |= event.TagForeign
		v.Transport, v.Framing = "", ""
	}
}

func (l *lane) options(listener uint16) *decode.Options {
	if o := l.d.cfg.Listeners[listener]; o != nil {
		return o
	}
	return &l.utc // a listener that was there when the line came and is not configured any more
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
