package spool

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"
)

// segment is one file of the log. The log's mu guards what changes: size, end, synced and index of
// the segment that is written to.
type segment struct {
	name   string // without directory
	label  label
	key    key
	base   Position      // first position
	end    Position      // after the last position that was given out here, readable or not
	size   int64         // bytes to read
	synced int64         // damage before this offset is rot, behind it a tear
	open   bool          // it is written to
	ended  time.Duration // running time of the log when it was no longer
	dead   bool          // both labels are unreadable, so nothing is
	index  []mark
}

// mark is an entry of a segment's index, one for each MiB that was written since Open.
type mark struct {
	pos Position
	off int64
}

const markSpacing = 1 << 20

// seek returns a place at or before p, the best one known.
func (s *segment) seek(p Position) mark {
	i := sort.Search(len(s.index), func(i int) bool { return s.index[i].pos > p })
	if i == 0 {
		return mark{s.base, segmentStart}
	}
	return s.index[i-1]
}

// random returns a random number that is not 0.
func random() uint64 {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:]) // Never fails, by its documentation.
		if n := binary.LittleEndian.Uint64(b[:]); n != 0 {
			return n
		}
	}
}

// createSegment makes the file of l; its name and labels are not synced yet.
func createSegment(fsys FS, dir string, l label) (*segment, File, error) {
	b := make([]byte, segmentStart)
	l.put(b, magicSegment)
	l.put(b[labelSpacing:], magicSegment)
	base := Position(l.values[segBase])
	// A file of another log may have taken the name; it stays as it is.
	for try := range 100 {
		name := fmt.Sprintf("%020d.seg", base)
		if try > 0 {
			name = fmt.Sprintf("%020d-%d.seg", base, try)
		}
		f, err := fsys.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if _, err = f.WriteAt(b, 0); err != nil {
			return nil, nil, errors.Join(err, f.Close(), fsys.Remove(filepath.Join(dir, name)))
		}
		s := newSegment(name, l)
		s.open = true
		s.size, s.end, s.synced = segmentStart, s.base, math.MaxInt64
		return s, f, nil
	}
	return nil, nil, fmt.Errorf("create a segment for position %d: every name is taken", base)
}

func newSegment(name string, l label) *segment {
	return &segment{name: name, label: l, base: Position(l.values[segBase]), key: newKey(l.values[segSalt])}
}

// loadSegments reads the labels of all segments in dir and returns them in order, each knowing
// where it ends but for the last one. Files that are no part of the log id (0 = not known) are
// left out and reported. It changes nothing.
func loadSegments(fsys FS, dir string, names []string, id uint64) (segs []*segment, found []Damage, err error) {
	votes := map[uint64]int{}
	for _, name := range names {
		if filepath.Ext(name) != ".seg" {
			continue
		}
		s, err := loadSegment(fsys, dir, name)
		if err != nil {
			return nil, nil, err
		}
		if !s.dead {
			votes[s.label.values[segLog]]++
		}
		segs = append(segs, s)
	}
	if id == 0 { // The file state is gone: the log is what most segments say.
		for v, n := range votes {
			if n > votes[id] {
				id = v
			}
		}
	}
	segs = slices.DeleteFunc(segs, func(s *segment) bool {
		if s.dead || s.label.values[segLog] == id {
			return false
		}
		found = append(found, Damage{Kind: Corrupt, File: s.name, Bytes: s.size, Note: "belongs to another log; left alone"})
		return true
	})
	slices.SortFunc(segs, func(a, b *segment) int {
		alive := func(s *segment) int { // A readable one goes before a dead one of the same base.
			if s.dead {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(a.base, b.base), cmp.Compare(alive(a), alive(b)), strings.Compare(a.name, b.name))
	})
	out := segs[:0]
	for _, s := range segs {
		if n := len(out); n > 0 && out[n-1].base == s.base {
			found = append(found, Damage{Kind: Corrupt, File: s.name, Bytes: s.size, Note: "repeats " + out[n-1].name + "; left alone"})
			continue
		}
		out = append(out, s)
	}
	for i, s := range out {
		if s.dead && i > 0 {
			s.label.seq = out[i-1].label.seq + 1
		}
	}
	for i := len(out) - 2; i >= 0; i-- {
		out[i].endAt(out[i+1])
	}
	return out, found, nil
}

// endAt notes where s ends, from the label of the segment behind it.
func (s *segment) endAt(next *segment) {
	s.end, s.synced = next.base, math.MaxInt64
	synced := next.synced
	if !next.dead {
		s.end = Position(next.label.values[segPrevEnd])
		s.ended = time.Duration(next.label.values[segClock])
		synced = int64(next.label.values[segPrevSynced])
	}
	// Of a segment that is not there any more: synced says whether s can be expected to be whole.
	if !next.dead && next.label.seq == s.label.seq+1 || synced == 0 {
		s.synced = synced
	}
	s.end = max(min(s.end, next.base), s.base)
}

// loadSegment reads one label. A segment whose labels are both damaged is dead; its name says
// where it began.
func loadSegment(fsys FS, dir, name string) (*segment, error) {
	path := filepath.Join(dir, name)
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // Only read.
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, labelSize)
	for _, off := range []int64{0, labelSpacing} {
		if _, err := f.ReadAt(b, off); err != nil && !errors.Is(err, io.EOF) {
			continue // Unreadable: the other label may be well.
		}
		l, err := readLabel(b, magicSegment)
		if err == nil {
			s := newSegment(name, l)
			s.size = size
			return s, nil
		}
		if newer, ok := errors.AsType[*FormatError](err); ok {
			newer.File = path
			return nil, newer
		}
		clear(b)
	}
	s := &segment{name: name, dead: true, size: size}
	_, _ = fmt.Sscanf(name, "%020d", &s.base) // A name of no number sorts first, as position 0.
	return s, nil
}
