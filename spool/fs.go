package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
)

// FS is what the log needs of a file system: OSFS, MemFS, or one of a test that plays crashes.
// Names are paths. Errors wrap the standard ones (fs.ErrNotExist, syscall.ENOSPC, …).
type FS interface {
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// ReadDir returns the names in a directory, in any order.
	ReadDir(dir string) ([]string, error)
	Rename(from, to string) error
	Remove(name string) error
	MkdirAll(dir string, perm fs.FileMode) error
	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
	// Free returns the bytes that may still be written to the file system of dir.
	Free(dir string) (int64, error)
	// Lock makes this process the only owner of name until the Closer is closed; an *InUseError
	// when another one has it.
	Lock(name string) (io.Closer, error)
}

// File is an open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Sync makes the bytes written so far durable (fdatasync).
	Sync() error
	Truncate(size int64) error
	Size() (int64, error)
}

// preallocator is a File that can take its blocks at once without growing. It makes writing cheaper
// (BenchmarkSegmentFiles) and changes nothing else; Truncate gives back what is not used.
type preallocator interface{ Preallocate(size int64) error }

// InUseError says that another process has the log open.
type InUseError struct{ PID int }

func (e *InUseError) Error() string { return fmt.Sprintf("in use by pid %d", e.PID) }

// FormatError says that a file has a newer format than this program knows. Nothing was touched.
type FormatError struct {
	File           string
	Version, Known uint32
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s has format version %d and this program knows versions up to %d: use the program that wrote it, or a newer one", e.File, e.Version, e.Known)
}

// isNoSpace reports whether err goes away when somebody frees space, inodes, quota or open files:
// connections may have taken the last ones of the process.
func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || isNoFiles(err) || isQuota(err)
}

// isNoFiles reports whether err says that nothing more can be opened for now. No write and no fsync
// fails that way, only the open before it: nothing is lost, and it may be tried again.
func isNoFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
