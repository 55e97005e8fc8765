package decode

import (
	"math/bits"

	"vswarden/event"
)

// Where names and values end is told of many bytes at once: bit n of an answer is byte n of the text.

// nameEnds has a bit for each byte of the first 64 of s that is not inName, up to the second one at least.
func nameEnds(s string) (ends uint64) {
	if hasBlocks && len(s) >= 64 {
		if ends = nameBlocks(s); ends&(ends-1) == 0 { // a long name
			ends |= nameBlocks(s[32:]) << 32
		}
		return ends
	}
	for i := range min(len(s), 64) {
		if classes[s[i]]&inName == 0 {
			if ends |= 1 << i; ends&(ends-1) != 0 {
				break
			}
		}
	}
	return ends
}

// valueEnds has a bit for each '=', '[' and ']' in the first 64 bytes of s. Without blocks it looks at eight bytes at once:
// taking 1 from a byte that became 0 sets its highest bit, and from another of ASCII only where such a one is below it. The
// '=' and the ']' differ in two bits: without those two they are one, and '}' is like them.
func valueEnds(s string) (ends uint64) {
	if hasBlocks && len(s) >= 64 {
		return valueBlocks(s)
	}
	const each, high = 0x0101010101010101, 0x8080808080808080
	i, n := 0, min(len(s), 64)
	for ; i <= n-8; i += 8 {
		w := event.Word(s[i : i+8])
		closed, open := w&^(('='^']')*each)^('='&']')*each, w^'['*each
		for m := ((closed - each) | (open - each)) &^ w & high; m != 0; m &= m - 1 {
			if at := i + bits.TrailingZeros64(m)>>3; isValueEnd(s[at]) {
				ends |= 1 << at
			}
		}
	}
	for ; i < n; i++ {
		if isValueEnd(s[i]) {
			ends |= 1 << i
		}
	}
	return ends
}

func isValueEnd(c byte) bool { return c == '=' || c == '[' || c == ']' }
