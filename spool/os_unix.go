//go:build linux || darwin || freebsd

package spool

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func freeBytes(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:unconvert // Types differ by system.
}

// lockFile takes an flock, which the kernel frees when the process ends in whatever way.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	defer f.Close() //nolint:errcheck // Nothing was written.
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, inUse(f)
	}
	return nil, fmt.Errorf("lock %s: %w", name, err)
}

func isQuota(err error) bool { return errors.Is(err, syscall.EDQUOT) }
