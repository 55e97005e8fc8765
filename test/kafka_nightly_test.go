//go:build unix

package test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestKafkaNightly is what takes long: make nightly-kafka.
func TestKafkaNightly(t *testing.T) {
	if os.Getenv("KAFKA_NIGHTLY") == "" {
		t.Skip("runs with make nightly-kafka")
	}
	t.Run("one broker", func(t *testing.T) {
		c := startKafka(t, 1, false)
		t.Run("killed", func(t *testing.T) { killedBroker(t, c, time.Second, 20000, 15*time.Second) })
		t.Run("outage of 12 s", func(t *testing.T) { killedBroker(t, c, 12001*time.Millisecond, 20000, 20*time.Second) })
		t.Run("outage of 60 s", func(t *testing.T) { killedBroker(t, c, time.Minute, 20000, 70*time.Second) })
		t.Run("stopped for 15 s", func(t *testing.T) { stoppedBroker(t, c, 15*time.Second) })
		t.Run("stopped for longer than a request may take", func(t *testing.T) { stoppedBroker(t, c, 25*time.Second) })
		t.Run("slow", func(t *testing.T) { slowBroker(t, c) })
		t.Run("quota", func(t *testing.T) { quota(t, c) })
		t.Run("topic deleted and made again", func(t *testing.T) { deletedTopic(t, c) })
		t.Run("read by Kafka Connect", func(t *testing.T) { kafkaConnect(t, c) })
	})
	t.Run("disk full", fullDisk)
	t.Run("three brokers", func(t *testing.T) {
		c := startKafka(t, 3, false)
		t.Run("receivers and enrichers killed at random", func(t *testing.T) { tiersChaos(t, c) })
		t.Run("brokers killed between receivers and enrichers", func(t *testing.T) { brokersBetween(t, c) })
		t.Run("two of three dead and back", func(t *testing.T) { twoOfThree(t, c) })
		for i := range 3 {
			t.Run(fmt.Sprintf("leader killed %d", i+1), func(t *testing.T) { leaderStopped(t, c, i, syscall.SIGKILL) })
		}
		t.Run("leader stopped", func(t *testing.T) { leaderStopped(t, c, 3, syscall.SIGSTOP) })
	})
}

// delivering waits until something was delivered.
func (r kafkaRun) delivering(t *testing.T) {
	t.Helper()
	before := r.p.scrape(t).sum("vswarden_events_delivered_total")
	r.p.waitFor(t, "something delivered", func(m metrics) bool { return m.sum("vswarden_events_delivered_total") > before+1000 })
}

// stoppedBroker has a broker that takes connections and answers nothing: requests time out that it
// carries out afterwards.
func stoppedBroker(t *testing.T, c *cluster, away time.Duration) {
	r := sending(t, c, fmt.Sprintf("stopped-%v", away), 3, 20000, away+10*time.Second)
	r.delivering(t)
	c.signal(t, 0, syscall.SIGSTOP)
	time.Sleep(away)
	c.signal(t, 0, syscall.SIGCONT)
	r.delivering(t)
	r.judge(t)
}

// slowBroker has one that stands still most of the time.
func slowBroker(t *testing.T, c *cluster) {
	r := sending(t, c, "slow", 3, 5000, 20*time.Second)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		c.signal(t, 0, syscall.SIGSTOP)
		time.Sleep(400 * time.Millisecond)
		c.signal(t, 0, syscall.SIGCONT)
		time.Sleep(50 * time.Millisecond)
	}
	r.judge(t)
}

