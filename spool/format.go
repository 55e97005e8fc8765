package spool

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// Bytes on disk. All numbers are little endian, all checksums CRC-32C.
//
// A segment, %020d.seg, named by its first position (the header is what counts, not the name):
//
//	0         256       4096      4352
//	┌─────────┬─────────┬─────────┬──────┬──────┬──────┬───┬──────┬──────┬───┐
//	│ label   │ zeros   │ label   │frame │record│record│ … │frame │record│ … │ to the end of the file
//	└─────────┴─────────┴─────────┴──────┴──────┴──────┴───┴──────┴──────┴───┘
//	                     the same again, on a page of its own
//
// A record and a frame header are both items; the frame header stands before the records of one
// write and has the top bit of its length set:
//
//	┌──────────┬────────────┬───────────────────────┬──────────────┐
//	│ crc u32  │ length u32 │ number u32            │ length bytes │
//	└──────────┴────────────┴───────────────────────┴──────────────┘
//	 of all that follows,    low half of the record's
//	 begun with the          position (frame: of its
//	 segment's secret salt   first record)
//
//	frame header bytes: │ records u32 │ bytes of all records u32 │ position u64 │ newest stamp i64 │
//
// Because each item proves itself and says its number, one damaged record costs only itself: the
// reader looks for the next item that proves itself, whatever stands between. Because the salt is
// secret, a sender cannot write an item into a line of his.
//
// A label heads segments, and stands in each slot of the cursor files and of the file state:
//
//	0       8            12          16       20              24       32             96     256
//	┌───────┬────────────┬───────────┬────────┬───────────────┬────────┬──────────────┬──────┐
//	│ magic │ version u32│ crc 0…12  │crc 20… │ name length   │ seq u64│ 8 values u64 │ name │
//	└───────┴────────────┴───────────┴────────┴───────────────┴────────┴──────────────┴──────┘
//	 bytes 0…16 are the same in every version, so that a newer one is known as such;
//	 seq counts segments, or the writes of a slot
//
// A cursor file, and state, is two slots, each a label on a page of its own (0 and 4096). They are
// written in turn; the one with the higher seq counts. A slot is not left for the other one before
// it is synced, so at least one of them is whole at any time.
const (
	formatVersion = 1
	labelSize     = 256
	labelSpacing  = 4096 // from a label to its copy, or to the other slot
	segmentStart  = labelSpacing + labelSize
	itemHeader    = 12
	frameMark     = 1 << 31 // in an item's length
	frameBody     = 24
	frameHeader   = itemHeader + frameBody
	maxName       = 160

	magicSegment = "vswlogsg"
	magicCursor  = "vswlogcu"
	magicState   = "vswlogst"
)

// The values of a segment's label.
const (
	segLog        = iota // identity of the log
	segEpoch             // of the Open that wrote it
	segSalt              // begins the checksum of each item
	segBase              // first position
	segPrevEnd           // where the log ended before this segment: positions from here to base never were
	segPrevSynced        // how far the segment before was synced when this one was made; its damage behind is a tear
	segPrevStamp         // newest stamp before this segment
	segClock             // running time of the log when this segment was made, ns
)

// The values of a cursor's label.
const (
	curLog = iota
	curPosition
)

// The values of the label of file state.
const (
	stLog    = iota
	stNext   // position after the last synced record
	stBase   // segment of the last synced record
	stOffset // how far that segment is synced
	stOldest // segments that end at or before this position were removed by retention
	stClock  // running time of the log, ns
	stStamp  // newest stamp
	stFloor  // positions below it are used up, though a crash may have taken what had them
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	le         = binary.LittleEndian

	errLabel = errors.New("damaged label")
)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

type label struct {
	seq    uint64
	values [8]uint64
	name   string
}

// put writes l to b[:labelSize].
func (l *label) put(b []byte, magic string) {
	b = b[:labelSize]
	clear(b)
	copy(b, magic)
	le.PutUint32(b[8:], formatVersion)
	le.PutUint32(b[12:], checksum(b[:12]))
	le.PutUint32(b[20:], uint32(len(l.name)))
	le.PutUint64(b[24:], l.seq)
	for i, v := range l.values {
		le.PutUint64(b[32+8*i:], v)
	}
	copy(b[96:], l.name)
	le.PutUint32(b[16:], checksum(b[20:]))
}

