//go:build unix

package test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// These are the figures of docs/performance.md, "Into Kafka, beside others": make bench-kafka. They
// are no tests.

// kafkaPeer is a program that takes lines over TCP and writes them to a topic.
type kafkaPeer struct {
	name  string
	start func(t *testing.T, dir, tools, broker, topic, codec string, port int) *exec.Cmd
}

// rsyslogKafka has two templates for each form: what omkafka's users write, and one with as many bytes as vswarden
// writes of a line, with what rsyslog knows of it too and a constant where it would have to make an id.
const rsyslogKafka = `
global(workDirectory="%[1]s" maxMessageSize="64k")
module(load="imtcp" maxSessions="1000")
module(load="omkafka")
template(name="frame" type="string" string="%%rawmsg%%")
template(name="json" type="list" option.jsonf="on") {
  property(outname="timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="hostname" name="hostname" format="jsonf")
  property(outname="app" name="programname" format="jsonf")
  property(outname="severity" name="syslogseverity-text" format="jsonf")
  property(outname="facility" name="syslogfacility-text" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}
template(name="frame-told" type="string" string="%%rawmsg%% kind=frame event-id=0123456789ABCDEFGHJKMNPQRS received=%%timegenerated:::date-rfc3339%% peer=%%fromhost-ip%% transport=tcp framing=newline listener=%%inputname%% timezone=UTC")
template(name="json-told" type="list" option.jsonf="on") {
  property(outname="timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="hostname" name="hostname" format="jsonf")
  property(outname="app" name="programname" format="jsonf")
  property(outname="tag" name="syslogtag" format="jsonf")
  property(outname="pid" name="procid" format="jsonf")
  property(outname="severity" name="syslogseverity-text" format="jsonf")
  property(outname="facility" name="syslogfacility-text" format="jsonf")
  property(outname="priority" name="pri" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
  property(outname="created" name="timegenerated" dateFormat="rfc3339" format="jsonf")
  constant(outname="event_id" value="0123456789ABCDEFGHJKMNPQRS" format="jsonf")
  property(outname="peer_ip" name="fromhost-ip" format="jsonf")
  property(outname="input" name="inputname" format="jsonf")
  property(outname="original" name="rawmsg" format="jsonf")
}
template(name="sender" type="string" string="%%fromhost-ip%%")
input(type="imtcp" address="127.0.0.1" port="%[2]d" ruleset="out")
ruleset(name="out" queue.type="LinkedList" queue.size="200000" queue.dequeueBatchSize="1024" queue.workerThreads="1") {
  action(type="omkafka" broker=["%[3]s"] topic="%[4]s" template="@TEMPLATE@" dynaKey="on" key="sender" partitions.auto="on"
         resubmitOnFailure="on" errorFile="%[1]s/errors"
         confParam=["compression.codec=%[5]s", "acks=all", "queue.buffering.max.messages=1000000", "linger.ms=5"])
}
`

const syslogNGKafka = `@version: 3.38
options { threaded(yes); use-dns(no); keep-hostname(yes); stats-freq(0); log-fifo-size(200000); log-msg-size(65536); };
source s { network(transport("tcp") ip("127.0.0.1") port(%[2]d) flags(no-parse) max-connections(1000) log-iw-size(200000) log-fetch-limit(1000)); };
destination d {
  kafka-c(bootstrap-servers("%[3]s") topic("%[4]s") message("${MESSAGE}") key("${SOURCEIP}")
    config(compression.codec("%[5]s") acks("all") queue.buffering.max.messages("1000000") linger.ms("5")));
};
log { source(s); destination(d); flags(flow-control); };
`

