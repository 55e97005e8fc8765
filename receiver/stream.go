package receiver

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// streams are the open connections of a listener.
type streams struct {
	mu      sync.Mutex
	open    map[*stream]struct{}
	perPeer map[netip.Addr]int // of open

	stopAt atomic.Int64 // Unix nanoseconds at which reading ends for good; 0 = not yet known
}

// add takes s in unless a limit forbids it.
func (st *streams) add(s *stream, most, mostPerPeer int) (r Refusal, ok bool) {
	peer := s.frame.Peer.Addr()
	st.mu.Lock()
	defer st.mu.Unlock()
	switch {
	case len(st.open) >= most:
		return ConnectionLimit, false
	case mostPerPeer > 0 && st.perPeer[peer] >= mostPerPeer:
		return PeerLimit, false
	}
	if st.open == nil {
		st.open, st.perPeer = make(map[*stream]struct{}), make(map[netip.Addr]int)
	}
	st.open[s] = struct{}{}
	st.perPeer[peer]++
	return 0, true
}

func (st *streams) remove(s *stream) {
	peer := s.frame.Peer.Addr()
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.open, s)
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
		_ = s.conn.SetReadDeadline(at) // fails only where the connection is closed already
	}
}

func (l *Listener) serveTCP(ctx context.Context, h Handler) error {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() {
		<-ctx.Done()
		_ = l.tcp.Close() // nothing more is accepted, whatever it says
		l.streams.stop(time.Now().Add(drainTime))
	})
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
			l.admit(conn, h, all)
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
func (l *Listener) admit(conn *net.TCPConn, h Handler, all *sync.WaitGroup) {
	peer := plainAddrPort(conn.RemoteAddr().(*net.TCPAddr).AddrPort())
	s := &stream{l: l, conn: conn, last: time.Now(), frame: Frame{Peer: peer, Transport: TCP, Listener: l.id}}
	if l.policy.Load().relays.contain(peer.Addr()) {
		s.frame.Relay = peer.Addr().String()
	}
	if r, ok := l.streams.add(s, l.cfg.MaxConnections, l.cfg.MaxConnectionsPerPeer); !ok {
		l.refuse(peer, r)
		_ = conn.Close() // it is not wanted
		return
	}
	l.stats.Accepted.Add(1)
	l.stats.Open.Add(1)
	all.Go(func() {
		why := s.serve(h)
		l.stats.Closed[why].Add(1)
		l.stats.Open.Add(-1)
		l.streams.remove(s)
		_ = conn.Close() // all that came has been read
	})
}

func (l *Listener) refuse(peer netip.AddrPort, r Refusal) {
	l.stats.Refused[r].Add(1)
	if l.seldom.allow(peer.Addr(), time.Now()) {
		l.log.Warn().Stringer("peer", peer).Stringer("reason", r).Msg("connection refused")
	}
}

// quiet is after what time without a byte a connection gives its large buffer back.
const quiet = time.Second

// stream is one connection.
type stream struct {
	l     *Listener
	conn  net.Conn
	frame Frame // what all frames of the connection have in common
	f     framer
	big   bool // f.buf is one of l.buffers
	full  bool // the last read filled the buffer

	last     time.Time // when a byte came, at first when the connection was made
	heard    bool      // one has come
	deadline time.Time // the one set
	expired  bool      // and past

	held atomic.Int32 // len(f.buf), for whoever looks from outside
}

// serve reads until the connection ends, and says why it did.
func (s *stream) serve(h Handler) CloseReason {
	s.f = framer{max: int(s.l.cfg.MaxFrame), buf: make([]byte, smallBuffer)}
	defer func() {
		if s.big {
			s.l.buffers.putBig(s.f.buf)
		}
	}()
	for {
		space := s.room()
		s.setDeadline()
		n, err := s.conn.Read(space)
		now := time.Now()
		if n > 0 {
			s.last, s.heard, s.full = now, true, n == len(space)
			s.f.w += n
		}
		why, ended := s.ended(now, err)
		if n > 0 || ended {
			s.deliver(h, now, ended)
		}
		if ended {
			return why
		}
	}
}

