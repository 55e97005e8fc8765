package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"unsafe"

	"github.com/segmentio/kafka-go/compress"
)

// Stored is a message as a partition has it. All it points into is one batch's memory, which is
// not used again: it lives as long as any message of the batch.
type Stored struct {
	Message
	Offset int64
}

// unpackedMax bounds what one batch may become when it is unpacked.
const unpackedMax = 256 << 20

var errBatch = errors.New("not a record batch as Kafka writes it since 0.11")

// appendStored appends the messages of the batches in b from an offset on, and returns the offset
// after the last batch. A batch that is cut off, as the last one of an answer may be, is left out.
// With an error come the messages before the batch that is none, and its offset.
func appendStored(dst []Stored, b []byte, from int64) (all []Stored, next int64, err error) {
	be := binary.BigEndian
	next = from
	for len(b) >= batchHeader {
		base, size := int64(be.Uint64(b)), int64(be.Uint32(b[8:]))+12
		if size > int64(len(b)) {
			break
		}
		batch := b[:size]
		b = b[size:]
		if len(batch) < batchHeader || batch[16] != 2 {
			return dst, next, fmt.Errorf("offset %d: %w", next, errBatch)
		}
		if crc32.Checksum(batch[21:], castagnoli) != be.Uint32(batch[17:]) {
			return dst, next, fmt.Errorf("offset %d: the batch's checksum is wrong", next)
		}
		after := base + int64(int32(be.Uint32(batch[23:]))) + 1
		attributes := be.Uint16(batch[21:])
		if after > next && attributes&32 == 0 { // 32: a marker of transactions, no message of anybody
			records, err := unpack(batch[batchHeader:], attributes)
			if err != nil {
				return dst, next, fmt.Errorf("offset %d: unpack the batch: %w", next, err)
			}
			r := recordReader{b: records, base: base, time: int64(be.Uint64(batch[27:]))}
			if attributes&8 != 0 { // the broker's time, one for all
				r.fixed = int64(be.Uint64(batch[35:]))
			}
			whole, count := len(dst), int(int32(be.Uint32(batch[57:])))
			dst = slices.Grow(dst, max(0, min(count, len(records)/minRecord)))
			for range count {
				m, ok := r.record()
				if !ok {
					return dst[:whole], next, fmt.Errorf("offset %d: %w", next, errBatch)
				}
				if m.Offset >= next {
					dst = append(dst, m)
				}
			}
		}
		next = max(next, after)
	}
	return dst, next, nil
}

// unpack returns the records of a batch.
func unpack(b []byte, attributes uint16) ([]byte, error) {
	kind := compress.Compression(attributes & 7)
	if kind == compress.None {
		return b, nil
	}
	codec := kind.Codec()
	if codec == nil {
		return nil, fmt.Errorf("unknown compression %d", kind)
	}
	r := codec.NewReader(bytes.NewReader(b))
	out, err := io.ReadAll(io.LimitReader(r, unpackedMax+1))
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	if err == nil && len(out) > unpackedMax {
		err = fmt.Errorf("more than %d bytes", unpackedMax)
	}
	return out, err
}

// recordReader takes records off the bytes of a batch.
type recordReader struct {
	b     []byte
	base  int64 // offset of the batch
	time  int64 // of its first record, Unix milliseconds
	fixed int64 // of all its records, where that is not 0
	// headers of the batch, one slice for many messages.
	headers []Header
}

// minRecord is the least that a record takes: its length, attributes, time, offset and three lengths.
const minRecord = 7

func (r *recordReader) record() (m Stored, ok bool) {
	size, ok := r.varint()
	if !ok || size < 1 || size > int64(len(r.b)) {
		return m, false
	}
	rest := r.b[size:]
	r.b = r.b[1:size] // without the attributes: there are none
	time, ok1 := r.varint()
	offset, ok2 := r.varint()
	key, ok3 := r.bytes()
	value, ok4 := r.bytes()
	headers, ok5 := r.varint()
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || headers < 0 || headers > int64(len(r.b))/2 {
		return m, false
	}
	m.Offset, m.Time, m.Key, m.Value = r.base+offset, r.time+time, view(key), value
	if r.fixed != 0 {
		m.Time = r.fixed
	}
	if int(headers) > cap(r.headers)-len(r.headers) {
		r.headers = make([]Header, 0, max(int(headers), 1024))
	}
	from := len(r.headers)
	for range headers {
		name, ok := r.bytes()
		text, ok2 := r.bytes()
		if !ok || !ok2 {
			return m, false
		}
		r.headers = append(r.headers, Header{Key: view(name), Value: view(text)})
	}
	if headers > 0 {
		m.Headers = r.headers[from:len(r.headers):len(r.headers)]
	}
	if len(r.b) > 0 {
		return m, false
	}
	r.b = rest
	return m, true
}

// view is b as a string without a copy: nobody writes to a batch that was read.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func (r *recordReader) varint() (int64, bool) {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		return 0, false
	}
	r.b = r.b[n:]
	return v, true
}

// bytes returns what follows its length; -1 means that there is none.
func (r *recordReader) bytes() ([]byte, bool) {
	n, ok := r.varint()
	if !ok || n < -1 || n > int64(len(r.b)) {
		return nil, false
	}
	n = max(n, 0)
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b, true
}
