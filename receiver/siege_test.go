package receiver

import (
	"bytes"
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

var hostileFor = flag.Duration("hostile.for", 0, "how long TestHostile mixes all hostile senders; 0: each once")

// siege is a set of listeners, well-behaved neighbours on each of them, and what the handler saw.
type siege struct {
	t  *testing.T
	ca *authority

	tcp, tls, both, proxy, udp *Listener
	listeners                  []*Listener
	tlsFiles                   TLSConfig

	frames atomic.Uint64 // of all senders

	mu      sync.Mutex
	arrived map[string]int // lines by neighbour's connection
	fault   string         // the first
	slowest time.Duration
	late    int // slower than neighbourly
	sent    int
	got     int
}

// neighbourly is the most a line of a neighbour may take; the race detector makes all slower.
const neighbourly = time.Second * raceSlowness

func newSiege(t *testing.T) *siege {
	t.Helper()
	s := &siege{t: t, ca: newAuthority(t, "CA"), arrived: map[string]int{}}
	open := func(cfg Config) *Listener {
		cfg.ReceiveBuffer = DefaultConfig().ReceiveBuffer
		l, err := Listen(cfg, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		l.fileCheck = 50 * time.Millisecond
		run(t, l, s.handle)
		s.listeners = append(s.listeners, l)
		return l
	}
	plain, secret := config("tcp://127.0.0.1:0"), tlsConfig(t, s.ca)
	s.tlsFiles = secret.TLS
	s.tcp, s.tls, s.udp = open(plain), open(secret), open(config("udp://127.0.0.1:0"))
	secret.TLS.Plain = true
	s.both = open(secret)
	plain.ProxyProtocol, plain.Relays = true, []string{"127.0.0.99"}
	s.proxy = open(plain)
	return s
}

// handle keeps the neighbours' books.
func (s *siege) handle(batch []Frame) error {
	s.frames.Add(uint64(len(batch)))
	for i := range batch {
		if line, ok := bytes.CutPrefix(batch[i].Data, []byte("<13>neighbour ")); ok {
			s.note(string(line), batch[i].Flags)
		}
	}
	return nil
}

// note takes "connection number sent-at".
func (s *siege) note(line string, flags Flags) {
	f := strings.Fields(line)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(f) != 3 || flags != 0 {
		s.faultLocked("a neighbour's line came as %q, flags %b", line, flags)
		return
	}
	n, _ := strconv.Atoi(f[1])
	at, _ := strconv.ParseInt(f[2], 10, 64)
	if s.arrived[f[0]] != n {
		s.faultLocked("neighbour %s: line %d came when %d was due", f[0], n, s.arrived[f[0]])
	}
	s.arrived[f[0]] = n + 1
	s.got++
	took := time.Since(time.Unix(0, at))
	s.slowest = max(s.slowest, took)
	if took > neighbourly {
		s.late++
	}
}

// control starts a process of its own that does nothing but sleep, and returns what stops it and
// tells by how much it overslept at most: what others on the machine take from everybody is not
// the receiver's fault.
func control(t *testing.T) (overslept func() time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestHostile$")
	cmd.Env = append(os.Environ(), "HOSTILE_CONTROL=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() time.Duration {
		_ = in.Close() // it ends
		err := cmd.Wait()
		word, _, _ := strings.Cut(out.String(), "\n")
		d, bad := time.ParseDuration(word)
		if err != nil || bad != nil {
			t.Errorf("control process: %v, %v", err, bad)
		}
		return d
	}
}

// sleeper is the control process.
func sleeper() {
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until the siege closes it
		close(ended)
	}()
	const nap = 10 * time.Millisecond
	var worst time.Duration
	for {
		start := time.Now()
		select {
		case <-ended:
			fmt.Println(worst)
			return
		case <-time.After(nap):
			worst = max(worst, time.Since(start)-nap)
		}
	}
}

func (s *siege) faultLocked(format string, args ...any) {
	if s.fault == "" {
		s.fault = fmt.Sprintf(format, args...)
	}
}

// meanwhile runs neighbours on every listener while attack runs, and holds the receiver to having
// served them.
func (s *siege) meanwhile(t *testing.T, attack func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	for i, l := range s.listeners {
		all.Go(func() { s.neighbour(ctx, i, l) })
	}
	overslept := control(t)
	attack(ctx)
	select { // neighbours also see what an attack leaves behind
	case <-time.After(100 * time.Millisecond):
	case <-ctx.Done():
	}
	cancel()
	all.Wait()
	stall := overslept()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got, s.sent, s.late, s.slowest, s.fault = 0, 0, 0, 0, ""
		clear(s.arrived)
	}()
	for end := time.Now().Add(2 * neighbourly); ; time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		got, sent, late, fault, slowest := s.got, s.sent, s.late, s.fault, s.slowest
		s.mu.Unlock()
		switch {
		case fault != "":
			t.Fatal(fault)
		case got == sent:
			t.Logf("%d lines of neighbours, %d took more than %v, the slowest %v; a process that only sleeps overslept by %v at most",
				got, late, neighbourly, slowest.Round(time.Millisecond/10), stall.Round(time.Millisecond/10))
			if slowest > neighbourly+4*stall { // a line passes four goroutines
				t.Fatal("a neighbour had to wait")
			}
			return
		case time.Now().After(end):
			t.Fatalf("%d of %d lines of neighbours arrived", got, sent)
		}
	}
}

