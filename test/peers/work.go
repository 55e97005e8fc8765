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
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A processor for the program that is measured, and one for the generator where there are two.
const programCPU = "0"

func generatorCPU() string { return strconv.Itoa(min(1, runtime.NumCPU()-1)) }

// work is what all rows share.
type work struct {
	set      settings
	bin      string // our programs
	temp     string
	cert     string
	key      string
	env      []string // for what is unpacked
	modules  string   // of syslog-ng
	programs []program
	wrote    map[string]float64 // bytes out per event, by program and scenario
}

// prepare builds our programs and looks for those of others.
func prepare(ctx context.Context, set settings) (w *work, err error) {
	w = &work{set: set, programs: programList(), wrote: map[string]float64{}}
	if w.temp, err = os.MkdirTemp("", "vswarden-peers-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			w.clean()
		}
	}()
	if err := os.Chmod(w.temp, 0o755); err != nil { // rsyslog may give up root
		return nil, err
	}
	w.bin = filepath.Join(w.temp, "bin")
	for _, p := range []string{"./cmd/vswarden", "./test/loadgen", "./test/judge", "./test/peers/yardstick", "./test/profiled"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", filepath.Join(w.bin, filepath.Base(p)), p)
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go build %s: %w\n%s", p, err, out)
		}
	}
	if w.cert, w.key, err = makeCertificate(w.temp); err != nil {
		return nil, err
	}
	absent := map[string]string{}
	if _, err := exec.LookPath("rsyslogd"); err != nil {
		absent["rsyslog"] = "rsyslogd is not installed"
	}
	found, _ := filepath.Glob(filepath.Join(set.tools, "usr/lib/syslog-ng/[0-9]*")) // The pattern is right.
	if set.tools == "" || len(found) == 0 {
		absent["syslog-ng"] = "syslog-ng is not in -tools"
	} else {
		w.modules = found[0]
		libs, _ := filepath.Glob(filepath.Join(set.tools, "usr/lib/*-linux-gnu"))
		more, _ := filepath.Glob(filepath.Join(set.tools, "lib/*-linux-gnu"))
		libs = append(append(libs, more...), filepath.Join(set.tools, "usr/lib/syslog-ng"))
		w.env = []string{"LD_LIBRARY_PATH=" + strings.Join(libs, ":"), "SYSLOGNG_PREFIX=" + filepath.Join(set.tools, "usr")}
	}
	kept := w.programs[:0]
	for _, p := range w.programs {
		why := ""
		for family, reason := range absent {
			if strings.HasPrefix(p.name, family) {
				why = reason
			}
		}
		if why != "" {
			_, _ = fmt.Fprintf(os.Stderr, "NOT MEASURED: %s: %s; run test/peers/setup.sh\n", p.name, why)
			continue
		}
		kept = append(kept, p)
	}
	w.programs = kept
	return w, nil
}

func (w *work) clean() { _ = os.RemoveAll(w.temp) } // in the temporary folder of the system

// place makes an empty folder and free ports for one run.
func (w *work) place(p program, s scenario) (at place, err error) {
	dir := w.set.dir
	if s.disk {
		dir = w.set.disk
	}
	if err := os.RemoveAll(filepath.Join(dir, "run")); err != nil {
		return at, err
	}
	dir = filepath.Join(dir, "run")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return at, err
	}
	own := "vswarden"
	if w.set.profiles != "" {
		own = "profiled"
	}
	at = place{Bin: w.bin, Own: own, Tools: w.set.tools, Modules: w.modules, Dir: dir, Out: filepath.Join(dir, "events.json"), Cert: w.cert, Key: w.key, Rotate: "{size: 0}"}
	for _, port := range []*string{&at.TCP, &at.UDP, &at.TLS, &at.Octet} {
		if *port, err = freePort(); err != nil {
			return at, err
		}
	}
	if p.like != "" {
		if at.Size = int(w.wrote[p.like+"/"+s.name]); at.Size == 0 {
			return at, fmt.Errorf("%s must run before it: it writes as much", p.like)
		}
	}
	return at, nil
}

// freePort returns an address that nobody listens at, over TCP and UDP.
func freePort() (string, error) {
	for range 100 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		addr := l.Addr().String()
		u, err := net.ListenPacket("udp4", addr)
		_ = l.Close()
		if err == nil {
			_ = u.Close()
			return addr, nil
		}
	}
	return "", errors.New("no free port")
}

// start begins a program and returns when it takes connections.
func (w *work) start(ctx context.Context, p program, at place) (*process, error) {
	line, err := p.command(at)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(line[0], line[1:]...) //nolint:gosec,noctx // The commands of the table; it is stopped by a signal.
	cmd.Env = os.Environ()
	if p.sng {
		cmd.Env = append(cmd.Env, w.env...)
	}
	if w.set.profiles != "" && p.config == ownConfig {
		name := fmt.Sprintf("%s-%d.pprof", p.name, time.Now().UnixNano())
		cmd.Env = append(cmd.Env, "PROFILED="+filepath.Join(w.set.profiles, name))
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	run := &process{cmd: cmd, said: &said, ended: make(chan struct{})}
	go func() {
		run.err = cmd.Wait()
		close(run.ended)
	}()
	for _, addr := range []string{at.TCP, at.TLS} {
		if err := run.listens(ctx, addr); err != nil {
			return nil, errors.Join(err, run.stop())
		}
	}
	return run, nil
}
