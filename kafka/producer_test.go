package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"vswarden/setting"
)

func TestProduceStoresInOrderPerKey(t *testing.T) {
	for _, compression := range compressions {
		t.Run(string(compression), func(t *testing.T) {
			c := fake(t, 5)
			p := producer(t, c, func(cfg *ProducerConfig) { cfg.Compression = compression })
			const keys, rounds, size = 9, 20, 40
			want := map[string][]string{}
			var callers sync.WaitGroup
			for k := range keys {
				key := fmt.Sprintf("10.0.0.%d", k)
				want[key] = values(numbered(key, 0, rounds*size))
				callers.Go(func() {
					for i := range rounds {
						if verdicts, err := p.Produce(t.Context(), numbered(key, i*size, size)); err != nil || verdicts != nil {
							t.Errorf("Produce: %v, %v", err, verdicts)
						}
					}
				})
			}
			callers.Wait()
			wantStored(t, c, want)
		})
	}
}

// mixed makes n messages of several keys, in turn.
func mixed(keys, n int) []Message {
	all := make([]Message, n)
	for i := range all {
		all[i] = numbered(fmt.Sprintf("10.0.0.%d", i%keys), i/keys, 1)[0]
	}
	return all
}

func byKey(messages []Message) map[string][]string {
	all := map[string][]string{}
	for _, m := range messages {
		all[m.Key] = append(all[m.Key], string(m.Value))
	}
	return all
}

func TestOneRequestUnderWayToEachBroker(t *testing.T) {
	c := fake(t, 12)
	var requests atomic.Int64
	under := map[int32]int{}
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		requests.Add(1)
		node := c.CurrentNode()
		if under[node]++; under[node] > 1 {
			t.Errorf("%d requests under way to broker %d", under[node], node)
		}
		c.SleepControl(func() { time.Sleep(5 * time.Millisecond) })
		under[node]--
		return nil, nil, false
	})
	p := producer(t, c, nil)
	const callers, rounds = 16, 5
	want := map[string][]string{}
	var wait sync.WaitGroup
	for k := range callers {
		key := fmt.Sprintf("esx%d", k)
		want[key] = values(numbered(key, 0, rounds))
		wait.Go(func() {
			for i := range rounds {
				if verdicts, err := p.Produce(t.Context(), numbered(key, i, 1)); err != nil || verdicts != nil {
					t.Errorf("Produce: %v, %v", err, verdicts)
				}
			}
		})
	}
	wait.Wait()
	wantStored(t, c, want)
	if n := requests.Load(); n > callers*rounds*3/4 {
		t.Errorf("%d requests for %d calls: what waits for a broker does not go together", n, callers*rounds)
	}
}

