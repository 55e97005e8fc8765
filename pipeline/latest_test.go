package pipeline

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"vswarden/detect"
	"vswarden/event"
	"vswarden/group"
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

// What the detections hear of records in runs is what they hear of each alone: of one stamp and of many, with sorts and without,
// where some were told before, and where a lane panicked over one.
func TestDetectionsOfRuns(t *testing.T) {
	const n = 1200
	hear := func(run int, prepare func(c *chunk, x *Detection)) string {
		c := benchRuns(n, run)
		detector := detect.New(detect.DefaultConfig())
		x := NewDetection(DetectionConfig{Cursor: &pastCursor{}, Detector: detector, Log: zerolog.Nop()})
		c.sights, c.last = make([]sight, n), n
		decodeAll(c)
		for i := range c.records {
			r := &c.records[i]
			r.Received += int64(i/7%3) * int64(time.Second) // and back again
			if i%5 == 0 {
				c.sights[i] = sight{sort: uint64(i%3 + 1), name: "n"}
			}
			if i%11 == 0 {
				r.Data = []byte(line(fmt.Sprint("h", i%4), i))
			}
		}
		prepare(c, x)
		x.follow(c)
		var heard strings.Builder
		if err := detector.Memory().Save(&heard); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(heard.String(), x.panics.Load())
	}
	alone := func(c *chunk) {
		for i := range c.records {
			c.records[i].follows = false
		}
	}
	for name, prepare := range map[string]func(c *chunk, x *Detection){
		"all":              func(*chunk, *Detection) {},
		"some told before": func(_ *chunk, x *Detection) { x.given = 55 },
		"some known before": func(_ *chunk, x *Detection) {
			x.cfg.Detector.Line(&detect.Line{Pos: 55, Stamp: 1, Sender: &detect.Sender{}})
		},
		"one of many broken": func(c *chunk, _ *Detection) { c.sights[46].broken = true },
		"another first": func(c *chunk, _ *Detection) {
			for i := 40; i < 50; i++ {
				c.records[i].Kind = KindEvent
			}
			c.records[50].follows = false
		},
	} {
		for _, run := range []int{1, 10, 600} {
			got := hear(run, prepare)
			if want := hear(run, func(c *chunk, x *Detection) { prepare(c, x); alone(c) }); got != want {
				t.Errorf("%s, %d in a run:\n%s\neach alone:\n%s", name, run, got, want)
			}
		}
	}
}
