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
	next      int64 // offset of the next message
	stop      int64 // where Read gives io.EOF; 0: nowhere
	end       int64 // of the partition, as last heard
	conn      *conn
}

// LostError says that messages are gone before they were read: they were older than the topic keeps
// them (retention), or the topic was deleted and made again. Reading goes on at To.
type LostError struct {
	Partition int32
	From, To  int64 // offsets; when To is less than From the topic is another one
}

func (e *LostError) Error() string {
	if e.To < e.From {
		return fmt.Sprintf("partition %d ends before offset %d: the topic was made anew; reading goes on at %d", e.Partition, e.From, e.To)
	}
	return fmt.Sprintf("partition %d has lost %d messages before they were read, offsets %d to %d: it keeps them for too short a time", e.Partition, e.To-e.From, e.From, e.To-1)
}

// Bounds of one fetch.
const (
	fetchWait = 500 * time.Millisecond // how long a broker waits for something to give
	fetchMax  = 1 << 20                // bytes; one batch is given in any case
)

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
		res, err := r.fetch(ctx)
		if err != nil {
			r.Close()
			return nil, err
		}
		switch kafkago.Error(res.ErrorCode) {
		case 0:
		case kafkago.OffsetOutOfRange:
			return nil, r.lost(ctx)
		default:
			r.Close()
			r.lookup.current().stale.Store(true)
			return nil, explainRead(r.cfg, r.lookup.topic, brokerError(res.ErrorCode, ""))
		}
		r.end = res.HighWatermark
		var found []Stored
		found, r.next, err = appendStored(nil, res.Records, r.next)
		if r.stop > 0 {
			if i := slices.IndexFunc(found, func(m Stored) bool { return m.Offset >= r.stop }); i >= 0 {
				found = found[:i]
			}
		}
		if len(found) > 0 {
			return found, nil // what is wrong behind them is found again
		}
		if err != nil {
			return nil, fmt.Errorf("topic %s, partition %d: %w", r.lookup.topic, r.partition, err)
		}
	}
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
		ReplicaID: -1, MaxWaitTime: int32(fetchWait.Milliseconds()), MinBytes: 1, MaxBytes: fetchMax, SessionEpoch: -1,
		Topics: []fetch.RequestTopic{{Topic: r.lookup.topic, Partitions: []fetch.RequestPartition{{
			Partition: r.partition, CurrentLeaderEpoch: -1, FetchOffset: r.next, LogStartOffset: -1, PartitionMaxBytes: fetchMax,
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

// lost finds where the partition begins now.
func (r *Reader) lost(ctx context.Context) error {
	first, err := r.offset(ctx, earliest)
	if err != nil {
		return err
	}
	lost := &LostError{Partition: r.partition, From: r.next, To: first}
	r.next = first
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
	req := &listoffsets.Request{ReplicaID: -1, Topics: []listoffsets.RequestTopic{{Topic: r.lookup.topic, Partitions: []listoffsets.RequestPartition{
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
