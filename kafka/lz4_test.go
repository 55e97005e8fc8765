package kafka

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/pierrec/lz4/v4"
	"github.com/segmentio/kafka-go/compress"
)

// What is written as frames is read by the library's own reader and by what consumers in Go use; the
// Java client and librdkafka read it in TestKafka.
func TestFramesOfLZ4AreRead(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, lz4Block+70_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	var p lz4Packer
	for name, src := range map[string][]byte{
		"nothing":           nil,
		"one byte":          {1},
		"a line":            []byte("<14>2026-11-21T08:00:00.000Z esx01 app: a line"),
		"lines":             bytes.Repeat([]byte("<14>2026-11-21T08:00:00.000Z esx01 app: a line\n"), 5000),
		"noise":             noise,
		"more than a block": bytes.Repeat([]byte("0123456789"), lz4Block/3),
	} {
		frame, err := p.appendTo([]byte("before"), src)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		frame, ok := bytes.CutPrefix(frame, []byte("before"))
		if !ok {
			t.Fatalf("%s: what was there before is gone", name)
		}
		got, err := io.ReadAll(lz4.NewReader(bytes.NewReader(frame)))
		if err != nil || !bytes.Equal(got, src) {
			t.Errorf("%s: %d bytes, want %d: %v", name, len(got), len(src), err)
		}
		r := compress.Compression(lz4Code).Codec().NewReader(bytes.NewReader(frame))
		if got, err = io.ReadAll(r); err != nil || !bytes.Equal(got, src) {
			t.Errorf("%s: kafka-go reads %d bytes, want %d: %v", name, len(got), len(src), err)
		}
	}
}

func FuzzLZ4(f *testing.F) {
	f.Add([]byte("abcabcabcabcabcabcabcabcabcabc"))
	f.Fuzz(func(t *testing.T, src []byte) {
		var p lz4Packer
		frame, err := p.appendTo(nil, src)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(lz4.NewReader(bytes.NewReader(frame))); err != nil || !bytes.Equal(got, src) {
			t.Fatalf("%d bytes, want %d: %v", len(got), len(src), err)
		}
	})
}
