package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"sync"

	"github.com/rs/zerolog"

	"vswarden/event"
	"vswarden/receiver"
	"vswarden/sink"
	"vswarden/sink/deadletter"
	"vswarden/spool"
)

// fakeCursor gives the records it was made with, some a chunk, and remembers commits.
type fakeCursor struct {
	records   [][]byte
	perChunk  int
	skipFirst uint64
	open      bool // more may come: block at the end instead of io.EOF
	next      int

	mu        sync.Mutex
	commits   []spool.Position
	onCommit  func(spool.Position)
	commitErr error
}

func (c *fakeCursor) Next(ctx context.Context, ch *spool.Chunk) error {
	if c.next == len(c.records) {
		if c.open {
			<-ctx.Done()
			return ctx.Err()
		}
		return io.EOF
	}
	n := min(c.perChunk, len(c.records)-c.next)
	ch.First, ch.Epoch, ch.Skipped = spool.Position(c.next+1), 7, c.skipFirst
	c.skipFirst = 0
	ch.Records = ch.Records[:0]
	for _, r := range c.records[c.next : c.next+n] {
		ch.Records = append(ch.Records, slices.Clone(r))
	}
	c.next += n
	return nil
}

func (c *fakeCursor) Commit(p spool.Position) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.commitErr != nil {
		return c.commitErr
	}
	if c.onCommit != nil {
		c.onCommit(p)
	}
	c.commits = append(c.commits, p)
	return nil
}

func (c *fakeCursor) Committed() spool.Position {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.commits) == 0 {
		return 0
	}
	return c.commits[len(c.commits)-1]
}

// doneMark is the place of a cursor up to which all is done.
type doneMark struct {
	mu        sync.Mutex
	committed spool.Position
}

func (m *doneMark) Commit(p spool.Position) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.committed = max(m.committed, p)
	return nil
}

func (m *doneMark) Committed() spool.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.committed
}

// fakeSink remembers what it got; write decides what it says.
type fakeSink struct {
	mu    sync.Mutex
	got   []sink.Record
	calls int
	write func(call int, batch []sink.Record) error
	sync  func() error
}

func (s *fakeSink) Write(_ context.Context, batch []sink.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	var err error
	if s.write != nil {
		err = s.write(s.calls, batch)
	}
	var verdicts sink.Errors
	for i, r := range batch {
		if err == nil || errors.As(err, &verdicts) && verdicts[i] == nil {
			r.Value = slices.Clone(r.Value)
			s.got = append(s.got, r)
		}
	}
	return err
}

func (s *fakeSink) Sync(context.Context) error {
	if s.sync != nil {
		return s.sync()
	}
	return nil
}

func (s *fakeSink) Close() error { return nil }

// letters remembers dead letters.
type letters struct {
	mu   sync.Mutex
	got  []deadletter.Letter
	fail int // how many writes to refuse first
}

func (l *letters) Write(_ context.Context, d deadletter.Letter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail > 0 {
		l.fail--
		return errors.New("no room")
	}
	d.Original = slices.Clone(d.Original)
	l.got = append(l.got, d)
	return nil
}

func (l *letters) Sync(context.Context) error { return nil }

func frameRecord(peer string, data string) []byte {
	f := receiver.Frame{
		Origin: &receiver.Origin{Peer: netip.MustParseAddrPort(peer), Transport: receiver.TCP, Listener: 3}, Framing: receiver.LF,
	}
	return append(appendFrameHeader(nil, &f, 1_700_000_000_000_000_000), data...)
}

func line(host string, n int) string {
	return fmt.Sprintf("<14>2023-11-14T22:13:20.000Z %s app: n=%d", host, n)
}

func delivery(c Cursor, s sink.Sink, l DeadLetters, change func(*DeliveryConfig)) *Delivery {
	cfg := DeliveryConfig{
		Name: "test", Cursor: c, Sink: s, Dead: l, Format: FormatECS, Detail: event.DetailCompact,
		Original: event.OriginalNone, Lanes: 4, Log: zerolog.Nop(),
	}
	if change != nil {
		change(&cfg)
	}
	return NewDelivery(cfg)
}
