package kafka

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// Message is one record of a topic.
type Message struct {
	Key     string // never empty: order is kept per key
	Time    int64  // Unix milliseconds
	Headers []Header
	More    Encoded // headers behind these
	Value   []byte
}

// Encoded are headers that many messages share, as a record holds them.
type Encoded struct {
	count int
	bytes []byte
}

// Encode appends headers to dst and returns them as they are there; dst must not be written to while
// messages have them.
func Encode(dst []byte, headers []Header) ([]byte, Encoded) {
	from := len(dst)
	for i := range headers {
		dst = appendHeader(dst, &headers[i])
	}
	return dst, Encoded{len(headers), dst[from:len(dst):len(dst)]}
}

func appendHeader(dst []byte, h *Header) []byte {
	dst = binary.AppendVarint(dst, int64(len(h.Key)))
	dst = append(dst, h.Key...)
	dst = binary.AppendVarint(dst, int64(len(h.Value)))
	return append(dst, h.Value...)
}

// Header is one name and value beside a message's value.
type Header struct{ Key, Value string }

// A record batch, format 2, as Kafka keeps it (KIP-98), big endian:
//
//	┌────────┬────────┬────────┬───────┬─────┬────────────┬────────────┬───────────┬──────────┬─────┬───────┬──────────┬───────┬─────────┐
//	│ offset │ length │ epoch  │ magic │ crc │ attributes │ last delta │ base time │ max time │ pid │ epoch │ sequence │ count │ records │
//	│ i64    │ i32    │ i32 -1 │ i8 2  │ u32 │ i16        │ i32        │ i64 ms    │ i64 ms   │ -1  │ -1    │ i32 -1   │ i32   │ …       │
//	└────────┴────────┴────────┴───────┴─────┴────────────┴────────────┴───────────┴──────────┴─────┴───────┴──────────┴───────┴─────────┘
//
// length counts what follows it, crc (CRC-32C) covers what follows it, attributes hold the
// compression of the records. Each record, its numbers zigzag varints:
//
//	┌────────┬────────────┬────────────┬──────────────┬─────┬─────┬─────┬───────┬───────┬─────────────────────────────────┐
//	│ length │ attributes │ time delta │ offset delta │ len │ key │ len │ value │ count │ headers: len, key, len, value … │
//	└────────┴────────────┴────────────┴──────────────┴─────┴─────┴─────┴───────┴───────┴─────────────────────────────────┘
const (
	batchHeader = 61
	// recordMost is more than a record has beside its key, value and headers.
	recordMost = 32
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sizeOf returns at least what m takes in a batch that is not compressed.
func sizeOf(m *Message) int {
	n := recordMost + len(m.Key) + len(m.Value) + len(m.More.bytes)
	for i := range m.Headers {
		n += 2*binary.MaxVarintLen32 + len(m.Headers[i].Key) + len(m.Headers[i].Value)
	}
	return n
}

// appendBatchHeader appends room for the header of a batch; finishBatch fills it in.
func appendBatchHeader(dst []byte) []byte {
	var room [batchHeader]byte
	return append(dst, room[:]...)
}

// appendRecord appends m as number i of a batch whose first record has the time base.
func appendRecord(dst []byte, m *Message, i int, base int64) []byte {
	delta := m.Time - base
	n := 1 + varintLen(delta) + varintLen(int64(i)) +
		varintLen(int64(len(m.Key))) + len(m.Key) + varintLen(int64(len(m.Value))) + len(m.Value) +
		varintLen(int64(len(m.Headers)+m.More.count)) + len(m.More.bytes)
	for j := range m.Headers {
		h := &m.Headers[j]
		n += varintLen(int64(len(h.Key))) + len(h.Key) + varintLen(int64(len(h.Value))) + len(h.Value)
	}
	dst = binary.AppendVarint(dst, int64(n))
	dst = append(dst, 0) // attributes: none are defined
	dst = binary.AppendVarint(dst, delta)
	dst = binary.AppendVarint(dst, int64(i))
	dst = binary.AppendVarint(dst, int64(len(m.Key)))
	dst = append(dst, m.Key...)
	dst = binary.AppendVarint(dst, int64(len(m.Value)))
	dst = append(dst, m.Value...)
	dst = binary.AppendVarint(dst, int64(len(m.Headers)+m.More.count))
	for j := range m.Headers {
		dst = appendHeader(dst, &m.Headers[j])
	}
	return append(dst, m.More.bytes...)
}

// batchFacts are what the header of a batch says of its records.
type batchFacts struct {
	count      int
	base, last int64 // Unix milliseconds: of the first record, and the latest of all
	codec      int8
}

// finishBatch fills in the header of b, which holds one whole batch.
func finishBatch(b []byte, f batchFacts) {
	be := binary.BigEndian
	be.PutUint64(b, 0)
	be.PutUint32(b[8:], uint32(len(b)-12))
	be.PutUint32(b[12:], ^uint32(0))
	b[16] = 2
	be.PutUint16(b[21:], uint16(f.codec))
	be.PutUint32(b[23:], uint32(f.count-1))
	be.PutUint64(b[27:], uint64(f.base))
	be.PutUint64(b[35:], uint64(f.last))
	be.PutUint64(b[43:], ^uint64(0)) // no producer id: repeats are told by event-id
	be.PutUint16(b[51:], ^uint16(0))
	be.PutUint32(b[53:], ^uint32(0))
	be.PutUint32(b[57:], uint32(f.count))
	be.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli))
}

// varintLen is the length of v as a zigzag varint.
func varintLen(v int64) int {
	return (bits.Len64(uint64(v)<<1^uint64(v>>63)|1) + 6) / 7
}
