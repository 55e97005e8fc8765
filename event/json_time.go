package event

const (
	second    = 1_000_000_000
	daySecond = 24 * 60 * 60
)

// appendTime appends Unix nanoseconds as RFC 3339 in UTC with that many fractional digits, 0–9;
// what lies below them is cut off. The range of an int64 is 1677 to 2262, so a year has four digits.
func appendTime(dst []byte, ns int64, digits int) []byte {
	sec, frac := ns/second, ns%second
	if frac < 0 {
		sec, frac = sec-1, frac+second
	}
	day, sod := sec/daySecond, sec%daySecond
	if sod < 0 {
		day, sod = day-1, sod+daySecond
	}
	year, month, dom := civil(day)
	// The form is copied and then filled in: to build it elsewhere and copy it would wait for each
	// of its bytes to be stored.
	const form = "2006-01-02T15:04:05.000000000Z"
	dst = append(dst, form...)
	at := len(dst) - len(form)
	b := dst[at : at+len(form)]
	put2(b[0:], year/100)
	put2(b[2:], year%100)
	put2(b[5:], month)
	put2(b[8:], dom)
	put2(b[11:], uint32(sod/3600))
	put2(b[14:], uint32(sod/60%60))
	put2(b[17:], uint32(sod%60))
	end := len("2006-01-02T15:04:05")
	if digits > 0 {
		put3(b[20:], uint32(frac)/1e6)
		put3(b[23:], uint32(frac)/1e3%1e3)
		put3(b[26:], uint32(frac)%1e3)
		end += 1 + digits
	}
	b[end] = 'Z'
	return dst[:at+end+1]
}

// printed is what AppendJSON printed last of what is much alike from one event to the next.
type printed struct {
	created secondText
	id      idText
}

// secondText is a second as text. Receive times of one event and the next are mostly of the same second, so that
// only what is below it has to be printed: a tenth of appendTime's work.
type secondText struct {
	second int64
	text   [len("2006-01-02T15:04:05.")]byte // not set: it begins with 0
}

// appendMicros is appendTime with six digits.
func (t *secondText) appendMicros(dst []byte, ns int64) []byte {
	if t.text[0] == 0 || ns < t.second*second || ns >= (t.second+1)*second {
		at := len(dst)
		dst = appendTime(dst, ns, 6)
		if ns >= 0 {
			t.second = ns / second
			copy(t.text[:], dst[at:])
		}
		return dst
	}
	micros := uint32(ns-t.second*second) / 1e3
	dst = append(dst, t.text[:]...)
	dst = append(dst, "000000Z"...)
	b := dst[len(dst)-len("000000Z"):]
	put2(b, micros/1e4)
	put2(b[2:], micros/1e2%100)
	put2(b[4:], micros%100)
	return dst
}

// pairs are the numbers below 100, two digits each.
const pairs = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"

// put2 writes a number below 100.
func put2(b []byte, v uint32) {
	_ = b[1]
	p := pairs[v%100*2:]
	b[0], b[1] = p[0], p[1]
}

// put3 writes a number below 1000.
func put3(b []byte, v uint32) {
	_ = b[2]
	b[0] = byte('0' + v/100)
	put2(b[1:], v%100)
}

// civil turns days since 1970-01-01 into a date of the Gregorian calendar: Howard Hinnant's
// civil_from_days. Its year begins in March, so that the leap day is the last of a year.
func civil(day int64) (year, month, dom uint32) {
	z := uint32(day + 719468) // days since 0000-03-01; positive for every int64 of nanoseconds
	era, doe := z/146097, z%146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	dom = doy - (153*mp+2)/5 + 1
	year = yoe + era*400
	if mp < 10 {
		return year, mp + 3, dom
	}
	return year + 1, mp - 9, dom
}
