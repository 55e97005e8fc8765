package receiver

import (
	"context"
	"crypto/tls"
	"slices"
	"sync"
	"time"
)

// begin reads what stands before the first frame: a PROXY header, a TLS handshake. When it returns
// false the connection has come to its end, which is counted.
func (s *stream) begin(ctx context.Context) bool {
	p := s.l.policy.Load()
	if p.cfg.ProxyProtocol && !s.beginProxy(p) {
		return false
	}
	ok := true
	if s.l.proto == TLS {
		ok = s.beginTLS(ctx, p)
	}
	s.last, s.expired = time.Now(), true
	return ok
}

// arm ends reading and writing d from now; 0 is never.
func (s *stream) arm(d time.Duration) {
	var at time.Time
	if d > 0 {
		at = time.Now().Add(d)
	}
	_ = s.conn.SetDeadline(at) // if the connection is closed the read says so too
	s.obeyStop()
}

// readAhead puts a feed before the socket.
func (s *stream) readAhead() *feed {
	if s.ahead == nil {
		s.ahead = &feed{Conn: s.conn}
		s.src = s.ahead
	}
	return s.ahead
}

// beginProxy takes a PROXY header off, if there is one.
func (s *stream) beginProxy(p *policy) bool {
	ahead := s.readAhead()
	s.arm(p.cfg.FirstByteTimeout)
	for first := true; ; first = false {
		b, err := ahead.peek(proxyPeek)
		h, v, bad := parseProxy(b)
		switch {
		case v == yes:
			return s.believe(p, h, bad)
		case v == no:
			return true
		case err != nil && len(b) == 0:
			s.l.stats.Closed[s.silentEnd(err)].Add(1)
			return false
		case err != nil: // half a header, or a line that begins like one
			s.refuse(ProxyMalformed)
			return false
		}
		if first {
			s.arm(p.cfg.TLS.HandshakeTimeout)
		}
	}
}

// believe makes the address in h the peer.
func (s *stream) believe(p *policy, h proxyHeader, bad error) bool {
	relay := s.origin.Peer.Addr()
	switch {
	case !p.relays.contain(relay):
		s.refuse(ProxyNotAllowed)
	case bad != nil, s.ahead.discard(h.size) != nil:
		s.refuse(ProxyMalformed)
	case !h.source.IsValid(): // the proxy's own connection, or it does not say
		return true
	case !p.allowsOrigin(h.source.Addr()):
		s.refuse(NotAllowed)
	case !s.l.streams.move(s, h.source, p.cfg.MaxConnectionsPerPeer):
		s.refuse(PeerLimit)
	default:
		s.origin.Relay = relay.String()
		return true
	}
	return false
}

// refuse counts and logs why the connection is not read.
func (s *stream) refuse(r Refusal) {
	s.l.stats.Refused[r].Add(1)
	if s.l.seldom.allow(s.origin.Peer.Addr(), time.Now()) {
		s.l.log.Warn().Stringer("peer", s.origin.Peer).Stringer("reason", r).Msg("connection refused")
	}
}

// beginTLS shakes hands, or finds out that the sender speaks plain text and may.
func (s *stream) beginTLS(ctx context.Context, p *policy) bool {
	ahead := s.readAhead()
	if ahead.r == ahead.w {
		if p.cfg.TLS.Plain {
			s.arm(p.cfg.FirstByteTimeout)
		} else {
			s.arm(p.cfg.TLS.HandshakeTimeout)
		}
		// A connection without a byte takes no place among the handshakes.
		if b, err := ahead.peek(1); len(b) == 0 {
			s.l.stats.Closed[s.silentEnd(err)].Add(1)
			return false
		}
		p = s.l.policy.Load() // it may have waited long
	}
	if p.cfg.TLS.Plain && ahead.buf[ahead.r] != tlsHandshake {
		s.origin.Transport = TCP
		return true
	}
	s.arm(p.cfg.TLS.HandshakeTimeout)
	conn := tls.Server(ahead, p.tls)
	place := s.l.handshakes.enter(ctx, s, p.cfg.TLS)
	if place == nil {
		s.refuseTLS(HandshakeOverload, nil)
		return false
	}
	ahead.watch = true
	err := conn.Handshake()
	ahead.watch = false
	stalled := s.l.handshakes.leave(place)
	switch {
	case err == nil:
	case stalled:
		s.refuseTLS(HandshakeStalled, err)
		return false
	case s.dismissed.Load() != 0, s.l.streams.stopAt.Load() != 0:
		s.l.stats.Closed[s.silentEnd(err)].Add(1)
		return false
	default:
		err = plainAlert(ahead.tail, err)
		s.refuseTLS(handshakeFault(err), err)
		return false
	}
	s.arm(0)
	ahead.grow(feedBuffer)
	ahead.patient = writeTime
	s.src = &tlsStream{Conn: conn, feed: ahead}
	s.origin.TLSPeer = peerName(conn.ConnectionState())
	s.l.stats.Handshakes.Add(1)
	return true
}

// silentEnd is why a connection ended before it could be read.
func (s *stream) silentEnd(err error) CloseReason {
	if why, ended := s.ended(time.Now(), err); ended {
		return why
	}
	return NoFirstByte
}

// refuseTLS counts and logs why a handshake came to nothing.
func (s *stream) refuseTLS(f HandshakeFault, err error) {
	s.l.stats.HandshakeFaults[f].Add(1)
	if !s.l.seldom.allow(s.origin.Peer.Addr(), time.Now()) {
		return
	}
	e := s.l.log.Warn().Stringer("peer", s.origin.Peer).Stringer("reason", f).Err(err)
	if cure := f.cure(); cure != "" {
		e = e.Str("cure", cure)
	}
	e.Msg("TLS handshake refused")
}

// handshakes are those in progress, the oldest first.
type handshakes struct {
	mu      sync.Mutex
	running []*handshake
}

type handshake struct {
	stream  *stream
	since   time.Time
	stalled bool // another one took its place
}

// A handshake that takes this long while others wait is the sender's fault: with max_handshakes
// going on, our own part of all of them takes less.
const stallTime = 500 * time.Millisecond

// enter waits for a place, not longer than a handshake may take, and returns nil if there is none.
func (hs *handshakes) enter(ctx context.Context, s *stream, cfg TLSConfig) *handshake {
	for end := time.Now().Add(cfg.HandshakeTimeout); ; {
		now := time.Now()
		if place := hs.tryEnter(s, now, cfg.MaxHandshakes); place != nil {
			return place
		}
		if !now.Before(end) || !backoff(ctx, 3) {
			return nil
		}
	}
}

func (hs *handshakes) tryEnter(s *stream, now time.Time, most int) *handshake {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if len(hs.running) >= most {
		oldest := hs.running[0]
		if now.Sub(oldest.since) < stallTime {
			return nil
		}
		oldest.stalled = true
		_ = oldest.stream.conn.Close() // its handshake ends with an error
		hs.running = hs.running[1:]
	}
	place := &handshake{stream: s, since: now}
	hs.running = append(hs.running, place)
	return place
}

// leave gives the place back and says whether another one had taken it.
func (hs *handshakes) leave(h *handshake) (stalled bool) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if i := slices.Index(hs.running, h); i >= 0 {
		hs.running = slices.Delete(hs.running, i, i+1)
	}
	return h.stalled
}
