package decode

import (
	"time"

	"vswarden/event"
)

// bsdClock is a BSD stamp as written: no year, no time zone (RFC 3164, 4.1.2).
type bsdClock struct {
	year, month, day, second int // year 0: the stamp has none; second of the day
	frac                     int // nanoseconds
	digits                   uint8
	bad                      bool
}

// bsdStamp reads "Jul  1 14:30:23" at the beginning of s and returns its length; 0 means that there
// is none. One blank before a one-digit day, a year after the day or the time, and a fraction of a
// second are taken too.
func bsdStamp(s string) (c bsdClock, n int) {
	if len(s) < len("Jul 1 14:30:23") || s[3] != ' ' {
		return c, 0
	}
	c.month = monthNumber(s)
	if c.month == 0 {
		return c, 0
	}
	n = 4
	if s[n] == ' ' {
		n++
	}
	if !isDigit(s[n]) {
		return c, 0
	}
	for ; n < 7 && isDigit(s[n]); n++ {
		c.day = c.day*10 + int(s[n]-'0')
	}
	if s[n] != ' ' {
		return c, 0
	}
	n++
	if year, ok := bsdYear(s[n:]); ok {
		c.year = year
		n += len("2025 ")
	}
	return c.clock(s, n)
}

// clock reads hh:mm:ss and what may follow it.
func (c bsdClock) clock(s string, n int) (bsdClock, int) {
	if len(s) < n+8 || s[n+2] != ':' || s[n+5] != ':' {
		return c, 0
	}
	hour, minute, sec := two(s, n), two(s, n+3), two(s, n+6)
	n += 8
	if n+1 < len(s) && s[n] == '.' && isDigit(s[n+1]) {
		c.frac, c.digits, n = fraction(s, n+1)
	}
	if n < len(s) && s[n] == ' ' && c.year == 0 {
		if year, ok := bsdYear(s[n+1:]); ok {
			c.year = year
			n += len(" 2025")
		}
	}
	c.second = hour*3600 + minute*60 + sec
	c.bad = hour > 23 || minute > 59 || sec > 60 || !dateExists(2000, c.month, c.day)
	return c, n
}

// bsdYear reads a year and the blank behind it.
func bsdYear(s string) (int, bool) {
	if len(s) < 5 || s[4] != ' ' {
		return 0, false
	}
	year := two(s, 0)*100 + two(s, 2)
	return year, year >= 1970 && year <= 2099
}

// monthNumber is 1 to 12 for Jan to Dec, 0 for anything else. s has at least three bytes.
func monthNumber(s string) int {
	switch s[:3] {
	case "Jan":
		return 1
	case "Feb":
		return 2
	case "Mar":
		return 3
	case "Apr":
		return 4
	case "May":
		return 5
	case "Jun":
		return 6
	case "Jul":
		return 7
	case "Aug":
		return 8
	case "Sep":
		return 9
	case "Oct":
		return 10
	case "Nov":
		return 11
	case "Dec":
		return 12
	}
	return 0
}

// resolve gives the stamp a year and a time zone. Around New Year a line of 31 December may arrive
// on 1 January, and a clock may be fast: the year nearest to the receive time is the right one.
func (c bsdClock) resolve(e *event.Event, o *Options) stamp {
	if c.bad {
		return stamp{bad: true}
	}
	year := c.year
	if year == 0 {
		year = o.Year
	}
	if year == 0 && e.Received != 0 {
		return c.nearest(e.Received, o.Location)
	}
	if year == 0 {
		year = 1970
	}
	return c.in(year, o.Location)
}

// in is the stamp in a given year.
func (c bsdClock) in(year int, loc *time.Location) stamp {
	if !dateExists(year, c.month, c.day) {
		return stamp{bad: true}
	}
	ns, bad := unixNanos(year, c.month, c.day, c.second, c.frac)
	if bad {
		return stamp{bad: true}
	}
	return stamp{nanos: inZone(ns, loc), digits: c.digits}
}

// nearest is the stamp in the year that brings it closest to received.
func (c bsdClock) nearest(received int64, loc *time.Location) stamp {
	year := time.Unix(0, received).UTC().Year()
	best := c.in(year, loc)
	if !best.bad && distance(best.nanos, received) < halfYear {
		return best
	}
	for _, y := range [...]int{year - 1, year + 1} {
		t := c.in(y, loc)
		if !t.bad && (best.bad || distance(t.nanos, received) < distance(best.nanos, received)) {
			best = t
		}
	}
	return best
}

// halfYear is less than half of any year: no other year can be nearer.
const halfYear = 182 * daySeconds * secondNS

// distance is |a-b|; it does not overflow.
func distance(a, b int64) uint64 {
	if a < b {
		a, b = b, a
	}
	return uint64(a) - uint64(b)
}
