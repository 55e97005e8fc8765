package topic

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"vswarden/kafka"
	"vswarden/pipeline"
	"vswarden/retry"
	"vswarden/spool"
)

// SourceConfig is all that a Source needs.
type SourceConfig struct {
	Config
	Sink   string // whose group it is a member of
	Newest bool   // a group without a place begins at the end of each partition
	// Lookback is how far back before its place the reading of a partition begins that has come to us: those records are
	// done, and say so (pipeline.Record.Past), for the delivery to know what stands before those that are not.
	Lookback time.Duration
	// Lost is told of messages that the topic no longer has, or has in a form that nobody can read. It may block until ctx ends.
	Lost func(ctx context.Context, lost *kafka.LostError)
}

// Source is a member of a sink's group, and the place of that sink in the topic. Positions number
// what it has read since it was made; a position says nothing after that.
type Source struct {
	cfg     SourceConfig
	group   *kafka.Group
	feed    chan fetched
	closing chan struct{}
	closed  sync.Once

	rest    fetched                 // of the goroutine that calls Next: not given yet
	buffers map[*spool.Chunk][]byte // likewise: the memory of each chunk

	mu        sync.Mutex // guards what follows
	seq       uint64     // of the session under way; what was fetched in another one is not given
	session   *kafka.Session
	parts     map[int32]*part
	spans     []span // given and not known to be done, by position
	next      spool.Position
	mark      spool.Position // all up to here is done
	committed spool.Position // of this, nothing is left to tell the group
	expired   uint64
	damaged   uint64
	trouble   string // of the last commit
	losses    []*kafka.LostError
	lossKick  chan struct{}
	past      uint64          // given for what follows alone
	seen      map[int32]int64 // by partition: offset behind all that was given of it, whoever has it now
}

// part is a partition while it is ours. One that went to others and came back is another part.
type part struct {
	number    int32
	fresh     bool  // it has just come to us
	from      int64 // offset at which it came: what lies before is done
	next      int64 // offset of the first message that was not given
	done      int64 // offset up to which all is done
	committed int64 // what the group knows of this
	end       atomic.Int64
	trouble   string
}

// span is what one chunk gave of a partition.
type span struct {
	last  spool.Position
	part  *part
	after int64  // offset behind it
	past  uint64 // how many it gave, where they are done
}

// fetched is what a reader got: messages of a partition, or the news that some are lost.
type fetched struct {
	seq      uint64
	part     *part
	past     bool // of messages that are done
	messages []kafka.Stored
	lost     *kafka.LostError
}

var _ pipeline.Cursor = (*Source)(nil)

// Bounds of a Source. A chunk is about as large as one of the log's.
const (
	chunkBytes   = 256 << 10
	chunkRecords = 2000
	drainMost    = 3 * time.Second // how long partitions are kept so that what was read from them gets done
	commitMost   = 10 * time.Second
	retryFirst   = 100 * time.Millisecond
	retryMost    = 3 * time.Second
)

// NewSource makes a Source; Run does its work.
func NewSource(cfg SourceConfig) *Source {
	return &Source{
		cfg: cfg, group: kafka.NewGroup(cfg.group(cfg.Sink, cfg.Newest)),
		feed: make(chan fetched), closing: make(chan struct{}),
		buffers: map[*spool.Chunk][]byte{}, parts: map[int32]*part{}, seen: map[int32]int64{}, next: 1, lossKick: make(chan struct{}, 1),
	}
}

// Run is a member of the group until ctx ends. CloseRead goes before that, and the end of the
// delivery: while Run runs, what it did is committed.
func (s *Source) Run(ctx context.Context) error {
	var reports sync.WaitGroup
	reports.Go(func() { s.report(ctx) })
	defer reports.Wait()
	return s.group.Run(ctx, s.serve)
}

// CloseRead makes Next return io.EOF: nothing more is given.
func (s *Source) CloseRead() { s.closed.Do(func() { close(s.closing) }) }

func (s *Source) isClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// serve reads the partitions of a session until it ends. What it read and gave away is then waited
// for, not for long: who has the partitions next begins at what was committed.
func (s *Source) serve(ctx context.Context, session *kafka.Session) error {
	seq, parts := s.begin(session)
	var readers sync.WaitGroup
	for _, p := range parts {
		readers.Go(func() { s.read(ctx, session, seq, p) })
	}
	<-ctx.Done()
	readers.Wait()
	s.mu.Lock()
	s.seq++ // what Next has left of this session is read again
	s.mu.Unlock()
	for end := time.Now().Add(drainMost); time.Now().Before(end) && !s.isClosing() && !s.drained(); {
		time.Sleep(10 * time.Millisecond)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session = nil
	return nil
}

// begin takes over what a session has. A partition that we had before goes on where we are: nobody
// else committed anything since.
func (s *Source) begin(session *kafka.Session) (seq uint64, parts []*part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	had := s.parts
	s.parts = map[int32]*part{}
	for _, c := range session.Claims {
		p := had[c.Partition]
		if p == nil || p.committed != c.Offset {
			p = &part{number: c.Partition, fresh: true, from: c.Offset, next: c.Offset, done: c.Offset, committed: c.Offset}
		}
		p.trouble = ""
		s.parts[c.Partition] = p
		parts = append(parts, p)
	}
	s.seq++
	s.session = session
	return s.seq, parts
}

// drained says whether all that was given of the session's partitions is done and committed.
func (s *Source) drained() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.ContainsFunc(s.spans, func(sp span) bool { return sp.past == 0 && s.parts[sp.part.number] == sp.part }) && len(s.pendingLocked()) == 0
}

