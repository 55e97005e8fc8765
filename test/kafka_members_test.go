//go:build unix

package test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// membersComeAndGo has receivers and enrichers with two sinks each while one enricher is killed, one
// stands still until the others have its partitions and then goes on, and the topic grows. Lines
// come all the time.
func membersComeAndGo(t *testing.T, c *cluster) {
	tr := tiers(t, c, "members", 3)
	flow := tr.flow(t, 0, 1000)
	first := tr.enricher(t, 1)
	tr.working(t, first)
	second := tr.enricher(t, 2)
	tr.working(t, second)
	first.kill(t)
	third := tr.enricher(t, 3)
	tr.working(t, third)
	tr.grow(t, 6)
	tr.receivers = append(tr.receivers, tr.receiver(t, 1)) // It knows the new partitions from the start.
	more := tr.flow(t, 1, 500)
	second.signal(t, syscall.SIGSTOP)
	third.waitFor(t, "all partitions are with one", func(m metrics) bool { return m.sum("vswarden_topic_partitions") == float64(2*tr.partitions) })
	tr.working(t, third)
	second.signal(t, syscall.SIGCONT)
	first = tr.enricher(t, 1)
	for _, p := range []*instance{first, second, third} {
		p.waitFor(t, "partitions are shared", func(m metrics) bool { return m.sum("vswarden_topic_partitions") == float64(2*tr.partitions)/3 })
		tr.working(t, p)
	}
	tr.judge(t, ended(flow, more), first, second, third)
}

// tierRun is receivers and enrichers around a raw topic, each enricher with a sink for a topic of
// events and one for a file of its own.
type tierRun struct {
	c           *cluster
	dir         string
	raw, events string
	partitions  int32
	grown       int32 // from how many; 0: it has not
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

// receiver starts one, or starts it again. They compress differently, which is nobody's business.
func (r *tierRun) receiver(t *testing.T, n int) *instance {
	t.Helper()
	compression := []string{"none", "lz4", "snappy"}[n%3]
	raw := strings.Replace(kafkaSection("raw", r.raw, r.c.brokers(), ", compression: "+compression), "detail: compact", "format: raw", 1)
	return start(t, "-c", kafkaProgram(t, filepath.Join(r.dir, fmt.Sprintf("receive-%d", n)), raw), "--role", "receive")
}

// enricher starts one, or starts it again.
func (r *tierRun) enricher(t *testing.T, n int) *instance {
	t.Helper()
	return start(t, "-c", enrichProgram(t, filepath.Join(r.dir, fmt.Sprintf("enrich-%d", n)), r.c, r.raw, "",
		kafkaSection("events", r.events, r.c.brokers(), ""), fileSection("files", r.file(n))))
}

func (r *tierRun) file(n int) string { return filepath.Join(r.dir, fmt.Sprintf("events-%d.ndjson", n)) }

// files are those that enrichers wrote.
func (r *tierRun) files(t *testing.T) (all []string) {
	t.Helper()
	for n := range 10 {
		if _, err := os.Stat(r.file(n)); err == nil {
			all = append(all, outputs(t, r.file(n))...)
		}
	}
	return all
}

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

// flowing is a load on a receiver that goes on until it is told to end.
type flowing struct {
	end  context.CancelFunc
	sent chan sent
}

// flow begins one on receiver n.
func (r *tierRun) flow(t *testing.T, n, rate int) flowing {
	t.Helper()
	built(t)
	ctx, end := context.WithCancel(t.Context())
	f := flowing{end, make(chan sent, 1)}
	p := r.receivers[n]
	go func() {
		defer close(f.sent)
		f.sent <- loadUntil(ctx, t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-rate", fmt.Sprint(rate), "-for", "10m",
			"-hosts", "16", "-conns", "8", "-first-host", fmt.Sprint(100*n))
	}()
	return f
}

// ended ends flows; what they sent comes through the channel.
func ended(flows ...flowing) <-chan sent {
	all := make(chan sent, len(flows))
	for _, f := range flows {
		f.end()
		for s := range f.sent {
			all <- s
		}
	}
	close(all)
	return all
}

// grow gives the raw topic more partitions.
func (r *tierRun) grow(t *testing.T, partitions int32) {
	t.Helper()
	r.c.grow(t, r.raw, partitions)
	r.grown, r.partitions = r.partitions, partitions
}

// moved says whether a sender's lines went to another partition when the topic grew. Kafka keeps the
// order of a partition, so those that came before may be delivered after those that came then.
func (r *tierRun) moved(host string) bool {
	if r.grown == 0 {
		return false
	}
	of, record := kgo.StickyKeyPartitioner(nil).ForTopic(r.raw), &kgo.Record{Key: []byte(host)}
	return of.Partition(record, int(r.grown)) != of.Partition(record, int(r.partitions))
}

// working waits until a node delivers.
func (r *tierRun) working(t *testing.T, p *instance) {
	t.Helper()
	before := p.scrape(t).sum("vswarden_events_delivered_total")
	p.waitFor(t, "something delivered", func(m metrics) bool { return m.sum("vswarden_events_delivered_total") > before+200 })
}

// judge waits until all that was sent is where both sinks put it: nothing missing, repeats under the
// same id, and in the topic of events in order of first delivery, but for senders that moved.
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
	for _, s := range all {
		expect = append(expect, "-expect", s.file)
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
		files = judgedFiles(t, r.files(t), expect...)
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
	moved, disorder := 0, uint64(0)
	for _, s := range all {
		for _, from := range s.Senders {
			if from.Sender < 100 && r.moved(from.Host) { // The second receiver knew the new partitions from the start.
				moved++
				disorder += events.disorder[from.Sender]
			}
		}
	}
	events.Disorder -= disorder
	if moved > 0 {
		t.Logf("%d senders went to another partition when the topic grew; %d lines of theirs out of order", moved, disorder)
	}
	if events.Disorder+events.Missing+events.TwoIDs+events.SharedIDs+events.NoID+events.Invalid+events.Unexpected > 0 {
		t.Errorf("judge of the topic: %s", events.text)
	}
	if files.Missing+files.TwoIDs+files.SharedIDs+files.NoID+files.Invalid > 0 { // Order is that of each node.
		t.Errorf("judge of the files: %s", files.text)
	}
	var n uint64
	for _, s := range all {
		n += s.Sent
	}
	t.Logf("%d lines sent; topic: %d events, %d of them repeats; files: %d events, %d of them repeats", n, events.Lines, events.Repeats, files.Lines, files.Repeats)
}
