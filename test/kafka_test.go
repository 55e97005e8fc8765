//go:build unix

package test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	client "vswarden/kafka"
	"vswarden/sink"
	"vswarden/sink/kafka"
	"vswarden/sink/sinktest"
)

// TestKafka is the sink and the whole program against one real broker.
func TestKafka(t *testing.T) {
	needSignals(t)
	t.Parallel()
	c := startKafka(t, 1, true)
	t.Run("suite", func(t *testing.T) { kafkaSuite(t, c) })
	t.Run("other clients read it", func(t *testing.T) { otherClients(t, c) })
	t.Run("partitions are those of the Java client", func(t *testing.T) { javaPartitions(t, c) })
	t.Run("findings", func(t *testing.T) { kafkaFindings(t, c) })
	t.Run("check --connect", func(t *testing.T) { checkConnect(t, c) })
	t.Run("members of a group share it", func(t *testing.T) { groupShares(t, c) })
	t.Run("two tiers make the events of one", func(t *testing.T) { sameEvents(t, c) })
	t.Run("enrichers come and go", func(t *testing.T) { membersComeAndGo(t, c) })
	t.Run("an enricher says what is wrong with its source", func(t *testing.T) { sourceTroubles(t, c) })
	t.Run("what the topic lost is told", func(t *testing.T) { lostMessages(t, c) })
	t.Run("one sink of an enricher is down", func(t *testing.T) { oneSinkDown(t, c) })
	t.Run("one sink's trouble is not another's", func(t *testing.T) { troubledSinks(t, c) })
	t.Run("killed and started again", func(t *testing.T) { killedBroker(t, c, time.Second, 2000, 5*time.Second) })
	t.Run("outage of 12 s", func(t *testing.T) { killedBroker(t, c, 12*time.Second, 2000, 10*time.Second) })
}

// kafkaSink opens the sink itself on a topic of c.
func kafkaSink(t *testing.T, c *cluster, topic string, change func(*kafka.Config)) sink.Sink {
	t.Helper()
	cfg := kafka.DefaultConfig()
	cfg.Brokers, cfg.Topic = c.brokers(), topic
	if change != nil {
		change(&cfg)
	}
	s, err := kafka.Open(cfg, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// deliver writes a batch as a delivery does, again and again where it must be; a new topic's leaders
// are not ready at once.
func deliver(t *testing.T, s sink.Sink, batch []sink.Record) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := s.Write(t.Context(), batch)
		if err == nil {
			return
		}
		if verdicts, ok := errors.AsType[sink.Errors](err); ok {
			left := batch[:0:0]
			for i := range batch {
				if verdicts[i] != nil {
					left = append(left, batch[i])
				}
			}
			batch = left
		}
		if sink.IsPermanent(err) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// kafkaSuite is what every sink must pass. The broker is killed and started again, and its process
// stopped.
func kafkaSuite(t *testing.T, c *cluster) {
	n := 0
	sinktest.Run(t, func(t *testing.T) sinktest.Harness {
		n++
		topic := fmt.Sprintf("suite-%d", n)
		c.topic(t, topic, 1)
		return sinktest.Harness{
			Open: func(t *testing.T) sink.Sink { return kafkaSink(t, c, topic, nil) },
			Read: func(t *testing.T) (values []string) {
				for _, r := range c.read(t, topic) {
					values = append(values, string(r.Value))
				}
				return values
			},
			Break:   func(*testing.T) { c.kill(0) },
			Repair:  func(t *testing.T) { c.restart(t, 0) },
			Block:   func(t *testing.T) { c.signal(t, 0, syscall.SIGSTOP) },
			Unblock: func(t *testing.T) { c.signal(t, 0, syscall.SIGCONT) },
		}
	})
}

// kafkaFindings is what a check of the cluster says of a topic that is not there and of one that is
// poorly set.
func kafkaFindings(t *testing.T, c *cluster) {
	c.topic(t, "hollow", 2, "max.message.bytes", "20000")
	for topic, want := range map[string][]string{
		"nowhere": {"topic nowhere: there is none; make it with: kafka-topics --bootstrap-server " + c.brokers()[0] + " --create --topic nowhere"},
		"hollow":  {"its replication factor is 1", "max.message.bytes is 20000"},
	} {
		cfg := kafka.DefaultConfig()
		cfg.Brokers, cfg.Topic = c.brokers(), topic
		found, err := kafka.Findings(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, w) }) {
				t.Errorf("%s: not found: %s", topic, w)
			}
		}
		if len(found) != len(want) {
			t.Errorf("%s: found %q", topic, found)
		}
	}
}

