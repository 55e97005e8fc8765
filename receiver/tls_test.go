package receiver

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// logBuffer is a log that may be read while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// dialTLS shakes hands with l. The result of the handshake is certain only after something has
// been read or written.
func dialTLS(t testing.TB, l *Listener, c *tls.Config) (*tls.Conn, error) {
	t.Helper()
	conn := tls.Client(dial(t, l), c)
	return conn, conn.Handshake()
}

func TestTLS(t *testing.T) {
	ca, other := newAuthority(t, "CA"), newAuthority(t, "another CA")
	cfg := tlsConfig(t, ca)
	cfg.TLS.ClientCA = write(t, filepath.Join(t.TempDir(), "clients.pem"), ca.pem)
	for _, auth := range []ClientAuth{ClientAuthOptional, ClientAuthRequired} {
		cfg.TLS.ClientAuth = auth
		c := newCollector()
		var log logBuffer
		l, _ := serveLog(t, cfg, c.handle, &log)

		sends := func(name string, cert *tls.Certificate, wantPeer string) {
			t.Helper()
			client := &tls.Config{RootCAs: ca.pool(), ServerName: "collector.example"}
			if cert != nil {
				client.Certificates = []tls.Certificate{*cert}
			}
			conn, err := dialTLS(t, l, client)
			if err != nil {
				t.Fatalf("%s, %s: %v", auth, name, err)
			}
			send(t, conn, "<13>"+name+"\n")
			f := c.wait(t, 1, func(f Frame) bool { return string(f.Data) == "<13>"+name })[0]
			if f.Transport != TLS || f.TLSPeer != wantPeer || f.Framing != LF {
				t.Errorf("%s, %s: %s, peer %q, want %q", auth, name, f.Transport, f.TLSPeer, wantPeer)
			}
		}
		total := func() (n int) {
			for _, f := range HandshakeFaults() {
				n += int(l.Stats().HandshakeFaults[f].Load())
			}
			return n
		}
		faults := 0
		refused := func(name string, client *tls.Config, want HandshakeFault) {
			t.Helper()
			client.ServerName = "collector.example"
			if client.RootCAs == nil {
				client.RootCAs = ca.pool()
			}
			conn, err := dialTLS(t, l, client)
			if err == nil { // TLS 1.3 tells a client of its certificate with the first read
				_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
				_, err = conn.Read(make([]byte, 1))
			}
			if err == nil || isTimeout(err) {
				t.Errorf("%s, %s: %v", auth, name, err)
			}
			faults++
			waitFor(t, func() bool { return total() == faults })
			if l.Stats().HandshakeFaults[want].Load() == 0 {
				t.Errorf("%s, %s: counted for another reason than %s", auth, name, want)
			}
		}
		good, alsoGood, bad := ca.client(t, "esx1", "esx1.example", "esx1"), ca.client(t, "Esx 2"), other.client(t, "esx3")
		sends("with DNS name", &good, "esx1.example")
		sends("with common name", &alsoGood, "Esx 2")
		if auth == ClientAuthOptional {
			sends("without", nil, "")
		} else {
			refused("without", &tls.Config{}, NoClientCert)
		}
		refused("of another CA", &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &bad, nil }}, BadClientCert)
		refused("TLS 1.1", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, OldVersion)
		refused("does not trust us", &tls.Config{RootCAs: other.pool()}, PeerRefused)
		refused("does not trust us, 1.2", &tls.Config{RootCAs: other.pool(), MaxVersion: tls.VersionTLS12}, PeerRefused)
		if n := strings.Count(log.String(), "TLS handshake refused"); n != 1 {
			t.Errorf("logged %d times in a minute for one peer:\n%s", n, log.String())
		}
	}
}

