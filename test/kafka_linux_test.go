package test

import "syscall"

// dieWithUs makes a child die when this process does.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
