package event

import (
	"math/bits"
	"unicode/utf8"
)

// Eight equal bytes each, to look at eight bytes of text at once.
const (
	eachByte  = 0x0101010101010101
	highBits  = 0x80 * eachByte
	lowBits   = 0x7f * eachByte
	quotes    = '"' * eachByte
	slashes   = '\\' * eachByte
	toPrint   = 0x60 * eachByte // carries a byte below 0x80 over 0x7f when it is 0x20 or more
	hexDigits = "0123456789abcdef"
)

// ScanRaw looks at Raw once for all who will write parts of it: it reports whether Raw is UTF-8, and
// notes how much of it, from its beginning, can stand in a JSON string as it is.
func (e *Event) ScanRaw() (isUTF8 bool) {
	i := plain(e.Raw, 0)
	e.clean = e.Raw[:i]
	return i == len(e.Raw) || utf8.ValidString(e.Raw[i:])
}

// appendPart is appendText for what is likely to be a part of Raw: most lines have nothing to be
// escaped, and then none of their parts is looked at again; of others only what stands behind the first such place.
func (e *Event) appendPart(dst []byte, s string) []byte {
	at, ok := within(e.clean, s)
	switch {
	case ok:
		return append(dst, s...)
	case at < uintptr(len(e.clean)): // it begins there
		return appendRest(dst, s, plain(s, len(e.clean)-int(at)))
	}
	return appendText(dst, s)
}

// appendPartField is appendField, likewise.
func (e *Event) appendPartField(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, key...)
	dst = e.appendPart(dst, value)
	return append(dst, '"', ',')
}

// appendText appends s as the inside of a JSON string. Quotes, backslashes and control characters
// (C0, DEL, C1: a terminal may obey those too) are escaped, each byte that is not UTF-8 becomes
// U+FFFD, and all other text passes as it is.
func appendText(dst []byte, s string) []byte {
	i := plain(s, 0)
	if i == len(s) { // most texts
		return append(dst, s...)
	}
	return appendRest(dst, s, i)
}

// appendRest is appendText of a text that is plain up to i.
func appendRest(dst []byte, s string, i int) []byte {
	start := 0
	for i < len(s) {
		c := s[i]
		if c < utf8.RuneSelf {
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, c)
			start = i + 1
			i = plain(s, start)
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, s[start:i]...)
			dst = append(dst, "\uFFFD"...)
			start = i + 1
		case r < 0xa0:
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, byte(r))
			start = i + size
		}
		i += size
		if i < len(s) && s[i] < utf8.RuneSelf { // a word of another script is often followed by more
			i = plain(s, i)
		}
	}
	return append(dst, s[start:]...)
}

// plain returns the index of the first byte of s at or after i that cannot stand in a JSON string
// as it is or is not ASCII, else len(s). It is where encoding spends its time, so it looks at
// sixteen bytes at once, or at eight: see BenchmarkAppendText.
func plain(s string, i int) int {
	if i+16 <= len(s) {
		i = plainBlocks(s, i)
	}
	for ; i+8 <= len(s); i += 8 {
		if m := special(Word(s[i : i+8])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return i
		}
	}
	return i
}

// special marks the high bit of each byte of w that is not plain. Up to and including the first
// such byte the marks are exact; a carry may falsify those after it.
func special(w uint64) uint64 {
	plain := (w + toPrint) & ((w ^ quotes) + lowBits) & ((w ^ slashes) + lowBits)
	return (^plain | w | (w + eachByte)) & highBits
}

// Word is the first eight bytes of s, the first one lowest; the compiler makes one load of it.
func Word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
