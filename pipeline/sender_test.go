package pipeline

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"vswarden/detect"
	"vswarden/event"
	"vswarden/receiver"
	"vswarden/sink"
	"vswarden/spool"
)

// relayed is a frame that a listed relay passed on.
func relayed(relay, data string) []byte {
	f := receiver.Frame{
		Origin: &receiver.Origin{Peer: netip.AddrPortFrom(netip.MustParseAddr(relay), 514), Transport: receiver.TCP, Listener: 3, Relay: relay}, Framing: receiver.LF,
	}
	return append(appendFrameHeader(nil, &f, 1_700_000_000_000_000_000), data...)
}

// ofRelays are lines behind two relays, of hosts and of nobody, and one that the second relay says itself; with their
// sender keys.
func ofRelays() (records [][]byte, keys []string) {
	for _, r := range []struct{ relay, data, key string }{
		{"10.0.0.8", "no header at all", "10.0.0.8"},
		{"10.0.0.9", "no header at all", "10.0.0.9"},
		{"10.0.0.8", line("ESX1", 1), "esx1"},
		{"10.0.0.9", line("esx1", 2), "esx1"},
		{"10.0.0.9", "", "10.0.0.9"},
		{"2001:db8::8", "--> goes on", "2001:db8::8"},
	} {
		records, keys = append(records, relayed(r.relay, r.data)), append(keys, r.key)
	}
	return append(records, frameRecord("10.0.0.9:514", "said by the relay itself")), append(keys, "10.0.0.9")
}

// TestSenderOfALineWithoutHost: behind a relay that is the relay's address, whatever is written, by how many lanes, and
// whether one node decodes what it received or another one does.
func TestSenderOfALineWithoutHost(t *testing.T) {
	records, want := ofRelays()
	deliver := func(records [][]byte, format Format, lanes int) []sink.Record {
		s := &fakeSink{}
		d := delivery(&fakeCursor{records: records, perChunk: 3}, s, &letters{}, func(cfg *DeliveryConfig) {
			cfg.Format, cfg.Lanes, cfg.Frames, cfg.Final = format, lanes, format == FormatRaw, true
		})
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		slices.SortStableFunc(s.got, func(a, b sink.Record) int { return slices.Compare(a.ID[:], b.ID[:]) })
		return s.got
	}
	for _, lanes := range []int{1, 4} {
		one, raw := deliver(records, FormatECS, lanes), deliver(records, FormatRaw, lanes)
		if len(one) != len(want) || len(raw) != len(want) {
			t.Fatalf("%d lanes: %d events, %d frames, want %d", lanes, len(one), len(raw), len(want))
		}
		var handedOn [][]byte
		for i, key := range want {
			if one[i].Key != key || raw[i].Key != key {
				t.Errorf("%d lanes, line %d: key %q of the event, %q of the frame, want %q", lanes, i, one[i].Key, raw[i].Key, key)
			}
			var r Record
			if err := r.decode(records[i]); err != nil {
				t.Fatal(err)
			}
			r.ID, r.Key = raw[i].ID, []byte(raw[i].Key)
			handedOn = append(handedOn, AppendKept(nil, &r))
		}
		for i, two := range deliver(handedOn, FormatECS, lanes) {
			if two.Key != want[i] || two.ID != one[i].ID || string(two.Value) != string(one[i].Value) {
				t.Errorf("%d lanes, line %d: two nodes say key %q and\n%s\none %q and\n%s", lanes, i, two.Key, two.Value, one[i].Key, one[i].Value)
			}
		}
	}
}

// TestLaneOfALineWithoutHost: lines of one sender are one lane's, whichever way they came.
func TestLaneOfALineWithoutHost(t *testing.T) {
	d := delivery(&fakeCursor{}, &fakeSink{}, &letters{}, nil)
	used := map[int32]bool{}
	for i := range byte(64) {
		relay := netip.AddrFrom4([4]byte{10, 0, 0, i}).String()
		var behind, itself Record
		if behind.decode(relayed(relay, "no header at all")) != nil || itself.decode(frameRecord(relay+":5", "x")) != nil {
			t.Fatal("records that cannot be read")
		}
		if a, b := d.laneOf(&behind), d.laneOf(&itself); a != b {
			t.Errorf("%s: lane %d behind it, %d of its own lines", relay, a, b)
		}
		used[d.laneOf(&behind)] = true
	}
	if len(used) == 1 {
		t.Error("64 relays are all of one lane")
	}
}

// TestDetectionsOfLinesWithoutHost: each relay is heard, and missed, by its address.
func TestDetectionsOfLinesWithoutHost(t *testing.T) {
	detector := detect.New(detect.DefaultConfig())
	x := NewDetection(DetectionConfig{Cursor: &pastCursor{}, Detector: detector})
	var r Record
	const lines = 400
	for i := range lines {
		if err := r.decode(relayed([]string{"10.0.0.8", "10.0.0.9"}[i%2], "no header at all")); err != nil {
			t.Fatal(err)
		}
		r.Received += int64(i) * int64(30*time.Second) // all have one stamp
		x.fed(&r, 1+spool.Position(i), 1, &sight{})
	}
	for range 2 * 60 { // nobody is silent while we are deaf, so the hour passes as it does for one who listens
		r.Received += int64(30 * time.Second)
		detector.Tick(r.Received)
	}
	var missed []string
	for _, e := range detector.Pending() {
		if e.Act == event.ActSilent {
			missed = append(missed, e.Alert.Sender)
		}
	}
	if slices.Sort(missed); !slices.Equal(missed, []string{"10.0.0.8", "10.0.0.9"}) {
		t.Errorf("missed: %q", missed)
	}
}

func TestFindingASenderAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	d := delivery(&fakeCursor{}, &fakeSink{}, &letters{}, nil)
	l := d.lanes[0]
	x := NewDetection(DetectionConfig{Cursor: &pastCursor{}, Detector: detect.New(detect.DefaultConfig())})
	records, _ := ofRelays()
	for i, b := range records {
		var r Record
		if err := r.decode(b); err != nil {
			t.Fatal(err)
		}
		pos := uint64(i) + 1
		l.sender(&r, pos)
		x.watched(&r)
		if n := testing.AllocsPerRun(100, func() { l.sender(&r, pos); x.watched(&r); d.laneOf(&r) }); n != 0 {
			t.Errorf("line %d: %v allocations", i, n)
		}
	}
}
