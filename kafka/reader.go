package kafka

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/fetch"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
)

// Reader reads one partition of a topic, in order. It serves one goroutine.
type Reader struct {
	cfg       *Config
	lookup    *lookup
	partition int32
	most      int32 // bytes of one fetch
	batches
	stop int64 // where Read gives io.EOF; 0: nowhere
	end  int64 // of the partition, as last heard
	bad  int   // how often in a row the next batch could not be read
	conn *conn
}

func newReader(cfg *Config, lookup *lookup, partition int32, from int64) *Reader {
	return &Reader{cfg: cfg, lookup: lookup, partition: partition, most: fetchMax, batches: batches{next: from}}
}

// LostError says that messages are gone before they were read: they were older than the topic keeps
// them (retention), the topic was deleted and made again, or what the partition has of them cannot be
// read. Reading goes on at To.
type LostError struct {
	Partition int32
	From, To  int64 // offsets; when To is less than From the topic is another one
	Damage    error // why they cannot be read; nil: they are not there
}

func (e *LostError) Error() string {
	if e.Damage != nil {
		return fmt.Sprintf("partition %d has a batch that cannot be read, offsets %d to %d: %v; reading goes on behind it", e.Partition, e.From, e.To-1, e.Damage)
	}
	if e.To < e.From {
		return fmt.Sprintf("partition %d ends before offset %d: the topic was made anew; reading goes on at %d", e.Partition, e.From, e.To)
	}
	return fmt.Sprintf("partition %d has lost %d messages before they were read, offsets %d to %d: it keeps them for too short a time", e.Partition, e.To-e.From, e.From, e.To-1)
}

// Bounds of one fetch.
const (
	fetchWait = 500 * time.Millisecond // how long a broker waits for something to give
	fetchMax  = 1 << 20                // bytes; one batch is given in any case
	fetchAll  = 32 << 20               // about what the readers of one session may hold together
	fetchMin  = 128 << 10
	// readEnough is about how many bytes of messages, unpacked, are returned at once: what was fetched is unpacked as it
	// is read, since it may become many times as much.
	readEnough = 256 << 10
	// badMost is how often a batch that cannot be read is fetched: what is wrong may be wrong with the way here.
	badMost = 3
)

// committed asks brokers for nothing of transactions that are under way, and to say which were aborted.
const committed = 1

// fetchResponse is kafka-go's, with the records left as they are.
type fetchResponse struct {
	ThrottleTimeMs int32                `kafka:"min=v1,max=v11"`
	ErrorCode      int16                `kafka:"min=v7,max=v11"`
	SessionID      int32                `kafka:"min=v7,max=v11"`
	Topics         []fetchResponseTopic `kafka:"min=v0,max=v11"`
}

type fetchResponseTopic struct {
	Topic      string                   `kafka:"min=v0,max=v11"`
	Partitions []fetchResponsePartition `kafka:"min=v0,max=v11"`
}

type fetchResponsePartition struct {
	Partition            int32                       `kafka:"min=v0,max=v11"`
	ErrorCode            int16                       `kafka:"min=v0,max=v11"`
	HighWatermark        int64                       `kafka:"min=v0,max=v11"`
	LastStableOffset     int64                       `kafka:"min=v4,max=v11"`
	LogStartOffset       int64                       `kafka:"min=v5,max=v11"`
	AbortedTransactions  []fetch.ResponseTransaction `kafka:"min=v4,max=v11"`
	PreferredReadReplica int32                       `kafka:"min=v11,max=v11"`
	Records              []byte                      `kafka:"min=v0,max=v11"`
}

// Partition is the partition's number.
func (r *Reader) Partition() int32 { return r.partition }

// Until makes Read end with io.EOF before the message at an offset.
func (r *Reader) Until(end int64) { r.stop = end }

// End is the offset after the partition's last message, as of the last Read.
func (r *Reader) End() int64 { return r.end }

