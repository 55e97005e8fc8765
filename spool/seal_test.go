package spool

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// unsealed is a block of records of these lengths.
func unsealed(first Position, lengths ...int) *block {
	var batch Batch
	r := rand.New(rand.NewPCG(1, uint64(len(lengths))))
	for _, n := range lengths {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		batch.Add(nil, data)
	}
	b := &block{buf: make([]byte, frameHeader), first: first}
	b.add(&batch)
	return b
}

// TestSealFast: records that are sealed together have the checksums and numbers that each has alone, whatever their lengths and
// wherever they begin, and nothing else is written.
func TestSealFast(t *testing.T) {
	if !fastSeal {
		t.Skip("this processor has no instruction for it")
	}
	blocks := [][]int{{0}, {0, 0, 0}, {maxBlock / 2}, {300, 0, 1, 299}}
	for n := range 300 {
		blocks = append(blocks, []int{n}, []int{n % 9, n, n + 1, n % 7, 3 * n, n / 2}) // a first one of any length moves the others
	}
	r := rand.New(rand.NewPCG(2, 3))
	for range 500 {
		lengths := make([]int, 1+r.IntN(60))
		for i := range lengths {
			lengths[i] = r.IntN(1 + r.IntN(600))
		}
		blocks = append(blocks, lengths)
	}
	for _, lengths := range blocks {
		for _, first := range []Position{1, 1<<32 - 2} { // the low half of the position runs over
			k := key(r.Uint32())
			b := unsealed(first, lengths...)
			if len(b.buf) > maxBlock {
				t.Fatalf("lengths %v: not sealed fast", lengths)
			}
			each := &block{buf: bytes.Clone(b.buf), ends: b.ends, first: first}
			b.seal(k)
			each.sealEach(k)
			if !bytes.Equal(b.buf[frameHeader:], each.buf[frameHeader:]) {
				t.Fatalf("lengths %v, first %d: sealed otherwise than one by one", lengths, first)
			}
			if _, ok := k.record(b.buf[frameHeader:], first); !ok {
				t.Fatalf("lengths %v, first %d: the first record does not prove itself", lengths, first)
			}
		}
	}
}

// TestSealLarge: so are those of a block that is too large for it.
func TestSealLarge(t *testing.T) {
	const k = key(0x1234abcd)
	b := unsealed(7, 100, maxBlock, 3)
	b.seal(k)
	off := uint32(frameHeader)
	for i, end := range b.ends {
		if _, ok := k.record(b.buf[off:end], 7+Position(i)); !ok {
			t.Errorf("record %d does not prove itself", i)
		}
		off = end
	}
}

func BenchmarkSeal(b *testing.B) {
	lengths := make([]int, 1000)
	for i := range lengths {
		lengths[i] = 120 + i*97%220 // as of lines
	}
	block := unsealed(1, lengths...)
	b.SetBytes(int64(len(block.buf)) / 1000)
	for b.Loop() {
		block.seal(1)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/record")
}
