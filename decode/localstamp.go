package decode

import "strings"

// localStamp reads stamps that relays and exports write in other places and languages, none of which
// names a time zone. It returns their length; 0 means that there is none.
//
//	Mär  1 10:00:00 · févr. 12 10:00:00 · Okt 12 10:00:00      RFC 3164 with another month
//	12 Mar 2026 10:00:00 · 1 Mar 10:00:00                      day first
//	Sun Mar  1 10:00:00 2026                                   with the day of the week
//	2026/03/01 10:00:00 · 01.03.2026 10:00:00
func localStamp(s string) (c bsdClock, n int) {
	if len(s) < len("1 Mar 10:00:00") {
		return c, 0
	}
	if isDigit(s[0]) {
		return digitStamp(s)
	}
	i := strings.IndexByte(s[:min(len(s), 10)], ' ')
	if i < 3 {
		return c, 0
	}
	if isWeekday(s[:i]) && !isWeekday(firstWord(s[i+1:min(len(s), i+8)])) { // one: each is a call of its own
		c, n = localStamp(s[i+1:])
		if n == 0 {
			if c, n = bsdStamp(s[i+1:]); n == 0 {
				return c, 0
			}
		}
		return c, n + i + 1
	}
	if c.month = localMonth(s[:i]); c.month == 0 {
		return c, 0
	}
	return c.dayAndClock(s, i+1)
}

// dayAndClock reads " 1 10:00:00" behind a month, with a year after the day or the time.
func (c bsdClock) dayAndClock(s string, n int) (bsdClock, int) {
	for n < len(s) && s[n] == ' ' {
		n++
	}
	day, digits := number(s[min(n, len(s)):])
	if digits == 0 || digits > 2 {
		return c, 0
	}
	c.day = int(day)
	n += digits
	if n < len(s) && s[n] == '.' {
		n++
	}
	if n >= len(s) || s[n] != ' ' {
		return c, 0
	}
	n++
	if year, ok := bsdYear(s[n:]); ok {
		c.year = year
		n += len("2026 ")
	}
	return c.clock(s, n)
}

// digitStamp reads the forms that begin with a digit.
func digitStamp(s string) (c bsdClock, n int) {
	if len(s) >= 19 && s[4] == '/' && s[7] == '/' && s[10] == ' ' {
		c.year, c.month, c.day = two(s, 0)*100+two(s, 2), two(s, 5), two(s, 8)
		return c.valid(s, 11)
	}
	if len(s) >= 19 && s[2] == '.' && s[5] == '.' && s[10] == ' ' {
		c.year, c.month, c.day = two(s, 6)*100+two(s, 8), two(s, 3), two(s, 0)
		return c.valid(s, 11)
	}
	day, digits := number(s)
	if digits == 0 || digits > 2 || s[digits] != ' ' && s[digits] != '-' {
		return c, 0
	}
	n = digits + 1
	i := strings.IndexByte(s[n:min(len(s), n+8)], s[digits])
	if i < 3 {
		return c, 0
	}
	c.day = int(day)
	if c.month = localMonth(s[n : n+i]); c.month == 0 {
		return c, 0
	}
	n += i + 1
	if year, ok := bsdYear(s[n:]); ok {
		c.year = year
		n += len("2026 ")
	}
	return c.clock(s, n)
}

// valid reads the clock behind a date in digits.
func (c bsdClock) valid(s string, n int) (bsdClock, int) {
	if c.year > 9999 || !dateExists(c.year, c.month, c.day) {
		return c, 0
	}
	return c.clock(s, n)
}

// localMonth is 1 to 12 for a month as English, German, French, Spanish, Italian, Portuguese and Dutch
// systems shorten it, in any case; 0 for any other word.
func localMonth(word string) int {
	word = strings.TrimSuffix(word, ".")
	for i, names := range [...]string{
		"jan janv ene gen januar", "feb févr fév fev", "mar mär mrz mars mrt märz maart", "apr avr abr april",
		"may mai mei mag", "jun juin giu juni", "jul juil lug juli", "aug août aoû ago", "sep sept set", "oct okt ott out", "nov", "dec déc dez dic",
	} {
		for names != "" {
			var name string
			name, names, _ = strings.Cut(names, " ")
			if len(name) == len(word) && strings.EqualFold(name, word) {
				return i + 1
			}
		}
	}
	return 0
}

// isWeekday reports an English day of the week, as ctime and date write it.
func isWeekday(word string) bool {
	switch strings.TrimSuffix(word, ",") {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}
