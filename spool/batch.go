package spool

import "slices"

// Position is the number of a record. The first is 1; none is ever used twice.
type Position uint64

// Batch is a number of records to append together. It belongs to the caller and is made to be
// reused. The zero value is empty.
type Batch struct {
	// Stamp is the newest receive stamp of the batch, Unix ns. The caller sees to it that stamps
	// never run backwards, beginning with Log.LastStamp.
	Stamp int64

	buf  []byte // items without number and checksum
	n    int
	over bool // a record is too large
}

// maxRecord bounds a record, maxBatch the bytes of a batch with its overhead.
const (
	maxRecord = 64 << 20
	maxBatch  = 128 << 20
)

// Reset empties b.
func (b *Batch) Reset() { b.buf, b.n, b.over = b.buf[:0], 0, false }

// Add adds one record: header and then data.
func (b *Batch) Add(header, data []byte) {
	if len(header)+len(data) > maxRecord {
		b.over = true
		return
	}
	var head [itemHeader]byte
	le.PutUint32(head[4:], uint32(len(header)+len(data)))
	b.buf = append(b.buf, head[:]...)
	b.buf = append(b.buf, header...)
	b.buf = append(b.buf, data...)
	b.n++
}

// Len returns the number of records.
func (b *Batch) Len() int { return b.n }

// Size returns the bytes that b takes on disk.
func (b *Batch) Size() int { return len(b.buf) }

// block is a frame in the making. Appenders copy into it under the log's lock; when it is sealed
// only the flusher touches it, and only the checksums and numbers, which readers leave alone.
type block struct {
	buf    []byte // room for the frame header, then items
	first  Position
	n      int
	stamp  int64
	sealed bool
	key    key // under which the items are sealed; 0 = not yet
	refs   int // readers copying from it
}

func (b *block) end() Position { return b.first + Position(b.n) }

// add copies a batch. The log's mu is held.
func (b *block) add(batch *Batch) {
	b.buf = append(b.buf, batch.buf...)
	b.n += batch.n
	b.stamp = max(b.stamp, batch.Stamp)
}

// seal fills in checksums and numbers for a segment.
func (b *block) seal(k key) {
	le.PutUint32(b.buf[4:], frameBody|frameMark)
	f := frame{uint32(b.n), uint32(len(b.buf) - frameHeader), b.first, b.stamp}
	f.put(b.buf[itemHeader:])
	k.seal(b.buf[:frameHeader], b.first)
	p := b.first
	for rest := b.buf[frameHeader:]; len(rest) > 0; p++ {
		size := itemHeader + int(le.Uint32(rest[4:]))
		k.seal(rest[:size], p)
		rest = rest[size:]
	}
	b.key = k
}

// read appends to ch the records from position p on that stand in buf, the part of the block that
// was filled when the caller held the lock, until ch holds about as much as it should. It starts at
// offset off, where the record at position at begins, and returns where it stopped.
func readBlock(ch *Chunk, buf []byte, off int, at, p Position) (int, Position) {
	for off < len(buf) {
		size := itemHeader + int(le.Uint32(buf[off+4:]))
		if at >= p {
			if len(ch.Records) > 0 && len(ch.buf)+size > cap(ch.buf) {
				break
			}
			start := len(ch.buf)
			ch.buf = append(ch.buf, buf[off+itemHeader:off+size]...)
			ch.Records = append(ch.Records, slices.Clip(ch.buf[start:]))
		}
		off += size
		at++
	}
	return off, at
}
