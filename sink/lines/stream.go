package lines

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"syscall"

	"vswarden/sink"
)

// bufferMax is the largest buffer that is kept for the next batch.
const bufferMax = 4 << 20

// Stream is a sink.Sink on a writer whose bytes cannot be taken back. A Write that stops inside a
// line is continued with the rest of that line, so that the reader sees whole lines only; the
// event of that line was not acknowledged and comes once more.
type Stream struct {
	w    io.Writer
	turn chan struct{} // holds one token: whoever has it may touch what follows
	buf  []byte
	rest []byte // of a line that was cut short
}

var _ sink.Sink = (*Stream)(nil)

// NewStream returns a Stream on w, which it never closes.
func NewStream(w io.Writer) *Stream {
	return &Stream{w: w, turn: make(chan struct{}, 1)}
}

// Write writes the batch in one write. A reader that does not read can block that write for as
// long as it likes; when ctx ends before it, Write returns and the lines go out when they can,
// before those of any later Write.
func (s *Stream) Write(ctx context.Context, batch []sink.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(batch) == 0 {
		return nil
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.buf, _ = Append(append(s.buf[:0], s.rest...), batch, math.MaxInt64)
	old := len(s.rest)
	type result struct {
		n   int
		err error
	}
	wrote := make(chan result, 1)
	go func() { // waited for here, or by the next Write through turn
		n, err := s.w.Write(s.buf)
		if err == nil && n < len(s.buf) {
			err = io.ErrShortWrite
		}
		s.keepRest(n, err)
		wrote <- result{n, err}
		<-s.turn
	}()
	select {
	case r := <-wrote:
		return Verdict(len(batch), Whole(batch, r.n-old), r.err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// keepRest remembers what is missing of the line that a write stopped in. A reader that went away
// took its half of the line with it: the next reader starts with a whole one.
func (s *Stream) keepRest(n int, err error) {
	missing := s.buf[min(n, len(s.buf)):]
	started := len(missing) > 0 && (n > 0 && s.buf[n-1] != '\n' || n == 0 && len(s.rest) > 0)
	if started && !errors.Is(err, syscall.EPIPE) {
		end := bytes.IndexByte(missing, '\n') + 1
		s.rest = append([]byte(nil), missing[:end]...)
	} else {
		s.rest = nil
	}
	if cap(s.buf) > bufferMax {
		s.buf = nil
	}
}

// Close does nothing: the writer belongs to somebody else.
func (s *Stream) Close() error { return nil }
