package event

import (
	"net/netip"
	"testing"
)

func TestAddressesAsNetipWritesThem(t *testing.T) {
	check := func(a netip.Addr) {
		if got, want := string(appendAddr([]byte("x"), a)), "x"+a.Unmap().WithZone("").String(); got != want {
			t.Fatalf("%v is %q, want %q", a, got, want)
		}
	}
	for i := range 256 {
		for _, j := range []int{0, 9, 10, 99, 100, 255, i} {
			b := [4]byte{byte(i), byte(j), byte(i), byte(j)}
			check(netip.AddrFrom4(b))
			check(netip.AddrFrom4([4]byte{b[1], b[0], b[3], b[3]}))
		}
	}
	for _, s := range []string{"::", "fe80::1%vmk0", "::ffff:192.0.2.1", "2001:db8::ff"} {
		check(netip.MustParseAddr(s))
	}
}
