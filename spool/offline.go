package spool

import (
	"errors"
	"fmt"
	"path/filepath"
)

// ListCursors returns the cursors of a log that may be open in another process: what they say a
// moment later may be more. A log that is not there has none.
func ListCursors(fsys FS, dir string) ([]CursorInfo, error) {
	have, err := readContent(fsys, dir)
	if isAbsent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l, err := offlineLog(fsys, dir, have)
	if err != nil {
		return nil, err
	}
	return l.Cursors(), nil
}

// offlineLog makes of what is on disk as much as Cursors needs.
func offlineLog(fsys FS, dir string, have content) (*Log, error) {
	l := &Log{segs: have.segs, known: have.cursors, endBefore: max(1, Position(have.state.values[stNext]))}
	if n := len(l.segs); n > 0 {
		s := l.segs[n-1]
		t, err := scanTail(fsys, dir, s, have.state.values)
		if err != nil {
			return nil, err
		}
		s.end = max(t.end, t.known)
		l.endBefore = s.end
	}
	return l, nil
}

// ErrNoCursor says that there is no cursor of that name.
var ErrNoCursor = errors.New("no such cursor")

// ErrNoPosition says that the log has no such position.
var ErrNoPosition = errors.New("position is not in the log")

// withCursor calls do with a cursor file of a log that no process has open.
func withCursor(fsys FS, dir, name string, do func(have content, c cursorFile) error) (err error) {
	lock, err := fsys.Lock(filepath.Join(dir, lockName))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	have, err := readContent(fsys, dir)
	if err != nil {
		return err
	}
	c, ok := have.cursors[name]
	if !ok {
		return fmt.Errorf("cursor %s: %w", name, ErrNoCursor)
	}
	return do(have, c)
}

// SetCursor moves a cursor of a log that no process has open (*InUseError) to start, or where that
// is empty to position: all records up to there count as done. It returns where the cursor is.
func SetCursor(fsys FS, dir, name string, start Start, position Position) (at Position, err error) {
	err = withCursor(fsys, dir, name, func(have content, c cursorFile) error {
		l, err := offlineLog(fsys, dir, have)
		if err != nil {
			return err
		}
		oldest, end := l.oldestLocked(), l.endBefore
		at = position
		switch {
		case start == StartOldest:
			at = oldest - 1
		case start == StartNewest:
			at = end - 1
		case at >= end || at+1 < oldest:
			return fmt.Errorf("%w: %d, write %d to %d", ErrNoPosition, position, oldest-1, end-1)
		}
		s, _, err := openSlots(fsys, filepath.Join(dir, c.file), magicCursor)
		if err != nil {
			return err
		}
		err = s.put(func(v *[8]uint64) { v[curPosition] = uint64(at) })
		if err == nil {
			err = s.sync()
		}
		return errors.Join(err, s.file.Close())
	})
	return at, err
}

// DropCursor removes a cursor of a log that no process has open (*InUseError).
func DropCursor(fsys FS, dir, name string) error {
	return withCursor(fsys, dir, name, func(_ content, c cursorFile) error {
		if err := fsys.Remove(filepath.Join(dir, c.file)); err != nil {
			return err
		}
		return fsys.SyncDir(dir)
	})
}
