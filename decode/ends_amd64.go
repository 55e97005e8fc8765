package decode

// These two are what is not Go here: where names and values end was a fifth of what a line takes to decode. TestEnds holds
// them against Go.

//go:noescape
func nameEnds(s string) (ends uint64)

//go:noescape
func valueEnds(s string) (ends uint64)
