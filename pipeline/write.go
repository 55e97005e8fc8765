package pipeline

import (
	"context"
	"errors"
	"fmt"

	"vswarden/event"
	"vswarden/retry"
	"vswarden/sink"
	"vswarden/sink/deadletter"
)

// write is the one retry loop of vswarden: it returns true when every event of the batch is
// delivered or dead-lettered, false when ctx ended before that.
func (l *lane) write(ctx context.Context, c *chunk) bool {
	d, batch := l.d, l.batch
	for attempt := 0; ; attempt++ {
		err := d.cfg.Sink.Write(ctx, batch)
		if err == nil {
			d.Stats.delivered(batch)
			d.works(writing)
			return true
		}
		var verdicts sink.Errors
		switch {
		case errors.As(err, &verdicts) && len(verdicts) == len(batch):
			if batch, err = l.sort(ctx, c, batch, verdicts); len(batch) == 0 {
				if err == nil {
					d.works(writing)
				}
				return err == nil
			}
		case sink.IsPermanent(err):
			for i := range batch {
				if !d.bury(ctx, l.refused(c, &batch[i], err)) {
					return false
				}
			}
			d.works(writing)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		d.fail(writing, err)
		d.Stats.Retries.Add(1)
		if !retry.Sleep(ctx, retry.After(attempt, retryFirst, retryMost)) {
			return false
		}
	}
}

// sort counts what verdicts say was delivered, buries what was refused for good, and returns
// what has to be tried again with the reason. An error with nothing left means that ctx ended.
func (l *lane) sort(ctx context.Context, c *chunk, batch []sink.Record, verdicts sink.Errors) (left []sink.Record, err error) {
	var again error
	done := make([]sink.Record, 0, len(batch)) // not the hot path: the sink refused something
	for i, v := range verdicts {
		switch {
		case v == nil:
			done = append(done, batch[i])
		case sink.IsPermanent(v):
			if !l.d.bury(ctx, l.refused(c, &batch[i], v)) {
				return nil, ctx.Err()
			}
		default:
			left, again = append(left, batch[i]), v
		}
	}
	l.d.Stats.delivered(done)
	return left, again
}

// bury writes a dead letter, again and again until it is kept or ctx ends (false).
func (d *Delivery) bury(ctx context.Context, letter deadletter.Letter) bool {
	for attempt := 0; ; attempt++ {
		err := d.cfg.Dead.Write(ctx, letter)
		if err == nil {
			d.Stats.dead(letter.Reason)
			d.mourn(letter.Reason, letter.Err)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		d.fail(writing, fmt.Errorf("write dead letter: %w", err))
		if !retry.Sleep(ctx, retry.After(attempt, retryFirst, retryMost)) {
			return false
		}
	}
}

// letter is the dead letter of what could not be decoded or encoded.
func letter(id event.ID, received int64, frame []byte, err error) deadletter.Letter {
	l := deadletter.Letter{ID: id, Received: received, Reason: DeadRecord, Err: err, Original: frame}
	if p, ok := errors.AsType[*panicError](err); ok {
		l.Reason, l.Stack = DeadPanic, p.stack
	}
	return l
}

// refused is the dead letter of an event that the sink will never take: its record is found again
// by its number, so that the letter holds the frame and not our rendering of it.
func (l *lane) refused(c *chunk, rec *sink.Record, err error) deadletter.Letter {
	letter := deadletter.Letter{ID: rec.ID, Received: rec.Received, Reason: DeadPermanent, Err: err, Original: rec.Value}
	for _, it := range l.spent {
		if it.Event.ID == rec.ID {
			letter.Original = it.Frames()
			return letter
		}
	}
	for i := 0; c != nil && i < len(c.records); i++ {
		if c.lanes[i] == l.index && c.id(i) == rec.ID {
			letter.Original = c.records[i].Data
			break
		}
	}
	return letter
}

type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }
