package group

import (
	"cmp"
	"math"
	"slices"

	"vswarden/event"
)

// Stage groups the lines of some senders. It is for one goroutine.
type Stage struct {
	o       Options
	wait    int64
	clock   uint64  // counts lines, for the age of senders
	quiet   uint64  // what it was when Quiet was called
	lines   int     // held
	low     uint64  // lowest place of what is queued; 0 = to be looked for
	fresh   []*Item // queued since Keep was called, and perhaps released since
	senders []*Sender
	busy    []*Sender // those that hold something
	free    []*Item
	ready   []*Item // in order, to be taken by Next
	taken   int
}

// Sender is the state of one sender. There are many: what few of them need is made when they do.
type Sender struct {
	Key string

	used  uint64  // Stage.clock when it sent last
	next  int64   // the first deadline of open
	open  []*Item // those that may grow; the oldest first
	queue []*Item // queue[head:] wait, in order
	head  int
	bytes int
	spot  int32 // in Stage.busy; -1 = holds nothing
	gone  bool  // evicted: whoever has it kept asks for it anew
	past  bool  // its last line was

	ended *endings // what may be continued in another event, as it ended

	repeats *repeats
	floods  *floods
	linux   *linux
}

// NewStage makes a Stage.
func NewStage(o Options) *Stage {
	if o.Senders <= 0 {
		o.Senders = 4096
	}
	if o.MaxLines <= 0 {
		o.MaxLines = math.MaxInt
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = math.MaxInt
	}
	return &Stage{o: o, wait: int64(o.Wait)}
}

// Sender makes the state of a sender. The caller keeps it by the sender's key, and asks Gone before
// it uses it again.
func (s *Stage) Sender(key string) *Sender {
	if len(s.senders) >= s.o.Senders {
		s.evict()
	}
	snd := &Sender{Key: key, used: s.clock, spot: -1}
	s.senders = append(s.senders, snd)
	return snd
}

// Gone reports whether the sender's state was given up.
func (snd *Sender) Gone() bool { return snd.gone }

// evict gives up the quarter of all senders that have been silent for longest.
func (s *Stage) evict() {
	slices.SortFunc(s.senders, func(a, b *Sender) int { return cmp.Compare(a.used, b.used) })
	n := max(len(s.senders)/4, 1)
	for _, snd := range s.senders[:n] {
		s.close(snd, false)
		s.release(snd)
		snd.gone = true
	}
	s.senders = slices.Delete(s.senders, 0, n)
}

// New gives an empty Item.
func (s *Stage) New() *Item {
	n := len(s.free)
	if n == 0 {
		it := &Item{}
		it.Event.Reset()
		return it
	}
	it := s.free[n-1]
	s.free = s.free[:n-1]
	return it
}

// Free takes an Item back when all that was made of it is done.
func (s *Stage) Free(it *Item) {
	it.Event.Reset()
	it.line = line{}
	it.empty()
	s.free = append(s.free, it)
}

// empty keeps the memory for the next line, unless it is much.
func (m *spare) empty() {
	if cap(m.more) > 64<<10 || cap(m.own) > 64<<10 {
		*m = spare{}
	}
	m.own = m.own[:0]
	m.more = m.more[:0]
	m.pieces = m.pieces[:0]
	m.whole = m.whole[:0]
	m.frames = m.frames[:0]
}

// Next gives the next Item that is complete; nil when there is none. Finish makes its event.
func (s *Stage) Next() *Item {
	if s.taken == len(s.ready) {
		s.ready, s.taken = s.ready[:0], 0
		return nil
	}
	it := s.ready[s.taken]
	s.taken++
	return it
}

// Add takes a decoded line of it.Sender. Lines of one sender come in the order of the log.
func (s *Stage) Add(it *Item) {
	snd := it.Sender
	s.clock++
	snd.used = s.clock
	if it.Past != snd.past { // what is done joins nothing that is not
		s.close(snd, true)
		s.release(snd)
		snd.past = it.Past
	}
	if len(snd.open) > 0 && snd.next < it.Stamp {
		s.expire(snd, it.Stamp)
	}
	it.read()
	if s.wait > 0 && it.kind != plain {
		if t := snd.target(it); t != nil && s.join(snd, t, it) {
			s.release(snd)
			return
		}
	}
	s.begin(snd, it)
}

