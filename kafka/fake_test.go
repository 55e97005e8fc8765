package kafka

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"vswarden/setting"
)

// fake is a cluster in this process, with topic t.
func fake(t testing.TB, partitions int32, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3), kfake.SeedTopics(partitions, "t")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// producer is one for topic t of c; change may change its settings.
func producer(t testing.TB, c *kfake.Cluster, change func(*ProducerConfig)) *Producer {
	t.Helper()
	cfg := ProducerConfig{Cluster: DefaultConfig(), Topic: "t", Compression: CompressLZ4, MaxBytes: setting.MiB}
	cfg.Cluster.Brokers = c.ListenAddrs()
	cfg.Cluster.DialTimeout, cfg.Cluster.RequestTimeout = 20*time.Second, 20*time.Second
	if change != nil {
		change(&cfg)
	}
	if faults := append(cfg.Cluster.Validate(), cfg.Validate()...); len(faults) > 0 {
		t.Fatal(faults)
	}
	p, err := NewProducer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// numbered makes n messages of a key, numbered from first.
func numbered(key string, first, n int) []Message {
	all := make([]Message, n)
	for i := range all {
		all[i] = Message{
			Key: key, Time: 1_800_000_000_000 + int64(first+i), Value: fmt.Appendf(nil, "%s/%d", key, first+i),
			Headers: []Header{{"event-id", fmt.Sprint(first + i)}},
		}
	}
	return all
}

// values are the values of messages.
func values(messages []Message) []string {
	out := make([]string, len(messages))
	for i := range messages {
		out[i] = string(messages[i].Value)
	}
	return out
}

// stored reads all of topic t with another client, by key and in order; want is how many there must be.
func stored(t testing.TB, c *kfake.Cluster, want int, opts ...kgo.Opt) map[string][]string {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("t"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100 * time.Millisecond),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	var due int64
	for _, p := range c.PartitionInfos("t") {
		due += p.HighWatermark
	}
	if int(due) != want {
		t.Errorf("%d messages are stored, want %d", due, want)
	}
	all := map[string][]string{}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for n := int64(0); n < due; {
		f := cl.PollFetches(ctx)
		if err := f.Err(); err != nil {
			t.Fatalf("%d of %d messages read: %v", n, due, err)
		}
		f.EachRecord(func(r *kgo.Record) {
			n++
			all[string(r.Key)] = append(all[string(r.Key)], string(r.Value))
		})
	}
	return all
}

func wantStored(t *testing.T, c *kfake.Cluster, want map[string][]string) {
	t.Helper()
	n := 0
	for _, v := range want {
		n += len(v)
	}
	got := stored(t, c, n)
	for key, values := range want {
		if !slices.Equal(got[key], values) {
			t.Errorf("key %s: %d values or their order differ from the %d written", key, len(got[key]), len(values))
		}
	}
}

// mustProduce writes messages, all of which must be stored.
func mustProduce(t *testing.T, p *Producer, messages []Message) {
	t.Helper()
	verdicts, err := p.Produce(t.Context(), messages)
	if err != nil || verdicts != nil {
		t.Fatalf("Produce: %v, %v", err, verdicts)
	}
}

// request sends an administrator's request with another client.
func request(t testing.TB, c *kfake.Cluster, req kmsg.Request, opts ...kgo.Opt) error {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}, opts...)...)
	if err != nil {
		return err
	}
	defer cl.Close()
	_, err = cl.Request(t.Context(), req)
	return err
}
