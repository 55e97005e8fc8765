package lines

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// piecesFile takes most bytes, and keeps how they came.
type piecesFile struct {
	got    []byte
	pieces []int
	most   int
}

var errFileFull = errors.New("full")

func (f *piecesFile) Write(b []byte) (int, error) {
	n := min(len(b), f.most-len(f.got))
	f.got, f.pieces = append(f.got, b[:n]...), append(f.pieces, len(b))
	if n < len(b) {
		return n, errFileFull
	}
	return n, nil
}

// TestInPieces: all is written, each byte once, in pieces that end with a line wherever one ends in time; and of what does
// not fit it is said how much was written.
func TestInPieces(t *testing.T) {
	for _, line := range []string{"\n", strings.Repeat("x", 599) + "\n", strings.Repeat("x", writeMost-1) + "\n", strings.Repeat("x", writeMost) + "\n", "no end "} {
		for _, size := range []int{0, 1, writeMost - 1, writeMost, writeMost + 1, 200_000} {
			b := []byte(strings.Repeat(line, size/len(line)+1)[:size])
			for _, most := range []int{0, 1, writeMost - 1, writeMost, writeMost + 1, 199_999, 200_000} {
				f := &piecesFile{most: most}
				n, err := inPieces(f, b)
				if full := size > most; full != errors.Is(err, errFileFull) || n != min(size, most) || !bytes.Equal(f.got, b[:n]) {
					t.Fatalf("%d bytes of %d into %d: %v", n, size, most, err)
				}
				end := 0
				for _, piece := range f.pieces[:max(0, len(f.pieces)-1)] {
					if end += piece; piece > writeMost || len(line) <= writeMost && strings.HasSuffix(line, "\n") && b[end-1] != '\n' {
						t.Fatalf("a piece of %d bytes that ends with %q", piece, b[end-1])
					}
				}
			}
		}
	}
}