// checkConnect is what `check --connect` says: a sink's topic that is missing, one that is hollow, a
// source that this user may not read, a broker that is away.
func checkConnect(t *testing.T, c *cluster) {
	away := fmt.Sprintf("127.0.0.1:%d", freePorts(t, 1, 0)[0])
	c.topic(t, "poor", 2, "max.message.bytes", "20000")
	config := kafkaProgram(t, t.TempDir(), kafkaSection("lacks", "nowhere", c.brokers(), ""), kafkaSection("poor", "poor", c.brokers(), ""),
		kafkaSection("away", "x", []string{away}, ""))
	r := vswarden(t, "", "check", "--connect", "-c", config)
	if r.code != 3 {
		t.Errorf("exit %d, want 3\n%s%s", r.code, r.stdout, r.stderr)
	}
	for _, want := range []string{
		"no faults\n",
		"sink lacks: topic nowhere: there is none; make it with: kafka-topics --bootstrap-server " + c.brokers()[0] + " --create --topic nowhere",
		"sink poor: topic poor: its replication factor is 1",
		"sink poor: topic poor: max.message.bytes is 20000",
		"sink away: broker " + away + ": ",
	} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("not said: %q\n%s", want, r.stdout)
		}
	}

	c.topic(t, "secret", 1)
	c.reserve(t, "secret", "somebody")
	user := func(sasl string) string {
		return fmt.Sprintf("\nsource: {kafka: {brokers: [%q], topic: secret%s}}\nsinks: [{name: s, type: stdout}]", c.sasl, sasl)
	}
	for sasl, want := range map[string]string{
		"": "does this port want a user (sasl.mechanism)?",
		fmt.Sprintf(", sasl: {mechanism: plain, username: %s, password: wrong}", kafkaUser):                     "not let in as user alice",
		fmt.Sprintf(", sasl: {mechanism: scram-sha-256, username: %s, password: %s}", kafkaUser, kafkaPassword): "user alice may not read it; it needs the ACLs Read and Describe",
	} {
		r := vswarden(t, "", "check", "--connect", "--role", "enrich", "-c", writeConfig(t, user(sasl)))
		if r.code != 3 || !strings.Contains(r.stdout, "source vswarden.s: ") || !strings.Contains(r.stdout, want) {
			t.Errorf("exit %d, want 3 and %q\n%s%s", r.code, want, r.stdout, r.stderr)
		}
	}
	missingRights(t, c)
}

// missingRights has a user who may look at a topic and no more: what a sink and an enricher lack is named right by right, and
// not any more when it is given.
func missingRights(t *testing.T, c *cluster) {
	const topic = "looked-at"
	c.topic(t, topic, 2)
	for _, op := range []kmsg.ACLOperation{kmsg.ACLOperationDescribe, kmsg.ACLOperationDescribeConfigs} {
		c.allow(t, kmsg.ACLResourceTypeTopic, topic, kafkaUser, op)
	}
	sasl := fmt.Sprintf(", sasl: {mechanism: scram-sha-256, username: %s, password: %s}", kafkaUser, kafkaPassword)
	sink := kafkaProgram(t, t.TempDir(), kafkaSection("looks", topic, []string{c.sasl}, sasl))
	source := writeConfig(t, fmt.Sprintf("\nsource: {kafka: {brokers: [%q], topic: %s%s}}\nsinks: [{name: s, type: stdout}]", c.sasl, topic, sasl))
	lack := func(what, right, without string) string {
		return fmt.Sprintf("%s: topic %s: user %s lacks the ACL %s, without which %s; add it with: kafka-acls --bootstrap-server %s --add --allow-principal User:%[3]s --operation %[4]s --topic %[2]s\n",
			what, topic, kafkaUser, right, without, c.sasl)
	}
	checks := []struct {
		args          []string
		says          string
		others, count int // findings of something else, and of rights
	}{
		{[]string{"-c", sink}, lack("sink looks", "Write", "nothing is delivered to it"), 1, 1}, // and the replication factor
		{[]string{"--role", "enrich", "-c", source}, lack("source vswarden.s", "Read", "nothing is read from it"), 0, 2},
		{[]string{"--role", "enrich", "-c", source}, lack("source vswarden.s", "Write", "events of our own do not get into it"), 0, 2},
	}
	// A broker learns of an ACL, and of its place in the groups, some time after the controller.
	until := func(what string, args []string, fine func(code int, stdout string) bool) {
		t.Helper()
		for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
			r := vswarden(t, "", append([]string{"check", "--connect"}, args...)...)
			if fine(r.code, r.stdout) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("exit %d, want %s\n%s%s", r.code, what, r.stdout, r.stderr)
			}
		}
	}
	for _, ch := range checks {
		until(ch.says, ch.args, func(code int, stdout string) bool {
			return code == 3 && strings.Contains(stdout, ch.says) && strings.Count(stdout, " lacks the ACL ") == ch.count
		})
	}
	for _, op := range []kmsg.ACLOperation{kmsg.ACLOperationRead, kmsg.ACLOperationWrite} {
		c.allow(t, kmsg.ACLResourceTypeTopic, topic, kafkaUser, op)
	}
	for _, ch := range checks {
		until("no word of rights", ch.args, func(code int, stdout string) bool {
			return code == 3*ch.others && !strings.Contains(stdout, "ACL")
		})
	}
}

