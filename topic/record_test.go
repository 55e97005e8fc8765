package topic

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"vswarden/event"
	"vswarden/kafka"
	"vswarden/pipeline"
	"vswarden/receiver"
)

func headers(pairs ...string) (all []kafka.Header) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, kafka.Header{Key: pairs[i], Value: pairs[i+1]})
	}
	return all
}

func TestMessagesBecomeRecords(t *testing.T) {
	id := event.NewID(7, 8)
	received := time.Date(2026, 11, 21, 8, 0, 0, 123456789, time.UTC)
	message := func(key, value string, h []kafka.Header) *kafka.Stored {
		return &kafka.Stored{Message: kafka.Message{Key: key, Time: 5, Value: []byte(value), Headers: h}, Offset: 9}
	}
	for name, c := range map[string]struct {
		m    *kafka.Stored
		want pipeline.Record
	}{
		"a frame": {
			message("esx01", "<14>x", headers("kind", "frame", "event-id", id.String(), "received", "2026-11-21T08:00:00.123456789Z",
				"peer", "192.0.2.1:514", "relay", "192.0.2.9", "transport", "tls", "framing", "octet_counting", "listener", "65535",
				"timezone", "Europe/Berlin", "tls-peer", "esx01", "flags", "truncated,unfinished")),
			pipeline.Record{
				Kind: pipeline.KindFrame, ID: id, Received: received.UnixNano(), Peer: netip.MustParseAddrPort("192.0.2.1:514"),
				Relay: []byte("192.0.2.9"), Transport: receiver.TLS, Framing: receiver.OctetCounting, Listener: 65535,
				Zone: []byte("Europe/Berlin"), TLSPeer: []byte("esx01"), Flags: receiver.Truncated | receiver.Unfinished, Key: []byte("esx01"), Data: []byte("<14>x"),
			},
		},
		"an event": {
			message("vswarden", "{}", headers("kind", "event", "event-id", id.String(), "dataset", "vmware.posture", "received", "2026-11-21T08:00:00.123456789Z")),
			pipeline.Record{Kind: pipeline.KindEvent, ID: id, Received: received.UnixNano(), Dataset: []byte("vmware.posture"), Key: []byte("vswarden"), Data: []byte("{}")},
		},
		"of words that nobody knows": {
			message("k", "x", headers("kind", "frame", "event-id", id.String(), "transport", "pigeon", "peer", "?", "listener", "-1", "received", "yesterday", "flags", "torn,truncated", "else", "y")),
			pipeline.Record{Kind: pipeline.KindFrame, ID: id, Received: 5e6, Flags: receiver.Truncated, Key: []byte("k"), Data: []byte("x")},
		},
	} {
		var got pipeline.Record
		fill(&got, "raw", 3, c.m)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
}

func TestMessagesOfOthersAreMarkedAndHaveAnID(t *testing.T) {
	seen := map[event.ID]bool{}
	for _, m := range []*kafka.Stored{
		{Message: kafka.Message{Key: "192.0.2.7", Time: 5, Value: []byte("x")}, Offset: 1},
		{Message: kafka.Message{Time: 5, Value: []byte("x")}, Offset: 2},
		{Message: kafka.Message{Time: 5, Headers: headers("kind", "frame")}, Offset: 3},
		{Message: kafka.Message{Time: 5, Headers: headers("kind", "event", "event-id", "no id")}, Offset: 4},
		{Message: kafka.Message{Time: 5, Headers: headers("kind", "of tomorrow", "event-id", event.NewID(1, 1).String())}, Offset: 5},
	} {
		var a, b pipeline.Record
		fill(&a, "raw", 3, m)
		fill(&b, "raw", 3, m)
		if !a.Foreign || a.Kind != pipeline.KindFrame || a.ID == (event.ID{}) || a.ID != b.ID || seen[a.ID] || a.Received != 5e6 {
			t.Errorf("offset %d: %+v", m.Offset, a)
		}
		seen[a.ID] = true
		switch {
		case m.Key != "" && a.Peer.Addr() != netip.MustParseAddr(m.Key):
			t.Errorf("offset %d: peer %v", m.Offset, a.Peer)
		case m.Key == "" && string(a.Key) != "raw/3":
			t.Errorf("offset %d: key %s", m.Offset, a.Key)
		}
	}
}

func FuzzFill(f *testing.F) {
	f.Add("k", []byte("v"), "kind", "frame")
	f.Add("192.0.2.1", []byte("v"), "received", "2026-11-21T08:00:00Z")
	f.Fuzz(func(t *testing.T, key string, value []byte, name, text string) {
		m := kafka.Stored{Message: kafka.Message{Key: key, Value: value, Headers: headers("kind", "frame", "event-id", event.NewID(1, 2).String(), name, text)}}
		var r, back pipeline.Record
		fill(&r, "raw", 0, &m) // must not panic, and what it makes can be read
		if err := back.Decode(pipeline.AppendKept(nil, &r)); err != nil || back.ID != r.ID || string(back.Data) != string(value) {
			t.Fatalf("%+v: %v, %+v", r, err, back)
		}
	})
}