func kafkaPeers() []kafkaPeer {
	own := func(more, sink, role string) func(*testing.T, string, string, string, string, string, int) *exec.Cmd {
		return func(t *testing.T, dir, _, broker, topic, codec string, port int) *exec.Cmd {
			config := filepath.Join(dir, "vswarden.yaml")
			text := fmt.Sprintf("role: %s\ndata_dir: %q\nlisteners: [{address: \"tcp://127.0.0.1:%d\"}]\nadmin: {listen: \"\"}\nlog: {min_free: 1MiB%s}\nsinks: [{name: k, type: kafka, %s, kafka: {brokers: [%q], topic: %s, compression: %s}}]\n",
				role, filepath.Join(dir, "data"), port, more, sink, broker, topic, codec)
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return exec.Command(programs.vswarden, "run", "-c", config)
		}
	}
	foreign := func(text string, command func(dir, tools, config string) *exec.Cmd) func(*testing.T, string, string, string, string, string, int) *exec.Cmd {
		return func(t *testing.T, dir, tools, broker, topic, codec string, port int) *exec.Cmd {
			config := filepath.Join(dir, "conf")
			if err := os.WriteFile(config, fmt.Appendf(nil, text, dir, port, broker, topic, codec), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := command(dir, tools, config)
			libs, _ := filepath.Glob(filepath.Join(tools, "usr/lib/*-linux-gnu")) // The pattern is right.
			more, _ := filepath.Glob(filepath.Join(tools, "lib/*-linux-gnu"))
			cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+strings.Join(append(append(libs, more...), filepath.Join(tools, "usr/lib/syslog-ng")), ":"), "SYSLOGNG_PREFIX="+filepath.Join(tools, "usr"))
			return cmd
		}
	}
	rsyslog := func(dir, tools, config string) *exec.Cmd {
		modules, _ := filepath.Glob(filepath.Join(tools, "usr/lib/*-linux-gnu/rsyslog")) // The pattern is right.
		return exec.Command(filepath.Join(tools, "usr/sbin/rsyslogd"), "-n", "-f", config, "-i", filepath.Join(dir, "pid"), "-M", strings.Join(modules, ":"))
	}
	return []kafkaPeer{
		{"vswarden, frames (--role receive), log on disk", own("", "format: raw", "receive")},
		{"vswarden, frames, log in memory", own(", body: memory", "format: raw", "receive")},
		{"vswarden, JSON decoded in full, log on disk", own("", "detail: compact, original: none", "all")},
		{"rsyslog omkafka, frames, queue in memory", foreign(strings.Replace(rsyslogKafka, "@TEMPLATE@", "frame", 1), rsyslog)},
		{"rsyslog omkafka, frames with as many bytes, queue in memory", foreign(strings.Replace(rsyslogKafka, "@TEMPLATE@", "frame-told", 1), rsyslog)},
		{"rsyslog omkafka, JSON of the header's fields, queue in memory", foreign(strings.Replace(rsyslogKafka, "@TEMPLATE@", "json", 1), rsyslog)},
		{"rsyslog omkafka, JSON with as many bytes, queue in memory", foreign(strings.Replace(rsyslogKafka, "@TEMPLATE@", "json-told", 1), rsyslog)},
		{"syslog-ng kafka-c, frames, queue in memory", foreign(syslogNGKafka, func(dir, tools, config string) *exec.Cmd {
			plugins := filepath.Join(tools, "usr/lib/syslog-ng/3.38")
			return exec.Command(filepath.Join(tools, "usr/sbin/syslog-ng"), "-F", "--no-caps", "-f", config, "--module-path", plugins,
				"-R", filepath.Join(dir, "persist"), "-c", filepath.Join(dir, "ctl"), "-p", filepath.Join(dir, "pid"))
		})},
	}
}