func TestTooLargeIsRefusedAloneAndTheRestIsStored(t *testing.T) {
	c := fake(t, 1)
	if err := setConfig(t, c, "max.message.bytes", "20000"); err != nil {
		t.Fatal(err)
	}
	p := producer(t, c, func(cfg *ProducerConfig) { cfg.Compression, cfg.MaxBytes = CompressNone, 64*setting.KiB })
	all := numbered("esx1", 0, 1000)
	large := []int{0, 1, 500, 998, 999}
	for _, i := range large {
		all[i].Value = []byte(strings.Repeat("x", 30000)) // the topic refuses it
	}
	all[700].Value = []byte(strings.Repeat("y", 100_000)) // beyond our own bound
	verdicts, err := p.Produce(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i, v := range verdicts {
		var refused *RefusedError
		switch {
		case i == 700:
			if !errors.As(v, &refused) || !strings.Contains(v.Error(), "max_message_bytes") {
				t.Errorf("message %d: %v", i, v)
			}
		case slices.Contains(large, i):
			if !errors.As(v, &refused) || !strings.Contains(v.Error(), "topic t refuses") {
				t.Errorf("message %d: %v", i, v)
			}
		case v != nil:
			t.Errorf("message %d: %v", i, v)
		default:
			want = append(want, string(all[i].Value))
		}
	}
	wantStored(t, c, map[string][]string{"esx1": want})
}

// What is larger than the bound and compresses below it is no trouble.
func TestLargeMessagesThatCompressAreStored(t *testing.T) {
	c := fake(t, 1)
	p := producer(t, c, func(cfg *ProducerConfig) { cfg.MaxBytes = 64 * setting.KiB })
	all := numbered("esx1", 0, 5)
	all[2].Value = []byte(strings.Repeat("x", 1_000_000))
	mustProduce(t, p, all)
	wantStored(t, c, map[string][]string{"esx1": values(all)})
}

func TestManyRequestsForMuch(t *testing.T) {
	c := fake(t, 4)
	p := producer(t, c, func(cfg *ProducerConfig) { cfg.Compression = CompressNone })
	all := mixed(7, 4000)
	for i := range all {
		all[i].Value = append(all[i].Value, strings.Repeat(" ", 10_000)...)
	}
	mustProduce(t, p, all)
	wantStored(t, c, byKey(all))
}

func TestPartitionThatFailsKeepsItsOrder(t *testing.T) {
	c := fake(t, 6)
	p := producer(t, c, func(cfg *ProducerConfig) { cfg.Compression, cfg.MaxBytes = CompressNone, 16*setting.KiB })
	all := mixed(20, 4000) // several batches for each partition
	bad := partitionOf(all[0].Key, 6)
	calls := 0
	c.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Produce}, Topic: "t", Partitions: []int32{bad}, Err: kerr.NotEnoughReplicas, Count: 1,
		When: func(kmsg.Request) bool { calls++; return calls == 2 },
	})
	verdicts, err := p.Produce(t.Context(), all)
	if err != nil || verdicts == nil {
		t.Fatalf("Produce: %v, verdicts %v", err, verdicts)
	}
	var left []Message
	failed := false
	for i, v := range verdicts {
		switch {
		case v == nil && failed && partitionOf(all[i].Key, 6) == bad:
			t.Fatalf("message %d is stored though one before it in its partition is not", i)
		case v == nil:
			continue
		case partitionOf(all[i].Key, 6) != bad:
			t.Fatalf("message %d of another partition: %v", i, v)
		case !errors.Is(v, kafkago.NotEnoughReplicas):
			t.Fatalf("message %d: %v", i, v)
		}
		failed = true
		left = append(left, all[i])
	}
	if len(left) == 0 || len(left) == len(all) {
		t.Fatalf("%d of %d failed", len(left), len(all))
	}
	mustProduce(t, p, left)
	wantStored(t, c, byKey(all))
}

func TestLeaderThatMovedIsFound(t *testing.T) {
	c := fake(t, 3)
	p := producer(t, c, nil)
	want := map[string][]string{}
	for i := range 6 {
		batch := mixed(9, 90)
		for key, v := range byKey(batch) {
			want[key] = append(want[key], v...)
		}
		verdicts, err := p.Produce(t.Context(), batch)
		for tries := 0; err != nil || verdicts != nil; tries++ {
			if tries > 2 {
				t.Fatalf("round %d, after %d tries: %v, %v", i, tries, err, verdicts)
			}
			left := batch[:0:0]
			for j := range batch {
				if verdicts[j] != nil {
					left = append(left, batch[j])
				}
			}
			batch = left
			verdicts, err = p.Produce(t.Context(), batch)
		}
		c.ShufflePartitionLeaders()
	}
	wantStored(t, c, want)
}

