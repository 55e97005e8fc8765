package decode

import (
	"math/bits"
	"strings"
	"testing"
)

// TestEnds puts every byte at every place of texts of many lengths, and asks what is Go and what is not.
func TestEnds(t *testing.T) {
	isNameEnd := func(c byte) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.", rune(c))
	}
	slow := func(s string, ends func(c byte) bool) (mask uint64) {
		for i := range min(len(s), 64) {
			if ends(s[i]) {
				mask |= 1 << i
			}
		}
		return mask
	}
	check := func(s string) {
		t.Helper()
		want := slow(s, func(c byte) bool { return c == '=' || c == '[' || c == ']' })
		known := uint64(1)<<strings.IndexByte(s+"]", ']')<<1 - 1 // up to the first ']'; all where there is none
		for _, ends := range []func(string) uint64{valueEnds, valueEndsByByte} {
			if got := ends(s); got&^want != 0 || got&known != want&known {
				t.Fatalf("values end in %q at %064b, want %064b up to the first ]", s, got, want)
			}
		}
		want = slow(s, isNameEnd)
		known = uint64(1)<<bits.TrailingZeros64(want&(want-1))<<1 - 1 // up to the second; all where there is none
		for _, ends := range []func(string) uint64{nameEnds, nameEndsByByte} {
			if got := ends(s); got&^want != 0 || got&known != want&known {
				t.Fatalf("names end in %q at %064b, want %064b up to the second", s, got, want)
			}
		}
	}
	for _, length := range []int{0, 1, 15, 16, 17, 31, 32, 33, 40, 48, 63, 64, 65, 100} {
		for _, fill := range []string{"a", "=", "zA9.", "] x", "}_/:"} {
			b := []byte(strings.Repeat(fill, length)[:length])
			check(string(b))
			for at, kept := range b {
				for c := range 256 {
					b[at] = byte(c)
					check(string(b))
				}
				b[at] = kept
			}
		}
	}
}
