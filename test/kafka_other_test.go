//go:build unix && !linux

package test

import "syscall"

// dieWithUs has no way here to make a child die when this process does.
func dieWithUs() *syscall.SysProcAttr { return nil }