// read brings the messages of one partition to Next.
func (s *Source) read(ctx context.Context, session *kafka.Session, seq uint64, p *part) {
	r := session.Reader(kafka.Claim{Partition: p.number, Offset: p.next})
	defer r.Close()
	if p.fresh && s.cfg.Lookback > 0 {
		_ = r.Back(ctx, s.cfg.Lookback, s.seenOf(p)) // whatever keeps it from that keeps Read from reading, which tells
	}
	p.fresh = p.fresh && ctx.Err() != nil
	wait := retryFirst
	for ctx.Err() == nil {
		messages, err := r.Read(ctx)
		past, f := fetched{seq: seq, part: p, past: true}, fetched{seq: seq, part: p, messages: messages}
		if lost, ok := errors.AsType[*kafka.LostError](err); ok {
			again := lost.To < lost.From // the topic was made anew
			if again {
				p.from = lost.To
			}
			if err = nil; lost.To <= p.from && !again {
				continue // it was done
			}
			if !again {
				lost.From = max(lost.From, p.from)
			}
			f.lost = lost
		}
		if err != nil {
			if ctx.Err() == nil {
				s.setTrouble(p, err.Error())
			}
			retry.Sleep(ctx, wait)
			wait = min(2*wait, retryMost)
			continue
		}
		s.setTrouble(p, "")
		p.end.Store(r.End())
		wait = retryFirst
		n := 0
		for n < len(messages) && messages[n].Offset < p.from {
			n++
		}
		past.messages, f.messages = messages[:n], messages[n:]
		if n > 0 && !s.hand(ctx, past) || (n < len(messages) || f.lost != nil) && !s.hand(ctx, f) {
			return
		}
	}
}

// hand gives what was fetched to Next; false when nobody will take it.
func (s *Source) hand(ctx context.Context, f fetched) bool {
	select {
	case s.feed <- f:
		return true
	case <-ctx.Done():
	case <-s.closing:
	}
	return false
}

// seenOf is the offset behind all that was given of a partition.
func (s *Source) seenOf(p *part) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[p.number]
}

func (s *Source) setTrouble(p *part, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.trouble = why
}

// Next fills ch with messages of one partition, as records; io.EOF after CloseRead.
func (s *Source) Next(ctx context.Context, ch *spool.Chunk) error {
	for {
		if len(s.rest.messages) == 0 {
			select {
			case s.rest = <-s.feed:
			case <-ctx.Done():
				return ctx.Err()
			case <-s.closing:
				return io.EOF
			}
		}
		f := s.rest
		n := s.fillChunk(ch, &f)
		s.rest.messages = f.messages[n:]
		if s.give(ch, &f, n) {
			return nil
		}
	}
}

// fillChunk makes records of as many messages of f as a chunk takes, and returns how many.
func (s *Source) fillChunk(ch *spool.Chunk, f *fetched) (n int) {
	ch.First, ch.Epoch, ch.Skipped, ch.Records = 0, 0, 0, ch.Records[:0]
	buf := s.buffers[ch][:0]
	size := 0
	for n < len(f.messages) && n < chunkRecords && (n == 0 || size < chunkBytes) {
		m := &f.messages[n]
		size += len(m.Value) + keptMost(m)
		n++
	}
	if cap(buf) < size || cap(buf) > 4*max(size, chunkBytes) {
		buf = make([]byte, 0, max(size, chunkBytes))
	}
	var r pipeline.Record
	for i := range n {
		fill(&r, s.cfg.Topic, f.part.number, &f.messages[i])
		r.Past = f.past
		from := len(buf)
		buf = pipeline.AppendKept(buf, &r)
		ch.Records = append(ch.Records, buf[from:len(buf):len(buf)])
	}
	s.buffers[ch] = buf
	return n
}

// keptMost bounds what a message takes beside its value as a record: its words, and what has a fixed
// length in pipeline.AppendKept.
func keptMost(m *kafka.Stored) int {
	n := 128 + len(m.Key)
	for i := range m.Headers {
		n += len(m.Headers[i].Value)
	}
	return n
}

// give numbers the first n messages of f, which are in ch; false when there is nothing to give,
// because the session they are of is over or there is only a loss to note.
func (s *Source) give(ch *spool.Chunk, f *fetched, n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.seq != s.seq {
		s.rest = fetched{}
		return false
	}
	if f.lost != nil { // told here: where the session ended before, the next one finds it again
		s.noteLoss(f.lost)
		f.part.next = f.lost.To
		s.spans = append(s.spans, span{last: s.next - 1, part: f.part, after: f.lost.To})
		if f.lost.To < f.lost.From {
			delete(s.seen, f.part.number)
		}
		return false
	}
	ch.First = s.next
	s.next += spool.Position(n)
	after := f.messages[n-1].Offset + 1
	s.seen[f.part.number] = max(s.seen[f.part.number], after)
	if f.past {
		s.past += uint64(n)
		s.spans = append(s.spans, span{last: s.next - 1, part: f.part, past: uint64(n)})
		return true
	}
	f.part.next = after
	s.spans = append(s.spans, span{last: s.next - 1, part: f.part, after: after})
	return true
}
