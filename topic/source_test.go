package topic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"vswarden/event"
	"vswarden/kafka"
	"vswarden/pipeline"
	"vswarden/spool"
)

const patience = 30 * time.Second

func fake(t *testing.T, partitions int32) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "raw"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func client(t *testing.T, c *kfake.Cluster) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DefaultProduceTopic("raw"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// put writes frames numbered from first into a partition.
func put(t *testing.T, c *kfake.Cluster, partition int32, first, n int) {
	t.Helper()
	cl := client(t, c)
	for i := first; i < first+n; i++ {
		r := &kgo.Record{Partition: partition, Key: []byte("192.0.2.1"), Value: fmt.Appendf(nil, "%d/%d", partition, i), Headers: []kgo.RecordHeader{
			{Key: "kind", Value: []byte("frame")}, {Key: "event-id", Value: []byte(event.NewID(uint64(partition), uint64(i+1)).String())},
		}}
		if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// node is a Source with somebody who takes what it gives.
type node struct {
	*Source
	stop  context.CancelFunc
	ended chan struct{}

	mu    sync.Mutex
	got   []string
	past  []string // given again for their neighbours' sake
	last  spool.Position
	lost  []*kafka.LostError
	hold  bool // nothing is committed
	taken chan struct{}
}

func source(t *testing.T, c *kfake.Cluster) *node {
	t.Helper()
	return sourceAt(t, c, false)
}

func sourceAt(t *testing.T, c *kfake.Cluster, newest bool) *node {
	t.Helper()
	return sourceBack(t, c, newest, 0)
}

func sourceBack(t *testing.T, c *kfake.Cluster, newest bool, lookback time.Duration) *node {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Brokers, cfg.Topic, cfg.Group, cfg.SessionTimeout = c.ListenAddrs(), "raw", "g", 6*time.Second
	cfg.DialTimeout, cfg.RequestTimeout = 20*time.Second, 20*time.Second
	if faults := cfg.Validate(); len(faults) > 0 {
		t.Fatal(faults)
	}
	n := &node{ended: make(chan struct{}), taken: make(chan struct{})}
	n.Source = NewSource(SourceConfig{Config: cfg, Sink: "s", Newest: newest, Lookback: lookback, Lost: func(_ context.Context, l *kafka.LostError) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.lost = append(n.lost, l)
	}})
	ctx, stop := context.WithCancel(t.Context())
	n.stop = stop
	go func() {
		defer close(n.ended)
		if err := n.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	go func() {
		defer close(n.taken)
		var ch spool.Chunk
		for {
			err := n.Next(ctx, &ch)
			if errors.Is(err, io.EOF) || ctx.Err() != nil {
				return
			}
			if err != nil {
				t.Errorf("Next: %v", err)
				return
			}
			n.mu.Lock()
			for i, b := range ch.Records {
				var r pipeline.Record
				if err := r.Decode(b); err != nil {
					t.Errorf("record: %v", err)
				}
				if r.Past {
					n.past = append(n.past, string(r.Data))
				} else {
					n.got = append(n.got, string(r.Data))
				}
				n.last = ch.First + spool.Position(i)
			}
			n.mu.Unlock()
			n.commit(t)
		}
	}()
	t.Cleanup(n.leave)
	return n
}

// commit says that all is done, unless it is to be held.
func (n *node) commit(t *testing.T) {
	t.Helper()
	n.mu.Lock()
	last, hold := n.last, n.hold
	n.mu.Unlock()
	if !hold {
		if err := n.Commit(last); err != nil {
			t.Errorf("Commit: %v", err)
		}
	}
}

func (n *node) leave() {
	n.CloseRead()
	<-n.taken
	n.stop()
	<-n.ended
}

func (n *node) have() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.got)
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}

func TestSourceGoesOnWhereItCommitted(t *testing.T) {
	c := fake(t, 2)
	put(t, c, 0, 0, 10)
	put(t, c, 1, 0, 10)
	first := source(t, c)
	until(t, "all read and committed", func() bool { first.commit(t); return first.have() == 20 && first.Backlog() == 0 })
	first.mu.Lock()
	first.hold = true
	first.mu.Unlock()
	put(t, c, 0, 10, 5)
	until(t, "more read", func() bool { return first.have() == 25 })
	if first.Consumed() != 25 || first.Backlog() != 5 || first.Failing() != "" || first.Partitions() != 2 {
		t.Errorf("consumed %d, backlog %d, failing %q, %d partitions", first.Consumed(), first.Backlog(), first.Failing(), first.Partitions())
	}
	first.leave()
	second := source(t, c)
	until(t, "what was not committed is read again", func() bool { return second.have() == 5 })
	if want := []string{"0/10", "0/11", "0/12", "0/13", "0/14"}; !reflect.DeepEqual(second.got, want) {
		t.Errorf("read %v, want %v", second.got, want)
	}
}

// A member that is joined by another one keeps what it has of the partitions that stay with it: it is
// not read twice, although nothing of it was committed.
func TestSourceKeepsItsPlaceWhenOthersJoin(t *testing.T) {
	c := fake(t, 2)
	put(t, c, 0, 0, 10)
	put(t, c, 1, 0, 10)
	a := source(t, c)
	a.mu.Lock()
	a.hold = true // as a sink that is down
	a.mu.Unlock()
	until(t, "all read", func() bool { return a.have() == 20 })
	b := source(t, c)
	until(t, "the other reads what was not committed", func() bool { return b.have() == 10 && a.Partitions() == 1 })
	a.mu.Lock()
	a.hold = false
	a.mu.Unlock()
	put(t, c, 0, 10, 1)
	put(t, c, 1, 10, 1)
	until(t, "each reads on", func() bool {
		a.commit(t)
		return a.have() == 21 && b.have() == 11 && a.Backlog() == 0 && b.Backlog() == 0
	})
	b.leave()
	put(t, c, 0, 11, 1)
	put(t, c, 1, 11, 1)
	until(t, "all is read by one", func() bool { return a.have() == 23 })
}

// What was done of a partition shortly before it comes to a node is given once more, as past; not what the node
// has had of it already.
func TestAPartitionComesWithItsPast(t *testing.T) {
	c := fake(t, 2)
	lines := func(partition, first, n int) (all []string) {
		put(t, c, int32(partition), first, n)
		for i := range n {
			all = append(all, fmt.Sprintf("%d/%d", partition, first+i))
		}
		return all
	}
	back := func() *node { return sourceBack(t, c, false, time.Minute) }
	done := func(n *node, got int) func() bool {
		return func() bool { n.commit(t); return n.have() == got && n.Backlog() == 0 }
	}
	old := append(lines(0, 0, 10), lines(1, 0, 10)...)
	gone := back()
	until(t, "all read and committed", done(gone, 20))
	gone.leave()
	if len(gone.past) != 0 {
		t.Errorf("a partition that nobody had came with %v", gone.past)
	}

	a := back()
	put(t, c, 0, 10, 5)
	put(t, c, 1, 10, 5)
	until(t, "what is new is read", done(a, 10))
	a.mu.Lock()
	past := slices.Sorted(slices.Values(a.past))
	a.mu.Unlock()
	if slices.Sort(old); !slices.Equal(past, old) {
		t.Errorf("past %v, want %v", past, old)
	}
	if a.Consumed() != 10 {
		t.Errorf("consumed %d, want 10", a.Consumed())
	}

	b := back()
	until(t, "a partition each", func() bool { return a.Partitions() == 1 && b.Partitions() == 1 })
	put(t, c, 0, 15, 5)
	put(t, c, 1, 15, 5)
	until(t, "each reads on", func() bool { return done(a, 15)() && done(b, 5)() })
	b.mu.Lock()
	if len(b.past) != 15 || b.past[0][0] != b.got[0][0] {
		t.Errorf("the other one has the past %v", b.past)
	}
	theirs := slices.Clone(b.got)
	b.mu.Unlock()
	b.leave()
	put(t, c, 0, 20, 1)
	put(t, c, 1, 20, 1)
	until(t, "all is read by one", done(a, 17))
	a.mu.Lock()
	defer a.mu.Unlock()
	if again := a.past[20:]; !slices.Equal(again, theirs) {
		t.Errorf("what came back has the past %v, want what the other one did: %v", again, theirs)
	}
}

// A group that begins at the end begins there once: what comes while no node is there is read by the next.
func TestTheEndAtWhichAGroupBeginsIsRemembered(t *testing.T) {
	c := fake(t, 1)
	put(t, c, 0, 0, 10)
	first := sourceAt(t, c, true)
	until(t, "a member", func() bool { return first.Partitions() == 1 })
	first.leave()
	put(t, c, 0, 10, 5)
	second := sourceAt(t, c, true)
	until(t, "what came meanwhile is read", func() bool { second.commit(t); return second.have() == 5 && second.Backlog() == 0 })
	if second.got[0] != "0/10" {
		t.Errorf("read %v", second.got)
	}
}

// The group may forget a member while it commits.
func TestAMemberThatWasForgottenJoinsAgain(t *testing.T) {
	c := fake(t, 1)
	put(t, c, 0, 0, 10)
	n := source(t, c)
	until(t, "all read", func() bool { return n.have() == 10 })
	var mu sync.Mutex
	forgotten := 0
	c.ControlKey(int16(kmsg.Heartbeat), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		if forgotten++; forgotten > 1 {
			return nil, nil, false
		}
		res := req.ResponseKind().(*kmsg.HeartbeatResponse)
		res.ErrorCode = 25 // UNKNOWN_MEMBER_ID
		return res, nil, true
	})
	until(t, "forgotten", func() bool { n.commit(t); mu.Lock(); defer mu.Unlock(); return forgotten > 0 })
	put(t, c, 0, 10, 5)
	until(t, "it reads on", func() bool { n.commit(t); return n.have() >= 15 && n.Backlog() == 0 })
}

