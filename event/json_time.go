package event

import "encoding/binary"

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

// digitPairs are the numbers below 100, two digits each; read-only.
var digitPairs = makeDigitPairs()

func makeDigitPairs() (pairs [100]uint16) {
	for i := range pairs {
		pairs[i] = uint16('0'+i/10) | uint16('0'+i%10)<<8
	}
	return pairs
}

// put2 writes a number below 100.
func put2(b []byte, v uint32) { binary.LittleEndian.PutUint16(b, digitPairs[v]) }

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
