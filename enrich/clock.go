package enrich

import (
	"math"
	"time"
)

// clock estimates by how much a sender's clock differs from ours: the offset is the smallest
// (received - line time) seen in the last day. A clock that runs fast shows as negative; a queue that
// is sent late does not move it, since its lines only show larger differences.
type clock struct {
	least [24]int64 // of each hour, nanoseconds
	hour  [24]int64 // which hour that is, since 1970
	now   int64     // the hour of the last line
	best  int64     // the smallest of the day that ends with it
	lines uint32    // with a stamp, up to settledLines
	first int64     // when the first of them was received
}

// An offset is settled once settledLines over at least settledTime gave it.
const (
	settledLines = 30
	settledTime  = int64(time.Minute)
)

// observe takes in the stamp of a line, both in Unix nanoseconds.
func (c *clock) observe(received, line int64) {
	h := received / int64(time.Hour)
	i := h % 24
	if c.hour[i] != h {
		c.hour[i], c.least[i] = h, math.MaxInt64
	}
	c.least[i] = min(c.least[i], received-line)
	if c.now == h {
		c.best = min(c.best, received-line)
	} else {
		c.now, c.best = h, c.smallest(h)
	}
	if c.lines == 0 {
		c.first = received
	}
	if c.lines < settledLines {
		c.lines++
	}
}

// offset returns the estimate at a receive time, and whether it is settled. Without any line it is 0.
func (c *clock) offset(received int64) (offset int64, settled bool) {
	offset = c.best
	if h := received / int64(time.Hour); h != c.now {
		offset = c.smallest(h)
	}
	if offset == math.MaxInt64 || c.lines == 0 {
		return 0, false
	}
	return offset, c.lines >= settledLines && received-c.first >= settledTime
}

// smallest returns the smallest difference of the day that ends with hour h; math.MaxInt64 = there is none.
func (c *clock) smallest(h int64) int64 {
	offset := int64(math.MaxInt64)
	for i, hour := range c.hour {
		if hour != 0 && hour <= h && hour > h-24 {
			offset = min(offset, c.least[i])
		}
	}
	return offset
}
