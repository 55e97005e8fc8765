package group

import (
	"slices"
	"strconv"
	"strings"
)

// compose makes one frame of all lines, which is decoded anew: the first line with its header, and
// what the others add to the message. The frames themselves are kept beside it.
func (it *Item) compose() {
	first := it.Event.Raw
	it.frames = append(it.frames[:0], first...)
	for _, p := range it.pieces {
		it.frames = append(it.frames, '\n')
		it.frames = append(it.frames, it.more[p.raw:p.text]...)
	}
	switch {
	case len(it.pieces) == 0:
		it.whole = unescape(it.whole[:0], first)
	case it.kind == part:
		it.composeParts(first)
	default:
		it.whole = append(it.whole[:0], first...)
		for _, p := range it.pieces {
			if !p.glue {
				it.whole = append(it.whole, '\n')
			}
			it.whole = append(it.whole, it.more[p.text:p.end]...)
		}
	}
	it.Event.Raw = text(it.whole)
}

// composeParts puts the parts of a vCenter event in the order of their numbers. When all are there
// the header says so: [1-1].
func (it *Item) composeParts(first string) {
	own := it.Event.VCEvent.Part
	slices.SortStableFunc(it.pieces, func(a, b piece) int { return int(a.part) - int(b.part) })
	head := first
	if it.pieces[0].part < own {
		p := it.pieces[0]
		head = text(it.more[p.raw:p.text])
	}
	it.whole = append(it.whole[:0], head...)
	if len(it.pieces)+1 == it.parts() {
		number := "] [1-" + strconv.Itoa(it.parts()) + "]"
		if i := strings.Index(head, number); i >= 0 {
			it.whole = append(append(append(it.whole[:0], head[:i]...), "] [1-1]"...), head[i+len(number):]...)
		}
	}
	for i, p := range it.pieces {
		if i == 0 && p.part < own {
			// its frame is the head; the line that came first goes where its number says
			it.whole = it.appendOwn(it.whole, own, it.pieces[0].part, it.nextPart(0))
			continue
		}
		it.whole = append(it.whole, it.more[p.text:p.end]...)
		if head != first {
			it.whole = it.appendOwn(it.whole, own, p.part, it.nextPart(i))
		}
	}
}

// nextPart is the number of the part behind pieces[i].
func (it *Item) nextPart(i int) uint16 {
	if i+1 < len(it.pieces) {
		return it.pieces[i+1].part
	}
	return 1<<16 - 1
}

// appendOwn appends the text of the line that came first when its number lies between two others.
func (it *Item) appendOwn(dst []byte, own, before, after uint16) []byte {
	if own < before || own > after {
		return dst
	}
	return append(dst, partText(it.Event.Message)...)
}

// parts is how many parts the vCenter event has.
func (it *Item) parts() int { return int(it.total) }

// partText is the text of a part behind "Event [key] [n-m] ".
func partText(message string) string {
	_, rest, _ := strings.Cut(message, "] [")
	_, rest, _ = strings.Cut(rest, "]")
	return strings.TrimPrefix(rest, " ")
}

// sizes are the lengths of all frames.
func (it *Item) sizes() []uint32 {
	n := make([]uint32, 0, it.Lines()) // rare: a frame that holds an LF itself
	total := 0
	for _, p := range it.pieces {
		total += 1 + p.text - p.raw
	}
	n = append(n, uint32(len(it.frames)-total))
	for _, p := range it.pieces {
		n = append(n, uint32(p.text-p.raw))
	}
	return n
}

// hasEscapedLines reports a message whose line ends a relay wrote as #012.
func hasEscapedLines(message string) bool {
	i := strings.IndexByte(message, '#') // sooner found missing than four bytes are
	if i < 0 {
		return false
	}
	i = nextEscape(message, i-1)
	for ; i >= 0; i = nextEscape(message, i) {
		rest := message[i+len("#012"):]
		if rest == "" || rest[0] == '#' || rest[0] == ' ' || strings.HasPrefix(rest, "-->") {
			return true
		}
	}
	return false
}

func nextEscape(s string, i int) int {
	j := strings.Index(s[i+1:], "#012")
	if j < 0 {
		return -1
	}
	return i + 1 + j
}

// unescape appends s with the line ends and tabs that a relay wrote as #012 and #011, and without
// the arrows that follow the former. One at the very end says nothing.
func unescape(dst []byte, s string) []byte {
	s = strings.TrimSuffix(s, "#012")
	for {
		i := strings.Index(s, "#01")
		if i < 0 || i+3 >= len(s) {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		c := s[i+3]
		s = s[i+4:]
		switch c {
		case '2':
			dst = append(dst, '\n')
			if rest, ok := strings.CutPrefix(s, "-->"); ok {
				s = strings.TrimPrefix(rest, " ")
			}
		case '1':
			dst = append(dst, '\t')
		default:
			dst = append(append(dst, "#01"...), c)
		}
	}
}