func TestSourceTellsWhatIsLost(t *testing.T) {
	c := fake(t, 1)
	put(t, c, 0, 0, 10)
	first := source(t, c)
	until(t, "all read and committed", func() bool { first.commit(t); return first.have() == 10 && first.Backlog() == 0 })
	first.leave()
	put(t, c, 0, 10, 20)
	req := kmsg.NewPtrDeleteRecordsRequest()
	topic, partition := kmsg.NewDeleteRecordsRequestTopic(), kmsg.NewDeleteRecordsRequestTopicPartition()
	topic.Topic, partition.Partition, partition.Offset = "raw", 0, 25
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics, req.TimeoutMillis = append(req.Topics, topic), 10000
	if _, err := req.RequestWith(t.Context(), client(t, c)); err != nil {
		t.Fatal(err)
	}
	second := source(t, c)
	until(t, "the rest is read", func() bool { second.commit(t); return second.have() == 5 && second.Backlog() == 0 })
	until(t, "the loss is told", func() bool { second.mu.Lock(); defer second.mu.Unlock(); return len(second.lost) == 1 })
	if l := second.lost[0]; l.From != 10 || l.To != 25 || second.Expired() != 15 || second.Consumed() != 20 {
		t.Errorf("lost %+v, expired %d, consumed %d", l, second.Expired(), second.Consumed())
	}
	second.leave()
	third := source(t, c)
	put(t, c, 0, 30, 1)
	until(t, "it goes on", func() bool { return third.have() == 1 })
	if third.got[0] != "0/30" || third.Expired() != 0 {
		t.Errorf("read %v, expired %d", third.got, third.Expired())
	}
}

