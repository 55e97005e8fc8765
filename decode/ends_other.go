//go:build !amd64

package decode

// Without blocks, valueEnds and nameEnds do all of it.
const hasBlocks = false

func valueBlocks(_ string) uint64 { return 0 }

func nameBlocks(_ string) uint64 { return 0 }
