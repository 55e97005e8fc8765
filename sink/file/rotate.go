package file

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vswarden/sink"
)

// stampLayout is the end of a rotated file's name, in UTC; names sort by time.
const stampLayout = "20060102T150405.000Z"

// Reopen is what SIGHUP asks for: the live file is renamed and a new one made. Where somebody has
// renamed or removed the file already (logrotate), a new one is opened; an empty file stays.
func (s *Sink) Reopen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.device != nil {
		return nil
	}
	if err := s.openLive(); err != nil {
		return err
	}
	return s.rotate()
}

// old reports whether the live file has been there for longer than it may.
func (s *Sink) old() bool {
	if s.cfg.Rotate.Age == 0 || s.live == nil || s.live.Size() == 0 {
		return false
	}
	now := s.now()
	if now.Before(s.began) {
		s.began = now // the clock was set back
	}
	return now.Sub(s.began) >= s.cfg.Rotate.Age
}

// rotate renames the open live file, opens a new one and removes those beyond keep.
func (s *Sink) rotate() error {
	if err := s.live.Mend(); err != nil {
		return err
	}
	if s.live.Moved() { // what is at the path now is not ours to rename
		s.retire()
		return s.openLive()
	}
	if s.live.Size() == 0 {
		s.began = s.now()
		return nil
	}
	name, stamp, err := s.nextName()
	if err != nil {
		return fmt.Errorf("rotate %s: %w", s.path, err)
	}
	if err := s.fsys.Rename(s.path, name); err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	s.last, s.dirDirty = stamp, true
	s.retire()
	_ = s.prune() // Run meets the same error and keeps it for Upkeep
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return s.openLive()
}

// retire gives up the live file. What it holds is synced by the next Sync; only when nobody calls
// Sync the oldest is synced here, so that the number of open files is bounded.
func (s *Sink) retire() {
	f := s.live
	s.live, s.dirty = nil, false
	if s.cfg.Sync == SyncNever {
		_ = f.Close() // nothing was promised
		return
	}
	s.unsynced = append(s.unsynced, f)
	if len(s.unsynced) <= unsyncedMax {
		return
	}
	i := 0
	if s.unsynced[i] == s.pinned {
		i = 1
	}
	if err := errors.Join(s.unsynced[i].Sync(), s.unsynced[i].Close()); err != nil && s.failed == nil {
		s.failed = fmt.Errorf("sync %s: %w: %w", s.path, sink.ErrUnsynced, err)
	}
	s.unsynced = slices.Delete(s.unsynced, i, i+1)
}

// nextName returns a name that was never used: later than all that are there, whatever the clock says.
func (s *Sink) nextName() (string, time.Time, error) {
	stamp := s.now().UTC().Truncate(time.Millisecond)
	if !stamp.After(s.last) {
		stamp = s.last.Add(time.Millisecond)
	}
	for ; ; stamp = stamp.Add(time.Millisecond) {
		name := s.path + "." + stamp.Format(stampLayout)
		_, err := s.fsys.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			_, err = s.fsys.Stat(name + gzSuffix)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return name, stamp, nil
		case err != nil:
			return "", stamp, err
		}
	}
}

// rotated is one older file: plain, compressed, or for a moment both.
type rotated struct {
	name   string // without .gz
	stamp  time.Time
	plain  bool
	gz     bool
	unmade bool // a compression that was broken off lies there as well
}

const (
	gzSuffix   = ".gz"
	tempSuffix = ".gz.tmp"
)

// older lists the rotated files, the oldest first. What only looks similar is not ours.
func (s *Sink) older() ([]rotated, error) {
	dir, base := filepath.Split(s.path)
	if dir == "" {
		dir = "."
	}
	entries, err := s.fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []rotated
	for _, e := range entries { // sorted by name: those of one stamp stand together
		rest, ok := strings.CutPrefix(e.Name(), base+".")
		if !ok || !e.Type().IsRegular() || len(rest) < len(stampLayout) {
			continue
		}
		text, suffix := rest[:len(stampLayout)], rest[len(stampLayout):]
		stamp, err := time.Parse(stampLayout, text)
		if err != nil || suffix != "" && suffix != gzSuffix && suffix != tempSuffix {
			continue
		}
		if n := len(files); n == 0 || !files[n-1].stamp.Equal(stamp) {
			files = append(files, rotated{name: s.path + "." + text, stamp: stamp})
		}
		f := &files[len(files)-1]
		f.plain = f.plain || suffix == ""
		f.gz = f.gz || suffix == gzSuffix
		f.unmade = f.unmade || suffix == tempSuffix
	}
	return files, nil
}

// prune removes the oldest files beyond keep.
func (s *Sink) prune() error {
	if s.cfg.Rotate.Keep == 0 {
		return nil
	}
	files, err := s.older()
	if err != nil {
		return fmt.Errorf("list older files: %w", err)
	}
	var errs []error
	for _, f := range files[:max(len(files)-s.cfg.Rotate.Keep, 0)] {
		if f.plain {
			errs = append(errs, s.remove(f.name))
		}
		if f.gz {
			errs = append(errs, s.remove(f.name+gzSuffix))
		}
		if f.unmade {
			errs = append(errs, s.remove(f.name+tempSuffix))
		}
	}
	return errors.Join(errs...)
}

// remove removes a file; one that is gone already is fine.
func (s *Sink) remove(name string) error {
	if err := s.fsys.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove older file: %w", err)
	}
	return nil
}
