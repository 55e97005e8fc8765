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
	buf := [len("2006-01-02T15:04:05.000000000Z")]byte{
		4: '-', 7: '-', 10: 'T', 13: ':', 16: ':', 19: '.',
	}
	put2(buf[0:], year/100)
	put2(buf[2:], year%100)
	put2(buf[5:], month)
	put2(buf[8:], dom)
	put2(buf[11:], uint32(sod/3600))
	put2(buf[14:], uint32(sod/60%60))
	put2(buf[17:], uint32(sod%60))
	end := 19
	if digits > 0 {
		f := uint32(frac)
		for i := 28; i >= 20; i-- {
			buf[i] = byte('0' + f%10)
			f /= 10
		}
		end = 20 + digits
	}
	buf[end] = 'Z'
	return append(dst, buf[:end+1]...)
}

func put2(b []byte, v uint32) {
	_ = b[1]
	b[0], b[1] = byte('0'+v/10), byte('0'+v%10)
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
