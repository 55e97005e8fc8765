package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"vswarden/decode"
	"vswarden/event"
	"vswarden/receiver"
	"vswarden/sink"
	"vswarden/sink/deadletter"
	"vswarden/spool"
)

// fakeCursor gives the records it was made with, some a chunk, and remembers commits.
type fakeCursor struct {
	records   [][]byte
	perChunk  int
	skipFirst uint64
	open      bool // more may come: block at the end instead of io.EOF
	next      int

	mu        sync.Mutex
	commits   []spool.Position
	onCommit  func(spool.Position)
	commitErr error
}

func (c *fakeCursor) Next(ctx context.Context, ch *spool.Chunk) error {
	if c.next == len(c.records) {
		if c.open {
			<-ctx.Done()
			return ctx.Err()
		}
		return io.EOF
	}
	n := min(c.perChunk, len(c.records)-c.next)
	ch.First, ch.Epoch, ch.Skipped = spool.Position(c.next+1), 7, c.skipFirst
	c.skipFirst = 0
	ch.Records = ch.Records[:0]
	for _, r := range c.records[c.next : c.next+n] {
		ch.Records = append(ch.Records, slices.Clone(r))
	}
	c.next += n
	return nil
}

func (c *fakeCursor) Commit(p spool.Position) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.commitErr != nil {
		return c.commitErr
	}
	if c.onCommit != nil {
		c.onCommit(p)
	}
	c.commits = append(c.commits, p)
	return nil
}

func (c *fakeCursor) Committed() spool.Position {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.commits) == 0 {
		return 0
	}
	return c.commits[len(c.commits)-1]
}

// fakeSink remembers what it got; write decides what it says.
type fakeSink struct {
	mu    sync.Mutex
	got   []sink.Record
	calls int
	write func(call int, batch []sink.Record) error
	sync  func() error
}

func (s *fakeSink) Write(_ context.Context, batch []sink.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	var err error
	if s.write != nil {
		err = s.write(s.calls, batch)
	}
	var verdicts sink.Errors
	for i, r := range batch {
		if err == nil || errors.As(err, &verdicts) && verdicts[i] == nil {
			r.Value = slices.Clone(r.Value)
			s.got = append(s.got, r)
		}
	}
	return err
}

func (s *fakeSink) Sync(context.Context) error {
	if s.sync != nil {
		return s.sync()
	}
	return nil
}

func (s *fakeSink) Close() error { return nil }

// letters remembers dead letters.
type letters struct {
	mu   sync.Mutex
	got  []deadletter.Letter
	fail int // how many writes to refuse first
}

func (l *letters) Write(_ context.Context, d deadletter.Letter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail > 0 {
		l.fail--
		return errors.New("no room")
	}
	d.Original = slices.Clone(d.Original)
	l.got = append(l.got, d)
	return nil
}

func (l *letters) Sync(context.Context) error { return nil }

func frameRecord(peer string, data string) []byte {
	f := receiver.Frame{
		Peer: netip.MustParseAddrPort(peer), Transport: receiver.TCP, Framing: receiver.LF, Listener: 3,
	}
	return append(appendFrameHeader(nil, &f, 1_700_000_000_000_000_000), data...)
}

func line(host string, n int) string {
	return fmt.Sprintf("<14>2023-11-14T22:13:20.000Z %s app: n=%d", host, n)
}

func delivery(c Cursor, s sink.Sink, l DeadLetters, change func(*DeliveryConfig)) *Delivery {
	cfg := DeliveryConfig{
		Name: "test", Cursor: c, Sink: s, Dead: l, Format: FormatECS, Detail: event.DetailCompact,
		Original: event.OriginalNone, Lanes: 4, Log: zerolog.Nop(),
	}
	if change != nil {
		change(&cfg)
	}
	return NewDelivery(cfg)
}

