package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/segmentio/kafka-go/compress"
)

// unpackedMax bounds what one batch may become when it is unpacked: as much as max_message_bytes can be of a
// batch of ours that is not compressed.
const unpackedMax = int(maxMaxBytes)

// unpacker unpacks the records of one batch after the other. It serves one goroutine.
type unpacker struct {
	packed bytes.Reader
}

// appendTo appends the records of a batch.
func (u *unpacker) appendTo(dst, b []byte, attributes uint16) ([]byte, error) {
	most := len(dst) + unpackedMax
	kind := compress.Compression(attributes & 7)
	switch kind {
	case compress.None:
		return append(dst, b...), nil
	case compress.Lz4:
		return appendLZ4(dst, b, most)
	}
	codec := kind.Codec()
	if codec == nil {
		return dst, fmt.Errorf("unknown compression %d", kind)
	}
	u.packed.Reset(b)
	r := codec.NewReader(&u.packed) // it and its memory are kafka-go's, which keeps them for the next one
	dst, err := appendAll(dst, r, most)
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	u.packed.Reset(nil)
	return dst, err
}

// appendAll appends what r gives up to its end, until there are more than most bytes in dst.
func appendAll(dst []byte, r io.Reader, most int) ([]byte, error) {
	for {
		dst = slices.Grow(dst, 4<<10)
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case errors.Is(err, io.EOF):
			return dst, nil
		case err != nil:
			return dst, err
		case len(dst) > most:
			return dst, fmt.Errorf("more than %d bytes", unpackedMax)
		}
	}
}