// begin makes it the first line of an event.
func (s *Stage) begin(snd *Sender, it *Item) {
	if it.kind != plain {
		snd.continues(it)
	}
	if snd.ended != nil {
		snd.ended.begin(it)
	}
	snd.link(it)
	snd.flood(it)
	security := it.Event.Security() && it.kind != part
	forApp, forConn := it.grows()
	if s.wait == 0 {
		forApp, forConn = false, false
	} else {
		snd.supersede(it)
	}
	wait := s.wait
	if security {
		forApp, forConn = false, false
		if it.cut = it.cutShort(); it.cut {
			it.tags |= event.TagIncomplete
		}
		if it.promisc = s.wait > 0 && snd.neighbour(it); it.promisc {
			wait = linuxWait
		}
	} else {
		snd.neighbour(it)
	}
	if security && !it.promisc && !s.o.Patient {
		s.close(snd, true)
	}
	if security {
		it.forApp, it.forConn, it.deadline = true, it.Stream, it.Stamp+s.wait
		snd.note(it)
	}
	it.forApp, it.forConn = forApp, forConn
	if it.open = forApp || forConn || it.promisc; it.open {
		if len(snd.open) == maxOpen {
			snd.note(snd.open[0])
			snd.shut(snd.open[0])
		}
		it.deadline = it.Stamp + wait
		if len(snd.open) == 0 || it.deadline < snd.next {
			snd.next = it.deadline
		}
		snd.open = append(snd.open, it)
	}
	if len(snd.queue) == snd.head && !it.open {
		s.ready = append(s.ready, it)
		return
	}
	s.push(snd, it)
	s.release(snd)
}

// push puts it at the end of its sender's queue, and shuts the oldest group of a queue that is full.
func (s *Stage) push(snd *Sender, it *Item) {
	if len(s.busy) == 0 {
		s.low = it.Pos
	}
	if len(snd.queue) == cap(snd.queue) && 2*snd.head >= len(snd.queue) { // rare: a queue is empty every few lines
		snd.queue = snd.queue[:copy(snd.queue, snd.queue[snd.head:])]
		snd.head = 0
	}
	snd.queue = append(snd.queue, it)
	it.queued = true
	if !s.o.Patient { // in files nothing moves
		s.fresh = append(s.fresh, it)
	}
	s.lines += it.due(s.o.Done)
	snd.bytes += it.bytes
	if snd.spot < 0 {
		snd.spot = int32(len(s.busy))
		s.busy = append(s.busy, snd)
	}
	if len(snd.queue)-snd.head > maxQueue || snd.bytes > maxSendBytes {
		snd.note(snd.queue[snd.head])
		snd.shut(snd.queue[snd.head])
	}
}

// release makes ready what stands complete at the head of a queue.
func (s *Stage) release(snd *Sender) {
	from, n := snd.head, snd.head
	for ; n < len(snd.queue) && !snd.queue[n].open; n++ {
		it := snd.queue[n]
		if it.queued = false; it.Pos == s.low {
			s.low = 0
		}
		snd.bytes -= it.bytes
		s.lines -= it.due(s.o.Done)
		s.ready = append(s.ready, it)
	}
	if n == from {
		return
	}
	if snd.head = n; n < len(snd.queue) {
		return
	}
	snd.queue, snd.head = snd.queue[:0], 0
	if snd.spot >= 0 {
		last := s.busy[len(s.busy)-1]
		s.busy[snd.spot], last.spot = last, snd.spot
		s.busy = s.busy[:len(s.busy)-1]
		snd.spot = -1
	}
}

// supersede ends the groups that it, which begins something, shows to be complete: that of its
// program, and on its connection the one that waits for lines without a header.
func (snd *Sender) supersede(it *Item) {
	left := 0
	for _, o := range snd.open {
		if !o.promisc {
			if o.forApp && o.app == it.app && (o.kind != part || it.kind == part && o.Event.VCEvent.ID == it.Event.VCEvent.ID) {
				o.forApp = false
			}
			if o.forConn && o.Conn == it.Conn {
				o.forConn = false
			}
			if !o.forApp && !o.forConn {
				o.open = false
				continue
			}
		}
		snd.open[left] = o
		left++
	}
	snd.open = snd.open[:left]
}

