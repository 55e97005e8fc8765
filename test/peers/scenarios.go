//go:build linux

package main

import (
	"strconv"
	"time"
)

// scenario is what is sent, and how.
type scenario struct {
	name   string
	says   string
	proto  string // udp, tcp or tls
	octet  bool
	conns  int
	hosts  int
	rate   int           // lines a second; 0 = as fast as it goes
	span   time.Duration // with rate
	l2sec  bool          // nothing but L2Sec lines
	vms    int           // in the inventory; 0 = 10 000
	disk   bool          // logs and output on the disk, not on a tmpfs
	best   bool          // the highest rate without a loss is looked for
	follow bool          // how long after its sending each line is in the output is measured
	ours   bool          // of vswarden only, or of vswarden and the loops
	all    bool          // also the variants of vswarden
}

func (s scenario) title() string { return s.name }

const usualVMs = 10_000

// scenarios are all of them, in the order of the table.
var scenarios = []scenario{
	{name: "tcp8", says: "TCP, 8 connections, 100 hosts", proto: "tcp", conns: 8, hosts: 100, all: true},
	{name: "tcp1", says: "TCP, 1 connection", proto: "tcp", conns: 1, hosts: 100},
	{name: "tcp64", says: "TCP, 64 connections", proto: "tcp", conns: 64, hosts: 100},
	{name: "octet8", says: "TCP, 8 connections, octet counting", proto: "tcp", octet: true, conns: 8, hosts: 100},
	{name: "tls8", says: "TLS, 8 connections", proto: "tls", conns: 8, hosts: 100},
	{name: "udp50k", says: "UDP, 50 000 lines/s", proto: "udp", conns: 16, hosts: 100, rate: 50_000, span: udpSpan},
	{name: "udp100k", says: "UDP, 100 000 lines/s", proto: "udp", conns: 16, hosts: 100, rate: 100_000, span: udpSpan},
	{name: "udp200k", says: "UDP, 200 000 lines/s", proto: "udp", conns: 16, hosts: 100, rate: 200_000, span: udpSpan},
	{name: "udpbest", says: "UDP, the highest rate without a loss", proto: "udp", conns: 16, hosts: 100, span: udpSpan, best: true},
	{name: "l2sec", says: "TCP, 8 connections, nothing but L2Sec lines", proto: "tcp", conns: 8, hosts: 100, l2sec: true, all: true},
	{name: "hosts10", says: "TCP, 8 connections, 10 hosts", proto: "tcp", conns: 8, hosts: 10},
	{name: "hosts1000", says: "TCP, 8 connections, 1 000 hosts", proto: "tcp", conns: 8, hosts: 1000},
	{name: "hosts10000", says: "TCP, 8 connections, 10 000 hosts", proto: "tcp", conns: 8, hosts: 10_000},
	{name: "vms100", says: "TCP, 8 connections, an inventory of 100 VMs", proto: "tcp", conns: 8, hosts: 100, vms: 100, ours: true},
	{name: "vms1000", says: "TCP, 8 connections, an inventory of 1 000 VMs", proto: "tcp", conns: 8, hosts: 100, vms: 1000, ours: true},
	{name: "vms10000", says: "TCP, 8 connections, an inventory of 10 000 VMs", proto: "tcp", conns: 8, hosts: 100, ours: true},
	{name: "conns5000", says: "TCP, 5 000 connections, 20 000 lines/s", proto: "tcp", conns: 5000, hosts: 5000, rate: 20_000, span: 5 * time.Second, ours: true},
	{name: "latency", says: "TCP, 8 connections, 50 000 lines/s: receive to file", proto: "tcp", conns: 8, hosts: 100, rate: 50_000, span: 10 * time.Second, follow: true},
	{name: "disk8", says: "TCP, 8 connections, log and output on the disk", proto: "tcp", conns: 8, hosts: 100, disk: true},
}

const udpSpan = 4 * time.Second

// bestRates are tried one after the other until lines are lost.
var bestRates = []int{
	40_000, 60_000, 80_000, 100_000, 125_000, 150_000, 175_000, 200_000, 230_000, 260_000, 300_000, 350_000, 400_000, 450_000,
	500_000, 550_000, 600_000, 700_000, 800_000, 900_000, 1_000_000,
}

// flags are loadgen's.
func (s scenario) flags(addr string, lines uint64, rate int, seed int) []string {
	args := []string{
		"-addr", addr, "-proto", s.proto, "-conns", strconv.Itoa(s.conns), "-hosts", strconv.Itoa(s.hosts), "-seed", strconv.Itoa(seed),
	}
	if rate > 0 {
		args = append(args, "-rate", strconv.Itoa(rate), "-for", s.span.String())
	} else {
		args = append(args, "-n", strconv.FormatUint(lines, 10), "-for", "90s")
	}
	if s.octet {
		args = append(args, "-framing", "octet")
	}
	if s.l2sec {
		args = append(args, "-mix", "l2sec")
	}
	if s.proto == "tls" {
		args = append(args, "-insecure")
	}
	return args
}
