//go:build unix

package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// kafkaRun is one program that sends into a topic while something goes wrong.
type kafkaRun struct {
	p     *instance
	c     *cluster
	topic string
	load  chan sent
}

// sending starts a program with one sink on a new topic, and a load.
func sending(t *testing.T, c *cluster, topic string, partitions int32, rate int, span time.Duration) kafkaRun {
	t.Helper()
	c.topic(t, topic, partitions)
	p := start(t, "-c", kafkaProgram(t, t.TempDir(), kafkaSection("kafka", topic, c.brokers(), "")))
	r := kafkaRun{p: p, c: c, topic: topic, load: make(chan sent, 1)}
	go func() {
		defer close(r.load)
		r.load <- load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-rate", fmt.Sprint(rate), "-for", span.String(), "-hosts", "16", "-conns", "4")
	}()
	return r
}

// judge waits until all is delivered and judges the topic: at least once, in order of first
// delivery, repeats under the same id.
func (r kafkaRun) judge(t *testing.T) {
	t.Helper()
	s, ok := <-r.load
	if !ok {
		t.FailNow() // load said why
	}
	m := r.p.settle(t, s.Sent)
	books(t, m)
	if n := m.sum("vswarden_events_dead_total"); n > 0 {
		t.Errorf("%v dead letters, want none", n)
	}
	log := r.p.logTail()
	r.p.stop(t)
	v := judged(t, r.c.file(t, r.topic), "-expect", s.file)
	fine(t, v)
	if n := strings.Count(log, "sink does not take events"); n > 40 {
		t.Errorf("the same trouble is logged %d times:\n%s", n, log)
	}
	t.Logf("%d lines sent, %d messages in the topic, %d of them repeats", s.Sent, v.Lines, v.Repeats)
}

// failing waits until the sink says that it does not work, or does again.
func (r kafkaRun) failing(t *testing.T, want float64) {
	t.Helper()
	r.p.waitFor(t, fmt.Sprintf("vswarden_sink_failing %v", want), func(m metrics) bool { return m.sum("vswarden_sink_failing") == want })
}

// troubled waits until something was written again: a cluster that is quick may have the sink fail for milliseconds only.
func (r kafkaRun) troubled(t *testing.T) {
	t.Helper()
	r.p.waitFor(t, "a batch written again", func(m metrics) bool { return m.sum("vswarden_sink_retries_total") > 0 })
}

func killedBroker(t *testing.T, c *cluster, away time.Duration, rate int, span time.Duration) {
	r := sending(t, c, fmt.Sprintf("killed-%v", away), 3, rate, span)
	r.p.waitFor(t, "something delivered", func(m metrics) bool { return m.sum("vswarden_events_delivered_total") > float64(rate)/2 })
	c.kill(0)
	time.Sleep(away)
	r.failing(t, 1)
	c.restart(t, 0)
	r.failing(t, 0)
	r.judge(t)
}

// TestKafkaLeaderKilled kills the leader of a partition, one of three brokers.
func TestKafkaLeaderKilled(t *testing.T) {
	needSignals(t)
	t.Parallel()
	c := startKafka(t, 3, false)
	r := sending(t, c, "replicated", 6, 1000, 20*time.Second) // Long enough to be under way when the leader dies, on any machine.
	r.p.waitFor(t, "something delivered", func(m metrics) bool { return m.sum("vswarden_events_delivered_total") > 1000 })
	leaders, err := c.leaders(t, r.topic)
	if err != nil {
		t.Fatal(err)
	}
	victim := int(leaders[0]) - 1
	c.kill(victim)
	r.troubled(t)
	began := time.Now()
	r.failing(t, 0)
	t.Logf("without the leader of partition 0, killed, events flow again after %v", time.Since(began).Round(100*time.Millisecond))
	c.restart(t, victim)
	r.judge(t)
}