// TestTLSResumption resumes a session whose client certificate was verified: the name is still
// known, and after a reload with another CA it no longer is believed.
func TestTLSResumption(t *testing.T) {
	ca, other := newAuthority(t, "CA"), newAuthority(t, "another CA")
	cfg := tlsConfig(t, ca)
	cfg.TLS.ClientCA = write(t, filepath.Join(t.TempDir(), "clients.pem"), ca.pem)
	c := newCollector()
	l := serve(t, cfg, c.handle)
	client := &tls.Config{
		RootCAs: ca.pool(), ServerName: "collector.example", ClientSessionCache: tls.NewLRUClientSessionCache(1),
		Certificates: []tls.Certificate{ca.client(t, "esx1")}, MaxVersion: tls.VersionTLS12,
	}
	for i := range 2 {
		conn, err := dialTLS(t, l, client)
		if err != nil {
			t.Fatal(err)
		}
		if resumed := conn.ConnectionState().DidResume; resumed != (i == 1) {
			t.Errorf("connection %d resumed: %v", i, resumed)
		}
		send(t, conn, "<13>a\n")
		if f := c.wait(t, i+1, nil)[i]; f.TLSPeer != "esx1" {
			t.Errorf("connection %d: peer %q", i, f.TLSPeer)
		}
	}
	write(t, cfg.TLS.ClientCA, other.pem)
	if _, err := l.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	conn, err := dialTLS(t, l, client)
	if err != nil { // the client keeps a certificate to itself that the server would not believe
		t.Fatal(err)
	}
	send(t, conn, "<13>a\n")
	if f := c.wait(t, 3, nil)[2]; f.TLSPeer != "" || conn.ConnectionState().DidResume {
		t.Errorf("a certificate of a CA no longer named is believed: %q", f.TLSPeer)
	}
}

// TestTLSReload replaces the certificate by a signal and by changing the files; files that cannot
// be used change nothing.
func TestTLSReload(t *testing.T) {
	first, second := newAuthority(t, "first"), newAuthority(t, "second")
	cfg := tlsConfig(t, first)
	var log logBuffer
	l, err := Listen(cfg, zerolog.New(&log))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	issuer := func() string { return l.policy.Load().tls.Certificates[0].Leaf.Issuer.CommonName }

	cert, key := second.issue(t, "collector")
	write(t, cfg.TLS.Cert, cert) // the key does not fit yet
	seen := l.lookAtFiles(l.policy.Load().files)
	if issuer() != "first" || l.Stats().ReloadFaults.Load() != 1 || !strings.Contains(log.String(), "the old ones stay") {
		t.Errorf("issuer %s, log %s", issuer(), log.String())
	}
	if l.lookAtFiles(seen) != seen || l.Stats().ReloadFaults.Load() != 1 {
		t.Error("the same files were tried twice")
	}
	if _, err := l.Reload(cfg); err == nil || issuer() != "first" {
		t.Errorf("reload with files that do not fit: %v", err)
	}
	write(t, cfg.TLS.Key, key)
	if err := os.Chtimes(cfg.TLS.Key, time.Time{}, time.Now().Add(time.Second)); err != nil { // for file systems with coarse times
		t.Fatal(err)
	}
	l.lookAtFiles(seen)
	if issuer() != "second" || l.Stats().Reloads.Load() != 1 || !strings.Contains(log.String(), "TLS files reloaded") {
		t.Errorf("issuer %s, log %s", issuer(), log.String())
	}

	for _, broken := range []func(*Config){
		func(c *Config) { c.TLS.Cert = "/no/such/file" },
		func(c *Config) { c.TLS.ClientCA = c.TLS.Key },
		func(c *Config) { c.TLS.ClientCA = "/no/such/file" },
		func(c *Config) { c.MaxFrame = 1 },
	} {
		c := cfg
		broken(&c)
		if _, err := l.Reload(c); err == nil || l.policy.Load().cfg.MaxFrame == 1 {
			t.Errorf("%+v: reload: %v", c.TLS, err)
		}
		if c.CheckFiles() == nil && c.MaxFrame != 1 {
			t.Errorf("%+v: nothing wrong with the files", c.TLS)
		}
	}
	other := cfg
	other.Address, other.Name, other.ReceiveBuffer = "tls://127.0.0.1:9", "other", 0
	if need, err := l.Reload(other); err != nil || !slices.Equal(need, []string{"name", "address", "receive_buffer"}) {
		t.Errorf("%q, %v", need, err)
	}
	if l.policy.Load().cfg.Address != cfg.Address {
		t.Error("the address changed")
	}
}

