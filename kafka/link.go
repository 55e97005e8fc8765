package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/produce"
)

const (
	// requestMax bounds the batches of one request before they are compressed, as Kafka bounds
	// requests (socket.request.max.bytes, 100 MiB unless set); one batch always goes.
	requestMax = 16 << 20
	// bufferKeep is what a link keeps of its buffers between requests.
	bufferKeep = 4 << 20
)

var (
	errClosed   = errors.New("the producer is closed")
	errNoLeader = errors.New("the partition has no leader at the moment")
)

// parts lists messages by partition, in order: the first of each, and for each the next one.
type parts struct{ first, last, next []int32 }

const none = -1

func newParts(partitions, messages int) *parts {
	all := make([]int32, 2*partitions+messages)
	for i := range all {
		all[i] = none
	}
	return &parts{first: all[:partitions], last: all[partitions : 2*partitions], next: all[2*partitions:]}
}

// add puts message i behind those of its partition; true for the first one.
func (p *parts) add(part, i int32) bool {
	last := p.last[part]
	p.last[part] = i
	if last == none {
		p.first[part] = i
		return true
	}
	p.next[last] = i
	return false
}

// work is what one Produce has for one broker.
type work struct {
	link     *link
	leader   int32
	messages []Message
	parts    *parts
	own      []int32       // partitions of this broker
	verdicts []error       // by message; shared by the works of one Produce, each writes its own
	done     chan struct{} // closed when the verdicts are there
	failed   bool          // some message is to be written again; read after done
	refused  bool          // some message will never be taken; likewise
}

// link is the way to one broker: the connection, and what waits for it.
type link struct {
	cfg    *ProducerConfig
	lookup *lookup
	addr   string

	turn chan struct{} // holds one token: who has it sends what waits
	// What follows is of who has the turn.
	conn     *conn
	pack     *packer
	out      []byte
	batch    []*Message
	throttle time.Time // the broker asks us to be silent until then

	mu      sync.Mutex // guards what follows
	waiting []*work
	retired bool
}

func newLink(cfg *ProducerConfig, lookup *lookup, addr string) *link {
	pack, _ := newPacker(cfg.Compression) // NewProducer has tried it
	return &link{cfg: cfg, lookup: lookup, addr: addr, turn: make(chan struct{}, 1), pack: pack}
}

// retire closes the link as soon as nobody has the turn.
func (l *link) retire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retired = true
	select {
	case l.turn <- struct{}{}:
		l.hangUp()
		<-l.turn
	default: // who has the turn will see it
	}
}

func (l *link) hangUp() {
	if l.conn != nil {
		l.conn.close()
		l.conn = nil
	}
}

