package topic

import (
	"context"
	"errors"
	"slices"

	"vswarden/kafka"
	"vswarden/spool"
)

// Commit says that all up to p is done, and tells the group so. That the group cannot be told is no
// error: Committed then stays behind, and the delivery says it again.
func (s *Source) Commit(p spool.Position) error {
	s.mu.Lock()
	s.mark = max(s.mark, p)
	n := 0
	for ; n < len(s.spans) && s.spans[n].last <= s.mark; n++ {
		if s.spans[n].past == 0 {
			s.spans[n].part.done = s.spans[n].after
		}
	}
	s.spans = slices.Delete(s.spans, 0, n)
	pending, session, mark := s.pendingLocked(), s.session, s.mark
	if len(pending) == 0 {
		s.committed = mark
	}
	s.mu.Unlock()
	if len(pending) == 0 || session == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitMost)
	defer cancel()
	err := session.Commit(ctx, pending)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = ""
	switch {
	case errors.Is(err, kafka.ErrStale): // the next session says from where
	case err != nil:
		s.trouble = "commit: " + err.Error()
	default:
		for _, c := range pending {
			if p := s.parts[c.Partition]; p != nil && s.session == session {
				p.committed = c.Offset
			}
		}
		if s.session == session {
			s.committed = mark
		}
	}
	return nil
}

// pendingLocked is what the group has not been told.
func (s *Source) pendingLocked() (all []kafka.Claim) {
	for _, p := range s.parts {
		if p.done != p.committed {
			all = append(all, kafka.Claim{Partition: p.number, Offset: p.done})
		}
	}
	return all
}

// Committed is the position up to which the group knows that all is done.
func (s *Source) Committed() spool.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.committed
}

// Consumed is how many messages were read for the sink; those that were lost before count, and not those that
// were read again for what follows them.
func (s *Source) Consumed() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(s.next-1) - s.past + s.expired + s.damaged
}

// Backlog is how many of them are not done, or not known by the group to be.
func (s *Source) Backlog() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := uint64(s.next - 1 - s.committed)
	for i := range s.spans {
		n -= min(s.spans[i].past, uint64(s.spans[i].last-s.committed))
	}
	return n
}

// After is how many messages were read after position p.
func (s *Source) After(p spool.Position) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(max(s.next, p+1) - 1 - p)
}

// Expired is how many messages the topic no longer had when they were to be read.
func (s *Source) Expired() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.expired
}

// Damaged is how many messages the topic had in a form that nobody can read.
func (s *Source) Damaged() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.damaged
}

// Partitions is how many partitions this node has at the moment.
func (s *Source) Partitions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session == nil {
		return 0
	}
	return len(s.parts)
}

// Behind is how many messages of these partitions were not read yet, as far as brokers said.
func (s *Source) Behind() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.parts {
		n += max(p.end.Load()-p.next, 0)
	}
	return n
}

// Failing says why the node is no member of the group, cannot read a partition, or cannot commit;
// "" while it can.
func (s *Source) Failing() string {
	if why := s.group.Failing(); why != "" {
		return why
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	first := int32(-1)
	for n, p := range s.parts {
		if p.trouble != "" && (first < 0 || n < first) {
			first = n
		}
	}
	if first >= 0 {
		return s.parts[first].trouble
	}
	return s.trouble
}

// noteLoss counts messages that are gone and has them reported. The caller holds mu.
func (s *Source) noteLoss(l *kafka.LostError) {
	if n := uint64(max(l.To-l.From, 0)); l.Damage != nil {
		s.damaged += n
	} else {
		s.expired += n
	}
	s.losses = append(s.losses, l)
	select {
	case s.lossKick <- struct{}{}:
	default: // it is awake
	}
}

// report tells of losses, one after the other, until ctx ends.
func (s *Source) report(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.lossKick:
		}
		s.mu.Lock()
		losses := s.losses
		s.losses = nil
		s.mu.Unlock()
		for _, l := range losses {
			s.cfg.Lost(ctx, l)
		}
	}
}
