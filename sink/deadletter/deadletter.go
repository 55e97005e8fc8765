// Package deadletter keeps the events that a sink will never accept, with the reason, so that
// nothing is dropped without a trace: one file of JSON lines for each sink, bounded, with one older
// generation beside it.
package deadletter

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
	"unicode/utf8"

	"vswarden/event"
	"vswarden/setting"
	"vswarden/sink/lines"
)

// Config is the section dead_letters: of the configuration.
type Config struct {
	// MaxSize bounds the bytes kept for one sink; when half of it is used up the file becomes the
	// older generation and the one before goes.
	MaxSize setting.Bytes `yaml:"max_size"`
}

// minMaxSize leaves room for a frame of the largest size in each generation.
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
	Received int64  // Unix nanoseconds
	Reason   string // one word of a closed list
	Err      error
	Stack    []byte // of a panic, else nil
	Original []byte // the frame; valid until Write returns
}

// entry is a Letter as it is written.
type entry struct {
	Timestamp string `json:"@timestamp"`
	Event     struct {
		ID string `json:"id"`
	} `json:"event"`
	Sink        string `json:"sink"`
	Reason      string `json:"reason"`
	Error       string `json:"error,omitempty"`
	Stack       string `json:"stack,omitempty"`
	Original    string `json:"original,omitempty"`
	OriginalB64 string `json:"original_b64,omitempty"` // where the frame is not UTF-8
}

// File is the dead letters of one sink. Its methods may be called from several goroutines.
type File struct {
	cfg  Config
	sink string
	path string

	mu   sync.Mutex
	file *lines.File // nil until the first letter
	new  bool        // the directory holds a name that is not synced
}

// Open prepares the dead letters of sink at path. The file is made with the first letter; one that
// exists is opened now, so that a directory that cannot be used is known at start.
func Open(path, sink string, cfg Config) (*File, error) {
	f := &File{cfg: cfg, sink: sink, path: path}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	switch _, err := os.Stat(path); {
	case err == nil:
		return f, f.open()
	case errors.Is(err, fs.ErrNotExist):
		return f, nil
	default:
		return nil, err
	}
}

func (f *File) open() (err error) {
	if f.file, err = lines.OpenFile(lines.OS{}, f.path, 0o600); err != nil {
		return err
	}
	f.new = f.new || f.file.Created()
	return nil
}

// Write appends a letter. nil means that it is written, though not yet synced; after an error
// nothing of it is there and it may be written again.
func (f *File) Write(_ context.Context, l Letter) error {
	line, err := l.encode(f.sink)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		if err := f.open(); err != nil {
			return err
		}
	}
	if size := f.file.Size(); size > 0 && size+int64(len(line)) > int64(f.cfg.MaxSize)/2 {
		if err := f.turn(); err != nil {
			return err
		}
	}
	if err := f.file.Mend(); err != nil {
		return err
	}
	if n, err := f.file.Append(line); n < len(line) {
		return errors.Join(err, f.file.Mend())
	}
	return nil
}

// turn makes the file the older generation and begins a new one. The old one is synced first:
// nobody syncs it later.
func (f *File) turn() error {
	if err := f.file.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.path, f.path+".1"); err != nil {
		return err
	}
	_ = f.file.Close() // synced: nothing can be lost
	f.file = nil
	return f.open()
}

// Sync makes all letters survive a power cut.
func (f *File) Sync(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	if err := f.file.Sync(); err != nil {
		return err
	}
	if f.new {
		if err := (lines.OS{}).SyncDir(filepath.Dir(f.path)); err != nil {
			return err
		}
		f.new = false
	}
	return nil
}

// Close closes the file.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	err := errors.Join(f.file.Sync(), f.file.Close())
	f.file = nil
	return err
}

func (l Letter) encode(sink string) ([]byte, error) {
	e := entry{
		Timestamp: time.Unix(0, l.Received).UTC().Format("2006-01-02T15:04:05.000000000Z"),
		Sink:      sink, Reason: l.Reason, Stack: string(l.Stack),
	}
	e.Event.ID = l.ID.String()
	if l.Err != nil {
		e.Error = l.Err.Error()
	}
	if utf8.Valid(l.Original) {
		e.Original = string(l.Original)
	} else {
		e.OriginalB64 = base64.StdEncoding.EncodeToString(l.Original)
	}
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode dead letter: %w", err) // a bug of ours: all fields are strings
	}
	return append(b, '\n'), nil
}
