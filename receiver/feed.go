package receiver

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

// feed is a connection with what has been read ahead of it: to see the first bytes before it is
// known what they are, and to let TLS read many small records with one system call.
type feed struct {
	net.Conn
	buf  []byte
	r, w int
	dry  bool // an empty buffer is errDry, not a reason to wait
	// patient bounds each write, 0 is as the connection's own deadline says.
	patient time.Duration
	// tail is the end of what the last reads gave while watch is set: a handshake that fails looks for an alert there.
	watch bool
	tail  [alertSize]byte
}

// writeTime is how long a sender may leave unread what TLS has to tell it (an answer to its
// KeyUpdate): a receiver has nothing else to write, and must not be held up by one that never reads.
const writeTime = 10 * time.Second

// Write writes to the connection.
func (f *feed) Write(p []byte) (int, error) {
	if f.patient > 0 {
		if err := f.SetWriteDeadline(time.Now().Add(f.patient)); err != nil {
			return 0, err
		}
	}
	return f.Conn.Write(p)
}

const feedBuffer = 16 << 10

// errDry has to be a net.Error that is temporary: crypto/tls does not break over those.
var errDry net.Error = dryError{}

type dryError struct{}

func (dryError) Error() string   { return "nothing read ahead" }
func (dryError) Timeout() bool   { return true }
func (dryError) Temporary() bool { return true }

// peek reads once more, until there are n bytes at most, and returns what there is.
func (f *feed) peek(n int) ([]byte, error) {
	f.grow(n)
	f.w, f.r = copy(f.buf, f.buf[f.r:f.w]), 0
	k, err := f.Conn.Read(f.buf[f.w:n])
	f.w += k
	return f.buf[f.r:f.w], err
}

// grow gives f a buffer of at least n bytes.
func (f *feed) grow(n int) {
	if len(f.buf) >= n {
		return
	}
	buf := make([]byte, n)
	f.w = copy(buf, f.buf[f.r:f.w])
	f.buf, f.r = buf, 0
}

// discard throws n bytes away, also those that have not come yet.
func (f *feed) discard(n int) error {
	k := min(n, f.w-f.r)
	f.r += k
	_, err := io.CopyN(io.Discard, f.Conn, int64(n-k))
	return err
}

// Read gives what was read ahead first. After that it fills its buffer, if it has one, unless p is
// larger.
func (f *feed) Read(p []byte) (int, error) {
	n, err := f.read(p)
	if f.watch {
		k := min(n, alertSize)
		copy(f.tail[:], f.tail[k:])
		copy(f.tail[alertSize-k:], p[n-k:n])
	}
	return n, err
}

func (f *feed) read(p []byte) (int, error) {
	if f.r == f.w {
		switch {
		case f.dry:
			return 0, errDry
		case len(p) >= len(f.buf):
			return f.Conn.Read(p)
		}
		n, err := f.Conn.Read(f.buf)
		f.r, f.w = 0, n
		if n == 0 {
			return 0, err
		}
	}
	n := copy(p, f.buf[f.r:f.w])
	f.r += n
	return n, nil
}

// tlsStream is a TLS connection whose Read returns all records that have been read ahead, not one
// of them: rsyslog and others send each line in a record of its own.
type tlsStream struct {
	*tls.Conn
	feed *feed
}

func (s *tlsStream) Read(p []byte) (n int, err error) {
	n, err = s.Conn.Read(p)
	s.feed.dry = true
	for err == nil && n < len(p) {
		var k int
		k, err = s.Conn.Read(p[n:])
		n += k
	}
	s.feed.dry = false
	if n > 0 && errors.Is(err, errDry) {
		err = nil
	}
	return n, err
}