// A request whose answer is lost: everything of it may be written again.
func TestUnknownOutcomeIsAnError(t *testing.T) {
	c := fake(t, 1)
	p := producer(t, c, nil)
	mustProduce(t, p, numbered("esx1", 0, 10))
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		return nil, errors.New("the connection is cut"), true
	})
	verdicts, err := p.Produce(t.Context(), numbered("esx1", 10, 10))
	if err != nil || len(verdicts) != 10 || verdicts[0] == nil || verdicts[9] == nil {
		t.Fatalf("Produce: %v, %v", err, verdicts)
	}
	if text := verdicts[0].Error(); !strings.Contains(text, "closed the connection") {
		t.Errorf("error %q", text)
	}
	mustProduce(t, p, numbered("esx1", 10, 10))
	wantStored(t, c, map[string][]string{"esx1": values(numbered("esx1", 0, 20))})
}

func TestProduceEndsWithItsContextAndLeavesTheMessagesAlone(t *testing.T) {
	c := fake(t, 1)
	p := producer(t, c, nil)
	mustProduce(t, p, numbered("esx1", 0, 1))
	entered, leave := make(chan struct{}), make(chan struct{})
	enter := sync.OnceFunc(func() { close(entered) }) // the cluster may look again at a request that sleeps
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.DropControl()
		enter()
		c.SleepControl(func() { <-leave })
		return nil, nil, false
	})
	ctx, cancel := context.WithCancel(t.Context())
	all := numbered("esx1", 1, 50)
	done := make(chan error, 2)
	go func() {
		verdicts, err := p.Produce(ctx, all)
		if err == nil && verdicts != nil {
			err = verdicts[0]
		}
		for i := range all { // the race detector tells when somebody still reads
			all[i] = Message{}
		}
		done <- err
	}()
	<-entered
	go func() { // waits for its turn
		verdicts, err := p.Produce(ctx, numbered("esx1", 100, 5))
		if err == nil && verdicts != nil {
			err = verdicts[0]
		}
		done <- err
	}()
	cancel()
	for range 2 {
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Produce: %v", err)
		}
	}
	close(leave)
	mustProduce(t, p, numbered("esx1", 200, 1))
}

func TestSlowBrokerDelaysOnlyItsOwn(t *testing.T) {
	c := fake(t, 3)
	for i := range int32(3) {
		if err := c.MoveTopicPartition("t", i, i); err != nil {
			t.Fatal(err)
		}
	}
	p := producer(t, c, nil)
	entered, leave := make(chan struct{}), make(chan struct{})
	enter := sync.OnceFunc(func() { close(entered) })
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		if c.CurrentNode() != 0 {
			return nil, nil, false
		}
		c.DropControl()
		enter()
		c.SleepControl(func() { <-leave })
		return nil, nil, false
	})
	var slow, other string
	for i := 0; slow == "" || other == ""; i++ {
		if key := fmt.Sprint("esx", i); partitionOf(key, 3) == 0 {
			slow = key
		} else {
			other = key
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if verdicts, err := p.Produce(t.Context(), numbered(slow, 0, 3)); err != nil || verdicts != nil {
			t.Errorf("Produce: %v, %v", err, verdicts)
		}
	}()
	<-entered
	mustProduce(t, p, numbered(other, 0, 3))
	close(leave)
	<-done
}

func TestMissingTopicIsNamedAndFoundLater(t *testing.T) {
	c := fake(t, 1)
	p := producer(t, c, func(cfg *ProducerConfig) { cfg.Topic = "later" })
	_, err := p.Produce(t.Context(), numbered("esx1", 0, 1))
	if !errors.Is(err, kafkago.UnknownTopicOrPartition) || !strings.Contains(err.Error(), "topic later: there is no such topic") {
		t.Errorf("Produce: %v", err)
	}
	if err := c.CreateTopic("later", 2, nil); err != nil {
		t.Fatal(err)
	}
	mustProduce(t, p, numbered("esx1", 0, 1))
	if err := c.DeleteTopic("later"); err != nil {
		t.Fatal(err)
	}
	verdicts, err := p.Produce(t.Context(), numbered("esx1", 1, 1))
	if err != nil || verdicts == nil {
		t.Errorf("Produce to a deleted topic: %v, %v", err, verdicts)
	}
	if err := c.CreateTopic("later", 1, nil); err != nil {
		t.Fatal(err)
	}
	mustProduce(t, p, numbered("esx1", 1, 1))
}

