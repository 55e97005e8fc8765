package access

import (
	"crypto/sha256"
	"strings"
	"testing"
)

func FuzzParseThumbprint(f *testing.F) {
	f.Add(strings.Repeat("AB:", 31) + "CD")
	f.Fuzz(func(t *testing.T, s string) {
		sum, ok := parseThumbprint(s)
		if again, fine := parseThumbprint(Colons(sum[:])); ok && (!fine || again != sum || len(sum) != sha256.Size) {
			t.Errorf("%q is %x", s, sum)
		}
	})
}