// quota has a broker that lets us write little and asks us to be silent in between.
func quota(t *testing.T, c *cluster) {
	limit := func(bytes float64, remove bool) {
		name := "vswarden"
		entity := kmsg.NewAlterClientQuotasRequestEntryEntity()
		entity.Type, entity.Name = "client-id", &name
		op := kmsg.NewAlterClientQuotasRequestEntryOp()
		op.Key, op.Value, op.Remove = "producer_byte_rate", bytes, remove
		entry := kmsg.NewAlterClientQuotasRequestEntry()
		entry.Entity, entry.Ops = append(entry.Entity, entity), append(entry.Ops, op)
		req := kmsg.NewPtrAlterClientQuotasRequest()
		req.Entries = append(req.Entries, entry)
		res, err := req.RequestWith(kafkaContext(t), c.admin)
		if err == nil {
			err = kerr.ErrorForCode(res.Entries[0].ErrorCode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	limit(100_000, false)
	r := sending(t, c, "quota", 3, 5000, 10*time.Second)
	time.Sleep(20 * time.Second)
	m := r.p.scrape(t)
	t.Logf("after 20 s: %v delivered, %v wait, failing %v", m.sum("vswarden_events_delivered_total"), m.sum("vswarden_cursor_lag_records"), m.sum("vswarden_sink_failing"))
	limit(0, true)
	r.judge(t)
}

// deletedTopic loses what was in the topic, and nothing that was sent after its deletion.
func deletedTopic(t *testing.T, c *cluster) {
	const topic = "deleted"
	c.topic(t, topic, 6)
	p := start(t, "-c", kafkaProgram(t, t.TempDir(), kafkaSection("kafka", topic, c.brokers(), "")))
	first := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "5000", "-hosts", "16")
	p.settle(t, first.Sent)
	c.remove(t, topic)
	second := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "5000", "-hosts", "16", "-first-host", "100")
	p.waitFor(t, "trouble", func(m metrics) bool { return m.sum("vswarden_sink_failing") == 1 })
	time.Sleep(3 * time.Second)
	c.topic(t, topic, 2)
	books(t, p.settle(t, first.Sent+second.Sent))
	p.stop(t)
	fine(t, judged(t, c.file(t, topic), "-expect", second.file))
}

// fullDisk has a broker whose disk fills up, on which it ends, and which somebody then makes larger.
func fullDisk(t *testing.T) {
	dir := t.TempDir()
	mount := func(options string) error {
		return exec.Command("mount", "-t", "tmpfs", "-o", options, "vswarden-test", dir).Run()
	}
	if err := mount("size=48m"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("a small file system: %v", err)
		}
		t.Skipf("NOT TESTED: a full disk; only root can mount a small one: %v", err)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() }) // Or the machine is left with 48 MiB less.
	c := startKafkaIn(t, dir, 1, false)
	c.topic(t, "disk", 3)
	p := start(t, "-c", kafkaProgram(t, t.TempDir(), kafkaSection("kafka", "disk", c.brokers(), ", compression: none")))
	r := kafkaRun{p: p, c: c, topic: "disk", load: make(chan sent, 1)}
	go func() {
		defer close(r.load)
		r.load <- load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-rate", "20000", "-for", "15s", "-hosts", "16", "-conns", "4")
	}()
	r.failing(t, 1)
	select {
	case <-c.nodes[0].exited:
		t.Log("the broker ended when its disk was full")
	case <-time.After(30 * time.Second):
		t.Log("the broker lives on with a full disk")
		c.kill(0)
	}
	if err := mount("remount,size=2g"); err != nil {
		t.Fatal(err)
	}
	c.restart(t, 0)
	r.failing(t, 0)
	r.judge(t)
}

