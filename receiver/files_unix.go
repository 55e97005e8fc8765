//go:build unix

package receiver

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// raiseFileLimit raises the number of files this process may open to want, past the hard limit
// where permitted. It returns what holds in the end, and an error where that is less.
func raiseFileLimit(want uint64) (limit uint64, err error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("read file limit: %w", err)
	}
	if uint64(l.Cur) >= want {
		return uint64(l.Cur), nil
	}
	have := l
	l.Cur = setLimit(l.Cur, want)
	l.Max = max(l.Max, l.Cur)
	if err = unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err == nil {
		return want, nil
	}
	have.Cur = have.Max
	if uint64(have.Cur) > want {
		have.Cur = setLimit(have.Cur, want)
	}
	if e := unix.Setrlimit(unix.RLIMIT_NOFILE, &have); e == nil && uint64(have.Cur) >= want {
		return uint64(have.Cur), nil
	}
	return uint64(have.Cur), fmt.Errorf("raise file limit to %d: %w", want, err)
}

// setLimit converts want to the type that the limits have on this system.
func setLimit[T int64 | uint64](_ T, want uint64) T { return T(want) }
