// Package sinktest is the suite that every sink passes: what package sink promises, tried from
// outside.
package sinktest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vswarden/event"
	"vswarden/sink"
)

// Harness is one empty destination.
type Harness struct {
	// Open opens a sink on the destination; the suite closes it. It may be called again.
	Open func(t *testing.T) sink.Sink
	// Read returns the values that the destination holds, in its order. Half a value is a value.
	Read func(t *testing.T) []string
	// Break makes writes fail, at once or after some more bytes, until Repair; nil: cannot be done.
	Break, Repair func(t *testing.T)
	// Block makes writes hang until Unblock; nil: cannot be done.
	Block, Unblock func(t *testing.T)
}

// patience is how long a step may take that has no reason to take long at all.
const patience = 20 * time.Second

// Run runs the suite; destination makes a new Harness for each of its tests.
func Run(t *testing.T, destination func(t *testing.T) Harness) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, h Harness)
	}{
		{"nil means stored, in order", storesInOrder},
		{"empty batch", emptyBatch},
		{"big batch", bigBatch},
		{"big values", bigValues},
		{"any bytes but newline", anyBytes},
		{"the value is not kept", valueNotKept},
		{"concurrent keys", concurrentKeys},
		{"context ended before", contextEnded},
		{"context ends while blocked", contextEndsBlocked},
		{"broken and repaired", brokenAndRepaired},
		{"opened again", openedAgain},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, destination(t)) })
	}
}

// batch makes n records of one key, numbered from first.
func batch(key string, first, n int) []sink.Record {
	records := make([]sink.Record, n)
	for i := range records {
		records[i] = sink.Record{
			ID:       event.NewID(1, uint64(first+i)),
			Key:      key,
			Dataset:  event.DatasetVmkernel,
			Received: int64(1e18) + int64(first+i),
			Value:    fmt.Appendf(nil, `{"n":%d,"key":%q,"pad":%q}`, first+i, key, strings.Repeat("x", i%97)),
		}
	}
	return records
}

func values(records []sink.Record) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = string(r.Value)
	}
	return out
}

func write(t *testing.T, s sink.Sink, records []sink.Record) {
	t.Helper()
	if err := s.Write(t.Context(), records); err != nil {
		t.Fatalf("Write: %v", err)
	}
}

// finish syncs and closes s.
func finish(t *testing.T, s sink.Sink) {
	t.Helper()
	syncSink(t, s)
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

func syncSink(t *testing.T, s sink.Sink) {
	t.Helper()
	if y, ok := s.(sink.Syncer); ok {
		if err := y.Sync(t.Context()); err != nil {
			t.Fatalf("Sync: %v", err)
		}
	}
}

func wantStored(t *testing.T, h Harness, want []string) {
	t.Helper()
	got := h.Read(t)
	if slices.Equal(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%d values stored, want %d; number %d is\n%.200q, want\n%.200q", len(got), len(want), i, got[i], want[i])
		}
	}
	t.Fatalf("%d values stored, want %d", len(got), len(want))
}