func TestWhatIsLostIsCountedByItsCause(t *testing.T) {
	s := NewSource(SourceConfig{Config: DefaultConfig(), Sink: "s"})
	s.noteLoss(&kafka.LostError{From: 0, To: 5})
	s.noteLoss(&kafka.LostError{From: 7, To: 10, Damage: io.ErrUnexpectedEOF})
	s.noteLoss(&kafka.LostError{From: 7, To: 0}) // another topic: nobody knows how many
	if s.Expired() != 5 || s.Damaged() != 3 || s.Consumed() != 8 {
		t.Errorf("expired %d, damaged %d, consumed %d", s.Expired(), s.Damaged(), s.Consumed())
	}
}

func TestTroubleOfASourceIsShown(t *testing.T) {
	c := fake(t, 1)
	n := source(t, c)
	until(t, "a member", func() bool { return n.Partitions() == 1 })
	var mu sync.Mutex
	denied := true
	c.ControlKey(int16(kmsg.Heartbeat), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		res := req.ResponseKind().(*kmsg.HeartbeatResponse)
		res.ErrorCode = 30 // GROUP_AUTHORIZATION_FAILED
		return res, nil, denied
	})
	until(t, "it says so", func() bool { return strings.Contains(n.Failing(), "needs the ACL Read on the group") })
	mu.Lock()
	denied = false
	mu.Unlock()
	until(t, "it is over", func() bool { return n.Failing() == "" })
}
