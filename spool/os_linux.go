package spool

import (
	"os"
	"syscall"
)

// fdatasync syncs what is needed to read the file again, not its times.
func fdatasync(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err == nil {
			return nil
		}
		if err != syscall.EINTR { //nolint:errorlint // A bare Errno.
			return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
		}
	}
}

const fallocKeepSize = 1 // FALLOC_FL_KEEP_SIZE of fallocate(2).

// Preallocate takes the blocks of the first size bytes.
func (f osFile) Preallocate(size int64) error {
	return syscall.Fallocate(int(f.Fd()), fallocKeepSize, 0, size)
}
