//go:build !amd64

package decode

func nameEnds(s string) (ends uint64) { return nameEndsByByte(s) }

func valueEnds(s string) (ends uint64) { return valueEndsByByte(s) }
