package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"vswarden/setting"
)

// patience bounds waits for what must happen.
const patience = 30 * time.Second

// member is a member of group g that remembers what it read.
type member struct {
	t     *testing.T
	group *Group
	stop  context.CancelFunc
	ended chan error

	mu      sync.Mutex
	claims  []Claim // of the session under way, nil: none
	read    []Stored
	done    int // of these, committed
	lost    []*LostError
	trouble error // of reading
}

func groupConfig(c *kfake.Cluster) GroupConfig {
	cfg := DefaultGroupConfig()
	cfg.Cluster, cfg.Topic, cfg.Group = DefaultConfig(), "t", "g"
	cfg.Cluster.Brokers = c.ListenAddrs()
	cfg.Cluster.DialTimeout, cfg.Cluster.RequestTimeout = 20*time.Second, 20*time.Second
	cfg.Heartbeat, cfg.SessionTimeout, cfg.RebalanceTimeout = 20*time.Millisecond, 10*time.Second, 10*time.Second
	return cfg
}

// joining starts a member, which commits all it reads.
func joining(t *testing.T, cfg GroupConfig) *member {
	t.Helper()
	m := &member{t: t, group: NewGroup(cfg), ended: make(chan error, 1)}
	ctx, stop := context.WithCancel(t.Context())
	m.stop = stop
	go func() { m.ended <- m.group.Run(ctx, m.serve) }()
	t.Cleanup(func() {
		stop()
		if err := <-m.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		m.ended <- nil
	})
	return m
}

func (m *member) serve(ctx context.Context, s *Session) error {
	m.mu.Lock()
	m.claims = s.Claims
	m.mu.Unlock()
	var readers sync.WaitGroup
	for _, claim := range s.Claims {
		r := s.Reader(claim)
		readers.Go(func() {
			defer r.Close()
			for ctx.Err() == nil {
				got, err := r.Read(ctx)
				m.mu.Lock()
				if lost, ok := errors.AsType[*LostError](err); ok {
					m.lost = append(m.lost, lost)
				} else if err != nil && ctx.Err() == nil {
					m.trouble = err
				}
				m.read = append(m.read, got...)
				m.mu.Unlock()
				if len(got) == 0 {
					continue
				}
				done := []Claim{{Partition: r.Partition(), Offset: got[len(got)-1].Offset + 1}}
				if err := s.Commit(context.WithoutCancel(ctx), done); err != nil && !errors.Is(err, ErrStale) {
					m.t.Errorf("Commit: %v", err)
				}
				m.mu.Lock()
				m.done += len(got)
				m.mu.Unlock()
			}
		})
	}
	readers.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.claims = nil
	return nil
}

// partitions of the session under way.
func (m *member) partitions() (all []int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.claims {
		all = append(all, c.Partition)
	}
	return all
}

func (m *member) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.read)
}

func (m *member) leave(t *testing.T) {
	t.Helper()
	m.stop()
	if err := <-m.ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	m.ended <- nil
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}

func TestMemberReadsAllAndGoesOnWhereItWas(t *testing.T) {
	c := fake(t, 3)
	p := producer(t, c, nil)
	mustProduce(t, p, mixed(9, 900))
	first := joining(t, groupConfig(c))
	until(t, "all read", func() bool { return first.count() == 900 })
	first.leave(t)
	mustProduce(t, p, mixed(9, 90))
	second := joining(t, groupConfig(c))
	until(t, "the rest read", func() bool { return second.count() == 90 })
	second.leave(t)
	got := map[string][]string{}
	for _, s := range append(first.read, second.read...) {
		got[s.Key] = append(got[s.Key], string(s.Value))
	}
	want := byKey(append(mixed(9, 900), mixed(9, 90)...))
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("read %d keys in another order than they were written", len(got))
	}
}

func TestMembersShareAndHandOver(t *testing.T) {
	c := fake(t, 5)
	p := producer(t, c, nil)
	a := joining(t, groupConfig(c))
	until(t, "one has all", func() bool { return len(a.partitions()) == 5 })
	b := joining(t, groupConfig(c))
	until(t, "both have some", func() bool {
		all := append(a.partitions(), b.partitions()...)
		slices.Sort(all)
		return slices.Equal(all, []int32{0, 1, 2, 3, 4}) && len(a.partitions()) > 0 && len(b.partitions()) > 0
	})
	mustProduce(t, p, mixed(20, 1000))
	until(t, "all read", func() bool { return a.count()+b.count() >= 1000 })
	b.leave(t)
	until(t, "the other has all", func() bool { return len(a.partitions()) == 5 })
	mustProduce(t, p, mixed(20, 100))
	until(t, "all read", func() bool { return a.count()+b.count() >= 1100 })
	if n := a.count() + b.count(); n != 1100 {
		t.Errorf("%d messages read, want 1100: what was committed is read again", n)
	}
}