// soon fails the test when do does not end.
func soon(t *testing.T, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { do(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s: still not done after %v", what, patience)
	}
}

func storesInOrder(t *testing.T, h Harness) {
	s := h.Open(t)
	var want []string
	for i := range 20 {
		b := batch("esx1", i*50, 50)
		write(t, s, b)
		want = append(want, values(b)...)
	}
	syncSink(t, s)
	wantStored(t, h, want) // before Close: the cursor moves now
	finish(t, s)
	wantStored(t, h, want)
}

func emptyBatch(t *testing.T, h Harness) {
	s := h.Open(t)
	write(t, s, nil)
	write(t, s, batch("esx1", 0, 1))
	write(t, s, []sink.Record{})
	finish(t, s)
	wantStored(t, h, values(batch("esx1", 0, 1)))
}

func bigBatch(t *testing.T, h Harness) {
	s := h.Open(t)
	b := batch("esx1", 0, 20000)
	write(t, s, b)
	finish(t, s)
	wantStored(t, h, values(b))
}

func bigValues(t *testing.T, h Harness) {
	s := h.Open(t)
	b := batch("esx1", 0, 12)
	for i := range b {
		b[i].Value = fmt.Appendf(nil, `{"n":%d,"big":"%s"}`, i, strings.Repeat("y", i*50_000))
	}
	write(t, s, b)
	finish(t, s)
	wantStored(t, h, values(b))
}

func anyBytes(t *testing.T, h Harness) {
	s := h.Open(t)
	random := rand.New(rand.NewPCG(1, 2))
	b := batch("esx1", 0, 258)
	for i := range b {
		v := make([]byte, 1+random.IntN(300))
		for j := range v {
			if v[j] = byte(random.UintN(256)); v[j] == '\n' {
				v[j] = '\r'
			}
		}
		b[i].Value = v
	}
	b[256].Value, b[257].Value = []byte("\x00"), []byte("\r")
	write(t, s, b)
	finish(t, s)
	wantStored(t, h, values(b))
}

func valueNotKept(t *testing.T, h Harness) {
	s := h.Open(t)
	var want []string
	for i := range 10 {
		b := batch("esx1", i*30, 30)
		want = append(want, values(b)...)
		write(t, s, b)
		for _, r := range b {
			for j := range r.Value {
				r.Value[j] = '#'
			}
		}
		clear(b)
	}
	finish(t, s)
	wantStored(t, h, want)
}

func concurrentKeys(t *testing.T, h Harness) {
	const keys, batches, size = 8, 20, 25
	s := h.Open(t)
	var lanes sync.WaitGroup
	for k := range keys {
		lanes.Go(func() {
			for i := range batches {
				if err := s.Write(t.Context(), batch(fmt.Sprintf("esx%d", k), i*size, size)); err != nil {
					t.Errorf("Write: %v", err)
				}
				if y, ok := s.(sink.Syncer); ok && i%5 == 0 {
					if err := y.Sync(t.Context()); err != nil {
						t.Errorf("Sync: %v", err)
					}
				}
			}
		})
	}
	lanes.Wait()
	finish(t, s)
	got := h.Read(t)
	if len(got) != keys*batches*size {
		t.Errorf("%d values stored, want %d", len(got), keys*batches*size)
	}
	for k := range keys {
		var want, have []string
		key := fmt.Sprintf("esx%d", k)
		for i := range batches {
			want = append(want, values(batch(key, i*size, size))...)
		}
		for _, v := range got {
			if strings.Contains(v, fmt.Sprintf(`"key":%q`, key)) {
				have = append(have, v)
			}
		}
		if !slices.Equal(have, want) {
			t.Errorf("%s: %d values or their order differ from the %d written", key, len(have), len(want))
		}
	}
}

func contextEnded(t *testing.T, h Harness) {
	s := h.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := batch("esx1", 0, 100)
	var err error
	soon(t, "Write with an ended context", func() { err = s.Write(ctx, b) })
	stored := delivered(err, b)
	finish(t, s)
	got := h.Read(t)
	for _, v := range values(stored) {
		if !slices.Contains(got, v) {
			t.Fatalf("Write said %v, yet %.100q is not there", err, v)
		}
	}
	onlyKnown(t, got, values(b))
}

func contextEndsBlocked(t *testing.T, h Harness) {
	if h.Block == nil {
		return // nothing to try
	}
	s := h.Open(t)
	first := batch("esx1", 0, 10)
	write(t, s, first)
	h.Block(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	left := batch("esx1", 10, 200)
	var err error
	soon(t, "Write whose context ends while it waits", func() { err = s.Write(ctx, left) })
	left = again(t, err, left)
	h.Unblock(t)
	for len(left) > 0 {
		left = again(t, s.Write(t.Context(), left), left)
	}
	write(t, s, batch("esx1", 210, 10))
	finish(t, s)
	wantFirsts(t, h, values(batch("esx1", 0, 10)), values(batch("esx1", 10, 200)), values(batch("esx1", 210, 10)))
}

func brokenAndRepaired(t *testing.T, h Harness) {
	if h.Break == nil {
		return // nothing to try
	}
	s := h.Open(t)
	first := batch("esx1", 0, 100)
	write(t, s, first)
	syncSink(t, s)
	h.Break(t)
	left, failed := batch("esx1", 100, 3000), 0
	for range 3 { // some room may be left before it breaks
		err := s.Write(t.Context(), left)
		if err != nil {
			failed++
		}
		if left = again(t, err, left); len(left) == 0 {
			break
		}
	}
	if failed == 0 {
		t.Fatal("a broken destination took everything")
	}
	h.Repair(t)
	deadline := time.Now().Add(patience)
	for len(left) > 0 {
		left = again(t, s.Write(t.Context(), left), left)
		if time.Now().After(deadline) {
			t.Fatalf("%d events are still refused after the repair", len(left))
		}
	}
	last := batch("esx1", 3100, 100)
	write(t, s, last)
	finish(t, s)
	wantFirsts(t, h, values(first), values(batch("esx1", 100, 3000)), values(last))
}

func openedAgain(t *testing.T, h Harness) {
	var want []string
	for i := range 3 {
		s := h.Open(t)
		b := batch("esx1", i*100, 100)
		write(t, s, b)
		finish(t, s)
		want = append(want, values(b)...)
	}
	wantStored(t, h, want)
}

// again returns what a Delivery would write again after err.
func again(t *testing.T, err error, records []sink.Record) (left []sink.Record) {
	t.Helper()
	var verdicts sink.Errors
	switch {
	case err == nil:
		return nil
	case sink.IsPermanent(err):
		t.Fatalf("an error that heals was called permanent: %v", err)
	case errors.As(err, &verdicts):
		if len(verdicts) != len(records) {
			t.Fatalf("%d verdicts for %d events", len(verdicts), len(records))
		}
		for i, v := range verdicts {
			if v != nil {
				left = append(left, records[i])
			}
		}
		return left
	}
	return records
}

// delivered returns what err says is stored.
func delivered(err error, records []sink.Record) (stored []sink.Record) {
	var verdicts sink.Errors
	switch {
	case err == nil:
		return records
	case errors.As(err, &verdicts):
		for i, v := range verdicts {
			if v == nil {
				stored = append(stored, records[i])
			}
		}
	}
	return stored
}

// onlyKnown fails the test when something is stored that nobody wrote: half a value.
func onlyKnown(t *testing.T, got, known []string) {
	t.Helper()
	set := map[string]bool{}
	for _, v := range known {
		set[v] = true
	}
	for i, v := range got {
		if !set[v] {
			t.Fatalf("value %d was never written: %.200q", i, v)
		}
	}
}

// wantFirsts checks that all is there, in the order of each one's first appearance; after an error
// a sink may hold some twice.
func wantFirsts(t *testing.T, h Harness, parts ...[]string) {
	t.Helper()
	want, got := slices.Concat(parts...), h.Read(t)
	onlyKnown(t, got, want)
	seen := map[string]bool{}
	var firsts []string
	for _, v := range got {
		if !seen[v] {
			seen[v] = true
			firsts = append(firsts, v)
		}
	}
	if !slices.Equal(firsts, want) {
		t.Fatalf("%d different values stored, want %d, or their order differs", len(firsts), len(want))
	}
	if repeats := len(got) - len(firsts); repeats > 0 {
		t.Logf("%d values stored twice", repeats)
	}
}
