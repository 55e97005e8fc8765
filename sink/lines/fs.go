package lines

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// FS is what is needed of a file system; tests put faults in it.
type FS interface {
	OpenFile(name string, flag int, perm fs.FileMode) (Handle, error)
	Stat(name string) (fs.FileInfo, error)
	ReadDir(name string) ([]fs.DirEntry, error)
	Rename(from, to string) error
	Remove(name string) error
	// SyncDir makes what was created, renamed and removed in a directory survive a power cut, where
	// the system can do that.
	SyncDir(name string) error
}

// Handle is an open file.
type Handle interface {
	io.Writer
	io.ReaderAt
	io.Closer
	Stat() (fs.FileInfo, error)
	Chmod(perm fs.FileMode) error
	Truncate(size int64) error
	// Sync makes the bytes and the size survive a power cut.
	Sync() error
}

// OS is the file system of the machine.
type OS struct{}

// OpenFile is os.OpenFile.
func (OS) OpenFile(name string, flag int, perm fs.FileMode) (Handle, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err // not a nil *os.File in an interface
	}
	return osFile{f}, nil
}

// Stat is os.Stat.
func (OS) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// ReadDir is os.ReadDir.
func (OS) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }

// Rename is os.Rename.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove is os.Remove.
func (OS) Remove(name string) error { return os.Remove(name) }

// SyncDir opens the directory and syncs it. A directory that may be written but not read, and a
// file system that cannot sync directories, are no errors: nobody could cure them.
func (OS) SyncDir(name string) error {
	if !canSyncDir {
		return nil
	}
	d, err := os.Open(name)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	err = d.Sync()
	_ = d.Close() // read only, and Sync has spoken
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

type osFile struct{ *os.File }

// writeMost bounds what one system call writes. One that lasts for long makes the Go runtime take the processor away from the
// goroutine, and look for more such calls often from then on: with writes of several hundred KiB on one processor, delivery
// fell behind the receivers.
const writeMost = 64 << 10

// Write writes all of b, or says how much of it.
func (f osFile) Write(b []byte) (n int, err error) { return inPieces(f.File, b) }

// inPieces writes b to w in pieces of whole lines, as far as lines are no longer than a piece may be: who truncates the file
// between two of them tears none.
func inPieces(w io.Writer, b []byte) (n int, err error) {
	for {
		piece := b[n:]
		if len(piece) > writeMost {
			piece = piece[:cmp.Or(bytes.LastIndexByte(piece[:writeMost], '\n')+1, writeMost)]
		}
		m, err := w.Write(piece)
		if n += m; err != nil || n == len(b) {
			return n, err
		}
	}
}

// Sync leaves out what a reader does not need, such as the time of the last write.
func (f osFile) Sync() error { return dataSync(f.File) }

// Full reports whether err says that a file system has no room now: that heals by itself.
func Full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
