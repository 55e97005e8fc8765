package app

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"vswarden/event"
	"vswarden/pipeline"
	"vswarden/spool"
)

// What was read of the past before it could not be read any further is played, and the error is told.
func TestReplayPlaysWhatWasReadBeforeAnError(t *testing.T) {
	torn := errors.New("torn")
	p := newPlayer(time.Time{}, time.Time{})
	failed := make(chan error, 1)
	go func() {
		failed <- p.run(t.Context(), func(_ context.Context, give func(*pipeline.Record) error) error {
			return errors.Join(give(&pipeline.Record{ID: event.NewID(1, 1), Data: []byte("x")}), torn)
		})
	}()
	var ch spool.Chunk
	if err := p.Next(t.Context(), &ch); err != nil || len(ch.Records) != 1 {
		t.Errorf("%d records, %v", len(ch.Records), err)
	}
	if err := p.Next(t.Context(), &ch); !errors.Is(err, io.EOF) {
		t.Errorf("then %v", err)
	}
	if err := <-failed; !errors.Is(err, torn) {
		t.Errorf("told %v", err)
	}
}

// Messages that a topic drops under a replay were once passed over without a word.
func TestReplayTellsOfMessagesThatTheTopicDropped(t *testing.T) {
	if err := forgotten(3); !errors.Is(err, ErrUndelivered) {
		t.Errorf("3 messages: %v", err)
	}
	if err := forgotten(0); err != nil {
		t.Errorf("none: %v", err)
	}
}
