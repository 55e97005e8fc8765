package receiver

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"vswarden/setting"
)

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

// TestBehind: a socket of which more than half waits is behind, and for a while after.
func TestBehind(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what waits in a socket is known on Linux only")
	}
	cfg := config("udp://127.0.0.1:0")
	cfg.ReceiveBuffer = 128 * setting.KiB
	l, err := Listen(cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if l.Behind() {
		t.Error("behind before it is read")
	}
	conn := dial(t, l)
	sent := 0
	for ; l.Stats().KernelDrops.Load() == 0; sent++ { // until it is full
		send(t, conn, "<13>"+strings.Repeat("x", 300))
	}
	began, reads, behind := time.Now(), 0, 0
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = l.Serve(ctx, func(batch []Frame) error {
		reads++
		if l.crowded.Load() > 0 {
			behind++
		}
		if sent -= len(batch); sent <= 1 { // the last one was dropped
			cancel()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if behind == 0 {
		t.Errorf("never behind in %d reads", reads)
	}
	if at := time.Unix(0, l.crowded.Load()); at.Before(began) || !l.behindAt(at.Add(behindTime-1)) || l.behindAt(at.Add(behindTime)) || l.behindAt(at.Add(-time.Hour)) {
		t.Errorf("half full at %v, the test began at %v; it is behind for another time than %v", at, began, behindTime)
	}
}
