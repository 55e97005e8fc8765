package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// OSFS is the file system of the operating system.
type OSFS struct{}

type osFile struct{ *os.File }

// writeMost bounds what one system call writes: one that lasts for long makes the Go runtime take the processor away from
// the goroutine, and look for more such calls often from then on.
const writeMost = 64 << 10

// WriteAt writes all of b at off, or says how much of it.
func (f osFile) WriteAt(b []byte, off int64) (n int, err error) { return inPieces(f.File, b, off) }

func inPieces(w io.WriterAt, b []byte, off int64) (n int, err error) {
	for {
		m, err := w.WriteAt(b[n:min(n+writeMost, len(b))], off+int64(n))
		if n += m; err != nil || n == len(b) {
			return n, err
		}
	}
}

// Sync is fdatasync where there is one.
func (f osFile) Sync() error { return fdatasync(f.File) }

func (f osFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// OpenFile opens or creates a file.
func (OSFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// ReadDir returns the names in a directory.
func (OSFS) ReadDir(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// Rename renames a file.
func (OSFS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove removes a file.
func (OSFS) Remove(name string) error { return os.Remove(name) }

// MkdirAll makes a directory and its parents.
func (OSFS) MkdirAll(dir string, perm fs.FileMode) error { return os.MkdirAll(dir, perm) }

// SyncDir syncs a directory.
func (OSFS) SyncDir(dir string) error { return syncDir(dir) }

// Free returns what an unprivileged user may still write.
func (OSFS) Free(dir string) (int64, error) { return freeBytes(dir) }

// pidLen is the fixed length of the process id in a lock file.
const pidLen = 12

// Lock takes the lock of a file that holds the owner's process id.
func (OSFS) Lock(name string) (io.Closer, error) {
	f, err := lockFile(name)
	if err != nil {
		return nil, err
	}
	// A full disk cannot hold the process id; the lock is good without it.
	_, _ = f.WriteAt(fmt.Appendf(nil, "%-*d\n", pidLen-1, os.Getpid()), 0)
	return f, nil
}

// inUse is the error for a lock that somebody else has.
func inUse(f io.ReaderAt) error {
	e := &InUseError{}
	b := make([]byte, pidLen)
	if n, err := f.ReadAt(b, 0); n > 0 && (err == nil || errors.Is(err, io.EOF)) {
		_, _ = fmt.Sscan(string(b[:n]), &e.PID) // Unreadable: the pid stays 0.
	}
	return e
}
