package retry

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestPausesGrowUpToTheLongest(t *testing.T) {
	const first, most = 100 * time.Millisecond, 30 * time.Second
	for failures, whole := range map[int]time.Duration{0: first, 1: 2 * first, 8: 256 * first, 9: most, 31: most, 40: most, 1 << 30: most} {
		for range 100 {
			if d := After(failures, first, most); d < whole/2 || d > whole {
				t.Errorf("after %d failures %v, want %v to %v", failures, d, whole/2, whole)
			}
		}
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if !Sleep(t.Context(), time.Minute) || time.Since(start) != time.Minute {
			t.Errorf("slept %v", time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if Sleep(ctx, time.Hour) || time.Since(start) != time.Minute+time.Second {
			t.Errorf("slept %v", time.Since(start))
		}
	})
}
