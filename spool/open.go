package spool

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"vswarden/setting"
)

const (
	lockName    = "lock"
	stateName   = "state"
	tornSuffix  = ".torn"
	tempSuffix  = ".tmp"
	segmentExt  = ".seg"
	privateMode = 0o700
)

// CursorError says that a cursor file cannot be used. Nothing was touched.
type CursorError struct {
	File string
	Err  error
}

func (e *CursorError) Error() string {
	return fmt.Sprintf("cursor file %s cannot be used: %v: put back a copy, or remove the file and its sink begins as a new one", e.File, e.Err)
}

func (e *CursorError) Unwrap() error { return e.Err }

var errForeign = errors.New("it belongs to another log")

// content is what stands in a log's directory.
type content struct {
	state   label
	found   []Damage
	segs    []*segment
	cursors map[string]cursorFile
	names   []string
}

// readContent reads labels only and changes nothing. It refuses what must not be guessed about.
func readContent(fsys FS, dir string) (c content, err error) {
	if c.names, err = fsys.ReadDir(dir); err != nil {
		return c, err
	}
	var hurt bool
	c.state, _, hurt, err = readSlots(fsys, filepath.Join(dir, stateName), magicState)
	switch {
	case isAbsent(err), errors.Is(err, errLabel):
		c.state = label{}
	case err != nil:
		return c, err
	}
	if hurt { // It holds nothing that is not found again by looking, but for how far the log was synced.
		c.found = append(c.found, Damage{Kind: Corrupt, File: stateName, Note: "a copy of the log's state"})
	}
	var found []Damage
	if c.segs, found, err = loadSegments(fsys, dir, c.names, c.state.values[stLog]); err != nil {
		return c, err
	}
	c.found = append(c.found, found...)
	if len(c.segs) > 0 && c.state.values[stLog] == 0 {
		for _, s := range c.segs {
			c.state.values[stLog] = max(c.state.values[stLog], s.label.values[segLog])
		}
		if !hurt {
			c.found = append(c.found, Damage{Kind: Missing, File: stateName, Note: "the log's state"})
		}
	}
	c.cursors = map[string]cursorFile{}
	for _, name := range c.names {
		if !strings.HasSuffix(name, cursorSuffix) {
			continue
		}
		path := filepath.Join(dir, name)
		l, _, _, err := readSlots(fsys, path, magicCursor)
		if _, newer := errors.AsType[*FormatError](err); newer {
			return c, err
		}
		switch {
		case err != nil:
			return c, &CursorError{path, err}
		case c.state.values[stLog] == 0:
			c.state.values[stLog] = l.values[curLog]
		case l.values[curLog] != c.state.values[stLog]:
			return c, &CursorError{path, errForeign}
		}
		c.cursors[l.name] = cursorFile{name, l}
	}
	return c, nil
}

// Open opens the log in dir, or makes one. It takes the directory's lock (*InUseError), refuses a
// newer format (*FormatError) and a cursor that cannot be read (*CursorError), and sets aside what
// a crash tore. It starts no goroutine: see Run.
func Open(fsys FS, dir string, cfg Config) (l *Log, err error) {
	if err := fsys.MkdirAll(dir, privateMode); err != nil {
		return nil, err
	}
	lock, err := fsys.Lock(filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Close())
		}
	}()
	have, err := readContent(fsys, dir)
	if err != nil {
		return nil, err
	}
	if have.state.values[stLog] == 0 {
		have.state.values[stLog] = random()
	}
	l = &Log{
		fs: fsys, dir: dir, cfg: cfg, lock: lock,
		id: have.state.values[stLog], epoch: random(),
		opened: time.Now(), clock0: time.Duration(have.state.values[stClock]),
		segSize:    min(max(int64(cfg.MaxSize)/8, minSegment), maxSegment),
		kick:       make(chan struct{}, 1),
		keepKick:   make(chan struct{}, 1),
		stamp:      int64(have.state.values[stStamp]),
		segs:       have.segs,
		cursors:    map[string]*Cursor{},
		known:      have.cursors,
		damageSeen: map[damagePlace]bool{},
	}
	l.written = sync.NewCond(&l.mu)
	l.blockSize = int(min(maxBlock, l.segSize))
	l.behind = int(min(maxBehind, max(cfg.MaxSize/4, setting.Bytes(l.blockSize))))
	for _, d := range have.found {
		l.reportLocked(d)
	}
	if err := l.recover(have); err != nil {
		return nil, fmt.Errorf("recover the log: %w", err)
	}
	if err := l.openState(have); err != nil {
		return nil, err
	}
	if err := l.tidy(); err != nil {
		return nil, errors.Join(err, l.state.file.Close())
	}
	return l, nil
}

func (l *Log) join(name string) string { return filepath.Join(l.dir, name) }

