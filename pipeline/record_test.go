package pipeline

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"vswarden/event"
	"vswarden/receiver"
)

func TestRecordRoundTrip(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, f := range []receiver.Frame{
		{Peer: netip.MustParseAddrPort("192.0.2.1:514"), Transport: receiver.UDP, Framing: receiver.Datagram, Data: []byte("hello")},
		{Peer: netip.MustParseAddrPort("[2001:db8::1]:65535"), Transport: receiver.TLS, Framing: receiver.OctetCounting, Flags: receiver.Truncated, Listener: 65535, TLSPeer: "esx01", Relay: "10.0.0.1", Data: []byte{}},
		{Peer: netip.MustParseAddrPort("[::ffff:10.1.2.3]:1"), Transport: receiver.TCP, Framing: receiver.NUL, Data: []byte{0, 1, 2}},
		{TLSPeer: long, Data: []byte("no peer")},
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
	f.Fuzz(func(_ *testing.T, b []byte) {
		var r Record
		_ = r.decode(b) // must not panic, whatever the bytes
	})
}
