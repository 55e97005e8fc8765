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
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
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
	own := p.settle(t, n)
	books(t, own)
	want := int(n) - int(own.sum("vswarden_events_grouped_total", `sink="one"`))
	for _, r := range c.read(t, topic) { // a line that names no host has an address, behind a relay too
		if key := string(r.Key); key == "" || string(r.Value) == lines[3] && key != "127.0.0.1" {
			t.Errorf("key %q of %q", key, r.Value)
		}
	}

	e := start(t, "-c", enrichProgram(t, filepath.Join(dir, "data2"), c, topic, "", fileSection("two", two)))
	m := e.consumed(t, n, "two")
	books(t, m)
	if got := m.sum("vswarden_log_records_total"); got != float64(n) {
		t.Errorf("%v records consumed, want %d", got, n)
	}
	p.stop(t)
	e.stop(t)
	a, b := sortedLines(t, one), sortedLines(t, two)
	if len(a) != want || len(b) != want {
		t.Fatalf("one node wrote %d events, two wrote %d, want %d", len(a), len(b), want)
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
	for _, o := range replayed(t, want, "--from", "kafka", "-c", enrichProgram(t, filepath.Join(dir, "data3"), c, topic, "", "  - {name: out, type: stdout}\n")) {
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
	all := delivered(t, two)[want:]
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

// oneSource is a configuration of role enrich with a section of its own and one file sink.
func oneSource(t *testing.T, group, source, file string) string {
	t.Helper()
	return writeConfig(t, fmt.Sprintf(`
data_dir: %q
source: {kafka: {group: %s, session_timeout: 6s, %s}}
admin: {listen: "127.0.0.1:0"}
sinks:
%s`, t.TempDir(), group, source, fileSection("s", file)))
}

// sourceTroubles has an enricher for each trouble that somebody repairs: it says what is wrong, and
// goes on when that is mended.
func sourceTroubles(t *testing.T, c *cluster) {
	dir := t.TempDir()
	password := filepath.Join(dir, "password")
	write := func(s string) {
		if err := os.WriteFile(password, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("not the password")
	c.certs.renewClient(t, time.Now().Add(-time.Hour)) // Expired.
	sasl := fmt.Sprintf("sasl: {mechanism: scram-sha-512, username: %s, password_file: %q}", kafkaUser, filepath.Join(dir, "right"))
	if err := os.WriteFile(filepath.Join(dir, "right"), []byte(kafkaPassword), 0o600); err != nil {
		t.Fatal(err)
	}
	const somebody = "somebody"
	troubles := []struct {
		topic, source, says string
		repair              func()
		p                   *instance
		file                string
	}{
		{topic: "source-missing", source: fmt.Sprintf("brokers: [%q]", c.brokers()[0]), says: "topic source-missing: there is no such topic"},
		{
			topic: "source-denied", source: fmt.Sprintf("brokers: [%q], %s", c.sasl, sasl), says: "user alice may not read it; it needs the ACLs Read and Describe",
			repair: func() { c.allow(t, kmsg.ACLResourceTypeTopic, "source-denied", kafkaUser, kmsg.ACLOperationRead) },
		},
		{
			topic: "source-group", source: fmt.Sprintf("brokers: [%q], %s", c.sasl, sasl), says: "group source-group.s: user alice may not use it; it needs the ACL Read on the group",
			repair: func() { c.allow(t, kmsg.ACLResourceTypeGroup, "source-group.s", kafkaUser, kmsg.ACLOperationRead) },
		},
		{
			topic: "source-wrong", source: fmt.Sprintf("brokers: [%q], %s", c.sasl, strings.Replace(sasl, filepath.Join(dir, "right"), password, 1)), says: "not let in as user alice",
			repair: func() { write(kafkaPassword) },
		},
		{
			topic: "source-mutual", source: fmt.Sprintf("brokers: [%q], tls: {enabled: true, ca_file: %q, cert_file: %q, key_file: %q}", c.mutualTLS, c.certs.ca, c.certs.client, c.certs.clientKey),
			says: "the broker does not take our TLS or our certificate", repair: func() { c.certs.renewClient(t, time.Now().Add(time.Hour)) },
		},
	}
	lines := func(topic string) {
		var records []*kgo.Record
		for i := range 50 {
			records = append(records, &kgo.Record{Key: []byte("192.0.2.1"), Value: fmt.Appendf(nil, "<14>2026-11-21T08:00:00.000Z esx01 app: line %d", i)})
		}
		produce(t, c, topic, records...)
	}
	c.allow(t, kmsg.ACLResourceTypeGroup, "source-group.s", somebody, kmsg.ACLOperationRead)
	for i := range troubles {
		tr := &troubles[i]
		if tr.topic != "source-missing" {
			c.topic(t, tr.topic, 2)
			lines(tr.topic)
		}
		if tr.topic == "source-denied" {
			c.allow(t, kmsg.ACLResourceTypeTopic, tr.topic, somebody, kmsg.ACLOperationRead)
		}
		tr.file = filepath.Join(dir, tr.topic+".ndjson")
		tr.p = start(t, "-c", oneSource(t, tr.topic, "topic: "+tr.topic+", "+tr.source, tr.file))
	}
	for _, tr := range troubles {
		tr.p.waitFor(t, tr.topic+" in trouble", func(m metrics) bool { return m.sum("vswarden_source_failing") == 1 })
		status, health := tr.p.get(t, "/healthz")
		if status == 200 || !strings.Contains(health, "source "+tr.topic+".s: ") || !strings.Contains(health, tr.says) || strings.Contains(health, "not the password") {
			t.Errorf("%s: /healthz, %d, does not say %q:\n%s", tr.topic, status, tr.says, health)
		}
	}
	for _, tr := range troubles {
		if tr.repair != nil {
			tr.repair()
			continue
		}
		c.topic(t, tr.topic, 2)
		lines(tr.topic)
	}
	for _, tr := range troubles {
		books(t, tr.p.consumed(t, 50, "s"))
		tr.p.waitFor(t, tr.topic+" mended", func(m metrics) bool { return m.sum("vswarden_source_failing") == 0 })
		tr.p.stop(t)
		if n := len(delivered(t, tr.file)); n != 50 {
			t.Errorf("%s: %d events, want 50", tr.topic, n)
		}
	}
}

// lostMessages has a topic drop messages before they were read: they are counted, and stated as an
// event that goes the way of all others.
func lostMessages(t *testing.T, c *cluster) {
	const topic = "short"
	c.topic(t, topic, 1)
	file := filepath.Join(t.TempDir(), "events.ndjson")
	config := oneSource(t, "lossy", fmt.Sprintf("brokers: [%q], topic: %s", c.brokers()[0], topic), file)
	lines := func(n int) {
		var records []*kgo.Record
		for range n {
			records = append(records, &kgo.Record{Value: []byte("<14>2026-11-21T08:00:00.000Z esx01 app: line")})
		}
		produce(t, c, topic, records...)
	}
	lines(100)
	p := start(t, "-c", config)
	books(t, p.consumed(t, 100, "s"))
	p.stop(t)
	lines(50)
	c.forget(t, topic, 0, 130)
	p = start(t, "-c", config)
	m := p.consumed(t, 51, "s") // 30 of them lost, and the event that says so.
	books(t, m)
	if n := m.sum("vswarden_events_skipped_total", `reason="expired"`); n != 30 {
		t.Errorf("%v records expired, want 30", n)
	}
	p.stop(t)
	all := delivered(t, file)
	if len(all) != 121 {
		t.Fatalf("%d events, want 100, 20 and the one of the loss", len(all))
	}
	at := slices.IndexFunc(all, func(o object) bool { return o.text("event.dataset") == "vmware.esxi.logloss" })
	if at < 0 {
		t.Fatal("the loss is not stated")
	}
	o := all[at]
	if o.text("vmware.logloss.count") != "30" || !strings.Contains(o.text("message"), "group lossy.s: partition 0 has lost 30 messages") || o.text("event.id") == "" {
		t.Errorf("the loss is stated as %v", o)
	}
}

// oneSinkDown has an enricher with two sinks of which one does not take events: the other gets all.
func oneSinkDown(t *testing.T, c *cluster) {
	const topic, events = "down.raw", "down.events"
	c.topic(t, topic, 3)
	dir := t.TempDir()
	raw := strings.Replace(kafkaSection("raw", topic, c.brokers(), ""), "detail: compact", "format: raw", 1)
	p := start(t, "-c", kafkaProgram(t, filepath.Join(dir, "receive"), raw), "--role", "receive")
	file := filepath.Join(dir, "files.ndjson")
	e := start(t, "-c", enrichProgram(t, filepath.Join(dir, "enrich"), c, topic, "", kafkaSection("down", events, c.brokers(), ""), fileSection("up", file)))
	s := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "20000", "-hosts", "16", "-conns", "4")
	books(t, p.settle(t, s.Sent))
	p.stop(t)
	m := e.consumed(t, s.Sent, "up")
	if m.sum("vswarden_sink_failing", `sink="down"`) != 1 || m.sum("vswarden_events_delivered_total", `sink="down"`) != 0 {
		t.Errorf("the sink whose topic is missing: failing %v, delivered %v", m.sum("vswarden_sink_failing", `sink="down"`), m.sum("vswarden_events_delivered_total", `sink="down"`))
	}
	c.topic(t, events, 2)
	books(t, e.consumed(t, s.Sent, "up", "down"))
	e.stop(t)
	fine(t, judged(t, file, "-expect", s.file))
	fine(t, judged(t, c.file(t, events), "-expect", s.file))
}
