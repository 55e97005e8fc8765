//go:build unix

package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"vswarden/event"
	client "vswarden/kafka"
	"vswarden/sink"
	"vswarden/sink/kafka"
	"vswarden/sink/sinktest"
)

// TestKafka is the sink and the whole program against one real broker.
func TestKafka(t *testing.T) {
	needSignals(t)
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

// otherClients has clients of four other projects read what the sink wrote with each compression, as
// events and as raw records: every field, key, header and stamp.
func otherClients(t *testing.T, c *cluster) {
	const topic = "fields"
	c.topic(t, topic, 3)
	received := time.Date(2026, 11, 21, 8, 0, 0, 123_456_789, time.UTC)
	var due []string // as the console consumer prints a message
	for i, compression := range []string{"none", "snappy", "lz4", "zstd"} {
		s := kafkaSink(t, c, topic, func(cfg *kafka.Config) { cfg.Compression = client.Compression(compression) })
		var batch []sink.Record
		for j := range 50 {
			id := event.NewID(7, uint64(i*100+j))
			value := fmt.Sprintf(`{"n":%d,"by":"%s","pad":"%s"}`, j, compression, strings.Repeat("ä", j*j))
			r := sink.Record{
				ID: id, Key: fmt.Sprintf("10.0.0.%d", j%5), Dataset: event.DatasetL2Sec, Host: "esx01.example.org",
				Received: received.UnixNano() + int64(j)*1e6, Value: []byte(value),
			}
			headers := fmt.Sprintf("content-type:application/json,schema:vswarden/1,event-id:%s,dataset:vmware.esxi.l2sec,host:esx01.example.org", id)
			at := received.Add(time.Duration(j) * time.Millisecond)
			switch j % 5 {
			case 3:
				r.Frame = &sink.Frame{
					Peer: netip.MustParseAddrPort("10.0.0.3:514"), Relay: "10.9.9.9", Transport: "tls", Framing: "octet_counting",
					Listener: 7, Timezone: "Europe/Vienna", TLSPeer: "esx03", Truncated: true, Unfinished: j%2 == 1,
				}
				headers = fmt.Sprintf("kind:frame,event-id:%s,received:%s,peer:10.0.0.3:514,relay:10.9.9.9,transport:tls,framing:octet_counting,listener:7,timezone:Europe/Vienna,tls-peer:esx03,flags:truncated%s",
					id, at.Format(time.RFC3339Nano), map[bool]string{true: ",unfinished"}[j%2 == 1])
			case 4:
				r.Frame = &sink.Frame{Own: true}
				headers = fmt.Sprintf("kind:event,event-id:%s,received:%s,dataset:vmware.esxi.l2sec", id, at.Format(time.RFC3339Nano))
			}
			batch = append(batch, r)
			due = append(due, fmt.Sprintf("CreateTime:%d\t%s\t10.0.0.%d\t%s", at.UnixMilli(), headers, j%5, value))
		}
		deliver(t, s, batch)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(due)
	lines := func(out string) []string { return strings.Split(strings.TrimSpace(out), "\n") }
	var franz []string
	for _, r := range c.read(t, topic) {
		var headers []string
		for _, h := range r.Headers {
			headers = append(headers, h.Key+":"+string(h.Value))
		}
		franz = append(franz, fmt.Sprintf("CreateTime:%d\t%s\t%s\t%s", r.Timestamp.UnixMilli(), strings.Join(headers, ","), r.Key, r.Value))
	}
	read := map[string][]string{
		"franz-go": franz,
		"Java": lines(c.script(t, "run", "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", c.brokers()[0],
			"--topic", topic, "--from-beginning", "--timeout-ms", "8000", "--max-messages", fmt.Sprint(len(due)),
			"--formatter-property", "print.timestamp=true", "--formatter-property", "print.headers=true", "--formatter-property", "print.key=true")),
	}
	if otherClient(t, "kcat") {
		var all []string
		for _, line := range lines(runClient(t, "kcat", "-q", "-C", "-e", "-b", c.brokers()[0], "-t", topic, "-o", "beginning", "-f", `CreateTime:%T\t%h\t%k\t%s\n`)) {
			stamp, rest, _ := strings.Cut(line, "\t")
			headers, rest, _ := strings.Cut(rest, "\t")
			all = append(all, stamp+"\t"+strings.ReplaceAll(headers, "=", ":")+"\t"+rest) // It writes name=value.
		}
		read["kcat"] = all
	}
	if otherClient(t, "python") {
		for _, name := range []string{"confluent", "python"} {
			read["Python: "+name] = lines(runClient(t, "python", "../scripts/kafka/read.py", name, c.brokers()[0], topic, fmt.Sprint(len(due))))
		}
	}
	for name, got := range read {
		slices.Sort(got)
		if slices.Equal(got, due) {
			t.Logf("%s reads all %d messages as they were written", name, len(got))
			continue
		}
		t.Errorf("%s reads %d messages, want %d", name, len(got), len(due))
		for _, line := range got {
			if !slices.Contains(due, line) {
				t.Errorf("%s reads %.400q", name, line)
			}
		}
	}
}

const clientsScript = "../scripts/kafka/clients"

// otherClient says whether a client of others is here; in CI it is fetched.
func otherClient(t *testing.T, name string) bool {
	t.Helper()
	if err := exec.CommandContext(t.Context(), clientsScript, "have", name).Run(); err != nil {
		t.Logf("NOT TESTED: %s is not here, see scripts/kafka/clients", name)
		return false
	}
	return true
}

// runClient runs a client of others to its end and returns what it printed.
func runClient(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), clientsScript, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd.Args, err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// javaPartitions has the Java producer write keys and compares the partitions it chose with ours.
func javaPartitions(t *testing.T, c *cluster) {
	const java, own = "partitions-java", "partitions-own"
	c.topic(t, java, 12)
	c.topic(t, own, 12)
	var batch []sink.Record
	var lines strings.Builder
	for i := range 200 {
		key := fmt.Sprintf("%s%d", []string{"10.0.0.", "esx", "fe80::1:", "ünï", strings.Repeat("long", i/8)}[i%5], i)
		batch = append(batch, sink.Record{Key: key, Received: 1, Value: []byte("v")})
		fmt.Fprintf(&lines, "%s\tv\n", key)
	}
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	s := kafkaSink(t, c, own, nil)
	deliver(t, s, batch)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c.scriptReading(t, keys, "run", "org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", c.brokers()[0], "--topic", java, "--reader-property", "parse.key=true")
	chosen := func(topic string) map[string]int32 {
		all := map[string]int32{}
		for _, r := range c.read(t, topic) {
			all[string(r.Key)] = r.Partition
		}
		return all
	}
	theirs, ours := chosen(java), chosen(own)
	if len(theirs) != len(batch) || len(ours) != len(batch) {
		t.Fatalf("%d keys by Java, %d by us, want %d", len(theirs), len(ours), len(batch))
	}
	for key, partition := range theirs {
		if ours[key] != partition {
			t.Errorf("key %q: partition %d, Java says %d", key, ours[key], partition)
		}
	}
}

// kafkaFindings is what a check of the cluster says of a topic that is not there and of one that is
// poorly set.
func kafkaFindings(t *testing.T, c *cluster) {
	c.topic(t, "poor", 2, "max.message.bytes", "20000")
	for topic, want := range map[string][]string{
		"nowhere": {"topic nowhere: there is none; make it with: kafka-topics --bootstrap-server " + c.brokers()[0] + " --create --topic nowhere"},
		"poor":    {"its replication factor is 1", "max.message.bytes is 20000"},
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
	c := startKafka(t, 3, false)
	r := sending(t, c, "replicated", 6, 1000, 20*time.Second) // Long enough to be under way when the leader dies, on any machine.
	r.p.waitFor(t, "something delivered", func(m metrics) bool { return m.sum("vswarden_events_delivered_total") > 1000 })
	leaders, err := c.leaders(t, r.topic)
	if err != nil {
		t.Fatal(err)
	}
	victim := int(leaders[0]) - 1
	c.kill(victim)
	r.failing(t, 1)
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
