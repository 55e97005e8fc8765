package spool

import (
	"fmt"
	"time"
)

// Rewind lets Next begin at records that are done: at least those whose stamps are by older than
// the last one that is, as far as the log still has them. It is called before Next.
func (c *Cursor) Rewind(by time.Duration) error {
	l := c.log
	l.mu.Lock()
	n := 0
	for n < len(l.segs) && l.segs[n].base <= c.committed {
		n++
	}
	segs := make([]segment, n) // as they are now: they may grow, and go
	for i := range segs {
		segs[i] = *l.segs[i]
	}
	done, gone := c.committed, c.gone
	l.mu.Unlock()
	if gone > 0 {
		return nil // records before the next one are not there
	}
	want := int64(0)
	for i := n - 1; i >= 0; i-- {
		marks, err := l.stamps(&segs[i], done)
		if err != nil {
			return fmt.Errorf("read a segment: %w", err)
		}
		k := len(marks)
		if i == n-1 { // the last record that is done is not older than what stands before its piece
			want = int64(segs[i].label.values[segPrevStamp])
			if k > 1 {
				want = marks[k-2].stamp
			}
			want -= int64(by)
		}
		for k > 0 && marks[k-1].stamp >= want {
			k--
		}
		if k < len(marks) {
			c.next = min(c.next, marks[k].first)
		}
		if k > 0 || int64(segs[i].label.values[segPrevStamp]) < want {
			return nil
		}
	}
	return nil
}

// stampMark says that the piece of a segment that begins with first has no stamp after stamp.
type stampMark struct {
	first Position
	stamp int64
}

// stamps reads a segment up to position done and says how old its pieces are.
func (l *Log) stamps(s *segment, done Position) (marks []stampMark, err error) {
	r, err := openReader(l.fs, l.dir, s)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.close() }() // only read
	var ch Chunk
	for r.off < s.size {
		ch.reset()
		if err := r.read(&ch, s.base, s.size, s.end); err != nil {
			return nil, err
		}
		if len(ch.Records) == 0 {
			continue
		}
		if ch.First > done {
			break
		}
		marks = append(marks, stampMark{ch.First, r.last.stamp})
	}
	return marks, nil
}

// Skip lets Next go on behind p, or where it would, if that is later: of what lies before, its reader knows from elsewhere.
func (c *Cursor) Skip(p Position) {
	if c.next <= p {
		c.next, c.gone = p+1, 0
	}
}
