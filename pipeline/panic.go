package pipeline

import (
	"context"
	"runtime/debug"

	"vswarden/group"
)

// doing is what a lane does with a record, if anything.
type doing uint8

const (
	idle doing = iota
	decoding
	encoding
)

// place is where a lane is in a chunk. One call recovers from a panic for all of a chunk, since one for each record would
// cost more than the stage does; place says which record it was, so that no other one is lost.
type place struct {
	i     int         // the chunk's record that was taken last; -1 = none yet
	it    *group.Item // decoded or encoded just now; of an event of our own, nil
	doing doing
}

// recovered turns a panic over a record into an error.
func (l *lane) recovered(err *error) {
	if l.at.doing == idle {
		return
	}
	if p := recover(); p != nil {
		*err = &panicError{value: p, stack: debug.Stack()}
	}
}

// poisoned buries the record that made us panic, and leaves the batch as it was before; false when ctx ended.
func (l *lane) poisoned(ctx context.Context, c *chunk, n *counts, err error) bool {
	at := l.at
	l.at.it, l.at.doing = nil, idle
	if at.doing == encoding {
		l.dropUnended()
		if at.it != nil {
			ok := l.d.bury(ctx, letter(at.it.Event.ID, at.it.Stamp, at.it.Frames(), err))
			l.passed(at.it, false, n)
			return ok
		}
	}
	r := &c.records[at.i]
	if at.doing == decoding {
		if l.d.watch != nil {
			c.sights[at.i].seeItem(at.it, err)
		}
		if l.d.past(c, at.i) {
			return true
		}
	}
	return l.d.bury(ctx, letter(c.id(at.i), r.Received, r.Data, err))
}

// dropUnended takes out of the batch what was begun behind the last event that ended.
func (l *lane) dropUnended() {
	n, out := len(l.ends), 0
	for i := n - 1; i >= 0 && out == 0; i-- {
		if end := l.ends[i]; end != asItIs {
			out = end + 1
		}
	}
	l.out, l.batch, l.frames = l.out[:out], l.batch[:n], l.frames[:min(n, len(l.frames))]
}
