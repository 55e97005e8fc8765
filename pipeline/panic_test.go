package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"vswarden/event"
	"vswarden/group"
)

// What makes us panic while it is encoded, with half of it in the batch, leaves the rest of the batch whole and in order: also
// what was complete together with it, and what comes after it in the same chunk.
func TestPanicLeavesTheBatchWhole(t *testing.T) {
	const lines = 60
	for _, options := range []group.Options{{}, group.DefaultConfig().Options()} {
		synctest.Test(t, func(t *testing.T) {
			c := &fakeCursor{perChunk: 25}
			for n := range lines {
				c.records = append(c.records, frameRecord("127.0.0.1:1", fmt.Sprintf("<166>2026-11-20T10:00:00.123Z h Hostd: info hostd[1] [Originator@6876 sub=a] n=%d.", n)))
				if n%10 == 9 { // ends all that waits
					c.records = append(c.records, frameRecord("127.0.0.1:1", benchLines[5]))
				}
			}
			bad := func(n int) bool { return n%4 == 0 || n%4 == 1 || n == lines-1 }
			s, l := &fakeSink{}, &letters{}
			var lane *lane
			d := delivery(c, s, l, func(cfg *DeliveryConfig) {
				cfg.Group, cfg.Lanes = options, 1
				cfg.Enrich = enrichFunc(func(e *event.Event) {
					_, text, _ := strings.Cut(e.Message, "n=")
					if n, err := strconv.Atoi(strings.TrimSuffix(text, ".")); err == nil && bad(n) {
						lane.out = append(lane.out, `{"half`...)
						lane.record().ID = e.ID
						panic("poison")
					}
				})
			})
			lane = d.lanes[0]
			if err := d.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := 0
			for _, rec := range s.got {
				if !json.Valid(rec.Value) {
					t.Fatalf("%s", rec.Value)
				}
				if !strings.Contains(string(rec.Value), "n=") {
					continue
				}
				for bad(want) {
					want++
				}
				if !bytes.Contains(rec.Value, fmt.Appendf(nil, "n=%d.", want)) {
					t.Errorf("%s, want n=%d", rec.Value, want)
				}
				want++
			}
			dead := 0
			for n := range lines {
				if !bad(n) {
					continue
				}
				if got := l.got[dead]; got.Reason != DeadPanic || !bytes.Contains(got.Original, fmt.Appendf(nil, "n=%d.", n)) {
					t.Errorf("dead letter %d: %s %q, want n=%d", dead, got.Reason, got.Original, n)
				}
				dead++
			}
			if len(l.got) != dead || len(s.got)+dead != len(c.records) || d.Stats.Done() != uint64(len(c.records)) {
				t.Errorf("delivered %d, dead %d, done %d of %d", len(s.got), len(l.got), d.Stats.Done(), len(c.records))
			}
		})
	}
}
