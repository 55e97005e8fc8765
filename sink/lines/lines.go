// Package lines writes events as lines (NDJSON) and never leaves half a line behind: File on a
// regular file, which it can cut, Stream on a pipe, a terminal or a device, which it cannot.
// It does not know rotation, retries or the meaning of a line.
package lines

import "vswarden/sink"

// Append appends the values of batch to dst, each with a newline, while they fit into limit bytes;
// the first one always fits. It returns how many were appended.
func Append(dst []byte, batch []sink.Record, limit int64) ([]byte, int) {
	n, start := 0, len(dst)
	for n < len(batch) {
		size := int64(len(dst)-start) + int64(len(batch[n].Value)) + 1
		if n > 0 && size > limit {
			break
		}
		dst = append(append(dst, batch[n].Value...), '\n')
		n++
	}
	return dst, n
}

// Whole returns how many of batch lie whole within the first n bytes of what Append wrote.
func Whole(batch []sink.Record, n int) int {
	for i := range batch {
		if n -= len(batch[i].Value) + 1; n < 0 {
			return i
		}
	}
	return len(batch)
}

// Verdict is the error of a Write that stored the first done events of n and met err: nil when all
// are stored, err itself when none is, else one verdict per event.
func Verdict(n, done int, err error) error {
	switch {
	case err == nil, done == n:
		return nil
	case done == 0:
		return err
	}
	verdicts := make(sink.Errors, n)
	for i := done; i < n; i++ {
		verdicts[i] = err
	}
	return verdicts
}
