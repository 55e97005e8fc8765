package kafka

import (
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/compress/snappy"
	"github.com/segmentio/kafka-go/compress/zstd"
)

// packer compresses the records of one batch after the other. It serves one goroutine at a time.
type packer struct {
	codec compress.Codec // nil: none, or lz4
	lz4   *lz4Packer
	raw   []byte // records of the batch, not compressed
}

// zstdLevel is the fastest: docs/adr/0005-kafka-client.md has what the next one would win and cost.
const zstdLevel = 1

func newPacker(c Compression) (*packer, error) {
	switch c {
	case CompressNone, "":
		return &packer{}, nil
	case CompressSnappy:
		// The codec's own choices are chunks of 32 KiB, which hide most repeats of lines from each other, and a
		// search that takes twice the time. Readers have always taken a batch without chunks: librdkafka writes it so.
		return &packer{codec: &snappy.Codec{Framing: snappy.Unframed, Compression: snappy.FasterCompression}}, nil
	case CompressLZ4:
		return &packer{lz4: &lz4Packer{}}, nil
	case CompressZstd:
		return &packer{codec: &zstd.Codec{Level: zstdLevel}}, nil
	}
	return nil, fmt.Errorf("compression %q is not one of none, snappy, lz4, zstd", string(c))
}

// appendBatch appends a whole record batch of messages to dst.
func (p *packer) appendBatch(dst []byte, messages []*Message) ([]byte, error) {
	start := len(dst)
	f := batchFacts{count: len(messages), base: messages[0].Time, last: messages[0].Time}
	dst = appendBatchHeader(dst)
	if p.codec == nil && p.lz4 == nil {
		for i, m := range messages {
			dst = appendRecord(dst, m, i, f.base)
			f.last = max(f.last, m.Time)
		}
		finishBatch(dst[start:], f)
		return dst, nil
	}
	p.raw = p.raw[:0]
	for i, m := range messages {
		p.raw = appendRecord(p.raw, m, i, f.base)
		f.last = max(f.last, m.Time)
	}
	dst, code, err := p.pack(dst)
	if err != nil {
		return dst, err
	}
	if f.codec = code; len(dst)-start-batchHeader >= len(p.raw) { // nothing was won
		f.codec, dst = 0, append(dst[:start+batchHeader], p.raw...)
	}
	finishBatch(dst[start:], f)
	return dst, nil
}

// pack appends p.raw, compressed.
func (p *packer) pack(dst []byte) ([]byte, int8, error) {
	if p.lz4 != nil {
		dst, err := p.lz4.appendTo(dst, p.raw)
		return dst, lz4Code, err
	}
	packed := appender{dst}
	w := p.codec.NewWriter(&packed)
	_, err := w.Write(p.raw)
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		err = fmt.Errorf("compress: %w", err)
	}
	return packed.b, p.codec.Code(), err
}

// trim gives back memory that only an unusual batch needed.
func (p *packer) trim(keep int) {
	if cap(p.raw) > keep {
		p.raw = nil
	}
}

// appender is a writer that appends.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

var _ io.Writer = (*appender)(nil)
