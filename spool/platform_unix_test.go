//go:build unix

package spool

import (
	"syscall"
	"time"
)

const errQuota = syscall.EDQUOT

// cpuTime is what this process has used of the processors.
func cpuTime() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // A figure of 0 then.
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
