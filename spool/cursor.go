package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"

	"vswarden/retry"
)

// Start is where a new cursor begins.
type Start string

// The starts.
const (
	StartOldest Start = "oldest" // with the oldest record there is
	StartNewest Start = "newest" // with the next record
)

// ErrClaimed says that a cursor is in use in this process already.
var ErrClaimed = errors.New("the cursor is claimed already")

// Cursor is the place of one reader in the log. Next is called by one goroutine, Commit by one;
// they may be different ones.
type Cursor struct {
	log   *Log
	name  string
	slots *slots
	wake  chan struct{} // holds one

	// Of the goroutine that calls Next.
	next   Position // to be given next
	reader *reader  // nil until something is read from a segment
	gone   uint64   // positions before next that were removed while nobody claimed the cursor
	passed uint64   // records a new cursor began behind

	committed Position // the log's mu guards it
}

// CursorInfo is a cursor as it stands on disk, or in the log that runs.
type CursorInfo struct {
	Name     string
	Position Position // all records up to here are done
	Backlog  uint64   // records in the log behind it
	Claimed  bool
}

// cursorFile is a cursor on disk.
type cursorFile struct {
	file  string // without directory
	label label
}

// Cursor claims the cursor of that name; a new one begins at start. What a cursor has not
// committed is kept for it from then on: claim all before Run.
func (l *Log) Cursor(name string, start Start) (*Cursor, error) {
	if file := cursorName(name); name == "" || len(name) > maxName || len(file) > maxName {
		return nil, fmt.Errorf("cursor %q: a name has 1 to %d bytes, and other bytes than a-z 0-9 - _ count three times", name, maxName-len(cursorSuffix))
	}
	l.tidyMu.Lock()
	defer l.tidyMu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	if l.cursors[name] != nil {
		return nil, fmt.Errorf("cursor %s: %w", name, ErrClaimed)
	}
	c := &Cursor{log: l, name: name, wake: make(chan struct{}, 1)}
	if known, ok := l.known[name]; ok {
		s, hurt, err := openSlots(l.fs, l.join(known.file), magicCursor)
		if err != nil {
			return nil, fmt.Errorf("open cursor %s: %w", name, err)
		}
		if hurt {
			l.reportLocked(Damage{Kind: Corrupt, File: known.file, Note: "one of two copies of the cursor; the other one is used"})
		}
		c.slots = s
		c.committed = Position(s.latest.values[curPosition])
	} else {
		c.committed = l.next - 1
		if start == StartOldest {
			c.committed = l.oldestLocked() - 1
		} else {
			c.passed = l.backlogLocked(l.oldestLocked() - 1)
		}
		file := cursorName(name)
		lab := label{name: name, values: [8]uint64{curLog: l.id, curPosition: uint64(c.committed)}}
		s, err := createSlots(l.fs, l.dir, l.join(file), magicCursor, lab)
		if err != nil {
			return nil, fmt.Errorf("create cursor %s: %w", name, err)
		}
		c.slots = s
		l.known[name] = cursorFile{file, lab}
	}
	c.next = c.committed + 1
	if c.next >= l.endBefore && c.next < l.first {
		c.committed = l.first - 1 // Nothing is left of before this Open; numbers that never were are no backlog.
		c.next = l.first
	} else if oldest := l.oldestLocked(); c.next < oldest {
		c.gone = uint64(oldest - c.next)
		c.next = oldest
	}
	l.cursors[name] = c
	l.countLocked()
	return c, nil
}

// oldestLocked returns the position where the log begins.
func (l *Log) oldestLocked() Position {
	switch {
	case len(l.segs) == 0 && l.next == l.first:
		return l.endBefore // Nothing was appended yet.
	case len(l.segs) == 0 && len(l.blocks) == 0:
		return l.next
	case len(l.segs) == 0:
		return l.blocks[0].first
	case l.segs[0].dead:
		return l.segs[0].base
	}
	return min(l.segs[0].base, max(Position(l.segs[0].label.values[segPrevEnd]), 1))
}

