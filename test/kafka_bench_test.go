//go:build unix

package test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"vswarden/decode"
	"vswarden/event"
	"vswarden/kafka"
	"vswarden/setting"
)

// These are the figures of docs/adr/0005-kafka-client.md: what our client, kafka-go's own Writer and
// franz-go cost, how long they take for one message, and what they leave behind when a broker stands
// still. They are no tests:
//
//	KAFKA_BENCH=1 go test -run KafkaClients -timeout 60m -v ./test

// kafkaClient is one of those compared. produce returns when all messages are acknowledged, or the
// indexes of those that are not known to be.
type kafkaClient struct {
	name  string
	codec string
	open  func(t *testing.T, o clientOptions) (produce func(ctx context.Context, batch []kafka.Message) (left []int), stop func())
}

type clientOptions struct {
	brokers []string
	topic   string
	codec   string
	timeout time.Duration // of a request
}

func openOurs(t *testing.T, o clientOptions) (func(context.Context, []kafka.Message) []int, func()) {
	cfg := kafka.ProducerConfig{Cluster: kafka.DefaultConfig(), Topic: o.topic, Compression: kafka.Compression(o.codec), MaxBytes: setting.MiB}
	cfg.Cluster.Brokers, cfg.Cluster.RequestTimeout = o.brokers, o.timeout
	p, err := kafka.NewProducer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context, batch []kafka.Message) (left []int) {
		verdicts, err := p.Produce(ctx, batch)
		for i := range batch {
			if err != nil || verdicts != nil && verdicts[i] != nil {
				left = append(left, i)
			}
		}
		return left
	}, func() { _ = p.Close() }
}

func openKafkaGo(_ *testing.T, o clientOptions) (func(context.Context, []kafka.Message) []int, func()) {
	w := &kafkago.Writer{
		Addr: kafkago.TCP(o.brokers...), Topic: o.topic, RequiredAcks: kafkago.RequireAll, Balancer: kafkago.Murmur2Balancer{Consistent: true},
		BatchSize: 1000, BatchBytes: 1 << 20, BatchTimeout: 5 * time.Millisecond, WriteTimeout: o.timeout, MaxAttempts: 10,
		Transport: &kafkago.Transport{MetadataTTL: time.Second},
	}
	if o.codec != "none" {
		if err := w.Compression.UnmarshalText([]byte(o.codec)); err != nil {
			panic(err)
		}
	}
	return func(ctx context.Context, batch []kafka.Message) (left []int) {
		all := make([]kafkago.Message, len(batch))
		for i, m := range batch {
			all[i] = kafkago.Message{Key: []byte(m.Key), Value: m.Value, Time: time.UnixMilli(m.Time)}
			for _, h := range m.Headers {
				all[i].Headers = append(all[i].Headers, kafkago.Header{Key: h.Key, Value: []byte(h.Value)})
			}
		}
		err := w.WriteMessages(ctx, all...)
		verdicts, some := errors.AsType[kafkago.WriteErrors](err)
		for i := range batch {
			if err != nil && (!some || verdicts[i] != nil) {
				left = append(left, i)
			}
		}
		return left
	}, func() { _ = w.Close() }
}

func openFranz(idempotent bool) func(*testing.T, clientOptions) (func(context.Context, []kafka.Message) []int, func()) {
	return func(t *testing.T, o clientOptions) (func(context.Context, []kafka.Message) []int, func()) {
		codec := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}[o.codec]
		opts := []kgo.Opt{
			kgo.SeedBrokers(o.brokers...), kgo.DefaultProduceTopic(o.topic), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerBatchCompression(codec),
			kgo.ProduceRequestTimeout(o.timeout), kgo.RequestTimeoutOverhead(time.Second),
		}
		if !idempotent {
			opts = append(opts, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1))
		}
		cl, err := kgo.NewClient(opts...)
		if err != nil {
			t.Fatal(err)
		}
		return func(ctx context.Context, batch []kafka.Message) (left []int) {
			all := make([]*kgo.Record, len(batch))
			for i, m := range batch {
				all[i] = &kgo.Record{Key: []byte(m.Key), Value: m.Value, Timestamp: time.UnixMilli(m.Time)}
				for _, h := range m.Headers {
					all[i].Headers = append(all[i].Headers, kgo.RecordHeader{Key: h.Key, Value: []byte(h.Value)})
				}
			}
			at := map[*kgo.Record]int{}
			for i, r := range all {
				at[r] = i
			}
			for _, res := range cl.ProduceSync(ctx, all...) {
				if res.Err != nil {
					left = append(left, at[res.Record])
				}
			}
			slices.Sort(left)
			return left
		}, cl.Close
	}
}

