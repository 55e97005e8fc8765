//go:build linux

package main

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// program is one collector.
type program struct {
	name   string
	says   string
	part   uint64 // its share of the lines is 1/part: slow programs get fewer
	config string // template in configs/; empty = none
	// args are those of the command, in which what template writes may stand.
	args []string
	sng  bool   // unpacked beside the installed one
	like string // the program that it writes as much as
	runs func(scenario) bool

	// Of vswarden.
	detail, original string
	sinks            []string
}

func (p program) title() string { return p.name }

//go:embed configs
var configs embed.FS

func everything(s scenario) bool   { return !s.ours }
func noOctet(s scenario) bool      { return !s.ours && !s.octet }
func ours(scenario) bool           { return true }
func variants(s scenario) bool     { return s.all || s.name == "disk8" }
func streamsOfAll(s scenario) bool { return s.proto != "udp" && !s.ours && !s.follow }

// ownConfig is vswarden's.
const ownConfig = "vswarden.yaml"

// programList are all of them. Of one scenario they run in this order.
func programList() []program {
	own := []string{"{{.Bin}}/{{.Own}}", "run", "-c", "{{.Config}}", "--ready-file", "{{.Dir}}/ready"}
	rsyslog := []string{"rsyslogd", "-n", "-i", "{{.Dir}}/pid", "-f", "{{.Config}}"}
	loop := []string{
		"{{.Bin}}/yardstick", "-what", "loop", "-out", "{{.Out}}", "-tcp", "{{.TCP}}", "-udp", "{{.UDP}}", "-tls", "{{.TLS}}",
		"-cert", "{{.Cert}}", "-key", "{{.Key}}",
	}
	logged := append(append([]string(nil), loop...), "-log", "{{.Dir}}/wal", "-size", "{{.Size}}")
	one, two := []string{"events"}, []string{"events", "second"}
	return []program{
		{name: "vswarden", says: "vswarden, detail compact, original none", config: ownConfig, args: own, part: 1, runs: ours, detail: "compact", original: "none", sinks: one},
		{name: "vswarden-full", says: "vswarden, detail full, original all", config: ownConfig, args: own, part: 1, runs: variants, detail: "full", original: "all", sinks: one},
		{name: "vswarden-two", says: "vswarden, compact, two sinks", config: ownConfig, args: own, part: 1, runs: variants, detail: "compact", original: "none", sinks: two},
		{name: "vswarden-full-two", says: "vswarden, full, two sinks", config: ownConfig, args: own, part: 1, runs: variants, detail: "full", original: "all", sinks: two},
		{name: "loop", says: "a bare loop: parse by hand, append JSON, write", args: loop, part: 1, runs: everything},
		{name: "loop-log", says: "the same loop, a log with checksums, as many bytes out as vswarden", args: logged, part: 1, like: "vswarden", runs: streamsOfAll},
		{name: "loop-log-full", says: "the same, as many bytes out as vswarden-full", args: logged, part: 1, like: "vswarden-full", runs: variants},
		{name: "rsyslog", says: "rsyslog, default queue", config: "rsyslog.conf", args: rsyslog, part: 1, runs: everything},
		{name: "rsyslog-one", says: "rsyslog, one worker: keeps the order", config: "rsyslog.conf", args: rsyslog, part: 1, runs: everything},
		{name: "rsyslog-disk", says: "rsyslog, disk queue, not synced", config: "rsyslog.conf", args: rsyslog, part: 5, runs: everything},
		{name: "syslog-ng", says: "syslog-ng, large windows", config: "syslog-ng.conf", sng: true, part: 4, runs: everything, args: []string{
			"{{.Tools}}/usr/sbin/syslog-ng", "-F", "--no-caps", "-f", "{{.Config}}", "-R", "{{.Dir}}/persist", "-p", "{{.Dir}}/pid", "-c", "{{.Dir}}/ctl",
			"--module-path={{.Modules}}",
		}},
		{name: "go-syslog", says: "go-syslog.v2 and encoding/json", part: 5, runs: noOctet, args: []string{
			"{{.Bin}}/yardstick", "-what", "gosyslog", "-out", "{{.Out}}", "-tcp", "{{.TCP}}", "-udp", "{{.UDP}}", "-tls", "{{.TLS}}",
			"-cert", "{{.Cert}}", "-key", "{{.Key}}",
		}},
	}
}

// place is what templates may name.
type place struct {
	Bin, Tools, Modules string
	Own                 string // name of vswarden in Bin
	Dir, Config, Out    string
	TCP, UDP, TLS       string // 127.0.0.1:port
	Octet               string // where octet counting is spoken, TCP but for syslog-ng
	Cert, Key           string
	Size                int // bytes out per event of the program that is matched
	Program             string
	Detail, Original    string
	Sinks               []string
	Rotate              string // of the files
}

// Port takes the port out of an address.
func (place) Port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// command writes the program's configuration and returns its command line.
func (p program) command(at place) ([]string, error) {
	at.Program, at.Detail, at.Original, at.Sinks = p.name, p.detail, p.original, p.sinks
	if p.config != "" {
		at.Config = filepath.Join(at.Dir, p.config)
		t, err := template.ParseFS(configs, "configs/"+p.config)
		if err != nil {
			return nil, err
		}
		f, err := os.OpenFile(at.Config, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, err
		}
		if err := t.Execute(f, at); err != nil {
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	// The same for everybody, and the cheapest that the system has: each figure is of the program.
	line := []string{"nice", "-n", "-20", "taskset", "-c", programCPU}
	for _, a := range p.args {
		t, err := template.New("argument").Parse(a)
		if err != nil {
			return nil, err
		}
		var b strings.Builder
		if err := t.Execute(&b, at); err != nil {
			return nil, fmt.Errorf("%s: %w", a, err)
		}
		line = append(line, b.String())
	}
	return line, nil
}
