package group

import (
	"encoding/binary"
	"math/bits"

	"vswarden/event"
)

// Texts are compared by hashes of them, eight bytes at a time: byte by byte, they cost a third of the stage
// (BenchmarkHash). None outlives the process but FloodKey's, in the memory of detect: with another hash the
// sorts of the minute under way begin anew.
const (
	hashSeed = 0x9e3779b97f4a7c15
	hashMul  = 0xd6e8feb86659fd93
	eachByte = 0x0101010101010101
)

// hashFold hashes s without regard to the case of ASCII letters; 0 for none.
func hashFold(s string) uint64 {
	if s == "" {
		return 0
	}
	h := turn(hashSeed ^ uint64(len(s)))
	for ; len(s) > 8; s = s[8:] {
		h = turn(h ^ fold(event.Word(s)))
	}
	return turn(h^fold(tail(s))) | 1
}

// mix adds s to a hash.
func mix(h uint64, s string) uint64 {
	h = turn(h + hashSeed ^ uint64(len(s)))
	for ; len(s) > 8; s = s[8:] {
		h = turn(h ^ event.Word(s))
	}
	return turn(h ^ tail(s))
}

// turn makes every bit of a hash depend on all of them.
func turn(h uint64) uint64 {
	hi, lo := bits.Mul64(h, hashMul)
	return hi ^ lo
}

// half is the first four bytes of s.
func half(s string) uint64 {
	_ = s[3]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

// tail is all of s, which has eight bytes at most: with its length, no other has the same.
func tail(s string) uint64 {
	switch n := len(s); {
	case n >= 4: // all of them, some perhaps twice
		return half(s) | half(s[n-4:])<<32
	case n > 0:
		return uint64(s[0]) | uint64(s[n/2])<<8 | uint64(s[n-1])<<16
	}
	return 0
}

// fold makes small letters of the capital ones of ASCII among eight bytes.
func fold(w uint64) uint64 {
	low := w & (eachByte * 0x7f)
	from, beyond := low+eachByte*(0x80-'A'), low+eachByte*(0x80-'Z'-1) // the top bit: not below A, above Z
	return w | (from&^beyond&^w&(eachByte*0x80))>>2
}

// bytes16 are sixteen bytes that are compared at once.
type bytes16 [16]byte

// like has a bit for each of them that is b.
func (s *bytes16) like(b byte) uint16 {
	other := uint64(b) * eachByte
	return uint16(zeros(binary.LittleEndian.Uint64(s[:])^other) | zeros(binary.LittleEndian.Uint64(s[8:])^other)<<8)
}

// zeros has a bit for each byte of w that is zero.
func zeros(w uint64) uint64 {
	const low = eachByte * 0x7f
	z := ^(w&low + low | w | low) // the high bit of each
	return z >> 7 * 0x0102040810204080 >> 56
}
