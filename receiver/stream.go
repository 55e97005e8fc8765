package receiver

import (
	"container/list"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"time"
)

// quiet is after what time without a byte a connection gives its large buffer back.
const quiet = time.Second

// stream is one connection.
type stream struct {
	l      *Listener
	conn   net.Conn  // the socket
	src    io.Reader // what is read: the socket, or TLS on it
	ahead  *feed     // between the two, nil where nothing is read ahead
	origin Origin    // of all frames of the connection

	f    framer
	big  bool         // f.buf is one of l.buffers
	full bool         // the last read filled the buffer
	held atomic.Int32 // len(f.buf), for whoever looks from outside

	accepted time.Time
	last     time.Time // when a byte came, at first when reading began
	heard    bool      // one has come
	sniffed  bool      // and is not the beginning of TLS
	deadline time.Time // the one set
	expired  bool      // and past, or set by somebody else

	dismissed atomic.Int32  // 1 + CloseReason for which somebody else closed the socket
	inSilent  *list.Element // of l.streams, under its lock
}

func newStream(l *Listener, conn *net.TCPConn) *stream {
	now := time.Now()
	return &stream{
		l: l, conn: conn, src: conn, accepted: now, last: now,
		origin: Origin{
			Peer:      plainAddrPort(conn.RemoteAddr().(*net.TCPAddr).AddrPort()),
			Transport: l.proto, Listener: l.id,
		},
	}
}

// serve reads until the connection ends, and says why it did.
func (s *stream) serve(h Handler) CloseReason {
	cfg := &s.l.policy.Load().cfg
	s.f = framer{max: int(cfg.MaxFrame), lines: cfg.Framing == FramingNonTransparent, buf: make([]byte, smallBuffer)}
	defer func() {
		if s.big {
			s.l.buffers.putBig(s.f.buf)
		}
	}()
	for {
		space := s.room()
		s.setDeadline()
		n, err := s.src.Read(space)
		now := time.Now()
		if n > 0 {
			s.f.w += n
			s.last, s.full = now, n == len(space)
			if !s.heard {
				s.heard = true
				s.l.streams.hear(s)
			}
			if !s.sniffed && s.spokeTLS() {
				return SpokeTLS
			}
		}
		why, ended := s.ended(now, err)
		if n > 0 || ended {
			s.deliver(h, now, ended)
		}
		if ended {
			return why
		}
		if s.full {
			giveWay()
		}
	}
}

// giveWay lets others have the processor before a connection goes on that has more to read. A sender over TCP can
// wait, and what it sent costs least while it still lies in the processor's cache and in the log's memory. Once is
// not enough: each time, only those go on who could at that moment, and a reader of the log has several steps to do.
func giveWay() {
	for range 8 {
		runtime.Gosched()
	}
}

// spokeTLS says whether the connection begins with a TLS handshake where no TLS is spoken. Its
// bytes are no syslog, and the sender would wait for an answer for ever.
func (s *stream) spokeTLS() bool {
	b := s.f.buf[:s.f.w]
	if s.origin.Transport != TCP || b[0] != tlsHandshake || len(b) > 1 && b[1] != tlsMajor {
		s.sniffed = true
		return false
	}
	if len(b) < 2 { // not yet known; no frame can end in this one byte
		return false
	}
	if s.l.seldom.allow(s.origin.Peer.Addr(), time.Now()) {
		s.l.log.Warn().Stringer("peer", s.origin.Peer).Stringer("reason", SpokeTLS).
			Str("cure", "set the sender to plain TCP (ESXi: tcp://), or let it use a tls:// listener").Msg("connection closed")
	}
	return true
}

// The first two bytes of a TLS record with a ClientHello in it.
const (
	tlsHandshake = 0x16
	tlsMajor     = 0x03
)

// ended says whether and why the connection has come to its end, after a read at now gave err.
func (s *stream) ended(now time.Time, err error) (CloseReason, bool) {
	if r := s.dismissed.Load(); r != 0 && err != nil {
		return CloseReason(r - 1), true
	}
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
	cfg := &s.l.policy.Load().cfg
	if s.heard {
		return cfg.IdleTimeout
	}
	return cfg.FirstByteTimeout
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
	s.obeyStop()
}

// obeyStop sets the deadline to the end of all reading, where that is known.
func (s *stream) obeyStop() {
	if at := s.l.streams.stopAt.Load(); at != 0 {
		_ = s.conn.SetDeadline(time.Unix(0, at)) // as above
	}
}

// dismiss closes the connection from outside.
func (s *stream) dismiss(why CloseReason) {
	s.dismissed.Store(int32(why) + 1)
	_ = s.conn.Close() // closed before: then it ends in its own way
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
	kept := s.l.buffers.batch()
	batch, used := *kept, 0
	s.origin.Received = now
	for more := true; more; {
		batch = s.f.frames(batch[:0], &s.origin)
		more = len(batch) == batchLen
		if end && !more {
			if p, ok := s.f.finish(); ok {
				batch = append(batch, Frame{&s.origin, p.framing, p.flags, p.data})
			}
		}
		used = max(used, len(batch))
		s.l.handle(h, batch)
	}
	*kept = batch[:used]
	s.l.buffers.putBatch(kept)
	count(&s.l.stats.Empty, &s.f.empty)
	count(&s.l.stats.Resynced, &s.f.resynced)
	count(&s.l.stats.SkippedBytes, &s.f.skipped)
}

func count(total *atomic.Uint64, n *uint64) {
	if *n > 0 {
		total.Add(*n)
		*n = 0
	}
}
