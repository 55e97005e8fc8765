package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/pierrec/lz4/v4"
)

var errLZ4 = errors.New("not an LZ4 frame")

const (
	lz4Magic     = 0x184d2204
	lz4SkipMagic = 0x184d2a50 // and the 15 numbers behind it
	lz4Window    = 64 << 10   // how far back a block that depends on those before it may point
)

// appendLZ4 appends what the frames in src hold, at most `most` bytes. The library's own reader makes room for the
// largest block that a frame says it may have, 4 MiB for a few lines of some producers; here what is
// needed is tried. Checksums of frames are not looked at: the batch has one over all.
func appendLZ4(dst, src []byte, most int) ([]byte, error) {
	for len(src) > 0 {
		if len(src) < 8 {
			return dst, errLZ4
		}
		magic, rest := binary.LittleEndian.Uint32(src), src[4:]
		if magic&^15 == lz4SkipMagic {
			size := int(binary.LittleEndian.Uint32(rest))
			if size > len(rest)-4 {
				return dst, errLZ4
			}
			src = rest[4+size:]
			continue
		}
		if magic != lz4Magic {
			return dst, errLZ4
		}
		var err error
		if dst, src, err = appendLZ4Frame(dst, rest, most); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendLZ4Frame appends what one frame holds, src being behind its magic number, and returns what follows it.
func appendLZ4Frame(dst, src []byte, most int) (all, rest []byte, err error) {
	flags, largest := src[0], src[1]>>4&7
	if flags>>6 != 1 || largest < 4 { // version 1; 64 KiB to 4 MiB
		return dst, nil, errLZ4
	}
	blockMax := 1 << (8 + 2*largest)
	independent, blockSum, sum := flags&0x20 != 0, int(flags>>4&1)*4, int(flags>>2&1)*4
	head := 3 + int(flags>>3&1)*8 + int(flags&1)*4 // with the size of the contents, the name of a dictionary
	if len(src) < head {
		return dst, nil, errLZ4
	}
	src = src[head:]
	from := len(dst)
	for {
		if len(src) < 4 {
			return dst, nil, errLZ4
		}
		word := binary.LittleEndian.Uint32(src)
		size, plain := int(word&^(1<<31)), word>>31 != 0
		src = src[4:]
		if word == 0 {
			if len(src) < sum {
				return dst, nil, errLZ4
			}
			return dst, src[sum:], nil
		}
		if size > len(src)-blockSum || size > blockMax {
			return dst, nil, errLZ4
		}
		block := src[:size]
		src = src[size+blockSum:]
		if plain {
			dst = append(dst, block...)
		} else {
			var window []byte
			if !independent {
				window = dst[max(from, len(dst)-lz4Window):]
			}
			if dst, err = appendLZ4Block(dst, block, window, blockMax); err != nil {
				return dst, nil, err
			}
		}
		if len(dst) > most {
			return dst, nil, fmt.Errorf("more than %d bytes", most)
		}
	}
}

// appendLZ4Block appends what a block holds, which is not said anywhere: room for a block of lines is
// tried first, then more, up to what it can be at all.
func appendLZ4Block(dst, block, window []byte, blockMax int) ([]byte, error) {
	most := min(blockMax, 64+255*len(block)) // a byte of length stands for 255 at most
	for room := min(most, max(1<<bits.Len(uint(4*len(block))), 4<<10)); ; room = min(most, 4*room) {
		dst = slices.Grow(dst, room)
		at := len(dst)
		n, err := lz4.UncompressBlockWithDict(block, dst[at:min(cap(dst), at+most)], window)
		switch {
		case err == nil:
			return dst[:at+n], nil
		case cap(dst)-at >= most:
			return dst, fmt.Errorf("LZ4: %w", err)
		case room < cap(dst)-at:
			room = cap(dst) - at
		}
	}
}
