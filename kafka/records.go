package kafka

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"unsafe"

	"github.com/segmentio/kafka-go/protocol/fetch"
)

// Stored is a message as a partition has it. All it points into is memory of the messages that were read
// with it, which is not used again: it lives as long as any of them.
type Stored struct {
	Message
	Offset int64
}

var errBatch = errors.New("not a record batch as Kafka writes it since 0.11")

// batches takes messages off the answer of a fetch: batches, one after the other, of which the last one may
// be cut off. It serves one goroutine.
type batches struct {
	next int64  // offset of the next message
	rest []byte // of the answer
	// Transactions of which nothing is to be read: those that begin further on, by their first offset, and
	// who is in one.
	aborted []fetch.ResponseTransaction
	leaving map[int64]bool

	unpacker unpacker
	memory   []byte // records of the batches that are open, one behind the other
	open     []openBatch
}

// openBatch is a batch whose records lie in memory.
type openBatch struct {
	from, to int // in memory
	base     int64
	time     int64
	fixed    int64 // time of all its records, where it is not 0
	count    int

	next int64  // offset of the next message before it was opened
	rest []byte // likewise: it, and what follows it
}

// answer begins a new answer.
func (s *batches) answer(b []byte, aborted []fetch.ResponseTransaction) {
	s.rest, s.aborted = b, aborted
	slices.SortFunc(s.aborted, func(a, b fetch.ResponseTransaction) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
	clear(s.leaving)
}

// whole returns the first batch of the rest with its length; nil when it is cut off or there is none.
func (s *batches) whole() []byte {
	if len(s.rest) < batchHeader {
		return nil
	}
	size := max(int64(int32(binary.BigEndian.Uint32(s.rest[8:])))+12, batchHeader) // a shorter one is none, and is found to be so
	if size > int64(len(s.rest)) {
		return nil
	}
	return s.rest[:size]
}

// take returns messages until there are about enough bytes of them, or none left. What they point into
// is memory of their own. With an error come the messages before a batch that cannot be read, and the
// rest begins with it.
func (s *batches) take(enough int) ([]Stored, error) {
	s.memory, s.open = s.memory[:0], s.open[:0]
	var bad error
	count := 0
	for len(s.memory) < enough {
		b := s.whole()
		if b == nil {
			s.rest = nil
			break
		}
		o := openBatch{next: s.next, rest: s.rest}
		if bad = s.openNext(&o, b); bad != nil {
			bad = fmt.Errorf("offset %d: %w", s.next, bad)
			break
		}
		s.rest = s.rest[len(b):]
		if o.to > o.from {
			s.open = append(s.open, o)
			count += min(o.count, (o.to-o.from)/minRecord)
		}
	}
	found, err := s.messages(count)
	if cap(s.memory) > memoryKeep && cap(s.memory) > 4*len(s.memory) {
		s.memory = nil
	}
	if err != nil {
		return found, err
	}
	return found, bad
}

// memoryKeep is what may be kept of memory that only an unusual answer needed.
const memoryKeep = 1 << 20

// openNext opens b and moves next behind it.
func (s *batches) openNext(o *openBatch, b []byte) (err error) {
	be := binary.BigEndian
	if int64(int32(be.Uint32(b[8:])))+12 != int64(len(b)) || b[16] != 2 {
		return errBatch
	}
	if crc32.Checksum(b[21:], castagnoli) != be.Uint32(b[17:]) {
		return errors.New("the batch's checksum is wrong")
	}
	attributes, producer := be.Uint16(b[21:]), int64(be.Uint64(b[43:]))
	o.base, o.count = int64(be.Uint64(b)), int(int32(be.Uint32(b[57:])))
	after := o.base + int64(int32(be.Uint32(b[23:]))) + 1
	for len(s.aborted) > 0 && s.aborted[0].FirstOffset < after {
		if s.leaving == nil {
			s.leaving = map[int64]bool{}
		}
		s.leaving[s.aborted[0].ProducerID] = true
		s.aborted = s.aborted[1:]
	}
	switch {
	case attributes&32 != 0: // the end of a transaction, no message of anybody
		delete(s.leaving, producer)
	case after <= s.next, attributes&16 != 0 && s.leaving[producer]:
	default:
		o.time = int64(be.Uint64(b[27:]))
		if attributes&8 != 0 { // the broker's time, one for all
			o.fixed = int64(be.Uint64(b[35:]))
		}
		o.from = len(s.memory)
		if s.memory, err = s.unpacker.appendTo(s.memory, b[batchHeader:], attributes); err != nil {
			s.memory = s.memory[:o.from]
			return fmt.Errorf("unpack the batch: %w", err)
		}
		o.to = len(s.memory)
		if o.count < 0 || o.count > (o.to-o.from)/minRecord {
			s.memory = s.memory[:o.from]
			return errBatch
		}
	}
	s.next = max(s.next, after)
	return nil
}

// messages returns the messages of what is open, count or fewer.
func (s *batches) messages(count int) ([]Stored, error) {
	if count == 0 {
		return nil, nil
	}
	memory, all := bytes.Clone(s.memory), make([]Stored, 0, count)
	var headers []Header
	for i := range s.open {
		o := &s.open[i]
		before := len(all)
		r := recordReader{b: memory[o.from:o.to:o.to], base: o.base, time: o.time, fixed: o.fixed, headers: headers}
		for range o.count {
			r.left = cap(all) - len(all)
			m, ok := r.record()
			if !ok {
				s.next, s.rest = o.next, o.rest
				return all[:before], fmt.Errorf("offset %d: %w", o.next, errBatch)
			}
			if m.Offset >= o.next {
				all = append(all, m)
			}
		}
		headers = r.headers
	}
	return all, nil
}

// skip moves behind the batch that the rest begins with, of which no more is known than that it cannot be
// read: not further than end, since its numbers may be wrong too.
func (s *batches) skip(end int64) {
	after := s.next + 1
	if b := s.whole(); b != nil {
		after = max(after, min(int64(binary.BigEndian.Uint64(b))+int64(int32(binary.BigEndian.Uint32(b[23:])))+1, end))
		s.rest = s.rest[len(b):]
	} else {
		s.rest = nil
	}
	s.next = after
}

// recordReader takes records off the bytes of a batch.
type recordReader struct {
	b     []byte
	base  int64 // offset of the batch
	time  int64 // of its first record, Unix milliseconds
	fixed int64 // of all its records, where that is not 0
	// headers of many messages, in one slice; left is how many messages it is for, at the most.
	headers []Header
	left    int
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
		r.headers = make([]Header, 0, max(int(headers), min(int(headers)*r.left, 4096))) // mostly all have as many
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
