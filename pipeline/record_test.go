package pipeline

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"vswarden/event"
	"vswarden/receiver"
)

func TestRecordRoundTrip(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, f := range []receiver.Frame{
		{Origin: &receiver.Origin{Peer: netip.MustParseAddrPort("192.0.2.1:514"), Transport: receiver.UDP}, Framing: receiver.Datagram, Data: []byte("hello")},
		{Origin: &receiver.Origin{Peer: netip.MustParseAddrPort("[2001:db8::1]:65535"), Transport: receiver.TLS, Listener: 65535, TLSPeer: "esx01", Relay: "10.0.0.1"}, Framing: receiver.OctetCounting, Flags: receiver.Truncated, Data: []byte{}},
		{Origin: &receiver.Origin{Peer: netip.MustParseAddrPort("[::ffff:10.1.2.3]:1"), Transport: receiver.TCP}, Framing: receiver.NUL, Data: []byte{0, 1, 2}},
		{Origin: &receiver.Origin{TLSPeer: long}, Data: []byte("no peer")},
	} {
		var r Record
		if err := r.decode(append(appendFrameHeader(nil, &f, 42), f.Data...)); err != nil {
			t.Fatal(err)
		}
		want := netip.AddrPortFrom(f.Peer.Addr().Unmap(), f.Peer.Port())
		if r.Kind != KindFrame || r.Received != 42 || f.Peer.IsValid() && r.Peer != want || r.Transport != f.Transport || r.Framing != f.Framing ||
			r.Flags != f.Flags || r.Listener != f.Listener || string(r.TLSPeer) != f.TLSPeer[:min(len(f.TLSPeer), 255)] || string(r.Relay) != f.Relay || !bytes.Equal(r.Data, f.Data) {
			t.Errorf("%+v came back as %+v", f, r)
		}
	}
	id := event.NewID(1, 2)
	var r Record
	if err := r.decode(append(appendEventHeader(nil, id, event.DatasetLogLoss, 43), `{"a":1}`...)); err != nil {
		t.Fatal(err)
	}
	if r.Kind != KindEvent || r.ID != id || string(r.Dataset) != string(event.DatasetLogLoss) || r.Received != 43 || string(r.Data) != `{"a":1}` {
		t.Errorf("event came back as %+v", r)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(frameRecord("192.0.2.1:514", "hello"))
	f.Add(appendEventHeader(nil, event.NewID(1, 2), event.DatasetPosture, 1))
	f.Add(AppendKept(nil, &Record{ID: event.NewID(1, 2), Key: []byte("k"), Zone: []byte("UTC"), Data: []byte("x")}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Record
		if r.decodeAny(b) == nil { // must not panic, whatever the bytes
			sameAgain(t, &r, b)
		}
	})
}

// sameAgain fails unless b is decoded to want in a record that was another one before.
func sameAgain(t *testing.T, want *Record, b []byte) {
	t.Helper()
	d := delivery(&fakeCursor{}, nullSink{}, &letters{}, nil)
	var used [maxLanes]bool
	for name, before := range allKinds() {
		c := &chunk{records: make([]Record, 1), lanes: make([]int32, 1)}
		for _, c.Records = range [][][]byte{{before}, {b}} {
			d.decode(c, &used)
		}
		if got, want := fmt.Sprintf("%+v", c.records[0]), fmt.Sprintf("%+v", *want); got != want {
			t.Errorf("after %s: %s; want %s", name, got, want)
		}
	}
}

// allKinds are records of each kind.
func allKinds() map[string][]byte {
	named := receiver.Frame{
		Origin:  &receiver.Origin{Peer: netip.MustParseAddrPort("[2001:db8::1]:65535"), Transport: receiver.TLS, Listener: 7, TLSPeer: "esx01", Relay: "10.0.0.1"},
		Framing: receiver.OctetCounting, Flags: receiver.Truncated,
	}
	return map[string][]byte{
		"usual":             frameRecord("192.0.2.1:514", "hello"),
		"usual and empty":   frameRecord("192.0.2.2:514", ""),
		"IPv6":              frameRecord("[2001:db8::1]:514", "hello"),
		"named":             append(appendFrameHeader(nil, &named, 5), "named"...),
		"of a relay":        relayed("10.0.0.8", "x"),
		"of nobody":         append(appendFrameHeader(nil, &receiver.Frame{Origin: &receiver.Origin{}}, 6), "x"...),
		"event":             appendEventHeader(nil, event.NewID(1, 2), event.DatasetPosture, 1),
		"kept, usual":       AppendKept(nil, &Record{ID: event.NewID(1, 2), Peer: netip.MustParseAddrPort("192.0.2.1:514"), Past: true, Data: []byte("x")}),
		"kept, with a key":  AppendKept(nil, &Record{ID: event.NewID(1, 2), Peer: netip.MustParseAddrPort("192.0.2.1:514"), Key: []byte("k"), Zone: []byte("UTC"), Foreign: true, Data: []byte("x")}),
		"broken":            {9},
		"broken in an item": frameRecord("192.0.2.1:514", "")[:frameFixed+5],
	}
}

// Decode leaves nothing of what the record's owner put into it: replay gives a frame the id of its place.
func TestDecodeForgetsItsOwner(t *testing.T) {
	var r Record
	for range 2 {
		if err := r.Decode(frameRecord("192.0.2.1:514", "hello")); err != nil || r.ID != (event.ID{}) {
			t.Fatalf("%v, id %v", err, r.ID)
		}
		r.ID = event.NewID(1, 2)
	}
}

// TestRecordKeepsNothing: what a record was before is not seen in what it is.
func TestRecordKeepsNothing(t *testing.T) {
	for name, b := range allKinds() {
		var r Record
		if err := r.decodeAny(b); err == nil {
			sameAgain(t, &r, b)
		} else if !strings.HasPrefix(name, "broken") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
