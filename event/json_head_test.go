package event

import (
	"math"
	"testing"
)

// TestHeads: what one event leaves of its head for the next one is never seen in it.
func TestHeads(t *testing.T) {
	const stamp = "2026-09-15T10:30:00.123Z"
	var e Event
	for n, id := range []ID{NewID(7, 5), NewID(7, 6), NewID(7, 1023), NewID(7, 1024), NewID(7, 1<<63|1024), NewID(8, 1024), NewID(0, 0), NewID(0, 1)} {
		for _, c := range []Common{
			{TimeText: stamp, Raw: stamp},
			{TimeText: stamp},
			{TimeText: stamp, Raw: stamp, Kind: "alert"},
			{TimeText: "2026-09-15T10:30:00.1234Z", Raw: "2026-09-15T10:30:00.1234Z"},
			{Time: 1},
		} {
			e.Common = c
			e.ID = id
			e.ScanRaw()
			text, kind := c.TimeText, "event"
			if text == "" {
				text = "1970-01-01T00:00:00.000Z"
			}
			if c.Kind != "" {
				kind = c.Kind
			}
			want := `x{"@timestamp":"` + text + `","event":{"id":"` + id.String() + `","kind":"` + kind + `",`
			if got := string(e.appendHead([]byte("x"))); got != want {
				t.Errorf("after the one before, head %d is\n%s, want\n%s", n, got, want)
			}
		}
	}
}

func TestCreated(t *testing.T) {
	var c createdText
	for _, ns := range []int64{
		0, 1, 999, 1000, 999_999_999, 1_000_000_000, 1_000_000_001, 999_999_999, -1, -1_000_000_000, 5, 1_795_255_789_733_686_125, 1_795_255_789_000_000_000,
		1_795_255_789_999_999_999, 1_795_255_790_000_000_000, math.MaxInt64, math.MinInt64, math.MinInt64 + 1, math.MaxInt64, 0,
	} {
		if got, want := string(c.append(nil, ns)), `"created":"`+string(appendTime(nil, ns, 6))+`",`; got != want {
			t.Errorf("%d: %s, want %s", ns, got, want)
		}
	}
}