// submit returns when w is done. Whoever gets the turn sends all that waits; the others find their
// work done.
func (l *link) submit(ctx context.Context, w *work) {
	l.mu.Lock()
	l.waiting = append(l.waiting, w)
	l.mu.Unlock()
	select {
	case <-w.done:
		return
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		if l.withdraw(w) {
			w.failAll(ctx.Err())
			return
		}
		<-w.done // it is in a request under way, which has a deadline
		return
	}
	l.mu.Lock()
	works := l.waiting
	l.waiting = nil
	l.mu.Unlock()
	if len(works) > 0 {
		l.send(ctx, works)
		for _, w := range works {
			close(w.done)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retired {
		l.hangUp()
	}
	<-l.turn // under the lock, so that retire finds the turn free or is seen here
}

// withdraw takes w out of what waits; false when it is under way.
func (l *link) withdraw(w *work) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.waiting {
		if l.waiting[i] == w {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// failAll gives err to every message of w.
func (w *work) failAll(err error) {
	for _, part := range w.own {
		for i := w.parts.first[part]; i != none; i = w.parts.next[i] {
			w.verdicts[i] = err
		}
	}
	w.failed = true
}

// queue is the messages of one partition that wait, of all works.
type queue struct {
	part  int32
	refs  []ref
	next  int // the first one whose verdict is open
	taken int // how many of them are in the request under way
	most  int // how many to send at once; less than all after a refusal
	err   error
	at    [2]int // the batch in out
}

// ref is one message of one work.
type ref struct {
	w *work
	i int32
}

func (r ref) message() *Message { return &r.w.messages[r.i] }

// gather makes the queues of works, by partition.
func gather(works []*work) []*queue {
	var queues []*queue
	byPart := map[int32]*queue{}
	for _, w := range works {
		for _, part := range w.own {
			q := byPart[part]
			if q == nil {
				q = &queue{part: part}
				byPart[part] = q
				queues = append(queues, q)
			}
			for i := w.parts.first[part]; i != none; i = w.parts.next[i] {
				q.refs = append(q.refs, ref{w, i})
			}
		}
	}
	for _, q := range queues {
		q.most = len(q.refs)
	}
	return queues
}

func (q *queue) open() bool { return q.err == nil && q.next < len(q.refs) }

// fail ends the queue: all that has no verdict yet gets err. What was not sent must not go before
// what was.
func (q *queue) fail(err error) {
	q.err = err
	for _, r := range q.refs[q.next:] {
		r.w.verdicts[r.i] = err
		r.w.failed = true
	}
}

// settle takes the request's messages as stored, or as refused for good where err is not nil.
func (q *queue) settle(err error) {
	for _, r := range q.refs[q.next : q.next+q.taken] {
		if err != nil {
			r.w.verdicts[r.i] = err
			r.w.refused = true
		}
	}
	q.next += q.taken
	q.taken = 0
	q.most = min(2*q.most, len(q.refs))
}

// send brings works to the broker, in as many requests as it takes, and sets all verdicts.
func (l *link) send(ctx context.Context, works []*work) {
	queues := gather(works)
	for {
		sent, err := l.request(ctx, queues)
		if len(sent) == 0 && err == nil {
			break
		}
		if err != nil {
			for _, q := range queues {
				if q.open() {
					q.fail(err)
				}
			}
			break
		}
	}
	l.pack.trim(bufferKeep)
	if cap(l.out) > bufferKeep {
		l.out = nil
	}
	clear(l.batch[:cap(l.batch)]) // the messages are not ours
}

// request sends the next batch of each queue that is open and settles what the broker says of it.
// An error is of the request as a whole. Nothing sent and no error: all is done.
func (l *link) request(ctx context.Context, queues []*queue) (sent []*queue, err error) {
	if err := l.ready(ctx, queues); err != nil {
		return nil, err
	}
	l.out = l.out[:0]
	size := 0
	for _, q := range queues {
		for q.open() && q.taken == 0 {
			n, err := l.take(q, size)
			if err != nil {
				return nil, err
			}
			if n == 0 {
				break // no room in this request
			}
			if q.taken > 0 {
				size += n
				sent = append(sent, q)
			}
		}
	}
	if len(sent) == 0 {
		return nil, nil
	}
	res, err := produceTo(ctx, l.conn, l.cfg.Topic, len(sent), l.out, l.cfg.Cluster.RequestTimeout)
	l.lookup.mark(l.addr, err == nil)
	if err != nil {
		l.conn = nil
		return nil, err
	}
	if res.ThrottleTimeMs > 0 {
		l.throttle = time.Now().Add(time.Duration(res.ThrottleTimeMs) * time.Millisecond)
	}
	l.judge(sent, res)
	return sent, nil
}

// ready has a connection to the broker, and waits as long as it asked us to.
func (l *link) ready(ctx context.Context, queues []*queue) error {
	open := false
	for _, q := range queues {
		open = open || q.open()
	}
	if !open {
		return nil
	}
	if l.addr == "" {
		return errNoLeader
	}
	if wait := time.Until(l.throttle); wait > 0 {
		t := time.NewTimer(min(wait, time.Minute))
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if l.conn != nil && !l.conn.usable(time.Now()) {
		l.hangUp()
	}
	if l.conn == nil {
		c, err := dial(ctx, &l.cfg.Cluster, l.addr)
		if err != nil {
			l.lookup.mark(l.addr, false)
			return err
		}
		l.conn = c
	}
	return nil
}

// take appends the next batch of q to the request, which holds size bytes so far, and returns its
// size before compression; 0 when there is no room. A message that can never fit is refused here,
// and nothing is taken.
func (l *link) take(q *queue, size int) (n int, err error) {
	limit := int(l.cfg.MaxBytes)
	l.batch = l.batch[:0]
	n = batchHeader
	for _, r := range q.refs[q.next:] {
		m := r.message()
		more := sizeOf(m)
		if len(l.batch) > 0 && (n+more > limit || len(l.batch) >= q.most) {
			break
		}
		n += more
		l.batch = append(l.batch, m)
	}
	if size > 0 && size+n > requestMax {
		return 0, nil
	}
	start := len(l.out)
	l.out = binary.BigEndian.AppendUint32(l.out, uint32(q.part))
	l.out = append(l.out, 0, 0, 0, 0) // the batch's length
	if l.out, err = l.pack.appendBatch(l.out, l.batch); err != nil {
		return 0, err
	}
	packed := len(l.out) - start - 8
	q.taken = len(l.batch)
	if packed > limit && q.taken == 1 {
		l.out = l.out[:start]
		q.settle(&RefusedError{fmt.Sprintf("the message has %d bytes as Kafka keeps it, more than max_message_bytes (%v)", packed, l.cfg.MaxBytes)})
		return n, nil
	}
	binary.BigEndian.PutUint32(l.out[start+4:], uint32(packed))
	q.at = [2]int{start, len(l.out)}
	return n, nil
}

// judge takes the broker's word on each partition of a request.
func (l *link) judge(sent []*queue, res *produce.Response) {
	answers := map[int32]*produce.ResponsePartition{}
	for i := range res.Topics {
		for j := range res.Topics[i].Partitions {
			p := &res.Topics[i].Partitions[j]
			answers[p.Partition] = p
		}
	}
	for _, q := range sent {
		p := answers[q.part]
		if p == nil {
			q.fail(fmt.Errorf("broker %s: said nothing on partition %d", l.addr, q.part))
			continue
		}
		if p.ErrorCode == 0 {
			q.settle(nil)
			continue
		}
		err := brokerError(p.ErrorCode, p.ErrorMessage)
		switch kafkago.Error(p.ErrorCode) {
		case kafkago.MessageSizeTooLarge, kafkago.RecordListTooLarge, kafkago.InvalidRecord:
			// The broker took nothing of the batch: it is halved until the one that is to blame stands alone.
			if q.taken > 1 {
				q.most, q.taken = q.taken/2, 0
				continue
			}
			q.settle(&RefusedError{fmt.Sprintf("topic %s refuses the message of %d bytes: %v", l.cfg.Topic, q.at[1]-q.at[0]-8, err)})
		default:
			q.fail(explainTopic(&l.cfg.Cluster, l.cfg.Topic, err))
		}
	}
}
