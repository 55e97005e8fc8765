package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vswarden/group"
	"vswarden/receiver"
	"vswarden/sink"
	"vswarden/spool"
)

// pastCursor is a log that outlives deliveries: a new one begins behind what was committed.
type pastCursor struct {
	records  [][]byte
	stamps   []int64
	perChunk func() int
	open     bool // more may come
	next     int
	doneMark
}

func (c *pastCursor) Next(ctx context.Context, ch *spool.Chunk) error {
	if c.next == len(c.records) {
		if c.open {
			<-ctx.Done()
			return ctx.Err()
		}
		return io.EOF
	}
	n := min(c.perChunk(), len(c.records)-c.next)
	ch.First, ch.Epoch, ch.Skipped, ch.Records = spool.Position(c.next+1), 7, 0, ch.Records[:0]
	for _, r := range c.records[c.next : c.next+n] { // into the memory that the chunk had before
		i := len(ch.Records)
		ch.Records = append(ch.Records[:i:cap(ch.Records)], append(reused(ch, i), r...))
	}
	c.next += n
	return nil
}

// reused is the memory of record i of a chunk's last use, so that what points into it shows.
func reused(ch *spool.Chunk, i int) []byte {
	if all := ch.Records[:cap(ch.Records)]; i < len(all) {
		return all[i][:0]
	}
	return nil
}

func (c *pastCursor) Rewind(by time.Duration) error {
	for c.next > 0 && c.stamps[c.next-1] >= c.stamps[max(int(c.committed)-1, 0)]-int64(by) {
		c.next--
	}
	return nil
}

func (c *pastCursor) Skip(p spool.Position) { c.next = max(c.next, int(p)) }

// restart begins again behind what was committed.
func (c *pastCursor) restart() { c.next = int(c.committed) }

// mixedLines are the lines of three hosts: such as stand alone, groups, repeats, floods, security.
func mixedLines(rng *rand.Rand, n int) *pastCursor {
	c := &pastCursor{}
	now := time.Date(2026, 2, 7, 9, 29, 18, 0, time.UTC)
	for i := range n {
		if rng.IntN(4) == 0 {
			now = now.Add(time.Duration(rng.IntN(700)) * time.Millisecond)
		}
		host := rng.IntN(3)
		stamp := now.Format("2006-01-02T15:04:05.000Z")
		h := func(app string) string { return fmt.Sprintf("<166>%s esx%d %s: ", stamp, host, app) }
		app := []string{"Hostd", "Vpxa"}[rng.IntN(2)]
		line := ""
		switch rng.IntN(12) {
		case 0, 1, 2:
			line = h(app) + fmt.Sprintf("info hostd[20] [Originator@6876 sub=Default] text %d", i)
		case 3, 4, 5:
			line = h(app) + fmt.Sprintf("-->  more %d", i)
		case 6:
			line = fmt.Sprintf("  bare %d", i)
		case 7:
			line = h("vobd") + fmt.Sprintf(" [%sCorrelator] 12us: [vob.user.ssh.session.opened] SSH session was opened for 'root@192.0.2.%d'.", []string{"Generic", "UserLevel"}[rng.IntN(2)], rng.IntN(3))
		case 8:
			line = h("Hostd") + fmt.Sprintf("info hostd[20] [Originator@6876 sub=Default] Event %d : SSH session was opened for 'root@192.0.2.%d'.", i, rng.IntN(3))
		case 9:
			line = h("vmkernel") + "cpu1:2)NetPort: 1165: disabled port 0x3000007"
		case 10:
			line = h("vpxd") + fmt.Sprintf("Event [%d] [%d-3] part %d", rng.IntN(3), 1+rng.IntN(3), i)
		case 11:
			line = h("vmkernel") + fmt.Sprintf("cpu1:2)etherswitch: L2Sec_EnforcePortCompliance:226: client vmk%d requested promiscuous mode on port 0x4000006, disallowed by vswitch policy", rng.IntN(2))
		}
		f := receiver.Frame{Origin: &receiver.Origin{Peer: netip.MustParseAddrPort(fmt.Sprintf("192.0.2.%d:%d", host+1, 5000+rng.IntN(2))), Transport: receiver.TCP}, Framing: receiver.LF}
		c.records = append(c.records, append(appendFrameHeader(nil, &f, now.UnixNano()), line...))
		c.stamps = append(c.stamps, now.UnixNano())
	}
	return c
}

