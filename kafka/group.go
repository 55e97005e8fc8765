package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
	"github.com/segmentio/kafka-go/protocol/joingroup"
	"github.com/segmentio/kafka-go/protocol/leavegroup"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
	"github.com/segmentio/kafka-go/protocol/offsetfetch"
	"github.com/segmentio/kafka-go/protocol/syncgroup"
)

// GroupConfig is all that a Group needs.
type GroupConfig struct {
	Cluster Config
	Topic   string
	Group   string // its name
	Newest  bool   // a group without a place begins at the end of a partition, not at its beginning
	// SessionTimeout is how long the others wait for a member that says nothing.
	SessionTimeout time.Duration
	// RebalanceTimeout is how long they wait for one to hand its partitions over.
	RebalanceTimeout time.Duration
	// Heartbeat is how often a member says that it is there.
	Heartbeat time.Duration
}

// DefaultGroupConfig returns the defaults; cluster, topic and name are the user's.
func DefaultGroupConfig() GroupConfig {
	return GroupConfig{SessionTimeout: 45 * time.Second, RebalanceTimeout: time.Minute, Heartbeat: 3 * time.Second}
}

// Group is one member of a consumer group on one topic: it and the others share its partitions.
type Group struct {
	cfg     GroupConfig
	lookup  *lookup
	member  string // our name in the group, "" before it gave us one
	failing atomic.Pointer[string]
}

// ErrStale says that a session is over: others have its partitions, and what is not committed is
// theirs to read again.
var ErrStale = errors.New("the partitions have gone to other members of the group")

// NewGroup makes a member; Run does its work.
func NewGroup(cfg GroupConfig) *Group {
	g := &Group{cfg: cfg}
	g.lookup = newLookup(&g.cfg.Cluster, cfg.Topic, toRead)
	return g
}

// Failing returns why the member is not one at the moment, or "".
func (g *Group) Failing() string {
	if p := g.failing.Load(); p != nil {
		return *p
	}
	return ""
}

func (g *Group) fail(err error) {
	text := err.Error()
	g.failing.Store(&text)
}

// heartbeatResponse and leaveResponse have their fields in the order in which they come; kafka-go's
// have the error before the throttle time, and so never see one.
type heartbeatResponse struct {
	ThrottleTimeMs int32 `kafka:"min=v1,max=v4"`
	ErrorCode      int16 `kafka:"min=v0,max=v4"`
}

type leaveResponse struct {
	ThrottleTimeMs int32                       `kafka:"min=v1,max=v4"`
	ErrorCode      int16                       `kafka:"min=v0,max=v4"`
	Members        []leavegroup.ResponseMember `kafka:"min=v3,max=v4"`
}

// Claim is a partition that a session has, and where to begin in it.
type Claim struct {
	Partition int32
	Offset    int64
}

// Session is a time in which a member has the same partitions.
type Session struct {
	Claims     []Claim
	group      *Group
	member     string // our name; the group's own may be taken away while somebody commits
	generation int32
	coordinate *coordinator
}

// Run is a member until ctx ends or serve fails. It calls serve for each session in which it has
// partitions; serve reads them and commits what is done, and returns nil soon after its ctx ended,
// when the partitions go to others. It may still commit then. Trouble with the cluster is no error of
// Run: see Failing.
func (g *Group) Run(ctx context.Context, serve func(ctx context.Context, s *Session) error) error {
	wait := time.Duration(0)
	for {
		began := time.Now()
		err := g.session(ctx, serve)
		own, failed := errors.AsType[serveError](err)
		switch {
		case failed:
			return own.err
		case ctx.Err() != nil:
			return nil
		case err != nil:
			g.fail(err)
		}
		if wait = min(max(2*wait, 50*time.Millisecond), g.cfg.Heartbeat); err == nil || time.Since(began) > time.Minute {
			wait = 0
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil
		}
	}
}

// serveError is an error of the caller's.
type serveError struct{ err error }

func (e serveError) Error() string { return e.err.Error() }

