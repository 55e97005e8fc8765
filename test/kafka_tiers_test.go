//go:build unix

package test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// enrichProgram is a configuration of role enrich with sinks.
func enrichProgram(t *testing.T, data string, c *cluster, topic, more string, sinks ...string) string {
	t.Helper()
	return writeConfig(t, fmt.Sprintf(`
role: enrich
data_dir: %q
source: {kafka: {brokers: ["%s"], topic: %s, group: g, session_timeout: 6s%s}}
admin: {listen: "127.0.0.1:0"}
sinks:
%s`, data, strings.Join(c.brokers(), `", "`), topic, more, strings.Join(sinks, "")))
}

// fileSection is a sink of type file.
func fileSection(name, path string) string {
	return fmt.Sprintf("  - {name: %s, type: file, original: all, file: {path: %q}}\n", name, path)
}

// consumed waits until sinks of an enricher have done n records each, and the group knows.
func (p *instance) consumed(t *testing.T, n uint64, sinks ...string) metrics {
	t.Helper()
	return p.waitFor(t, fmt.Sprintf("%d records consumed by %v", n, sinks), func(m metrics) bool {
		return !slices.ContainsFunc(sinks, func(s string) bool {
			label := `sink="` + s + `"`
			return m.sum("vswarden_consumed_records_total", label) < float64(n) || m.sum("vswarden_cursor_lag_records", label) > 0
		})
	})
}

