//go:build unix

package setting

import (
	"io/fs"
	"syscall"
)

// Writable says why our user may not write to a file, or make files in a directory, without trying it: nil where it may.
// A full disk is no reason, since that heals.
func Writable(path string, dir bool) error {
	const write, search = 2, 1
	mode := uint32(write)
	if dir {
		mode |= search
	}
	if err := syscall.Access(path, mode); err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: err}
	}
	return nil
}
