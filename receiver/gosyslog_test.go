package receiver

// What go-syslog.v2's own server does, beside what this package does: the facts of
// docs/adr/0002-go-syslog.md.

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	syslog "gopkg.in/mcuadros/go-syslog.v2"
	"gopkg.in/mcuadros/go-syslog.v2/format"
)

// goSyslog runs a go-syslog server. Its messages come out of the channel, which holds none: who
// does not read blocks it.
func goSyslog(t testing.TB, listen func(*syslog.Server, string) error) (s *syslog.Server, addr string, got chan format.LogParts) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0") // its own port cannot be asked for
	if err != nil {
		t.Fatal(err)
	}
	addr = free.Addr().String()
	_ = free.Close()
	s, got = syslog.NewServer(), make(chan format.LogParts)
	s.SetFormat(syslog.RFC3164)
	s.SetHandler(syslog.NewChannelHandler(got))
	if err := listen(s, addr); err != nil {
		t.Fatal(err)
	}
	if err := s.Boot(); err != nil {
		t.Fatal(err)
	}
	return s, addr, got
}

// within returns the next message, or nil when none comes in d.
func within(got chan format.LogParts, d time.Duration) format.LogParts {
	select {
	case m := <-got:
		return m
	case <-time.After(d):
		return nil
	}
}

func dialTo(t testing.TB, network, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestGoSyslogStalledHandshake opens a TLS connection that says nothing, then a good one.
func TestGoSyslogStalledHandshake(t *testing.T) {
	ca := newAuthority(t, "CA")
	client := &tls.Config{RootCAs: ca.pool(), ServerName: "collector.example"}
	send1 := func(addr string) error {
		dialTo(t, "tcp", addr)
		conn := tls.Client(dialTo(t, "tcp", addr), client)
		_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
		if err := conn.Handshake(); err != nil {
			return err
		}
		_, err := io.WriteString(conn, "<13>Jul  1 14:30:23 esx1 a: b\n")
		return err
	}

	cfg := tlsConfig(t, ca)
	pair, err := tls.LoadX509KeyPair(cfg.TLS.Cert, cfg.TLS.Key)
	if err != nil {
		t.Fatal(err)
	}
	s, addr, _ := goSyslog(t, func(s *syslog.Server, addr string) error {
		s.SetTlsPeerNameFunc(nil)
		return s.ListenTCPTLS(addr, &tls.Config{Certificates: []tls.Certificate{pair}})
	})
	defer func() { _ = s.Kill() }()
	if err := send1(addr); !isTimeout(err) {
		t.Errorf("go-syslog: a silent client no longer blocks the others: %v", err)
	}

	c := newCollector()
	l := serve(t, cfg, c.handle)
	if err := send1(l.Addr().String()); err != nil {
		t.Errorf("ours: %v", err)
	}
	c.wait(t, 1, nil)
}

// TestGoSyslogLongLine sends a line of 70000 bytes, then a short one.
func TestGoSyslogLongLine(t *testing.T) {
	lines := "<13>Jul  1 14:30:23 esx1 a: " + strings.Repeat("x", 70000) + "\n<13>Jul  1 14:30:23 esx1 a: after\n"
	s, addr, got := goSyslog(t, (*syslog.Server).ListenTCP)
	defer func() { _ = s.Kill() }()
	conn := dialTo(t, "tcp", addr)
	send(t, conn, lines)
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("go-syslog: the connection is still open: %v", err)
	}
	if m := within(got, 300*time.Millisecond); m != nil {
		t.Errorf("go-syslog: %.100v", m)
	}

	c := newCollector()
	l := serve(t, config("tcp://127.0.0.1:0"), c.handle)
	send(t, dial(t, l), lines)
	if f := c.wait(t, 2, nil); f[0].Flags != Truncated || len(f[0].Data) != 64<<10 || !strings.HasSuffix(string(f[1].Data), "after") {
		t.Errorf("ours: %d bytes, flags %b, then %q", len(f[0].Data), f[0].Flags, f[1].Data)
	}
}

// TestGoSyslogMilliseconds sends an ESXi header, whose stamp has milliseconds.
func TestGoSyslogMilliseconds(t *testing.T) {
	const line = "<181>2014-12-10T19:23:45.733Z esx1 vmkernel: cpu14:1559738)etherswitch: hello"
	s, addr, got := goSyslog(t, (*syslog.Server).ListenTCP)
	defer func() { _ = s.Kill() }()
	send(t, dialTo(t, "tcp", addr), line+"\n")
	m := within(got, 10*time.Second)
	if m["hostname"] != "127.0.0.1" || m["tag"] != "" || m["content"] != line[5:] {
		t.Errorf("go-syslog: the header is understood: %v", m)
	}
	if stamp, _ := m["timestamp"].(time.Time); time.Since(stamp) > time.Minute {
		t.Errorf("go-syslog: the stamp is understood: %v", stamp)
	}

	c := newCollector() // ours leaves understanding to package decode, and keeps every byte for it
	l := serve(t, config("tcp://127.0.0.1:0"), c.handle)
	send(t, dial(t, l), line+"\n")
	if f := c.wait(t, 1, nil)[0]; string(f.Data) != line {
		t.Errorf("ours: %q", f.Data)
	}
}

