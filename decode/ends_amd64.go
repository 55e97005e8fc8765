package decode

// These two are what is not Go here: byte by byte, where names and values end costs more than anything else of a usual line.
// TestEnds holds them against Go.

//go:noescape
func nameEnds(s string) (ends uint64)

//go:noescape
func valueEnds(s string) (ends uint64)
