package app

import (
	"context"
	"fmt"
	"time"

	"vswarden/event"
)

// dropsPause is how long drops of one listener are gathered before they are stated again.
const dropsPause = 10 * time.Second

// kernelDrops turns what the kernel threw away for want of buffer into events of our own, so that
// who reads the events knows that some are missing. Memory: one number for each listener.
type kernelDrops struct {
	seen []uint64 // drops stated so far, by listener
	next time.Time
}

// report states what was dropped since the last time.
func (k *kernelDrops) report(ctx context.Context, p *parts) {
	now := time.Now()
	if now.Before(k.next) {
		return
	}
	for i, l := range p.listeners {
		n := l.Stats().KernelDrops.Load()
		if n == k.seen[i] {
			continue
		}
		lost := n - k.seen[i]
		p.log.Warn().Str("listener", l.Name()).Uint64("datagrams", lost).Msg("the kernel dropped datagrams because the socket's buffer was full; raise receive_buffer, or let hosts send over TCP")
		e := &event.Event{
			Common: event.Common{
				Dataset:    event.DatasetLogLoss,
				TimeDigits: 9,
				Host:       hostname(),
				Message:    fmt.Sprintf("the kernel dropped %d datagrams of listener %s because the socket's buffer was full", lost, l.Name()),
			},
			Rare: event.Rare{Loss: event.LogLoss{Kind: event.LossKernel, Count: lost, Target: l.Addr().String()}},
		}
		e.Syslog.Priority = -1
		// While the log is full this waits for a moment only: the caller has more to do. The number
		// is stated later.
		moment, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		err := p.intake.Emit(moment, e)
		cancel()
		if err != nil {
			k.next = now.Add(dropsPause)
			return
		}
		k.seen[i], k.next = n, now.Add(dropsPause)
	}
}
