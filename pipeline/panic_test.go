package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"vswarden/event"
	"vswarden/group"
	"vswarden/spool"
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
				if n%10 == 9 && n < lines-1 { // ends all that waits; for the last line nothing comes
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

// What is buried of a record that made us panic, by what was done with it, and what stays in the batch.
func TestPoisoned(t *testing.T) {
	frame := frameRecord("127.0.0.1:1", "<14>2023-11-14T22:13:20.000Z h app: text")
	own := append(appendEventHeader(nil, event.NewID(1, 2), event.DatasetPosture, 2), `{"own":1}`...)
	for _, tt := range []struct {
		name   string
		record []byte
		doing  doing
		done   spool.Position // before the process began
		want   string         // of the dead letter; empty: none
	}{
		{"decoding", frame, decoding, 0, "<14>2023-11-14T22:13:20.000Z h app: text"},
		{"decoding again what was done", frame, decoding, 1, ""},
		{"encoding our own", own, encoding, 0, `{"own":1}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dead := &letters{}
			l := delivery(&fakeCursor{}, nullSink{}, dead, nil).lanes[0]
			l.d.from = tt.done
			c := &chunk{records: make([]Record, 2), lanes: make([]int32, 2)}
			c.First = 1
			if err := c.records[0].decode(tt.record); err != nil {
				t.Fatal(err)
			}
			l.record()
			l.out = append(l.out, "{}"...)
			l.encoded(&c.records[0])
			whole := string(l.out)
			l.record()
			l.out = append(l.out, `{"half`...)
			l.at = place{i: 0, doing: tt.doing}
			if tt.doing == decoding { // then nothing was begun
				l.dropUnended()
				l.at.it = l.stage.New()
			}
			if !l.poisoned(context.Background(), c, &counts{}, &panicError{value: errors.New("poison")}) {
				t.Fatal("ended")
			}
			if string(l.out) != whole || len(l.batch) != 1 || l.at.doing != idle || l.at.i != 0 {
				t.Errorf("batch %d, out %q, at %+v", len(l.batch), l.out, l.at)
			}
			switch {
			case tt.want == "" && len(dead.got) > 0, tt.want != "" && (len(dead.got) != 1 || string(dead.got[0].Original) != tt.want || dead.got[0].Reason != DeadPanic):
				t.Errorf("dead letters %+v, want %q", dead.got, tt.want)
			}
		})
	}
}
