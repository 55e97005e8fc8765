package spool

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// numbered is a batch of n records of 200 bytes that say their position, from first on.
func numbered(first, n int) *Batch {
	var b Batch
	for i := range n {
		b.Add(nil, []byte(fmt.Sprintf("%08d", first+i)+strings.Repeat("x", 192)))
	}
	return &b
}

// wantNumbered fails unless ch holds what numbered made.
func wantNumbered(t *testing.T, ch *Chunk) {
	t.Helper()
	for i, r := range ch.Records {
		if want := fmt.Sprintf("%08d", int(ch.First)+i); len(r) != 200 || string(r[:8]) != want {
			t.Fatalf("position %d: %.8s", int(ch.First)+i, r)
		}
	}
}

// TestWarm: what was written just now comes from memory, what was written before that from its segment, in order and
// each once, for a reader who is behind, one who has caught up, and one who went from the one to the other.
func TestWarm(t *testing.T) {
	fsys := newFaultFS(NewMemFS())
	l := openSmall(t, fsys, testConfig(), 64<<10) // blocks of 16 KiB
	late, tail := cursor(t, l, "late", StartOldest), cursor(t, l, "tail", StartOldest)
	var ch Chunk
	read := func(c *Cursor, until int) {
		t.Helper()
		for int(c.next) <= until {
			if err := c.Next(t.Context(), &ch); err != nil || ch.Skipped > 0 || len(ch.Records) == 0 {
				t.Fatalf("%v, %d records, %d skipped", err, len(ch.Records), ch.Skipped)
			}
			wantNumbered(t, &ch)
		}
	}
	const each, rounds = 40, 100
	for i := range rounds {
		if _, err := l.Append(numbered(1+i*each, each)); err != nil {
			t.Fatal(err)
		}
		if err := l.flush(flushAll, false); err != nil {
			t.Fatal(err)
		}
		fsys.set(failOn("read", segmentExt, syscall.EIO))
		read(tail, (i+1)*each) // the disk is not asked
		fsys.set(nil)
		if i%10 == 9 {
			read(late, (i-4)*each) // it is; and the rest of the ten then are warm
			fsys.set(failOn("read", segmentExt, syscall.EIO))
			read(late, (i+1)*each)
			fsys.set(nil)
		}
	}
	if tail.next != rounds*each+1 || late.next != rounds*each+1 {
		t.Fatalf("read up to %d and %d of %d", tail.next, late.next, rounds*each)
	}
	if n := len(l.warm) + len(l.free); n > warmBlocks+l.behind/l.blockSize {
		t.Fatalf("%d blocks are kept", n)
	}
}

// TestChunkKeepsItsRecords: however much is appended and written, the memory of a block is not used again while a
// chunk has records of it, and is when none has.
func TestChunkKeepsItsRecords(t *testing.T) {
	l := openSmall(t, NewMemFS(), testConfig(), 64<<10)
	c := cursor(t, l, "a", StartOldest)
	held := make([]Chunk, 3)
	next := 1
	grow := func(blocks int) {
		t.Helper()
		for range blocks {
			b := numbered(next, 70)
			next += 70
			if _, err := l.Append(b); err != nil {
				t.Fatal(err)
			}
			if err := l.flush(flushAll, false); err != nil {
				t.Fatal(err)
			}
		}
	}
	grow(1)
	for i := range held {
		held[i].Size = 4 << 10 // all of one block
		if err := c.Next(t.Context(), &held[i]); err != nil {
			t.Fatal(err)
		}
	}
	b := held[0].block
	if b == nil || held[2].block != b {
		t.Fatal("they do not have their records of one block")
	}
	grow(3 * warmBlocks)
	for i := range held {
		wantNumbered(t, &held[i])
		if slices.Contains(l.free, b) {
			t.Fatalf("the block is to be filled anew while %d chunks have records of it", len(held)-i)
		}
		if err := c.Next(t.Context(), &held[i]); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Contains(l.free, b) {
		t.Fatal("no chunk has records of the block, and it is not filled anew")
	}
}

// BenchmarkFromMemory is what a reader near the end pays for a block of 1000 records.
func BenchmarkFromMemory(b *testing.B) {
	lengths := make([]int, 1000)
	for i := range lengths {
		lengths[i] = 120 + i*97%220 // as of lines
	}
	block := unsealed(1, lengths...)
	var ch Chunk
	for b.Loop() {
		for p := block.first; p < block.end(); p += Position(len(ch.Records)) {
			ch.reset()
			block.from(&ch, p)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/record")
}
