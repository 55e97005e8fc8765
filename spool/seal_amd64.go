package spool

// sealRecords is key.seal for the records that follow upon the frame header in buf, the first of which has that number; there is
// one at least. It cannot be interrupted.
//
//go:noescape
func sealRecords(buf []byte, ends []uint32, number, key uint32)

func hasCRC32() bool