// readLabel reads what put wrote. It returns errLabel, or a *FormatError without a file name.
func readLabel(b []byte, magic string) (l label, err error) {
	if len(b) < labelSize || string(b[:8]) != magic || le.Uint32(b[12:]) != checksum(b[:12]) {
		return l, errLabel
	}
	if v := le.Uint32(b[8:]); v > formatVersion {
		return l, &FormatError{Version: v, Known: formatVersion}
	}
	n := le.Uint32(b[20:])
	if le.Uint32(b[16:]) != checksum(b[20:labelSize]) || n > maxName {
		return l, errLabel
	}
	l.seq = le.Uint64(b[24:])
	for i := range l.values {
		l.values[i] = le.Uint64(b[32+8*i:])
	}
	l.name = string(b[96 : 96+n])
	return l, nil
}

// key is where the checksums of a segment's items begin: its salt.
type key uint32

func newKey(salt uint64) key { return key(salt ^ salt>>32) }

// seal fills in the number and checksum of an item whose length and body stand in b.
func (k key) seal(b []byte, p Position) {
	le.PutUint32(b[8:], uint32(p))
	le.PutUint32(b, crc32.Update(uint32(k), castagnoli, b[4:]))
}

// fastSeal says whether there is sealRecords (BenchmarkSeal); read-only.
var fastSeal = hasCRC32()

// item is a record or a frame header.
type item struct {
	size  int      // bytes with its header
	pos   Position // of the record, or of the frame's first one
	frame bool
	body  []byte
}

type verdict uint8

const (
	itemBad   verdict = iota
	itemShort         // plausible, but b ends before it does
	itemGood
)

// item reads the item at b[0]. Its position must lie in [want, end) and its size within room, the
// bytes to the end of the segment; b may hold fewer.
func (k key) item(b []byte, want, end Position, room int64) (it item, v verdict) {
	if len(b) < itemHeader {
		if room < itemHeader {
			return it, itemBad
		}
		return item{size: itemHeader}, itemShort
	}
	it.pos = want + Position(le.Uint32(b[8:])-uint32(want))
	length := le.Uint32(b[4:])
	it.frame = length&frameMark != 0
	length &^= frameMark
	it.size = itemHeader + int(length)
	// A frame after the last record of its segment cannot be; a frame of no records is not written.
	if it.pos >= end || int64(it.size) > room || it.frame && length != frameBody {
		return it, itemBad
	}
	if it.size > len(b) {
		return it, itemShort
	}
	b = b[:it.size]
	if le.Uint32(b) != crc32.Update(uint32(k), castagnoli, b[4:]) {
		return it, itemBad
	}
	it.body = b[itemHeader:]
	return it, itemGood
}

// record is the body of the item at b[0] when that is the record at position want, whole and good; nearly all are, and item
// takes more steps to find it (BenchmarkRead).
func (k key) record(b []byte, want Position) (body []byte, ok bool) {
	if len(b) < itemHeader {
		return nil, false
	}
	length := le.Uint32(b[4:]) // a frame's is longer than any b
	if uint64(length) > uint64(len(b)-itemHeader) || le.Uint32(b[8:]) != uint32(want) {
		return nil, false
	}
	end := itemHeader + int(length)
	if le.Uint32(b) != crc32.Update(uint32(k), castagnoli, b[4:end]) {
		return nil, false
	}
	return b[itemHeader:end:end], true
}

// frame is the body of a frame header.
type frame struct {
	records uint32
	bytes   uint32
	first   Position
	stamp   int64
}

func (f frame) put(b []byte) {
	le.PutUint32(b, f.records)
	le.PutUint32(b[4:], f.bytes)
	le.PutUint64(b[8:], uint64(f.first))
	le.PutUint64(b[16:], uint64(f.stamp))
}

func readFrame(b []byte) frame {
	return frame{le.Uint32(b), le.Uint32(b[4:]), Position(le.Uint64(b[8:])), int64(le.Uint64(b[16:]))}
}

// maxSought bounds a record that is looked for behind damage, so that bytes which only look like
// the head of a very long one cost little.
const maxSought = 1 << 20

// search returns the index of the first good item in b, or of one that may be good when more of it
// is read (itemShort). Otherwise the verdict is itemBad and the index is where a search with more
// bytes goes on.
func (k key) search(b []byte, want, end Position, room int64) (i int, it item, v verdict) {
	for ; i+itemHeader <= len(b); i++ {
		if Position(le.Uint32(b[i+8:])-uint32(want)) >= end-want {
			continue
		}
		it, v = k.item(b[i:], want, end, room-int64(i))
		if v == itemGood || v == itemShort && it.size <= maxSought {
			return i, it, v
		}
	}
	if room == int64(len(b)) {
		i = len(b)
	}
	return i, item{}, itemBad
}