// TestTLSWatch has a running listener find a new certificate by itself.
func TestTLSWatch(t *testing.T) {
	first, second := newAuthority(t, "first"), newAuthority(t, "second")
	cfg := tlsConfig(t, first)
	l, err := Listen(cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	l.fileCheck = 10 * time.Millisecond
	c := newCollector()
	run(t, l, c.handle)
	old, err := dialTLS(t, l, &tls.Config{RootCAs: first.pool(), ServerName: "collector.example"})
	if err != nil {
		t.Fatal(err)
	}
	cert, key := second.issue(t, "collector", "collector.example")
	write(t, cfg.TLS.Cert, cert)
	write(t, cfg.TLS.Key, key)
	waitFor(t, func() bool {
		conn, err := dialTLS(t, l, &tls.Config{RootCAs: second.pool(), ServerName: "collector.example"})
		_ = conn.Close()
		return err == nil
	})
	send(t, old, "<13>still here\n")
	c.wait(t, 1, nil)
}

// TestPlainAndTLS sends both to one port.
func TestPlainAndTLS(t *testing.T) {
	ca := newAuthority(t, "CA")
	cfg := tlsConfig(t, ca)
	cfg.TLS.Plain = true
	c := newCollector()
	l := serve(t, cfg, c.handle)
	send(t, dial(t, l), "<13>plain\n")
	if f := c.wait(t, 1, nil)[0]; f.Transport != TCP || string(f.Data) != "<13>plain" {
		t.Errorf("%s %q", f.Transport, f.Data)
	}
	slow := dial(t, l)
	for _, b := range "<13>slow\n" {
		send(t, slow, string(b))
	}
	c.wait(t, 2, nil)
	conn, err := dialTLS(t, l, &tls.Config{RootCAs: ca.pool()})
	if err != nil {
		conn, err = dialTLS(t, l, &tls.Config{RootCAs: ca.pool(), ServerName: "collector.example"})
	}
	if err != nil {
		t.Fatal(err)
	}
	send(t, conn, "<13>secret\n")
	if f := c.wait(t, 3, nil)[2]; f.Transport != TLS || string(f.Data) != "<13>secret" {
		t.Errorf("%s %q", f.Transport, f.Data)
	}
}

// opensslAlert makes the alerts of a client those of OpenSSL: in plain text, also after the server's hello of TLS 1.3.
type opensslAlert struct{ net.Conn }

func (c opensslAlert) Write(p []byte) (int, error) {
	const changeCipherSpec, itsSize = 20, 6 // what the client sends before its alert, in one write
	if p[0] != changeCipherSpec {
		return c.Conn.Write(p)
	}
	_, err := c.Conn.Write(append(p[:itsSize:itsSize], 21, 3, 3, 0, 2, 2, 48))
	return len(p), err
}

// TestAlertInPlainText does not trust us, as OpenSSL and ESXi say it in TLS 1.3: the log names the reason and the cure.
func TestAlertInPlainText(t *testing.T) {
	ca, other := newAuthority(t, "CA"), newAuthority(t, "another CA")
	var log logBuffer
	l, _ := serveLog(t, tlsConfig(t, ca), newCollector().handle, &log)
	conn := tls.Client(opensslAlert{dial(t, l)}, &tls.Config{RootCAs: other.pool(), ServerName: "collector.example", MinVersion: tls.VersionTLS13})
	if err := conn.Handshake(); err == nil {
		t.Fatal("the client trusts another CA")
	}
	waitFor(t, func() bool { return l.Stats().HandshakeFaults[PeerRefused].Load() == 1 })
	waitFor(t, func() bool {
		return strings.Contains(log.String(), "unknown certificate authority") && strings.Contains(log.String(), "certificatestore add")
	})
}

// TestTLSRecords sends each line in a record of its own: they arrive in few batches, and large
// ones whole.
func TestTLSRecords(t *testing.T) {
	ca := newAuthority(t, "CA")
	c := newCollector()
	l := serve(t, tlsConfig(t, ca), c.handle)
	conn, err := dialTLS(t, l, &tls.Config{RootCAs: ca.pool(), ServerName: "collector.example"})
	if err != nil {
		t.Fatal(err)
	}
	const lines = 20000
	var want []string
	for i := range lines {
		line := fmt.Sprintf("<13>line %d", i)
		if i%1000 == 999 {
			line += strings.Repeat("x", 50000)
		}
		want = append(want, line)
		send(t, conn, line+"\n")
	}
	_ = conn.Close()
	if got := data(c.wait(t, lines, nil)); !slices.Equal(got, want) {
		t.Error("lines differ")
	}
}

// TestHandshakePlaces fills max_handshakes with clients that stall.
func TestHandshakePlaces(t *testing.T) {
	ca := newAuthority(t, "CA")
	cfg := tlsConfig(t, ca)
	cfg.TLS.MaxHandshakes, cfg.TLS.HandshakeTimeout = 4, 5*time.Second
	c := newCollector()
	l := serve(t, cfg, c.handle)
	for range 12 {
		send(t, dial(t, l), "\x16\x03\x01")
	}
	for range 4 {
		dial(t, l) // without a byte: takes no place
	}
	conn, err := dialTLS(t, l, &tls.Config{RootCAs: ca.pool(), ServerName: "collector.example"})
	if err != nil {
		t.Fatal(err)
	}
	send(t, conn, "<13>a\n")
	c.wait(t, 1, nil)
	f := &l.Stats().HandshakeFaults
	waitFor(t, func() bool {
		return f[HandshakeStalled].Load() > 0 && f[HandshakeStalled].Load()+f[HandshakeTimeout].Load()+f[HandshakeOverload].Load() == 12 &&
			l.Stats().Closed[NoFirstByte].Load() == 4
	})
}

func TestHandshakeFaults(t *testing.T) {
	f := func(err error, want HandshakeFault) {
		t.Helper()
		if got := handshakeFault(err); got != want {
			t.Errorf("%v: got %v, want %v", err, got, want)
		}
	}
	f(os.ErrDeadlineExceeded, HandshakeTimeout)
	f(io.EOF, HandshakeClosed)
	f(tls.RecordHeaderError{}, NotTLS)
	f(fmt.Errorf("x: %w", errOldVersion), OldVersion)
	f(errNoClientCert, NoClientCert)
	f(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, BadClientCert)
	f(&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, PeerRefused)
	f(&net.OpError{Op: "local error", Err: errors.New("tls: x")}, HandshakeOther)
	for _, r := range HandshakeFaults() {
		if r.String() == "" {
			t.Errorf("%d has no name", r)
		}
	}
	for _, r := range CloseReasons() {
		if r.String() == "" {
			t.Errorf("%d has no name", r)
		}
	}
	for _, r := range Refusals() {
		if r.String() == "" {
			t.Errorf("%d has no name", r)
		}
	}
}

func TestValidateTLS(t *testing.T) {
	f := func(address string, change func(*Config), want ...string) {
		t.Helper()
		cfg := config(address)
		change(&cfg)
		var got []string
		for _, fault := range cfg.Validate() {
			got = append(got, fault.Path)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q: %v", got, want, cfg.Validate())
		}
	}
	f("tls://:6514", func(*Config) {}, "tls.cert", "tls.key")
	f("tls://:6514", func(c *Config) { c.TLS.Cert, c.TLS.Key = "c", "k" })
	f("tls://:6514", func(c *Config) {
		c.TLS.Cert, c.TLS.Key = "c", "k"
		c.TLS.ClientAuth, c.TLS.HandshakeTimeout, c.TLS.MaxHandshakes = "never", 0, 0
	}, "tls.client_auth", "tls.handshake_timeout", "tls.max_handshakes")
	f("tls://:6514", func(c *Config) { c.TLS.Cert, c.TLS.Key, c.TLS.ClientAuth = "c", "k", ClientAuthRequired }, "tls.client_auth")
	f("tcp://:6514", func(c *Config) { c.TLS.Cert = "c" }, "tls")
	f("udp://:514", func(c *Config) { c.ProxyProtocol = true }, "proxy_protocol")
	f("tcp://:514", func(c *Config) { c.ProxyProtocol = true }, "proxy_protocol")
	f("tcp://:514", func(c *Config) { c.ProxyProtocol, c.Relays = true, []string{"::1"} })
	f("tcp://:514", func(c *Config) { c.Allow = []string{"10.0.0.0/8", "10.0.0.300"} }, "allow[1]")
}

// BenchmarkTLS sends each line in a record of its own over a loopback connection.
func BenchmarkTLS(b *testing.B) {
	ca := newAuthority(b, "CA")
	done, left := make(chan struct{}), b.N
	calls := 0
	l := serve(b, tlsConfig(b, ca), func(batch []Frame) error {
		calls++
		if left -= len(batch); left <= 0 {
			close(done)
		}
		return nil
	})
	conn, err := dialTLS(b, l, &tls.Config{RootCAs: ca.pool(), ServerName: "collector.example"})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(esxiLine) + 1))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := io.WriteString(conn, esxiLine+"\n"); err != nil {
			b.Fatal(err)
		}
	}
	<-done
	b.ReportMetric(float64(b.N)/float64(calls), "lines/call")
}