// sameEvents has one node decode what it received, and another one what the first handed on: the
// events must be the same to the byte.
func sameEvents(t *testing.T, c *cluster) {
	const topic = "tiers"
	c.topic(t, topic, 6)
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one.ndjson"), filepath.Join(dir, "two.ndjson")
	raw := strings.Replace(kafkaSection("raw", topic, c.brokers(), ""), "detail: compact", "format: raw", 1)
	p := start(t, "-c", writeConfig(t, fmt.Sprintf(`
data_dir: %q
listeners:
  - {name: tcp, address: "tcp://127.0.0.1:0", timezone: Europe/Vienna, max_frame: 4KiB}
  - {name: relayed, address: "tcp://127.0.0.1:0", relays: [127.0.0.0/8]}
  - {name: udp, address: "udp://127.0.0.1:0"}
admin: {listen: "127.0.0.1:0"}
log: {min_free: 1MiB}
sinks:
%s%s`, filepath.Join(dir, "data"), fileSection("one", one), raw)))
	s := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "3000", "-hosts", "12", "-conns", "3")
	lines := []string{
		"<14>Nov 21 08:00:00 esx01 app: a stamp without a zone",
		"<14>2026-11-21T08:00:00.000Z esx01 app: " + strings.Repeat("longer than a frame may be ", 400),
		"<181>2014-12-10T19:23:45.733Z esx02 vmkernel: cpu3:2097)etherswitch: L2Sec_EnforcePortCompliance:226: client vm1.eth0 requested promiscuous mode on port 0x2000007, disallowed by vswitch policy",
		"no header at all",
		"<14>2026-11-21T08:00:00.000Z esx03 app: not UTF-8 \xff\xfe",
	}
	for _, l := range p.note.Listeners {
		if l.Proto != "tcp" {
			continue
		}
		for _, line := range lines {
			sendLine(t, l.Address, line)
		}
	}
	udp, err := net.Dial("udp", p.address(t, "udp"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := udp.Write([]byte("<14>2026-11-21T08:00:00.000Z esx04 app: a datagram\nof two lines")); err != nil {
		t.Fatal(err)
	}
	half, err := net.Dial("tcp", p.address(t, "tcp"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := half.Write([]byte("200 <14>2026-11-21T08:00:00.000Z esx05 app: its end never came")); err != nil {
		t.Fatal(err)
	}
	_ = half.Close() // That is the point.
	n := s.Sent + 2*uint64(len(lines)) + 2
	books(t, p.settle(t, n))

	e := start(t, "-c", enrichProgram(t, filepath.Join(dir, "data2"), c, topic, "", fileSection("two", two)))
	m := e.consumed(t, n, "two")
	books(t, m)
	if got := m.sum("vswarden_log_records_total"); got != float64(n) {
		t.Errorf("%v records consumed, want %d", got, n)
	}
	p.stop(t)
	e.stop(t)
	a, b := sortedLines(t, one), sortedLines(t, two)
	if len(a) != int(n) || len(b) != int(n) {
		t.Fatalf("one node wrote %d events, two wrote %d, want %d", len(a), len(b), n)
	}
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("one node: %s\ntwo nodes: %s", a[i], b[i])
		}
	}

	// Once more, without the group: the same ids.
	ids := map[string]bool{}
	for _, o := range delivered(t, one) {
		ids[o.text("event.id")] = true
	}
	for _, o := range replayed(t, int(n), "--from", "kafka", "-c", enrichProgram(t, filepath.Join(dir, "data3"), c, topic, "", "  - {name: out, type: stdout}\n")) {
		if !ids[o.text("event.id")] {
			t.Fatalf("no event had the id %s", o.text("event.id"))
		}
	}
	replayed(t, 0, "--from", "kafka", "--until", "1h", "-c", enrichProgram(t, filepath.Join(dir, "data3"), c, topic, "", "  - {name: out, type: stdout}\n"))

	// It goes on where it was, and what others put into the topic is delivered too.
	produce(t, c, topic, &kgo.Record{Key: []byte("192.0.2.7"), Value: []byte("<14>2026-11-21T08:00:00.000Z esx09 app: from another program")},
		&kgo.Record{Value: []byte("not even a key")})
	e = start(t, "-c", enrichProgram(t, filepath.Join(dir, "data2"), c, topic, "", fileSection("two", two)))
	books(t, e.consumed(t, 2, "two"))
	e.stop(t)
	all := delivered(t, two)[n:]
	if len(all) != 2 {
		t.Fatalf("%d more events, want the 2 of another program", len(all))
	}
	for _, o := range all {
		if !strings.Contains(o.text("tags"), "_foreign") || o.text("event.id") == "" || o.text("event.created") == "" || o.text("vmware.receiver.transport") != "" {
			t.Errorf("event %v", o)
		}
		if strings.Contains(o.text("message"), "another program") && o.text("vmware.receiver.peer_ip") != "192.0.2.7" {
			t.Errorf("event %v", o)
		}
	}
}

// produce writes records as some other program does.
func produce(t *testing.T, c *cluster, topic string, records ...*kgo.Record) {
	t.Helper()
	for _, r := range records {
		r.Topic = topic
	}
	if err := c.admin.ProduceSync(kafkaContext(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// sortedLines reads the lines of an output, in order of their bytes.
func sortedLines(t *testing.T, path string) (all []string) {
	t.Helper()
	for _, f := range outputs(t, path) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(b) {
			all = append(all, string(line))
		}
	}
	slices.Sort(all)
	return all
}

// membersComeAndGo has a receiver and enrichers with two sinks each while one enricher is killed, one
// stands still until the others have its partitions, and the topic grows.
func membersComeAndGo(t *testing.T, c *cluster) {
	tr := tiers(t, c, "members", 3)
	sending := tr.send(t, "tcp", 1500, 16*time.Second)
	first := tr.enricher(t, 1)
	tr.working(t, first)
	second := tr.enricher(t, 2)
	tr.working(t, second)
	first.kill(t)
	third := tr.enricher(t, 3)
	tr.working(t, third)
	c.grow(t, tr.raw, 5)
	second.signal(t, syscall.SIGSTOP)
	time.Sleep(8 * time.Second) // Longer than its session.
	second.signal(t, syscall.SIGCONT)
	first = tr.enricher(t, 1)
	tr.judge(t, sending, first, second, third)
}

// tierRun is receivers and enrichers around a raw topic, each enricher with a sink for a topic of
// events and one for a file of its own.
type tierRun struct {
	c           *cluster
	dir         string
	raw, events string
	partitions  int32
	receivers   []*instance
}

func tiers(t *testing.T, c *cluster, name string, partitions int32) *tierRun {
	t.Helper()
	r := &tierRun{c: c, dir: t.TempDir(), raw: name + ".raw", events: name + ".events", partitions: partitions}
	c.topic(t, r.raw, partitions)
	c.topic(t, r.events, 4)
	r.receivers = append(r.receivers, r.receiver(t, 0))
	return r
}

// receiver starts one, or starts it again.
func (r *tierRun) receiver(t *testing.T, n int) *instance {
	t.Helper()
	raw := strings.Replace(kafkaSection("raw", r.raw, r.c.brokers(), ""), "detail: compact", "format: raw", 1)
	return start(t, "-c", kafkaProgram(t, filepath.Join(r.dir, fmt.Sprintf("receive-%d", n)), raw), "--role", "receive")
}

// enricher starts one, or starts it again.
func (r *tierRun) enricher(t *testing.T, n int) *instance {
	t.Helper()
	return start(t, "-c", enrichProgram(t, filepath.Join(r.dir, fmt.Sprintf("enrich-%d", n)), r.c, r.raw, "",
		kafkaSection("events", r.events, r.c.brokers(), ""), fileSection("files", r.file(n))))
}

func (r *tierRun) file(n int) string { return filepath.Join(r.dir, fmt.Sprintf("events-%d.ndjson", n)) }

// send begins a load on the receivers; what was sent comes through the channel.
func (r *tierRun) send(t *testing.T, proto string, rate int, span time.Duration) <-chan sent {
	t.Helper()
	c := make(chan sent, len(r.receivers))
	var loads sync.WaitGroup
	for i, p := range r.receivers {
		loads.Go(func() {
			c <- load(t, "-addr", p.address(t, proto), "-proto", proto, "-rate", fmt.Sprint(rate), "-for", span.String(),
				"-hosts", "16", "-conns", "4", "-first-host", fmt.Sprint(100*i))
		})
	}
	go func() { loads.Wait(); close(c) }()
	return c
}

// working waits until a node delivers.
func (r *tierRun) working(t *testing.T, p *instance) {
	t.Helper()
	before := p.scrape(t).sum("vswarden_events_delivered_total")
	p.waitFor(t, "something delivered", func(m metrics) bool { return m.sum("vswarden_events_delivered_total") > before+200 })
}

// judge waits until all that was sent is where both sinks put it: nothing missing, repeats under the
// same id, and in the topic of events in order of first delivery.
func (r *tierRun) judge(t *testing.T, sending <-chan sent, nodes ...*instance) {
	t.Helper()
	var all []sent
	for s := range sending {
		all = append(all, s)
	}
	if len(all) != len(r.receivers) {
		t.FailNow() // load said why
	}
	var expect []string
	for i, s := range all {
		expect = append(expect, "-expect", s.file)
		_ = i
	}
	for _, p := range r.receivers {
		m := p.waitFor(t, "all handed on", func(m metrics) bool { return m.sum("vswarden_cursor_lag_records") == 0 })
		if m.sum("vswarden_frames_received_total") > 0 {
			books(t, m)
		}
	}
	var events, files verdict
	for end := time.Now().Add(patience); ; time.Sleep(300 * time.Millisecond) {
		events = judged(t, r.c.file(t, r.events), expect...)
		var paths []string
		for n := range 10 {
			if _, err := os.Stat(r.file(n)); err == nil {
				paths = append(paths, outputs(t, r.file(n))...)
			}
		}
		files = judgedFiles(t, paths, expect...)
		if events.Missing == 0 && files.Missing == 0 || time.Now().After(end) {
			break
		}
	}
	for _, p := range nodes {
		m := p.waitFor(t, "nothing in flight", func(m metrics) bool { return m.sum("vswarden_cursor_lag_records") == 0 })
		books(t, m)
		if n := m.sum("vswarden_events_dead_total") + m.sum("vswarden_events_skipped_total"); n > 0 {
			t.Errorf("%v events dead or skipped, want none", n)
		}
		p.stop(t)
	}
	for _, p := range r.receivers {
		p.stop(t)
	}
	fine(t, events)
	if files.Missing+files.TwoIDs+files.SharedIDs+files.NoID+files.Invalid > 0 { // Order is that of each node.
		t.Errorf("judge of the files: %s", files.text)
	}
	var n uint64
	for _, s := range all {
		n += s.Sent
	}
	t.Logf("%d lines sent; topic: %d events, %d of them repeats; files: %d events, %d of them repeats", n, events.Lines, events.Repeats, files.Lines, files.Repeats)
}
