// Package file is the sink that writes events as lines into a file.
//
// It promises: a line is whole or not there, whatever ends a write; what Sync returned nil for
// survives a power cut; rotation renames the file and makes a new one, and no name is used twice.
// It takes the file to be its own: nobody else writes into it, though anybody may read it, and
// remove or rename it, which is noticed at the next Sync.
package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"vswarden/sink"
	"vswarden/sink/lines"
)

const (
	fileMode    = 0o640   // a forwarder beside us reads it through its group
	writeMax    = 4 << 20 // bytes that are appended at once; a larger batch takes several turns
	unsyncedMax = 8       // rotated files that wait for a Sync
)

// Sink writes to one file, or to one device.
type Sink struct {
	cfg    Config
	path   string // without symbolic links
	now    func() time.Time
	fsys   lines.FS
	cut    atomic.Int64
	upkeep atomic.Pointer[error]
	wake   chan struct{} // tells Run that a file was rotated

	syncing sync.Mutex // one Sync at a time; taken before mu

	mu       sync.Mutex    // guards what follows
	device   *device       // nil: a regular file
	live     *lines.File   // nil: the next Write opens it
	began    time.Time     // when the live file began
	last     time.Time     // stamp of the newest rotated file
	dirty    bool          // live holds what was not synced
	dirDirty bool          // the directory too
	unsynced []*lines.File // rotated, to be synced and closed
	pinned   *lines.File   // the live file that a Sync is busy with: not to be closed by others
	failed   error         // a sync that failed: final
	buf      []byte
}

var (
	_ sink.Sink   = (*Sink)(nil)
	_ sink.Syncer = (*Sink)(nil)
	_ sink.Runner = (*Sink)(nil)
)

// Open opens or makes the file. A file system without room is no error, since that heals: Write
// then tries again. The config is valid; now gives the time for names and ages.
func Open(cfg Config, now func() time.Time) (*Sink, error) {
	return open(cfg, now, lines.OS{})
}

func open(cfg Config, now func() time.Time, fsys lines.FS) (*Sink, error) {
	s := &Sink{cfg: cfg, path: cfg.Path, now: now, fsys: fsys, wake: make(chan struct{}, 1)}
	isDevice, err := s.resolve()
	if err != nil {
		return nil, err
	}
	if isDevice {
		if s.device, err = openDevice(s.path); err != nil {
			return nil, err
		}
		return s, nil
	}
	older, err := s.older()
	if err != nil {
		return nil, s.explain(err)
	}
	if len(older) > 0 {
		s.last = older[len(older)-1].stamp
	}
	if err := s.openLive(); err != nil && !lines.Full(err) {
		return nil, err
	}
	return s, nil
}

// resolve tells devices from files and follows a symbolic link to its file, since a rotation that
// renames the link would go on writing to the old file.
func (s *Sink) resolve() (isDevice bool, err error) {
	clean := filepath.Clean(s.path)
	shm := strings.HasPrefix(clean, "/dev/shm/") // a RAM file system
	if strings.HasPrefix(clean, "/dev/") && !shm || strings.HasPrefix(clean, "/proc/") {
		return true, nil
	}
	info, err := s.fsys.Stat(clean)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if link, linkErr := os.Readlink(clean); linkErr == nil {
			return false, fmt.Errorf("open %s: a link to %s, which does not exist: make it, or name the file itself", s.path, link)
		}
		return false, nil // to be made
	case err != nil:
		return false, s.explain(err)
	case info.IsDir():
		return false, fmt.Errorf("open %s: a directory: name a file in it", s.path)
	case !info.Mode().IsRegular():
		return true, nil
	}
	if target, err := filepath.EvalSymlinks(clean); err == nil {
		s.path = target
	}
	return false, nil
}