func kafkaClients() (all []kafkaClient) {
	for _, codec := range []string{"none", "snappy", "lz4", "zstd"} {
		all = append(all, kafkaClient{"ours", codec, openOurs})
	}
	for _, codec := range []string{"none", "lz4", "zstd"} {
		all = append(all, kafkaClient{"kafka-go Writer", codec, openKafkaGo}, kafkaClient{"franz-go, idempotent", codec, openFranz(true)})
	}
	return append(all, kafkaClient{"franz-go, not idempotent", "lz4", openFranz(false)})
}

// benchEvents are events as the sink writes them: what loadgen sends, decoded, detail compact.
func benchEvents(t *testing.T, n int) []kafka.Message {
	t.Helper()
	built(t)
	out, err := exec.CommandContext(t.Context(), programs.loadgen, "-proto", "stdout", "-n", strconv.Itoa(n), "-hosts", "16").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []kafka.Message
	for line := range strings.Lines(string(out)) {
		line = strings.TrimRight(line, "\n")
		if len(all) == n || !strings.HasPrefix(line, "<") {
			continue
		}
		id := event.NewID(7, uint64(len(all)))
		e := event.Event{Common: event.Common{ID: id, Raw: line, Received: time.Now().UnixNano()}}
		decode.Line(&e, &decode.Options{})
		all = append(all, kafka.Message{
			Key: strings.Clone(e.Host), Time: e.Received / 1e6, Value: e.AppendJSON(nil, event.DetailCompact, event.OriginalSecurity),
			Headers: []kafka.Header{
				{Key: "content-type", Value: "application/json"},
				{Key: "schema", Value: "vswarden/1"},
				{Key: "event-id", Value: id.String()},
				{Key: "dataset", Value: string(e.Dataset)},
				{Key: "host", Value: strings.Clone(e.Host)},
			},
		})
	}
	return all
}

func cpuSeconds(pid int) float64 {
	if pid == 0 {
		var r syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
			return 0
		}
		return float64(r.Utime.Sec+r.Stime.Sec) + float64(r.Utime.Usec+r.Stime.Usec)/1e6
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100
}

func needKafkaBench(t *testing.T) {
	if os.Getenv("KAFKA_BENCH") == "" {
		t.Skip("runs with KAFKA_BENCH=1")
	}
}

// TestKafkaClientsCost sends the same events with each client, as two lanes do: batches of 600, the
// next one when the last is acknowledged. The rounds are interleaved; the cheapest counts.
func TestKafkaClientsCost(t *testing.T) {
	needKafkaBench(t)
	t.Setenv("KAFKA_JAVA_OPTS", "-Xms512m -Xmx512m -XX:+UseG1GC")
	c := startKafka(t, 1, false)
	const count, rounds, size, lanes = 300_000, 5, 600, 2
	pool := benchEvents(t, 30_000)
	bytes := 0
	for i := range pool {
		bytes += len(pool[i].Value)
	}
	t.Logf("%d events in a round, %d bytes each on average", count, bytes/len(pool))
	clients := kafkaClients()
	type cost struct{ client, broker, wall, stored float64 }
	best := make([]cost, len(clients))
	for round := range rounds {
		for i, cl := range clients {
			topic := fmt.Sprintf("cost-%d-%d", round, i)
			c.topic(t, topic, 6)
			produce, stop := cl.open(t, clientOptions{c.brokers(), topic, cl.codec, 15 * time.Second})
			send := func(n int) {
				var next atomic.Int64
				var wait sync.WaitGroup
				for range lanes {
					wait.Go(func() {
						for {
							at := int(next.Add(size)) - size
							if at >= n {
								return
							}
							batch := pool[at%len(pool) : min(at%len(pool)+size, len(pool))]
							for left := produce(t.Context(), batch); len(left) > 0; left = produce(t.Context(), batch) { // A new topic's leaders.
								time.Sleep(10 * time.Millisecond)
							}
						}
					})
				}
				wait.Wait()
			}
			send(20 * size)
			pid := c.nodes[0].cmd.Process.Pid
			client, broker, began := cpuSeconds(0), cpuSeconds(pid), time.Now()
			send(count)
			now := cost{client: cpuSeconds(0) - client, broker: cpuSeconds(pid) - broker, wall: time.Since(began).Seconds()}
			stop()
			files, _ := filepath.Glob(filepath.Join(c.dir, "node1", "data", topic+"-*", "*.log"))
			for _, f := range files {
				if info, err := os.Stat(f); err == nil {
					now.stored += float64(info.Size())
				}
			}
			c.remove(t, topic)
			if best[i].client == 0 || now.client < best[i].client {
				best[i] = now
			}
		}
	}
	t.Log("| client | compression | client CPU s per million | broker CPU s per million | bytes stored per event | events/s |")
	for i, cl := range clients {
		b := best[i]
		t.Logf("| %s | %s | %.2f | %.2f | %.0f | %.0f |", cl.name, cl.codec, b.client/count*1e6, b.broker/count*1e6, b.stored/(count+20*size), count/b.wall)
	}
}

