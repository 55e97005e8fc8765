package main

import "bytes"

// A token is seqHHHH-NNNNNNNNNN: the number of a host and the number of its line. See loadgen.
const (
	hostDigits = 4
	numDigits  = 10
)

var tokenStart = []byte("seq")

// findToken returns the first token of a line. The same text may hold it several times, as
// message, as original, as the VM's name.
func findToken(line []byte) (host int, number uint64, ok bool) {
	for {
		i := bytes.Index(line, tokenStart)
		if i < 0 || len(line)-i < len(tokenStart)+hostDigits+1+numDigits {
			return 0, 0, false
		}
		line = line[i+len(tokenStart):]
		h, ok1 := digits(line[:hostDigits])
		n, ok2 := digits(line[hostDigits+1 : hostDigits+1+numDigits])
		if ok1 && ok2 && line[hostDigits] == '-' {
			return int(h), n, true
		}
	}
}

func digits(b []byte) (v uint64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + uint64(c-'0')
	}
	return v, true
}

// The id stands at the beginning of the line: {"@timestamp":"…","event":{"id":"…".
var idStart = []byte(`"event":{"id":"`)

const idWithin = 256

// findID returns event.id.
func findID(line []byte) (id []byte, ok bool) {
	i := bytes.Index(line[:min(len(line), idWithin)], idStart)
	if i < 0 {
		return nil, false
	}
	id, _, ok = bytes.Cut(line[i+len(idStart):], []byte{'"'})
	return id, ok
}