func TestDeliveryKeepsOrderPerSenderAndCommitsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeCursor{perChunk: 7}
		for n := range 1000 {
			c.records = append(c.records, frameRecord(fmt.Sprintf("127.0.0.%d:514", n%9+1), line(fmt.Sprintf("h%d", n%9+1), n)))
		}
		s := &fakeSink{}
		d := delivery(c, s, &letters{}, nil)
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(s.got) != 1000 || d.Stats.Delivered.Load() != 1000 {
			t.Fatalf("got %d records, counted %d, want 1000", len(s.got), d.Stats.Delivered.Load())
		}
		last, ids := map[string]int{}, map[event.ID]bool{}
		for _, r := range s.got {
			var e struct {
				Message string
				Host    struct{ Name string }
			}
			if err := json.Unmarshal(r.Value, &e); err != nil {
				t.Fatal(err)
			}
			var n int
			if _, err := fmt.Sscanf(e.Message, "n=%d", &n); err != nil {
				t.Fatalf("message %q: %v", e.Message, err)
			}
			if prev, ok := last[r.Key]; ok && prev >= n {
				t.Fatalf("sender %s: %d after %d", r.Key, n, prev)
			}
			last[r.Key] = n
			if want := event.NewID(7, uint64(n+1)); r.ID != want || ids[r.ID] {
				t.Fatalf("record %d has id %s, want %s once", n, r.ID, want)
			}
			ids[r.ID] = true
		}
		if got := c.Committed(); got != 1000 {
			t.Fatalf("committed %d, want 1000", got)
		}
	})
}

// A lane whose batch is refused holds the mark; others go on.
func TestDeliveryMarkWaitsForTheSlowestLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeCursor{perChunk: 2, open: true}
		for n := range 12 {
			c.records = append(c.records, frameRecord(fmt.Sprintf("127.0.0.%d:514", n+1), line("h", n)))
		}
		var repaired bool
		s := &fakeSink{write: func(_ int, batch []sink.Record) error {
			for _, r := range batch {
				if r.Key == "127.0.0.3" && !repaired {
					return errors.New("down")
				}
			}
			return nil
		}}
		d := delivery(c, s, &letters{}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		time.Sleep(10 * time.Second)
		if got := c.Committed(); got > 2 {
			t.Fatalf("committed %d while record 3 is refused", got)
		}
		if d.Failing() == "" {
			t.Fatal("a sink that refuses is not reported as failing")
		}
		s.mu.Lock()
		repaired = true
		s.mu.Unlock()
		time.Sleep(time.Minute)
		if got := c.Committed(); got != 12 || len(s.got) != 12 {
			t.Fatalf("after the repair: committed %d, delivered %d, want 12 and 12", got, len(s.got))
		}
		if why := d.Failing(); why != "" {
			t.Fatalf("still failing after the repair: %s", why)
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestDeliveryCommitsOnlyAfterSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeCursor{perChunk: 5, open: true, records: [][]byte{frameRecord("127.0.0.1:1", line("h", 1))}}
		var works, synced atomic.Bool
		s := &fakeSink{sync: func() error {
			if !works.Load() {
				return errors.New("no space")
			}
			synced.Store(true)
			return nil
		}}
		c.onCommit = func(spool.Position) {
			if !synced.Load() {
				t.Error("committed before a successful sync")
			}
		}
		d := delivery(c, s, &letters{}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		time.Sleep(time.Second)
		if c.Committed() != 0 {
			t.Fatal("committed although the sync failed")
		}
		works.Store(true)
		time.Sleep(time.Second)
		if c.Committed() != 1 {
			t.Fatal("not committed after the sync worked again")
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestDeliveryFailsWhenTheCursorCannotMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeCursor{perChunk: 5, open: true, commitErr: errors.New("disk is gone"), records: [][]byte{frameRecord("127.0.0.1:1", line("h", 1))}}
		err := delivery(c, &fakeSink{}, &letters{}, nil).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "disk is gone") {
			t.Fatalf("got %v, want the cursor's error", err)
		}
	})
}

func TestDeliveryFailsWhenASyncIsLostForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeCursor{perChunk: 5, open: true, records: [][]byte{frameRecord("127.0.0.1:1", line("h", 1))}}
		s := &fakeSink{sync: func() error { return fmt.Errorf("fdatasync: %w", sink.ErrUnsynced) }}
		err := delivery(c, s, &letters{}, nil).Run(t.Context())
		if !errors.Is(err, sink.ErrUnsynced) || c.Committed() != 0 {
			t.Fatalf("got %v, committed %d", err, c.Committed())
		}
	})
}

func TestDeliveryVerdicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeCursor{perChunk: 10}
		for n := range 4 {
			c.records = append(c.records, frameRecord("127.0.0.1:1", line("h", n)))
		}
		s := &fakeSink{write: func(call int, batch []sink.Record) error {
			if call == 1 { // the first is taken, the second never, the others later
				return sink.Errors{nil, sink.Permanent(errors.New("bad field")), errors.New("busy"), errors.New("busy")}
			}
			if len(batch) != 2 {
				return fmt.Errorf("second call with %d records, want the 2 that were busy", len(batch))
			}
			return nil
		}}
		l := &letters{fail: 2}
		d := delivery(c, s, l, nil)
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(s.got) != 3 || len(l.got) != 1 || d.Stats.Dead(DeadPermanent) != 1 || c.Committed() != 4 {
			t.Fatalf("delivered %d, dead %d, committed %d", len(s.got), len(l.got), c.Committed())
		}
		if got := l.got[0]; got.Reason != DeadPermanent || string(got.Original) != line("h", 1) || got.ID != event.NewID(7, 2) {
			t.Fatalf("dead letter %+v", got)
		}
	})
}

func TestDeliveryPermanentForTheWholeBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeCursor{perChunk: 10, records: [][]byte{frameRecord("127.0.0.1:1", "a"), frameRecord("127.0.0.1:1", "b")}}
		s := &fakeSink{write: func(int, []sink.Record) error { return sink.Permanent(errors.New("never")) }}
		l := &letters{}
		d := delivery(c, s, l, nil)
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(l.got) != 2 || d.Stats.Done() != 2 || c.Committed() != 2 {
			t.Fatalf("dead %d, done %d, committed %d, want 2 each", len(l.got), d.Stats.Done(), c.Committed())
		}
	})
}

type enrichFunc func(*event.Event)

func (f enrichFunc) Enrich(e *event.Event) { f(e) }

func TestDeliveryBuriesWhatPanicsAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeCursor{perChunk: 10, skipFirst: 3}
		for n := range 5 {
			c.records = append(c.records, frameRecord("127.0.0.1:1", line("h", n)))
		}
		c.records[3] = []byte{99, 1, 2, 3} // bytes that are no record of ours
		s, l := &fakeSink{}, &letters{}
		d := delivery(c, s, l, func(cfg *DeliveryConfig) {
			cfg.Enrich = enrichFunc(func(e *event.Event) {
				if strings.Contains(e.Message, "n=2") {
					panic("poison")
				}
			})
		})
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(s.got) != 3 || len(l.got) != 2 || c.Committed() != 5 {
			t.Fatalf("delivered %d, dead %d, committed %d, want 3, 2, 5", len(s.got), len(l.got), c.Committed())
		}
		slices.SortFunc(l.got, func(a, b deadletter.Letter) int { return bytes.Compare(a.ID[:], b.ID[:]) }) // lanes have no order
		if got := l.got[0]; got.Reason != DeadPanic || !bytes.Contains(got.Stack, []byte("Enrich")) || string(got.Original) != line("h", 2) {
			t.Errorf("dead letter of the panic: %s %v %q", got.Reason, got.Err, got.Original)
		}
		if got := l.got[1]; got.Reason != DeadRecord || !bytes.Equal(got.Original, c.records[3]) {
			t.Errorf("dead letter of the broken record: %+v", got)
		}
		if d.Stats.Damaged() != 3 || d.Stats.Done() != 8 {
			t.Errorf("damaged %d, done %d, want 3 and 8", d.Stats.Damaged(), d.Stats.Done())
		}
	})
}

func TestDeliveryRaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeCursor{perChunk: 10, records: [][]byte{frameRecord("127.0.0.1:1", "\x00 any \xff bytes\n<13>forged\r")}}
		s := &fakeSink{}
		if err := delivery(c, s, &letters{}, func(cfg *DeliveryConfig) { cfg.Format = FormatRaw }).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(s.got) != 1 || string(s.got[0].Value) != "#000 any \xff bytes#012<13>forged#015" {
			t.Fatalf("got %+v", s.got)
		}
	})
}