// recover finds the end of the log, sets aside what is torn there, and picks the next position.
func (l *Log) recover(have content) error {
	for _, name := range have.names {
		if strings.HasSuffix(name, tempSuffix) { // A cursor or state that was not finished.
			if err := l.fs.Remove(l.join(name)); err != nil {
				return err
			}
		}
	}
	st := have.state.values
	next := max(1, Position(st[stNext]), Position(st[stFloor]))
	for _, c := range have.cursors {
		next = max(next, Position(c.label.values[curPosition])+1)
	}
	// Removed by retention, brought back by a power cut.
	for len(l.segs) > 1 && l.segs[0].end <= Position(st[stOldest]) {
		if err := l.fs.Remove(l.path(l.segs[0])); err != nil {
			return err
		}
		l.segs = l.segs[1:]
	}
	l.tail.end = max(1, Position(st[stNext]))
	for len(l.segs) > 0 {
		s := l.segs[len(l.segs)-1]
		next = max(next, s.base)
		if s.dead && Position(st[stBase]) != s.base {
			// Its labels were never synced, so neither was anything else in it.
			if err := l.setAside(s, 0, 0); err != nil {
				return err
			}
			l.segs = l.segs[:len(l.segs)-1]
			continue
		}
		claimed, err := l.recoverTail(s, st)
		if err != nil {
			return err
		}
		next = max(next, claimed)
		if l.tail.end > s.base || s.dead {
			break
		}
		// It holds no record. It goes, lest a segment with the same base is made beside it.
		if err := l.fs.Remove(l.path(s)); err != nil {
			return err
		}
		l.segs = l.segs[:len(l.segs)-1]
		l.tail = tail{Position(s.label.values[segPrevEnd]), int64(s.label.values[segPrevSynced]), s.label.seq}
		break
	}
	l.reportFront(Position(st[stOldest]), Position(st[stNext]))
	l.endBefore = l.tail.end
	l.next = max(next, l.tail.end)
	l.first, l.synced = l.next, l.next-1
	// After a kill the names of files may be in the page cache only, too.
	return l.fs.SyncDir(l.dir)
}

// tailScan is what is found at the end of the last segment.
type tailScan struct {
	synced  int64    // how far the state says that it was synced
	known   Position // and to which position
	end     Position // behind the last record that is well
	claimed Position // behind the last record of which there is a trace
	cut     int64    // where what is well ends
	stamp   int64
	gone    bool     // a segment that was synced is missing behind it
	found   []Damage // before cut
}

// scanTail looks for the end of the last segment, behind what is known to be synced. It changes
// nothing but s.synced, so that a reader tells tears from rot.
func scanTail(fsys FS, dir string, s *segment, st [8]uint64) (t tailScan, err error) {
	t.known = s.base
	if Position(st[stBase]) == s.base {
		t.synced, t.known = int64(st[stOffset]), Position(st[stNext])
	}
	s.synced = t.synced
	if Position(st[stBase]) > s.base {
		t.gone, t.synced, t.known, s.synced = true, s.size, Position(st[stNext]), math.MaxInt64
	}
	r, err := openReader(fsys, dir, s)
	if err != nil {
		return t, err
	}
	if t.synced > segmentStart && t.synced <= s.size && !s.dead && !t.gone {
		r.off, r.want = t.synced, t.known
	}
	var ch Chunk // Holds no records: none has a position from unknown on.
	for err == nil && r.off < s.size {
		err = r.read(&ch, unknown, s.size, unknown)
	}
	if err = errors.Join(err, r.close()); err != nil {
		return t, err
	}
	t.end, t.stamp = r.want, r.last.stamp
	t.claimed = max(t.end, t.known, r.last.first+Position(r.last.records))
	t.cut, t.found = max(s.size, segmentStart), r.found
	if s.dead {
		t.cut, t.found = 0, nil
	} else if n := len(t.found); n > 0 && t.found[n-1].Bytes > 0 && t.found[n-1].Offset+t.found[n-1].Bytes == s.size {
		t.cut, t.found = t.found[n-1].Offset, t.found[:n-1]
	}
	return t, nil
}