// target is the open event that it may continue.
func (snd *Sender) target(it *Item) *Item {
	for _, o := range slices.Backward(snd.open) {
		switch it.kind {
		case headless:
			if o.forConn && o.Conn == it.Conn {
				return o
			}
		case part:
			if o.kind == part && o.app == it.app && o.Event.VCEvent.ID == it.Event.VCEvent.ID && o.Event.VCEvent.Parts == it.Event.VCEvent.Parts {
				return o
			}
		case arrow:
			if o.forApp && o.app == it.app && o.kind != part {
				return o
			}
		case fragment:
			if o.forApp && o.app == it.app && o.cut && o.proc == it.proc && o.Event.Time == it.Event.Time {
				return o
			}
		}
	}
	return nil
}

// expire shuts the groups that no line with this stamp can join.
func (s *Stage) expire(snd *Sender, stamp int64) {
	snd.next = math.MaxInt64
	left := 0
	for _, o := range snd.open {
		if o.deadline < stamp {
			o.end()
			continue
		}
		snd.next = min(snd.next, o.deadline)
		snd.open[left] = o
		left++
	}
	snd.open = snd.open[:left]
	s.release(snd)
}

// close shuts all groups of a sender; noted ones can be continued in another event.
func (s *Stage) close(snd *Sender, noted bool) {
	for _, o := range snd.open {
		if noted {
			snd.note(o)
		}
		o.end()
	}
	snd.open = snd.open[:0]
}

// shut ends a group.
func (snd *Sender) shut(it *Item) {
	if i := slices.Index(snd.open, it); i >= 0 {
		snd.open = slices.Delete(snd.open, i, i+1)
	}
	it.end()
}

// end makes it complete, once it is none of its sender's open ones any more. A device for which nothing came that it waited
// for listens by itself.
func (it *Item) end() {
	if it.promisc && it.reason == "" {
		it.reason = event.ReasonCapture
	}
	it.open, it.forApp, it.forConn, it.promisc = false, false, false, false
}

// Tick ends the groups that no record can join which is not older than now.
func (s *Stage) Tick(now int64) {
	for i := 0; i < len(s.busy); i++ {
		snd := s.busy[i]
		if len(snd.open) > 0 && snd.next < now {
			s.expire(snd, now)
			if snd.spot < 0 {
				i-- // another one stands in its place
			}
		}
	}
}

// Blank is told of an empty line in a file: no line without a header goes on over it.
func (s *Stage) Blank(snd *Sender) {
	if snd.ended != nil {
		snd.ended.leave()
	}
	for i := 0; i < len(snd.open); i++ {
		o := snd.open[i]
		if o.forConn = false; !o.forApp && !o.promisc {
			snd.shut(o)
			i--
		}
	}
	s.release(snd)
}

// Quiet ends the groups of senders of which nothing came since it was called before.
func (s *Stage) Quiet() {
	for i := 0; i < len(s.busy); i++ {
		snd := s.busy[i]
		if snd.used > s.quiet {
			continue
		}
		s.close(snd, true)
		s.release(snd)
		i-- // another one stands in its place
	}
	s.quiet = s.clock
}

// Flush ends all groups.
func (s *Stage) Flush() { s.Tick(math.MaxInt64) }

// Held returns the lowest place in the log of what is held; false when nothing is.
func (s *Stage) Held() (pos uint64, held bool) {
	pos = math.MaxUint64
	if s.low == 0 {
		for _, snd := range s.busy {
			pos = min(pos, snd.queue[snd.head].Pos)
		}
		if len(s.busy) > 0 {
			s.low = pos
		}
	} else if len(s.busy) > 0 {
		pos = s.low
	}
	for _, it := range s.ready[s.taken:] {
		pos = min(pos, it.Pos)
	}
	return pos, pos != math.MaxUint64
}

// Lines is how many lines are held, but for those that were done before.
func (s *Stage) Lines() int { return s.lines }

// Keep makes what is held independent of the buffers that its strings point into.
func (s *Stage) Keep() {
	for _, it := range s.fresh {
		if it.queued {
			it.keep()
		}
	}
	clear(s.fresh)
	s.fresh = s.fresh[:0]
}
