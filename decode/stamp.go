package decode

import (
	"math"
	"time"
)

// stamp is a time as a line gives it.
type stamp struct {
	nanos  int64
	digits uint8 // fractional digits, at most 9
	copied bool  // the text is what @timestamp wants: UTC with Z, 3 to 9 fractional digits
	local  bool  // the text names no time zone; nanos is read as UTC
	bad    bool  // it has the form of a stamp, but no such time exists
}

const (
	daySeconds = 24 * 60 * 60
	secondNS   = 1_000_000_000

	// Unix seconds that an int64 of nanoseconds can hold: 1677-09-21 to 2262-04-11.
	minSeconds = math.MinInt64/secondNS + 1
	maxSeconds = math.MaxInt64/secondNS - 1
)

// isoForm reports whether s begins with the form of an ISO 8601 date and time down to the second.
// 'T' and a blank may stand between the two.
func isoForm(s string) bool {
	if len(s) < len("2006-01-02T15:04:05") {
		return false
	}
	return s[4] == '-' && s[7] == '-' && s[13] == ':' && s[16] == ':' &&
		(s[10] == 'T' || s[10] == ' ' || s[10] == 't') && isDigit(s[0])
}

// isoStamp reads an RFC 3339 stamp at the beginning of s and returns its length; 0 means that there
// is none. A leap second is read as the first second after it. Python's decimal comma, a blank
// instead of the T, and a missing time zone are taken too.
func isoStamp(s string) (t stamp, n int) {
	if !isoForm(s) {
		return t, 0
	}
	if t.nanos, t.copied = usualStamp(s); t.copied {
		t.digits = 3
		return t, usualStampLen
	}
	return anyStamp(s)
}

// anyStamp is isoStamp of what has the form down to the second.
func anyStamp(s string) (t stamp, n int) {
	year := two(s, 0)*100 + two(s, 2)
	month, day := two(s, 5), two(s, 8)
	hour, minute, sec := two(s, 11), two(s, 14), two(s, 17)
	t.bad = year > 9999 || !dateExists(year, month, day) || hour > 23 || minute > 59 || sec > 60
	n = 19
	frac := 0
	if n < len(s) && (s[n] == '.' || s[n] == ',') {
		frac, t.digits, n = fraction(s, n+1)
	}
	offset, zone := isoZone(s[n:])
	t.local = zone == 0
	// A copied stamp must be one that every reader takes: strict RFC 3339, no leap second.
	t.copied = zone == 1 && s[n] == 'Z' && s[10] == 'T' && s[19] == '.' && n >= 23 && n <= 29 && sec < 60
	n += zone
	if offset == badOffset {
		t.bad = true
	}
	if t.bad {
		return stamp{bad: true}, n
	}
	t.nanos, t.bad = unixNanos(year, month, day, hour*3600+minute*60+sec-offset, frac)
	return t, n
}

// fraction reads the digits that begin at s[i]: nanoseconds, how many digits count, and where they end.
func fraction(s string, i int) (nanos int, digits uint8, end int) {
	for ; i < len(s) && isDigit(s[i]); i++ {
		if digits < 9 {
			nanos = nanos*10 + int(s[i]-'0')
			digits++
		}
	}
	for range 9 - digits {
		nanos *= 10
	}
	return nanos, digits, i
}

// badOffset marks an offset from UTC that no clock has.
const badOffset = math.MaxInt32

// isoZone reads Z, ±hh:mm, ±hhmm or ±hh: seconds east of UTC, and its length, 0 where there is none.
func isoZone(s string) (offset, n int) {
	if s == "" {
		return 0, 0
	}
	switch s[0] {
	case 'Z', 'z':
		return 0, 1
	case '+', '-':
	default:
		return 0, 0
	}
	if len(s) < 3 || !isDigit(s[1]) || !isDigit(s[2]) {
		return 0, 0
	}
	hour, minute, n := two(s, 1), 0, 3
	switch {
	case len(s) >= 6 && s[3] == ':' && isDigit(s[4]) && isDigit(s[5]):
		minute, n = two(s, 4), 6
	case len(s) >= 5 && isDigit(s[3]) && isDigit(s[4]):
		minute, n = two(s, 3), 5
	}
	if hour > 23 || minute > 59 {
		return badOffset, n
	}
	offset = hour*3600 + minute*60
	if s[0] == '-' {
		offset = -offset
	}
	return offset, n
}

// dateExists reports whether the Gregorian calendar has that day.
func dateExists(year, month, day int) bool {
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return false
	}
	if day <= 28 {
		return true
	}
	switch month {
	case 2:
		return day == 29 && year%4 == 0 && (year%100 != 0 || year%400 == 0)
	case 4, 6, 9, 11:
		return day <= 30
	}
	return true
}

// unixNanos counts from 1970. What does not fit into an int64 is bad.
func unixNanos(year, month, day, second, frac int) (ns int64, bad bool) {
	sec := daysSince1970(year, month, day)*daySeconds + int64(second)
	if sec < minSeconds || sec > maxSeconds {
		return 0, true
	}
	return sec*secondNS + int64(frac), false
}

// daysSince1970 is Howard Hinnant's days_from_civil: its year begins in March, so that the leap day
// is the last one.
func daysSince1970(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	// 400 years later no number is below 0; to divide such ones takes more instructions.
	y, m := uint32(year+400), uint32(month-3)
	return int64(365*y+y/4-y/100+y/400+(153*m+2)/5) + int64(day-1-719468-146097)
}

// inZone moves a time that was read as UTC into loc.
func inZone(ns int64, loc *time.Location) int64 {
	if loc == nil || loc == time.UTC {
		return ns
	}
	t := time.Unix(0, ns).UTC()
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), loc).UnixNano()
}

// notNumber is what two returns for anything but two digits: far above every limit.
const notNumber = 1_000_000

// two reads two digits.
func two(s string, i int) int {
	a, b := s[i]-'0', s[i+1]-'0'
	if a > 9 || b > 9 {
		return notNumber
	}
	return int(a)*10 + int(b)
}
