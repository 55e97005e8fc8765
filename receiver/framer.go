package receiver

import "bytes"

// framer cuts a byte stream into frames. It does no I/O: bytes are put behind w, frames are taken
// with frames. How the stream is split into reads never changes the frames.
//
// At the start of a frame (RFC 6587, and what senders make of it):
//
//	57 <13>1 2025-…          [1-9][0-9]{0,7}, a space and '<': octet-counted. After the counted
//	                         bytes a new frame begins, whatever its framing. rsyslog and syslog-ng
//	                         count a trailing LF: one trailer (LF, CRLF, NUL) is taken off.
//	<13>… LF | CRLF | NUL    anything else ends at the first LF or NUL; a CR before the LF
//	                         belongs to the delimiter.
//	LF, CRLF, NUL            nothing before the delimiter: no frame, counted in empty.
//
// A frame longer than max is cut to max and handed on at once, marked Truncated. Its rest is
// skipped: by count where counted, else to the delimiter (framing then says LF, as the delimiter
// has not been seen yet).
//
// A count of more than max and maxSkip together is no count: its line goes to the delimiter. What
// follows a count may be the lines of others, where a relay that ends lines with LF has passed on
// a sender's "99999999 <13>…"; no line may throw more of them away than maxSkip.
//
// A count that lies: the bytes after the counted ones are a frame of their own. Where that frame
// begins neither with a count nor with <PRI> it is taken for what the lie left over, and it also
// ends, marked Unfinished, before anything of the form [1-9][0-9]{0,7} <[0-9]{1,3}>: there counting
// begins again. So is the rest of an over-long frame skipped after a counted one, or one whose count
// was too high to be one. A wrong count thus damages its own frame and at most the one after it.
//
// Where lines is set, nothing is a count: a sender of lines who can be made to write one cannot hide those behind it.
type framer struct {
	max   int  // longest Data in bytes; not less than a count and its space
	lines bool // FramingNonTransparent

	buf     []byte // buf[r:w] is what has arrived and is not yet framed
	r, w    int
	lf, nul seeker

	skip    int  // bytes of an over-long counted frame still to be thrown away; counted is set as long as there are any
	discard bool // the rest of an over-long delimited frame is being thrown away
	counted bool // the frame before this one was octet-counted

	// Since the owner last looked.
	empty, resynced, skipped uint64 // frames, lies, bytes
}

const (
	maxCountLen = 9             // eight digits and the space
	trailerLen  = 2             // CRLF
	patternLen  = 8 + 2 + 3 + 1 // "12345678 <123>"

	maxSkip = 1 << 20 // bytes that a count may announce beyond max
)

// piece is a frame without what the connection knows of it.
type piece struct {
	data    []byte
	framing Framing
	flags   Flags
}

// capacity is the buffer length with which every frame can be decided.
func (f *framer) capacity() int { return max(f.max+trailerLen+maxCountLen, 2*patternLen) }

// free moves what is unframed to the front and returns the space behind it.
func (f *framer) free() []byte {
	if f.r > 0 {
		copy(f.buf, f.buf[f.r:f.w])
		f.lf.shift(f.r)
		f.nul.shift(f.r)
		f.w -= f.r
		f.r = 0
	}
	return f.buf[f.w:]
}

// replace moves what is unframed into buf, which must have room for it, and returns the old buffer.
func (f *framer) replace(buf []byte) (old []byte) {
	f.free()
	copy(buf, f.buf[:f.w])
	old, f.buf = f.buf, buf
	return old
}

// frames appends the next whole frames to batch, which then has batchLen of them, or there are no more.
func (f *framer) frames(batch []Frame, o *Origin) []Frame {
	for {
		if batch = f.plainLines(batch, o); len(batch) == batchLen {
			return batch
		}
		p, ok := f.next()
		if !ok {
			return batch
		}
		batch = append(batch, Frame{o, p.framing, p.flags, p.data})
	}
}

// next returns the next whole frame. Its data lives until the buffer is touched again.
func (f *framer) next() (p piece, ok bool) {
	for {
		if f.skip > 0 {
			n := min(f.skip, f.w-f.r)
			f.skip -= n
			f.drop(n)
		}
		if f.discard {
			f.discardRest()
		}
		if f.r == f.w || f.discard {
			return piece{}, false
		}
		n, head, verdict := f.octetCount(f.buf[f.r:f.w])
		if verdict == undecided {
			return piece{}, false
		}
		lie := verdict == yes && n > f.max+maxSkip
		if verdict == yes && !lie {
			return f.nextCounted(n, head)
		}
		p, ok = f.nextDelimited()
		f.counted = f.counted || lie && f.discard
		if ok && len(p.data) == 0 {
			f.empty++
			continue
		}
		return p, ok
	}
}