// Wherever a delivery is cut off and however the log is given to it, what it delivers in the end is
// what one pass over the log delivers: the same events under the same ids, nothing lost, nothing
// that one pass has not.
func TestASecondPassGroupsTheSame(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			log := mixedLines(rng, 600)
			log.perChunk = func() int { return 1000 }
			want := passOver(t, log, func(cfg *DeliveryConfig) { cfg.Lanes = 1 }, -1)
			if len(want) >= len(log.records) || len(want) < len(log.records)/3 {
				t.Fatalf("%d events of %d lines", len(want), len(log.records))
			}

			again := mixedLines(rand.New(rand.NewPCG(seed, 1)), 600)
			again.perChunk = func() int { return 1 + rng.IntN(40) }
			got := map[string]string{}
			for range 5 {
				again.open = true
				for id, value := range passOver(t, again, func(cfg *DeliveryConfig) { cfg.Lanes = 1 + rng.IntN(4) }, rng.IntN(200)) {
					if old, ok := got[id]; ok && old != value {
						t.Errorf("seed %d: event %s was\n%s\nand is\n%s", seed, id, old, value)
					}
					got[id] = value
				}
				again.restart()
			}
			again.open = false
			maps.Copy(got, passOver(t, again, nil, -1))
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

// passOver runs a delivery over the log to its end, or until a sink took some batches, and returns
// the events by id.
func passOver(t *testing.T, log *pastCursor, change func(*DeliveryConfig), batches int) map[string]string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	s := &fakeSink{write: func(call int, _ []sink.Record) error {
		if batches >= 0 && call > batches {
			stop()
			return context.Canceled
		}
		return nil
	}}
	before := log.Committed()
	d := delivery(log, s, &letters{}, func(cfg *DeliveryConfig) {
		cfg.Group, cfg.Lookback = group.DefaultConfig().Options(), time.Minute
		if change != nil {
			change(cfg)
		}
	})
	if batches >= 0 {
		time.AfterFunc(3*time.Second, stop) // by the bubble's clock: all that can be done is
	}
	if err := d.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if batches < 0 {
		if got := log.Committed(); got != spool.Position(len(log.records)) {
			t.Errorf("committed %d of %d", got, len(log.records))
		}
		if done := d.Stats.Done(); done != uint64(log.Committed()-before) {
			t.Errorf("the books: %d records done, %d were due; %d delivered, %d grouped", done, log.Committed()-before, d.Stats.Delivered.Load(), d.Stats.Grouped.Load())
		}
	}
	events := map[string]string{}
	for _, r := range s.got {
		events[r.ID.String()] = string(r.Value)
	}
	return events
}

// fixedClock is the log's end as an intake tells it.
type fixedClock struct {
	mu     sync.Mutex
	now    int64
	newest spool.Position
}

func (c *fixedClock) Now() (int64, spool.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now, c.newest
}

// The last line of a silent sender leaves when the log was read to its end and the clock is past
// it, not before; until then the cursor stays in front of it.
func TestSilentSenderIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &pastCursor{open: true, perChunk: func() int { return 10 }}
		base := time.Date(2026, 2, 7, 9, 29, 18, 0, time.UTC)
		for i, line := range []string{"Hostd: info hostd[20] [Originator@6876 sub=Default] a", "Hostd: --> b"} {
			stamp := base.Add(time.Duration(i) * time.Millisecond)
			f := receiver.Frame{Origin: &receiver.Origin{Peer: netip.MustParseAddrPort("192.0.2.1:5000"), Transport: receiver.UDP}, Framing: receiver.Datagram}
			log.records = append(log.records, append(appendFrameHeader(nil, &f, stamp.UnixNano()), "<166>2026-02-07T09:29:18.734Z esx1 "+line...))
			log.stamps = append(log.stamps, stamp.UnixNano())
		}
		last := log.stamps[1]
		clock := &fixedClock{now: last + int64(time.Second), newest: 2}
		s := &fakeSink{}
		d := delivery(log, s, &letters{}, func(cfg *DeliveryConfig) {
			cfg.Group, cfg.Clock = group.DefaultConfig().Options(), clock
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- d.Run(ctx) }()
		look := func() (events int, committed spool.Position) {
			time.Sleep(time.Second)
			synctest.Wait()
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.got), log.Committed()
		}
		if n, p := look(); n != 0 || p != 0 {
			t.Errorf("%d events, committed %d, although a line of the same stamp could come", n, p)
		}
		clock.mu.Lock()
		clock.newest = 3 // a record that was not read yet
		clock.now++
		clock.mu.Unlock()
		if n, p := look(); n != 0 || p != 0 {
			t.Errorf("%d events, committed %d, although a record is not read yet", n, p)
		}
		clock.mu.Lock()
		clock.newest = 2
		clock.mu.Unlock()
		if n, p := look(); n != 1 || p != 2 {
			t.Errorf("%d events, committed %d, want 1 and 2", n, p)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if len(s.got) == 1 && !strings.Contains(string(s.got[0].Value), `a\nb`) {
			t.Errorf("%s", s.got[0].Value)
		}
	})
}

