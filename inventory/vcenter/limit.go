package vcenter

import "time"

// bucket is a token bucket: so many a minute, of which a quarter may be taken at once.
type bucket struct {
	rate, most, tokens float64
	at                 time.Time
}

func newBucket(perMinute int, now time.Time) bucket {
	most := max(1, float64(perMinute)/4)
	return bucket{rate: float64(perMinute) / 60, most: most, tokens: most, at: now}
}

// take takes one token, false where there is none.
func (b *bucket) take(now time.Time) bool {
	if d := now.Sub(b.at).Seconds(); d > 0 {
		b.tokens = min(b.most, b.tokens+d*b.rate)
	}
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// giveBack returns a token that was not used.
func (b *bucket) giveBack() { b.tokens = min(b.most, b.tokens+1) }

const (
	breakAfter = 3 // failures in a row
	breakFirst = 30 * time.Second
	breakMost  = 10 * time.Minute
)

// breaker stops asking somebody who fails, for longer each time.
type breaker struct {
	failures int
	pause    time.Duration
	until    time.Time
}

// open reports whether nothing is to be asked now.
func (b *breaker) open(now time.Time) bool { return now.Before(b.until) }

// note notes how a question went.
func (b *breaker) note(ok bool, now time.Time) {
	if ok {
		*b = breaker{}
		return
	}
	if b.failures++; b.failures < breakAfter {
		return
	}
	b.pause = min(max(2*b.pause, breakFirst), breakMost)
	b.until = now.Add(b.pause)
}

// trip stops asking at once: the right is missing, and asking again will not bring it.
func (b *breaker) trip(now time.Time) {
	b.failures, b.pause = breakAfter, breakMost
	b.until = now.Add(b.pause)
}