// neighbour sends a line every 20 ms and makes a new connection every 10 lines, which counts into
// the time the line takes.
func (s *siege) neighbour(ctx context.Context, number int, l *Listener) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for round := 0; ctx.Err() == nil; round++ {
		name := fmt.Sprintf("%d.%d", number, round)
		var conn net.Conn
		for n := 0; n < 10 && ctx.Err() == nil; n++ {
			sent := time.Now()
			if conn == nil {
				var err error
				if conn, err = s.dialAs(l); err != nil {
					s.mu.Lock()
					s.faultLocked("neighbour %s: %v", name, err)
					s.mu.Unlock()
					return
				}
			}
			s.mu.Lock()
			s.sent++
			s.mu.Unlock()
			if _, err := fmt.Fprintf(conn, "<13>neighbour %s %d %d\n", name, n, sent.UnixNano()); err != nil {
				s.mu.Lock()
				s.faultLocked("neighbour %s: %v", name, err)
				s.mu.Unlock()
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
		_ = conn.Close()
	}
}

// dialAs connects as a well-behaved sender of l does; to the one that takes both, by TLS.
func (s *siege) dialAs(l *Listener) (net.Conn, error) {
	conn, err := net.Dial(l.Addr().Network(), l.Addr().String())
	if err != nil || l.Proto() != "tls" {
		return conn, err
	}
	c := tls.Client(conn, &tls.Config{RootCAs: s.ca.pool(), ServerName: "collector.example"})
	return c, c.Handshake()
}

// from connects to l from some loopback address, where the system lets it.
func from(l *Listener) (*net.TCPConn, error) {
	d := net.Dialer{}
	if runtime.GOOS == "linux" { // elsewhere only 127.0.0.1 is there by itself
		d.LocalAddr = &net.TCPAddr{IP: anyLoopback()}
	}
	conn, err := d.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

func anyLoopback() net.IP {
	return net.IPv4(127, byte(1+rand.IntN(254)), byte(rand.IntN(256)), byte(1+rand.IntN(254)))
}

// pour sends what r gives to l and closes the connection. What becomes of it is the listener's
// business.
func pour(l *Listener, r io.Reader) {
	conn, err := from(l)
	if err != nil {
		return
	}
	_ = conn.SetWriteDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.Copy(conn, r)
	_ = conn.CloseWrite()
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, _ = io.Copy(io.Discard, conn) // until the listener has read all
	_ = conn.Close()
}

// repeated gives text again and again, size bytes in all. Senders live in this process: if they
// made their megabytes in one piece, it would wait for that and not for the receiver.
func repeated(text string, size int) io.Reader {
	times := max(1, 64<<10/len(text))
	return io.LimitReader(&endless{lines: strings.Repeat(text, times), left: size}, int64(size))
}

// rss is this process's resident memory in bytes, 0 where it cannot be told.
func rss() uint64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	pages, _ := strconv.ParseUint(f[1], 10, 64)
	return pages * uint64(os.Getpagesize())
}
