package kafka

import (
	"context"
	"time"
)

// Topic is a topic to read without a group: whoever reads keeps its own place.
type Topic struct {
	cfg    Config
	lookup *lookup
}

// OpenTopic makes one. It connects when it is first used. The config is valid.
func OpenTopic(cluster Config, name string) *Topic {
	t := &Topic{cfg: cluster}
	t.lookup = newLookup(&t.cfg, name, toRead)
	return t
}

// Partitions asks how many partitions the topic has.
func (t *Topic) Partitions(ctx context.Context) (int32, error) {
	view, err := t.lookup.fresh(ctx)
	if err != nil {
		return 0, err
	}
	return int32(len(view.leaders)), nil
}

// Span asks which offsets of a partition hold messages with stamps from since on: the first one and
// the one after the last, as it is now. The zero time is the beginning. Stamps may be out of order:
// what lies behind first may be older than since.
func (t *Topic) Span(ctx context.Context, partition int32, since time.Time) (first, end int64, err error) {
	r := t.Reader(partition, 0)
	defer r.Close()
	at := int64(earliest)
	if !since.IsZero() {
		at = since.UnixMilli()
	}
	if first, err = r.offset(ctx, at); err != nil {
		return 0, 0, err
	}
	end, err = r.offset(ctx, latest)
	return first, max(first, end), err
}

// Reader returns a reader of a partition from an offset on; the caller closes it.
func (t *Topic) Reader(partition int32, from int64) *Reader {
	return newReader(&t.cfg, t.lookup, partition, from)
}
