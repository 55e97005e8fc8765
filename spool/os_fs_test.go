package spool

import (
	"bytes"
	"errors"
	"testing"
)

// piecesFile is a file that takes most bytes, no more than a piece at once.
type piecesFile struct {
	t    *testing.T
	got  []byte
	most int
}

var errFileFull = errors.New("full")

func (f *piecesFile) WriteAt(b []byte, off int64) (int, error) {
	if len(b) > writeMost || off != int64(len(f.got)) {
		f.t.Errorf("%d bytes at %d, behind %d", len(b), off, len(f.got))
	}
	n := min(len(b), f.most-len(f.got))
	if f.got = append(f.got, b[:n]...); n < len(b) {
		return n, errFileFull
	}
	return n, nil
}

// TestInPieces: all is written, each byte once, and of what does not fit it is said how much was.
func TestInPieces(t *testing.T) {
	for _, size := range []int{0, 1, writeMost - 1, writeMost, writeMost + 1, 200_000} {
		b := bytes.Repeat([]byte("0123456789a"), size/11+1)[:size]
		for _, most := range []int{0, 1, writeMost - 1, writeMost, writeMost + 1, 199_999, 200_000} {
			f := &piecesFile{t: t, most: most}
			n, err := inPieces(f, b, 0)
			if full := size > most; full != errors.Is(err, errFileFull) || n != min(size, most) || !bytes.Equal(f.got, b[:n]) {
				t.Errorf("%d bytes of %d into %d: %v", n, size, most, err)
			}
		}
	}
}
