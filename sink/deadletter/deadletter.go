// Package deadletter keeps the events that could not be delivered, with the reason, in a file of
// lines beside the log. The file is bounded: when it and one older generation are full, the oldest
// letters go, and that is counted.
package deadletter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"vswarden/event"
	"vswarden/setting"
	"vswarden/sink"
	"vswarden/sink/lines"
)

const (
	fileMode = 0o600 // a letter holds the frame as it came, passwords and all
	dirMode  = 0o700
	older    = ".1"
)

// Config is the section dead_letters: of the configuration.
type Config struct {
	// MaxSize bounds the bytes kept for one sink; when half of it is used up the file becomes the
	// older one (.1) and the one before goes.
	MaxSize setting.Bytes `yaml:"max_size"`
}

// minMaxSize leaves room for a frame of the largest size in each file.
const minMaxSize = 64 * setting.MiB

// DefaultConfig keeps 128 MiB for each sink.
func DefaultConfig() Config { return Config{MaxSize: 128 * setting.MiB} }

// Validate returns all faults of c.
func (c Config) Validate() []setting.Fault {
	if c.MaxSize < minMaxSize {
		return []setting.Fault{{Path: "max_size", Value: c.MaxSize.String(), Problem: "too small, write at least " + minMaxSize.String()}}
	}
	return nil
}

// Letter is an event that could not be delivered, and why.
type Letter struct {
	ID       event.ID
	Received int64  // Unix nanoseconds; 0 = unknown
	Reason   string // a word, as in the label reason of vswarden_events_dead_total
	Err      error
	Stack    []byte // of a panic, else nil
	Original []byte // the frame, or what there is of it; valid until Write returns
}

// letter is a Letter as it stands in the file.
type letter struct {
	Timestamp string `json:"@timestamp"` // when it was given up
	Event     struct {
		ID      string `json:"id"`
		Created string `json:"created,omitempty"`
	} `json:"event"`
	Sink        string `json:"sink"`
	Reason      string `json:"reason"`
	Error       string `json:"error,omitempty"`
	Stack       string `json:"stack,omitempty"`
	Original    string `json:"original,omitempty"`
	OriginalB64 []byte `json:"original_b64,omitempty"` // where it is not UTF-8
}

const stampLayout = "2006-01-02T15:04:05.000000Z"

// File is the dead letters of one sink. Its methods may be called by several at once.
type File struct {
	path      string
	sink      string
	limit     int64 // of one of the two files
	fsys      lines.FS
	now       func() time.Time
	forgotten atomic.Int64

	mu       sync.Mutex // guards what follows
	live     *lines.File
	dirty    bool
	dirDirty bool
	failed   error // a sync that failed: final
}

// Open prepares the dead letters of the named sink at path. The file is made with the first letter;
// one that exists is opened now, so that what cannot be used is known at start. A file system
// without room is no error, since that heals: Write then tries again.
func Open(path, sinkName string, cfg Config) (*File, error) {
	return open(path, sinkName, cfg, lines.OS{}, time.Now)
}

func open(path, sinkName string, cfg Config, fsys lines.FS, now func() time.Time) (*File, error) {
	f := &File{path: path, sink: sinkName, limit: int64(cfg.MaxSize) / 2, fsys: fsys, now: now}
	err := f.makeDir()
	if err == nil {
		if _, err = fsys.Stat(path); err == nil {
			err = f.open()
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !lines.Full(err) {
		return nil, err
	}
	return f, nil
}

func (f *File) makeDir() error {
	if err := os.MkdirAll(filepath.Dir(f.path), dirMode); err != nil {
		return fmt.Errorf("make the directory of the dead letters: %w", err)
	}
	return nil
}

func (f *File) open() error {
	if f.live != nil {
		return nil
	}
	if err := f.makeDir(); err != nil {
		return err
	}
	live, err := lines.OpenFile(f.fsys, f.path, fileMode)
	if err != nil {
		return fmt.Errorf("open dead letters: %w", err)
	}
	f.live = live
	f.dirDirty = f.dirDirty || live.Created()
	f.dirty = f.dirty || live.Cut() > 0
	return nil
}

// Write keeps the letter. It is durable after the next Sync. Any error means it was not kept; what
// is left of it is cut off.
func (f *File) Write(ctx context.Context, l Letter) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	line, err := f.line(l)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil {
		return f.failed
	}
	if err := f.open(); err != nil {
		return err
	}
	if f.live.Size() > 0 && f.live.Size()+int64(len(line)) > f.limit {
		if err := f.rotate(); err != nil {
			return err
		}
	}
	f.dirty = true
	if _, err := f.live.Append(line); err != nil {
		return fmt.Errorf("write dead letter: %w", err)
	}
	return nil
}

// line is l as a line of the file.
func (f *File) line(l Letter) ([]byte, error) {
	out := letter{
		Timestamp: f.now().UTC().Format(stampLayout),
		Sink:      f.sink, Reason: l.Reason, Stack: string(l.Stack),
	}
	out.Event.ID = l.ID.String()
	if l.Received != 0 {
		out.Event.Created = time.Unix(0, l.Received).UTC().Format(stampLayout)
	}
	if l.Err != nil {
		out.Error = l.Err.Error()
	}
	if utf8.Valid(l.Original) {
		out.Original = string(l.Original)
	} else {
		out.OriginalB64 = l.Original
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the frame stays readable
	if err := e.Encode(out); err != nil {
		return nil, fmt.Errorf("write dead letter: %w", err)
	}
	return b.Bytes(), nil
}

// rotate makes the full file the older one; what that was is forgotten, and counted.
func (f *File) rotate() error {
	if err := f.live.Mend(); err != nil {
		return err
	}
	if err := f.syncLive(); err != nil {
		return err
	}
	var lost int64
	if info, err := f.fsys.Stat(f.path + older); err == nil {
		lost = info.Size()
	}
	err := f.fsys.Rename(f.path, f.path+older)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // somebody took it away: fine
		return fmt.Errorf("rotate dead letters: %w", err)
	}
	if err == nil {
		f.forgotten.Add(lost)
	}
	_ = f.live.Close() // synced
	f.live, f.dirDirty = nil, true
	return f.open()
}

func (f *File) syncLive() error {
	if !f.dirty || f.live == nil {
		return nil
	}
	if err := f.live.Sync(); err != nil {
		f.failed = fmt.Errorf("sync dead letters: %w: %w", sink.ErrUnsynced, err)
		return f.failed
	}
	f.dirty = false
	return nil
}

// Sync makes the letters durable that were written before it was called. An error that wraps
// sink.ErrUnsynced is final.
func (f *File) Sync(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil {
		return f.failed
	}
	if err := f.syncLive(); err != nil {
		return err
	}
	if f.dirDirty {
		if err := f.fsys.SyncDir(filepath.Dir(f.path)); err != nil {
			return fmt.Errorf("sync the directory of the dead letters: %w", err)
		}
		f.dirDirty = false
	}
	if f.live != nil && f.live.Moved() { // taken away to be looked at: the next letter starts anew
		_ = f.live.Close() // synced
		f.live = nil
	}
	return nil
}

// Path is where the newest letters are.
func (f *File) Path() string { return f.path }

// Forgotten is how many bytes of letters went because there were too many, since Open.
func (f *File) Forgotten() int64 { return f.forgotten.Load() }

// Close closes the file. It does not sync.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live == nil {
		return nil
	}
	err := f.live.Close()
	f.live = nil
	return err
}