// Name returns the cursor's name.
func (c *Cursor) Name() string { return c.name }

// Passed returns how many records stood in the log when the cursor was made with StartNewest and so
// began behind them; 0 for a cursor that was there before.
func (c *Cursor) Passed() uint64 { return c.passed }

// Committed returns the position up to which all records are done.
func (c *Cursor) Committed() Position {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	return c.committed
}

// Backlog returns how many records are not committed, as Log.Behind counts them.
func (c *Cursor) Backlog() uint64 { return c.log.Behind(c.Committed()) }

// After returns how many records come after position p, as Log.Behind counts them.
func (c *Cursor) After(p Position) uint64 { return c.log.Behind(p) }

// Behind returns how many records come after position p. Numbers that were never used do not
// count; records that are lost do, because Next gives them as Skipped.
func (l *Log) Behind(p Position) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.backlogLocked(p)
}

func (l *Log) backlogLocked(done Position) uint64 {
	count := func(first, end Position) uint64 {
		first = max(first, done+1)
		if end <= first {
			return 0
		}
		return uint64(end - first)
	}
	n := count(0, l.oldestLocked())
	for _, s := range l.segs {
		n += count(s.base, s.end)
	}
	for _, b := range l.blocks {
		n += count(b.first, b.end())
	}
	return n
}

// Commit says that all records up to p are done. It survives a kill at once and a power cut about
// half a second later; a repeat of what was done is then possible, a loss is not.
func (c *Cursor) Commit(p Position) error {
	l := c.log
	l.mu.Lock()
	if l.err != nil || l.closed {
		defer l.mu.Unlock()
		return errors.Join(l.err, closedError(l.closed))
	}
	if p <= c.committed {
		l.mu.Unlock()
		return nil
	}
	c.committed = p
	if l.refused > 0 && !l.hasRoomLocked(l.refused) {
		poke(l.keepKick)
	}
	l.mu.Unlock()
	if err := c.slots.put(func(v *[8]uint64) { v[curPosition] = uint64(p) }); err != nil {
		return fmt.Errorf("write cursor %s: %w", c.name, err)
	}
	return nil
}

func closedError(closed bool) error {
	if closed {
		return ErrClosed
	}
	return nil
}

