package pipeline

import (
	"context"
	"errors"

	"vswarden/event"
	"vswarden/retry"
	"vswarden/sink"
)

// emitTopic writes an event of our own to the raw topic, from where it comes back to the sinks of
// every node like any other record. It tries until the topic has it or ctx ends.
func (in *Intake) emitTopic(ctx context.Context, e *event.Event) error {
	in.mu.Lock()
	in.settle(e)
	batch := []sink.Record{{
		ID: e.ID, Key: ownEventKey, Dataset: e.Dataset, Received: e.Received, Frame: &sink.Frame{Own: true},
		Value: e.AppendJSON(nil, event.DetailFull, event.OriginalNone), // not the hot path: we state little
	}}
	in.mu.Unlock()
	for attempt := 0; ; attempt++ {
		err := in.cfg.Topic.Write(ctx, batch)
		if verdicts, ok := errors.AsType[sink.Errors](err); ok && len(verdicts) == 1 {
			err = verdicts[0]
		}
		switch {
		case err == nil:
			in.emitted.Add(1)
			in.failing.Store(nil)
			return nil
		case sink.IsPermanent(err):
			if attempt > 0 { // what this event waited for is over, and nothing else may come for long
				in.failing.Store(nil)
			}
			return err
		}
		why := err.Error()
		in.failing.Store(&why)
		if !retry.Sleep(ctx, retry.After(attempt, retryFirst, retryMost)) {
			return errors.Join(ctx.Err(), err)
		}
	}
}

// Failing returns why events of our own cannot be brought to the raw topic at the moment, or "".
func (in *Intake) Failing() string {
	if p := in.failing.Load(); p != nil {
		return *p
	}
	return ""
}
