package pipeline

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"vswarden/detect"
	"vswarden/event"
	"vswarden/group"
	"vswarden/sink"
	"vswarden/spool"
)

// readCursor takes a moment for each chunk, and counts the records that were read from it.
type readCursor struct {
	*pastCursor
	read atomic.Int64
}

func (c *readCursor) Next(ctx context.Context, ch *spool.Chunk) error {
	time.Sleep(time.Millisecond)
	err := c.pastCursor.Next(ctx, ch)
	if err == nil {
		c.read.Add(int64(len(ch.Records)))
	}
	return err
}

// slowSink takes its time, without a lock: another lane may write meanwhile.
type slowSink struct {
	fakeSink
	pause time.Duration
}

func (s *slowSink) Write(ctx context.Context, batch []sink.Record) error {
	time.Sleep(s.pause)
	return s.fakeSink.Write(ctx, batch)
}

// watching makes a Detection over lines whose clock says now, and remembers in memory what was saved last.
func watching(log SkipCursor, lines int, now int64, out *stated, memory *bytes.Buffer) *Detection {
	return NewDetection(DetectionConfig{
		Cursor: log, Detector: detect.New(detect.DefaultConfig()), Emit: out.emit, Log: zerolog.Nop(),
		Clock: clockFunc(func() (int64, spool.Position) { return now, spool.Position(lines) }),
		Save: func(m detect.Memory) error {
			memory.Reset()
			return m.Save(memory)
		},
	})
}

// Whatever part of the lines a Delivery tells of and whatever part is read, the detections know and find the same.
func TestDetectionsFindTheSameWhereverTheirLinesComeFrom(t *testing.T) {
	const n = 4000
	told := 0
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			alone := mixedLines(rand.New(rand.NewPCG(seed, 3)), n)
			alone.perChunk = func() int { return 100 }
			var want, got bytes.Buffer
			wanted, found := &stated{}, &stated{}
			if err := watching(alone, n, 0, wanted, &want).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(wanted.got) == 0 {
				t.Fatal("nothing is found")
			}

			rng := rand.New(rand.NewPCG(seed, 4))
			lines := mixedLines(rand.New(rand.NewPCG(seed, 3)), n)
			lines.perChunk = func() int { return 1 + rng.IntN(60) }
			lines.committed = spool.Position(rng.IntN(3) * 700) // what the sink has already
			lines.restart()
			slow, down := time.Duration(rng.IntN(20))*time.Millisecond, rng.IntN(60)
			s := &slowSink{pause: slow, fakeSink: fakeSink{write: func(call int, _ []sink.Record) error {
				if call/10 == down { // for longer than it is waited for
					return errors.New("down")
				}
				return nil
			}}}
			d := delivery(lines, s, &letters{}, func(cfg *DeliveryConfig) { cfg.Group, cfg.Lanes = group.DefaultConfig().Options(), 3 })

			own := &readCursor{pastCursor: mixedLines(rand.New(rand.NewPCG(seed, 3)), n)}
			chunk := rand.New(rand.NewPCG(seed, 5))
			own.perChunk = func() int { return 1 + chunk.IntN(60) }
			now := int64(0) // all lines are newer, so that none is too old to be waited for
			if seed%3 == 2 {
				now = own.stamps[n-1]
			}
			x := watching(own, n, now, found, &got)
			if !d.SetWatch(x) {
				t.Fatal("the lanes decode, and yet are not followed")
			}
			done := make(chan error, 2)
			go func() { done <- d.Run(t.Context()) }()
			go func() { done <- x.Run(t.Context()) }()
			if err := errors.Join(<-done, <-done); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(want.Bytes(), got.Bytes()) {
				t.Errorf("seed %d: known is\n%s\nwant\n%s", seed, got.Bytes(), want.Bytes())
			}
			ids := func(all []event.Event) (ids []event.ID) {
				for _, e := range all {
					ids = append(ids, e.ID)
				}
				return ids
			}
			if a, b := ids(wanted.got), ids(found.got); len(a) != len(b) || len(a) > 0 && a[0] != b[0] || a[len(a)-1] != b[len(b)-1] {
				t.Errorf("seed %d: found %v, want %v", seed, b, a)
			}
			told += n - int(own.read.Load())
		})
	}
	if told < 30*n/3 {
		t.Errorf("Deliveries told of %d lines of %d: nothing was tested", told, 30*n)
	}
}

