package decode

import (
	"math/bits"
	"strings"

	"vswarden/event"
)

// What nearly every line is, is read here, with nothing tried twice; whatever is the least bit different, the long
// way reads. The long way would read these lines likewise: usual_test.go holds the two against each other.

// usualLine reads "<PRI>2014-12-10T19:23:45.733Z host Prog[pid]: text" off s and gives the text to e.Message. Of a line
// that it does not take it leaves e as it was.
func usualLine(e *event.Event, s string) bool {
	if len(s) < len("<191> ")+usualStampLen {
		return false
	}
	pri, end := usualPriority(s)
	if pri > 191 {
		return false
	}
	s = s[end:]
	nanos, ok := usualStamp(s)
	if !ok || s[usualStampLen] != ' ' || !usualHeader(e, s[usualStampLen+1:]) {
		return false
	}
	e.Syslog.Priority = int16(pri)
	e.Time, e.TimeText, e.TimeDigits, e.TimeSource = nanos, s[:usualStampLen], 3, event.TimeHeader
	return true
}

// usualPriority reads "<166>", "<14>" and "<6>" at the beginning of s, and where it ends; more than 191 if there is none.
func usualPriority(s string) (pri, end int) {
	_ = s[4]
	a, b, c := s[1]-'0', s[2]-'0', s[3]-'0'
	switch {
	case s[0] != '<' || a > 9:
	case s[4] == '>' && b <= 9 && c <= 9:
		return int(a)*100 + int(b)*10 + int(c), len("<166>")
	case s[3] == '>' && b <= 9:
		return int(a)*10 + int(b), len("<14>")
	case s[2] == '>':
		return int(a), len("<6>")
	}
	return notNumber, 0
}

// usualHeader reads "host Prog: text" and "host Prog[pid]: text" behind <PRI> and stamp, where host and Prog are of
// letters, digits, '-' and '.', as nearly all are: nothing else can then be meant.
func usualHeader(e *event.Event, s string) bool {
	ends := nameEnds(s)
	n, end := bits.TrailingZeros64(ends), bits.TrailingZeros64(ends&(ends-1))
	if n == 0 || end <= n+1 || end+1 >= len(s) || s[n] != ' ' || s[0] == '-' {
		return false
	}
	app, pid, colon := s[n+1:end], "", end
	if s[end] == '[' {
		closed := pidEnd(s[end:])
		if closed == 0 {
			return false
		}
		colon += closed + 1
		pid = s[end+1 : colon-1]
	}
	if colon+1 >= len(s) || s[colon] != ':' || s[colon+1] != ' ' || strings.HasPrefix(app, "vmsyslog.") {
		return false
	}
	e.Syslog.Hostname, e.Syslog.AppName, e.Syslog.ProcID, e.Message = s[:n], app, pid, trimSpaces(s[colon+2:])
	return true
}

// usualStampLen is the length of the stamps of ESXi since 5.0.
const usualStampLen = len("2006-01-02T15:04:05.000Z")

// Eight bytes of a stamp are looked at as one number. A part's text is its bytes with 0 for every digit; its bits are
// those in which it must be like that, which of a digit are the upper four; its six, added to what the lower four of
// each digit say, carries 10 and more into the upper four.
const (
	datePart, dateBits, dateSix       = 0x2d30302d30303030, 0xfff0f0fff0f0f0f0, 0x0006060006060606 // 2006-01-
	hourPart, hourBits, hourSix       = 0x30303a3030543030, 0xf0f0fff0f0fff0f0, 0x0606000606000606 // 02T15:04
	secondPart, secondBits, secondSix = 0x5a3030302e30303a, 0xfff0f0f0fff0f0ff, 0x0006060600060600 // :05.000Z
)

// usualStamp is anyStamp for the stamp that s begins with where it is ESXi's, in a year that no number is too small for.
// It reads three times eight bytes, which takes a third of the instructions (BenchmarkStamp).
func usualStamp(s string) (nanos int64, ok bool) {
	if len(s) < usualStampLen {
		return 0, false
	}
	date, hour, second := event.Word(s)^datePart, event.Word(s[8:])^hourPart, event.Word(s[16:])^secondPart
	if (date|(date+dateSix))&dateBits|(hour|(hour+hourSix))&hourBits|(second|(second+secondSix))&secondBits != 0 {
		return 0, false
	}
	milli := second >> 48 & 0xf
	date, hour, second = date*10+date>>8, hour*10+hour>>8, second*10+second>>8 // byte n: what the digits n and n+1 say
	year, month, day := int(date&0xff*100+date>>16&0xff), int(date>>40&0xff), int(hour&0xff)
	h, m, sec := hour>>24&0xff, hour>>48&0xff, second>>8&0xff
	milli += second >> 32 & 0xff * 10
	if year < 1970 || year > 2261 || !dateExists(year, month, day) || h > 23 || m > 59 || sec > 59 {
		return 0, false
	}
	return (daysSince1970(year, month, day)*daySeconds+int64(h*3600+m*60+sec))*secondNS + int64(milli)*1_000_000, true
}

// usualBracket takes "[Originator@6876 sub=Libs opID=1 sid=2 user=root]" off s where no value has quotes, brackets or
// an equals sign and no parameter another name, and returns the text behind it. One walk finds what ends a value, where
// originatorBracket looks for the end, for what is open before it, and then for each parameter.
func usualBracket(e *event.Event, s string) (text string, ok bool) {
	const begin = "[Originator@6876"
	if len(s) <= len(begin) || s[:len(begin)] != begin {
		return s, false
	}
	var none, user string
	logger, opID, session, hasUser := e.Logger, e.Hostd.OpID, e.Hostd.SessionID, false
	from, value := len(begin), &none
	place, ends := from, valueEnds(s[from:])
	for {
		for ends == 0 {
			if place += 64; place >= len(s) {
				return s, false
			}
			ends = valueEnds(s[place:])
		}
		end := place + bits.TrailingZeros64(ends)
		ends &= ends - 1
		if s[from] == '"' {
			return s, false
		}
		if c := s[end]; c == ']' {
			*value = s[from:end]
			s = s[end+1:]
			break
		} else if c == '[' {
			return s, false
		}
		name, next := end-len("user"), &opID
		switch s[name:end] {
		case "opID", "opId":
		case "user":
			next, hasUser = &user, true
		case " sub":
			name, next = name+1, &logger
		case " sid":
			name, next = name+1, &session
		default:
			return s, false
		}
		if name <= from || s[name-1] != ' ' {
			return s, false
		}
		*value = s[from : name-1]
		from, value = end+1, next
	}
	if none != "" {
		return s, false
	}
	e.Logger, e.Hostd.OpID, e.Hostd.SessionID = logger, opID, session
	if hasUser {
		e.User = splitUser(user)
	}
	return trimSpaces(s), true
}
