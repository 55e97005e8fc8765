// Package kafka is the sink that writes events to a topic of Apache Kafka.
//
// It promises: Write returns nil for an event when every in-sync replica has it (acks=all); an event
// that Kafka will never take, because it is too large, is refused for good with the reason; all
// other trouble, missing topics and rights included, is an error that heals. Events of one sender are
// in one partition, in order. A message written again after its outcome was unknown may be there
// twice, under the same event-id.
package kafka

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"vswarden/event"
	"vswarden/kafka"
	"vswarden/sink"
)

// The names of headers. All values are text.
const (
	HeaderContentType = "content-type" // application/json
	HeaderSchema      = "schema"       // vswarden/1: the version of our own fields
	HeaderEventID     = "event-id"     // 26 characters, the same each time an event is written
	HeaderDataset     = "dataset"
	HeaderHost        = "host" // host.name

	// Of a record in its raw form: what the frame does not say itself. Empty ones are left out.
	HeaderKind      = "kind"     // frame, or event: then the value is our own event's JSON
	HeaderReceived  = "received" // RFC 3339, UTC, nanoseconds
	HeaderPeer      = "peer"     // address:port
	HeaderRelay     = "relay"
	HeaderTransport = "transport"
	HeaderFraming   = "framing"
	HeaderListener  = "listener" // number of the listener's name
	HeaderTimezone  = "timezone"
	HeaderTLSPeer   = "tls-peer"
	HeaderFlags     = "flags" // truncated, unfinished, joined by a comma
)

// The values of HeaderKind.
const (
	KindFrame = "frame"
	KindEvent = "event"
)

const (
	contentJSON = "application/json"
	schema      = "vswarden/" + event.SchemaVersion
	headersMost = 11 // of one message
)

// Sink writes to one topic.
type Sink struct {
	producer *kafka.Producer
	now      func() time.Time
	scratch  sync.Pool // *scratch
}

var _ sink.Sink = (*Sink)(nil)

// scratch is the memory of one Write.
type scratch struct {
	messages []kafka.Message
	headers  []kafka.Header
	text     []byte // what headers of all messages say that has to be written first
	ends     []int  // of each piece of it
	stamps   stamper
	frame    sink.Frame    // of the last raw record; its strings are ours
	shared   []byte        // encoded headers that raw records share, one after the other
	more     kafka.Encoded // those of frame
	known    bool          // frame and more are of this batch
}

// Open makes the sink. It connects when it first writes: a cluster that is down is no reason not to
// start. The config is valid; now gives the time.
func Open(cfg Config, now func() time.Time) (*Sink, error) {
	p, err := kafka.NewProducer(cfg.producer())
	if err != nil {
		return nil, err
	}
	return &Sink{producer: p, now: now, scratch: sync.Pool{New: func() any { return &scratch{} }}}, nil
}

// Findings connects and says what is missing in the cluster and what will bite; nothing found is
// nothing to worry about. An error says that the cluster could not be asked. The config is valid.
func Findings(ctx context.Context, cfg Config) ([]string, error) {
	return kafka.Findings(ctx, cfg.producer())
}

// Write writes the batch.
func (s *Sink) Write(ctx context.Context, batch []sink.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := s.scratch.Get().(*scratch)
	verdicts, err := s.producer.Produce(ctx, w.fill(batch, s.now().UnixMilli()))
	clear(w.messages) // the values are not ours
	clear(w.headers)
	s.scratch.Put(w)
	if err != nil || verdicts == nil {
		return err
	}
	return judge(verdicts)
}

// judge says of each verdict what a delivery wants to know.
func judge(verdicts []error) error {
	for i, err := range verdicts {
		if _, ok := errors.AsType[*kafka.RefusedError](err); ok {
			verdicts[i] = sink.Permanent(err)
		}
	}
	return sink.Errors(verdicts)
}

// Close closes the connections.
func (s *Sink) Close() error { return s.producer.Close() }

