package test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"vswarden/receiver"
	"vswarden/setting"
)

// senderPatience bounds every wait for a sender.
const senderPatience = 30 * time.Second

// senders are programs that others wrote, unpacked by senders/setup.sh.
type senders struct{ root string }

// findSenders returns them. Where they are absent the test skips, or, in CI, fetches them.
func findSenders(t *testing.T) senders {
	t.Helper()
	root := os.Getenv("VSWARDEN_SENDERS")
	if cache, err := os.UserCacheDir(); root == "" && err == nil {
		root = filepath.Join(cache, "vswarden", "senders")
	}
	if _, err := os.Stat(filepath.Join(root, "ready")); err == nil {
		return senders{root}
	}
	if os.Getenv("CI") != "true" {
		t.Skipf("NOT TESTED: real senders are not in %s: run test/senders/setup.sh (Debian)", root)
	}
	if out, err := exec.CommandContext(t.Context(), "senders/setup.sh", root).CombinedOutput(); err != nil {
		t.Fatalf("senders/setup.sh: %v\n%s", err, out)
	}
	return senders{root}
}

// command prepares a program of the unpacked tree.
func (s senders) command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.root, path), args...)
	libs, _ := filepath.Glob(filepath.Join(s.root, "usr/lib/*-linux-gnu")) // the pattern is right
	more, _ := filepath.Glob(filepath.Join(s.root, "lib/*-linux-gnu"))
	libs = append(append(libs, more...), filepath.Join(s.root, "usr/lib/syslog-ng"))
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+strings.Join(libs, ":"), "SYSLOGNG_PREFIX="+filepath.Join(s.root, "usr"))
	return cmd
}

// once runs a program to its end.
func (s senders) once(t *testing.T, stdin []byte, path string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), senderPatience)
	defer cancel()
	cmd := s.command(ctx, path, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", path, args, err, out)
	}
}

// daemon runs a program until the returned function is called, or the test ends.
func (s senders) daemon(t *testing.T, path string, args ...string) (stop func()) {
	t.Helper()
	cmd := s.command(context.Background(), path, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // gone already: then Wait says why
		timer := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
		if err := cmd.Wait(); err != nil && t.Failed() {
			t.Logf("%s: %v", path, err)
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", path, out.String())
		}
	})
	t.Cleanup(stop)
	return stop
}

// got is one frame that arrived.
type got struct {
	receiver.Frame
	text string
}

// ears is a listener that keeps what it hears.
type ears struct {
	addr, port string
	mu         sync.Mutex
	frames     []got
	more       chan struct{}
}

// hear listens until the test ends.
func hear(t *testing.T, cfg receiver.Config) *ears {
	t.Helper()
	cfg.ReceiveBuffer = 8 * setting.MiB
	l, err := receiver.Listen(cfg, zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel))
	if err != nil {
		t.Fatal(err)
	}
	e := &ears{addr: l.Addr().String(), more: make(chan struct{})}
	_, e.port, _ = net.SplitHostPort(e.addr)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- l.Serve(ctx, e.handle) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return e
}

func (e *ears) handle(batch []receiver.Frame) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range batch {
		origin := *f.Origin
		f.Origin = &origin
		e.frames = append(e.frames, got{f, string(f.Data)})
	}
	close(e.more)
	e.more = make(chan struct{})
	return nil
}

// wait returns the frames when there are n.
func (e *ears) wait(t *testing.T, n int) []got {
	t.Helper()
	late := time.After(senderPatience)
	for {
		e.mu.Lock()
		frames, more := e.frames, e.more
		e.mu.Unlock()
		if len(frames) >= n {
			return frames
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("%d of %d frames after %v", len(frames), n, senderPatience)
		}
	}
}

// tee stands between a sender and a listener and keeps what goes through: a TCP stream, or
// datagrams one by one.
type tee struct {
	port      string
	mu        sync.Mutex
	stream    bytes.Buffer
	datagrams []string
}

func teeTCP(t *testing.T, to string) *tee {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &tee{}
	_, k.port, _ = net.SplitHostPort(l.Addr().String())
	var all sync.WaitGroup
	all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer func() { _ = in.Close() }()
				out, err := net.Dial("tcp", to)
				if err != nil {
					t.Error(err)
					return
				}
				defer func() { _ = out.Close() }()
				if _, err := io.Copy(io.MultiWriter(k, out), in); err != nil && !errors.Is(err, syscall.ECONNRESET) {
					t.Error(err)
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return k
}

func (k *tee) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.stream.Write(p)
}

func teeUDP(t *testing.T, to string) *tee {
	t.Helper()
	in, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = in.(*net.UDPConn).SetReadBuffer(1 << 20) // senders burst; what is granted has to do
	out, err := net.Dial("udp", to)
	if err != nil {
		t.Fatal(err)
	}
	k := &tee{}
	_, k.port, _ = net.SplitHostPort(in.LocalAddr().String())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buf := make([]byte, 1<<16); ; {
			n, _, err := in.ReadFrom(buf)
			if err != nil {
				return
			}
			k.mu.Lock()
			k.datagrams = append(k.datagrams, string(buf[:n]))
			k.mu.Unlock()
			if _, err := out.Write(buf[:n]); err != nil {
				t.Error(err)
			}
		}
	}()
	t.Cleanup(func() {
		_ = in.Close()
		<-done
		_ = out.Close()
	})
	return k
}

// sameStream puts the frames back into the framing they came in, with the trailer that the sender
// counts into octets, and holds that against what was on the wire.
func (k *tee) sameStream(t *testing.T, frames []got, counted string) {
	t.Helper()
	var b strings.Builder
	for _, f := range frames {
		switch f.Framing {
		case receiver.OctetCounting:
			fmt.Fprintf(&b, "%d %s%s", len(f.text)+len(counted), f.text, counted)
		case receiver.LF:
			b.WriteString(f.text + "\n")
		default:
			t.Errorf("framing %v", f.Framing)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if wire := k.stream.String(); wire != b.String() {
		t.Errorf("%d bytes on the wire, %d in frames\nwire   %.300q\nframes %.300q", len(wire), b.Len(), wire, b.String())
	}
}

// sameDatagrams holds each frame, with what was cut off around it, against its datagram.
func (k *tee) sameDatagrams(t *testing.T, frames []got, whole func(text string) string) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(frames) != len(k.datagrams) {
		t.Fatalf("%d frames of %d datagrams", len(frames), len(k.datagrams))
	}
	for i, f := range frames {
		if whole(f.text) != k.datagrams[i] {
			t.Fatalf("datagram %.300q, frame %.300q", k.datagrams[i], f.text)
		}
	}
}

// certificate writes one for localhost that is its own CA, and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &private.PublicKey, private)
	must(err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	must(err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	must(os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
	return cert, key
}