// TestKafkaClientsLatency sends one event after the other.
func TestKafkaClientsLatency(t *testing.T) {
	needKafkaBench(t)
	c := startKafka(t, 1, false)
	pool := benchEvents(t, 2000)
	t.Log("| client | median | 99 % |")
	for i, cl := range kafkaClients() {
		if cl.codec != "lz4" {
			continue
		}
		topic := fmt.Sprintf("latency-%d", i)
		c.topic(t, topic, 6)
		produce, stop := cl.open(t, clientOptions{c.brokers(), topic, cl.codec, 15 * time.Second})
		var took []time.Duration
		for j := range pool {
			began := time.Now()
			produce(t.Context(), pool[j:j+1])
			took = append(took, time.Since(began))
		}
		stop()
		took = took[200:]
		slices.Sort(took)
		t.Logf("| %s | %v | %v |", cl.name, took[len(took)/2].Round(10*time.Microsecond), took[len(took)*99/100].Round(10*time.Microsecond))
	}
}

// TestKafkaClientsFaults has a broker that stands still for longer than a request may take, then is
// killed, while eight senders write; what is not acknowledged is written again, as a delivery does.
func TestKafkaClientsFaults(t *testing.T) {
	needKafkaBench(t)
	c := startKafka(t, 1, false)
	t.Log("| client | acknowledged | missing | twice | out of order |")
	for i, cl := range kafkaClients() {
		if cl.codec != "lz4" {
			continue
		}
		topic := fmt.Sprintf("faults-%d", i)
		c.topic(t, topic, 3)
		produce, stop := cl.open(t, clientOptions{c.brokers(), topic, cl.codec, 2 * time.Second})
		const senders = 8
		var sent [senders]int
		var wait sync.WaitGroup
		done := make(chan struct{})
		for s := range senders {
			wait.Go(func() {
				for n := 0; ; n += 100 {
					select {
					case <-done:
						return
					default:
					}
					var batch []kafka.Message
					for j := range 100 {
						batch = append(batch, kafka.Message{Key: fmt.Sprint("esx", s), Time: time.Now().UnixMilli(), Value: fmt.Appendf(nil, "%d", n+j)})
					}
					for len(batch) > 0 {
						var again []kafka.Message
						for _, j := range produce(t.Context(), batch) {
							again = append(again, batch[j])
						}
						if batch = again; len(batch) > 0 {
							time.Sleep(100 * time.Millisecond)
						}
					}
					sent[s] = n + 100
					time.Sleep(time.Millisecond)
				}
			})
		}
		time.Sleep(2 * time.Second)
		c.signal(t, 0, syscall.SIGSTOP)
		time.Sleep(7 * time.Second)
		c.signal(t, 0, syscall.SIGCONT)
		time.Sleep(3 * time.Second)
		c.kill(0)
		time.Sleep(3 * time.Second)
		c.restart(t, 0)
		time.Sleep(5 * time.Second)
		close(done)
		wait.Wait()
		stop()
		next, twice, disorder := map[string]int{}, 0, 0
		seen := map[string]map[int]bool{}
		for _, r := range c.read(t, topic) {
			key := string(r.Key)
			n, _ := strconv.Atoi(string(r.Value))
			if seen[key] == nil {
				seen[key] = map[int]bool{}
			}
			switch {
			case seen[key][n]:
				twice++
			case n < next[key]:
				disorder++
			default:
				next[key] = n + 1
			}
			seen[key][n] = true
		}
		acknowledged, missing := 0, 0
		for s := range senders {
			acknowledged += sent[s]
			for n := range sent[s] {
				if !seen[fmt.Sprint("esx", s)][n] {
					missing++
				}
			}
		}
		t.Logf("| %s | %d | %d | %d | %d |", cl.name, acknowledged, missing, twice, disorder)
	}
}