// More members than partitions: who has none waits and takes over.
func TestSpareMember(t *testing.T) {
	c := fake(t, 1)
	a, b := joining(t, groupConfig(c)), joining(t, groupConfig(c))
	until(t, "one has the partition", func() bool { return len(a.partitions())+len(b.partitions()) == 1 })
	busy, spare := a, b
	if len(a.partitions()) == 0 {
		busy, spare = b, a
	}
	busy.leave(t)
	until(t, "the other has it", func() bool { return len(spare.partitions()) == 1 })
}

func TestPartitionsThatAreAddedAreShared(t *testing.T) {
	c := fake(t, 2)
	a := joining(t, groupConfig(c))
	until(t, "it has all", func() bool { return len(a.partitions()) == 2 })
	req := kmsg.NewPtrCreatePartitionsRequest()
	topic := kmsg.NewCreatePartitionsRequestTopic()
	topic.Topic, topic.Count = "t", 4
	req.Topics, req.TimeoutMillis = append(req.Topics, topic), 10000
	if err := request(t, c, req); err != nil {
		t.Fatal(err)
	}
	a.group.lookup.current().stale.Store(true) // as after a minute
	until(t, "it has the new ones too", func() bool { return len(a.partitions()) == 4 })
}

func TestCommitOfASessionThatIsOver(t *testing.T) {
	c := fake(t, 2)
	cfg := groupConfig(c)
	sessions := make(chan *Session, 10)
	g := NewGroup(cfg)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- g.Run(ctx, func(ctx context.Context, s *Session) error {
			sessions <- s
			<-ctx.Done()
			return nil
		})
	}()
	old := <-sessions
	if err := old.Commit(t.Context(), []Claim{{0, 0}}); err != nil {
		t.Errorf("Commit: %v", err)
	}
	other := joining(t, cfg)
	<-sessions // the next one
	until(t, "both have one", func() bool { return len(other.partitions()) == 1 })
	if err := old.Commit(t.Context(), []Claim{{0, 0}, {1, 0}}); err == nil {
		t.Error("a session that is over commits")
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestServeEndsTheMember(t *testing.T) {
	c := fake(t, 1)
	bad := errors.New("bad")
	if err := NewGroup(groupConfig(c)).Run(t.Context(), func(context.Context, *Session) error { return bad }); !errors.Is(err, bad) {
		t.Errorf("Run: %v", err)
	}
	if err := NewGroup(groupConfig(c)).Run(t.Context(), func(context.Context, *Session) error { return nil }); !errors.Is(err, errServed) {
		t.Errorf("Run: %v", err)
	}
}

func TestMessagesThatAreGoneAreTold(t *testing.T) {
	c := fake(t, 1)
	p := producer(t, c, nil)
	mustProduce(t, p, numbered("esx1", 0, 100))
	if err := c.DeleteRecords("t", 0, 60); err != nil {
		t.Fatal(err)
	}
	r := reader(t, c, 10)
	_, err := r.Read(t.Context())
	lost, ok := errors.AsType[*LostError](err)
	if !ok || *lost != (LostError{Partition: 0, From: 10, To: 60}) || !strings.Contains(err.Error(), "lost 50 messages") {
		t.Fatalf("Read: %v", err)
	}
	if got := readAll(t, r, 40); got[0].Offset != 60 {
		t.Errorf("reading goes on at %d", got[0].Offset)
	}
	anew := reader(t, c, 500)
	if _, err := anew.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "made anew") {
		t.Errorf("Read beyond the end: %v", err)
	}
	if got := readAll(t, anew, 40); got[0].Offset != 60 {
		t.Errorf("reading goes on at %d", got[0].Offset)
	}
}

func TestGroupBeginsAtTheEndWhereAsked(t *testing.T) {
	c := fake(t, 1)
	p := producer(t, c, nil)
	mustProduce(t, p, numbered("esx1", 0, 100))
	cfg := groupConfig(c)
	cfg.Newest = true
	m := joining(t, cfg)
	until(t, "a session", func() bool { return len(m.partitions()) == 1 })
	mustProduce(t, p, numbered("esx1", 100, 5))
	until(t, "the new ones read", func() bool { return m.count() >= 5 })
	if m.read[0].Offset != 100 {
		t.Errorf("the first one has the offset %d", m.read[0].Offset)
	}
}

