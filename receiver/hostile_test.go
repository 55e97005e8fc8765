package receiver

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// attack is one kind of bad sender, once.
type attack struct {
	name string
	run  func(ctx context.Context, t *testing.T, s *siege)
}

// attacks are all of them. The names are those of docs/reliability.md.
func attacks() []attack {
	return []attack{
		flood("empty frames", 1<<20, "\n", "\r\n\x00"),
		flood("no newline ever", 16<<20, "x"),
		{"a frame of 64 MiB", func(_ context.Context, _ *testing.T, s *siege) {
			pourAll(s, func() io.Reader { return io.MultiReader(repeated("x", 64<<20), strings.NewReader("\n")) })
		}},
		{"a counted frame of 64 MiB", func(_ context.Context, _ *testing.T, s *siege) {
			pourAll(s, func() io.Reader { return io.MultiReader(strings.NewReader("67108864 <"), repeated("x", 64<<20-1)) })
		}},
		flood("octet counts that lie", 10<<10, "0 <13>a\n", "007 <13>abc", "1000000000000000000 <13>abc", "-7 <13>abc", "8 <13>abc", "6 <13>abc", "99999999 <13>abc"),
		{"binary noise", func(_ context.Context, _ *testing.T, s *siege) {
			pourAll(s, func() io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{1}), 8<<20) })
		}},
		flood("invalid UTF-8", 1<<20, "<13>\xff\xfe\xc0\x80\xed\xa0\x80\n"),
		flood("NUL bytes", 8<<20, "\x00", "<13>a\x00b\n"),
		{"half a frame, then reset", halfThenReset},
		{"5000 idle connections", idleConnections},
		{"one byte a second", slowly},
		{"the wrong protocol", wrongProtocol},
		{"2000 connections a second", connectAndClose},
		{"certificate replaced under load", replaceCertificate},
		{"PROXY header from a stranger", strangersProxy},
		{"200000 datagrams from as many sources", datagramFlood},
	}
}

// flood sends size bytes of each text, again and again the same, to every stream listener.
func flood(name string, size int, texts ...string) attack {
	return attack{name, func(_ context.Context, _ *testing.T, s *siege) {
		for _, text := range texts {
			pourAll(s, func() io.Reader { return repeated(text, size/raceSlowness) })
		}
	}}
}

func pourAll(s *siege, stream func() io.Reader) {
	var all sync.WaitGroup
	for _, l := range []*Listener{s.tcp, s.both, s.proxy, s.tls} {
		all.Go(func() { pour(l, stream()) })
	}
	all.Wait()
}

// TestHostile lets each kind of bad sender loose once, or, with -hostile.for, all of them mixed.
func TestHostile(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	if os.Getenv("HOSTILE_CONTROL") != "" {
		sleeper()
		return
	}
	s := newSiege(t)
	if *hostileFor > 0 {
		s.mixed(t)
		return
	}
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			s.meanwhile(t, func(ctx context.Context) { a.run(ctx, t, s) })
		})
	}
}

func halfThenReset(_ context.Context, _ *testing.T, s *siege) {
	for _, l := range []*Listener{s.tcp, s.both, s.proxy, s.tls} {
		for i := range 100 {
			conn, err := from(l)
			if err != nil {
				continue
			}
			_, _ = io.WriteString(conn, []string{"<13>half", "500 <13>half", "\x16\x03\x01\x02", "PROXY TCP4"}[i%4])
			_ = conn.SetLinger(0)
			_ = conn.Close()
		}
	}
}

// maxIdleRSS is the most this process, which holds both ends, may have in memory with 5000 idle
// connections.
const maxIdleRSS = 250 << 20

func idleConnections(ctx context.Context, t *testing.T, s *siege) {
	const n = 5000
	if limit, err := raiseFileLimit(2*n + 1000); err != nil {
		skipUnlessCI(t, "%d open files are not enough for both ends of %d connections: %v", limit, n, err)
	}
	debug.FreeOSMemory()
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	for range n {
		conn, err := from(s.tcp)
		if err != nil {
			t.Error(err)
			return
		}
		conns = append(conns, conn)
		_, _ = io.WriteString(conn, "<13>one line, then nothing\n")
	}
	waitFor(t, func() bool { return s.tcp.Stats().Open.Load() >= n || ctx.Err() != nil })
	if got := rss(); got > maxIdleRSS && !raceEnabled && *hostileFor == 0 { // mixed, other senders' memory counts too
		t.Errorf("%d MiB resident with %d idle connections, at most %d MiB allowed", got>>20, n, uint64(maxIdleRSS)>>20)
	} else {
		t.Logf("%d MiB resident with %d idle connections", got>>20, n)
	}
}

// skipUnlessCI says loudly that something could not be tested; in CI that is a failure.
func skipUnlessCI(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf("NOT TESTED: "+format, args...)
}

