package kafka

import (
	"context"
	"slices"
	"sync"
	"time"
)

// lookup keeps a view of one topic fresh: it is fetched when somebody asks and the last one is old or
// was found to be wrong. Its methods may be called from several goroutines.
type lookup struct {
	cluster *Config
	topic   string
	use     use

	looking chan struct{} // holds one token: who has it may fetch
	mu      sync.Mutex    // guards what follows
	view    *topicView
	good    string          // the broker that gave the view
	down    map[string]bool // brokers whose last connection or request came to nothing
}

// use is what somebody wants of a topic; it decides what a refusal means.
type use uint8

const (
	toWrite  use = iota
	toCreate     // to write, and to make it where it is missing
	toRead
)

func newLookup(cluster *Config, topic string, use use) *lookup {
	return &lookup{cluster: cluster, topic: topic, use: use, looking: make(chan struct{}, 1), down: map[string]bool{}}
}

// fresh returns a view that may be used.
func (l *lookup) fresh(ctx context.Context) (*topicView, error) {
	if v := l.current(); v.fresh(time.Now()) {
		return v, nil
	}
	select {
	case l.looking <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-l.looking }()
	old := l.current()
	if old.fresh(time.Now()) {
		return old, nil // another one fetched it
	}
	v, by, err := fetchView(ctx, l.cluster, l.addresses(old), l.topic, l.use)
	if err != nil {
		if old == nil || old.stale.Load() || ctx.Err() != nil {
			return nil, err
		}
		v = old.again() // it was only old; nothing says that it is wrong
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.view = v
	if err == nil {
		l.good = by
	}
	return v, nil
}

func (l *lookup) current() *topicView {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.view
}

// mark notes whether a broker answered.
func (l *lookup) mark(addr string, answered bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if answered {
		delete(l.down, addr)
		return
	}
	l.down[addr] = true
}

// addresses lists whom to ask: the one that answered last, those of the configuration, those it
// named; and after them any that just failed, since one that hangs costs time.
func (l *lookup) addresses(old *topicView) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.Concat([]string{l.good}, l.cluster.Brokers)
	if old != nil {
		all = append(all, old.addresses()...)
	}
	var up, down []string
	for _, addr := range all {
		switch {
		case addr == "" || slices.Contains(up, addr) || slices.Contains(down, addr):
		case l.down[addr]:
			down = append(down, addr)
		default:
			up = append(up, addr)
		}
	}
	return append(up, down...)
}