// session joins the group, serves what it was given, and returns when that has changed (nil) or the
// cluster gave trouble.
func (g *Group) session(ctx context.Context, serve func(ctx context.Context, s *Session) error) error {
	c, err := g.coordinator(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	s, partitions, err := g.join(ctx, c)
	if err != nil {
		return err
	}
	if s == nil {
		return nil // join again
	}
	g.failing.Store(nil)
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() {
		if len(s.Claims) == 0 { // more members than partitions
			<-inner.Done()
			served <- nil
			return
		}
		err := serve(inner, s)
		if err == nil && inner.Err() == nil {
			err = errServed
		}
		served <- err
	}()
	trouble := g.beat(ctx, s, partitions, served)
	cancel()
	err = <-served
	if err != nil || ctx.Err() != nil {
		g.leave(context.WithoutCancel(ctx), c)
	}
	if err != nil {
		return serveError{err}
	}
	return trouble
}

// errServed is a mistake of the caller's.
var errServed = errors.New("serve returned although its session goes on")

// beat says that we are there until the session ends: nil when partitions are to be shared out anew,
// when ctx ended or serve failed, else the trouble.
func (g *Group) beat(ctx context.Context, s *Session, partitions int, served chan error) error {
	tick := time.NewTicker(g.cfg.Heartbeat)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-served:
			served <- err // for session
			return nil
		case <-tick.C:
		}
		again, err := s.heartbeat(ctx)
		switch {
		case err == nil && again:
			return nil
		case err == nil:
			last = time.Now()
			g.failing.Store(nil)
		case time.Since(last) > g.cfg.SessionTimeout:
			return err
		default:
			g.fail(err)
		}
		if v, err := g.lookup.fresh(ctx); err == nil && len(v.leaders) != partitions {
			return nil // partitions were added: who joins again makes all share anew
		}
	}
}

// coordinator is the connection to the broker that looks after the group. Its methods may be called
// from several goroutines.
type coordinator struct {
	cfg  *Config
	addr string
	turn chan struct{} // holds one token: who has it may use conn
	conn *conn
}

func (c *coordinator) close() {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	if c.conn != nil {
		c.conn.close()
		c.conn = nil
	}
}

// ask sends one request to the coordinator, over a new connection where the last one broke.
func ask[T any](ctx context.Context, c *coordinator, req protocol.Message, timeout time.Duration) (answer *T, err error) {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return answer, ctx.Err()
	}
	defer func() { <-c.turn }()
	if c.conn == nil || !c.conn.usable(time.Now()) {
		if c.conn != nil {
			c.conn.close()
		}
		if c.conn, err = dial(ctx, c.cfg, c.addr); err != nil {
			return answer, err
		}
	}
	if answer, err = roundTrip[T](ctx, c.conn, req, timeout); err != nil {
		c.conn = nil
	}
	return answer, err
}

