package group

import (
	"bytes"
	"strings"
	"unsafe"

	"vswarden/decode"
	"vswarden/event"
)

// join adds a line to the event it continues; false when that is full, and then ended.
func (s *Stage) join(snd *Sender, t, it *Item) bool {
	if len(t.pieces)+2 > s.o.MaxLines || t.bytes+it.bytes > s.o.MaxBytes || it.Stamp > t.first+longWaits*s.wait {
		snd.note(t)
		snd.shut(t)
		s.release(snd)
		return false
	}
	if it.kind == part && !t.missing(it.Event.VCEvent.Part) {
		return false // a second one of that number is a repeat of its own
	}
	p := piece{raw: len(t.more), pos: it.Pos}
	t.more = append(t.more, it.Event.Raw...)
	p.text = len(t.more)
	t.more = appendPiece(t.more, it)
	p.end, p.part = len(t.more), it.Event.VCEvent.Part
	p.glue = it.kind == part || it.kind == fragment || it.kind == headless && t.cut
	t.pieces = append(t.pieces, p)
	t.bytes += it.bytes
	snd.bytes += it.bytes
	if it.Pos > s.o.Done && !it.Past {
		s.lines++
	}
	if t.Last, t.cut = it.Pos, it.cut; t.cut {
		t.proc = hashFold(t.Event.Syslog.ProcID)
	}
	if t.kind != part {
		t.deadline = min(it.Stamp+s.wait, t.first+longWaits*s.wait)
	}
	if t.kind == part && len(t.pieces)+1 == int(t.Event.VCEvent.Parts) {
		snd.shut(t)
	}
	s.Free(it)
	return true
}

// missing notes part n of a vCenter event; false when it is there already.
func (it *Item) missing(n uint16) bool {
	if len(it.pieces) == 0 {
		first := it.Event.VCEvent.Part
		it.seen[(first-1)/64] |= 1 << ((first - 1) % 64)
	}
	n--
	if it.seen[n/64]&(1<<(n%64)) != 0 {
		return false
	}
	it.seen[n/64] |= 1 << (n % 64)
	return true
}

// appendPiece appends what a joined line adds to the message: its text, without the arrow.
func appendPiece(dst []byte, it *Item) []byte {
	e := &it.Event
	switch it.kind {
	case part:
		_, rest, _ := strings.Cut(e.Message, "] [")
		_, rest, _ = strings.Cut(rest, "]")
		return append(dst, strings.TrimPrefix(rest, " ")...)
	case headless:
		if text, ok := strings.CutPrefix(e.Raw, "-->"); ok {
			return append(dst, strings.TrimPrefix(text, " ")...)
		}
		return append(dst, e.Raw...)
	}
	if text, ok := strings.CutPrefix(e.Message, "-->"); ok {
		return append(dst, strings.TrimPrefix(text, " ")...)
	}
	return append(dst, e.Message...)
}

// keep copies what the item's strings point into.
func (it *Item) keep() {
	if len(it.own) > 0 {
		return
	}
	e := &it.Event
	r := &e.Receiver
	n, t, w := len(e.Raw), len(r.TLSPeer), len(r.Relay)
	it.own = append(append(append(it.own[:0], e.Raw...), r.TLSPeer...), r.Relay...)
	if len(it.own) == 0 {
		it.own = append(it.own, 0)
	}
	e.Move(text(it.own[:n]))
	r.TLSPeer, r.Relay = text(it.own[n:n+t]), text(it.own[n+t:n+t+w])
}

// Finish makes the event of a complete Item. It decodes anew what grew, and panics where the decoder
// does.
func (s *Stage) Finish(it *Item) {
	e := &it.Event
	escaped := s.wait > 0 && len(it.pieces) == 0 && !e.NoSign(e.Message) && hasEscapedLines(e.Message)
	if len(it.pieces) > 0 || escaped {
		it.compose()
		it.decode()
	}
	if escaped {
		e.Merged.Frames = text(it.frames)
	}
	e.Tags |= it.tags
	e.SameAs = it.sameAs
	e.Merged.Continues = it.after
	if len(it.pieces) > 0 {
		e.Merged.Lines, e.Merged.Frames = uint32(it.Lines()), text(it.frames)
		if bytes.Count(it.frames, []byte{'\n'}) != len(it.pieces) {
			e.Merged.Sizes = it.sizes()
		}
		if it.kind == part && len(it.pieces)+1 < it.parts() {
			e.Tags |= event.TagIncomplete
		}
	} else if it.kind == part {
		e.Tags |= event.TagIncomplete
	}
	if it.reason != "" {
		l := &e.Rarely().Linux
		l.Reason = it.reason
		if it.bridge != "" {
			l.Bridge, l.Port = it.bridge, it.port
		}
	}
}

// decode fills the event anew from its frame, which grew.
func (it *Item) decode() {
	e := &it.Event
	id, received, raw, receiver := e.ID, e.Received, e.Raw, e.Receiver
	at, source, digits, host := e.Time, e.TimeSource, e.TimeDigits, e.Host
	e.Reset()
	e.ID, e.Received, e.Raw, e.Receiver, e.Tags = id, received, raw, receiver, it.Base
	decode.Line(e, &it.Options)
	if it.Options.File {
		if e.TimeSource != event.TimeHeader {
			e.Time, e.TimeSource, e.TimeDigits = at, source, digits
		}
		if e.Host == "" {
			e.Host = host
		}
	}
}

// text is b as a string without a copy: it lives as long as the item is not freed.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