// recoverTail finds where the last segment ends and cuts what is torn there. It returns the
// position behind the last one of which there is a trace.
func (l *Log) recoverTail(s *segment, st [8]uint64) (claimed Position, err error) {
	t, err := scanTail(l.fs, l.dir, s, st)
	if err != nil {
		return 0, err
	}
	l.stamp = max(l.stamp, int64(s.label.values[segPrevStamp]), t.stamp)
	for _, d := range t.found {
		l.reportLocked(d)
	}
	switch {
	case t.end < t.known: // Not a tear: it was synced. Left as it is for readers, who skip it.
		kind := Corrupt
		if t.cut >= s.size && !s.dead {
			kind = Missing
		}
		l.reportLocked(Damage{Kind: kind, File: s.name, Offset: t.cut, Bytes: max(0, s.size-t.cut), Records: uint64(t.known - t.end)})
		t.end = t.known
	case t.cut < s.size:
		if err := l.setAside(s, t.cut, uint64(t.claimed-t.end)); err != nil {
			return 0, err
		}
	case t.claimed > t.end:
		l.reportLocked(Damage{Kind: Torn, File: s.name, Offset: t.cut, Records: uint64(t.claimed - t.end)})
	}
	s.end, s.ended = t.end, l.clock0
	l.tail = tail{t.end, t.synced, s.label.seq + 1}
	if t.gone {
		l.tail.seq++ // So that nobody takes the next one for the one that is missing.
	}
	if s.size == t.synced || s.dead {
		return t.claimed, nil
	}
	// After a kill it is in the page cache only, and counts as synced from now on.
	f, err := l.fs.OpenFile(l.path(s), os.O_RDWR, 0o600)
	if err != nil {
		return 0, err
	}
	if err := errors.Join(giveBack(f, s.size), f.Sync(), f.Close()); err != nil {
		return 0, err
	}
	if len(t.found) == 0 {
		l.tail.synced = s.size
	}
	return t.claimed, nil
}

const setAsideIn = "set aside in "

// setAside moves what stands in s from offset cut on to a file of its own, or all of s. A disk that
// is too full for that leaves it where it is: readers skip it.
func (l *Log) setAside(s *segment, cut int64, records uint64) error {
	if s.size == 0 {
		return l.fs.Remove(l.path(s))
	}
	name, err := l.tornName(s, cut)
	if err != nil {
		return err
	}
	l.reportLocked(Damage{Kind: Torn, File: s.name, Offset: cut, Bytes: s.size - cut, Records: records, Note: setAsideIn + name})
	to := l.join(name)
	if cut == 0 {
		return l.fs.Rename(l.path(s), to)
	}
	err = l.copyTorn(s, cut, to+tempSuffix)
	if err == nil {
		err = l.fs.Rename(to+tempSuffix, to)
	}
	if err == nil {
		err = l.fs.SyncDir(l.dir)
	}
	if isNoSpace(err) {
		if err = l.fs.Remove(to + tempSuffix); isAbsent(err) {
			err = nil
		}
		return err
	}
	if err != nil {
		return err
	}
	f, err := l.fs.OpenFile(l.path(s), os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	err = f.Truncate(cut)
	if err == nil {
		err = f.Sync()
	}
	s.size = cut
	return errors.Join(err, f.Close())
}

// tornName is a name for what is torn in s from cut on that no file has: the next segment may have the same base, and may be
// torn too, before anybody was told of the first.
func (l *Log) tornName(s *segment, cut int64) (string, error) {
	names, err := l.fs.ReadDir(l.dir)
	if err != nil {
		return "", err
	}
	base := fmt.Sprintf("%s-%d", strings.TrimSuffix(s.name, segmentExt), cut)
	name := base + tornSuffix
	for n := 2; slices.Contains(names, name); n++ {
		name = fmt.Sprintf("%s-%d%s", base, n, tornSuffix)
	}
	return name, nil
}

// copyTorn copies the end of a segment to a new file and syncs that.
func (l *Log) copyTorn(s *segment, cut int64, to string) (err error) {
	from, err := l.fs.OpenFile(l.path(s), os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	f, err := l.fs.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r := &reader{seg: s, file: from, off: cut}
	var ch Chunk
	for r.off < s.size {
		b, err := r.window(&ch, min(chunkSize, s.size-r.off))
		if err != nil {
			return err
		}
		if len(b) == 0 {
			break
		}
		if _, err := f.WriteAt(b, r.off-cut); err != nil {
			return err
		}
		r.off += int64(len(b))
	}
	return f.Sync()
}

// reportFront reports what is missing before the oldest segment, which should begin at oldest.
func (l *Log) reportFront(oldest, synced Position) {
	begin, file := l.tail.end, stateName
	if len(l.segs) > 0 {
		begin, file = l.oldestLocked(), l.segs[0].name
	}
	kind := Missing
	if oldest >= synced {
		kind = Torn
	}
	if oldest > 0 && begin > oldest {
		l.reportLocked(Damage{Kind: kind, File: file, Offset: -1, Records: uint64(begin - oldest), Note: "segments before it"})
	}
}

// openState opens the file state, or makes it anew.
func (l *Log) openState(have content) (err error) {
	values := have.state.values
	values[stLog], values[stFloor] = l.id, uint64(l.next)
	values[stOldest] = uint64(max(Position(values[stOldest]), l.oldestLocked()))
	path := l.join(stateName)
	l.state, _, err = openSlots(l.fs, path, magicState)
	if isAbsent(err) || errors.Is(err, errLabel) {
		l.state, err = createSlots(l.fs, l.dir, path, magicState, label{values: values})
	}
	if err != nil {
		return fmt.Errorf("open the state: %w", err)
	}
	return l.putState(func(v *[8]uint64) { *v = values })
}