// coordinator finds the broker that looks after the group.
func (g *Group) coordinator(ctx context.Context) (*coordinator, error) {
	view, err := g.lookup.fresh(ctx)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, addr := range g.lookup.addresses(view) {
		c, err := dial(ctx, &g.cfg.Cluster, addr)
		g.lookup.mark(addr, err == nil)
		if err == nil {
			var res *findcoordinator.Response
			res, err = roundTrip[findcoordinator.Response](ctx, c, &findcoordinator.Request{Key: g.cfg.Group}, g.cfg.Cluster.RequestTimeout)
			c.close()
			if err == nil && res.ErrorCode == 0 {
				return &coordinator{cfg: &g.cfg.Cluster, addr: hostPort(res.Host, res.Port), turn: make(chan struct{}, 1)}, nil
			}
			if err == nil {
				return nil, g.explain(brokerError(res.ErrorCode, res.ErrorMessage))
			}
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		errs = append(errs, err)
	}
	view.stale.Store(true)
	return nil, joinErrors(errs)
}

// join becomes a member and returns the session; nil when it is to be tried again at once. The
// member that the group made its leader shares out the partitions.
func (g *Group) join(ctx context.Context, c *coordinator) (*Session, int, error) {
	timeout := g.cfg.Cluster.RequestTimeout
	res, err := ask[joingroup.Response](ctx, c, &joingroup.Request{
		GroupID: g.cfg.Group, SessionTimeoutMS: int32(g.cfg.SessionTimeout.Milliseconds()), RebalanceTimeoutMS: int32(g.cfg.RebalanceTimeout.Milliseconds()),
		MemberID: g.member, ProtocolType: "consumer", Protocols: []joingroup.RequestProtocol{{Name: assignor, Metadata: subscription(g.cfg.Topic)}},
	}, timeout+g.cfg.RebalanceTimeout)
	if err != nil {
		return nil, 0, err
	}
	if again, err := g.refused(res.ErrorCode, res.MemberID); again || err != nil {
		return nil, 0, err
	}
	g.member = res.MemberID
	if v := g.lookup.current(); v != nil {
		v.stale.Store(true) // partitions may have been added
	}
	view, err := g.lookup.fresh(ctx)
	if err != nil {
		return nil, 0, err
	}
	req := &syncgroup.Request{GroupID: g.cfg.Group, GenerationID: res.GenerationID, MemberID: g.member}
	if res.LeaderID == g.member {
		members := make([]string, len(res.Members))
		for i := range res.Members {
			members[i] = res.Members[i].MemberID
		}
		for member, mine := range share(members, len(view.leaders)) {
			req.Assignments = append(req.Assignments, syncgroup.RequestAssignment{MemberID: member, Assignment: assignment(g.cfg.Topic, mine)})
		}
	}
	synced, err := ask[syncgroup.Response](ctx, c, req, timeout+g.cfg.RebalanceTimeout)
	if err != nil {
		return nil, 0, err
	}
	if again, err := g.refused(synced.ErrorCode, g.member); again || err != nil {
		return nil, 0, err
	}
	mine, ok := assigned(synced.Assignments, g.cfg.Topic)
	if !ok {
		return nil, 0, fmt.Errorf("group %s: its leader shares out partitions in a way that is not ours", g.cfg.Group)
	}
	s := &Session{group: g, member: g.member, generation: res.GenerationID, coordinate: c}
	var fresh []Claim
	if s.Claims, fresh, err = g.claims(ctx, c, mine); err != nil {
		return nil, 0, err
	}
	if g.cfg.Newest && len(fresh) > 0 { // else the end would be another one for whoever comes next, and what lies between be lost
		if err := s.Commit(ctx, fresh); errors.Is(err, ErrStale) {
			return nil, 0, nil
		} else if err != nil {
			return nil, 0, err
		}
	}
	return s, len(view.leaders), nil
}

// refused says of an error code whether to join again; member is the name the group may have given us.
func (g *Group) refused(code int16, member string) (again bool, err error) {
	switch kafkago.Error(code) {
	case 0:
		return false, nil
	case kafkago.MemberIDRequired:
		g.member = member
		return true, nil
	case kafkago.UnknownMemberId:
		g.member = ""
		return true, nil
	case kafkago.RebalanceInProgress, kafkago.IllegalGeneration:
		return true, nil
	}
	return false, g.explain(brokerError(code, ""))
}

// claims finds where to begin in each partition; fresh are those of which the group had no place.
func (g *Group) claims(ctx context.Context, c *coordinator, partitions []int32) (all, fresh []Claim, err error) {
	if len(partitions) == 0 {
		return nil, nil, nil
	}
	res, err := ask[offsetfetch.Response](ctx, c, &offsetfetch.Request{
		GroupID: g.cfg.Group, Topics: []offsetfetch.RequestTopic{{Name: g.cfg.Topic, PartitionIndexes: partitions}},
	}, g.cfg.Cluster.RequestTimeout)
	if err != nil {
		return nil, nil, err
	}
	if res.ErrorCode != 0 {
		return nil, nil, g.explain(brokerError(res.ErrorCode, ""))
	}
	if len(res.Topics) != 1 || len(res.Topics[0].Partitions) != len(partitions) {
		return nil, nil, errNoKafka
	}
	for _, p := range res.Topics[0].Partitions {
		if p.ErrorCode != 0 {
			return nil, nil, g.explain(brokerError(p.ErrorCode, ""))
		}
		claim := Claim{Partition: p.PartitionIndex, Offset: p.CommittedOffset}
		if claim.Offset < 0 {
			r := g.reader(claim)
			at := int64(earliest)
			if g.cfg.Newest {
				at = latest
			}
			claim.Offset, err = r.offset(ctx, at)
			r.Close()
			if err != nil {
				return nil, nil, err
			}
			fresh = append(fresh, claim)
		}
		all = append(all, claim)
	}
	return all, fresh, nil
}

func (g *Group) reader(c Claim) *Reader {
	return newReader(&g.cfg.Cluster, g.lookup, c.Partition, c.Offset)
}

// Reader returns a reader of a partition of the session; the caller closes it.
func (s *Session) Reader(c Claim) *Reader {
	r := s.group.reader(c)
	r.most = int32(min(max(fetchAll/max(len(s.Claims), 1), fetchMin), fetchMax))
	return r
}

// heartbeat says that we are there; again when the group shares out its partitions anew.
func (s *Session) heartbeat(ctx context.Context) (again bool, err error) {
	g := s.group
	res, err := ask[heartbeatResponse](ctx, s.coordinate, &heartbeat.Request{
		GroupID: g.cfg.Group, GenerationID: s.generation, MemberID: s.member,
	}, g.cfg.Cluster.RequestTimeout)
	if err != nil {
		return false, err
	}
	return g.refused(res.ErrorCode, s.member)
}

// Commit says up to where partitions are done: the offset of the next message to read. ErrStale means
// that the session is over.
func (s *Session) Commit(ctx context.Context, offsets []Claim) error {
	g := s.group
	topic := offsetcommit.RequestTopic{Name: g.cfg.Topic}
	for _, c := range offsets {
		topic.Partitions = append(topic.Partitions, offsetcommit.RequestPartition{PartitionIndex: c.Partition, CommittedOffset: c.Offset, CommittedLeaderEpoch: -1})
	}
	res, err := ask[offsetcommit.Response](ctx, s.coordinate, &offsetcommit.Request{
		GroupID: g.cfg.Group, GenerationID: s.generation, MemberID: s.member, RetentionTimeMs: -1, Topics: []offsetcommit.RequestTopic{topic},
	}, g.cfg.Cluster.RequestTimeout)
	if err != nil {
		return err
	}
	answered := 0
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			answered++
			switch kafkago.Error(p.ErrorCode) {
			case 0:
			case kafkago.IllegalGeneration, kafkago.UnknownMemberId, kafkago.RebalanceInProgress, kafkago.FencedInstanceID:
				return ErrStale
			default:
				return g.explain(brokerError(p.ErrorCode, ""))
			}
		}
	}
	if answered != len(offsets) {
		return errNoKafka
	}
	return nil
}

// leave tells the group that we go, so that nobody waits for us. When it cannot be told it finds out.
func (g *Group) leave(ctx context.Context, c *coordinator) {
	ctx, cancel := context.WithTimeout(ctx, min(g.cfg.Cluster.RequestTimeout, 2*time.Second))
	defer cancel()
	_, _ = ask[leaveResponse](ctx, c, &leavegroup.Request{
		GroupID: g.cfg.Group, MemberID: g.member, Members: []leavegroup.RequestMember{{MemberID: g.member}},
	}, time.Second)
	g.member = ""
}

// explain says what to do about a refusal that names the group.
func (g *Group) explain(err error) error {
	if errors.Is(err, kafkago.GroupAuthorizationFailed) {
		return fmt.Errorf("group %s: %s may not use it; it needs the ACL Read on the group: %w", g.cfg.Group, who(&g.cfg.Cluster), err)
	}
	if errors.Is(err, kafkago.TopicAuthorizationFailed) {
		return explainRead(&g.cfg.Cluster, g.cfg.Topic, err)
	}
	return fmt.Errorf("group %s: %w", g.cfg.Group, err)
}