// kafkaConnect has Kafka Connect write the topic into a file, as configs/kafka-connect says.
func kafkaConnect(t *testing.T, c *cluster) {
	const topic = "connect"
	c.topic(t, topic, 3)
	p := start(t, "-c", kafkaProgram(t, t.TempDir(), kafkaSection("kafka", topic, c.brokers(), "")))
	s := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "5000", "-hosts", "16")
	books(t, p.settle(t, s.Sent))
	p.stop(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "events.ndjson")
	sink := readConfig(t, "kafka-connect/file-sink.properties")
	for old, with := range map[string]string{eventsTopic: topic, "/var/log/esxi-events.ndjson": file} {
		if !strings.Contains(sink, old) {
			t.Fatalf("no %s in configs/kafka-connect", old)
		}
		sink = strings.ReplaceAll(sink, old, with)
	}
	jars, err := filepath.Abs("../.tools/kafka-connect-jars")
	if err != nil {
		t.Fatal(err)
	}
	worker := fmt.Sprintf(`bootstrap.servers=%s
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
offset.storage.file.filename=%s/offsets
offset.flush.interval.ms=1000
listeners=http://127.0.0.1:%d
plugin.path=%s
plugin.discovery=service_load
`, c.brokers()[0], dir, freePorts(t, 1, 0)[0], jars)
	for name, text := range map[string]string{"worker.properties": worker, "sink.properties": sink} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := append(c.env(), "KAFKA_JARS="+jars, "KAFKA_MVN_OPTS=-Pconnect")
	fetch := exec.CommandContext(t.Context(), kafkaScript, "jars")
	fetch.Env = env
	if out, err := fetch.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", fetch.Args, err, out)
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), kafkaScript, "run", "org.apache.kafka.connect.cli.ConnectStandalone", filepath.Join(dir, "worker.properties"), filepath.Join(dir, "sink.properties"))
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill() // It would go on for ever.
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Kafka Connect:\n%s", out.String()[max(0, out.Len()-4000):])
		}
	}()
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		b, _ := os.ReadFile(file) // It may not be there yet.
		if n := bytes.Count(b, []byte("\n")); n >= int(s.Sent) {
			break
		} else if time.Now().After(end) {
			t.Fatalf("%d of %d events in the file", n, s.Sent)
		}
	}
	fine(t, judged(t, file, "-expect", s.file))
}

// twoOfThree loses the quorum and the replicas in sync.
func twoOfThree(t *testing.T, c *cluster) {
	r := sending(t, c, "two-of-three", 6, 20000, 40*time.Second)
	r.delivering(t)
	c.kill(0)
	c.kill(1)
	r.failing(t, 1)
	time.Sleep(10 * time.Second)
	c.start(t, 0)
	c.start(t, 1)
	c.ready(t, 0)
	c.ready(t, 1)
	r.failing(t, 0)
	r.judge(t)
}

// brokersBetween has a receiver and two enrichers while one broker after the other is killed, and one
// stands still: also the one that looks after the groups.
func brokersBetween(t *testing.T, c *cluster) {
	r := tiers(t, c, "between", 6)
	sending := r.send(t, "tcp", 5000, 60*time.Second)
	first, second := r.enricher(t, 1), r.enricher(t, 2)
	r.working(t, first)
	for i := range 3 {
		c.kill(i)
		time.Sleep(5 * time.Second)
		c.restart(t, i)
		time.Sleep(2 * time.Second) // Until it is in sync again.
	}
	c.signal(t, 0, syscall.SIGSTOP)
	time.Sleep(15 * time.Second)
	c.signal(t, 0, syscall.SIGCONT)
	r.judge(t, sending, first, second)
}

// leaderStopped kills the leader of partition 0, or stops it for 20 s.
func leaderStopped(t *testing.T, c *cluster, n int, s syscall.Signal) {
	r := sending(t, c, fmt.Sprintf("leader-%d", n), 6, 20000, 30*time.Second)
	r.delivering(t)
	leaders, err := c.leaders(t, r.topic)
	if err != nil {
		t.Fatal(err)
	}
	victim := int(leaders[0]) - 1
	if s == syscall.SIGKILL {
		c.kill(victim)
	} else {
		c.signal(t, victim, s)
	}
	began := time.Now()
	r.troubled(t)
	r.failing(t, 0)
	t.Logf("events flow again after %v", time.Since(began).Round(100*time.Millisecond))
	time.Sleep(max(0, 20*time.Second-time.Since(began)))
	if s == syscall.SIGKILL {
		c.restart(t, victim)
	} else {
		c.signal(t, victim, syscall.SIGCONT)
	}
	r.judge(t)
}
