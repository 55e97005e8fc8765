package receiver

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// proxyV2Header makes a header of version 2.
func proxyV2Header(cmd, family byte, source string, extensions int) string {
	src := netip.MustParseAddrPort(source)
	addr := src.Addr().AsSlice()
	b := append([]byte(proxyV2), 0x20|cmd, family<<4|1, 0, 0)
	b = append(append(b, addr...), addr...)
	b = binary.BigEndian.AppendUint16(b, src.Port())
	b = binary.BigEndian.AppendUint16(b, 514)
	b = append(b, make([]byte, extensions)...)
	binary.BigEndian.PutUint16(b[len(proxyV2)+2:], uint16(len(b)-proxyV2Head))
	return string(b)
}

func TestParseProxy(t *testing.T) {
	f := func(in string, wantVerdict verdict, want string, size int, bad bool) {
		t.Helper()
		h, v, err := parseProxy([]byte(in))
		got := ""
		if h.source.IsValid() {
			got = h.source.String()
		}
		if v != wantVerdict || (err != nil) != bad || !bad && (got != want || v == yes && h.size != size) {
			t.Errorf("%q: %d %q size %d, %v", in, v, got, h.size, err)
		}
		for i := range in { // every beginning of a header is undecided, or bad already
			if _, v, err := parseProxy([]byte(in[:i])); wantVerdict == yes && i < size && v != undecided && err == nil && !bad && h.size <= len(in) && i < proxyV2Head {
				t.Errorf("%q: %d", in[:i], v)
			}
		}
	}
	v1 := "PROXY TCP4 192.0.2.1 192.0.2.2 56324 514\r\n"
	f(v1+"<13>a\n", yes, "192.0.2.1:56324", len(v1), false)
	f(strings.ReplaceAll(v1, "\r", ""), yes, "192.0.2.1:56324", len(v1)-1, false)
	f("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", yes, "[2001:db8::1]:1", 40, false)
	f("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", yes, "192.0.2.1:1", 37, false)
	f("PROXY UNKNOWN\r\n", yes, "", 15, false)
	f("PROXY UNKNOWN ffff:f...f:ffff 1 65535\r\n", yes, "", 39, false)
	f("PROXY TCP4 192.0.2.1 192.0.2.2 56324\r\n", yes, "", 0, true)
	f("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", yes, "", 0, true)
	f("PROXY TCP4 192.0.2.1 192.0.2.2 70000 2\r\n", yes, "", 0, true)
	f("PROXY TCP4 192.0.2.1 192.0.2.2 1 -2\r\n", yes, "", 0, true)
	f("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", yes, "", 0, true)
	f("PROXY \r\n", yes, "", 0, true)
	f("PROXY "+strings.Repeat("x", 200)+"\n", yes, "", 0, true)
	f("PROXY TCP4 192.0.2.1", undecided, "", 0, false)
	f("PRO", undecided, "", 0, false)
	f("", undecided, "", 0, false)
	f("PROXIED\n", no, "", 0, false)
	f("<13>a\n", no, "", 0, false)
	f("\r\n<13>a", no, "", 0, false)

	f(proxyV2Header(1, 1, "192.0.2.1:56324", 0), yes, "192.0.2.1:56324", 28, false)
	f(proxyV2Header(1, 1, "192.0.2.1:56324", 1000), yes, "192.0.2.1:56324", 1028, false)
	f(proxyV2Header(1, 2, "[2001:db8::1]:7", 3), yes, "[2001:db8::1]:7", 55, false)
	f(proxyV2Header(0, 0, "192.0.2.1:56324", 0), yes, "", 28, false)
	f(proxyV2Header(1, 3, "192.0.2.1:56324", 0), yes, "", 28, false)
	f(proxyV2Header(1, 2, "192.0.2.1:56324", 0), yes, "", 0, true)
	f(proxyV2Header(2, 1, "192.0.2.1:56324", 0), yes, "", 0, true)
	f(proxyV2+"\x31\x11\x00\x00", yes, "", 0, true)
	f(proxyV2Header(1, 1, "192.0.2.1:56324", 0)[:20], undecided, "", 0, false)
	f(proxyV2[:5], undecided, "", 0, false)
}

