package decode

// hasBlocks says that there are valueBlocks and nameBlocks. They are what is not Go here: where values and names end was
// a fifth of what a line takes to decode.
const hasBlocks = true

// valueBlocks is valueEnds of 64 bytes: s has as many or more.
//
//go:noescape
func valueBlocks(s string) (ends uint64)

// nameBlocks is nameEnds of 32 bytes: s has as many or more.
//
//go:noescape
func nameBlocks(s string) (ends uint64)