func TestMarkCutsNoGroup(t *testing.T) {
	h := holds{low: 50, spans: []span{{5, 9}, {8, 20}, {30, 60}, {61, 70}}}
	for mark, want := range map[spool.Position]spool.Position{4: 4, 5: 4, 8: 4, 9: 4, 19: 4, 20: 20, 29: 29, 30: 29, 49: 29, 55: 29, 100: 29} {
		if got := h.below(mark, 3); got != want {
			t.Errorf("below(%d) = %d, want %d", mark, got, want)
		}
	}
	h.low = 0
	if got := h.below(100, 65); got != 100 || len(h.spans) != 1 {
		t.Errorf("below = %d, %d groups kept", got, len(h.spans))
	}
}

// What the lanes have and have not done is nothing when all is done, wherever the delivery began.
func TestUndoneIsNothingInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 3))
		log := mixedLines(rng, 300)
		log.perChunk = func() int { return 1 + rng.IntN(30) }
		log.committed = 117
		log.restart()
		d := delivery(log, &fakeSink{}, &letters{}, func(cfg *DeliveryConfig) {
			cfg.Group, cfg.Lookback = group.DefaultConfig().Options(), time.Minute
		})
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, given := d.Undone(); n != 0 || d.undone.Load() != 0 || given != 300 || d.Stats.Done() != 183 {
			t.Errorf("%d undone of %d, done %d", d.undone.Load(), given, d.Stats.Done())
		}
	})
}

// Where stamps have no order, the last line of a sender leaves when it was silent for some seconds; at
// the end it stays with whoever has the records next, or goes out where nothing follows.
func TestWhereStampsHaveNoOrder(t *testing.T) {
	for _, final := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			log := &pastCursor{open: !final, perChunk: func() int { return 1 }}
			f := receiver.Frame{Origin: &receiver.Origin{Peer: netip.MustParseAddrPort("192.0.2.1:5000"), Transport: receiver.UDP}, Framing: receiver.Datagram}
			log.records = [][]byte{append(appendFrameHeader(nil, &f, 5), "<166>2026-02-07T09:29:18.734Z esx1 Hostd: info hostd[20] [Originator@6876 sub=Default] a"...)}
			log.stamps = []int64{5}
			s := &fakeSink{}
			d := delivery(log, s, &letters{}, func(cfg *DeliveryConfig) {
				cfg.Group, cfg.Unordered, cfg.Final = group.DefaultConfig().Options(), true, final
			})
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			done := make(chan error, 1)
			go func() { done <- d.Run(ctx) }()
			if !final {
				time.Sleep(1500 * time.Millisecond)
				synctest.Wait()
				s.mu.Lock()
				if len(s.got) != 0 {
					t.Error("delivered at once")
				}
				s.mu.Unlock()
				time.Sleep(5 * time.Second)
				synctest.Wait()
				stop()
			}
			if err := <-done; err != nil || len(s.got) != 1 || log.Committed() != 1 {
				t.Errorf("final %v: %v, %d events, committed %d", final, err, len(s.got), log.Committed())
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // the end while it is held
		log := &pastCursor{perChunk: func() int { return 1 }, stamps: []int64{5}}
		f := receiver.Frame{Origin: &receiver.Origin{Peer: netip.MustParseAddrPort("192.0.2.1:5000"), Transport: receiver.UDP}, Framing: receiver.Datagram}
		log.records = [][]byte{append(appendFrameHeader(nil, &f, 5), "<166>2026-02-07T09:29:18.734Z esx1 Hostd: info hostd[20] [Originator@6876 sub=Default] a"...)}
		s := &fakeSink{}
		d := delivery(log, s, &letters{}, func(cfg *DeliveryConfig) {
			cfg.Group, cfg.Unordered = group.DefaultConfig().Options(), true
		})
		if err := d.Run(t.Context()); err != nil || len(s.got) != 0 || log.Committed() != 0 {
			t.Errorf("%v, %d events, committed %d", err, len(s.got), log.Committed())
		}
	})
}

