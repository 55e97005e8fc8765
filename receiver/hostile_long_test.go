package receiver

import (
	"context"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"
)

// mixed is the long form of TestHostile: all hostile senders for -hostile.for, three at a time. It
// prints the figures of docs/reliability.md:
//
//	go test ./receiver -run TestHostile -hostile.for=30m -timeout 0 -v
func (s *siege) mixed(t *testing.T) {
	all := attacks()
	runs := make([]int, len(all))
	for i, a := range all { // pools and tables take their size
		s.meanwhile(t, func(ctx context.Context) { a.run(ctx, t, s) })
		runs[i]++
	}
	before := settle()
	var peaks [3]uint64 // of resident memory in each third
	s.meanwhile(t, func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, *hostileFor)
		defer cancel()
		var workers sync.WaitGroup
		var mu sync.Mutex
		busy := make([]bool, len(all))
		for range 3 {
			workers.Go(func() {
				for ctx.Err() == nil && !t.Failed() {
					i := rand.IntN(len(all))
					mu.Lock()
					taken := busy[i]
					busy[i] = true
					mu.Unlock()
					if taken {
						continue
					}
					all[i].run(ctx, t, s)
					mu.Lock()
					runs[i]++
					busy[i] = false
					mu.Unlock()
				}
			})
		}
		start := time.Now()
		workers.Go(func() {
			for ctx.Err() == nil {
				third := min(2, int(3*time.Since(start) / *hostileFor))
				peaks[third] = max(peaks[third], rss())
				sleep(ctx, time.Second)
			}
		})
		workers.Wait()
	})
	after := settle()

	var frames, drops, refused uint64
	for _, l := range s.listeners {
		st := l.Stats()
		for _, tr := range []Transport{UDP, TCP, TLS} {
			frames += st.Frames[tr].Load()
			for _, r := range DropReasons() {
				refused += st.Dropped[tr][r].Load()
			}
		}
		drops += st.KernelDrops.Load()
	}
	if got := s.frames.Load(); got != frames || refused != 0 {
		t.Errorf("books: %d frames counted, %d handled, %d dropped", frames, got, refused)
	}
	for i, a := range all {
		t.Logf("%5d times: %s", runs[i], a.name)
	}
	t.Logf("%d frames, %d datagrams lost in the kernel", frames, drops)
	t.Logf("heap in use when quiet: %d KiB before, %d KiB after; goroutines: %d, %d", before.heap>>10, after.heap>>10, before.goroutines, after.goroutines)
	t.Logf("most resident memory in each third, senders included: %d, %d, %d MiB", peaks[0]>>20, peaks[1]>>20, peaks[2]>>20)
	// Pools may have grown: keptBuffers of each listener, and batches.
	if after.heap > before.heap+16<<20 || after.goroutines > before.goroutines {
		t.Error("something is left behind")
	}
	if *hostileFor >= 10*time.Minute && peaks[2] > peaks[0]+peaks[0]/4 { // sooner, chance rules
		t.Error("memory grows")
	}
}

type rest struct {
	heap       uint64
	goroutines int
}

// settle waits until connections that nobody feeds are gone, and measures what stays.
func settle() (r rest) {
	for last := -1; r.goroutines != last; {
		last = r.goroutines
		time.Sleep(2 * time.Second) // longer than it takes a connection to give its buffer back
		r.goroutines = runtime.NumGoroutine()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r.heap = m.HeapAlloc
	return r
}
