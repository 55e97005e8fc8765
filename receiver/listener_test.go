package receiver

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTCPMixedFraming is number 3 of what has to hold: 100 identical frames in one write, then
// every framing on the same connection.
func TestTCPMixedFraming(t *testing.T) {
	for _, addr := range []string{"tcp://127.0.0.1:0", "tcp://[::1]:0", "tcp://:0"} {
		c := newCollector()
		l := serve(t, config(addr), c.handle)
		conn := dial(t, l)
		send(t, conn, strings.Repeat("<181>2014-12-10T19:23:45.733Z esx1 vmkernel: same\n", 100)+
			"7 <13>abc8 <13>abc\n<13>crlf\r\n<13>nul\x002012-12-23T10:00:00Z esx1 a: b\n1644579494.944824,c\n")
		got := c.wait(t, 106, nil)
		for i, f := range got[:100] {
			if string(f.Data) != "<181>2014-12-10T19:23:45.733Z esx1 vmkernel: same" || f.Framing != LF {
				t.Fatalf("%d: %s %q", i, f.Framing, f.Data)
			}
		}
		want := []string{"<13>abc", "<13>abc", "<13>crlf", "<13>nul", "2012-12-23T10:00:00Z esx1 a: b", "1644579494.944824,c"}
		framings := []Framing{OctetCounting, OctetCounting, CRLF, NUL, LF, LF}
		for i, f := range got[100:] {
			if string(f.Data) != want[i] || f.Framing != framings[i] {
				t.Errorf("%s %q, want %s %q", f.Framing, f.Data, framings[i], want[i])
			}
		}
		peer := conn.LocalAddr().(*net.TCPAddr).AddrPort()
		f := got[0]
		if f.Peer != plainAddrPort(peer) || f.Transport != TCP || f.Listener != ListenerID(addr) || time.Since(f.Received) > time.Minute || f.TLSPeer != "" || f.Relay != "" {
			t.Errorf("%+v, want peer %v", f, peer)
		}
		if s := l.Stats(); s.Frames[TCP].Load() != 106 || s.Open.Load() != 1 || s.Accepted.Load() != 1 {
			t.Errorf("stats: %d frames, %d open", s.Frames[TCP].Load(), s.Open.Load())
		}
	}
}

