package pipeline

import (
	"bytes"
	"context"
	"time"

	"vswarden/decode"
	"vswarden/event"
	"vswarden/receiver"
)

// Waiter says for which lines a little patience pays. It must not block, and may be asked about a line again and again.
type Waiter interface{ Pending(e *event.Event) bool }

const (
	// maxAwaited bounds the lines that one batch waits for: all at once, so more of them wait no longer.
	maxAwaited = 256
	// waitStep is how often it is looked whether they are known by now.
	waitStep = 10 * time.Millisecond
	// waitShare is what a lane may wait of its time: a tenth.
	waitShare = 10
)

// patience is what a lane knows of its waiting. Its zero value has no credit yet.
type patience struct {
	credit time.Duration
	since  time.Time
	lines  []event.Event // of the batch, that are worth waiting for
}

// earn adds what the time since the last call is worth, up to most.
func (p *patience) earn(now time.Time, most time.Duration) {
	if !p.since.IsZero() {
		p.credit = min(most, p.credit+now.Sub(p.since)/waitShare)
	}
	p.since = now
}

// await holds the lane back for lines of the virtual switch whose port may soon be known: all lines of the batch at once, for
// DeliveryConfig.Wait at most, and for no more than a tenth of the lane's time. Then they go out with what is known.
func (l *lane) await(ctx context.Context, c *chunk) {
	if l.d.cfg.Waiter == nil {
		return
	}
	p := &l.patience
	start := time.Now()
	p.earn(start, l.d.cfg.Wait)
	n := l.pending(c)
	if n == 0 {
		return
	}
	if l.d.cfg.Wait == 0 { // hosts were asked, for later lines
		return
	}
	until := start.Add(p.credit)
	l.d.Stats.Awaited.Add(uint64(n))
	for n > 0 && time.Now().Before(until) && ctx.Err() == nil {
		step := time.NewTimer(min(waitStep, time.Until(until)))
		select {
		case <-ctx.Done():
		case <-step.C:
		}
		step.Stop()
		for i := 0; i < n; {
			if l.d.cfg.Waiter.Pending(&p.lines[i]) {
				i++
				continue
			}
			n--
			p.lines[i], p.lines[n] = p.lines[n], p.lines[i]
		}
	}
	l.d.Stats.GivenUp.Add(uint64(n))
	end := time.Now()
	p.credit -= end.Sub(start)
	p.since = end
	l.d.Stats.Waited.Add(int64(end.Sub(start)))
}

// pending finds this lane's lines of c that are worth waiting for.
func (l *lane) pending(c *chunk) (n int) {
	lines := &l.patience.lines
	for i := range c.records {
		r := &c.records[i]
		if c.lanes[i] != l.index || r.Kind != KindFrame || r.Transport == receiver.File || l.d.past(c, i) || !speaksOfSwitch(r.Data) {
			continue
		}
		if n == len(*lines) {
			*lines = append(*lines, event.Event{})
		}
		e := &(*lines)[n]
		if l.look(e, c, i) && l.d.cfg.Waiter.Pending(e) {
			if n++; n == maxAwaited {
				break
			}
		}
	}
	return n
}

// speaksOfSwitch is a quick look for the lines that wait: those of L2Sec and NetPort.
func speaksOfSwitch(frame []byte) bool {
	return bytes.Contains(frame, []byte("L2Sec")) || bytes.Contains(frame, []byte("NetPort"))
}

// look decodes a record for a look. What makes decoding panic is dealt with when it is its turn.
func (l *lane) look(e *event.Event, c *chunk, i int) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	e.Reset()
	r := &c.records[i]
	l.fill(e, r, uint64(c.First)+uint64(i), c.Epoch)
	o := *l.optionsOf(r)
	decode.Line(e, &o)
	return true
}