func FuzzProxy(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.1 192.0.2.2 56324 514\r\n<13>a\n"))
	f.Add([]byte(proxyV2Header(1, 2, "[2001:db8::1]:7", 3)))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, v, err := parseProxy(b)
		if err != nil && (v != yes || h.source.IsValid()) || v == yes && err == nil && h.size < 8 || h.source.IsValid() && v != yes {
			t.Fatalf("%q: %+v %d %v", b, h, v, err)
		}
		// More bytes never change what was decided.
		if h2, v2, err2 := parseProxy(append(bytes.Clone(b), "\r\n\x00x"...)); v != undecided && (v2 != v || h2 != h || (err2 == nil) != (err == nil)) {
			t.Fatalf("%q: %d, then %d", b, v, v2)
		}
	})
}

func dialFrom(t testing.TB, l *Listener, from string) net.Conn {
	t.Helper()
	local, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(from, "0"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{LocalAddr: local}).Dial("tcp", l.Addr().String())
	if err != nil {
		t.Skipf("this machine cannot send from %s: %v", from, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestProxy(t *testing.T) {
	ca := newAuthority(t, "CA")
	for _, cfg := range []Config{config("tcp://127.0.0.1:0"), tlsConfig(t, ca)} {
		cfg.Relays, cfg.ProxyProtocol = []string{"127.0.0.1"}, true
		cfg.Allow = []string{"192.0.2.0/24", "2001:db8::/32", "127.0.0.2", "127.0.0.1"}
		cfg.MaxConnectionsPerPeer = 2
		cfg.TLS.HandshakeTimeout = 300 * time.Millisecond
		c := newCollector()
		l := serve(t, cfg, c.handle)
		n := 0
		// talk sends a header and, after TLS where it is spoken, a line.
		talk := func(from, header string) (net.Conn, bool) {
			t.Helper()
			n++
			conn := dialFrom(t, l, from)
			for _, piece := range []string{header[:len(header)/2], header[len(header)/2:]} {
				_, _ = io.WriteString(conn, piece)
			}
			if l.Proto() == "tls" {
				s := tls.Client(conn, &tls.Config{RootCAs: ca.pool(), ServerName: "collector.example"})
				if err := s.Handshake(); err != nil {
					return conn, false
				}
				conn = s
			}
			_, err := io.WriteString(conn, "<13>line\n")
			return conn, err == nil
		}
		got := 0
		takes := func(from, header, wantPeer, wantRelay string) {
			t.Helper()
			conn, ok := talk(from, header)
			if !ok {
				t.Errorf("%s %q: refused", l.Proto(), header)
				return
			}
			got++
			f := c.wait(t, got, nil)[got-1]
			if wantPeer == "" {
				wantPeer = conn.LocalAddr().String()
			}
			if f.Peer.String() != wantPeer || f.Relay != wantRelay || string(f.Data) != "<13>line" {
				t.Errorf("%s %q: peer %v, relay %q, %q", l.Proto(), header, f.Peer, f.Relay, f.Data)
			}
			_ = conn.Close()
			waitFor(t, func() bool { return l.Stats().Open.Load() == 0 })
		}
		refuses := func(from, header string, why Refusal) {
			t.Helper()
			before := l.Stats().Refused[why].Load()
			talk(from, header)
			waitFor(t, func() bool { return l.Stats().Refused[why].Load() == before+1 })
		}
		v1 := "PROXY TCP4 192.0.2.1 192.0.2.2 56324 514\r\n"
		takes("127.0.0.1", v1, "192.0.2.1:56324", "127.0.0.1")
		takes("127.0.0.1", strings.ReplaceAll(v1, "\r", ""), "192.0.2.1:56324", "127.0.0.1")
		takes("127.0.0.1", proxyV2Header(1, 1, "192.0.2.1:56324", 0), "192.0.2.1:56324", "127.0.0.1")
		takes("127.0.0.1", proxyV2Header(1, 2, "[2001:db8::1]:7", 5000), "[2001:db8::1]:7", "127.0.0.1")
		takes("127.0.0.1", proxyV2Header(0, 0, "192.0.2.1:56324", 0), "", "127.0.0.1")
		takes("127.0.0.1", "PROXY UNKNOWN\r\n", "", "127.0.0.1")
		takes("127.0.0.1", "", "", "127.0.0.1")
		takes("127.0.0.2", "", "", "")
		refuses("127.0.0.2", v1, ProxyNotAllowed)
		refuses("127.0.0.2", proxyV2Header(1, 1, "192.0.2.1:56324", 0), ProxyNotAllowed)
		refuses("127.0.0.3", v1, NotAllowed)
		refuses("127.0.0.1", "PROXY TCP4 10.0.0.1 192.0.2.2 56324 514\r\n", NotAllowed)
		refuses("127.0.0.1", "PROXY TCP5 10.0.0.1 192.0.2.2 56324 514\r\n", ProxyMalformed)
		half := dialFrom(t, l, "127.0.0.1")
		send(t, half, "PROXY TCP4 192")
		waitFor(t, func() bool { return l.Stats().Refused[ProxyMalformed].Load() == 2 })

		// Three connections of one sender behind the proxy, two of another.
		a := "PROXY TCP4 192.0.2.7 192.0.2.2 1 514\r\n"
		for range 2 {
			talk("127.0.0.1", a)
			got++
			c.wait(t, got, nil)
		}
		refuses("127.0.0.1", a, PeerLimit)
		if _, ok := talk("127.0.0.1", strings.ReplaceAll(a, ".7", ".8")); !ok {
			t.Error("another sender behind the same proxy is refused")
		}
		c.wait(t, got+1, nil)
	}
}

func TestAllow(t *testing.T) {
	cfg := config("tcp://127.0.0.1:0")
	cfg.Allow, cfg.Relays = []string{"127.0.0.1", "127.0.0.4"}, []string{"127.0.0.3"}
	c := newCollector()
	l := serve(t, cfg, c.handle)
	ok, relay, no := dialFrom(t, l, "127.0.0.1"), dialFrom(t, l, "127.0.0.3"), dialFrom(t, l, "127.0.0.2")
	send(t, ok, "<13>a\n")
	send(t, relay, "<13>a\n")
	c.wait(t, 2, nil)
	if _, err := no.Read(make([]byte, 1)); err == nil {
		t.Error("not refused")
	}
	other := dialFrom(t, l, "127.0.0.4")
	send(t, other, "<13>b\n<13>half")
	c.wait(t, 3, nil)

	cfg.Allow = []string{"127.0.0.1", "127.0.0.2"}
	if _, err := l.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Read(make([]byte, 1)); err == nil {
		t.Error("a connection no longer allowed stays")
	}
	send(t, dialFrom(t, l, "127.0.0.2"), "<13>c\n")
	send(t, ok, "<13>d\n")
	c.wait(t, 6, nil)
	if s := l.Stats(); s.Refused[NotAllowed].Load() != 1 || s.Closed[Dismissed].Load() != 1 {
		t.Errorf("refused %d, dismissed %d", s.Refused[NotAllowed].Load(), s.Closed[Dismissed].Load())
	}

	cfg.Address = "udp://127.0.0.1:0"
	u := serve(t, cfg, c.handle)
	for _, from := range []string{"127.0.0.5", "127.0.0.1"} {
		conn, err := net.DialUDP("udp", &net.UDPAddr{IP: net.ParseIP(from)}, u.Addr().(*net.UDPAddr))
		if err != nil {
			t.Skip(err)
		}
		send(t, conn, "<13>"+from)
		_ = conn.Close()
	}
	if f := c.wait(t, 7, nil)[6]; string(f.Data) != "<13>127.0.0.1" || u.Stats().RefusedDatagrams.Load() != 1 {
		t.Errorf("%q, refused %d", f.Data, u.Stats().RefusedDatagrams.Load())
	}
}

// TestDisplaced fills max_connections with silent connections: who has something to say gets in.
func TestDisplaced(t *testing.T) {
	cfg := config("tcp://127.0.0.1:0")
	cfg.MaxConnections = 5
	c := newCollector()
	l := serve(t, cfg, c.handle)
	talking := dial(t, l)
	send(t, talking, "<13>a\n")
	c.wait(t, 1, nil)
	for range 4 {
		dial(t, l)
	}
	waitFor(t, func() bool { return l.Stats().Open.Load() == 5 })
	waitFor(t, func() bool {
		conn := dial(t, l)
		send(t, conn, "<13>b\n")
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, err := conn.Read(make([]byte, 1))
		return isTimeout(err)
	})
	c.wait(t, 2, nil)
	send(t, talking, "<13>c\n")
	c.wait(t, 3, nil)
	if l.Stats().Closed[Displaced].Load() == 0 {
		t.Error("none displaced")
	}
}
