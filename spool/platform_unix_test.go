//go:build unix

package spool

import "syscall"

const errQuota = syscall.EDQUOT
