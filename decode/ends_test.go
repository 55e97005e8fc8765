package decode

import (
	"math/bits"
	"strings"
	"testing"
)

// TestEnds puts every byte at every place of texts of many lengths: below 64 bytes Go tells where names and values end,
// from there on blocks do where there are any.
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
		if got, want := valueEnds(s), slow(s, isValueEnd); got != want {
			t.Fatalf("values end in %q at %064b, want %064b", s, got, want)
		}
		got, want := nameEnds(s), slow(s, isNameEnd)
		second := 1<<bits.TrailingZeros64(want&(want-1)) | (uint64(1)<<bits.TrailingZeros64(want&(want-1)) - 1) // all where there is none
		if got&^want != 0 || got&second != want&second {
			t.Fatalf("names end in %q at %064b, want %064b up to the second", s, got, want)
		}
	}
	for _, length := range []int{0, 1, 7, 8, 9, 31, 32, 40, 63, 64, 65, 100} {
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
