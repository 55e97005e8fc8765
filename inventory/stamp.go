package inventory

import (
	"math"
	"time"
)

// Stamp is a moment in Unix nanoseconds; 0 is unknown.
type Stamp int64

// Forever is the end of what has not ended.
const Forever Stamp = math.MaxInt64

// StampOf returns t as a Stamp; the zero time is 0.
func StampOf(t time.Time) Stamp {
	if t.IsZero() {
		return 0
	}
	return Stamp(t.UnixNano())
}

// Time returns s as a time in UTC; 0 and Forever are the zero time.
func (s Stamp) Time() time.Time {
	if s == 0 || s == Forever {
		return time.Time{}
	}
	return time.Unix(0, int64(s)).UTC()
}

// Add returns s moved by d; Forever and 0 stay what they are.
func (s Stamp) Add(d time.Duration) Stamp {
	if s == 0 || s == Forever {
		return s
	}
	moved := s + Stamp(d)
	switch {
	case d > 0 && moved < s:
		return Forever
	case d < 0 && (moved > s || moved <= 0):
		return 1
	}
	return moved
}

// Sub returns how long after o the stamp s is.
func (s Stamp) Sub(o Stamp) time.Duration { return time.Duration(s - o) }

// MarshalText writes s as RFC 3339 in UTC; 0 and Forever are empty.
func (s Stamp) MarshalText() ([]byte, error) {
	if s == 0 || s == Forever {
		return nil, nil
	}
	return s.Time().AppendFormat(nil, time.RFC3339Nano), nil
}

// UnmarshalText reads what MarshalText writes.
func (s *Stamp) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = 0
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return err
	}
	*s = StampOf(t)
	return nil
}
