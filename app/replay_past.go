package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"vswarden/event"
	"vswarden/pipeline"
	"vswarden/spool"
	"vswarden/topic"
)

// player is the cursor of a replay: it gives the records that run reads, and its place is nobody's.
type player struct {
	since, until int64 // Unix nanoseconds
	batches      chan [][]byte
	batch        [][]byte // being filled
	buf          []byte   // its memory
	given        uint64   // records; with the two below for whoever waited for run
	outside      uint64   // of those read, not between since and until
	damaged      uint64
	next         spool.Position

	mu        sync.Mutex
	committed spool.Position
}

var _ pipeline.Cursor = (*player)(nil)

func newPlayer(since, until time.Time) *player {
	p := &player{since: math.MinInt64, until: math.MaxInt64, batches: make(chan [][]byte), next: 1}
	if !since.IsZero() {
		p.since = since.UnixNano()
	}
	if !until.IsZero() {
		p.until = until.UnixNano()
	}
	return p
}

// playBatch is about how many bytes go to the delivery at once.
const playBatch = 256 << 10

// run reads the past to its end; the cursor then ends too. What was read before an error is given all the same.
func (p *player) run(ctx context.Context, read past) error {
	defer close(p.batches)
	err := read(ctx, func(r *pipeline.Record) error { return p.give(ctx, r) })
	return errors.Join(err, p.flush(ctx))
}

// give takes one record; without an ID it is a damaged one, or several.
func (p *player) give(ctx context.Context, r *pipeline.Record) error {
	if r.ID == (event.ID{}) {
		p.damaged++
		return nil
	}
	if r.Received < p.since || r.Received >= p.until {
		p.outside++
		return nil
	}
	from := len(p.buf)
	p.buf = pipeline.AppendKept(p.buf, r)
	p.batch = append(p.batch, p.buf[from:len(p.buf):len(p.buf)])
	p.given++
	if len(p.buf) < playBatch {
		return nil
	}
	return p.flush(ctx)
}

func (p *player) flush(ctx context.Context) error {
	if len(p.batch) == 0 {
		return nil
	}
	select {
	case p.batches <- p.batch:
	case <-ctx.Done():
		return ctx.Err()
	}
	p.batch, p.buf = nil, make([]byte, 0, playBatch+playBatch/4) // the delivery has the last one
	return nil
}

// Next gives the next batch.
func (p *player) Next(ctx context.Context, ch *spool.Chunk) error {
	select {
	case batch, ok := <-p.batches:
		if !ok {
			return io.EOF
		}
		ch.First, ch.Epoch, ch.Skipped, ch.Records = p.next, 0, 0, batch
		p.next += spool.Position(len(batch))
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Commit remembers p, so that it is not said again.
func (p *player) Commit(at spool.Position) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.committed = at
	return nil
}

// Committed is what was committed last.
func (p *player) Committed() spool.Position {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.committed
}

// pastTopic is the raw topic.
func pastTopic(h *topic.History) past {
	return func(ctx context.Context, give func(*pipeline.Record) error) error {
		return errors.Join(h.Read(ctx, give), forgotten(h.Lost()))
	}
}

// forgotten is what to say of messages that the topic dropped while it was read; nil for none.
func forgotten(n uint64) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%w: the topic dropped %d messages before they were read; make its retention longer, or begin later", ErrUndelivered, n)
}

// pastLog is the record log.
type pastLog struct {
	*spool.Log
	log zerolog.Logger
}

func (l pastLog) read(ctx context.Context, give func(*pipeline.Record) error) (err error) {
	h := l.History()
	defer func() { err = errors.Join(err, h.Close()) }()
	var ch spool.Chunk
	var r pipeline.Record
	for {
		err := h.Next(ctx, &ch)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the log: %w", err)
		}
		for range ch.Skipped {
			if err := give(&pipeline.Record{}); err != nil {
				return err
			}
		}
		reportDamage(l.log, l.Log)
		for i, b := range ch.Records {
			if err := r.Decode(b); err != nil {
				r = pipeline.Record{} // counted as damaged
			} else if r.ID == (event.ID{}) {
				r.ID = event.NewID(ch.Epoch, uint64(ch.First)+uint64(i))
			}
			if err := give(&r); err != nil {
				return err
			}
		}
	}
}
