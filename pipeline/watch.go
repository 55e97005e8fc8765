package pipeline

import (
	"time"

	"vswarden/event"
	"vswarden/group"
	"vswarden/spool"
)

// sight is what a line is to the detections. It is filled where it stands, as lane.record says.
type sight struct {
	sort   uint64 // group.FloodKey; 0: the line is of no sort, and what stands below is of a line before
	broken bool   // it made us panic

	name    string // of that sort; may point into the line
	dataset event.Dataset
}

func sightOf(e *event.Event) (s sight) {
	s.see(e, group.FloodKey(e))
	return s
}

// see makes s the sight of an event whose group.FloodKey is known.
func (s *sight) see(e *event.Event, key uint64) {
	s.broken = false
	if s.sort = key; key != 0 {
		s.name, s.dataset = sortName(e), e.Dataset
	}
}

// SetWatch lets x follow a Delivery that does not run yet; false when its lanes do not decode, so that there is nothing to follow.
func (d *Delivery) SetWatch(x *Detection) bool {
	if d.cfg.Format == FormatRaw && d.cfg.Frames {
		return false
	}
	d.watch = x
	return true
}

// seeItem makes s what a lane tells of a line, err being what its decoding ended with.
func (s *sight) seeItem(it *group.Item, err error) {
	if err != nil { // its Delivery tells of the panic, and buries the line
		s.sort, s.broken = 0, true
		return
	}
	s.see(&it.Event, it.FloodKey())
}

// follow is told what the lanes saw in a chunk that is done, in the order of the log. The memory of the chunk is its
// Delivery's again when it returns.
func (x *Detection) follow(c *chunk) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if c.First > x.given+1+spool.Position(c.Skipped) {
		return // something before it is not known; Run reads that, and the Delivery is behind then
	}
	x.led = time.Now()
	if n := len(c.records); n > 0 {
		x.leader = c.records[n-1].Received
	}
	for i := 0; i < len(c.records); {
		i = x.followFrom(c, i)
	}
	x.given = max(x.given, c.last)
}

// followFrom is feedFrom for a chunk of a Delivery.
func (x *Detection) followFrom(c *chunk, i int) (next int) {
	defer x.caught()
	for next = i; next < len(c.records); {
		r, s, pos := &c.records[next], &c.sights[next], c.First+spool.Position(next)
		next++
		if pos > x.given && r.Kind == KindFrame {
			x.fed(r, pos, c.Epoch, s)
		}
	}
	return next
}

// follows reports whether what the Detector has not been fed is to be waited for, since a Delivery will tell it: one that has
// told something just now, and is not far behind.
func (x *Detection) follows() bool {
	now, newest := x.cfg.Clock.Now()
	x.mu.Lock()
	defer x.mu.Unlock()
	return newest > x.given && time.Since(x.led) < detectTick && now-x.leader < int64(detectLag)
}

// sortName says what events of one FloodKey have in common, in words of ours and of VMware.
func sortName(e *event.Event) string {
	switch {
	case e.VOB.ID != "":
		return e.VOB.ID
	case e.NetPort.Kind != event.NetPortNone:
		return "NetPort"
	case e.L2Sec.Kind != event.L2SecNone:
		return string(e.L2Sec.Violation)
	case e.VCEvent.Type != "":
		return e.VCEvent.Type
	case e.Loss.Kind != event.LossNone:
		return string(e.Loss.Kind)
	}
	return string(e.Act)
}
