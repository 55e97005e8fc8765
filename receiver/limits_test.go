package receiver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"vswarden/setting"
)

func TestLimits(t *testing.T) {
	c := newCollector()
	cfg := config("tcp://127.0.0.1:0")
	cfg.MaxConnections, cfg.MaxConnectionsPerPeer = 3, 2
	var log bytes.Buffer
	l, stop := serveLog(t, cfg, c.handle, &log)
	open := func(from string) (net.Conn, bool) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		conn, err := d.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Skipf("this machine cannot send from %s: %v", from, err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		n := c.len()
		_, _ = conn.Write([]byte("<13>a\n")) // refused ones may be closed already
		for c.len() == n {
			_ = conn.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
			if _, err := conn.Read(make([]byte, 1)); !isTimeout(err) {
				return conn, false
			}
		}
		return conn, true
	}
	first, ok1 := open("127.0.0.1")
	_, ok2 := open("127.0.0.1")
	_, ok3 := open("127.0.0.1")
	_, ok4 := open("127.0.0.2")
	_, ok5 := open("127.0.0.3")
	if !ok1 || !ok2 || ok3 || !ok4 || ok5 {
		t.Errorf("let in: %v %v %v %v %v", ok1, ok2, ok3, ok4, ok5)
	}
	s := l.Stats()
	if s.Refused[PeerLimit].Load() != 1 || s.Refused[ConnectionLimit].Load() != 1 {
		t.Errorf("refused: peer limit %d, connections %d", s.Refused[PeerLimit].Load(), s.Refused[ConnectionLimit].Load())
	}
	_ = first.Close()
	for s.Open.Load() == 3 {
		time.Sleep(time.Millisecond) // the kernel tells the other end in its own time
	}
	if _, ok := open("127.0.0.1"); !ok {
		t.Error("no connection after another has ended")
	}
	_ = stop()
	if !strings.Contains(log.String(), `"reason":"peer_limit"`) || !strings.Contains(log.String(), `"reason":"connection_limit"`) {
		t.Errorf("log: %s", log.String())
	}
}

func TestHandlerRefuses(t *testing.T) {
	answers := make(chan error, 1)
	c := newCollector()
	l := serve(t, config("tcp://127.0.0.1:0"), func(batch []Frame) error {
		defer func() { _ = c.handle(batch) }()
		return <-answers
	})
	conn := dial(t, l)
	n := 0
	for _, answer := range []error{errors.New("disk"), &Dropped{2, LogFull, errors.New("full")}, fmt.Errorf("append: %w", &Dropped{1, LogFailed, io.EOF}), nil} {
		answers <- answer
		send(t, conn, "<13>a\n<13>b\n<13>c\n")
		n += 3
		c.wait(t, n, nil)
	}
	d := &l.Stats().Dropped[TCP]
	if d[HandlerRefused].Load() != 3 || d[LogFull].Load() != 2 || d[LogFailed].Load() != 1 || l.Stats().Frames[TCP].Load() != 12 {
		t.Errorf("dropped %d %d %d", d[HandlerRefused].Load(), d[LogFull].Load(), d[LogFailed].Load())
	}
}

