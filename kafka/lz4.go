package kafka

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/pierrec/lz4/v4"
)

// lz4Code is LZ4 in the attributes of a record batch.
const lz4Code = 3

// lz4Head begins an LZ4 frame: the magic number, version 1 with independent blocks and no checksum of
// the contents (the batch has one), blocks of up to 4 MiB, and the checksum of these two bytes.
var lz4Head = []byte{0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73}

// lz4Small begins a frame of one block of up to 64 KiB: readers make room for the largest block that a
// frame may have, and 4 MiB for each batch of a few lines is what they then spend their time on.
var lz4Small = []byte{0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82}

const lz4SmallBlock = 64 << 10

const lz4Block = 4 << 20

// lz4Packer writes LZ4 frames. The library's own writer copies what it is given, sums it up once more and
// starts goroutines; its compressor of blocks, of which a frame is made, does none of that.
type lz4Packer struct{ blocks lz4.Compressor }

// appendTo appends src as a frame.
func (p *lz4Packer) appendTo(dst, src []byte) ([]byte, error) {
	head := lz4Head
	if len(src) <= lz4SmallBlock {
		head = lz4Small
	}
	dst = append(dst, head...)
	for block := range slices.Chunk(src, lz4Block) {
		at := len(dst)
		dst = slices.Grow(dst, 4+lz4.CompressBlockBound(len(block)))
		n, err := p.blocks.CompressBlock(block, dst[at+4:cap(dst)])
		switch {
		case err != nil:
			return dst, fmt.Errorf("compress: %w", err)
		case n == 0 || n >= len(block): // it does not get smaller: as it is
			dst = binary.LittleEndian.AppendUint32(dst, uint32(len(block))|1<<31)
			dst = append(dst, block...)
		default:
			binary.LittleEndian.PutUint32(dst[at:at+4:cap(dst)], uint32(n))
			dst = dst[:at+4+n]
		}
	}
	return append(dst, 0, 0, 0, 0), nil // no further block
}
