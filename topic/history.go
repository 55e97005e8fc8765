package topic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"vswarden/kafka"
	"vswarden/pipeline"
	"vswarden/retry"
)

// History is what the topic still holds, from a time on and up to its end as it is now.
type History struct {
	cfg   Config
	since time.Time
	lost  uint64
}

// NewHistory makes one; the zero time is the beginning.
func NewHistory(cfg Config, since time.Time) *History { return &History{cfg: cfg, since: since} }

// Lost is how many messages were dropped while they were read.
func (h *History) Lost() uint64 { return h.lost }

// Read gives every record, those of one partition in order. A record is valid until give returns.
func (h *History) Read(ctx context.Context, give func(*pipeline.Record) error) error {
	t := kafka.OpenTopic(h.cfg.Config, h.cfg.Topic)
	partitions, err := t.Partitions(ctx)
	if err != nil {
		return fmt.Errorf("topic %s: %w", h.cfg.Topic, err)
	}
	for p := range partitions {
		if err := h.partition(ctx, t, p, give); err != nil {
			return fmt.Errorf("topic %s, partition %d: %w", h.cfg.Topic, p, err)
		}
	}
	return nil
}

// attempts is how often a partition may fail in a row before a replay, which somebody waits for, ends.
const attempts = 5

func (h *History) partition(ctx context.Context, t *kafka.Topic, p int32, give func(*pipeline.Record) error) error {
	first, end, err := t.Span(ctx, p, h.since)
	if err != nil || first >= end {
		return err
	}
	r := t.Reader(p, first)
	defer r.Close()
	r.Until(end)
	var record pipeline.Record
	for failed := 0; ; {
		messages, err := r.Read(ctx)
		lost, gone := errors.AsType[*kafka.LostError](err)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case gone:
			h.lost += uint64(max(lost.To-lost.From, 0))
		case err != nil:
			if failed++; failed == attempts {
				return err
			}
			retry.Sleep(ctx, retryFirst<<failed)
			continue
		}
		failed = 0
		for i := range messages {
			fill(&record, h.cfg.Topic, p, &messages[i])
			if err := give(&record); err != nil {
				return err
			}
		}
	}
}