// Read waits until there is something to read, or ctx ends, and returns it: the slice and all it
// holds are the caller's. After an error it may be called again; a LostError is returned once.
func (r *Reader) Read(ctx context.Context) ([]Stored, error) {
	for {
		if r.stop > 0 && r.next >= r.stop {
			return nil, io.EOF
		}
		began, fetched := r.next, false
		if r.whole() == nil {
			if err := r.more(ctx); err != nil {
				return nil, err
			}
			fetched = len(r.rest) > 0
		}
		whole := r.whole() != nil
		found, err := r.take(readEnough)
		if r.next > began {
			r.bad = 0
		}
		if r.stop > 0 {
			if i := slices.IndexFunc(found, func(m Stored) bool { return m.Offset >= r.stop }); i >= 0 {
				found = found[:i]
			}
		}
		switch {
		case len(found) > 0:
			return found, nil // what is wrong behind them is found again
		case err != nil:
			return nil, r.damaged(err)
		case fetched && !whole:
			r.Close()
			return nil, fmt.Errorf("topic %s, partition %d: the broker gives less than a batch", r.lookup.topic, r.partition)
		case whole && r.next == began: // it says that it ends before it begins
			return nil, r.damaged(errBatch)
		}
	}
}

// more fetches what follows.
func (r *Reader) more(ctx context.Context) error {
	res, err := r.fetch(ctx)
	if err != nil {
		r.Close()
		return err
	}
	switch kafkago.Error(res.ErrorCode) {
	case 0:
	case kafkago.OffsetOutOfRange:
		return r.lost(ctx)
	default:
		r.Close()
		r.lookup.current().stale.Store(true)
		return explainRead(r.cfg, r.lookup.topic, brokerError(res.ErrorCode, ""))
	}
	r.end = res.HighWatermark
	if res.LastStableOffset >= 0 {
		r.end = res.LastStableOffset
	}
	r.answer(res.Records, res.AbortedTransactions)
	return nil
}

// damaged says of the next batch that it cannot be read: at first as an error, in the end as lost.
func (r *Reader) damaged(err error) error {
	if r.bad++; r.bad < badMost {
		r.rest = nil
		r.Close()
		return fmt.Errorf("topic %s, partition %d: %w", r.lookup.topic, r.partition, err)
	}
	lost := &LostError{Partition: r.partition, From: r.next, Damage: err}
	r.skip(r.end)
	r.bad, lost.To = 0, r.next
	return lost
}

// Close closes the connection; the next Read makes a new one.
func (r *Reader) Close() {
	if r.conn != nil {
		r.conn.close()
		r.conn = nil
	}
}

// connect has a connection to the partition's leader.
func (r *Reader) connect(ctx context.Context) error {
	if r.conn != nil && !r.conn.usable(time.Now()) {
		r.Close()
	}
	if r.conn != nil {
		return nil
	}
	view, err := r.lookup.fresh(ctx)
	if err != nil {
		return err
	}
	if int(r.partition) >= len(view.leaders) {
		view.stale.Store(true)
		return fmt.Errorf("topic %s has no partition %d any more", r.lookup.topic, r.partition)
	}
	addr, ok := view.brokers[view.leaders[r.partition]]
	if !ok {
		view.stale.Store(true)
		return fmt.Errorf("topic %s, partition %d: %w", r.lookup.topic, r.partition, errNoLeader)
	}
	r.conn, err = dial(ctx, r.cfg, addr)
	r.lookup.mark(addr, err == nil)
	if err != nil {
		view.stale.Store(true)
	}
	return err
}

