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
	binary.BigEndian.PutUint64(id[:8], epoch)
	binary.BigEndian.PutUint64(id[8:], number)
	return id
}

// IDLen is the length of an ID as text.
const IDLen = 26

// crockford is Crockford's base32 alphabet: no I, L, O, U.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var errID = errors.New("not an event id: 26 characters of Crockford base32")

// AppendText appends the 26 characters of id: 130 bits, the first two of them zero.
func (id ID) AppendText(dst []byte) []byte {
	hi, lo := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	var b [IDLen]byte
	for i := IDLen - 1; i >= 0; i-- {
		b[i] = crockford[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return append(dst, b[:]...)
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
