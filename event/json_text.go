package event

import (
	"encoding/binary"
	"math"
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

// marks are the places in Raw of the bytes that have to be escaped, as far as they are known: all before end, which are of
// ASCII. A frame with more of them, or of more than 64 KiB, is looked at again behind that.
type marks struct {
	n      uint8
	noSign bool // there is no # in all of Raw; false says nothing
	end    uint16
	at     [6]uint16
}

// ScanRaw looks at Raw once for all who will write parts of it: it reports whether Raw is UTF-8, and
// notes how much of it, from its beginning, can stand in a JSON string as it is, and what cannot, behind that.
func (e *Event) ScanRaw() (isUTF8 bool) {
	s, m := e.Raw, &e.marks
	i, others, sign := specials(s, 0)
	e.clean, m.n = s[:i], 0
	for i < len(s) && s[i] < utf8.RuneSelf && int(m.n) < len(m.at) && i < math.MaxUint16 {
		m.at[m.n] = uint16(i)
		m.n++
		if others != 0 {
			next := bits.TrailingZeros64(others) + 1
			i, others = i+next, others>>next
		} else {
			var more bool
			i, others, more = specials(s, i+1)
			sign = sign || more
		}
	}
	m.end, m.noSign = uint16(min(i, math.MaxUint16)), i == len(s) && !sign
	return i == len(s) || utf8.ValidString(s[i:])
}

// NoSign reports that s, a part of Raw, has no #, as ScanRaw saw on its way; false says nothing.
func (e *Event) NoSign(s string) bool {
	_, ok := within(e.Raw, s)
	return ok && e.marks.noSign
}

// appendPart is appendText for what is likely to be a part of Raw: most lines have nothing to be
// escaped, and then none of their parts is looked at again; of others what has to be is known mostly.
func (e *Event) appendPart(dst []byte, s string) []byte {
	at, ok := within(e.clean, s)
	switch {
	case ok:
		return append(dst, s...)
	case at < uintptr(len(e.clean)): // it begins there
		return e.marks.appendText(dst, s, int(at))
	}
	return appendText(dst, s)
}

// appendText is appendText of a text that begins in Raw at a place before all marks, and ends behind the first one.
func (m *marks) appendText(dst []byte, s string, at int) []byte {
	start := 0
	for _, mark := range m.at[:m.n] {
		i := int(mark) - at
		if i >= len(s) {
			break
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscape(dst, s[i])
		start = i + 1
	}
	if i := max(0, int(m.end)-at); i < len(s) {
		return appendRest(dst, s[start:], plain(s[start:], i-start))
	}
	return append(dst, s[start:]...)
}

// appendPartField is appendField, likewise.
func (e *Event) appendPartField(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	return e.appendPartEnd(append(dst, key...), value)
}

// appendPartEnd appends what stands behind a key: a part of Raw, a quote and a comma. Most are short and plain, and stand
// before more that is. Those are moved here, with so much of what is behind them that all of them are of one length, and the
// quote is put where they end: to ask how long one is would cost more, since it is seldom as long as the one before.
//
// A profile would have the compiler put it into appendPartField, which then is too large to be put where it is called, and
// each key there would be no constant any more.
//
//go:noinline
func (e *Event) appendPartEnd(dst []byte, s string) []byte {
	at, ok := within(e.clean, s)
	if !ok {
		return append(e.appendPart(dst, s), '"', ',')
	}
	const longest = 32
	n := len(s)
	if n > longest || int(at)+longest > len(e.clean) || cap(dst)-len(dst) < longest+2 {
		dst = append(dst, s...)
		return append(dst, '"', ',')
	}
	from, b := e.clean[at:int(at)+longest], (*[longest + 2]byte)(dst[len(dst):len(dst)+longest+2])
	binary.LittleEndian.PutUint64(b[:], Word(from))
	binary.LittleEndian.PutUint64(b[8:], Word(from[8:]))
	binary.LittleEndian.PutUint64(b[16:], Word(from[16:]))
	binary.LittleEndian.PutUint64(b[24:], Word(from[24:]))
	b[n], b[n+1] = '"', ','
	return dst[:len(dst)+n+2]
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
	if hasBlocks && len(s) >= 16 {
		at, _, _ := plainBlocks(s, i)
		return at
	}
	for ; i+8 <= len(s); i += 8 {
		if m := special(Word(s[i : i+8])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(s); i++ {
		if !isPlain(s[i]) {
			return i
		}
	}
	return i
}

// specials is plain that tells more where it can: bit 0 of others is set where the byte behind that one is like it, and so on.
// Behind the last bit that is set, nothing is said. Without sign, there is no # from i up to there, or to at.
func specials(s string, i int) (at int, others uint64, sign bool) {
	if hasBlocks && len(s) >= 16 {
		return plainBlocks(s, i)
	}
	return plain(s, i), 0, true
}

// isPlain reports whether a byte is ASCII and can stand in a JSON string as it is.
func isPlain(c byte) bool { return c >= ' ' && c < 0x7f && c != '"' && c != '\\' }

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
