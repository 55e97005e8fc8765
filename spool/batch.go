package spool

import "sort"

// Position is the number of a record. The first is 1; none is ever used twice.
type Position uint64

// Batch is a number of records to append together. It belongs to the caller and is made to be
// reused. The zero value is empty.
type Batch struct {
	// Stamp is the newest receive stamp of the batch, Unix ns. The caller sees to it that stamps
	// never run backwards, beginning with Log.LastStamp.
	Stamp int64

	buf  []byte   // items without number and checksum
	ends []uint32 // where each ends in buf
	over bool     // a record is too large
}

// maxRecord bounds a record, maxBatch the bytes of a batch with its overhead.
const (
	maxRecord = 64 << 20
	maxBatch  = 128 << 20
)

// Reset empties b.
func (b *Batch) Reset() { b.buf, b.ends, b.over = b.buf[:0], b.ends[:0], false }

// Add adds one record: header and then data.
func (b *Batch) Add(header, data []byte) {
	if len(header)+len(data) > maxRecord { // not copied only to be refused
		b.over = true
		return
	}
	b.End(append(append(b.Begin(), header...), data...))
}

// noHeader is room for the header of an item.
const noHeader = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// Begin returns a slice to which the caller appends a record, and then gives it to End. A record that is made
// where it stands is not copied, and to copy what was just stored in pieces would wait for the stores.
func (b *Batch) Begin() []byte { return append(b.buf, noHeader...) }

// End adds the record that was appended to what Begin returned.
func (b *Batch) End(buf []byte) {
	size := len(buf) - len(b.buf) - itemHeader
	if size > maxRecord {
		b.over = true
		return
	}
	le.PutUint32(buf[len(b.buf)+4:], uint32(size))
	b.buf = buf
	b.ends = append(b.ends, uint32(len(buf)))
}

// Len returns the number of records.
func (b *Batch) Len() int { return len(b.ends) }

// Size returns the bytes that b takes on disk.
func (b *Batch) Size() int { return len(b.buf) }

// block is a frame in the making. Appenders copy into it under the log's lock; when it is sealed
// only the flusher touches it, and only the checksums and numbers, which readers leave alone.
type block struct {
	buf    []byte   // room for the frame header, then items
	ends   []uint32 // where each ends in buf
	first  Position
	stamp  int64
	sealed bool
	key    key  // under which the items are sealed; 0 = not yet
	refs   int  // chunks that have records of it
	cold   bool // it is filled anew when no chunk has any
}

func (b *block) end() Position { return b.first + Position(len(b.ends)) }

// add copies a batch. The log's mu is held.
func (b *block) add(batch *Batch) {
	from, n := uint32(len(b.buf)), len(b.ends)
	b.buf = append(b.buf, batch.buf...)
	b.ends = append(b.ends, batch.ends...)
	ends := b.ends[n:]
	for i := range ends {
		ends[i] += from
	}
	b.stamp = max(b.stamp, batch.Stamp)
}

// seal fills in checksums and numbers for a segment.
func (b *block) seal(k key) {
	le.PutUint32(b.buf[4:], frameBody|frameMark)
	f := frame{uint32(len(b.ends)), uint32(len(b.buf) - frameHeader), b.first, b.stamp}
	f.put(b.buf[itemHeader:])
	k.seal(b.buf[:frameHeader], b.first)
	if fastSeal && len(b.buf) <= maxBlock { // while it runs nothing else does on its thread, so it is not to run for long
		sealRecords(b.buf, b.ends, uint32(b.first), uint32(k))
	} else {
		b.sealEach(k)
	}
	b.key = k
}

// sealEach is sealRecords on any machine, and for blocks of any size.
func (b *block) sealEach(k key) {
	off, p := uint32(frameHeader), b.first
	for _, end := range b.ends {
		k.seal(b.buf[off:end], p)
		off, p = end, p+1
	}
}

// from adds to ch the records of b from position p on, until ch holds about as much as it should. It goes by ends: to ask
// each record where the next one begins would be to wait for one line of memory after the other.
func (b *block) from(ch *Chunk, p Position) {
	i, off := int(p-b.first), frameHeader
	if i > 0 {
		off = int(b.ends[i-1])
	}
	buf, records, most := b.buf, ch.Records, off+ch.size()
	for _, e := range b.ends[i:] {
		end := int(e)
		if end > most && len(records) > 0 {
			break
		}
		records = append(records, buf[off+itemHeader:end:end])
		off = end
	}
	ch.Records = records
}

// warmBlocks is how many blocks stay in memory after they were written. A reader that is no further behind spares
// the way through the file, a copy and a checksum: BenchmarkRead.
const warmBlocks = 8

// keepWarmLocked keeps a block that was written, in place of the oldest one.
func (l *Log) keepWarmLocked(b *block) {
	if cap(b.buf) != l.blockSize { // one large batch: too much to keep, and a gap if it is not
		for _, old := range l.warm {
			l.reuseLocked(old)
		}
		l.warm = l.warm[:0]
		return
	}
	if len(l.warm) == warmBlocks {
		l.reuseLocked(l.warm[0])
		l.warm = l.warm[:copy(l.warm, l.warm[1:])]
	}
	l.warm = append(l.warm, b)
}

// reuseLocked makes b one to be filled again, once no chunk has records of it.
func (l *Log) reuseLocked(b *block) {
	b.cold = true
	if b.refs == 0 && len(l.free) < l.behind/l.blockSize {
		l.free = append(l.free, b)
	}
}

// releaseLocked says that the records of ch are done with.
func (ch *Chunk) releaseLocked(l *Log) {
	if b := ch.block; b != nil {
		ch.block = nil
		if b.refs--; b.refs == 0 && b.cold {
			l.reuseLocked(b)
		}
	}
}

// holding returns the block of list that holds position p, or the first one behind it, or nil.
func holding(list []*block, p Position) *block {
	i := sort.Search(len(list), func(i int) bool { return list[i].end() > p })
	if i == len(list) {
		return nil
	}
	return list[i]
}