// troubledSinks is one program with a sink for each trouble that somebody repairs, beside one that
// has none and must not notice.
func troubledSinks(t *testing.T, c *cluster) {
	topics := []string{"good", "raw", "denied", "wrong", "small", "tls", "mutual"}
	for _, topic := range topics {
		settings := []string{}
		if topic == "small" {
			settings = []string{"max.message.bytes", "20000"}
		}
		c.topic(t, topic, 3, settings...)
	}
	c.reserve(t, "denied", "somebody")
	password := filepath.Join(t.TempDir(), "password")
	write := func(s string) {
		if err := os.WriteFile(password, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("not the password")
	c.certs.renewClient(t, time.Now().Add(-time.Hour)) // Expired.
	sasl := func(mechanism string) string {
		return fmt.Sprintf(", sasl: {mechanism: %s, username: %s, password: %s}", mechanism, kafkaUser, kafkaPassword)
	}
	p := start(t, "-c", kafkaProgram(t, t.TempDir(),
		kafkaSection("good", "good", c.brokers(), ""),
		strings.Replace(kafkaSection("raw", "raw", c.brokers(), ""), "detail: compact", "format: raw", 1),
		kafkaSection("missing", "missing", c.brokers(), ""),
		kafkaSection("denied", "denied", []string{c.sasl}, sasl("scram-sha-256")),
		kafkaSection("wrong", "wrong", []string{c.sasl}, fmt.Sprintf(", sasl: {mechanism: scram-sha-512, username: %s, password_file: %q}", kafkaUser, password)),
		kafkaSection("small", "small", c.brokers(), ""),
		kafkaSection("tls", "tls", []string{c.saslTLS}, fmt.Sprintf("%s, tls: {enabled: true, ca_file: %q}", sasl("plain"), c.certs.ca)),
		kafkaSection("mutual", "mutual", []string{c.mutualTLS}, fmt.Sprintf(", tls: {enabled: true, ca_file: %q, cert_file: %q, key_file: %q}", c.certs.ca, c.certs.client, c.certs.clientKey)),
	))
	s := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "4000", "-hosts", "8", "-conns", "2")
	began := time.Now()
	for _, line := range []string{
		"<14>2026-11-21T08:00:00.000Z esx01 app: " + randomText(40_000), // too large for one of them
		"<14>1970-01-01T00:00:00.000Z esx01 app: a clock that was never set",
		"<14>2099-12-31T23:59:59.000Z esx01 app: a clock far ahead",
	} {
		sendLine(t, p.address(t, "tcp"), line)
	}
	all := float64(s.Sent + 3)
	delivered := func(m metrics, name string) float64 {
		return m.sum("vswarden_events_delivered_total", `sink="`+name+`"`)
	}
	p.waitFor(t, "all delivered where there is no trouble", func(m metrics) bool {
		return delivered(m, "good") == all && delivered(m, "tls") == all && delivered(m, "small") == all-1 &&
			m.sum("vswarden_events_dead_total", `sink="small"`, `reason="permanent"`) == 1
	})
	p.waitFor(t, "three sinks and the one with a certificate that expired in trouble", func(m metrics) bool { return m.sum("vswarden_sink_failing") == 4 })
	_, health := p.get(t, "/healthz")
	for _, says := range []string{
		"sink missing: topic missing: there is no such topic, make it or set create_topics: true",
		"sink denied: topic denied: user alice may not write to it; it needs the ACLs Write and Describe",
		"sink wrong: broker " + c.sasl + ": not let in as user alice",
		"sink mutual: broker " + c.mutualTLS + ": the broker does not take our TLS or our certificate",
	} {
		if !strings.Contains(health, says) {
			t.Errorf("/healthz does not say %q:\n%s", says, health)
		}
	}
	if strings.Contains(health, "sink good") || strings.Contains(health, "not the password") {
		t.Errorf("/healthz says\n%s", health)
	}

	c.topic(t, "missing", 2)
	c.reserve(t, "denied", kafkaUser)
	write(kafkaPassword)
	c.certs.renewClient(t, time.Now().Add(time.Hour))
	m := p.settle(t, s.Sent+3)
	books(t, m)
	p.stop(t)
	for _, topic := range append(topics, "missing") {
		v := judged(t, c.file(t, topic), "-expect", s.file)
		if topic != "raw" { // Its ids are headers.
			fine(t, v)
		}
		if want := s.Sent + 3; topic != "small" && v.Lines != want {
			t.Errorf("topic %s has %d messages, want %d", topic, v.Lines, want)
		}
	}
	ids := map[string]string{}            // By message as the sender wrote it.
	for _, r := range c.read(t, "good") { // The senders' clocks are not Kafka's.
		var e struct{ Event struct{ ID string } }
		if err := json.Unmarshal(r.Value, &e); err != nil || e.Event.ID != kafkaHeader(r, "event-id") {
			t.Fatalf("event.id %s, header %s, %v", e.Event.ID, kafkaHeader(r, "event-id"), err)
		}
		if token := seqToken(r.Value); token != "" {
			ids[token] = e.Event.ID
		}
		if bytes.Contains(r.Value, []byte("a clock")) && (r.Timestamp.Before(began.Add(-time.Second)) || r.Timestamp.After(time.Now())) {
			t.Errorf("a message received between %v and now has the stamp %v: %s", began, r.Timestamp, r.Value)
		}
	}
	for _, r := range c.read(t, "raw") {
		if id, ok := ids[seqToken(r.Value)]; ok && kafkaHeader(r, "event-id") != id {
			t.Errorf("%s has the id %s as a frame and %s as an event", seqToken(r.Value), kafkaHeader(r, "event-id"), id)
		}
		received, err := time.Parse(time.RFC3339Nano, kafkaHeader(r, "received"))
		if err != nil || received.UnixMilli() != r.Timestamp.UnixMilli() {
			t.Errorf("received %q, stamp %v", kafkaHeader(r, "received"), r.Timestamp)
		}
		if !bytes.HasPrefix(r.Value, []byte("<")) || kafkaHeader(r, "kind") != "frame" || kafkaHeader(r, "transport") != "tcp" ||
			kafkaHeader(r, "timezone") != "UTC" || !strings.HasPrefix(kafkaHeader(r, "peer"), "127.") || kafkaHeader(r, "listener") == "" {
			t.Fatalf("frame %.100q with the headers %v", r.Value, r.Headers)
		}
	}
}

func kafkaHeader(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// seqToken is loadgen's number of a line, with its sender.
func seqToken(line []byte) string {
	const form = "seq0000-0000000000"
	if at := bytes.Index(line, []byte("seq")); at >= 0 && len(line) >= at+len(form) {
		return string(line[at : at+len(form)])
	}
	return ""
}
