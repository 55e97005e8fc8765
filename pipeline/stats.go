package pipeline

import (
	"math/bits"
	"sync/atomic"
	"time"

	"vswarden/event"
	"vswarden/sink"
)

// DeliveryStats counts what became of records. Each is counted once, when it is done, so that
// the books of contract.md balance; the fields may be read at any time.
type DeliveryStats struct {
	Delivered atomic.Uint64
	Filtered  atomic.Uint64
	Grouped   atomic.Uint64 // lines that went into another event
	Retries   atomic.Uint64
	BytesIn   atomic.Uint64
	BytesOut  atomic.Uint64
	Tags      [32]atomic.Uint64 // by bit of event.Tags
	Latency   Histogram         // receive to acknowledged

	Awaited atomic.Uint64 // lines that were held back for the inventory
	GivenUp atomic.Uint64 // of these, that went out as they were when their time was up
	Waited  atomic.Int64  // nanoseconds that lanes waited for them

	skippedDamaged atomic.Uint64
	deadPermanent  atomic.Uint64
	deadPanic      atomic.Uint64
	deadRecord     atomic.Uint64
}

// Dead returns how many events were dead-lettered for reason.
func (s *DeliveryStats) Dead(reason string) uint64 {
	switch reason {
	case DeadPermanent:
		return s.deadPermanent.Load()
	case DeadPanic:
		return s.deadPanic.Load()
	case DeadRecord:
		return s.deadRecord.Load()
	}
	return 0
}

// Damaged returns how many records the log lost before they were delivered.
func (s *DeliveryStats) Damaged() uint64 { return s.skippedDamaged.Load() }

// Done returns how many records are done in whatever way.
func (s *DeliveryStats) Done() uint64 {
	return s.Delivered.Load() + s.Filtered.Load() + s.Grouped.Load() + s.skippedDamaged.Load() +
		s.deadPermanent.Load() + s.deadPanic.Load() + s.deadRecord.Load()
}

func (s *DeliveryStats) dead(reason string) {
	switch reason {
	case DeadPermanent:
		s.deadPermanent.Add(1)
	case DeadPanic:
		s.deadPanic.Add(1)
	default:
		s.deadRecord.Add(1)
	}
}

func (s *DeliveryStats) delivered(batch []sink.Record) {
	now, size := time.Now().UnixNano(), len(batch)
	var latency latencies
	for i := 0; i < len(batch); {
		first, received := i, batch[i].Received
		for ; i < len(batch) && batch[i].Received == received; i++ { // frames of one read have one stamp
			size += len(batch[i].Value)
		}
		latency.count(now-received, i-first)
	}
	s.Latency.add(&latency)
	s.BytesOut.Add(uint64(size))
	s.Delivered.Add(uint64(len(batch)))
}

// Histogram counts durations in buckets that double: up to 2^(i+latencyShift) ns.
type Histogram struct {
	buckets [latencyBuckets]atomic.Uint64
	sum     atomic.Int64 // nanoseconds
}

// Buckets from 1 ms (2^20 ns) to 18 min (2^40 ns), and one for what is longer.
const (
	latencyShift   = 20
	latencyBuckets = 22
)

// latencies counts one batch, so that its events do not each touch shared memory.
type latencies struct {
	buckets [latencyBuckets]uint64
	sum     int64
}

func (l *latencies) count(ns int64, times int) {
	ns = max(ns, 0) // the clock was set back
	i := max(bits.Len64(uint64(ns))-latencyShift, 0)
	l.buckets[min(i, latencyBuckets-1)] += uint64(times)
	l.sum += ns * int64(times)
}

func (h *Histogram) add(l *latencies) {
	for i, n := range l.buckets {
		if n > 0 {
			h.buckets[i].Add(n)
		}
	}
	h.sum.Add(l.sum)
}

// Snapshot returns the cumulative counts by upper bound in seconds, without the unbounded bucket,
// the number of all durations and their sum in seconds.
func (h *Histogram) Snapshot() (buckets map[float64]uint64, count uint64, sum float64) {
	buckets = make(map[float64]uint64, latencyBuckets)
	for i := range h.buckets {
		count += h.buckets[i].Load()
		if i < latencyBuckets-1 {
			buckets[float64(uint64(1)<<(i+latencyShift))/1e9] = count
		}
	}
	return buckets, count, float64(h.sum.Load()) / 1e9
}

// bit returns the index of the lowest tag of t.
func bit(t event.Tags) int { return bits.TrailingZeros32(uint32(t)) }