// fill makes messages of batch. now is Unix milliseconds.
func (w *scratch) fill(batch []sink.Record, now int64) []kafka.Message {
	w.text, w.ends = w.text[:0], w.ends[:0]
	for i := range batch {
		w.write(&batch[i])
	}
	all := string(w.text) // one string for all
	said := pieces{text: all, ends: w.ends}
	w.messages, w.headers, w.shared, w.known = w.messages[:0], w.headers[:0], w.shared[:0], false
	if need := len(batch) * headersMost; cap(w.headers) < need {
		w.headers = make([]kafka.Header, 0, need) // it must not move: messages point into it
	}
	for i := range batch {
		r := &batch[i]
		from, more := len(w.headers), kafka.Encoded{}
		if r.Frame != nil {
			more = w.raw(r, &said)
		} else {
			w.add(HeaderContentType, contentJSON)
			w.add(HeaderSchema, schema)
			w.add(HeaderEventID, said.next())
			w.add(HeaderDataset, string(r.Dataset))
			w.add(HeaderHost, r.Host)
		}
		w.messages = append(w.messages, kafka.Message{
			Key:     r.Key,
			Time:    stamp(r.Received, now),
			Headers: w.headers[from:len(w.headers):len(w.headers)],
			More:    more,
			Value:   r.Value,
		})
	}
	return w.messages
}

// write writes the pieces of text for r's headers, in the order in which they are taken.
func (w *scratch) write(r *sink.Record) {
	end := func() { w.ends = append(w.ends, len(w.text)) }
	w.text = r.ID.AppendText(w.text)
	end()
	if r.Frame == nil {
		return
	}
	w.text = w.stamps.appendTo(w.text, r.Received)
	end()
}

// pieces are parts of one string, each behind the one before.
type pieces struct {
	text string
	ends []int // of those that were not taken
	from int
}

func (p *pieces) next() string {
	s := p.text[p.from:p.ends[0]]
	p.from, p.ends = p.ends[0], p.ends[1:]
	return s
}

// stamp is the time of a Kafka record: when the event was received, but never ahead of our clock.
// Receive times run on after the clock was set back from some wrong day, and a broker refuses what
// is an hour ahead; an event that waits for that day would hold up all that come after it.
func stamp(received, now int64) int64 {
	return max(min(received/int64(time.Millisecond), now), 0)
}

// add adds a header that says something.
func (w *scratch) add(name, value string) {
	if value != "" {
		w.headers = append(w.headers, kafka.Header{Key: name, Value: value})
	}
}

// raw adds the headers of a record in its raw form that are its own, and returns the others. Frames of
// one connection follow each other, and what is said of them is the same.
func (w *scratch) raw(r *sink.Record, said *pieces) kafka.Encoded {
	f := r.Frame
	kind := KindFrame
	if f.Own {
		kind = KindEvent
	}
	w.add(HeaderKind, kind)
	w.add(HeaderEventID, said.next())
	w.add(HeaderReceived, said.next())
	if f.Own {
		w.add(HeaderDataset, string(r.Dataset))
		return kafka.Encoded{}
	}
	if !w.known || *f != w.frame {
		w.frame, w.known = *f, true
		w.frame.TLSPeer, w.frame.Relay = strings.Clone(f.TLSPeer), strings.Clone(f.Relay) // they are the record's
		w.shared, w.more = kafka.Encode(w.shared, frameHeaders(&w.frame))
	}
	return w.more
}

// frameHeaders says how a frame was received.
func frameHeaders(f *sink.Frame) []kafka.Header {
	all := make([]kafka.Header, 0, headersMost)
	add := func(name, value string) {
		if value != "" {
			all = append(all, kafka.Header{Key: name, Value: value})
		}
	}
	if f.Peer.IsValid() {
		add(HeaderPeer, f.Peer.String())
	}
	add(HeaderRelay, f.Relay)
	add(HeaderTransport, f.Transport)
	add(HeaderFraming, f.Framing)
	add(HeaderListener, strconv.Itoa(int(f.Listener)))
	add(HeaderTimezone, f.Timezone)
	add(HeaderTLSPeer, f.TLSPeer)
	switch {
	case f.Truncated && f.Unfinished:
		add(HeaderFlags, "truncated,unfinished")
	case f.Truncated:
		add(HeaderFlags, "truncated")
	case f.Unfinished:
		add(HeaderFlags, "unfinished")
	}
	return all
}
