package linkwatch

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// collector takes octet counted messages on loopback.
type collector struct {
	net.Listener
	messages chan string
	conns    chan net.Conn
}

func collect(t *testing.T, l net.Listener) *collector {
	t.Helper()
	c := &collector{l, make(chan string, 100_000), make(chan net.Conn, 100)}
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.conns <- conn
			go c.read(conn)
		}
	}()
	return c
}

func (c *collector) read(conn net.Conn) {
	r := bufio.NewReader(conn)
	for {
		count, err := r.ReadString(' ')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSuffix(count, " "))
		if err != nil {
			c.messages <- "not octet counted: " + count
			return
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(r, b); err != nil {
			return
		}
		c.messages <- string(b)
	}
}

func (c *collector) wait(t *testing.T, part string) string {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case m := <-c.messages:
			if strings.Contains(m, part) {
				return m
			}
		case <-timeout:
			t.Fatalf("nobody sent %q", part)
		}
	}
}

// sending runs a Sender until the test ends or stop is called, which returns what Run returned.
func sending(t *testing.T, cfg SendConfig) (s *Sender, stop func() error) {
	t.Helper()
	s, err := NewSender(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = func() error { cancel(); return <-done }
	t.Cleanup(cancel)
	return s, stop
}

func loopback(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func say(text string) []Line { return []Line{{epoch, Notice, text}} }

func TestCollectorOverTCPThatGoesAndComesBack(t *testing.T) {
	c := collect(t, loopback(t, "127.0.0.1:0"))
	address := c.Addr().String()
	var again atomic.Int32
	s, stop := sending(t, SendConfig{To: "tcp://" + address, Host: "kvm1", PID: 7, Again: func() { again.Add(1) }})
	s.Take(say("first"))
	if got := c.wait(t, "first"); got != "<29>1 2026-09-15T10:00:00.000000Z kvm1 linkwatch 7 - - first" {
		t.Error(got)
	}
	if again.Load() != 0 {
		t.Error("the first connection is no reason to tell everything again")
	}
	_ = c.Close()
	_ = (<-c.conns).Close()
	for end := time.Now().Add(patience); s.Failing() == ""; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a connection that ended was not noticed")
		}
	}
	s.Take(say("while it was away"))
	c = collect(t, loopback(t, address))
	c.wait(t, "while it was away")
	if again.Load() == 0 {
		t.Error("nobody was asked to tell the state again")
	}
	s.Take(say("last"))
	if err := stop(); err != nil {
		t.Error(err)
	}
	c.wait(t, "last")
}

func TestFullQueueIsCountedAndSaid(t *testing.T) {
	l := loopback(t, "127.0.0.1:0")
	address := l.Addr().String()
	_ = l.Close()
	var again atomic.Int32
	s, stop := sending(t, SendConfig{To: "tcp://" + address, Again: func() { again.Add(1) }})
	for i := range queueLines + 12 {
		s.Take(say(fmt.Sprintf("line %d.", i)))
	}
	if n := s.Lost.Load(); n != 12 {
		t.Errorf("%d lost", n)
	}
	c := collect(t, loopback(t, address))
	c.wait(t, fmt.Sprintf("line %d.", queueLines-1))
	c.wait(t, "logger tcp://"+address+" lost 12 log messages")
	if err := stop(); err != nil {
		t.Error(err)
	}
	if again.Load() == 0 {
		t.Error("nobody was asked to tell the state again")
	}
	if s.Sent.Load() != queueLines {
		t.Errorf("%d sent", s.Sent.Load())
	}
}

func TestWhatIsLeftAtTheEndIsAnError(t *testing.T) {
	l := loopback(t, "127.0.0.1:0")
	address := l.Addr().String()
	_ = l.Close()
	s, stop := sending(t, SendConfig{To: "tcp://" + address})
	s.Take(say("lost"))
	if err := stop(); err == nil || !strings.Contains(err.Error(), "1 lines were not sent to tcp://"+address) {
		t.Error(err)
	}
	if s.Lost.Load() != 1 {
		t.Errorf("%d lost", s.Lost.Load())
	}
}

func TestCollectorOverUDP(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s, stop := sending(t, SendConfig{To: "udp://" + conn.LocalAddr().String(), Host: "kvm1", PID: 7})
	s.Take(say("a datagram"))
	b := make([]byte, 2048)
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	n, _, err := conn.ReadFrom(b)
	if err != nil || string(b[:n]) != "<29>1 2026-09-15T10:00:00.000000Z kvm1 linkwatch 7 - - a datagram" {
		t.Errorf("%q, %v", b[:n], err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestCollectorOverTLS(t *testing.T) {
	cert, ca := certificate(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	c := collect(t, l)
	to := "tls://" + l.Addr().String()
	s, stop := sending(t, SendConfig{To: to, CA: ca})
	s.Take(say("sealed"))
	c.wait(t, "- linkwatch 0 - - sealed")
	if err := stop(); err != nil {
		t.Error(err)
	}

	// Without the authority nothing is sent, and it is said why.
	s, stop = sending(t, SendConfig{To: to})
	s.Take(say("not sent"))
	for end := time.Now().Add(patience); !strings.Contains(s.Failing(), "certificate"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("failing: %q", s.Failing())
		}
	}
	if err := stop(); err == nil {
		t.Error("a line that was not sent is no error")
	}
}

// certificate makes a certificate of 127.0.0.1 that signs itself, and its file.
func certificate(t *testing.T) (cert tls.Certificate, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "collector"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func TestWrongCollectors(t *testing.T) {
	for to, want := range map[string]string{
		"":                 "write udp://",
		"10.0.0.1:514":     "write udp://",
		"http://a:1":       "write udp://",
		"tcp://:514":       "host and port",
		"tcp://collector":  "host and port",
		"udp://a:0":        "not a port",
		"udp://a:x":        "not a port",
		"tcp://a:99999999": "not a port",
	} {
		if _, err := NewSender(SendConfig{To: to}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", to, err)
		}
	}
	for _, c := range []struct {
		cfg  SendConfig
		want string
	}{
		{SendConfig{To: "tcp://a:1", CA: "x"}, "tls:// only"},
		{SendConfig{To: "tls://a:1", CA: "no such file"}, "no such file"},
		{SendConfig{To: "tls://a:1", Cert: "x"}, "needs its key"},
		{SendConfig{To: "tls://a:1", Cert: "x", Key: "y"}, "certificate"},
		{SendConfig{To: "tls://a:1", CA: "send_test.go"}, "no certificate in PEM"},
	} {
		if _, err := NewSender(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.cfg, err)
		}
	}
}