// ended says whether and why the connection has come to its end, after a read at now gave err.
func (s *stream) ended(now time.Time, err error) (CloseReason, bool) {
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		return PeerClosed, true
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return PeerReset, true
	}
	if at := s.l.streams.stopAt.Load(); at != 0 && now.UnixNano() >= at {
		return Stopped, true
	}
	if err == nil {
		return 0, false
	}
	s.expired = true
	if size := fit(s.f.w - s.f.r); len(s.f.buf) > size {
		s.swap(make([]byte, size), false)
	}
	if d := s.patience(); d > 0 && now.Sub(s.last) >= d {
		if s.heard {
			return Idle, true
		}
		return NoFirstByte, true
	}
	return 0, false
}

// patience is how long the connection may be silent; 0 is for ever.
func (s *stream) patience() time.Duration {
	if s.heard {
		return s.l.cfg.IdleTimeout
	}
	return s.l.cfg.FirstByteTimeout
}

// setDeadline sets the end of the next read. It leaves a deadline alone that is nearly right, as
// setting one costs about as much as framing a line.
func (s *stream) setDeadline() {
	d := s.patience()
	var want time.Time
	switch {
	case len(s.f.buf) > fit(s.f.w-s.f.r) && (d == 0 || d > quiet):
		d = quiet
		want = time.Now().Add(d) // not s.last: the handler may have taken its time since
	case d > 0:
		want = s.last.Add(d)
	}
	late := want.Sub(s.deadline)
	if s.expired || want.IsZero() != s.deadline.IsZero() || late < 0 || late > d/4 {
		_ = s.conn.SetReadDeadline(want) // if the connection is closed the read says so too
		s.deadline, s.expired = want, false
	}
	if at := s.l.streams.stopAt.Load(); at != 0 {
		_ = s.conn.SetReadDeadline(time.Unix(0, at))
	}
}

// room returns space to read into, at least one byte.
func (s *stream) room() []byte {
	if s.full && !s.big {
		if big := s.l.buffers.big(); big != nil {
			s.swap(big, true)
		}
		s.full = false
	}
	if len(s.f.free()) == 0 {
		s.swap(make([]byte, min(2*len(s.f.buf), max(s.f.capacity(), smallBuffer))), false)
	}
	return s.f.free()
}

// swap changes the buffer.
func (s *stream) swap(buf []byte, big bool) {
	if len(buf) <= s.f.w-s.f.r { // a big one is not big enough for max_frame
		if big {
			s.l.buffers.putBig(buf)
		}
		return
	}
	old := s.f.replace(buf)
	if s.big {
		s.l.buffers.putBig(old)
	}
	s.big = big
	s.held.Store(int32(len(buf)))
}

// fit is the buffer size for n unframed bytes of a connection that waits.
func fit(n int) int {
	size := smallBuffer
	for size <= n {
		size *= 2
	}
	return size
}

// deliver hands on all frames that are whole, and at the end what is left.
func (s *stream) deliver(h Handler, now time.Time, end bool) {
	batch := s.l.buffers.batch()
	defer s.l.buffers.putBatch(batch)
	s.frame.Received = now
	for {
		p, ok := s.f.next()
		if !ok && end {
			p, ok = s.f.finish()
			end = false
		}
		if !ok {
			break
		}
		if len(*batch) == batchLen {
			s.l.handle(h, *batch)
			*batch = (*batch)[:0]
		}
		f := s.frame
		f.Framing, f.Flags, f.Data = p.framing, p.flags, p.data
		*batch = append(*batch, f)
	}
	s.l.handle(h, *batch)
	s.count(&s.l.stats.Empty, &s.f.empty)
	s.count(&s.l.stats.Resynced, &s.f.resynced)
	s.count(&s.l.stats.SkippedBytes, &s.f.skipped)
}

func (s *stream) count(total *atomic.Uint64, n *uint64) {
	if *n > 0 {
		total.Add(*n)
		*n = 0
	}
}
