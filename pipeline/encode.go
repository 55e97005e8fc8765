package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"vswarden/event"
	"vswarden/group"
	"vswarden/receiver"
	"vswarden/sink"
)

// encode appends the event of it to the batch, false when the filter holds it back. It ends with ends: what stands
// behind that when it panics is of no event.
func (l *lane) encode(r *Record, it *group.Item) (keep bool) {
	cfg := &l.d.cfg
	l.stage.Finish(it)
	e := &it.Event
	if cfg.Plain {
		e.Secrets = event.Secrets{}
	}
	if cfg.Enrich != nil {
		if e.Received == 0 {
			e.Received = e.Time // a line of a file: its own time is all there is to look up by
		}
		cfg.Enrich.Enrich(e)
		if it.Options.File {
			e.Received = 0
		}
	}
	for t := e.Tags; t != 0; t &= t - 1 {
		l.tags[bit(t)]++
	}
	if l.filter != nil && !l.filter.Match(e) {
		return false
	}
	rec := l.record()
	rec.ID, rec.Key, rec.Dataset, rec.Host, rec.Received = e.ID, it.Sender.Key, e.Dataset, e.Host, it.Stamp
	switch {
	case cfg.Format != FormatRaw:
		l.out = e.AppendJSON(l.out, cfg.Detail, cfg.Original)
	case cfg.Frames:
		l.out = append(l.out, e.Raw...)
	default:
		l.out = appendLine(l.out, e.Raw)
	}
	l.encoded(r)
	return true
}

// encodeOwn is encode for an event of our own, which stands in r as it goes out.
func (l *lane) encodeOwn(r *Record) (keep bool, err error) {
	if r.Kind != KindEvent {
		return false, errRecord
	}
	e := &l.event
	e.Reset()
	e.ID, e.Received, e.Dataset = r.ID, r.Received, event.Dataset(text(r.Dataset))
	if l.filter != nil && !l.filter.Match(e) {
		return false, nil
	}
	rec := l.record()
	rec.ID, rec.Key, rec.Dataset, rec.Host, rec.Received = r.ID, ownEventKey, event.Dataset(strings.Clone(string(e.Dataset))), "", r.Received
	if l.d.cfg.Tags&event.TagReplay != 0 {
		l.out = appendTagged(l.out, r.Data, event.TagNames[bit(event.TagReplay)])
	} else {
		l.out = append(l.out, r.Data...)
	}
	l.encoded(r)
	return true, nil
}

// encoded notes the end of an event; r is the record that was added last.
func (l *lane) encoded(r *Record) {
	end := len(l.out)
	l.out = append(l.out, '\n')
	if l.d.cfg.Frames {
		l.frames = append(l.frames, l.frame(r))
	}
	l.ends = append(l.ends, end)
}

// record is one more of the batch. All of it is to be set, Value and Frame by deliver: what stood there is not cleared. It is
// filled where it stands: a copy of what was stored in pieces just before waits for the stores.
func (l *lane) record() *sink.Record {
	n := len(l.batch)
	if n == cap(l.batch) {
		l.batch = slices.Grow(l.batch, 1)
	}
	l.batch = l.batch[:n+1]
	return &l.batch[n]
}

// frame is what the receiver knew of r, for a sink that passes it on.
func (l *lane) frame(r *Record) sink.Frame {
	if r.Kind != KindFrame {
		return sink.Frame{Own: true}
	}
	f := sink.Frame{
		Peer: r.Peer, Transport: r.Transport.String(), Framing: r.Framing.String(),
		TLSPeer: text(r.TLSPeer), Relay: text(r.Relay), Listener: r.Listener,
		Truncated: r.Flags&receiver.Truncated != 0, Unfinished: r.Flags&receiver.Unfinished != 0,
	}
	if loc := l.optionsOf(r).Location; loc != nil {
		f.Timezone = loc.String()
	}
	return f
}

// appendLine appends a frame as one line: what could end it, or forge the next one, is written as
// rsyslog does it, # and three octal digits.
func appendLine(dst []byte, frame string) []byte {
	for {
		i := strings.IndexAny(frame, "\n\r\x00")
		if i < 0 {
			return append(dst, frame...)
		}
		dst = append(dst, frame[:i]...)
		dst = fmt.Appendf(dst, "#%03o", frame[i])
		frame = frame[i+1:]
	}
}
