package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"vswarden/sink"
)

// linesLog keeps what is logged.
type linesLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *linesLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// letterWarning is a line about dead letters.
type letterWarning struct {
	Level, Sink, Reason, Error, File string
	Events                           int
}

// take returns the lines since the last call.
func (l *linesLog) take(t *testing.T) (all []letterWarning) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(l.b.Bytes()) {
		var w letterWarning
		if err := json.Unmarshal(line, &w); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		all = append(all, w)
	}
	l.b.Reset()
	return all
}

type lettersAt struct{ letters }

func (*lettersAt) Path() string { return "data/dead/test.ndjson" }

func TestDeadLettersAreMentionedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeCursor{perChunk: 100, open: true}
		for n := range 100 {
			c.records = append(c.records, frameRecord(fmt.Sprintf("127.0.0.%d:514", n%9+1), line("h", n)))
		}
		s := &fakeSink{write: func(int, []sink.Record) error { return sink.Permanent(errors.New("too large")) }}
		var log linesLog
		d := delivery(c, s, &lettersAt{}, func(cfg *DeliveryConfig) { cfg.Log = zerolog.New(&log) })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()

		want := func(when string, counts ...int) {
			t.Helper()
			got := log.take(t)
			if len(got) != len(counts) {
				t.Fatalf("%s: %d lines, want %d: %+v", when, len(got), len(counts), got)
			}
			for i, w := range got {
				if w != (letterWarning{"warn", "test", DeadPermanent, "too large", "data/dead/test.ndjson", counts[i]}) {
					t.Errorf("%s: %+v, want %d events", when, w, counts[i])
				}
			}
		}
		time.Sleep(30 * time.Second)
		want("the first at once", 1)
		time.Sleep(time.Minute)
		want("the others a minute later", 99)
		time.Sleep(10 * time.Minute)
		want("nothing more was buried")

		for range 3 {
			d.mourn(DeadPermanent, errors.New("too large"))
		}
		want("a new one, long after", 1)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		want("the rest at the end", 2)
	})
}

// A letter that could not be kept yet is not mentioned as kept.
func TestDeadLettersAreMentionedWhenKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log linesLog
		dead := &letters{fail: 3}
		c := &fakeCursor{perChunk: 1, records: [][]byte{frameRecord("127.0.0.1:1", "a")}}
		s := &fakeSink{write: func(int, []sink.Record) error { return sink.Permanent(errors.New("no")) }}
		d := delivery(c, s, dead, func(cfg *DeliveryConfig) { cfg.Log = zerolog.New(&log).Level(zerolog.WarnLevel) })
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := log.take(t)
		if len(got) != 2 || got[0].Level != "error" || got[1] != (letterWarning{Level: "warn", Sink: "test", Reason: DeadPermanent, Error: "no", Events: 1}) {
			t.Errorf("%+v", got)
		}
	})
}