// Next fills ch with the records that follow those of the call before, one at least. It waits for
// new ones, and gives them before they are written or synced. After CloseWrite it returns io.EOF
// when all were given. A Chunk may hold no records, only Skipped.
func (c *Cursor) Next(ctx context.Context, ch *Chunk) error {
	l := c.log
	ch.reset()
	if c.gone > 0 {
		ch.First, ch.Skipped, c.gone = c.next, c.gone, 0
		return nil
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		l.mu.Lock()
		ch.releaseLocked(l)
		switch {
		case l.err != nil || l.closed:
			defer l.mu.Unlock()
			return errors.Join(l.err, closedError(l.closed))
		case c.next >= l.next:
			if l.noWrite {
				l.mu.Unlock()
				return io.EOF
			}
			l.waiting = append(l.waiting, c)
			l.mu.Unlock()
			select {
			case <-c.wake:
			case <-ctx.Done():
				l.mu.Lock()
				l.waiting = slices.DeleteFunc(l.waiting, func(w *Cursor) bool { return w == c })
				l.mu.Unlock()
				return ctx.Err()
			}
			continue
		}
		if b := holding(l.warm, c.next); b != nil && b.first <= c.next {
			c.fromBlock(ch, b)
			l.mu.Unlock()
			return c.letGo()
		}
		if s := l.segmentLocked(c.next); s != nil {
			start, limit, end := s.seek(max(c.next, s.base)), s.size, s.end
			l.mu.Unlock()
			err := c.fromSegment(ch, s, start, limit, end)
			if isNoFiles(err) { // connections may have the last ones; it is tried again
				retry.Sleep(ctx, retryInterval)
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			if len(ch.Records) > 0 || ch.Skipped > 0 {
				return nil
			}
			continue
		}
		if n := len(l.blocks); n == 0 || l.blocks[n-1].end() <= c.next {
			c.next = l.first // All of before this Open was read; the numbers up to here never were.
			l.mu.Unlock()
			continue
		}
		c.fromBlock(ch, holding(l.blocks, c.next))
		l.mu.Unlock()
		return c.letGo()
	}
}

// letGo closes the segment that was read last: who reads from memory may do so for ever, and a file that is open is not
// removed on some systems, and takes its room on the others.
func (c *Cursor) letGo() error {
	r := c.reader
	c.reader = nil
	if err := r.close(); err != nil {
		return fmt.Errorf("close a segment: %w", err)
	}
	return nil
}

// segmentLocked returns the segment that holds position p, or the first one behind it; nil when
// that is still in memory.
func (l *Log) segmentLocked(p Position) *segment {
	i := sort.Search(len(l.segs), func(i int) bool { return l.segs[i].end > p })
	if i == len(l.segs) {
		return nil
	}
	return l.segs[i]
}

// fromBlock fills ch with records of b, which stay where they are: the bytes of a block that are there do not
// change, but for numbers and checksums, as long as ch is not used again. It is called with the log's mu held.
func (c *Cursor) fromBlock(ch *Chunk, b *block) {
	c.next = max(c.next, b.first)
	ch.First, ch.Epoch = c.next, c.log.epoch
	ch.block = b
	b.refs++
	b.from(ch, c.next)
	c.next += Position(len(ch.Records))
}

// fromSegment fills ch from the segment s, of which limit bytes may be read, to position end. It
// may find nothing but a jump of the numbers.
func (c *Cursor) fromSegment(ch *Chunk, s *segment, start mark, limit int64, end Position) error {
	l := c.log
	r := c.reader
	if r == nil || r.seg != s {
		if err := r.close(); err != nil {
			return fmt.Errorf("close a segment: %w", err)
		}
		c.reader = nil
		var err error
		if r, err = openReader(l.fs, l.dir, s); err != nil {
			return fmt.Errorf("open a segment: %w", err)
		}
		c.reader = r
		if r.file == nil && !s.dead && c.done(end) {
			// A cursor that went back over what is done holds nothing of it back: it was removed just now.
			c.next = max(c.next, end)
			return nil
		}
		c.next = max(c.next, s.base) // The numbers between two segments never were.
	}
	if start.off > r.off && r.bad < 0 {
		r.off, r.want = start.off, start.pos // What lies between was read from memory.
	}
	if err := r.read(ch, c.next, limit, end); err != nil {
		return fmt.Errorf("read a segment: %w", err)
	}
	ch.Epoch = s.label.values[segEpoch]
	c.next = max(c.next, r.want)
	if len(r.found) > 0 {
		l.mu.Lock()
		for _, d := range r.found {
			l.reportLocked(d)
		}
		l.mu.Unlock()
		r.found = r.found[:0]
	}
	return nil
}

// done reports whether all before end is done.
func (c *Cursor) done(end Position) bool {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	return end != unknown && end <= c.committed+1
}

// Cursors returns all cursors, by name; those that nobody claimed hold nothing back.
func (l *Log) Cursors() []CursorInfo {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []CursorInfo
	for name, f := range l.known {
		info := CursorInfo{Name: name, Position: Position(f.label.values[curPosition])}
		if c := l.cursors[name]; c != nil {
			info.Position, info.Claimed = c.committed, true
		}
		info.Backlog = l.backlogLocked(info.Position)
		list = append(list, info)
	}
	slices.SortFunc(list, func(a, b CursorInfo) int { return strings.Compare(a.Name, b.Name) })
	return list
}

const cursorSuffix = ".cursor"

// cursorName returns a file name that no two cursors share, on any file system: all but small
// letters, digits, - and _ is written as %XX.
func cursorName(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String() + cursorSuffix
}
