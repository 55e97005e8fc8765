package receiver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"vswarden/setting"
)

// collector is a Handler that keeps copies of what it was given.
type collector struct {
	mu     sync.Mutex
	frames []Frame
	calls  int
	more   chan struct{} // closed and made anew with each call
}

func newCollector() *collector { return &collector{more: make(chan struct{})} }

func (c *collector) handle(batch []Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range batch {
		f.Data = bytes.Clone(f.Data)
		c.frames = append(c.frames, f)
	}
	c.calls++
	close(c.more)
	c.more = make(chan struct{})
	return nil
}

func (c *collector) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.frames)
}

// wait returns the frames once keep has accepted n of them; nil keeps all.
func (c *collector) wait(t testing.TB, n int, keep func(Frame) bool) []Frame {
	t.Helper()
	deadline := time.After(20 * time.Second)
	var got []Frame
	for seen := 0; ; {
		c.mu.Lock()
		more := c.more
		for _, f := range c.frames[seen:] {
			if keep == nil || keep(f) {
				got = append(got, f)
			}
		}
		seen = len(c.frames)
		c.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("%d of %d frames after 20s, the last: %.200q", len(got), n, data(got[max(0, len(got)-5):]))
		}
	}
}

func data(frames []Frame) []string {
	got := make([]string, len(frames))
	for i, f := range frames {
		got[i] = string(f.Data)
	}
	return got
}

// config is a listener on a free loopback port.
func config(address string) Config {
	cfg := DefaultConfig()
	cfg.Address = address
	cfg.ReceiveBuffer = 4 * setting.MiB
	return cfg
}

// serve listens until the test ends, and then holds Serve to having cleaned up.
func serve(t testing.TB, cfg Config, h Handler) *Listener {
	t.Helper()
	l, _ := serveLog(t, cfg, h, io.Discard)
	return l
}

func serveLog(t testing.TB, cfg Config, h Handler, w io.Writer) (l *Listener, stop func() error) {
	t.Helper()
	l, err := Listen(cfg, zerolog.New(zerolog.SyncWriter(w)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Serve(ctx, h) }()
	stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(20 * time.Second):
			buf := make([]byte, 1<<16)
			t.Fatalf("Serve does not return:\n%s", buf[:runtime.Stack(buf, true)])
			return nil
		}
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
		if n := l.Stats().Open.Load(); n != 0 {
			t.Errorf("%d connections open after Serve", n)
		}
	})
	return l, stop
}

func dial(t testing.TB, l *Listener) net.Conn {
	t.Helper()
	c, err := net.Dial(l.Addr().Network(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func send(t testing.TB, w io.Writer, s string) {
	t.Helper()
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
}

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

func TestUDP(t *testing.T) {
	for _, addr := range []string{"udp://127.0.0.1:0", "udp://[::1]:0", "udp://:0"} {
		c := newCollector()
		cfg := config(addr)
		cfg.Name = "syslog"
		l := serve(t, cfg, c.handle)
		conn := dial(t, l)
		big := "<13>" + strings.Repeat("x", 60000)
		for i, s := range []string{"<13>a", "<13>b\n", "", "\n", "5 <13>c", big, "<13>d\n<13>e\n", "<13>f\x00"} {
			send(t, conn, s)
			if s == big { // few in flight
				c.wait(t, i-1, nil)
			}
		}
		got := c.wait(t, 6, nil)
		if want := []string{"<13>a", "<13>b", "<13>c", big, "<13>d\n<13>e", "<13>f"}; !slices.Equal(data(got), want) {
			t.Errorf("%s: got %.200q", addr, data(got))
		}
		f := got[0]
		if peer := conn.LocalAddr().(*net.UDPAddr).AddrPort(); f.Peer != plainAddrPort(peer) || f.Transport != UDP || f.Framing != Datagram || f.Listener != ListenerID("syslog") {
			t.Errorf("%+v, want peer %v", f, peer)
		}
		if s := l.Stats(); s.Frames[UDP].Load() != 6 || s.Empty.Load() != 2 || s.KernelDrops.Load() != 0 {
			t.Errorf("stats: %d frames, %d empty, %d dropped", s.Frames[UDP].Load(), s.Empty.Load(), s.KernelDrops.Load())
		}
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
	cfg.FirstByteTimeout, cfg.IdleTimeout = 50*time.Millisecond, 100*time.Millisecond
	l := serve(t, cfg, c.handle)

	conn := dial(t, l)
	send(t, conn, "<13>whole\n<13>half")
	_ = conn.Close()
	got := c.wait(t, 2, nil)
	if f := got[1]; f.Flags != Unfinished || string(f.Data) != "<13>half" || got[0].Flags != 0 {
		t.Errorf("%q", data(got))
	}

	conn = dial(t, l)
	send(t, conn, "50 <13>half")
	c.wait(t, 3, nil) // the idle timeout
	if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("an idle connection: %v", err)
	}
	if _, err := dial(t, l).Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("a silent connection: %v", err)
	}

	conn = dial(t, l)
	send(t, conn, "<13>a\n<13>b")
	c.wait(t, 4, nil)
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
	got = c.wait(t, 5, nil)
	if f := got[4]; f.Flags != Unfinished || string(f.Data) != "<13>b" {
		t.Errorf("%+v", f)
	}
	s := l.Stats()
	if n := [closeReasons]uint64{s.Closed[0].Load(), s.Closed[1].Load(), s.Closed[2].Load(), s.Closed[3].Load()}; n != [...]uint64{1, 1, 1, 1, 0} || s.Unfinished.Load() != 3 {
		t.Errorf("closed %v, unfinished %d", n, s.Unfinished.Load())
	}
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
		_ = conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if _, err = conn.Read(make([]byte, 1)); errors.Is(err, io.EOF) || !isTimeout(err) {
			return conn, false
		}
		c.wait(t, n+1, nil)
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

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
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
	const lines = 400000
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
	if held() != bigBuffer {
		t.Errorf("a busy connection has %d bytes", held())
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

func waitFor(t testing.TB, what func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !what(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("did not happen in 20s")
		}
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

// TestKernelDrops overfills a socket nobody reads.
func TestKernelDrops(t *testing.T) {
	cfg := config("udp://127.0.0.1:0")
	cfg.ReceiveBuffer = 8 * setting.KiB
	l, err := Listen(cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if runtime.GOOS != "linux" {
		t.Skip("kernel drops are counted on Linux only")
	}
	conn := dial(t, l)
	for range 200 {
		send(t, conn, "<13>"+strings.Repeat("x", 500))
	}
	if n := l.Stats().KernelDrops.Load(); n < 100 || n >= 200 {
		t.Errorf("%d datagrams dropped of 200", n)
	}
}

// TestBatchReaders gives both readers the same datagrams, waiting in the socket.
func TestBatchReaders(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Skip(err)
	}
	defer func() { _ = conn.Close() }()
	from, err := net.DialUDP("udp", nil, conn.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = from.Close() }()
	many, err := newBatchReader(conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []batchReader{many, newOneByOne(conn)} {
		for i := range 100 {
			send(t, from, fmt.Sprint("<13>", strings.Repeat("x", i), i))
		}
		for i := 0; i < 100; {
			n, err := r.read()
			if err != nil {
				t.Fatal(err)
			}
			for k := range n {
				data, peer := r.datagram(k)
				if want := fmt.Sprint("<13>", strings.Repeat("x", i), i); string(data) != want || peer != from.LocalAddr().(*net.UDPAddr).AddrPort() {
					t.Fatalf("%q from %v, want %q", data, peer, want)
				}
				i++
			}
		}
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
	f("http://:1514", "write udp or tcp")
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
