//go:build unix

package test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// chaosPhase is a load that one receiver got until it was killed.
type chaosPhase struct {
	first  int // host
	synced float64
	load   loadRun
}

// tiersChaos has two receivers and three enrichers, of which one or another is killed at random all the
// time: what a receiver had synced before it was killed is in the topic of events and in the files, in
// order, without a hole and nothing under two ids. KAFKA_CHAOS says for how long, KAFKA_SEED repeats
// the moments.
func tiersChaos(t *testing.T, c *cluster) {
	const hosts = 8 // of a phase
	span, seed := 5*time.Minute, uint64(time.Now().UnixNano())
	if d, err := time.ParseDuration(os.Getenv("KAFKA_CHAOS")); err == nil {
		span = d
	}
	if n, err := strconv.ParseUint(os.Getenv("KAFKA_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("KAFKA_CHAOS=%v KAFKA_SEED=%d", span, seed)
	chance := rand.New(rand.NewPCG(seed, 0))
	r := tiers(t, c, "chaos", 6)
	r.receivers = append(r.receivers, r.receiver(t, 1))
	var done []chaosPhase
	current, next := make([]chaosPhase, 2), 1
	begin := func(i int) {
		p := r.receivers[i]
		current[i] = chaosPhase{first: next, load: loadingAt(t, p, next, hosts, 3000)}
		next += hosts
	}
	end := func(i int) {
		p := r.receivers[i]
		current[i].synced = p.scrape(t).sum("vswarden_log_synced_records_total")
		p.kill(t)
		current[i].load.end()
		done = append(done, current[i])
	}
	enrichers := make([]*instance, 3)
	for i := range enrichers {
		enrichers[i] = r.enricher(t, i+1)
	}
	begin(0)
	begin(1)
	killed := [2]int{}
	for until := time.Now().Add(span); time.Now().Before(until); {
		time.Sleep(time.Duration(500+chance.IntN(4500)) * time.Millisecond)
		if i := chance.IntN(6); i < 2 {
			end(i)
			r.receivers[i] = r.receiver(t, i)
			begin(i)
			killed[0]++
			continue
		}
		i := chance.IntN(len(enrichers))
		if enrichers[i] == nil {
			enrichers[i] = r.enricher(t, i+1)
			continue
		}
		enrichers[i].kill(t)
		enrichers[i] = nil
		killed[1]++
		if chance.IntN(2) == 0 { // Else it is away for a while.
			enrichers[i] = r.enricher(t, i+1)
		}
	}
	for i := range enrichers {
		if enrichers[i] == nil {
			enrichers[i] = r.enricher(t, i+1)
		}
	}
	for i, p := range r.receivers {
		current[i].load.end()
		p.waitFor(t, "all handed on", func(m metrics) bool { return m.sum("vswarden_cursor_lag_records") == 0 })
		current[i].synced = p.scrape(t).sum("vswarden_log_synced_records_total")
		books(t, p.scrape(t))
		p.stop(t)
		done = append(done, current[i])
	}
	r.quiet(t, enrichers)
	for _, p := range enrichers {
		books(t, p.scrape(t))
		p.stop(t)
	}
	events := judged(t, r.c.file(t, r.events))
	fine(t, events)
	files := judgedFiles(t, r.files(t))
	if files.TwoIDs+files.SharedIDs+files.NoID+files.Invalid+files.Missing > 0 { // Order is that of each node.
		t.Errorf("judge of the files: %s", files.text)
	}
	all := 0.0
	for _, phase := range done {
		inTopic, inFiles := uint64(0), uint64(0)
		for host := phase.first; host < phase.first+hosts; host++ {
			inTopic += events.perSender[host]
			inFiles += files.perSender[host]
		}
		if float64(inTopic) < phase.synced || inFiles != inTopic {
			t.Errorf("hosts from %d: %v records were synced, %d are in the topic, %d in the files", phase.first, phase.synced, inTopic, inFiles)
		}
		all += phase.synced
	}
	t.Logf("%d receivers and %d enrichers killed in %v: %v records synced, topic: %d events, %d of them repeats; files: %d, %d of them repeats",
		killed[0], killed[1], span, all, events.Lines, events.Repeats, files.Lines, files.Repeats)
}

// quiet waits until enrichers have all partitions for both sinks and have done all that is in them.
func (r *tierRun) quiet(t *testing.T, nodes []*instance) {
	t.Helper()
	since := time.Now()
	for end := time.Now().Add(2 * patience); time.Since(since) < 3*time.Second; time.Sleep(100 * time.Millisecond) {
		var partitions, left float64
		for _, p := range nodes {
			m := p.scrape(t)
			partitions += m.sum("vswarden_topic_partitions")
			left += m.sum("vswarden_topic_lag_records") + m.sum("vswarden_cursor_lag_records")
		}
		if partitions != float64(2*r.partitions) || left > 0 {
			since = time.Now()
		}
		if time.Now().After(end) {
			t.Fatalf("%v partitions of 2 sinks, %v records left", partitions, left)
		}
	}
}