func TestTopicIsMadeWhereAsked(t *testing.T) {
	c := fake(t, 1)
	p := producer(t, c, func(cfg *ProducerConfig) { cfg.Topic, cfg.Create = "made", true })
	_, err := p.Produce(t.Context(), numbered("esx1", 0, 1))
	if !errors.Is(err, errMade) {
		t.Errorf("Produce: %v", err)
	}
	mustProduce(t, p, numbered("esx1", 0, 1))
	if c.TopicInfo("made") == nil {
		t.Error("no topic was made")
	}
}

func TestNoBrokerAnswers(t *testing.T) {
	c := fake(t, 1)
	p := producer(t, c, nil)
	addrs := c.ListenAddrs()
	c.Close()
	_, err := p.Produce(t.Context(), numbered("esx1", 0, 1))
	if err == nil {
		t.Fatal("no error")
	}
	for _, a := range addrs {
		if !strings.Contains(err.Error(), "broker "+a+": dial: connect: connection refused") {
			t.Errorf("broker %s is not named: %v", a, err)
		}
	}
	_, again := p.Produce(t.Context(), numbered("esx1", 0, 1))
	if again == nil || again.Error() != err.Error() {
		t.Errorf("the same trouble reads\n%v\nand then\n%v", err, again)
	}
}

func TestPartitionsThatAreAddedAreUsed(t *testing.T) {
	c := fake(t, 1)
	p := producer(t, c, nil)
	mustProduce(t, p, mixed(9, 9))
	if err := c.CreateTopic("other", 1, nil); err != nil {
		t.Fatal(err)
	}
	v := p.lookup.current()
	grown := &topicView{leaders: slices.Clone(v.leaders), brokers: v.brokers, fetched: time.Now().Add(-2 * viewMax)}
	p.lookup.mu.Lock()
	p.lookup.view = grown
	p.lookup.mu.Unlock()
	mustProduce(t, p, mixed(9, 9))
	if p.lookup.current() == grown {
		t.Error("an old view was not fetched anew")
	}
}

func TestThrottleIsObeyed(t *testing.T) {
	c := fake(t, 1)
	p := producer(t, c, nil)
	mustProduce(t, p, numbered("esx1", 0, 1))
	l := p.links[p.view.brokers[p.view.leaders[0]]]
	l.throttle = time.Now().Add(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	verdicts, err := p.Produce(ctx, numbered("esx1", 1, 1))
	if err != nil || verdicts == nil || !errors.Is(verdicts[0], context.DeadlineExceeded) {
		t.Errorf("Produce: %v, %v", err, verdicts)
	}
}

func setConfig(t *testing.T, c *kfake.Cluster, name, value string) error {
	t.Helper()
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, "t"
	e := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	e.Name, e.Value = name, new(value)
	r.Configs = append(r.Configs, e)
	req.Resources = append(req.Resources, r)
	return request(t, c, req)
}

func TestBrokersThatJustFailedAreAskedLast(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Brokers = []string{"a:1", "b:1"}
	l := newLookup(&cfg, "t", toRead)
	l.good = "c:1"
	old := &topicView{brokers: map[int32]string{1: "a:1", 2: "c:1", 3: "d:1"}}
	l.mark("c:1", false)
	l.mark("a:1", false)
	if got, want := l.addresses(old), []string{"b:1", "d:1", "c:1", "a:1"}; !slices.Equal(got, want) {
		t.Errorf("asked in the order %v, want %v", got, want)
	}
	l.mark("c:1", true)
	if got, want := l.addresses(old), []string{"c:1", "b:1", "d:1", "a:1"}; !slices.Equal(got, want) {
		t.Errorf("asked in the order %v, want %v", got, want)
	}
}
