package pipeline

import (
	"encoding/binary"
	"net/netip"
)

// nearBits is how many bits of a hash of an address are its place in a near: 32 KiB.
const nearBits = 10

// near is where what belongs to an address is looked for before a map is asked, which costs more. It knows what was put there
// last of all addresses that have one place, also where the map has let go of it since.
type near[T any] [1 << nearBits]struct {
	addr netip.Addr
	of   *T
}

// get returns what was put there for a, if that is still there.
func (n *near[T]) get(a netip.Addr) *T {
	if p := &n[nearOf(a)]; p.addr == a {
		return p.of
	}
	return nil
}

func (n *near[T]) put(a netip.Addr, of *T) {
	p := &n[nearOf(a)]
	p.addr, p.of = a, of
}

func nearOf(a netip.Addr) uint64 {
	b := a.As16()
	return binary.LittleEndian.Uint64(b[8:]) * 0x9e3779b97f4a7c15 >> (64 - nearBits)
}
