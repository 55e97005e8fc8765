//go:build linux

package main

import "fmt"

// goal is one line of what is to be reached.
type goal struct {
	what, least, aim string
	here, verdict    string
}

// measured is a goal whose figure, where there is one, must not be below least (or, upTo, above).
func measured(what string, value, least, aim float64, upTo bool, format string) goal {
	g := goal{what: what, least: fmt.Sprintf(format, least), aim: fmt.Sprintf(format, aim)}
	if value == 0 {
		g.here, g.verdict = "", "not measured"
		return g
	}
	g.here, g.verdict = fmt.Sprintf(format, value), "NOT MET"
	switch {
	case upTo && value <= aim, !upTo && value >= aim:
		g.verdict = "aim met"
	case upTo && value <= least, !upTo && value >= least:
		g.verdict = "met"
	}
	return g
}

// ratio is a over b, 0 where one was not measured.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// goals are the lines of issue 9, from the figures there are.
func goals(all []summary) []goal {
	cpu := func(program, scenario string) float64 { return find(all, program, scenario).CPU }
	const own = "vswarden"
	list := []goal{
		measured("events per CPU-second, compact, against the loop that writes the same bytes and a log", ratio(cpu("loop-log", "tcp8"), cpu(own, "tcp8")), 0.5, 0.85, false, "%.2f"),
		measured("the same, full", ratio(cpu("loop-log-full", "tcp8"), cpu("vswarden-full", "tcp8")), 0.5, 0.85, false, "%.2f"),
		measured("against rsyslog in memory, one worker (tcp8)", ratio(cpu("rsyslog-one", "tcp8"), cpu(own, "tcp8")), 1.5, 2.5, false, "%.2f"),
		measured("against rsyslog with a disk queue (tcp8)", ratio(cpu("rsyslog-disk", "tcp8"), cpu(own, "tcp8")), 6, 10, false, "%.1f"),
		measured("TLS 8 against rsyslog in memory", ratio(cpu("rsyslog-one", "tls8"), cpu(own, "tls8")), 1.3, 2, false, "%.2f"),
		measured("UDP: highest loss-free rate, thousands a second", float64(find(all, own, "udpbest").Best)/1000, 200, 200, false, "%.0f"),
		measured("UDP: the same against rsyslog's best", ratio(float64(find(all, own, "udpbest").Best), float64(max(find(all, "rsyslog", "udpbest").Best, find(all, "rsyslog-one", "udpbest").Best))), 1.5, 2, false, "%.2f"),
		measured("peak RSS, 10 000 VMs, 64 connections, MB", find(all, own, "tcp64").RSS, 150, 100, true, "%.0f"),
		measured("peak RSS, 10 000 VMs, 5 000 connections, MB", find(all, own, "conns5000").RSS, 300, 200, true, "%.0f"),
		measured("receive to file, p99 at 50 000 lines/s, ms", find(all, own, "latency").P99, 100, 40, true, "%.1f"),
		measured("cost per event, 10 000 hosts against 10", ratio(cpu(own, "hosts10000"), cpu(own, "hosts10")), 1.15, 1.0, true, "%.2f"),
		measured("cost per event, 10 000 VMs against 100", ratio(cpu(own, "vms10000"), cpu(own, "vms100")), 1.15, 1.0, true, "%.2f"),
		measured("events/s of one connection against eight", ratio(find(all, own, "tcp1").Rate, find(all, own, "tcp8").Rate), 0.7, 0.85, false, "%.2f"),
	}
	return append(list, unharmed(all))
}

// unharmed is the goal that nothing of ours is lost, repeated or reordered over TCP and TLS.
func unharmed(all []summary) goal {
	g := goal{what: "lost, repeated, reordered over TCP and TLS", least: "0", aim: "0", verdict: "not measured"}
	var bad uint64
	for _, s := range scenarios {
		for _, p := range programList() {
			r := find(all, p.name, s.name)
			if len(p.sinks) == 0 || s.proto == "udp" || r.rounds == 0 {
				continue
			}
			bad += r.Lost + r.Repeated + r.Disorder
			g.here, g.verdict = fmt.Sprint(bad), "aim met"
		}
	}
	if bad > 0 {
		g.verdict = "NOT MET"
	}
	return g
}