// slowly sends a byte a second for three seconds, on plain connections and inside handshakes, and
// takes more places than there are handshakes.
func slowly(ctx context.Context, _ *testing.T, s *siege) {
	var conns []net.Conn
	var texts []string
	add := func(l *Listener, n int, text string) {
		for range n {
			if conn, err := from(l); err == nil {
				conns, texts = append(conns, conn), append(texts, text)
			}
		}
	}
	hello := "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + strings.Repeat("r", 32)
	add(s.tcp, 100, "<13>slow line\n")
	add(s.proxy, 100, "PROXY TCP4 192.0.2.1 192.0.2.2 56324 514\r\n")
	add(s.both, 100, "57 <13>slow")
	add(s.both, 100, hello)
	add(s.tls, 400, hello)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for i := range 4 {
		for k, conn := range conns {
			_, _ = io.WriteString(conn, texts[k][i:i+1])
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
}

func wrongProtocol(_ context.Context, t *testing.T, s *siege) {
	for range 50 {
		pour(s.tls, strings.NewReader("<13>plain text on a TLS port\n"))
		pour(s.tls, strings.NewReader("GET / HTTP/1.1\r\n\r\n"))
	}
	if s.tls.Stats().HandshakeFaults[NotTLS].Load() < 100 {
		t.Error("plain text on the TLS port is not counted as such")
	}
	before := s.tcp.Stats().Closed[SpokeTLS].Load()
	for range 50 {
		conn, err := from(s.tcp)
		if err != nil {
			continue
		}
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		err = tls.Client(conn, &tls.Config{ServerName: "collector.example"}).Handshake()
		if err == nil || isTimeout(err) {
			t.Errorf("TLS on the plain port: %v", err)
		}
		_ = conn.Close()
	}
	if s.tcp.Stats().Closed[SpokeTLS].Load() < before+50 {
		t.Error("TLS on the plain port is not counted as such")
	}
}

// connectAndClose makes 2000 connections a second for two seconds, of every kind of ending.
func connectAndClose(ctx context.Context, t *testing.T, s *siege) {
	var made atomic.Int64
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			tick := time.NewTicker(4 * time.Millisecond)
			defer tick.Stop()
			for i := range 500 {
				l := []*Listener{s.tcp, s.tls, s.both, s.proxy}[(worker+i)%4]
				if conn, err := from(l); err == nil {
					made.Add(1)
					if i%2 == 0 {
						_, _ = io.WriteString(conn, "<13>hello and goodbye\n")
					}
					if i%3 == 0 {
						_ = conn.SetLinger(0)
					}
					_ = conn.Close()
				}
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		})
	}
	start := time.Now()
	all.Wait()
	t.Logf("%.0f connections a second", float64(made.Load())/time.Since(start).Seconds())
}

// replaceCertificate writes new pairs, one file after the other, while neighbours connect: there
// are moments in which the files do not fit each other.
func replaceCertificate(ctx context.Context, t *testing.T, s *siege) {
	before := s.tls.Stats().Reloads.Load()
	for range 20 {
		cert, key := s.ca.issue(t, "collector", "collector.example")
		write(t, s.tlsFiles.Cert, cert)
		sleep(ctx, 30*time.Millisecond)
		write(t, s.tlsFiles.Key, key)
		sleep(ctx, 70*time.Millisecond)
	}
	waitFor(t, func() bool { return s.tls.Stats().Reloads.Load() > before || ctx.Err() != nil })
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func strangersProxy(_ context.Context, t *testing.T, s *siege) {
	before := s.proxy.Stats().Refused[ProxyNotAllowed].Load()
	for range 50 {
		pour(s.proxy, strings.NewReader("PROXY TCP4 192.0.2.1 192.0.2.2 56324 514\r\n<13>not me\n"))
		pour(s.proxy, strings.NewReader(proxyV2Header(1, 1, "192.0.2.1:56324", 0)+"<13>not me\n"))
	}
	if n := s.proxy.Stats().Refused[ProxyNotAllowed].Load() - before; n < 100 {
		t.Errorf("%d of 100 refused", n)
	}
}

// datagramFlood sends 200000 datagrams, each from an address and port of its own: they stand for
// spoofed sources.
func datagramFlood(ctx context.Context, t *testing.T, s *siege) {
	const n = 200000
	debug.FreeOSMemory()
	before, frames, drops := rss(), s.udp.Stats().Frames[UDP].Load(), s.udp.Stats().KernelDrops.Load()
	to, sent, start := s.udp.Addr().(*net.UDPAddr), 0, time.Now()
	sources := map[string]bool{}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		local := &net.UDPAddr{}
		if runtime.GOOS == "linux" {
			local.IP = net.IPv4(127, byte(1+i>>16), byte(i>>8), byte(i))
		}
		conn, err := net.DialUDP("udp", local, to)
		if err != nil {
			continue
		}
		if _, err := fmt.Fprintf(conn, "<13>spoofed %d", i); err == nil {
			sent++
		}
		if i%100 == 0 {
			sources[conn.LocalAddr().String()] = true
		}
		_ = conn.Close()
	}
	took := time.Since(start)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(time.Millisecond) {
		if s.udp.Stats().Frames[UDP].Load()-frames+s.udp.Stats().KernelDrops.Load()-drops >= uint64(sent) {
			break
		}
	}
	debug.FreeOSMemory()
	after := rss()
	lost := s.udp.Stats().KernelDrops.Load() - drops
	t.Logf("%d datagrams in %v, %d lost in the kernel; resident %d MiB before, %d MiB after", sent, took.Round(time.Millisecond), lost, before>>20, after>>20)
	if ctx.Err() != nil { // the long form has come to its end
		return
	}
	if sent < n*9/10 || s.udp.Stats().Frames[UDP].Load()-frames+lost < uint64(sent) {
		t.Errorf("%d sent, %d arrived, %d lost", sent, s.udp.Stats().Frames[UDP].Load()-frames, lost)
	}
	if after > before+16<<20 && !raceEnabled && *hostileFor == 0 {
		t.Errorf("%d MiB resident before, %d MiB after", before>>20, after>>20)
	}
}