// A kill may tear the end of the log, and leave a gap in the numbers behind a line that is held. It goes out in time,
// though no other line comes.
func TestHeldBeforeATornEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys, cfg := spool.NewMemFS(), spool.DefaultConfig()
		open := func() *spool.Log {
			log, err := spool.Open(fsys, "log", cfg)
			if err != nil {
				t.Fatal(err)
			}
			return log
		}
		log := open()
		if _, err := log.Cursor("test", spool.StartOldest); err != nil {
			t.Fatal(err)
		}
		frame := func(text string) receiver.Frame {
			return receiver.Frame{Origin: &receiver.Origin{Peer: netip.MustParseAddrPort("192.0.2.1:5000"), Transport: receiver.UDP, Received: time.Now()}, Framing: receiver.Datagram, Data: []byte(text)}
		}
		held := frame("<166>2026-02-07T09:29:18.734Z esx1 Hostd: info hostd[20] [Originator@6876 sub=Default] a")
		torn := frame("<166>2026-02-07T09:29:18.734Z esx2 Hostd: info hostd[20] [Originator@6876 sub=Default] b")
		err := NewIntake(IntakeConfig{Log: log}).Handler(t.Context())([]receiver.Frame{held, torn, torn})
		if err := errors.Join(err, log.Close()); err != nil {
			t.Fatal(err)
		}
		f, err := fsys.OpenFile("log/00000000000000000001.seg", os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		size, err := f.Size()
		if err := errors.Join(err, f.Truncate(size-int64(len(torn.Data)+50)), fsys.Remove("log/state")); err != nil { // state says that it was synced
			t.Fatal(err)
		}

		log = open()
		if last, next := log.Last(), log.Stats().Next; last != 1 || next != 4 {
			t.Errorf("the log ends with %d and goes on with %d, want 1 and 4", last, next)
		}
		cursor, err := log.Cursor("test", spool.StartOldest)
		if err != nil {
			t.Fatal(err)
		}
		s := &fakeSink{}
		d := delivery(cursor, s, &letters{}, func(cfg *DeliveryConfig) {
			cfg.Group, cfg.Clock = group.DefaultConfig().Options(), NewIntake(IntakeConfig{Log: log})
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		time.Sleep(time.Minute)
		if undone, _ := d.Undone(); undone != 0 || len(s.got) != 1 || cursor.Committed() != 1 {
			t.Errorf("after a minute %d lines are not done, %d events went out, committed is %d", undone, len(s.got), cursor.Committed())
		}
		cancel()
		if err := errors.Join(<-ended, log.Close()); err != nil {
			t.Error(err)
		}
	})
}

// What the intake says of the time binds the stamps that follow, and goes on when the clock was set back.
func TestIntakeClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := spool.DefaultConfig()
		cfg.MinFree = 0
		log, err := spool.Open(spool.NewMemFS(), "log", cfg)
		if err != nil {
			t.Fatal(err)
		}
		shift := time.Duration(0)
		in := NewIntake(IntakeConfig{Log: log, Now: func() time.Time { return time.Now().Add(shift) }})
		stampOf := func() int64 {
			if err := in.Handler(t.Context())([]receiver.Frame{{Origin: &receiver.Origin{Peer: netip.MustParseAddrPort("192.0.2.1:5"), Transport: receiver.UDP}, Data: []byte("x")}}); err != nil {
				t.Fatal(err)
			}
			return log.LastStamp()
		}
		first := stampOf()
		time.Sleep(time.Second)
		now, newest := in.Now()
		if newest != 1 || now != first+int64(time.Second) {
			t.Errorf("now %d, newest %d", now-first, newest)
		}
		shift = -time.Hour
		if got := stampOf(); got != now {
			t.Errorf("a stamp %v after the time that was said", time.Duration(got-now))
		}
		for range 10 {
			time.Sleep(100 * time.Millisecond)
			in.Now()
		}
		if got, _ := in.Now(); got != now+int64(500*time.Millisecond) {
			t.Errorf("the time went on by %v in a second, want half of it", time.Duration(got-now))
		}
		if got := stampOf(); got < now+int64(500*time.Millisecond) {
			t.Errorf("a stamp %v before the time that was said", time.Duration(now-got))
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
