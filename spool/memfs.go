package spool

import (
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"
)

// MemFS is a file system in memory: the log's body: memory. It bounds nothing by itself; the
// log's max_size does. Make one with NewMemFS.
type MemFS struct {
	mu    sync.Mutex
	files map[string]*memData
	locks map[string]bool
}

// NewMemFS returns an empty file system.
func NewMemFS() *MemFS {
	return &MemFS{files: map[string]*memData{}, locks: map[string]bool{}}
}

// memPage is the unit in which a file grows: a file of many pages is never copied to grow.
const memPage = 1 << 18

type memData struct {
	mu    sync.RWMutex
	pages [][]byte
	size  int64
}

type memFile struct{ *memData }

// OpenFile opens or creates a file.
func (m *MemFS) OpenFile(name string, flag int, _ fs.FileMode) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = filepath.Clean(name)
	d := m.files[name]
	switch {
	case d == nil && flag&os.O_CREATE == 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case d != nil && flag&os.O_EXCL != 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrExist}
	case d == nil:
		d = &memData{}
		m.files[name] = d
	}
	f := memFile{d}
	if flag&os.O_TRUNC != 0 {
		return f, f.Truncate(0)
	}
	return f, nil
}

// ReadDir returns the names in a directory; one that was never written to is empty.
func (m *MemFS) ReadDir(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for name := range m.files {
		if filepath.Dir(name) == filepath.Clean(dir) {
			names = append(names, filepath.Base(name))
		}
	}
	return names, nil
}

// Rename renames a file.
func (m *MemFS) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, to = filepath.Clean(from), filepath.Clean(to)
	d := m.files[from]
	if d == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	delete(m.files, from)
	m.files[to] = d
	return nil
}

// Remove removes a file; who has it open keeps it.
func (m *MemFS) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = filepath.Clean(name)
	if m.files[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	delete(m.files, name)
	return nil
}

// MkdirAll does nothing: directories are made by writing into them.
func (m *MemFS) MkdirAll(string, fs.FileMode) error { return nil }

// SyncDir does nothing: memory forgets everything or nothing.
func (m *MemFS) SyncDir(string) error { return nil }

// Free returns a very large number.
func (m *MemFS) Free(string) (int64, error) { return math.MaxInt64 / 4, nil }

// Lock makes the caller the only owner of name.
func (m *MemFS) Lock(name string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locks[name] {
		return nil, &InUseError{PID: os.Getpid()}
	}
	m.locks[name] = true
	return memLock{m, name}, nil
}

type memLock struct {
	m    *MemFS
	name string
}

func (l memLock) Close() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	delete(l.m.locks, l.name)
	return nil
}

func (f memFile) ReadAt(b []byte, off int64) (n int, err error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for n < len(b) && off < f.size {
		page := f.pages[off/memPage][off%memPage:]
		page = page[:min(int64(len(page)), f.size-off)]
		c := copy(b[n:], page)
		n, off = n+c, off+int64(c)
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f memFile) WriteAt(b []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("write at %d: %w", off, fs.ErrInvalid)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for n < len(b) {
		for off/memPage >= int64(len(f.pages)) {
			f.pages = append(f.pages, make([]byte, memPage))
		}
		c := copy(f.pages[off/memPage][off%memPage:], b[n:])
		n, off = n+c, off+int64(c)
	}
	f.size = max(f.size, off)
	return n, nil
}

func (f memFile) Truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for off := size; off < f.size; { // What is cut must read as zero when the file grows again.
		page := f.pages[off/memPage]
		clear(page[off%memPage:])
		off += memPage - off%memPage
	}
	keep := int((size + memPage - 1) / memPage)
	for keep > len(f.pages) {
		f.pages = append(f.pages, make([]byte, memPage))
	}
	clear(f.pages[keep:])
	f.pages, f.size = f.pages[:keep], size
	return nil
}

func (f memFile) Size() (int64, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.size, nil
}

func (f memFile) Sync() error  { return nil }
func (f memFile) Close() error { return nil }
