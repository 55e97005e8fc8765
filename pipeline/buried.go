package pipeline

import (
	"sync"
	"time"

	"vswarden/sink/deadletter"
)

// buriedInterval is how often at most the program's log mentions dead letters of one sink.
const buriedInterval = time.Minute

// buried remembers the dead letters that the log does not mention yet.
type buried struct {
	mu     sync.Mutex
	since  uint64    // letters since the log mentioned some
	said   time.Time // when it did; zero: never
	reason string    // of the newest
	err    error
}

// located is what knows in which file it keeps letters.
type located interface{ Path() string }

var _ located = (*deadletter.File)(nil)

// mourn notes a dead letter, and logs it where it is the first for a while.
func (d *Delivery) mourn(reason string, err error) {
	d.buried.mu.Lock()
	d.buried.since++
	d.buried.reason, d.buried.err = reason, err
	d.buried.mu.Unlock()
	d.mention(false)
}

// mention logs what was buried since the last time, if that was long enough ago or this is the last one.
func (d *Delivery) mention(last bool) {
	b := &d.buried
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.since == 0 || !last && !b.said.IsZero() && time.Since(b.said) < buriedInterval {
		return
	}
	w := d.cfg.Log.Warn().Str("sink", d.cfg.Name).Str("reason", b.reason).AnErr("error", b.err).Uint64("events", b.since)
	if f, ok := d.cfg.Dead.(located); ok {
		w.Str("file", f.Path())
	}
	w.Msg("events that the sink will never get were put among its dead letters; reason and error are those of the newest")
	b.since, b.said = 0, time.Now()
}