// Time is up while the sink is down: Run ends, the cursor stays, nothing is counted as done.
func TestDeliveryCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeCursor{perChunk: 1, records: [][]byte{frameRecord("127.0.0.1:1", "a"), frameRecord("127.0.0.2:1", "b")}}
		s := &fakeSink{write: func(int, []sink.Record) error { return errors.New("down") }}
		d := delivery(c, s, &letters{}, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := d.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if c.Committed() != 0 || d.Stats.Done() != 0 {
			t.Fatalf("committed %d, done %d", c.Committed(), d.Stats.Done())
		}
	})
}

func TestRecordRoundTrip(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, f := range []receiver.Frame{
		{Peer: netip.MustParseAddrPort("192.0.2.1:514"), Transport: receiver.UDP, Framing: receiver.Datagram, Data: []byte("hello")},
		{Peer: netip.MustParseAddrPort("[2001:db8::1]:65535"), Transport: receiver.TLS, Framing: receiver.OctetCounting, Flags: receiver.Truncated, Listener: 65535, TLSPeer: "esx01", Relay: "10.0.0.1", Data: []byte{}},
		{Peer: netip.MustParseAddrPort("[::ffff:10.1.2.3]:1"), Transport: receiver.TCP, Framing: receiver.NUL, Data: []byte{0, 1, 2}},
		{TLSPeer: long, Data: []byte("no peer")},
	} {
		var r Record
		if err := r.decode(append(appendFrameHeader(nil, &f, 42), f.Data...)); err != nil {
			t.Fatal(err)
		}
		want := netip.AddrPortFrom(f.Peer.Addr().Unmap(), f.Peer.Port())
		if r.Kind != KindFrame || r.Received != 42 || f.Peer.IsValid() && r.Peer != want || r.Transport != f.Transport || r.Framing != f.Framing ||
			r.Flags != f.Flags || r.Listener != f.Listener || string(r.TLSPeer) != f.TLSPeer[:min(len(f.TLSPeer), 255)] || string(r.Relay) != f.Relay || !bytes.Equal(r.Data, f.Data) {
			t.Errorf("%+v came back as %+v", f, r)
		}
	}
	id := event.NewID(1, 2)
	var r Record
	if err := r.decode(append(appendEventHeader(nil, id, event.DatasetLogLoss, 43), `{"a":1}`...)); err != nil {
		t.Fatal(err)
	}
	if r.Kind != KindEvent || r.ID != id || string(r.Dataset) != string(event.DatasetLogLoss) || r.Received != 43 || string(r.Data) != `{"a":1}` {
		t.Errorf("event came back as %+v", r)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(frameRecord("192.0.2.1:514", "hello"))
	f.Add(appendEventHeader(nil, event.NewID(1, 2), event.DatasetPosture, 1))
	f.Add(AppendKept(nil, &Record{ID: event.NewID(1, 2), Key: []byte("k"), Zone: []byte("UTC"), Data: []byte("x")}))
	f.Add([]byte{})
	f.Fuzz(func(_ *testing.T, b []byte) {
		var r Record
		_ = r.decode(b) // must not panic, whatever the bytes
	})
}

// frameSink keeps the frames of what it gets.
type frameSink struct{ got []sink.Frame }

func (s *frameSink) Write(_ context.Context, batch []sink.Record) error {
	for _, r := range batch {
		if r.Frame == nil {
			s.got = append(s.got, sink.Frame{Timezone: "none was given"})
			continue
		}
		f := *r.Frame
		f.TLSPeer, f.Relay = strings.Clone(f.TLSPeer), strings.Clone(f.Relay)
		s.got = append(s.got, f)
	}
	return nil
}

func (s *frameSink) Close() error { return nil }

func TestDeliveryGivesFramesWhereTheyAreWanted(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	f := receiver.Frame{
		Peer: netip.MustParseAddrPort("10.0.0.1:514"), Transport: receiver.TLS, Framing: receiver.OctetCounting, Listener: 3,
		TLSPeer: "esx01", Relay: "10.9.9.9", Flags: receiver.Truncated | receiver.Unfinished,
	}
	c := func() *fakeCursor {
		return &fakeCursor{perChunk: 4, records: [][]byte{
			append(appendFrameHeader(nil, &f, 1), line("h", 1)...),
			{99}, // no record of ours: a dead letter
			append(appendEventHeader(nil, event.NewID(1, 2), event.DatasetPosture, 2), `{}`...),
		}}
	}
	want := []sink.Frame{
		{
			Peer: f.Peer, Transport: "tls", Framing: "octet_counting", Listener: 3, TLSPeer: "esx01", Relay: "10.9.9.9",
			Timezone: "Europe/Berlin", Truncated: true, Unfinished: true,
		},
		{Own: true},
	}
	for _, wanted := range []bool{true, false} {
		s := &frameSink{}
		d := delivery(c(), s, &letters{}, func(cfg *DeliveryConfig) {
			cfg.Lanes, cfg.Frames, cfg.Format = 1, wanted, FormatRaw
			cfg.Listeners = map[uint16]*decode.Options{3: {Location: berlin}}
		})
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !wanted {
			want = []sink.Frame{{Timezone: "none was given"}, {Timezone: "none was given"}}
		}
		if !slices.Equal(s.got, want) {
			t.Errorf("wanted %v: got\n%+v, want\n%+v", wanted, s.got, want)
		}
	}
}

func TestDeliveryRedacts(t *testing.T) {
	const shell = "<13>2026-11-20T10:00:00Z esx01 shell[1627100]: [root]: esxcli system account set -i bob -p Secret123 -c Secret123"
	for _, plain := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := &fakeCursor{perChunk: 1, records: [][]byte{frameRecord("127.0.0.1:1", shell)}}
			s := &fakeSink{}
			d := delivery(c, s, &letters{}, func(cfg *DeliveryConfig) {
				cfg.Plain, cfg.Detail, cfg.Original = plain, event.DetailFull, event.OriginalSecurity
			})
			if err := d.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := bytes.Contains(s.got[0].Value, []byte("Secret123")); got != plain {
				t.Errorf("plain %v: %s", plain, s.got[0].Value)
			}
		})
	}
}

