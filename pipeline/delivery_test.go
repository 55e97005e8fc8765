package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vswarden/decode"
	"vswarden/event"
	"vswarden/receiver"
	"vswarden/sink"
	"vswarden/sink/deadletter"
	"vswarden/spool"
)

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
		Origin: &receiver.Origin{Peer: netip.MustParseAddrPort("10.0.0.1:514"), Transport: receiver.TLS, Listener: 3, TLSPeer: "esx01", Relay: "10.9.9.9"}, Framing: receiver.OctetCounting, Flags: receiver.Truncated | receiver.Unfinished,
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
