package receiver

import (
	"net/netip"
	"sync"
	"time"
)

// seldom lets one message a peer and minute through. However many peers there are, it remembers
// no more than maxSeldom of them a minute and is silent about the others.
type seldom struct {
	mu     sync.Mutex
	minute int64
	seen   map[netip.Addr]struct{}
}

const maxSeldom = 1024

func (s *seldom) allow(peer netip.Addr, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := now.Unix() / 60; m != s.minute || s.seen == nil {
		s.minute, s.seen = m, make(map[netip.Addr]struct{})
	}
	if _, ok := s.seen[peer]; ok || len(s.seen) >= maxSeldom {
		return false
	}
	s.seen[peer] = struct{}{}
	return true
}