// More processors than lanes, a cursor that cannot be read while the sink is down, a sync that
// fails once: none of them may end or wedge the process.
func TestDeliveryManyLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeCursor{perChunk: 500}
		for n := range 500 {
			c.records = append(c.records, frameRecord(fmt.Sprintf("127.0.%d.%d:514", n/250, n%250+1), line("h", n)))
		}
		s := &fakeSink{}
		if err := delivery(c, s, &letters{}, func(cfg *DeliveryConfig) { cfg.Lanes = 1000 }).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(s.got) != 500 {
			t.Fatalf("%d of 500", len(s.got))
		}
	})
}

// unreadable is a cursor whose log cannot be read any more.
type unreadable struct{ fakeCursor }

func (c *unreadable) Next(ctx context.Context, ch *spool.Chunk) error {
	if c.next == len(c.records) {
		return errors.New("input/output error")
	}
	return c.fakeCursor.Next(ctx, ch)
}

func TestDeliveryEndsWhenTheLogCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &unreadable{fakeCursor{perChunk: 1, records: [][]byte{frameRecord("127.0.0.1:1", "a")}}}
		s := &fakeSink{write: func(int, []sink.Record) error { return errors.New("down") }}
		err := delivery(c, s, &letters{}, nil).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "input/output error") {
			t.Fatalf("got %v", err)
		}
	})
}

func TestDeliverySyncHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeCursor{perChunk: 1, open: true, records: [][]byte{frameRecord("127.0.0.1:1", "a")}}
		var works atomic.Bool
		s := &fakeSink{sync: func() error {
			if !works.Load() {
				return errors.New("no space")
			}
			return nil
		}}
		d := delivery(c, s, &letters{}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		time.Sleep(time.Second)
		if d.Failing() == "" {
			t.Error("a sync that fails is not reported")
		}
		works.Store(true)
		time.Sleep(time.Second)
		if why := d.Failing(); why != "" {
			t.Errorf("still failing: %s", why)
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}
