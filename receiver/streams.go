package receiver

import (
	"container/list"
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// streams are the open connections of a listener.
type streams struct {
	mu      sync.Mutex
	open    map[*stream]struct{}
	perPeer map[netip.Addr]int // of open
	silent  list.List          // of *stream, those that have sent nothing, the oldest first

	stopAt atomic.Int64 // Unix nanoseconds at which reading ends for good; 0 = not yet known
}

// minSilence is what a connection has at least to send something before it gives way to another.
const minSilence = time.Second

// add takes s in unless a limit forbids it.
func (st *streams) add(s *stream, cfg *Config) (r Refusal, ok bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	peer := s.origin.Peer.Addr()
	if cfg.MaxConnectionsPerPeer > 0 && st.perPeer[peer] >= cfg.MaxConnectionsPerPeer {
		return PeerLimit, false
	}
	if len(st.open) >= cfg.MaxConnections && !st.displaceLocked(s.last) {
		return ConnectionLimit, false
	}
	if st.open == nil {
		st.open, st.perPeer = make(map[*stream]struct{}), make(map[netip.Addr]int)
	}
	st.open[s] = struct{}{}
	st.perPeer[peer]++
	s.inSilent = st.silent.PushBack(s)
	return 0, true
}

// displaceLocked closes the oldest connection that has never sent anything. Without that, whoever
// opens connections and keeps still would shut everybody else out.
func (st *streams) displaceLocked(now time.Time) bool {
	oldest := st.silent.Front()
	if oldest == nil {
		return false
	}
	s := oldest.Value.(*stream)
	if now.Sub(s.accepted) < minSilence {
		return false
	}
	s.dismiss(Displaced)
	st.removeLocked(s)
	return true
}

// hear notes that s has sent something.
func (st *streams) hear(s *stream) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if s.inSilent != nil {
		st.silent.Remove(s.inSilent)
		s.inSilent = nil
	}
}

// move counts s for another peer, the one that a PROXY header names, unless that has too many.
func (st *streams) move(s *stream, peer netip.AddrPort, mostPerPeer int) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if mostPerPeer > 0 && st.perPeer[peer.Addr()] >= mostPerPeer {
		return false
	}
	if _, ok := st.open[s]; ok {
		st.leaveLocked(s.origin.Peer.Addr())
		st.perPeer[peer.Addr()]++
	}
	s.origin.Peer = peer
	return true
}

func (st *streams) remove(s *stream) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.removeLocked(s)
}

func (st *streams) removeLocked(s *stream) {
	if _, ok := st.open[s]; !ok {
		return
	}
	delete(st.open, s)
	st.leaveLocked(s.origin.Peer.Addr())
	if s.inSilent != nil {
		st.silent.Remove(s.inSilent)
		s.inSilent = nil
	}
}

func (st *streams) leaveLocked(peer netip.Addr) {
	if st.perPeer[peer]--; st.perPeer[peer] == 0 {
		delete(st.perPeer, peer)
	}
}

// stop lets every connection read until at.
func (st *streams) stop(at time.Time) {
	st.stopAt.Store(at.UnixNano()) // before the deadlines: whoever sets a later one looks here again
	st.mu.Lock()
	defer st.mu.Unlock()
	for s := range st.open {
		_ = s.conn.SetDeadline(at) // also of a TLS answer that nobody reads; fails only where the connection is closed already
	}
}

// serveTCP is Serve for tcp and tls.
func (l *Listener) serveTCP(ctx context.Context, h Handler) error {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() {
		<-ctx.Done()
		_ = l.tcp.Close() // nothing more is accepted, whatever it says
		l.streams.stop(time.Now().Add(drainTime))
	})
	if l.proto == TLS {
		all.Go(func() { l.watchFiles(ctx) })
	}
	err := l.accept(ctx, h, &all)
	cancel()
	all.Wait()
	return err
}

func (l *Listener) accept(ctx context.Context, h Handler, all *sync.WaitGroup) error {
	for failed := 0; ; {
		conn, err := l.tcp.AcceptTCP()
		switch {
		case err == nil:
			failed = 0
			l.admit(ctx, conn, h, all)
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		default: // mostly: too many open files
			l.stats.SocketErrors.Add(1)
			if l.seldom.allow(netip.IPv4Unspecified(), time.Now()) {
				l.log.Error().Err(err).Msg("accept connection")
			}
			backoff(ctx, failed)
			failed++
		}
	}
}

// admit starts reading conn, or closes it.
func (l *Listener) admit(ctx context.Context, conn *net.TCPConn, h Handler, all *sync.WaitGroup) {
	l.stats.Accepted.Add(1)
	s := newStream(l, conn)
	peer, p := s.origin.Peer, l.policy.Load()
	if !p.allows(peer.Addr()) {
		s.refuse(NotAllowed)
		_ = conn.Close() // it is not wanted
		return
	}
	if p.relays.contain(peer.Addr()) {
		s.origin.Relay = peer.Addr().String()
	}
	if r, ok := l.streams.add(s, &p.cfg); !ok {
		s.refuse(r)
		_ = conn.Close() // it is not wanted
		return
	}
	l.stats.Open.Add(1)
	all.Go(func() {
		if s.begin(ctx) {
			l.stats.Closed[s.serve(h)].Add(1)
		}
		l.stats.Open.Add(-1)
		l.streams.remove(s)
		_ = conn.Close() // all that came has been read
	})
}
