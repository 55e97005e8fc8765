package enrich

import "math/bits"

// outcomes are the last 100 comparisons of a host's port table with its log lines, a bit each: 1 is a disagreement.
type outcomes struct {
	bits [2]uint64
	next int
	n    int
}

const (
	compared  = 100 // comparisons that count
	leastSeen = 20  // below that, nothing is concluded
)

func (o *outcomes) add(disagreed bool) {
	word, bit := o.next/64, uint64(1)<<(o.next%64)
	o.bits[word] &^= bit
	if disagreed {
		o.bits[word] |= bit
	}
	o.next = (o.next + 1) % compared
	o.n = min(o.n+1, compared)
}

// disagreements returns how many of how many comparisons failed.
func (o *outcomes) disagreements() (failed, of int) {
	return bits.OnesCount64(o.bits[0]) + bits.OnesCount64(o.bits[1]), o.n
}

// untrusted reports whether the table disagreed with more than one line in a hundred.
func (o *outcomes) untrusted() bool {
	failed, of := o.disagreements()
	return of >= leastSeen && failed > max(1, of/100)
}