// TestGoSyslogBurst sends 500 datagrams while the handler is busy.
func TestGoSyslogBurst(t *testing.T) {
	const burst = 500
	pour := func(conn net.Conn) {
		for i := range burst {
			send(t, conn, fmt.Sprintf("<13>Jul  1 14:30:23 esx1 a: %d %s", i, strings.Repeat("x", 200)))
		}
	}
	s, addr, got := goSyslog(t, (*syslog.Server).ListenUDP)
	pour(dialTo(t, "udp", addr))
	theirs := 0
	for within(got, 300*time.Millisecond) != nil {
		theirs++
	}
	_ = s.Kill()

	c := newCollector()
	gate := make(chan struct{})
	l := serve(t, config("udp://127.0.0.1:0"), func(batch []Frame) error {
		<-gate
		return c.handle(batch)
	})
	pour(dial(t, l))
	close(gate)
	c.wait(t, burst, nil)
	t.Logf("burst of %d datagrams: go-syslog delivered %d and counts no loss, ours %d with %d lost", burst, theirs, c.len(), l.Stats().KernelDrops.Load())
	if theirs == burst {
		t.Error("go-syslog: no loss any more")
	}
}

// inChild runs the test of that name again in a process of its own, which is expected to panic,
// and returns what it said. In the child it returns false.
func inChild(t *testing.T) (out string, parent bool) {
	t.Helper()
	if os.Getenv("GOSYSLOG_CHILD") != "" {
		return "", false
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "GOSYSLOG_CHILD=1")
	b, err := cmd.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		t.Errorf("go-syslog: no panic any more: %v", err)
	}
	return string(b), true
}

// TestGoSyslogNegativeCount sends "-7 <13>abc" to a server that detects the framing.
func TestGoSyslogNegativeCount(t *testing.T) {
	const line = "-7 <13>abc\n"
	out, parent := inChild(t)
	if !parent {
		s, addr, got := goSyslog(t, func(s *syslog.Server, addr string) error {
			s.SetFormat(syslog.Automatic)
			return s.ListenTCP(addr)
		})
		send(t, dialTo(t, "tcp", addr), line)
		within(got, 10*time.Second)
		_ = s.Kill()
		return
	}
	if !strings.Contains(out, "slice bounds out of range") {
		t.Errorf("go-syslog: %s", out)
	}
	c := newCollector()
	l := serve(t, config("tcp://127.0.0.1:0"), c.handle)
	send(t, dial(t, l), line)
	if f := c.wait(t, 1, nil)[0]; string(f.Data)+"\n" != line {
		t.Errorf("ours: %q", f.Data)
	}
}

// TestGoSyslogKill ends the server: an open connection is still served, and with datagrams waiting
// it panics, which takes a process of its own to see.
func TestGoSyslogKill(t *testing.T) {
	out, parent := inChild(t)
	if !parent {
		s, addr, _ := goSyslog(t, (*syslog.Server).ListenUDP)
		conn := dialTo(t, "udp", addr)
		for range 50 { // the handler is blocked: ten fill its channel, one waits
			send(t, conn, "<13>Jul  1 14:30:23 esx1 a: b")
		}
		time.Sleep(time.Second) // nothing tells when the reader has come to wait
		_ = s.Kill()
		s.Wait()
		return
	}
	if !strings.Contains(out, "send on closed channel") {
		t.Errorf("go-syslog: %s", out)
	}

	s, addr, got := goSyslog(t, (*syslog.Server).ListenTCP)
	conn := dialTo(t, "tcp", addr)
	send(t, conn, "<13>Jul  1 14:30:23 esx1 a: before\n")
	within(got, 10*time.Second)
	_ = s.Kill()
	send(t, conn, "<13>Jul  1 14:30:23 esx1 a: after\n")
	if m := within(got, 5*time.Second); m == nil {
		t.Error("go-syslog: Kill ends open connections now")
	}

	c := newCollector()
	l, stop := serveLog(t, config("tcp://127.0.0.1:0"), c.handle, io.Discard)
	conn = dial(t, l)
	send(t, conn, "<13>before\n")
	c.wait(t, 1, nil)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("ours: an open connection is still served: %v", err)
	}
}
