package spool

import (
	"context"
	"fmt"
)

// History reads all that a log still holds, whether it was delivered or not. It is nobody's place and
// keeps nothing back, so no Run goes on beside it.
type History struct{ c *Cursor }

// History returns one that begins with the oldest record. After CloseWrite its Next ends with io.EOF.
func (l *Log) History() *History {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &History{&Cursor{log: l, wake: make(chan struct{}, 1), next: l.oldestLocked()}}
}

// Next fills ch as Cursor.Next does.
func (h *History) Next(ctx context.Context, ch *Chunk) error { return h.c.Next(ctx, ch) }

// Close closes the segment that is open.
func (h *History) Close() error {
	err := h.c.reader.close()
	h.c.reader = nil
	if err != nil {
		return fmt.Errorf("close a segment: %w", err)
	}
	return nil
}
