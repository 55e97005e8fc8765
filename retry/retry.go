// Package retry says how long to wait before something is tried again, and waits.
package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// After is how long to wait after so many failures, from 0: it doubles from first to most, half of it drawn by
// chance so that those who failed together do not come back together.
func After(failures int, first, most time.Duration) time.Duration {
	d := most
	if failures < 32 && first<<failures < most && first<<failures>>failures == first {
		d = first << failures
	}
	return d/2 + rand.N(d/2+1)
}

// Sleep waits for d; false when ctx ended first.
func Sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
