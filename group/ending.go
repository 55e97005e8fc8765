package group

import (
	"net/netip"
	"slices"

	"vswarden/event"
)

// maxEndings is how many a sender has: as many as there are groups that a security line may end.
const maxEndings = maxOpen

// ending is an event that ended before its group did, and may be continued in another one. What would have joined
// the group names it, and what would have ended the group ends it: so it makes no difference when a group was
// ended that nothing was to join.
type ending struct {
	id       event.ID
	line     uint64 // how many lines had begun something when it ended
	deadline int64
	app      uint64
	proc     uint64
	conn     netip.AddrPort // where it is for lines without a header
	time     int64          // of its header
	vc       uint64         // key of the vCenter event that it is a part of
	kind     kind
	forApp   bool // as those of the group were
	forConn  bool
	cut      bool // it has lost its end
	alone    bool // a security line, which no line is joined to
}

// endings are those of a sender. Nearly every line begins something, which ends what others wait for, and next to none asks
// whether anything waits. So a line only leaves word, of its program and of its connection, and what that means for an
// ending is settled when somebody asks.
type endings struct {
	list     []ending
	begun    uint64 // counts lines that began something
	stamp    int64  // of the last one
	programs [32]lastOf
	conn     netip.AddrPort // on which the last one with a header came, and which that was
	onConn   uint64
}

// lastOf says which line of a program was the last that began something.
type lastOf struct{ app, line uint64 }

// program is where the last line of a program is noted, or of another one in its place.
func (s *endings) program(app uint64) *lastOf { return &s.programs[app>>59] }

// begin notes a line that begins something: it is to what has ended as Sender.supersede is to what is open. Of a security
// line that was cut, the rest is told by its header, and may come later.
func (s *endings) begin(it *Item) {
	p := s.program(it.app)
	if p.app != it.app {
		s.settle()
		*p = lastOf{app: it.app}
	}
	if it.kind != headless && s.conn != it.Conn { // a headless one has found it, and so may the next
		s.settle()
		s.conn = it.Conn
	}
	if it.Stamp < s.stamp { // of a file
		s.forget()
	}
	s.begun++
	s.stamp, p.line = it.Stamp, s.begun
	if it.kind != headless {
		s.onConn = s.begun
	}
	if it.kind == part {
		s.beginPart(it)
	}
}

// beginPart does at once what only a part does: it ends another part of its event.
func (s *endings) beginPart(it *Item) {
	for i := range s.list {
		if n := &s.list[i]; n.kind == part && n.app == it.app && n.vc == it.Event.VCEvent.ID {
			n.forApp = false
		}
	}
}

// settle makes each what the lines since have made of it.
func (s *endings) settle() {
	for i := range s.list {
		s.settleOne(&s.list[i])
	}
}

func (s *endings) settleOne(n *ending) {
	if p := s.program(n.app); p.app == n.app && p.line > n.line && n.kind != part {
		n.forApp = false
	}
	if n.conn == s.conn && s.onConn > n.line {
		n.forConn = false
	}
}

// leave leaves none that waits for a line without a header.
func (s *endings) leave() {
	for i := range s.list {
		s.list[i].forConn = false
	}
}

// add adds one. Where there are too many, the oldest goes.
func (s *endings) add(n ending) {
	if len(s.list) == maxEndings {
		s.forget()
	}
	if len(s.list) == maxEndings {
		s.list = slices.Delete(s.list, 0, 1)
	}
	n.line = s.begun
	s.list = append(s.list, n)
}

// forget drops those that nothing can continue any more.
func (s *endings) forget() {
	left := 0
	for i := range s.list {
		n := &s.list[i]
		s.settleOne(n)
		if waits := n.forApp || n.forConn || n.alone && n.cut; !waits || s.stamp > n.deadline {
			continue
		}
		if left < i {
			s.list[left] = *n
		}
		left++
	}
	s.list = s.list[:left]
}

// note remembers an event that ends although more of it may come. A security line is noted before it is known to be open.
func (snd *Sender) note(it *Item) {
	if !it.forApp && !it.forConn {
		return
	}
	n := ending{
		id: it.Event.ID, deadline: it.deadline, app: it.app, proc: it.proc, time: it.Event.Time,
		kind: it.kind, forApp: it.forApp, forConn: it.forConn, cut: it.cut, alone: !it.open,
	}
	if it.kind == part {
		n.vc = it.Event.VCEvent.ID
	}
	if it.forConn {
		n.conn = it.Conn
	}
	if snd.ended == nil {
		snd.ended = &endings{}
	}
	snd.ended.add(n)
}

// continues finds the event that it, a continuation without its beginning, belongs to.
func (snd *Sender) continues(it *Item) {
	if snd.ended == nil {
		return
	}
	snd.ended.settle()
	stamp := max(it.Stamp, snd.ended.stamp)
	for _, n := range slices.Backward(snd.ended.list) {
		if stamp <= n.deadline && n.continuedBy(it) {
			it.after = n.id
			return
		}
	}
}

// continuedBy asks as Sender.target does. A part cannot be told from a line that stands alone.
func (n *ending) continuedBy(it *Item) bool {
	switch it.kind {
	case headless:
		return n.forConn && n.conn == it.Conn
	case arrow:
		return n.forApp && n.app == it.app && n.kind != part
	case fragment:
		return (n.forApp || n.alone) && n.cut && n.app == it.app && n.proc == it.proc && n.time == it.Event.Time
	}
	return false
}
