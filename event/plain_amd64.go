package event

// plainBlocks is plain over whole blocks of sixteen bytes: it returns the index of the first byte that is not plain,
// or where less than a block is left. It is the one function that is not Go: escaping was the largest single cost of
// an event, and this takes a fifth of the instructions (BenchmarkAppendText). TestPlain holds it against Go.
//
//go:noescape
func plainBlocks(s string, i int) int
