package pipeline

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"vswarden/receiver"
	"vswarden/spool"
)

// TestIntakeKeepsEachFrame: what a frame shares with the one before it is not made anew, and each record still says all of its own.
func TestIntakeKeepsEachFrame(t *testing.T) {
	log, err := spool.Open(spool.NewMemFS(), "log", spool.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	c, err := log.Cursor("c", spool.StartOldest)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_800_000_000, 0)
	a := &receiver.Origin{Received: at, Peer: netip.MustParseAddrPort("10.0.0.1:514"), Transport: receiver.TCP, Listener: 3}
	b := &receiver.Origin{Received: at.Add(time.Second), Peer: netip.MustParseAddrPort("10.0.0.2:514"), Transport: receiver.TCP, Listener: 4, Relay: "10.0.0.2"}
	six := &receiver.Origin{Received: at.Add(time.Second), Peer: netip.MustParseAddrPort("[2001:db8::1]:514"), Transport: receiver.TLS, TLSPeer: "esx"}
	frames := []receiver.Frame{
		{Origin: a, Framing: receiver.LF, Data: []byte("1")},
		{Origin: a, Framing: receiver.LF, Data: []byte("")},
		{Origin: a, Framing: receiver.CRLF, Data: []byte("3")},
		{Origin: a, Framing: receiver.CRLF, Flags: receiver.Truncated, Data: []byte("4")},
		{Origin: a, Framing: receiver.CRLF, Data: make([]byte, 100_000)}, // the batch grows
		{Origin: a, Framing: receiver.CRLF, Data: []byte("6")},
		{Origin: b, Framing: receiver.CRLF, Data: []byte("7")},
		{Origin: b, Framing: receiver.CRLF, Data: []byte("8")},
		{Origin: six, Framing: receiver.OctetCounting, Data: []byte("9")},
		{Origin: six, Framing: receiver.OctetCounting, Data: []byte("10")},
		{Origin: a, Framing: receiver.OctetCounting, Data: []byte("11")}, // the clock was set back
	}
	handle := NewIntake(IntakeConfig{Log: log}).Handler(t.Context())
	for range 2 {
		if err := handle(frames); err != nil {
			t.Fatal(err)
		}
	}
	var ch spool.Chunk
	newest := at
	for n := 0; n < 2*len(frames); {
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		err := c.Next(ctx, &ch)
		if stop(); err != nil {
			t.Fatal(err)
		}
		for _, record := range ch.Records {
			f := frames[n%len(frames)]
			if f.Received.After(newest) {
				newest = f.Received
			}
			var r Record
			if err := r.decode(record); err != nil {
				t.Fatalf("record %d: %v", n, err)
			}
			if r.Peer != f.Peer || r.Transport != f.Transport || r.Framing != f.Framing || r.Flags != f.Flags || r.Listener != f.Listener ||
				string(r.TLSPeer) != f.TLSPeer || string(r.Relay) != f.Relay || string(r.Data) != string(f.Data) || r.Received != newest.UnixNano() {
				t.Errorf("record %d: %+v, of %+v", n, r, *f.Origin)
			}
			n++
		}
	}
	if err := errors.Join(log.CloseWrite(), log.Close()); err != nil {
		t.Fatal(err)
	}
}
