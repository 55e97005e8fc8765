package event

// plainBlocks is specials where s has sixteen bytes or more. It is the one function here that is not Go: escaping was
// the largest single cost of an event, and this takes a fifth of the instructions (BenchmarkAppendText). TestPlain
// holds it against Go.
//
//go:noescape
func plainBlocks(s string, i int) (at int, others uint64, sign bool)

// hasBlocks says that there is plainBlocks.
const hasBlocks = true
