package kafka

import "time"

// stamper writes times as RFC 3339 in UTC with nine digits. Those of a batch are mostly of one second,
// whose text it keeps.
type stamper struct {
	second int64
	text   []byte // of that second, with the point; empty: of none
}

// appendTo appends the time ns (Unix nanoseconds).
func (s *stamper) appendTo(dst []byte, ns int64) []byte {
	second, rest := ns/1e9, ns%1e9
	if rest < 0 {
		second, rest = second-1, rest+1e9
	}
	if len(s.text) == 0 || second != s.second {
		s.second = second
		s.text = time.Unix(second, 0).UTC().AppendFormat(s.text[:0], "2006-01-02T15:04:05.")
	}
	dst = append(dst, s.text...)
	var digits [10]byte
	for i := 8; i >= 0; i-- {
		digits[i] = byte('0' + rest%10)
		rest /= 10
	}
	digits[9] = 'Z'
	return append(dst, digits[:]...)
}
