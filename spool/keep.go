package spool

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// keep makes cursors durable and removes delivered segments until ctx ends or the log failed.
func (l *Log) keep(ctx context.Context) {
	tick := time.NewTicker(keepInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-l.keepKick:
		}
		err := l.tidy()
		if err == nil && l.wantsRetire() {
			err = l.retireDelivered()
		}
		if err != nil && !isNoFiles(err) {
			l.mu.Lock()
			l.failLocked(err)
			l.mu.Unlock()
			return
		}
	}
}

// tidy makes the cursors and the state durable, looks how much room there is, and removes delivered
// segments that are not to be retained or stand in the way of new records.
func (l *Log) tidy() error {
	l.tidyMu.Lock()
	defer l.tidyMu.Unlock()
	l.mu.Lock()
	cursors := slices.SortedFunc(maps.Values(l.cursors), func(a, b *Cursor) int { return strings.Compare(a.name, b.name) })
	l.mu.Unlock()
	for _, c := range cursors {
		if err := c.slots.sync(); err != nil {
			return fmt.Errorf("sync cursor %s: %w", c.name, err)
		}
	}
	free, err := l.fs.Free(l.dir)
	if err != nil {
		return fmt.Errorf("look for free space: %w", err)
	}
	l.mu.Lock()
	l.freeRoom = free - int64(l.cfg.MinFree)
	l.countLocked()
	doomed := l.doomedLocked()
	stamp := l.stamp
	l.mu.Unlock()
	// The state says that they are gone before they go: what a power cut brings back is known.
	written, _ := l.state.get()
	if n := len(doomed); n > 0 || l.clock()-time.Duration(written[stClock]) > clockInterval {
		err = l.putState(func(v *[8]uint64) {
			v[stClock], v[stStamp] = uint64(l.clock()), uint64(stamp)
			if n > 0 {
				v[stOldest] = uint64(doomed[n-1].end)
			}
		})
		if err != nil {
			return err
		}
	}
	if err := l.state.sync(); err != nil {
		return fmt.Errorf("sync the state: %w", err)
	}
	for _, s := range doomed {
		if err := l.fs.Remove(l.path(s)); err != nil && !isAbsent(err) {
			break // Some systems do not remove what is open somewhere. It is tried again.
		}
		l.mu.Lock()
		l.segs = slices.Delete(l.segs, 0, 1)
		l.freeRoom += s.size
		l.countLocked()
		l.mu.Unlock()
	}
	if len(doomed) > 0 {
		if err := l.fs.SyncDir(l.dir); err != nil {
			return fmt.Errorf("sync the log directory: %w", err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hasRoomLocked(l.refused) {
		broadcastLocked(&l.spaceCh)
	}
	return nil
}

// lowLocked returns the position up to which every claimed cursor has committed, durably. Without
// a cursor nothing counts as delivered.
func (l *Log) lowLocked() Position {
	low, found := Position(0), false
	for _, c := range l.cursors {
		_, durable := c.slots.get()
		if p := Position(durable[curPosition]); !found || p < low {
			low, found = p, true
		}
	}
	return low
}

// deliveredLocked returns how many segments at the front every cursor has passed; the one that is
// written to is never among them.
func (l *Log) deliveredLocked() int {
	low := l.lowLocked()
	for i, s := range l.segs {
		if s.end > low+1 || s.open {
			return i
		}
	}
	return len(l.segs)
}

// countLocked adds up held and total.
func (l *Log) countLocked() {
	delivered := l.deliveredLocked()
	l.held, l.total = 0, 0
	for i, s := range l.segs {
		l.total += s.size
		if i >= delivered {
			l.held += s.size
		}
	}
}

// doomedLocked returns the segments to be removed, oldest first.
func (l *Log) doomedLocked() []*segment {
	n, retained, total, room := 0, l.total-l.held, l.total, l.freeRoom
	for _, s := range l.segs[:l.deliveredLocked()] {
		full := l.diskFull && n == 0 // Perhaps of inodes, or by a quota: free space does not tell.
		keep := !full && l.cfg.Retain.Age > 0 && l.clock()-s.ended <= l.cfg.Retain.Age &&
			retained <= int64(l.cfg.Retain.Size) &&
			total <= int64(l.cfg.MaxSize)-l.spare() && room >= l.spare()
		if keep {
			break
		}
		n, retained, total, room = n+1, retained-s.size, total-s.size, room+s.size
	}
	return slices.Clone(l.segs[:n])
}

// spare is the room to be kept for what is about to be written.
func (l *Log) spare() int64 { return l.segSize + int64(l.behind) }

// shortOfSpace reports whether another segment would not fit beside those there are.
func (l *Log) shortOfSpace() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total > int64(l.cfg.MaxSize)-l.segSize || l.freeRoom < l.segSize
}

// wantsRetire reports whether the segment that is written to holds nothing but delivered records
// and should end, because it is full of what is not to be retained any longer.
func (l *Log) wantsRetire() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.segs)
	if n == 0 || !l.segs[n-1].open || l.segs[n-1].size == segmentStart {
		return false
	}
	s := l.segs[n-1]
	age := l.clock() - time.Duration(s.label.values[segClock])
	nothing := l.cfg.Retain.Age == 0 || l.cfg.Retain.Size == 0
	return l.pending == 0 && s.end <= l.lowLocked()+1 && (nothing || age > l.cfg.Retain.Age/8)
}

func (l *Log) retireDelivered() error {
	l.flushMu.Lock()
	defer l.flushMu.Unlock()
	return l.retire()
}
