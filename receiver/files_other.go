//go:build !unix

package receiver

// raiseFileLimit has nothing to raise here.
func raiseFileLimit(want uint64) (limit uint64, err error) { return want, nil }
