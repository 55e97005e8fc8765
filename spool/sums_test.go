package spool

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// sealed is a block of records of these lengths, sealed.
func sealed(k key, lengths ...int) *block {
	var batch Batch
	r := rand.New(rand.NewPCG(1, uint64(len(lengths))))
	for _, n := range lengths {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		batch.Add(nil, data)
	}
	b := &block{buf: make([]byte, frameHeader), first: 1<<32 - 2}
	b.add(&batch)
	b.seal(k)
	return b
}

// TestSealTogether: records that are sealed three at a time have the checksums and numbers that each has alone.
func TestSealTogether(t *testing.T) {
	const k = key(0x1234abcd)
	for a := range 40 {
		for _, lengths := range [][]int{{a, 2 * a, 3 * a}, {300, a, 299}, {a}, {a, 7}, {a, a, a, a}, {1, 2, 3, 4 * a, 5, 0, 240}} {
			b := sealed(k, lengths...)
			off := frameHeader
			for i, end := range b.ends {
				p := b.first + Position(i)
				if body, ok := k.record(b.buf[off:end], p); !ok || len(body) != lengths[i] {
					t.Fatalf("lengths %v: record %d does not prove itself", lengths, i)
				}
				alone := bytes.Clone(b.buf[off:end])
				if k.seal(alone, p); !bytes.Equal(alone, b.buf[off:end]) {
					t.Fatalf("lengths %v: record %d is sealed otherwise", lengths, i)
				}
				off = int(end)
			}
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	lengths := make([]int, 1000)
	for i := range lengths {
		lengths[i] = 120 + i*97%220 // as of lines
	}
	block := sealed(1, lengths...)
	b.SetBytes(int64(len(block.buf)) / 1000)
	for b.Loop() {
		block.seal(1)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/record")
}