// fetch asks the leader once for what follows.
func (r *Reader) fetch(ctx context.Context) (*fetchResponsePartition, error) {
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	req := &fetch.Request{
		ReplicaID: -1, MaxWaitTime: int32(fetchWait.Milliseconds()), MinBytes: 1, MaxBytes: r.most, IsolationLevel: committed, SessionEpoch: -1,
		Topics: []fetch.RequestTopic{{Topic: r.lookup.topic, Partitions: []fetch.RequestPartition{{
			Partition: r.partition, CurrentLeaderEpoch: -1, FetchOffset: r.next, LogStartOffset: -1, PartitionMaxBytes: r.most,
		}}}},
	}
	res, err := roundTrip[fetchResponse](ctx, r.conn, req, r.cfg.RequestTimeout+fetchWait)
	if err != nil {
		r.failed()
		return nil, err
	}
	if res.ErrorCode != 0 {
		return nil, fmt.Errorf("broker %s: %w", r.conn.addr, brokerError(res.ErrorCode, ""))
	}
	if len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
		return nil, fmt.Errorf("broker %s: %w", r.conn.addr, errNoKafka)
	}
	return &res.Topics[0].Partitions[0], nil
}

// failed notes that the leader did not answer.
func (r *Reader) failed() {
	r.lookup.mark(r.conn.addr, false)
	if v := r.lookup.current(); v != nil {
		v.stale.Store(true)
	}
	r.conn = nil // roundTrip closed it
}

// backMost is how many messages Back goes back at the most.
const backMost = 200_000

// Back has Read begin at messages that are older than those it would begin with, by their stamps, but at none before
// least; as far as there are any. After an error it begins where it would have.
func (r *Reader) Back(ctx context.Context, by time.Duration, least int64) error {
	end := r.next
	begin, err := r.back(ctx, by, max(least, end-backMost))
	r.next, r.rest = end, nil
	if err == nil {
		r.next = min(begin, end)
	}
	return err
}

func (r *Reader) back(ctx context.Context, by time.Duration, least int64) (begin int64, err error) {
	end := r.next
	if least >= end {
		return end, nil
	}
	first, err := r.offset(ctx, earliest)
	if err != nil {
		return end, err
	}
	if least = max(least, first); least >= end {
		return end, nil
	}
	r.next = end - 1
	if err := r.more(ctx); err != nil {
		return end, err
	}
	found, err := r.take(1)
	if err != nil || len(found) == 0 || found[0].Offset >= end {
		return end, err // a marker, or what was aborted: as if nothing was known
	}
	at := found[0].Time - by.Milliseconds()
	if at <= 0 {
		return least, nil
	}
	begin, err = r.offset(ctx, at)
	return max(begin, least), err
}

// lost finds where the partition begins now.
func (r *Reader) lost(ctx context.Context) error {
	first, err := r.offset(ctx, earliest)
	if err != nil {
		return err
	}
	lost := &LostError{Partition: r.partition, From: r.next, To: first}
	r.next, r.rest = first, nil
	return lost
}

// Times that stand for a place.
const (
	latest   = -1
	earliest = -2
)

// offset asks the leader for the offset of the first message at or after a time (Unix milliseconds,
// latest or earliest); where there is none, for the end.
func (r *Reader) offset(ctx context.Context, at int64) (int64, error) {
	if err := r.connect(ctx); err != nil {
		return 0, err
	}
	req := &listoffsets.Request{ReplicaID: -1, IsolationLevel: committed, Topics: []listoffsets.RequestTopic{{Topic: r.lookup.topic, Partitions: []listoffsets.RequestPartition{
		{Partition: r.partition, CurrentLeaderEpoch: -1, Timestamp: at},
	}}}}
	res, err := roundTrip[listoffsets.Response](ctx, r.conn, req, r.cfg.RequestTimeout)
	if err != nil {
		r.failed()
		return 0, err
	}
	if len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
		return 0, fmt.Errorf("broker %s: %w", r.conn.addr, errNoKafka)
	}
	p := &res.Topics[0].Partitions[0]
	if p.ErrorCode != 0 {
		r.Close()
		r.lookup.current().stale.Store(true)
		return 0, explainRead(r.cfg, r.lookup.topic, brokerError(p.ErrorCode, ""))
	}
	if p.Offset < 0 && at != latest {
		return r.offset(ctx, latest)
	}
	return p.Offset, nil
}
