package spool

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// appendStamped appends records one by one, a second of stamps apart, and waits until they are written.
func appendStamped(t *testing.T, l *Log, from, n, size int) {
	t.Helper()
	var b Batch
	for i := range n {
		b.Reset()
		text := fmt.Sprintf("%06d", from+i)
		b.Add(nil, append([]byte(text), make([]byte, size)...))
		b.Stamp = int64(from+i) * int64(time.Second)
		last, err := l.Append(&b)
		if err != nil {
			t.Fatal(err)
		}
		if i%50 == 49 || i == n-1 {
			if err := l.WaitSynced(t.Context(), last); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// After Rewind, Next begins at records that are at least so much older than the last one that is done,
// or at the beginning of the log, and goes on without a gap over what is not done.
func TestRewind(t *testing.T) {
	for _, segment := range []int64{1 << 20, 64 << 10} {
		fsys := NewMemFS()
		l := openSmall(t, fsys, testConfig(), segment)
		r := run(t, l)
		c := cursor(t, l, "a", StartOldest)
		appendStamped(t, l, 1, 2000, 500)
		if err := c.Commit(1500); err != nil {
			t.Fatal(err)
		}
		r.closeAll(t)

		for _, by := range []time.Duration{0, time.Second, time.Minute, 400 * time.Second, time.Hour} {
			l := openSmall(t, fsys, testConfig(), segment)
			r := run(t, l)
			c := cursor(t, l, "a", StartOldest)
			if err := c.Rewind(by); err != nil {
				t.Fatal(err)
			}
			if err := l.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			records, skipped := readAll(t, c)
			want := Position(max(1500-int(by/time.Second), 1))
			if len(records) == 0 || skipped != 0 {
				t.Fatalf("by %v: %d records, %d skipped", by, len(records), skipped)
			}
			if first := records[0].pos; first > want || records[len(records)-1].pos != 2000 || len(records) != 2001-int(first) {
				t.Errorf("segments of %d, by %v: %d records from %d, want from %d or before", segment, by, len(records), first, want)
			}
			if c.Committed() != 1500 {
				t.Errorf("committed %d", c.Committed())
			}
			r.closeAll(t)
		}
	}
}

// What a cursor goes back over may be removed under it, since it is done: that is no damage.
func TestWhatIsRemovedUnderARewindIsNoDamage(t *testing.T) {
	fsys := NewMemFS()
	l := openSmall(t, fsys, testConfig(), 64<<10)
	r := run(t, l)
	c := cursor(t, l, "a", StartOldest)
	appendStamped(t, l, 1, 2000, 500)
	if err := c.Commit(1500); err != nil {
		t.Fatal(err)
	}
	r.closeAll(t)

	l = openSmall(t, fsys, testConfig(), 64<<10)
	r = run(t, l)
	c = cursor(t, l, "a", StartOldest)
	if err := c.Rewind(time.Hour); err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	gone := 0
	for _, s := range l.segs[:len(l.segs)-1] { // as tidy does it: the file goes first, the entry then
		if s.end <= 1501 {
			if err := fsys.Remove(l.path(s)); err != nil {
				t.Fatal(err)
			}
			gone++
		}
	}
	l.mu.Unlock()
	if err := l.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	records, skipped := readAll(t, c)
	if gone == 0 || len(records) == 0 || records[0].pos > 1501 || records[len(records)-1].pos != 2000 || skipped != 0 {
		t.Errorf("%d segments removed, %d records, %d skipped", gone, len(records), skipped)
	}
	if d := l.TakeDamage(); len(d) != 0 {
		t.Errorf("damage %+v", d)
	}
	r.closeAll(t)
}

func TestRewindOfAnEmptyLog(t *testing.T) {
	l := openSmall(t, NewMemFS(), testConfig(), 64<<10)
	r := run(t, l)
	c := cursor(t, l, "a", StartOldest)
	if err := c.Rewind(time.Minute); err != nil {
		t.Fatal(err)
	}
	appendStamped(t, l, 1, 3, 10)
	if err := l.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if records, skipped := readAll(t, c); len(records) != 3 || skipped != 0 {
		t.Errorf("%d records, %d skipped", len(records), skipped)
	}
	r.closeAll(t)
}

// After Skip, Next gives each record behind the place skipped to and no other, wherever that is: in a segment, in another one
// far on, in memory, at the end; and what is before where it stands anyway changes nothing.
func TestSkip(t *testing.T) {
	read := 0
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 6))
		l := openSmall(t, NewMemFS(), testConfig(), 64<<10)
		r := run(t, l)
		c := cursor(t, l, "a", StartOldest)
		next, appended := Position(1), 0
		var ch Chunk
		ch.Size = 1 << (9 + rng.IntN(8))
		for appended < 3000 || next <= Position(appended) {
			if n := min(rng.IntN(400), 3000-appended); n > 0 {
				appendStamped(t, l, appended+1, n, 200)
				appended += n
			}
			for range rng.IntN(6) {
				if next > Position(appended) {
					break
				}
				if rng.IntN(3) == 0 {
					to := Position(rng.IntN(appended + 1))
					if rng.IntN(2) == 0 {
						to = min(next+Position(rng.IntN(20)), Position(appended))
					}
					c.Skip(to)
					next = max(next, to+1)
					continue
				}
				if err := c.Next(t.Context(), &ch); err != nil {
					t.Fatal(err)
				}
				if ch.First != next || ch.Skipped != 0 || len(ch.Records) == 0 {
					t.Fatalf("seed %d: %d records from %d, %d skipped; want some from %d", seed, len(ch.Records), ch.First, ch.Skipped, next)
				}
				for i, b := range ch.Records {
					if want := fmt.Sprintf("%06d", int(next)+i); string(b[:6]) != want {
						t.Fatalf("seed %d: record %s at %s", seed, b[:6], want)
					}
				}
				next += Position(len(ch.Records))
				read += len(ch.Records)
			}
		}
		r.closeAll(t)
	}
	if read < 10_000 {
		t.Errorf("%d records were read", read)
	}
}
