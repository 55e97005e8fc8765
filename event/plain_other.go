//go:build !amd64

package event

// Without plainBlocks, plain does all of it.
const hasBlocks = false

func plainBlocks(_ string, i int) (at int, others uint64, sign bool) { return i, 0, true }
