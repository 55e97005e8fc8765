package event

import (
	"encoding/binary"
	"errors"
)

// ID names a record for good (event.id): a random 64-bit epoch, new at each start of the log,
// and the record's own 64-bit number. Consumers use it to drop repeats.
type ID [16]byte

// NewID joins an epoch and a record number.
func NewID(epoch, number uint64) (id ID) {
	id.Set(epoch, number)
	return id
}

// Set makes id what NewID returns. It fills it where it stands: a copy of what was stored in halves just before waits for
// the stores.
func (id *ID) Set(epoch, number uint64) {
	binary.BigEndian.PutUint64(id[:8], epoch)
	binary.BigEndian.PutUint64(id[8:], number)
}

// IDLen is the length of an ID as text.
const IDLen = 26

// crockford is Crockford's base32 alphabet: no I, L, O, U.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var errID = errors.New("not an event id: 26 characters of Crockford base32")

// crockfordPairs are the numbers below 1024, two characters each; read-only.
var crockfordPairs = makeCrockfordPairs()

func makeCrockfordPairs() (pairs [1024]uint16) {
	for i := range pairs {
		pairs[i] = uint16(crockford[i>>5]) | uint16(crockford[i&31])<<8
	}
	return pairs
}

// AppendText appends the 26 characters of id: 130 bits, the first two of them zero. The halves
// share the 14th character, so that the twelve after it are made beside the twelve before it.
func (id ID) AppendText(dst []byte) []byte {
	hi, lo := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	dst = append(dst, crockford[:IDLen]...) // room, filled in where it stands
	b := dst[len(dst)-IDLen:]
	b[13] = crockford[(hi<<4|lo>>60)&31]
	hi >>= 1
	for i := 11; i > 0; i -= 2 {
		binary.LittleEndian.PutUint16(b[i:], crockfordPairs[hi&1023])
		binary.LittleEndian.PutUint16(b[i+13:], crockfordPairs[lo&1023])
		hi, lo = hi>>10, lo>>10
	}
	b[0] = crockford[hi&31]
	return dst
}

// String returns the 26 characters of id.
func (id ID) String() string { return string(id.AppendText(nil)) }

// ParseID reads what AppendText wrote; lower case is accepted.
func ParseID(s string) (ID, error) {
	if len(s) != IDLen || s[0] > '7' {
		return ID{}, errID
	}
	var hi, lo uint64
	for i := range len(s) {
		v := crockfordValue(s[i])
		if v < 0 {
			return ID{}, errID
		}
		hi = hi<<5 | lo>>59
		lo = lo<<5 | uint64(v)
	}
	return NewID(hi, lo), nil
}

func crockfordValue(c byte) int {
	if c >= 'a' && c <= 'z' {
		c -= 'a' - 'A'
	}
	for i := range len(crockford) {
		if crockford[i] == c {
			return i
		}
	}
	return -1
}
