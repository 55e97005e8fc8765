package event

import (
	"math/bits"
	"slices"
)

// powers are 1 and the powers of ten that a uint64 holds; read-only.
var powers = [...]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

// appendNumber appends a number and a comma. It is written where it stands, since how long it is can be told beforehand: package
// strconv writes it elsewhere first and copies it. It is not put into appendUint, for the reason that appendPartEnd is not put
// where it is called.
//
//go:noinline
func appendNumber(dst []byte, v uint64) []byte {
	n := bits.Len64(v|1) * 1233 >> 12 // the digits, or one less: 1233/4096 is the logarithm of two, for 64 bits
	if v|1 >= powers[n] {
		n++
	}
	at := len(dst)
	dst = slices.Grow(dst, len("18446744073709551615,"))[:at+n+len(",")]
	b := dst[at:]
	b[n] = ','
	for ; v >= 100; v /= 100 {
		n -= 2
		put2(b[n:], uint32(v%100))
	}
	if v >= 10 {
		put2(b, uint32(v))
	} else {
		b[0] = '0' + byte(v)
	}
	return dst
}
