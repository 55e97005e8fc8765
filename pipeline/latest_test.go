package pipeline

import (
	"fmt"
	"strings"
	"testing"

	"vswarden/detect"
	"vswarden/event"
	"vswarden/group"
	"vswarden/spool"
)

// Of records in runs, each gets the sender that it would get if it stood alone: of few and many senders, by address, name and
// relay, in chunks that begin anywhere in a run.
func TestSendersOfRuns(t *testing.T) {
	var records [][]byte
	var keys []string
	for i, run := range []int{1, 3, 2, 5, 1, 1, 4, 2, 3, 1, 2, 6, 2} {
		for range run {
			switch i % 4 {
			case 0:
				records, keys = append(records, frameRecord("192.0.2.1:514", line("h", len(records)))), append(keys, "192.0.2.1")
			case 1:
				records, keys = append(records, frameRecord(fmt.Sprintf("192.0.2.%d:514", i+1), line("h", len(records)))), append(keys, fmt.Sprintf("192.0.2.%d", i+1))
			case 2: // of one peer, and yet of two senders
				host := fmt.Sprintf("esx%d", len(records)%2)
				records, keys = append(records, relayed("192.0.2.1", line(host, len(records)))), append(keys, host)
			case 3:
				records, keys = append(records, frameRecord("[2001:db8::1]:514", line("h", len(records)))), append(keys, "2001:db8::1")
			}
		}
	}
	for _, perChunk := range []int{1, 2, 3, 7, 100} {
		for _, lanes := range []int{1, 4} {
			for _, format := range []Format{FormatECS, FormatRaw} {
				s := &fakeSink{}
				d := delivery(&fakeCursor{records: records, perChunk: perChunk}, s, &letters{}, func(cfg *DeliveryConfig) {
					cfg.Lanes, cfg.Format, cfg.Frames, cfg.Final = lanes, format, format == FormatRaw, true
					cfg.Group.Senders = 1 // whoever was there before is given up
				})
				if err := d.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				got := map[event.ID]string{}
				for _, r := range s.got {
					got[r.ID] = r.Key
				}
				for i, want := range keys {
					if key := got[event.NewID(7, uint64(i)+1)]; key != want {
						t.Errorf("%d a chunk, %d lanes, %s: record %d is of %q, want %q", perChunk, lanes, format, i, key, want)
					}
				}
			}
		}
	}
}

// decodeAll makes the records of c.
func decodeAll(c *chunk) {
	var used [maxLanes]bool
	delivery(&fakeCursor{}, nullSink{}, &letters{}, nil).decode(c, &used)
}

// follower is a record that stands behind another one of its sender.
func follower(t *testing.T) (c *chunk) {
	t.Helper()
	c = benchRuns(4, 2)
	decodeAll(c)
	if c.records[0].follows || !c.records[1].follows || c.records[2].follows || !c.records[3].follows {
		t.Fatal("who follows is another one")
	}
	return c
}

// Where the record before was not looked at, or its sender was given up since, the sender is looked for.
func TestLatestSenderIsOfTheRecordBefore(t *testing.T) {
	c := follower(t)
	l := delivery(&fakeCursor{}, nullSink{}, &letters{}, func(cfg *DeliveryConfig) { cfg.Lanes, cfg.Group.Senders = 1, 1 }).lanes[0]
	is := func(i int, pos uint64, key string) *group.Sender {
		t.Helper()
		snd := l.sender(&c.records[i], pos)
		if snd.Key != key || snd.Gone() {
			t.Errorf("record %d at %d is of %s (gone: %t), want %s", i, pos, snd.Key, snd.Gone(), key)
		}
		return snd
	}
	is(1, 1, "127.0.0.1") // there is none before
	is(0, 1, "127.0.0.1")
	is(3, 4, "127.0.0.2") // 2 was not looked at
	is(1, 6, "127.0.0.1") // 5 was not
	first := is(2, 7, "127.0.0.2")
	if is(3, 8, "127.0.0.2") != first {
		t.Error("one sender is two")
	}
	l.stage.Sender("another")
	if is(3, 9, "127.0.0.2") == first {
		t.Error("a sender that was given up is used again")
	}
}

// The detections hear each record of a run as its sender's, also where the first ones were told before.
func TestDetectionsOfRuns(t *testing.T) {
	c := benchRuns(120, 10)
	detector := detect.New(detect.DefaultConfig())
	x := NewDetection(DetectionConfig{Cursor: &pastCursor{}, Detector: detector})
	c.sights, c.last = make([]sight, 120), 120
	decodeAll(c)
	for _, given := range []spool.Position{55, 100} { // amid a run, and before one; what was told stays told
		x.given = max(given, x.given)
		c.First, c.last = 1, 120
		x.follow(c)
	}
	var heard strings.Builder
	if err := detector.Memory().Save(&heard); err != nil {
		t.Fatal(err)
	}
	for host, n := range map[string]int{"127.0.0.6": 5, "127.0.0.7": 10, "127.0.0.8": 10, "127.0.0.1": 10, "127.0.0.4": 10} {
		if want := fmt.Sprintf(`"%s":{"name":"esx01.example.com","lines":%d,`, host, n); !strings.Contains(heard.String(), want) {
			t.Errorf("%s is not in %s", want, heard.String())
		}
	}
}
