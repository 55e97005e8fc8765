//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program that runs.
type process struct {
	cmd   *exec.Cmd
	said  *bytes.Buffer // to be read when it has ended
	ended chan struct{}
	err   error
}

// listens returns when the program takes connections at addr.
func (p *process) listens(ctx context.Context, addr string) error {
	for {
		conn, err := net.DialTimeout("tcp4", addr, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("it ended before it listened: %w\n%s", p.err, p.said)
		case <-ctx.Done():
			return fmt.Errorf("nothing listens at %s: %w", addr, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the program as a service manager does.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // gone already: then it has ended
	select {
	case <-p.ended:
		return nil
	case <-time.After(30 * time.Second):
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	return fmt.Errorf("it did not stop within 30 s\n%s", p.said)
}

// ticks is the unit of /proc/PID/stat; it is 100 on every Linux that Go runs on.
const ticks = 100

// cpu returns the seconds that the program has used, in itself and in the kernel.
func (p *process) cpu() (user, system float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0, 0, errors.New("/proc/PID/stat is too short")
	}
	user, err = strconv.ParseFloat(fields[11], 64)
	if err != nil {
		return 0, 0, err
	}
	system, err = strconv.ParseFloat(fields[12], 64)
	return user / ticks, system / ticks, err
}

// peak returns the most memory that it ever had resident, in MB.
func (p *process) peak() (float64, error) { return p.memory("VmHWM:") }

// memory returns a field of /proc/PID/status, in MB.
func (p *process) memory(field string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), field)
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, errors.New("/proc/PID/status has no " + field)
	}
	kib, err := strconv.ParseFloat(fields[0], 64)
	return kib * 1024 / 1e6, err
}

// settle waits until the outputs grow no more, and returns when they last did and how large the first is.
func (p *process) settle(ctx context.Context, outputs []string, s scenario) (last time.Time, first int64, err error) {
	// Programs that write now and then do so at least once a second.
	const quiet = 1500 * time.Millisecond
	sizes, end := make([]int64, len(outputs)), time.Now().Add(catchUp)
	for last = time.Now(); ; {
		for i, name := range outputs {
			info, err := os.Stat(name)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return last, 0, err
			}
			if err == nil && info.Size() != sizes[i] {
				sizes[i], last = info.Size(), time.Now()
			}
		}
		now := time.Now()
		if now.Sub(last) > quiet || s.proto == "udp" && now.After(end) {
			return last, sizes[0], nil
		}
		select {
		case <-p.ended:
			return last, 0, fmt.Errorf("it ended by itself: %w\n%s", p.err, p.said)
		case <-ctx.Done():
			return last, 0, fmt.Errorf("the output grows for ever: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}
