package linkwatch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"vswarden/retry"
)

// SendConfig says where lines go.
type SendConfig struct {
	To   string // proto://host:port, proto udp, tcp or tls
	CA   string // file, PEM: who signs the collector's certificate; "" = the system's authorities
	Cert string // file, PEM: our certificate, where the collector wants one
	Key  string // file, PEM: its key
	Host string // our name in the lines
	PID  int
	// Again is called when lines may have been lost, after the way to the collector is open again: the
	// state of all links is then to be told anew. It must not block. nil = nobody is told.
	Again func()
}

// Bounds of a Sender.
const (
	queueLines  = 4096 // that wait; further ones are lost, and counted
	dialTimeout = 5 * time.Second
	sendTimeout = 10 * time.Second // until the collector's kernel takes a line
	retryFirst  = 200 * time.Millisecond
	retryMost   = 30 * time.Second
	farewell    = 3 * time.Second // for what waits when the end comes
)

// Sender brings lines to a syslog collector: RFC 5424, one a datagram over UDP (RFC 5426), octet counted
// over TCP (RFC 6587) and TLS (RFC 5425). It connects again for ever. Neither syslog nor TCP
// acknowledges a line, so after a broken connection it asks for the state to be told anew.
type Sender struct {
	cfg     SendConfig
	network string
	address string
	tls     *tls.Config // nil without TLS

	mu      sync.Mutex
	queue   []Line
	lost    uint64 // since it was last said
	lostAt  time.Time
	failing string
	more    chan struct{}

	Sent atomic.Uint64
	Lost atomic.Uint64
}

// NewSender checks cfg and reads its files; it connects to nothing.
func NewSender(cfg SendConfig) (*Sender, error) {
	s := &Sender{cfg: cfg, more: make(chan struct{}, 1)}
	proto, address, ok := strings.Cut(cfg.To, "://")
	if !ok || proto != "udp" && proto != "tcp" && proto != "tls" {
		return nil, fmt.Errorf("%q: write udp://host:port, tcp://host:port or tls://host:port", cfg.To)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return nil, fmt.Errorf("%q: write the collector's host and port behind ://, an IPv6 address in brackets", cfg.To)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return nil, fmt.Errorf("%q: %q is not a port, write a number from 1 to 65535", cfg.To, port)
	}
	if cfg.Host == "" {
		s.cfg.Host = "-"
	}
	s.network, s.address = proto, address
	if proto != "tls" {
		if cfg.CA != "" || cfg.Cert != "" || cfg.Key != "" {
			return nil, fmt.Errorf("%q: certificates are for tls:// only", cfg.To)
		}
		return s, nil
	}
	s.network = "tcp"
	s.tls = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	return s, s.readFiles()
}

func (s *Sender) readFiles() error {
	if s.cfg.CA != "" {
		pem, err := os.ReadFile(s.cfg.CA)
		if err != nil {
			return fmt.Errorf("certificate authority: %w", err)
		}
		s.tls.RootCAs = x509.NewCertPool()
		if !s.tls.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("certificate authority: %s holds no certificate in PEM", s.cfg.CA)
		}
	}
	if (s.cfg.Cert == "") != (s.cfg.Key == "") {
		return errors.New("a certificate needs its key and the other way round: name both files")
	}
	if s.cfg.Cert == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(s.cfg.Cert, s.cfg.Key)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	s.tls.Certificates = []tls.Certificate{pair}
	return nil
}

// Take queues lines and never waits. What there is no room for is lost, counted, and said to the collector.
func (s *Sender) Take(lines []Line) {
	s.mu.Lock()
	room := max(queueLines-len(s.queue), 0)
	if n := len(lines) - room; n > 0 {
		s.lost, s.lostAt = s.lost+uint64(n), lines[room].Time
		s.Lost.Add(uint64(n))
		lines = lines[:room]
	}
	s.queue = append(s.queue, lines...)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// Failing says why the collector does not take lines now; "" = it does, or was not tried yet.
func (s *Sender) Failing() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failing
}

func (s *Sender) fail(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = why
}

