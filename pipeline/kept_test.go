package pipeline

import (
	"context"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vswarden/event"
	"vswarden/group"
	"vswarden/receiver"
	"vswarden/sink"
	"vswarden/spool"
)

func TestKeptRecordsComeBackAsTheyWere(t *testing.T) {
	for name, r := range map[string]Record{
		"frame": {
			Kind: KindFrame, Received: 42, Transport: receiver.TLS, Framing: receiver.OctetCounting, Flags: receiver.Truncated, Listener: 7,
			Peer: netip.MustParseAddrPort("[2001:db8::1]:514"), TLSPeer: []byte("esx01"), Relay: []byte("10.9.9.9"),
			ID: event.NewID(1, 2), Key: []byte("esx01"), Zone: []byte("Europe/Berlin"), Data: []byte("<14>x"),
		},
		"frame of another program": {Kind: KindFrame, Received: 1, Relay: []byte{}, TLSPeer: []byte{}, ID: event.NewID(3, 4), Key: []byte("k"), Zone: []byte{}, Foreign: true, Data: []byte{}},
		"frame of the past":        {Kind: KindFrame, Received: 1, Relay: []byte{}, TLSPeer: []byte{}, ID: event.NewID(3, 4), Key: []byte("k"), Zone: []byte{}, Past: true, Data: []byte("x")},
		"event":                    {Kind: KindEvent, Received: 9, ID: event.NewID(5, 6), Dataset: []byte("vmware.posture"), Key: []byte("vswarden"), Zone: []byte{}, Data: []byte(`{"a":1}`)},
	} {
		var got Record
		if err := got.Decode(AppendKept(nil, &r)); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", name, err, got, r)
		}
	}
	var r Record
	inner := AppendKept(nil, &Record{ID: event.NewID(1, 1)})
	if err := r.Decode(append(inner[:20:20], inner...)); err == nil {
		t.Error("a kept record within a kept record is one")
	}
}

// topicCursor gives lines as a topic's partition does: a new one numbers what it gives from 1, and begins
// with what was done in the last minute, marked.
type topicCursor struct {
	lines    *pastCursor
	done     int // of lines, when it was made
	from     int // the line at position 1
	given    int
	perChunk func() int
	open     bool
	doneMark
}

func newTopicCursor(lines *pastCursor, done int, perChunk func() int, open bool) *topicCursor {
	c := &topicCursor{lines: lines, done: done, from: done, perChunk: perChunk, open: open}
	for c.from > 0 && lines.stamps[c.from-1] >= lines.stamps[done-1]-int64(time.Minute) {
		c.from--
	}
	return c
}

func (c *topicCursor) Next(ctx context.Context, ch *spool.Chunk) error {
	at := c.from + c.given
	if at == len(c.lines.records) {
		if c.open {
			<-ctx.Done()
			return ctx.Err()
		}
		return io.EOF
	}
	end := len(c.lines.records)
	if at < c.done {
		end = c.done
	}
	n := min(c.perChunk(), end-at)
	ch.First, ch.Records = spool.Position(c.given+1), ch.Records[:0]
	for i := at; i < at+n; i++ {
		var r Record
		if err := r.Decode(c.lines.records[i]); err != nil {
			return err
		}
		r.ID, r.Key, r.Past = event.NewID(7, uint64(i+1)), []byte(r.Peer.Addr().String()), i < c.done
		ch.Records = append(ch.Records, AppendKept(nil, &r))
	}
	c.given += n
	return nil
}

// after is how many lines are done now.
func (c *topicCursor) after() int { return max(c.done, c.from+int(c.Committed())) }

// Whoever takes over a partition, and is given what was done before that, delivers what one node would have: what is
// marked as past is not delivered or counted, and what follows knows it.
func TestWhatIsPastIsForItsNeighboursAlone(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			pass := func(c *topicCursor, batches int) map[string]string {
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				s := &fakeSink{write: func(call int, _ []sink.Record) error {
					if batches >= 0 && call > batches {
						stop()
						return context.Canceled
					}
					return nil
				}}
				d := delivery(c, s, &letters{}, func(cfg *DeliveryConfig) { cfg.Group, cfg.Lanes = group.DefaultConfig().Options(), 2 })
				if batches >= 0 {
					time.AfterFunc(3*time.Second, stop)
				}
				if err := d.Run(ctx); err != nil {
					t.Fatal(err)
				}
				if batches < 0 {
					if n := d.Stats.Done(); n != uint64(len(c.lines.records)-c.done) || d.undone.Load() != 0 {
						t.Errorf("seed %d: the books: %d done, %d were due; %d undone", seed, n, len(c.lines.records)-c.done, d.undone.Load())
					}
				}
				events := map[string]string{}
				for _, r := range s.got {
					events[r.ID.String()] = string(r.Value)
				}
				return events
			}
			rng := rand.New(rand.NewPCG(seed, 2))
			lines := mixedLines(rng, 600)
			want := pass(newTopicCursor(lines, 0, func() int { return 1000 }, false), -1)
			got, done := map[string]string{}, 0
			for range 5 {
				c := newTopicCursor(lines, done, func() int { return 1 + rng.IntN(40) }, true)
				maps.Copy(got, pass(c, rng.IntN(100)))
				done = c.after()
			}
			maps.Copy(got, pass(newTopicCursor(lines, done, func() int { return 1 + rng.IntN(40) }, false), -1))
			for id, value := range want {
				if got[id] != value {
					t.Errorf("seed %d: got\n%s\nwant\n%s", seed, got[id], value)
				}
			}
			for id, value := range got {
				if want[id] == "" {
					t.Errorf("seed %d: one pass has no\n%s", seed, value)
				}
			}
		})
	}
}

