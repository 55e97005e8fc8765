package pipeline

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vswarden/event"
	"vswarden/sink"
	"vswarden/spool"
)

// patientWaiter has ports pending until a moment.
type patientWaiter struct {
	mu    sync.Mutex
	until time.Time
	asked int
}

func (w *patientWaiter) Pending(e *event.Event) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	return e.L2Sec.Kind != event.L2SecNone && time.Now().Before(w.until)
}

// denialRecord is a line of the virtual switch.
func denialRecord(n int) []byte {
	return frameRecord("127.0.0.1:514", fmt.Sprintf("<181>2023-11-14T22:13:20.000Z h1 vmkernel: cpu1:%d)etherswitch: L2Sec_EnforcePortCompliance:226: client web-01 has policy violations on port 0x4000006. Port is blocked", n))
}

// slowCursor gives one chunk every so often.
type slowCursor struct {
	fakeCursor
	every time.Duration
}

func (c *slowCursor) Next(ctx context.Context, ch *spool.Chunk) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(c.every):
	}
	return c.fakeCursor.Next(ctx, ch)
}

// deliveredAt notes when each batch came.
func deliveredAt(s *fakeSink) *[]time.Time {
	var at []time.Time
	s.write = func(_ int, batch []sink.Record) error {
		for range batch {
			at = append(at, time.Now())
		}
		return nil
	}
	return &at
}

func TestLinesOfTheSwitchWaitUntilTheirPortIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A minute between chunks: a lane may have waited six seconds by then, of which it takes what it needs.
		c := &slowCursor{fakeCursor: fakeCursor{perChunk: 1}, every: time.Minute}
		c.records = [][]byte{denialRecord(1), denialRecord(2), denialRecord(3)}
		s, start := &fakeSink{}, time.Now()
		at := deliveredAt(s)
		w := &patientWaiter{until: start.Add(2*time.Minute + 300*time.Millisecond)}
		d := delivery(c, s, &letters{}, func(cfg *DeliveryConfig) { cfg.Lanes, cfg.Waiter, cfg.Wait = 1, w, 500*time.Millisecond })
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		var took []time.Duration
		for i, a := range *at {
			took = append(took, a.Sub(start)-time.Duration(i+1)*time.Minute)
		}
		if len(took) != 3 || took[0] > 10*time.Millisecond || took[1] < 300*time.Millisecond || took[1] > 320*time.Millisecond || took[2] > 10*time.Millisecond {
			t.Errorf("delivered %v after they came, want the second one to wait 300ms", took)
		}
		if d.Stats.Awaited.Load() != 2 || d.Stats.GivenUp.Load() != 1 {
			t.Errorf("%d awaited, %d given up", d.Stats.Awaited.Load(), d.Stats.GivenUp.Load())
		}
	})
}

func TestALaneWaitsNoMoreThanATenthOfItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wait = 500 * time.Millisecond
		c := &slowCursor{fakeCursor: fakeCursor{perChunk: 10}, every: 100 * time.Millisecond}
		for i := range 10_000 {
			c.records = append(c.records, denialRecord(i))
		}
		s := &fakeSink{}
		w := &patientWaiter{until: time.Now().Add(1000 * time.Hour)}
		d := delivery(c, s, &letters{}, func(cfg *DeliveryConfig) { cfg.Lanes, cfg.Waiter, cfg.Wait = 1, w, wait })
		start := time.Now()
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		took := time.Since(start)
		if waited := time.Duration(d.Stats.Waited.Load()); waited > took/10 || waited < took/20 {
			t.Errorf("waited %v of %v", waited, took)
		}
		if len(s.got) != 10_000 {
			t.Errorf("%d delivered", len(s.got))
		}
	})
}

func TestOtherLinesAreNotAskedAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &slowCursor{fakeCursor: fakeCursor{perChunk: 10}, every: time.Minute}
		for i := range 20 {
			c.records = append(c.records, frameRecord("127.0.0.1:514", line("h1", i)))
		}
		w := &patientWaiter{until: time.Now().Add(1000 * time.Hour)}
		d := delivery(c, &fakeSink{}, &letters{}, func(cfg *DeliveryConfig) { cfg.Lanes, cfg.Waiter, cfg.Wait = 1, w, time.Minute })
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if w.asked != 0 || d.Stats.Waited.Load() != 0 {
			t.Errorf("asked about %d lines, waited %d ns", w.asked, d.Stats.Waited.Load())
		}
	})
}

// Hosts are asked even where nothing waits; then no line is counted as one that was held back.
func TestWithoutPatienceLinesAreOnlyAskedAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &slowCursor{fakeCursor: fakeCursor{perChunk: 1}, every: time.Minute}
		c.records = [][]byte{denialRecord(1), denialRecord(2)}
		w := &patientWaiter{until: time.Now().Add(1000 * time.Hour)}
		d := delivery(c, &fakeSink{}, &letters{}, func(cfg *DeliveryConfig) { cfg.Lanes, cfg.Waiter = 1, w })
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if w.asked != 2 || d.Stats.Awaited.Load() != 0 || d.Stats.GivenUp.Load() != 0 {
			t.Errorf("asked %d times, %d awaited, %d given up", w.asked, d.Stats.Awaited.Load(), d.Stats.GivenUp.Load())
		}
	})
}

// What keeps it waiting must not keep the program from ending.
func TestWaitingEndsWithTheDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &slowCursor{fakeCursor: fakeCursor{perChunk: 1, open: true}, every: time.Hour}
		c.records = [][]byte{denialRecord(1), denialRecord(2)}
		w := &patientWaiter{until: time.Now().Add(1000 * time.Hour)}
		d := delivery(c, &fakeSink{}, &letters{}, func(cfg *DeliveryConfig) { cfg.Lanes, cfg.Waiter, cfg.Wait = 1, w, time.Hour })
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour+time.Second)
		defer cancel()
		start := time.Now()
		if err := d.Run(ctx); err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 2*time.Hour+time.Minute {
			t.Errorf("it took %v to end", took)
		}
	})
}

func TestWaitingAllocatesNothingForOtherLines(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	w := &patientWaiter{}
	d := delivery(&fakeCursor{}, nullSink{}, &letters{}, func(cfg *DeliveryConfig) { cfg.Lanes, cfg.Waiter, cfg.Wait = 1, w, time.Second })
	c := benchChunk(600)
	deliverOnce(t, d.lanes[0], c)
	if n := testing.AllocsPerRun(20, func() { deliverOnce(t, d.lanes[0], c) }); n > 0 {
		t.Errorf("%v allocations for 600 events", n)
	}
	if !speaksOfSwitch([]byte(strings.Repeat("x", 100)+"NetPort: 1580: disabled port 0x4000006")) || speaksOfSwitch([]byte("hostd: x")) {
		t.Error("the quick look")
	}
}