// Run sends what Take queues until ctx ends, and then for a few seconds what is left. Lines that are
// left after that are an error.
func (s *Sender) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	end := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(farewell, stop)
		context.AfterFunc(work, func() { t.Stop() })
	})
	defer end()
	broke := false
	for attempt := 0; ; attempt++ {
		began := time.Now()
		err := s.session(ctx, work, broke)
		if err == nil {
			return s.left()
		}
		if time.Since(began) > retryMost { // it worked for a while
			attempt = 0
		}
		broke = true
		s.fail(err.Error())
		if !retry.Sleep(work, retry.After(attempt, retryFirst, retryMost)) || ctx.Err() != nil && s.idle() {
			return s.left()
		}
	}
}

// left says what was not sent when the time was up.
func (s *Sender) left() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Lost.Add(uint64(len(s.queue))) // the others are counted
	if n := uint64(len(s.queue)) + s.lost; n > 0 {
		return fmt.Errorf("%d lines were not sent to %s: %s", n, s.cfg.To, s.failing)
	}
	return nil
}

// session sends over one connection. It returns nil when ctx has ended and nothing is left, an error
// when the connection breaks. The first one is made when there is something to send, another one at once.
func (s *Sender) session(ctx, work context.Context, again bool) error {
	if !again && !s.wait(ctx, nil) {
		return nil
	}
	conn, err := s.dial(work)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	broken := make(chan struct{})
	var reader sync.WaitGroup
	defer reader.Wait()
	defer func() { _ = conn.Close() }() // ends the reader
	reader.Go(func() {
		defer close(broken)
		s.listen(conn)
	})
	if again && s.cfg.Again != nil {
		s.cfg.Again()
	}
	var frame []byte
	for {
		line, lost, ok := s.next()
		if !ok {
			if !s.wait(ctx, broken) {
				return nil
			}
			select {
			case <-broken:
				return errors.New("the collector closed the connection")
			default:
			}
			continue
		}
		frame = s.frame(frame[:0], &line)
		if err := conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
			return err
		}
		if _, err := conn.Write(frame); err != nil {
			return err
		}
		s.done(lost)
	}
}

func (s *Sender) dial(ctx context.Context) (net.Conn, error) {
	d := &net.Dialer{Timeout: dialTimeout}
	if s.tls == nil {
		return d.DialContext(ctx, s.network, s.address)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*dialTimeout)
	defer cancel()
	return (&tls.Dialer{NetDialer: d, Config: s.tls}).DialContext(ctx, s.network, s.address)
}

// listen returns when the connection ends. A collector says nothing; over UDP the kernel may say that
// nobody is there, which the next write says too.
func (s *Sender) listen(conn net.Conn) {
	var b [64]byte
	for {
		if _, err := conn.Read(b[:]); err != nil {
			return
		}
	}
}

// frame appends one message with its framing.
func (s *Sender) frame(dst []byte, line *Line) []byte {
	if s.network == "udp" {
		return line.AppendRFC5424(dst, s.cfg.Host, s.cfg.PID)
	}
	message := line.AppendRFC5424(nil, s.cfg.Host, s.cfg.PID)
	dst = strconv.AppendInt(dst, int64(len(message)), 10)
	return append(append(dst, ' '), message...)
}

// next returns the line to send; behind the queue, which holds the oldest, how many were lost.
func (s *Sender) next() (line Line, lost uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(s.queue) > 0:
		return s.queue[0], 0, true
	case s.lost > 0:
		return Line{s.lostAt, Warning, fmt.Sprintf("logger %s lost %d log messages", s.cfg.To, s.lost)}, s.lost, true
	}
	return Line{}, 0, false
}

// done takes off what next returned: a line, or so many lost ones that were said.
func (s *Sender) done(lost uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = ""
	if lost > 0 {
		s.lost -= lost
		if s.cfg.Again != nil {
			s.cfg.Again()
		}
		return
	}
	s.queue = s.queue[1:]
	s.Sent.Add(1)
	if len(s.queue) == 0 {
		s.queue = nil // the memory behind it
	}
}

func (s *Sender) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) == 0 && s.lost == 0
}

// wait returns when there may be lines or the connection broke; false when ctx ended with nothing left.
func (s *Sender) wait(ctx context.Context, broken <-chan struct{}) bool {
	for s.idle() {
		select {
		case <-ctx.Done():
			return !s.idle()
		case <-broken:
			return true
		case <-s.more:
		}
	}
	return true
}