func TestLinesOfFilesHaveTheirOwnTime(t *testing.T) {
	stamp := time.Date(2019, 5, 6, 7, 8, 9, 0, time.UTC).UnixNano()
	file := func(data string, at int64) []byte {
		return AppendKept(nil, &Record{Kind: KindFrame, Received: at, Transport: receiver.File, Framing: receiver.FileLine, ID: event.NewID(1, uint64(len(data))), Data: []byte(data)})
	}
	s := &fakeSink{}
	d := NewDelivery(DeliveryConfig{Name: "s", Cursor: &fakeCursor{perChunk: 9, records: [][]byte{
		file("May  6 07:08:09 esx01 app: year of the lines around it", stamp),
		file("no stamp at all", stamp),
	}}, Sink: s, Dead: &letters{}, Tags: event.TagReplay})
	if err := d.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range s.got {
		got = append(got, string(r.Value))
	}
	if len(got) != 2 {
		t.Fatalf("%d events", len(got))
	}
	for _, e := range got {
		if !strings.Contains(e, `"@timestamp":"2019-05-06T07:08:09.000Z"`) || strings.Contains(e, `"created"`) || !strings.Contains(e, `"_replay"`) {
			t.Errorf("event %s", e)
		}
	}
}

func TestAppendTagged(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":1}`:                  `{"a":1,"tags":["_replay"]}`,
		`{"a":"\"tags\":[","b":2}`: `{"a":"\"tags\":[","b":2,"tags":["_replay"]}`,
		`{"tags":["x"],"a":1}`:     `{"tags":["_replay","x"],"a":1}`,
		`{}`:                       `{}`,
		``:                         ``,
	} {
		if got := string(appendTagged(nil, []byte(in), "_replay")); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// topicSink fails as often as it is told.
type topicSink struct {
	fails int
	err   error
	then  error // what it says once after that
	got   []sink.Record
}

func (s *topicSink) Write(_ context.Context, batch []sink.Record) error {
	if s.fails > 0 {
		s.fails--
		return s.err
	}
	if err := s.then; err != nil {
		s.then = nil
		return err
	}
	s.got = append(s.got, batch...)
	return nil
}
func (*topicSink) Close() error { return nil }

func TestOwnEventsGoToTheTopicWithoutALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &topicSink{fails: 3, err: sink.Errors{errors.New("away")}}
		in := NewIntake(IntakeConfig{Topic: s})
		if err := in.Emit(t.Context(), &event.Event{Common: event.Common{ID: event.NewID(7, 7), Dataset: event.DatasetPosture, Message: "m"}}); err != nil {
			t.Fatal(err)
		}
		if err := in.Emit(t.Context(), &event.Event{Common: event.Common{Dataset: event.DatasetPosture}}); err != nil {
			t.Fatal(err)
		}
		if len(s.got) != 2 || s.got[0].ID != event.NewID(7, 7) || s.got[0].Key != "vswarden" || s.got[0].Frame == nil || !s.got[0].Frame.Own ||
			s.got[1].ID == (event.ID{}) || s.got[0].Received == 0 || in.Emitted() != 2 || in.Failing() != "" {
			t.Errorf("the topic has %+v, %d emitted, failing %q", s.got, in.Emitted(), in.Failing())
		}
		s.fails, s.err = 1, sink.Permanent(errors.New("too large"))
		if err := in.Emit(t.Context(), &event.Event{}); !sink.IsPermanent(err) {
			t.Errorf("Emit: %v", err)
		}
		s.fails, s.err = 2, errors.New("away")
		s.then = sink.Permanent(errors.New("too large"))
		if err := in.Emit(t.Context(), &event.Event{}); !sink.IsPermanent(err) || in.Failing() != "" {
			t.Errorf("refused for good when the topic was back: %v, failing %q", err, in.Failing())
		}
		s.fails, s.err = 1000, errors.New("away")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := in.Emit(ctx, &event.Event{}); !errors.Is(err, context.DeadlineExceeded) || in.Failing() != "away" {
			t.Errorf("Emit: %v, failing %q", err, in.Failing())
		}
	})
}
