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

// Together is what Append appends, where it stands: values of a delivery lie one behind the other, each with a newline
// behind it, and need not be copied to be written (BenchmarkTogether). nil where these do not.
func Together(batch []sink.Record, limit int64) (b []byte, n int) {
	whole := batch[0].Value[:cap(batch[0].Value)]
	size := 0
	for ; n < len(batch); n++ {
		v := batch[n].Value
		end := size + len(v)
		if n > 0 && int64(end+1) > limit {
			break
		}
		if len(v) == 0 || end >= len(whole) || &whole[size] != &v[0] || whole[end] != '\n' {
			return nil, 0
		}
		size = end + 1
	}
	return whole[:size], n
}

// Whole returns how many of batch lie whole within the first n bytes of what Append or Together gave.
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