// plainLines appends what nearly every frame is, lines that begin with '<' and end with LF, as long as they stand behind another
// one of which lf has seen nothing. It ends where next has more to look at (BenchmarkFramer).
func (f *framer) plainLines(batch []Frame, o *Origin) []Frame {
	if f.counted || f.discard || f.lf.seen > f.r || f.nul.find(f.buf, f.r, f.w, 0) >= 0 {
		return batch
	}
	rest := f.buf[f.r:f.w]
	for len(batch) < batchLen && len(rest) > 0 && rest[0] == '<' {
		n := bytes.IndexByte(rest, '\n')
		if n < 0 {
			f.lf = seeker{at: -1, seen: f.w}
			break
		}
		if n > f.max || rest[n-1] == '\r' {
			at := f.w - len(rest) + n
			f.lf = seeker{at: at, seen: at + 1}
			break
		}
		batch = append(batch, Frame{Origin: o, Framing: LF, Data: rest[:n]})
		rest = rest[n+1:] // of which lf still has seen nothing
	}
	f.r = f.w - len(rest)
	return batch
}

// finish returns what the connection left behind when it ended.
func (f *framer) finish() (p piece, ok bool) {
	rest := f.buf[f.r:f.w]
	f.r = f.w
	if f.discard { // the frame was handed on before; these bytes were held back in search of a count
		f.skipped += uint64(len(rest))
		return piece{}, false
	}
	if len(rest) == 0 {
		return piece{}, false
	}
	p = piece{data: rest, framing: LF, flags: Unfinished}
	if n, head, verdict := f.octetCount(rest); verdict == yes && n <= f.max+maxSkip {
		p.data, p.framing = rest[head:], OctetCounting
	}
	f.cut(&p)
	return p, true
}

func (f *framer) nextCounted(n, head int) (p piece, ok bool) {
	body := f.buf[f.r+head : f.w]
	if n > f.max+trailerLen {
		if len(body) < f.max {
			return piece{}, false
		}
		f.r += head + f.max
		f.skip = n - f.max
		f.counted = true
		return piece{data: body[:f.max], framing: OctetCounting, flags: Truncated}, true
	}
	if len(body) < n {
		return piece{}, false
	}
	f.r += head + n
	f.counted = true
	p = piece{data: trimTrailer(body[:n]), framing: OctetCounting}
	f.cut(&p)
	return p, true
}

func (f *framer) nextDelimited() (p piece, ok bool) {
	most := f.max + trailerLen
	end := f.delimiter()
	if f.counted {
		window := f.buf[f.r:min(f.w, f.r+most)]
		if at := findCount(window); at > 0 && (end < 0 || f.r+at < end) && !startsWithPRI(window) {
			p = piece{data: window[:at], framing: LF, flags: Unfinished}
			f.cut(&p)
			f.r += at
			f.resynced++
			return p, true
		}
	}
	switch {
	case end >= 0 && end < f.r+most:
		p = piece{data: f.buf[f.r:end], framing: LF}
		if f.buf[end] == 0 {
			p.framing = NUL
		} else if n := len(p.data); n > 0 && p.data[n-1] == '\r' {
			p.data, p.framing = p.data[:n-1], CRLF
		}
		f.r = end + 1
		f.counted = false
	case f.w-f.r >= most:
		p = piece{data: f.buf[f.r : f.r+f.max], framing: LF, flags: Truncated}
		f.r += f.max
		f.discard = true
	default:
		return piece{}, false
	}
	f.cut(&p)
	return p, true
}

// discardRest throws away the rest of an over-long frame, up to its delimiter or, after a counted
// frame, up to where counting begins again.
func (f *framer) discardRest() {
	end := f.delimiter()
	if f.counted {
		if at := findCount(f.buf[f.r:f.w]); at >= 0 && (end < 0 || f.r+at < end) {
			f.drop(at)
			f.discard = false
			f.resynced++
			return
		}
	}
	switch {
	case end >= 0:
		f.drop(end - f.r)
		f.r++
		f.discard, f.counted = false, false
	case f.counted: // a count may be half here
		f.drop(max(0, f.w-f.r-(patternLen-1)))
	default:
		f.drop(f.w - f.r)
	}
}

func (f *framer) drop(n int) {
	f.r += n
	f.skipped += uint64(n)
}