// groupShares has members of a group read a topic while they come and go, each committing what it
// read: nothing is missing, and in order of first reading.
func groupShares(t *testing.T, c *cluster) {
	const topic, senders, lines = "shared", 20, 200
	c.topic(t, topic, 6)
	cfg := client.DefaultGroupConfig()
	cfg.Cluster, cfg.Topic, cfg.Group = client.DefaultConfig(), topic, "vswarden.test"
	cfg.Cluster.Brokers, cfg.Heartbeat = c.brokers(), 100*time.Millisecond
	var mu sync.Mutex
	read, total, failed := map[string][]string{}, 0, error(nil)
	serve := func(ctx context.Context, s *client.Session) error {
		var readers sync.WaitGroup
		for _, claim := range s.Claims {
			readers.Go(func() {
				r := s.Reader(claim)
				defer r.Close()
				for ctx.Err() == nil {
					got, err := r.Read(ctx)
					if ctx.Err() != nil {
						return
					}
					mu.Lock()
					if err != nil {
						failed = err // A leader that is not ready yet; it is tried again.
					}
					for _, m := range got {
						read[m.Key] = append(read[m.Key], string(m.Value))
					}
					total += len(got)
					mu.Unlock()
					if len(got) > 0 {
						done := []client.Claim{{Partition: r.Partition(), Offset: got[len(got)-1].Offset + 1}}
						if err := s.Commit(context.WithoutCancel(ctx), done); err != nil && !errors.Is(err, client.ErrStale) {
							t.Errorf("commit: %v", err)
						}
					}
				}
			})
		}
		readers.Wait()
		return nil
	}
	join := func() (leave func()) {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- client.NewGroup(cfg).Run(ctx, serve) }()
		return func() {
			stop()
			if err := <-ended; err != nil {
				t.Errorf("member: %v", err)
			}
		}
	}
	s := kafkaSink(t, c, topic, nil)
	write := func(from int) {
		for n := from; n < from+lines/4; n++ {
			var batch []sink.Record
			for k := range senders {
				batch = append(batch, sink.Record{Key: fmt.Sprintf("esx%d", k), Received: time.Now().UnixNano(), Value: fmt.Appendf(nil, "%d", n)})
			}
			deliver(t, s, batch)
		}
	}
	first := join()
	write(0)
	second := join()
	write(lines / 4)
	first()
	third := join()
	write(lines / 2)
	second()
	write(lines * 3 / 4)
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		mu.Lock()
		n, err := total, failed
		mu.Unlock()
		if n >= senders*lines {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d read: %v", n, senders*lines, err)
		}
	}
	third()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	repeats := 0
	for key, values := range read {
		next := 0
		for _, v := range values {
			switch n, _ := strconv.Atoi(v); {
			case n == next:
				next++
			case n < next:
				repeats++
			default:
				t.Fatalf("%s: %d after %d", key, n, next-1)
			}
		}
		if next != lines {
			t.Errorf("%s: %d lines read, want %d", key, next, lines)
		}
	}
	t.Logf("%d messages read, %d of them twice", total, repeats)
}

// kafkaProgram is a configuration with one sink, or several, each with settings of its section.
func kafkaProgram(t *testing.T, data string, sinks ...string) string {
	t.Helper()
	return writeConfig(t, fmt.Sprintf(`
data_dir: %q
listeners: [{name: tcp, address: "tcp://127.0.0.1:0", relays: [127.0.0.0/8]}]
admin: {listen: "127.0.0.1:0"}
log: {min_free: 1MiB}
sinks:
%s`, data, strings.Join(sinks, "")))
}

// kafkaSection is one sink of a configuration.
func kafkaSection(name, topic string, brokers []string, more string) string {
	return fmt.Sprintf("  - {name: %s, type: kafka, detail: compact, kafka: {brokers: [\"%s\"], topic: %s%s}}\n", name, strings.Join(brokers, `", "`), topic, more)
}