// A sink that is down does not hold the detections up.
func TestDetectionsGoOnWhereADeliveryDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 2000
		lines := mixedLines(rand.New(rand.NewPCG(1, 3)), n)
		lines.perChunk, lines.open = func() int { return 50 }, true
		own := mixedLines(rand.New(rand.NewPCG(1, 3)), n)
		own.perChunk, own.open = func() int { return 50 }, true
		ctx, stop := context.WithCancel(t.Context())
		s := &fakeSink{write: func(call int, _ []sink.Record) error {
			if call < 5 {
				return nil
			}
			return errors.New("down")
		}}
		d := delivery(lines, s, &letters{}, func(cfg *DeliveryConfig) { cfg.Lanes = 1 })
		var memory bytes.Buffer
		x := watching(own, n, 0, &stated{}, &memory)
		d.SetWatch(x)
		done := make(chan error, 2)
		go func() { done <- d.Run(ctx) }()
		go func() { done <- x.Run(ctx) }()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if own.Committed() != n {
			t.Errorf("the detections are at %d of %d lines after three seconds, the sink at %d", own.Committed(), n, lines.Committed())
		}
		stop()
		if err := errors.Join(<-done, <-done); err != nil {
			t.Error(err)
		}
	})
}

// Who has read to the end of the log does not wait for a Delivery that is an hour behind, however fast that goes.
func TestDetectionsDoNotWaitForADeliveryThatIsFarBehind(t *testing.T) {
	x, c := followed(t)
	last := c.records[len(c.records)-1].Received
	behind := time.Duration(0)
	x.cfg.Clock = clockFunc(func() (int64, spool.Position) { return last + int64(behind), 100_001 })
	x.given = 100_000
	x.follow(c)
	if !x.follows() {
		t.Error("a Delivery that is up to date is not waited for")
	}
	if behind = time.Hour; x.follows() {
		t.Error("one that is an hour behind is waited for")
	}
}

// What makes a Detector panic ends neither its Delivery nor the process, and is counted; of one sender's lines, each.
func TestAPanicOfTheDetectionsCostsALineOnly(t *testing.T) {
	for _, run := range []int{1, 30} {
		x, c := followedRuns(t, run)
		x.cfg.Detector = nil
		x.given = 0
		x.follow(c)
		if panics := x.panics.Load(); panics != 600 || x.given != 600 {
			t.Errorf("runs of %d: %d panics of 600, given %d", run, panics, x.given)
		}
		x.cfg.Detector, x.given = detect.New(detect.DefaultConfig()), 0
		c.sights[3].seeItem(nil, errors.New("panic in a lane"))
		x.follow(c)
		x.follow(c) // told twice, counted once
		if n := x.panics.Load(); n != 601 {
			t.Errorf("runs of %d: %d panics, want one more than 600", run, n)
		}
	}
}

// A Delivery that hands frames on does not know what is in them.
func TestFramesThatAreNotDecodedAreNotFollowed(t *testing.T) {
	d := delivery(&fakeCursor{}, &fakeSink{}, &letters{}, func(cfg *DeliveryConfig) { cfg.Format, cfg.Frames = FormatRaw, true })
	if d.SetWatch(NewDetection(DetectionConfig{Cursor: &pastCursor{}, Detector: detect.New(detect.DefaultConfig())})) {
		t.Error("it is followed")
	}
}

// followed is a chunk of 600 lines that lanes are done with, and who is told of it.
func followed(tb testing.TB) (*Detection, *chunk) { return followedRuns(tb, 1) }

// followedRuns is followed where so many records of one sender stand together.
func followedRuns(tb testing.TB, run int) (*Detection, *chunk) {
	x := NewDetection(DetectionConfig{Cursor: &pastCursor{}, Detector: detect.New(detect.DefaultConfig()), Log: zerolog.Nop()})
	d := delivery(&fakeCursor{}, nullSink{}, &letters{}, func(cfg *DeliveryConfig) { cfg.Lanes = 1 })
	d.SetWatch(x)
	c := benchRuns(600, run)
	c.sights, c.last = make([]sight, 600), 600
	deliverOnce(tb, d.lanes[0], c)
	x.given = 0
	x.follow(c)
	return x, c
}

func TestFollowingAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	x, c := followed(t)
	if n := testing.AllocsPerRun(20, func() {
		c.First, c.last = c.First+600, c.last+600
		x.follow(c)
	}); n > 0 {
		t.Errorf("%v allocations for 600 lines", n)
	}
	if x.given < 600*20 {
		t.Errorf("given %d", x.given)
	}
}

// BenchmarkFollow is what the detections cost where a Delivery tells them what it has decoded; BenchmarkDetection is where they read.
func BenchmarkFollow(b *testing.B) {
	for name, run := range map[string]int{"alone": 1, "runs": 30} {
		b.Run(name, func(b *testing.B) {
			x, c := followedRuns(b, run)
			b.ReportAllocs()
			for i := 0; i < b.N; i += 600 {
				c.First, c.last = c.First+600, c.last+600
				x.follow(c)
			}
		})
	}
}
