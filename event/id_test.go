package event

import (
	"math/big"
	"strings"
	"testing"
)

// TestIDText holds ids against big.Int, which writes base 32 with another alphabet.
func TestIDText(t *testing.T) {
	alphabet := strings.NewReplacer(strings.Split("a A b B c C d D e E f F g G h H i J j K k M l N m P n Q o R p S q T r V s W t X u Y v Z", " ")...)
	for _, n := range []uint64{0, 1, 2, 31, 32, 1<<63 - 1, 1 << 63, 1<<64 - 1, 0x123456789abcdef0, 0xfedcba9876543210} {
		for _, epoch := range []uint64{0, 1, 1<<63 - 1, 1 << 63, 1<<64 - 1, 0x0f1e2d3c4b5a6978} {
			id := NewID(epoch, n)
			want := alphabet.Replace(new(big.Int).SetBytes(id[:]).Text(32))
			want = strings.Repeat("0", IDLen-len(want)) + want
			if got := id.String(); got != want {
				t.Errorf("%x is %s, want %s", id[:], got, want)
			}
			for _, s := range []string{id.String(), strings.ToLower(id.String())} {
				if back, err := ParseID(s); err != nil || back != id {
					t.Errorf("%s was read as %v, %v", s, back, err)
				}
			}
		}
	}
	for _, bad := range []string{"", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "0000000000000000000000000", "0000000000000000000000000U", "00000000000000000000000000 "} {
		if id, err := ParseID(bad); err == nil {
			t.Errorf("%q was read as %v", bad, id)
		}
	}
}