func (f *framer) cut(p *piece) {
	if len(p.data) > f.max {
		f.skipped += uint64(len(p.data) - f.max)
		p.data, p.flags = p.data[:f.max], p.flags|Truncated
	}
}

// delimiter returns the position of the first LF or NUL, or -1.
func (f *framer) delimiter() int {
	lf := f.lf.find(f.buf, f.r, f.w, '\n')
	nul := f.nul.find(f.buf, f.r, f.w, 0)
	if lf < 0 || nul >= 0 && nul < lf {
		return nul
	}
	return lf
}

// seeker finds a byte and looks at no byte twice, however often it is asked: a stream that comes
// byte by byte, or that has only the other delimiter, must not cost its length squared.
type seeker struct {
	at   int // where it is, right only when >= r
	seen int // before here there is none but at
}

func (s *seeker) find(buf []byte, r, w int, c byte) int {
	if s.at >= r && s.at < s.seen {
		return s.at
	}
	from := max(r, s.seen)
	i := bytes.IndexByte(buf[from:w], c)
	if i < 0 {
		s.at, s.seen = -1, w
		return -1
	}
	s.at, s.seen = from+i, from+i+1
	return s.at
}

func (s *seeker) shift(n int) { s.at, s.seen = s.at-n, max(0, s.seen-n) }

type verdict uint8

const (
	no verdict = iota
	undecided
	yes
)

// octetCount reads [1-9][0-9]{0,7}, a space and '<' at the start of b. The counted bytes begin at
// the '<', head bytes into b.
func octetCount(b []byte) (n, head int, v verdict) {
	if len(b) == 0 || b[0] < '1' || b[0] > '9' {
		return 0, 0, no
	}
	for i, c := range b[:min(len(b), maxCountLen)] {
		switch {
		case c >= '0' && c <= '9' && i < maxCountLen-1:
			n = n*10 + int(c-'0')
		case c == ' ' && i+1 == len(b):
			return 0, 0, undecided
		case c == ' ' && b[i+1] == '<':
			return n, i + 1, yes
		default:
			return 0, 0, no
		}
	}
	return 0, 0, undecided
}

// octetCount is the function of that name where counts are believed.
func (f *framer) octetCount(b []byte) (n, head int, v verdict) {
	if f.lines {
		return 0, 0, no
	}
	return octetCount(b)
}

// findCount returns where the first [1-9][0-9]{0,7} <[0-9]{1,3}> begins in b, or -1.
func findCount(b []byte) int {
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte(" <"))
		if i < 0 {
			return -1
		}
		i += from
		start := -1
		for j := i - 1; j >= max(0, i-8) && b[j] >= '0' && b[j] <= '9'; j-- {
			if b[j] != '0' {
				start = j
			}
		}
		if start >= 0 && startsWithPRI(b[i+1:]) {
			return start
		}
		from = i + 1
	}
}

// startsWithPRI says whether b begins with '<', one to three digits and '>'.
func startsWithPRI(b []byte) bool {
	if len(b) < 3 || b[0] != '<' {
		return false
	}
	for i, c := range b[1:min(len(b), 5)] {
		switch {
		case c == '>':
			return i > 0
		case c < '0' || c > '9':
			return false
		}
	}
	return false
}

// trimTrailer takes one LF, CRLF or NUL off the end.
func trimTrailer(b []byte) []byte {
	n := len(b)
	switch {
	case n > 1 && b[n-1] == '\n' && b[n-2] == '\r':
		return b[:n-2]
	case n > 0 && (b[n-1] == '\n' || b[n-1] == 0):
		return b[:n-1]
	}
	return b
}

// datagram returns the frame in a datagram (RFC 5426: one message, newlines inside belong to it).
// A trailing NUL and a trailing LF or CRLF are taken off; so is an octet count that fits exactly
// (loggen -D -P puts one there).
func datagram(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == 0 {
		b = b[:n-1]
	}
	if n, head, v := octetCount(b); v == yes && (n == len(b)-head || n == len(trimTrailer(b))-head) {
		b = b[head:]
	}
	if n := len(b); n > 0 && b[n-1] == '\n' {
		b = trimTrailer(b)
	}
	return b
}

// StripOctetCount takes an octet count off the front of a line that was cut at its LF, as in
// a capture of an octet-counted stream. What it counts is not looked at.
func StripOctetCount(line []byte) []byte {
	if _, head, v := octetCount(line); v == yes {
		return line[head:]
	}
	return line
}
