package pipeline

import (
	"testing"
	"time"

	"vswarden/sink"
)

// Each event of a batch is counted, with its bytes and its own age, however many of one stamp stand together.
func TestDeliveredIsCounted(t *testing.T) {
	var s DeliveryStats
	ages := []time.Duration{time.Second, time.Second, time.Hour, time.Second, time.Minute, time.Minute, time.Minute, -time.Hour}
	now, size, sum := time.Now(), 0, time.Duration(0)
	var batch []sink.Record
	for i, age := range ages {
		batch = append(batch, sink.Record{Received: now.Add(-age).UnixNano(), Value: make([]byte, i)})
		size += i + 1
		sum += max(age, 0)
	}
	s.delivered(batch)
	s.delivered(nil)
	buckets, count, seconds := s.Latency.Snapshot()
	if s.Delivered.Load() != 8 || s.BytesOut.Load() != uint64(size) || count != 8 {
		t.Errorf("%d events, %d bytes, %d ages; want 8, %d, 8", s.Delivered.Load(), s.BytesOut.Load(), count, size)
	}
	if late := seconds - sum.Seconds(); late < 0 || late > 7*60 { // the test may be a minute late
		t.Errorf("all ages are %v s, want %v", seconds, sum.Seconds())
	}
	within := func(least, most time.Duration) (n uint64) {
		for bound, c := range buckets {
			if bound >= least.Seconds() && bound <= most.Seconds() {
				n = max(n, c)
			}
		}
		return n
	}
	if young, old := within(0, time.Millisecond*2), within(10*time.Minute, 20*time.Minute); young != 1 || old != 7 {
		t.Errorf("%d younger than a moment, %d than a quarter of an hour; want 1, 7", young, old)
	}
}
