package spool

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
)

// Chunk is what Cursor.Next gives. It belongs to the caller and is made to be reused, with cursors of the same log, and
// not to be copied: its records may stand in the log's own memory, which it keeps from being used for others.
type Chunk struct {
	First   Position // of Records[0]; without records, the position after what was skipped
	Epoch   uint64   // of the Open that wrote the records
	Records [][]byte // positions First, First+1, …; not to be written to; valid until the Chunk is used again
	Skipped uint64   // positions just before First that are lost

	// Size is about how many bytes Next gives at once; 0 is 64 KiB. A single record may be larger.
	Size int

	buf   []byte // of records that came from a segment
	block *block // of the others; nil = none
}

// chunkSize is the usual size of a Chunk: with what a reader makes of it, it still lies in the processor's cache
// when it is used. Four times as much made a whole run a tenth dearer.
const chunkSize = 64 << 10

func (ch *Chunk) size() int {
	if ch.Size > 0 {
		return ch.Size
	}
	return chunkSize
}

func (ch *Chunk) reset() {
	ch.First, ch.Epoch, ch.Records, ch.Skipped = 0, 0, ch.Records[:0], 0
	if ch.buf = ch.buf[:0]; cap(ch.buf) > 4*ch.size() {
		ch.buf = nil
	}
}

// reader goes through one segment, item by item, over whatever is damaged.
type reader struct {
	seg  *segment
	file File
	off  int64    // of the next item
	want Position // its position, when nothing is missing
	bad  int64    // where the damage began in which the reader is; -1 = in none
	// last is the last frame header seen.
	last frame
	// found is the damage met, for the log to report.
	found []Damage
}

func openReader(fsys FS, dir string, s *segment) (*reader, error) {
	r := &reader{seg: s, off: segmentStart, want: s.base, bad: -1}
	if s.dead {
		return r, nil
	}
	var err error
	r.file, err = fsys.OpenFile(filepath.Join(dir, s.name), os.O_RDONLY, 0)
	if isAbsent(err) {
		return r, nil // Removed behind our back: all of it is missing.
	}
	return r, err
}

func (r *reader) close() error {
	if r == nil || r.file == nil {
		return nil
	}
	return r.file.Close()
}

// unknown is the end of a segment of which it is not known how many positions it holds.
const unknown = Position(math.MaxUint64)

// read fills ch with the records from position from on, which lie before offset limit and position
// end. It returns when ch holds something or limit is reached. Records that follow upon each
// other come together; damage ends a chunk, and heads the next one as Skipped.
func (r *reader) read(ch *Chunk, from Position, limit int64, end Position) error {
	if r.file == nil {
		r.off = limit
		if r.seg.dead {
			r.bad = 0
		}
	}
	size := int64(ch.size())
	for r.off < limit {
		win, err := r.window(ch, min(size, limit-r.off))
		if err != nil {
			return err
		}
		if int64(len(win)) < min(size, limit-r.off) {
			limit = r.off + int64(len(win)) // The file was cut short.
		}
		used, need := r.parse(ch, win, from, limit, end)
		r.off += int64(used)
		if len(ch.Records) > 0 || ch.Skipped > 0 {
			return nil
		}
		size = max(int64(ch.size()), int64(need))
	}
	if r.bad >= 0 || end != unknown && r.want < end {
		r.lose(ch, r.off, from, end)
	}
	return nil
}

// parse reads the items of win, which begins at r.off. It returns how many bytes it has done with,
// and how many the next item needs when it does not lie in win as a whole.
func (r *reader) parse(ch *Chunk, win []byte, from Position, limit int64, end Position) (used, need int) {
	if end == unknown {
		end = r.want + 1<<31
	}
	for used < len(win) {
		if body, ok := r.seg.key.record(win[used:], r.want); ok && r.bad < 0 && r.want < end {
			ch.add(body, r.want, from)
			used += itemHeader + len(body)
			r.want++
			continue
		}
		room := limit - r.off - int64(used)
		it, v := r.seg.key.item(win[used:], r.want, end, room)
		if v == itemBad || v == itemGood && it.pos != r.want || r.bad >= 0 {
			if len(ch.Records) > 0 {
				return used, 0
			}
			if v != itemGood {
				if r.bad < 0 {
					r.bad = r.off + int64(used)
					used++
					room--
				}
				var i int
				i, it, v = r.seg.key.search(win[used:], r.want, end, room)
				used += i
				if v == itemBad {
					return used, 0
				}
			}
		}
		if v == itemShort {
			if used == 0 {
				need = it.size
			}
			return used, need
		}
		if it.pos != r.want || r.bad >= 0 {
			r.lose(ch, r.off+int64(used), from, it.pos)
		}
		used += it.size
		if it.frame {
			r.last = readFrame(it.body)
			continue
		}
		ch.add(slices.Clip(it.body), it.pos, from)
		r.want++
	}
	return used, 0
}

// add takes the record at position p, if that is not before from.
func (ch *Chunk) add(body []byte, p, from Position) {
	if p < from {
		return
	}
	if len(ch.Records) == 0 {
		ch.First = p
	}
	ch.Records = append(ch.Records, body)
}

// lose notes damage that ends before offset to, through which the positions from r.want to next
// are lost, and goes on at next.
func (r *reader) lose(ch *Chunk, to int64, from, next Position) {
	d := Damage{Kind: Corrupt, File: r.seg.name, Offset: r.bad, Bytes: to - r.bad}
	if r.bad < 0 { // Not a wrong byte, and yet records are not there.
		d.Kind, d.Offset, d.Bytes = Missing, to, 0
	}
	if d.Offset >= r.seg.synced {
		d.Kind = Torn
	}
	if next != unknown && next > r.want {
		d.Records = uint64(next - r.want)
		if first := max(r.want, from); next > first {
			ch.Skipped += uint64(next - first)
			ch.First = next
		}
		r.want = next
	}
	r.bad = -1
	r.found = append(r.found, d)
}

// page is the unit in which unreadable bytes are looked for.
const page = 4096

// window reads the n bytes at r.off into ch's buffer; fewer when the file ends. What the disk
// cannot read comes as zeros, which prove nothing and so are damage.
func (r *reader) window(ch *Chunk, n int64) ([]byte, error) {
	if int64(cap(ch.buf)) < n {
		ch.buf = make([]byte, max(n, int64(ch.size())))
	}
	win := ch.buf[:n]
	got, err := r.file.ReadAt(win, r.off)
	if err == nil || errors.Is(err, io.EOF) {
		return win[:got], nil
	}
	// A disk that is gone as a whole is no damage: nothing must be skipped for it.
	var probe [1]byte
	if _, perr := r.file.ReadAt(probe[:], 0); perr != nil {
		return nil, err
	}
	for at := int64(0); at < n; {
		step := min(page-(r.off+at)%page, n-at)
		got, err := r.file.ReadAt(win[at:at+step], r.off+at)
		if errors.Is(err, io.EOF) {
			return win[:at+int64(got)], nil
		}
		if err != nil {
			clear(win[at : at+step])
		}
		at += step
	}
	return win, nil
}
