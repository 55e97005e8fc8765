package event

// plainBlocks is plain where sixteen bytes or more are left at i. It is the one function that is not Go: escaping was
// the largest single cost of an event, and this takes a fifth of the instructions (BenchmarkAppendText). TestPlain
// holds it against Go.
//
//go:noescape
func plainBlocks(s string, i int) int

// hasBlocks says that there is plainBlocks.
const hasBlocks = true