// A line that looks like a count hides what follows only where counts are believed; a reload concerns new connections.
func TestFramingNonTransparent(t *testing.T) {
	const stream = "<13>a\n4000 <html>\n<13>denied\n"
	c, cfg := newCollector(), config("tcp://127.0.0.1:0")
	l := serve(t, cfg, c.handle)
	old := dial(t, l)
	send(t, old, stream)
	c.wait(t, 1, nil)
	cfg.Framing = FramingNonTransparent
	if need, err := l.Reload(cfg); err != nil || len(need) > 0 {
		t.Fatal(need, err)
	}
	send(t, dial(t, l), stream)
	if got := data(c.wait(t, 4, nil)); !slices.Equal(got, []string{"<13>a", "<13>a", "4000 <html>", "<13>denied"}) {
		t.Errorf("%q", got)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	got := c.wait(t, 5, nil)
	if f := got[4]; f.Framing != OctetCounting || string(f.Data) != "<html>\n<13>denied\n" {
		t.Errorf("of the connection that was there before: %s %q", f.Framing, f.Data)
	}
}

// TestDualStack sends over IPv4 to a socket bound to every address: the peer is IPv4, not ::ffff:.
func TestDualStack(t *testing.T) {
	c := newCollector()
	udp, tcp := serve(t, config("udp://:0"), c.handle), serve(t, config("tcp://:0"), c.handle)
	for _, host := range []string{"127.0.0.1", "::1"} {
		for _, l := range []*Listener{udp, tcp} {
			port := netip.MustParseAddrPort(l.Addr().String()).Port()
			conn, err := net.Dial(l.Proto(), net.JoinHostPort(host, fmt.Sprint(port)))
			if err != nil {
				t.Skipf("this machine cannot: %v", err)
			}
			send(t, conn, "<13>"+host+"\n")
			_ = conn.Close()
		}
	}
	for _, f := range c.wait(t, 4, nil) {
		if f.Peer.Addr().String() != string(f.Data[4:]) {
			t.Errorf("%v sent %q", f.Peer, f.Data)
		}
	}
}

func TestOverlong(t *testing.T) {
	c := newCollector()
	cfg := config("tcp://127.0.0.1:0")
	cfg.MaxFrame = 1000
	l := serve(t, cfg, c.handle)
	conn := dial(t, l)
	x := strings.Repeat("x", 200000)
	send(t, conn, "<13>"+x+"\n<13>a\n200004 <13>"+x+"5 <13>b<13>c\n")
	got := c.wait(t, 5, nil)
	for i, f := range got {
		long := i == 0 || i == 2
		if (f.Flags == Truncated) != long || (len(f.Data) == 1000) != long {
			t.Errorf("%d: flags %b, %d bytes", i, f.Flags, len(f.Data))
		}
	}
	if s := l.Stats(); s.Truncated.Load() != 2 || s.SkippedBytes.Load() < 2*(200004-1000) {
		t.Errorf("truncated %d, skipped %d", s.Truncated.Load(), s.SkippedBytes.Load())
	}

	c = newCollector()
	cfg.Address = "udp://127.0.0.1:0"
	l = serve(t, cfg, c.handle)
	send(t, dial(t, l), x[:3000])
	if f := c.wait(t, 1, nil)[0]; f.Flags != Truncated || len(f.Data) != 1000 || l.Stats().SkippedBytes.Load() != 2000 {
		t.Errorf("flags %b, %d bytes", f.Flags, len(f.Data))
	}
}

// TestConnectionEnds closes, resets and times out connections with half a frame in them.
func TestConnectionEnds(t *testing.T) {
	c := newCollector()
	cfg := config("tcp://127.0.0.1:0")
	cfg.FirstByteTimeout, cfg.IdleTimeout = 0, 0
	l := serve(t, cfg, c.handle)
	ended := func(l *Listener, why CloseReason) {
		t.Helper()
		waitFor(t, func() bool { return l.Stats().Closed[why].Load() == 1 })
	}

	conn := dial(t, l)
	send(t, conn, "<13>whole\n<13>half")
	_ = conn.Close()
	got := c.wait(t, 2, nil)
	if f := got[1]; f.Flags != Unfinished || string(f.Data) != "<13>half" || got[0].Flags != 0 {
		t.Errorf("%q", data(got))
	}
	ended(l, PeerClosed)

	conn = dial(t, l)
	send(t, conn, "<13>a\n<13>b")
	c.wait(t, 3, nil)
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
	got = c.wait(t, 4, nil)
	if f := got[3]; f.Flags != Unfinished || string(f.Data) != "<13>b" {
		t.Errorf("%q", data(got))
	}
	ended(l, PeerReset)

	cfg.IdleTimeout = 50 * time.Millisecond
	l = serve(t, cfg, c.handle)
	conn = dial(t, l)
	send(t, conn, "50 <13>half")
	got = c.wait(t, 5, nil)
	if f := got[4]; f.Flags != Unfinished || f.Framing != OctetCounting || string(f.Data) != "<13>half" {
		t.Errorf("%q", data(got))
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("an idle connection: %v", err)
	}
	ended(l, Idle)

	cfg.FirstByteTimeout = 50 * time.Millisecond
	l = serve(t, cfg, c.handle)
	if _, err := dial(t, l).Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a silent connection: %v", err)
	}
	ended(l, NoFirstByte)
}

// TestStopDrains ends a listener right after the sender's last write: what the kernel had taken
// arrives, and the half frame too.
func TestStopDrains(t *testing.T) {
	for _, addr := range []string{"tcp://127.0.0.1:0", "udp://127.0.0.1:0"} {
		c := newCollector()
		l, stop := serveLog(t, config(addr), c.handle, io.Discard)
		conn := dial(t, l)
		send(t, conn, "<13>first\n")
		c.wait(t, 1, nil)
		want := 1
		for range 50 {
			send(t, conn, "<13>more\n")
			want++
		}
		if l.Proto() == "tcp" {
			send(t, conn, "<13>half")
			want++
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if len(c.frames) != want {
			t.Errorf("%s: %d of %d frames", addr, len(c.frames), want)
		}
		if _, err := net.DialTimeout("tcp", l.Addr().String(), time.Second); err == nil && l.Proto() == "tcp" {
			t.Error("still listening")
		}
	}
}

func TestRelay(t *testing.T) {
	c := newCollector()
	for _, addr := range []string{"tcp://127.0.0.1:0", "udp://127.0.0.1:0"} {
		cfg := config(addr)
		cfg.Relays = []string{"10.0.0.0/8", "127.0.0.1"}
		send(t, dial(t, serve(t, cfg, c.handle)), "<13>a\n")
	}
	for _, f := range c.wait(t, 2, nil) {
		if f.Relay != "127.0.0.1" {
			t.Errorf("%s: relay %q", f.Transport, f.Relay)
		}
	}
	r := relayNames{}
	for i := range 3 * maxRelayNames {
		r.name(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
		if len(r) > maxRelayNames {
			t.Fatal("grows without bound")
		}
	}
}