// explain adds the cure to what opening a file can meet.
func (s *Sink) explain(err error) error {
	dir := filepath.Dir(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("open %s: its directory %s does not exist: make it and let vswarden's user write there: %w", s.path, dir, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("open %s: let vswarden's user write in %s: %w", s.path, dir, err)
	}
	return fmt.Errorf("open events file: %w", err)
}

// openLive opens the live file where it is not open.
func (s *Sink) openLive() error {
	if s.live != nil {
		return nil
	}
	f, err := lines.OpenFile(s.fsys, s.path, fileMode)
	if err != nil {
		return s.explain(err)
	}
	s.live = f
	s.cut.Add(f.Cut())
	s.dirty = f.Cut() > 0
	s.began = s.now()
	if f.Created() {
		s.dirDirty = true
	} else if s.began = f.Info().ModTime(); !s.last.IsZero() {
		s.began = s.last
	}
	return nil
}

// Write appends the batch. When only the first lines of it fit on the disk they stay, and
// sink.Errors says which; half a line never stays.
func (s *Sink) Write(ctx context.Context, batch []sink.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if err := s.renewDevice(); err != nil {
		s.mu.Unlock()
		return err
	}
	if d := s.device; d != nil {
		s.mu.Unlock()
		return d.Write(ctx, batch)
	}
	defer s.mu.Unlock()
	for done := 0; done < len(batch); {
		room, err := s.makeRoom(int64(len(batch[done].Value)) + 1)
		if err != nil {
			return lines.Verdict(len(batch), done, err)
		}
		b, n := lines.Together(batch[done:], min(room, writeMax))
		if n == 0 {
			s.buf, n = lines.Append(s.buf[:0], batch[done:], min(room, writeMax))
			b = s.buf
		}
		s.dirty = true
		if kept, err := s.live.Append(b); err != nil {
			done += lines.Whole(batch[done:], kept)
			return lines.Verdict(len(batch), done, fmt.Errorf("write events: %w", err))
		}
		done += n
	}
	if cap(s.buf) > writeMax {
		s.buf = nil
	}
	return nil
}

// renewDevice looks again at what the path names when a device refused the last write.
func (s *Sink) renewDevice() error {
	if s.device == nil || !s.device.fail.Load() || !s.device.replaced() {
		return nil
	}
	old := s.device
	s.path = s.cfg.Path
	isDevice, err := s.resolve()
	if err != nil {
		return err
	}
	var d *device
	if isDevice {
		if d, err = openDevice(s.path); err != nil {
			return err
		}
	}
	s.device = d
	_ = old.Close() // it took nothing that could be lost
	return nil
}

// makeRoom opens the live file, or rotates it when it is old or the next line does not fit, and
// returns how many bytes it may take.
func (s *Sink) makeRoom(line int64) (int64, error) {
	if s.failed != nil {
		return 0, s.failed
	}
	if err := s.openLive(); err != nil {
		return 0, err
	}
	limit := int64(s.cfg.Rotate.Size)
	if s.old() || limit > 0 && s.live.Size() > 0 && s.live.Size()+line > limit {
		if err := s.rotate(); err != nil {
			return 0, err
		}
	}
	if limit == 0 {
		return writeMax, nil
	}
	return limit - s.live.Size(), nil
}

// Sync makes durable what was written before it was called. A write that goes on beside it does
// not wait. It also notices that the file was removed or renamed.
func (s *Sink) Sync(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.syncing.Lock()
	defer s.syncing.Unlock()

	s.mu.Lock()
	if s.device != nil {
		s.mu.Unlock()
		return nil
	}
	if s.failed != nil {
		defer s.mu.Unlock()
		return s.failed
	}
	if s.live != nil && s.live.Moved() {
		s.retire()
	}
	rotated, live, dirty, dirDirty := s.unsynced, s.live, s.dirty, s.dirDirty
	s.unsynced, s.dirty, s.dirDirty = nil, false, false
	if s.cfg.Sync == SyncNever {
		s.mu.Unlock()
		return nil // retire closed what was rotated
	}
	s.pinned = live
	s.mu.Unlock()

	var failed error
	for _, f := range rotated {
		failed = errors.Join(failed, f.Sync(), f.Close())
	}
	if dirty && live != nil {
		failed = errors.Join(failed, live.Sync())
	}
	s.mu.Lock()
	s.pinned = nil
	if failed != nil {
		s.failed = fmt.Errorf("sync %s: %w: %w", s.path, sink.ErrUnsynced, failed)
	}
	failed = s.failed
	s.mu.Unlock()
	if failed != nil {
		return failed
	}
	if dirDirty {
		if err := s.fsys.SyncDir(filepath.Dir(s.path)); err != nil {
			s.mu.Lock()
			s.dirDirty = true
			s.mu.Unlock()
			return fmt.Errorf("sync the directory of %s: %w", s.path, err)
		}
	}
	return nil
}

// Cut is how many bytes of half a line, left by a crash, were cut off when files were opened. The
// events of such lines are delivered again.
func (s *Sink) Cut() int64 { return s.cut.Load() }

// Close closes what is open. It does not sync.
func (s *Sink) Close() error {
	s.syncing.Lock()
	defer s.syncing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.device != nil {
		return s.device.Close()
	}
	var errs []error
	for _, f := range s.unsynced {
		errs = append(errs, f.Close())
	}
	if s.live != nil {
		errs = append(errs, s.live.Close())
	}
	s.unsynced, s.live = nil, nil
	return errors.Join(errs...)
}
