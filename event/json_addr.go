package event

import (
	"encoding/binary"
	"net/netip"
)

// octet is a number below 256 as text with a dot behind it.
type octet struct {
	text   uint64 // its bytes, the first one lowest
	length uint64
}

// octets are all of them; read-only.
var octets = makeOctets()

func makeOctets() (table [256]octet) {
	for i := range table {
		for _, digit := range netip.AddrFrom4([4]byte{0, 0, 0, byte(i)}).String()[len("0.0.0."):] + "." {
			table[i].text |= uint64(digit) << (8 * table[i].length)
			table[i].length++
		}
	}
	return table
}

// appendAddr appends an address without its zone, one of IPv4 as such. Nearly every event has one; it takes half of
// what package netip does (BenchmarkAppendAddr).
func appendAddr(dst []byte, a netip.Addr) []byte {
	if a = a.Unmap(); !a.Is4() {
		return a.WithZone("").AppendTo(dst)
	}
	four := a.As4()
	a0, a1, a2, a3 := &octets[four[0]], &octets[four[1]], &octets[four[2]], &octets[four[3]]
	at, half := len(dst), a0.length+a1.length
	dst = append(dst, "255.255.255.255."...) // room, filled in where it stands
	b := dst[at:]
	binary.LittleEndian.PutUint64(b, a0.text|a1.text<<(8*a0.length&63))
	binary.LittleEndian.PutUint64(b[half:], a2.text|a3.text<<(8*a2.length&63))
	return dst[:at+int(half+a2.length+a3.length)-1]
}
