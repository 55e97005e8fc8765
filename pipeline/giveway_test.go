package pipeline

import (
	"runtime"
	"sync/atomic"
	"testing"

	"vswarden/sink"
)

// flood is a reception that is behind for ever and never rests.
type flood struct {
	behind bool
	turns  atomic.Int64
}

func (f *flood) Behind() bool { return f.behind }

func (f *flood) run(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
			f.turns.Add(1)
			runtime.Gosched()
		}
	}
}

// TestReceptionGoesFirst: on one processor a reader that is behind has a turn before each chunk of a lane, and all is
// delivered nevertheless.
func TestReceptionGoesFirst(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const chunks, perChunk = 200, 5
	c := &fakeCursor{perChunk: perChunk}
	for n := range chunks * perChunk {
		c.records = append(c.records, frameRecord("127.0.0.1:514", line("h", n)))
	}
	f := &flood{behind: true}
	last, waited := int64(0), 0
	s := &fakeSink{write: func(int, []sink.Record) error {
		if now := f.turns.Load(); now > last {
			last = now
			waited++
		}
		return nil
	}}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() { f.run(stop); close(ended) }()
	d := delivery(c, s, &letters{}, func(cfg *DeliveryConfig) { cfg.Lanes = 1 })
	d.SetReception(f)
	err := d.Run(t.Context())
	close(stop)
	<-ended
	if err != nil || len(s.got) != chunks*perChunk {
		t.Fatalf("%d of %d records delivered: %v", len(s.got), chunks*perChunk, err)
	}
	if waited < chunks*9/10 {
		t.Errorf("the reader had a turn before %d of %d chunks", waited, s.calls)
	}
}

// TestDeliveryGoesOnInAFlood: a reader that never gives its processor away does not stop a lane that gives way to it.
func TestDeliveryGoesOnInAFlood(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	c := &fakeCursor{perChunk: 1}
	for n := range 10 {
		c.records = append(c.records, frameRecord("127.0.0.1:514", line("h", n)))
	}
	ended := make(chan struct{})
	var over atomic.Bool
	go func() {
		for !over.Load() {
			continue // it takes all that it is given
		}
		close(ended)
	}()
	s := &fakeSink{}
	d := delivery(c, s, &letters{}, func(cfg *DeliveryConfig) { cfg.Lanes = 1 })
	d.SetReception(&flood{behind: true})
	err := d.Run(t.Context())
	over.Store(true)
	<-ended
	if err != nil || len(s.got) != 10 {
		t.Fatalf("%d of 10 records delivered: %v", len(s.got), err)
	}
}
