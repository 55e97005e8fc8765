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
	if len(snd.ended) == maxEndings {
		snd.ended = slices.Delete(snd.ended, 0, 1)
	}
	snd.ended = append(snd.ended, n)
}

// outdate is to what has ended as supersede is to what is open, for a line that begins something. Of a security
// line that was cut, the rest is told by its header, and may come later.
func (snd *Sender) outdate(it *Item) {
	left := 0
	for i := range snd.ended {
		n := &snd.ended[i]
		if it.Stamp > n.deadline {
			continue
		}
		if n.forApp && n.app == it.app && (n.kind != part || it.kind == part && n.vc == it.Event.VCEvent.ID) {
			n.forApp = false
		}
		if n.forConn && it.kind != headless && n.conn == it.Conn { // a headless one has found it, and so may the next
			n.forConn = false
		}
		if n.forApp || n.forConn || n.alone && n.cut {
			if left < i {
				snd.ended[left] = *n
			}
			left++
		}
	}
	snd.ended = snd.ended[:left]
}

// continues finds the event that it, a continuation without its beginning, belongs to.
func (snd *Sender) continues(it *Item) {
	for _, n := range slices.Backward(snd.ended) {
		if it.Stamp <= n.deadline && n.continuedBy(it) {
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