func TestReaderFollowsTheLeader(t *testing.T) {
	c := fake(t, 1)
	p := producer(t, c, nil)
	r := reader(t, c, 0)
	for i := range 4 {
		mustProduce(t, p, numbered("esx1", i*10, 10))
		for n := 0; n < 10; {
			got, err := r.Read(t.Context())
			if err != nil {
				continue // once: the leader is another one
			}
			n += len(got)
		}
		if err := c.MoveTopicPartition("t", 0, int32(i+1)%3); err != nil {
			t.Fatal(err)
		}
		for verdicts, err := p.Produce(t.Context(), nil); err != nil || verdicts != nil; {
			verdicts, err = p.Produce(t.Context(), nil)
		}
		p.lookup.current().stale.Store(true)
	}
	if r.next != 40 {
		t.Errorf("next offset %d, want 40", r.next)
	}
}

// What a group is refused is shown, and mended without a restart.
func TestTroubleOfAMemberIsShown(t *testing.T) {
	c := fake(t, 1, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", "secret"), kfake.User("PLAIN", "reader", "secret",
		kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: "t", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationRead, Allow: true}))
	file := filepath.Join(t.TempDir(), "password")
	password := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	password("wrong")
	cfg := groupConfig(c)
	cfg.Cluster.SASL = SASL{Mechanism: SASLPlain, Username: "admin", PasswordFile: file}
	m := joining(t, cfg)
	until(t, "the refusal shown", func() bool { return strings.Contains(m.group.Failing(), "not let in as user admin") })
	password("secret")
	until(t, "a session", func() bool { return len(m.partitions()) == 1 && m.group.Failing() == "" })

	cfg.Cluster.SASL, cfg.Group = SASL{Mechanism: SASLPlain, Username: "reader", Password: setting.NewSecret("secret")}, "forbidden"
	n := joining(t, cfg)
	until(t, "the refusal shown", func() bool {
		return strings.Contains(n.group.Failing(), "group forbidden: user reader may not use it; it needs the ACL Read on the group")
	})
}

func TestMemberOutlivesItsBrokers(t *testing.T) {
	c := fake(t, 2)
	p := producer(t, c, nil)
	mustProduce(t, p, mixed(9, 90))
	m := joining(t, groupConfig(c))
	until(t, "all read and committed", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.done == 90 })
	var cut atomic.Bool
	cut.Store(true)
	c.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if cut.Load() {
			return nil, errors.New("cut"), true
		}
		return nil, nil, false
	})
	until(t, "the trouble shown", func() bool { return m.group.Failing() != "" })
	cut.Store(false)
	until(t, "a session", func() bool { return len(m.partitions()) == 2 && m.group.Failing() == "" })
	mustProduce(t, p, mixed(9, 90))
	until(t, "the rest read", func() bool { return m.count() == 180 })
}

func TestShare(t *testing.T) {
	for members := 1; members <= 7; members++ {
		for partitions := range 20 {
			var names []string
			for i := range members {
				names = append(names, fmt.Sprint("m", i))
			}
			var all []int32
			for name, mine := range share(names, partitions) {
				if n := partitions / members; len(mine) < n || len(mine) > n+1 {
					t.Errorf("%d partitions, %d members: %s has %d", partitions, members, name, len(mine))
				}
				all = append(all, mine...)
				back, ok := assigned(assignment("t", mine), "t")
				if !ok || !slices.Equal(back, mine) {
					t.Errorf("assignment of %v is read as %v", mine, back)
				}
			}
			slices.Sort(all)
			for i, p := range all {
				if int(p) != i {
					t.Fatalf("%d partitions, %d members: %v", partitions, members, all)
				}
			}
			if len(all) != partitions {
				t.Fatalf("%d partitions, %d members: %v", partitions, members, all)
			}
		}
	}
}

// Members of other makes understand us: franz-go in the same group, with the same assignor.
func TestGroupWithAnotherClient(t *testing.T) {
	c := fake(t, 4)
	m := joining(t, groupConfig(c))
	until(t, "it has all", func() bool { return len(m.partitions()) == 4 })
	other, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"), kgo.Balancers(kgo.RangeBalancer()), kgo.HeartbeatInterval(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			other.PollFetches(ctx)
		}
	}()
	until(t, "both have half", func() bool { return len(m.partitions()) == 2 })
	stop()
	<-done
	other.Close()
	until(t, "it has all again", func() bool { return len(m.partitions()) == 4 })
}

func FuzzAssigned(f *testing.F) {
	f.Add(assignment("t", []int32{1, 2}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if mine, ok := assigned(b, "t"); ok && len(mine) > len(b)/4 {
			t.Errorf("%d partitions in %d bytes", len(mine), len(b))
		}
	})
}
