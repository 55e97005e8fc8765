package kafka

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
	"github.com/segmentio/kafka-go/compress"
)

// frame packs src as other producers do.
func frame(t testing.TB, src []byte, options ...lz4.Option) []byte {
	t.Helper()
	var out bytes.Buffer
	w := lz4.NewWriter(&out)
	if err := w.Apply(options...); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(src); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestFramesOfOthersAreUnpacked(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 5<<20)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	lines := bytes.Repeat([]byte("<14>2026-11-21T08:00:00.000Z esx01 app: a line\n"), 150_000)
	for _, size := range []lz4.BlockSize{lz4.Block64Kb, lz4.Block256Kb, lz4.Block1Mb, lz4.Block4Mb} {
		for _, sums := range []bool{false, true} {
			options := []lz4.Option{lz4.BlockSizeOption(size), lz4.BlockChecksumOption(sums), lz4.ChecksumOption(sums), lz4.ConcurrencyOption(1)}
			for _, src := range [][]byte{nil, []byte("a"), lines[:470], lines[:70_000], lines, noise, make([]byte, 3<<20)} {
				all := options
				if sums {
					all = append(slices.Clone(options), lz4.SizeOption(uint64(len(src))))
				}
				b := frame(t, src, all...)
				got, err := appendLZ4([]byte("before"), b, len(src)+6)
				if err != nil || string(got[:6]) != "before" || !bytes.Equal(got[6:], src) {
					t.Errorf("blocks of %d, sums %v, %d bytes: got %d, %v", size, sums, len(src), len(got), err)
				}
				if len(src) > 1 {
					if _, err := appendLZ4(nil, b, len(src)-1); err == nil || !strings.Contains(err.Error(), "more than") {
						t.Errorf("%d bytes, and a bound below: %v", len(src), err)
					}
				}
				for _, n := range []int{5, 8, len(b) / 2, len(b) - 1} {
					if _, err := appendLZ4(nil, b[:n], 64<<20); err == nil {
						t.Errorf("%d of %d bytes of a frame: no error", n, len(b))
					}
				}
			}
		}
	}
}

// Blocks may point into the blocks before them, frames may follow each other, and some are to be skipped.
func TestBlocksThatDependOnEachOtherAreUnpacked(t *testing.T) {
	le := binary.LittleEndian
	head := []byte{0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0} // version 1, blocks depend on each other
	b := slices.Concat(head,
		le.AppendUint32(nil, 16|1<<31), []byte("0123456789abcdef"),
		le.AppendUint32(nil, 9), []byte{0x08, 16, 0, 0x50, 'v', 'w', 'x', 'y', 'z'}, // 12 bytes from 16 back, 5 as they are
		le.AppendUint32(nil, 9), []byte{0x08, 17, 0, 0x50, 'V', 'W', 'X', 'Y', 'Z'}, // 12 from 17 back
		le.AppendUint32(nil, 0))
	skipped := slices.Concat([]byte{0x53, 0x2a, 0x4d, 0x18}, le.AppendUint32(nil, 3), []byte("???"))
	const one = "0123456789abcdef" + "0123456789ab" + "vwxyz" + "0123456789ab" + "VWXYZ"
	got, err := appendLZ4(nil, slices.Concat(skipped, b, skipped, b), 1000)
	if err != nil || string(got) != one+one {
		t.Errorf("got %q, %v", got, err)
	}
}

func FuzzUnpackLZ4(f *testing.F) {
	f.Add(frame(f, []byte("abcabcabcabcabcabcabcabcabcabc")))
	f.Add(frame(f, make([]byte, 100_000), lz4.BlockSizeOption(lz4.Block64Kb)))
	f.Fuzz(func(t *testing.T, b []byte) {
		const most = 1 << 20
		got, err := appendLZ4(nil, b, most)
		if len(got) > most+4<<20 {
			t.Errorf("%d bytes", len(got))
		}
		want, theirs := io.ReadAll(io.LimitReader(lz4.NewReader(bytes.NewReader(b)), most))
		if err == nil && theirs == nil && len(want) < most && !bytes.HasPrefix(got, want) { // it ends with the first frame
			t.Errorf("%d bytes, the library has %d others", len(got), len(want))
		}
	})
}

// A batch of a few lines, as others pack it, must not take memory for the largest that there could be.
func TestASmallBatchTakesLittleMemory(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	messages := numbered("k", 0, 5)
	size := 0
	for i := range messages {
		size += len(messages[i].Value) + len(messages[i].Key)
	}
	for name, pack := range map[string]func(records []byte) (int8, []byte){
		"none": func(b []byte) (int8, []byte) { return 0, b },
		"LZ4, blocks of up to 4 MiB": func(b []byte) (int8, []byte) {
			return lz4Code, frame(t, b, lz4.BlockSizeOption(lz4.Block4Mb))
		},
		"LZ4, blocks of up to 64 KiB": func(b []byte) (int8, []byte) {
			return lz4Code, frame(t, b, lz4.BlockSizeOption(lz4.Block64Kb))
		},
		"gzip":   func(b []byte) (int8, []byte) { return codecOf(t, compress.Gzip, b) },
		"snappy": func(b []byte) (int8, []byte) { return codecOf(t, compress.Snappy, b) },
		"zstd":   func(b []byte) (int8, []byte) { return codecOf(t, compress.Zstd, b) },
	} {
		answer := sealed(messages, pack)
		s := batches{}
		read := func() {
			s.next = 0
			s.answer(answer, nil)
			if found, err := s.take(1 << 20); err != nil || len(found) != len(messages) {
				t.Fatalf("%s: %d messages, %v", name, len(found), err)
			}
		}
		for range 10 {
			read() // what is kept is there now
		}
		const n = 200
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range n {
			read()
		}
		runtime.ReadMemStats(&after)
		bytes, allocs := (after.TotalAlloc-before.TotalAlloc)/n, (after.Mallocs-before.Mallocs)/n
		t.Logf("%s: %d bytes in %d allocations for %d messages of %d bytes", name, bytes, allocs, len(messages), size)
		if bytes > 4<<10 || allocs > 8 {
			t.Errorf("%s: %d bytes in %d allocations for %d messages of %d bytes", name, bytes, allocs, len(messages), size)
		}
	}
}

func codecOf(t testing.TB, kind compress.Compression, b []byte) (int8, []byte) {
	t.Helper()
	out := &appender{}
	w := kind.Codec().NewWriter(out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return int8(kind), out.b
}

// sealed is a batch of messages whose records are packed by pack.
func sealed(messages []Message, pack func(records []byte) (int8, []byte)) []byte {
	f := batchFacts{count: len(messages), base: messages[0].Time, last: messages[0].Time}
	var records []byte
	for i := range messages {
		records = appendRecord(records, &messages[i], i, f.base)
		f.last = max(f.last, messages[i].Time)
	}
	f.codec, records = pack(records)
	b := append(appendBatchHeader(nil), records...)
	finishBatch(b, f)
	return b
}
