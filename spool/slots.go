package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

const slotFileSize = 2 * labelSpacing

// slots is a small file that always holds one whole label: a cursor, or the log's state.
type slots struct {
	path  string
	magic string

	io      sync.Mutex // held while the file is written or synced; taken before mu
	file    File
	slot    int64  // the slot to write: the other one is whole and synced
	seq     uint64 // of that other one
	written uint64 // change that stands in slot
	synced  uint64 // change that is durable

	mu      sync.Mutex // never held during I/O
	latest  label      // what the file should say
	durable label      // what it says after a power cut, or something newer
	change  uint64     // counts the calls of put
}

// createSlots makes the file, durably: it is seen whole or not at all.
func createSlots(fsys FS, dir, path, magic string, l label) (*slots, error) {
	b := make([]byte, slotFileSize)
	l.put(b[labelSpacing:], magic)
	l.seq = 1
	l.put(b, magic)
	tmp := path + ".tmp"
	f, err := fsys.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteAt(b, 0)
	if err == nil {
		err = f.Sync()
	}
	// Closed before the rename, which Windows wants.
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(err, fsys.Remove(tmp))
	}
	if err = fsys.Rename(tmp, path); err == nil {
		err = fsys.SyncDir(dir)
	}
	if err == nil {
		f, err = fsys.OpenFile(path, os.O_RDWR, 0o600)
	}
	if err != nil {
		return nil, err
	}
	return &slots{path: path, magic: magic, file: f, latest: l, durable: l, slot: 1, seq: l.seq}, nil
}

// readSlots returns the newest label of a file, the slot it stands in, and whether the other slot
// was damaged. An error that wraps errLabel means that neither slot can be read.
func readSlots(fsys FS, path, magic string) (l label, slot int64, hurt bool, err error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return l, 0, false, err
	}
	defer f.Close() //nolint:errcheck // Only read.
	slot = -1
	for i := range int64(2) {
		b := make([]byte, labelSize)
		if _, err := f.ReadAt(b, i*labelSpacing); err != nil && !errors.Is(err, io.EOF) {
			hurt = true
			continue
		}
		got, err := readLabel(b, magic)
		if newer, ok := errors.AsType[*FormatError](err); ok {
			newer.File = path
			return l, 0, false, newer
		}
		switch {
		case err != nil:
			hurt = true
		case slot < 0 || got.seq > l.seq:
			l, slot = got, i
		}
	}
	if slot < 0 {
		return l, 0, true, fmt.Errorf("%s: both copies are damaged: %w", path, errLabel)
	}
	return l, slot, hurt, nil
}

func openSlots(fsys FS, path, magic string) (s *slots, hurt bool, err error) {
	l, slot, hurt, err := readSlots(fsys, path, magic)
	if err != nil {
		return nil, hurt, err
	}
	f, err := fsys.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return nil, hurt, err
	}
	// What was read may be in the page cache only: it counts as durable after a sync.
	s = &slots{path: path, magic: magic, file: f, latest: l, durable: l, slot: 1 - slot, seq: l.seq}
	return s, hurt, f.Sync()
}

// put changes the values and writes them. They survive a kill then, and a power cut after the next
// sync. A full disk is no error: the sync tries again.
func (s *slots) put(change func(values *[8]uint64)) error {
	s.mu.Lock()
	change(&s.latest.values)
	s.change++
	s.mu.Unlock()
	if !s.io.TryLock() {
		return nil // A sync is under way; it writes what is new when it is through.
	}
	defer s.io.Unlock()
	return s.write()
}

// write writes the latest values into the slot that is free. io is held.
func (s *slots) write() error {
	s.mu.Lock()
	l, change := s.latest, s.change
	s.mu.Unlock()
	l.seq = s.seq + 1
	b := make([]byte, labelSize)
	l.put(b, s.magic)
	_, err := s.file.WriteAt(b, s.slot*labelSpacing)
	if err == nil {
		s.written = change
	} else if isNoSpace(err) {
		return nil
	}
	return err
}

// sync makes durable what was put before the call.
func (s *slots) sync() error {
	s.io.Lock()
	defer s.io.Unlock()
	s.mu.Lock()
	l, change := s.latest, s.change
	s.mu.Unlock()
	if change == s.synced {
		return nil
	}
	if s.written != change {
		if err := s.write(); err != nil {
			return err
		}
		if s.written < change {
			return nil // The disk is full.
		}
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	s.slot, s.seq, s.synced = 1-s.slot, s.seq+1, change
	s.mu.Lock()
	s.durable = l
	more := s.change != s.written
	s.mu.Unlock()
	if more {
		return s.write()
	}
	return nil
}

// get returns the values put last, and those a power cut cannot undo.
func (s *slots) get() (latest, durable [8]uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest.values, s.durable.values
}

// isAbsent reports whether a file is not there.
func isAbsent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
