package spool

// sums3 goes on with three checksums over the n bytes at a, b and c each; n is a multiple of eight. A checksum waits three
// cycles for each eight bytes, in which the processor could take those of two others too.
//
//go:noescape
func sums3(a, b, c *byte, n int, sums *[3]uint32)

func hasCRC32() bool