// TestBackPressure blocks the handler: the sender must wait, and nothing is lost.
func TestBackPressure(t *testing.T) {
	gate, done := make(chan struct{}), make(chan struct{})
	const lines = 1000000
	frames, calls := 0, 0
	l := serve(t, config("tcp://127.0.0.1:0"), func(batch []Frame) error {
		<-gate
		calls++
		if frames += len(batch); frames == lines {
			close(done)
		}
		return nil
	})
	conn := dial(t, l)
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(conn, strings.Repeat("<13>"+strings.Repeat("x", 59)+"\n", lines))
		sent <- err
	}()
	select {
	case err := <-sent:
		t.Errorf("the sender did not wait: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	close(gate)
	if err := <-sent; err != nil {
		t.Error(err)
	}
	<-done
	if calls > lines/100 {
		t.Errorf("%d handler calls for %d lines", calls, lines)
	}
}

// TestIdleBuffers holds what an idle connection keeps to 4 KiB, after it was busy, and after it
// sent most of a frame of 60 KiB.
func TestIdleBuffers(t *testing.T) {
	c := newCollector()
	l := serve(t, config("tcp://127.0.0.1:0"), c.handle)
	conn := dial(t, l)
	send(t, conn, strings.Repeat("<13>"+strings.Repeat("x", 59)+"\n", 50000))
	c.wait(t, 50000, nil)
	held := func() (n int) {
		l.streams.mu.Lock()
		defer l.streams.mu.Unlock()
		for s := range l.streams.open {
			n = int(s.held.Load())
		}
		return n
	}
	waitFor(t, func() bool { return held() == smallBuffer })
	send(t, conn, strings.Repeat("y", 60000))
	waitFor(t, func() bool { return held() == 65536 })
	send(t, conn, "\n")
	waitFor(t, func() bool { return held() == smallBuffer })
	if left := l.buffers.left.Load(); left != bigBuffers {
		t.Errorf("%d of %d big buffers left", left, bigBuffers)
	}
}

// TestNoBigBufferLeft frames rightly when every big buffer is in use.
func TestNoBigBufferLeft(t *testing.T) {
	c := newCollector()
	l := serve(t, config("tcp://127.0.0.1:0"), c.handle)
	l.buffers.left.Store(0)
	x := "<13>" + strings.Repeat("x", 60000)
	send(t, dial(t, l), strings.Repeat("<13>a\n", 5000)+x+"\n"+x+"\n<13>b\n")
	got := c.wait(t, 5003, nil)
	if string(got[5000].Data) != x || string(got[5001].Data) != x || string(got[5002].Data) != "<13>b" {
		t.Error("frames differ")
	}
}

func TestListenErrors(t *testing.T) {
	l, err := Listen(config("tcp://127.0.0.1:0"), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	f := func(address, want string) {
		t.Helper()
		l, err := Listen(config(address), zerolog.Nop())
		if err == nil {
			_ = l.Close()
			t.Errorf("%s: no error", address)
		} else if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), address) {
			t.Errorf("%s: %v", address, err)
		}
	}
	f("tcp://"+l.Addr().String(), "another program has it")
	f("tcp://192.0.2.1:1514", "no interface of this machine")
	f("tcp://no-such-host.invalid:1514", "leave the host out")
	f("http://:1514", "write udp, tcp or tls")
}

func TestValidate(t *testing.T) {
	f := func(change func(*Config), want ...string) {
		t.Helper()
		cfg := config("tcp://:1514")
		change(&cfg)
		var got []string
		for _, fault := range cfg.Validate() {
			got = append(got, fault.Path)
			if fault.Problem == "" || fault.Value == "" {
				t.Errorf("%v", fault)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q: %v", got, want, cfg.Validate())
		}
	}
	f(func(*Config) {})
	for _, ok := range []string{"udp://:514", "tcp://[::]:1514", "tcp://collector.example:0", "udp://[fe80::1%eth0]:514"} {
		f(func(c *Config) { c.Address = ok })
	}
	for _, bad := range []string{"", ":1514", "tcp://1514", "tcp://host", "tcp://:70000", "tcp://:-1", "tcp://:syslog", "sctp://:1514", "tcp://::1:1514", "tcp://user@host:1", "tcp://:0x10"} {
		f(func(c *Config) { c.Address = bad }, "address")
	}
	f(func(c *Config) {
		c.MaxFrame, c.MaxConnections, c.MaxConnectionsPerPeer = 100, 0, -1
		c.Relays = []string{"10.0.0.1", "ten", "10.0.0.0/33"}
		c.ReceiveBuffer, c.FirstByteTimeout, c.IdleTimeout = -1, -1, -1
	}, "max_frame", "max_connections", "max_connections_per_peer", "relays[1]", "relays[2]", "receive_buffer", "first_byte_timeout", "idle_timeout")
	f(func(c *Config) { c.MaxFrame = setting.GiB }, "max_frame")
	f(func(c *Config) { c.Framing = FramingNonTransparent })
	f(func(c *Config) { c.Framing, c.Address = FramingNonTransparent, "udp://:514" }, "framing")
	f(func(c *Config) { c.Framing = "octet" }, "framing")
	f(func(c *Config) { c.Framing = "" }, "framing")
}

// TestSeldom holds the log to one line a peer and minute, and its memory to a bound.
func TestSeldom(t *testing.T) {
	var s seldom
	now, n := time.Unix(1e9, 0), 0
	for i := range 100000 {
		peer := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if s.allow(peer, now) {
			n++
		}
		if s.allow(peer, now) {
			t.Fatal("twice in a minute")
		}
	}
	if n != maxSeldom || len(s.seen) != maxSeldom {
		t.Errorf("%d let through, %d remembered", n, len(s.seen))
	}
	if !s.allow(netip.AddrFrom4([4]byte{10}), now.Add(time.Minute)) {
		t.Error("nothing a minute later")
	}
}