// TestKafkaPeers sends the same lines over TCP through each program into a topic, acks from all, the
// sender's address as the key. The rounds are interleaved; of each program the cheapest counts, since a
// busy machine only ever adds.
func TestKafkaPeers(t *testing.T) {
	if os.Getenv("KAFKA_PEERS") == "" {
		t.Skip("runs with make bench-kafka")
	}
	built(t)
	t.Setenv("KAFKA_JAVA_OPTS", "-Xms512m -Xmx512m -XX:+UseG1GC")
	out, err := exec.CommandContext(t.Context(), "../scripts/kafka/peers").Output()
	if err != nil {
		t.Fatalf("scripts/kafka/peers: %v", err)
	}
	tools := strings.TrimSpace(string(out[bytes.LastIndexByte(bytes.TrimSpace(out), '\n')+1:]))
	number := func(name string, none int) int {
		n, _ := strconv.Atoi(os.Getenv(name)) // 0: not set
		return cmp.Or(n, none)
	}
	count, rounds := number("KAFKA_PEERS_N", 500_000), number("ROUNDS", 5)
	c := startKafka(t, 1, false)
	peers := kafkaPeers()
	codecs := []string{"none", "lz4", "snappy"}
	cheapest, size := map[string]float64{}, map[string]float64{}
	for round := range rounds {
		for _, codec := range codecs {
			for i, p := range peers {
				topic := fmt.Sprintf("peers-%s-%d-%d", codec, round, i)
				c.topic(t, topic, 6)
				cpu, wall := c.race(t, p, tools, topic, codec, count)
				t.Logf("round %d, %s: %s: %.2f s of CPU for %d lines, %.1f s", round+1, codec, p.name, cpu, count, wall)
				if best, ok := cheapest[codec+p.name]; !ok || cpu < best {
					cheapest[codec+p.name] = cpu
				}
				size[codec+p.name] = float64(c.bytes(t, topic)) / float64(count)
				c.remove(t, topic)
			}
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "%d lines, the cheapest of %d rounds\n\n| compression | program | bytes a line in the topic | events per CPU-second | times omkafka's | with as many bytes |\n|---|---|---|---|---|---|\n", count, rounds)
	for _, codec := range codecs {
		for _, p := range peers {
			form := "frames"
			if strings.Contains(p.name, ", JSON") {
				form = "JSON"
			}
			key := codec + p.name
			cpu := cheapest[key]
			fmt.Fprintf(&table, "| %s | %s | %.0f | %.0f |", codec, p.name, size[key], float64(count)/cpu)
			for _, q := range peers { // omkafka's rows come in this order
				if strings.HasPrefix(q.name, "rsyslog omkafka, "+form) {
					fmt.Fprintf(&table, " %.2f |", cheapest[codec+q.name]/cpu)
				}
			}
			table.WriteByte('\n')
		}
	}
	fmt.Println(table.String())
}

// race has a program bring count lines to a topic and returns the CPU seconds that it took.
func (c *cluster) race(t *testing.T, p kafkaPeer, tools, topic, codec string, count int) (cpu, wall float64) {
	t.Helper()
	dir := t.TempDir()
	port := freePorts(t, 1, 0)[0]
	cmd := p.start(t, dir, tools, c.brokers()[0], topic, codec, port)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = &said, &said, &syscall.SysProcAttr{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	}()
	for end := time.Now().Add(patience); !listens(port); time.Sleep(20 * time.Millisecond) {
		select {
		case <-ended:
			t.Fatalf("%s ended:\n%s", p.name, said.String())
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not listen:\n%s", p.name, said.String())
		}
	}
	idle, began := cpuSeconds(cmd.Process.Pid), time.Now()
	load(t, "-addr", fmt.Sprintf("127.0.0.1:%d", port), "-proto", "tcp", "-n", strconv.Itoa(count), "-hosts", "16", "-conns", "8", "-seed", "7")
	stored := int64(0)
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if stored = c.stored(t, topic); stored >= int64(count) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %d of %d messages in the topic after %v:\n%s", p.name, stored, count, patience, said.String())
		}
	}
	cpu, wall = cpuSeconds(cmd.Process.Pid)-idle, time.Since(began).Seconds()
	if stored > int64(count) { // vswarden states what it detects, too.
		t.Logf("%s: %d messages in the topic, %d more than lines", p.name, stored, stored-int64(count))
	}
	return cpu, wall
}

// listens says whether a port is listened on, without a connection that the listener would count.
func listens(port int) bool {
	text, err := os.ReadFile("/proc/net/tcp")
	return err == nil && strings.Contains(string(text), fmt.Sprintf("0100007F:%04X 00000000:0000 0A", port))
}

// bytes is what a topic takes of the broker's disk.
func (c *cluster) bytes(t *testing.T, topic string) (n int64) {
	t.Helper()
	req := kmsg.NewPtrDescribeLogDirsRequest()
	asked := kmsg.NewDescribeLogDirsRequestTopic()
	asked.Topic = topic
	leaders, err := c.leaders(t, topic)
	if err != nil {
		t.Fatal(err)
	}
	for i := range leaders {
		asked.Partitions = append(asked.Partitions, int32(i))
	}
	req.Topics = append(req.Topics, asked)
	for _, shard := range c.admin.RequestSharded(kafkaContext(t), req) {
		if shard.Err != nil {
			t.Fatal(shard.Err)
		}
		for _, dir := range shard.Resp.(*kmsg.DescribeLogDirsResponse).Dirs {
			for _, topic := range dir.Topics {
				for _, p := range topic.Partitions {
					n += p.Size
				}
			}
		}
	}
	return n
}

// stored is how many messages a topic holds.
func (c *cluster) stored(t *testing.T, topic string) (n int64) {
	t.Helper()
	leaders, err := c.leaders(t, topic)
	if err != nil {
		t.Fatal(err)
	}
	req := kmsg.NewPtrListOffsetsRequest()
	asked := kmsg.NewListOffsetsRequestTopic()
	asked.Topic = topic
	for i := range leaders {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = int32(i), -1 // The end.
		asked.Partitions = append(asked.Partitions, p)
	}
	req.Topics = append(req.Topics, asked)
	for _, shard := range c.admin.RequestSharded(kafkaContext(t), req) {
		if shard.Err != nil {
			t.Fatal(shard.Err)
		}
		for _, p := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics[0].Partitions {
			n += p.Offset
		}
	}
	return n
}
