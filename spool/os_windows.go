package spool

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

func fdatasync(f *os.File) error { return f.Sync() }

// syncDir does nothing: NTFS journals its directories.
func syncDir(string) error { return nil }

// Windows error codes that package syscall does not name.
const (
	errorSharingViolation = syscall.Errno(32)
	errorHandleDiskFull   = syscall.Errno(39)
	errorDiskFull         = syscall.Errno(112)
	errorDiskQuota        = syscall.Errno(1295)
)

func freeBytes(dir string) (int64, error) {
	name, err := syscall.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free uint64
	proc := syscall.NewLazyDLL("kernel32.dll").NewProc("GetDiskFreeSpaceExW")
	if ok, _, err := proc.Call(uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&free)), 0, 0); ok == 0 {
		return 0, &os.PathError{Op: "GetDiskFreeSpaceEx", Path: dir, Err: err}
	}
	return int64(min(free, 1<<62)), nil
}

// lockFile opens the file so that others may read it, not write it.
func lockFile(name string) (*os.File, error) {
	p, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(p, syscall.GENERIC_READ|syscall.GENERIC_WRITE, syscall.FILE_SHARE_READ,
		nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err == nil {
		return os.NewFile(uintptr(h), name), nil
	}
	if !errors.Is(err, errorSharingViolation) {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, &InUseError{}
	}
	defer f.Close() //nolint:errcheck // Only read.
	return nil, inUse(f)
}

func isQuota(err error) bool {
	for _, code := range []syscall.Errno{errorDiskFull, errorHandleDiskFull, errorDiskQuota} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}
