package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// sender is one host and the number of its next line.
type sender struct {
	number int // of the host
	first  uint64
	next   uint64
	times  *sendTimes // with -latency
}

func (s *sender) report(address string) senderReport {
	return senderReport{Sender: s.number, Host: hostName(s.number), Address: address, First: s.first, Last: s.next - 1}
}

// newSenders lists the hosts of connection conn of conns.
func newSenders(opt options, conn, conns int) []sender {
	var hosts []sender
	for h := conn; h < opt.hosts; h += conns {
		hosts = append(hosts, sender{number: opt.firstHost + h, first: opt.first, next: opt.first})
	}
	return hosts
}

// stream is one connection with its hosts; each line goes to the next host in turn.
type stream struct {
	conn  net.Conn
	many  batchSender // of datagrams
	hosts []sender
	rate  float64
	count uint64 // lines to send

	sent, bytes uint64
	err         error
}

// sendLines opens all connections, sends until all is sent or ctx ends, and fills rep.
func sendLines(ctx context.Context, opt options, rep *report) (err error) {
	streams, err := openStreams(opt)
	defer func() {
		for _, s := range streams {
			err = errors.Join(err, s.conn.Close())
		}
	}()
	if err != nil {
		return err
	}
	var watch *watcher
	if opt.latency != "" {
		if watch, err = newWatcher(opt.latency, streams); err != nil {
			return err
		}
		defer watch.close()
	}
	following, stopWatch := context.WithCancel(context.Background())
	defer stopWatch()
	var watching sync.WaitGroup
	if watch != nil {
		watching.Go(func() { watch.run(following) })
	}
	pool := renderMix(opt.seed, opt.mix)
	began := time.Now()
	var sending sync.WaitGroup
	for i, s := range streams {
		sending.Go(func() {
			// Streams begin at different places of the mix, or all would send the same family at once.
			s.run(ctx, opt, pool, i*len(pool)/len(streams), began)
		})
	}
	sending.Wait()
	for _, s := range streams {
		rep.Sent += s.sent
		rep.Bytes += s.bytes
		err = errors.Join(err, s.err)
		for _, h := range s.hosts {
			rep.Senders = append(rep.Senders, h.report(s.conn.LocalAddr().String()))
		}
	}
	slices.SortFunc(rep.Senders, func(a, b senderReport) int { return a.Sender - b.Sender })
	rep.finish(began)
	if watch != nil {
		watch.wait(rep.Sent, opt.drain)
		stopWatch()
		watching.Wait()
		rep.Latency = watch.report()
		err = errors.Join(err, watch.err)
	}
	return err
}

func openStreams(opt options) ([]*stream, error) {
	config, err := opt.tls.config()
	if err != nil {
		return nil, err
	}
	var streams []*stream
	for c := range opt.conns {
		conn, err := dial(opt, c, config)
		if err != nil {
			return streams, err
		}
		hosts := newSenders(opt, c, opt.conns)
		s := &stream{
			conn: conn, hosts: hosts, rate: opt.rate / float64(opt.conns), // as the lines are shared out, or those with fewer hosts end later
			count: opt.count/uint64(opt.conns) + b2u(uint64(c) < opt.count%uint64(opt.conns)),
		}
		streams = append(streams, s)
		if u, ok := conn.(*net.UDPConn); ok {
			if s.many, err = newBatchSender(u); err != nil {
				return streams, err
			}
		}
	}
	return streams, nil
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// dial connects from a loopback address of the connection's own, so that the collector sees
// several peers. Where the system has only 127.0.0.1 (or for ::1), the port alone differs.
func dial(opt options, c int, config *tls.Config) (net.Conn, error) {
	network, local := "tcp", netip.AddrPort{}
	if opt.proto == "udp" {
		network = "udp"
	}
	if opt.addr.Addr().Is4() {
		local = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(c / 250), byte(1 + c%250)}), 0)
	}
	conn, err := dialFrom(network, local, opt.addr)
	if err != nil && local.IsValid() {
		conn, err = dialFrom(network, netip.AddrPort{}, opt.addr)
	}
	if err != nil {
		return nil, err
	}
	if u, ok := conn.(*net.UDPConn); ok {
		_ = u.SetWriteBuffer(4 << 20) // What is granted is good enough.
	}
	if opt.proto == "tls" {
		return tls.Client(conn, config), nil
	}
	return conn, nil
}

func dialFrom(network string, local, remote netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	switch {
	case !local.IsValid():
	case network == "udp":
		d.LocalAddr = net.UDPAddrFromAddrPort(local)
	default:
		d.LocalAddr = net.TCPAddrFromAddrPort(local)
	}
	return d.Dial(network, remote.String())
}

func (f tlsFiles) config() (*tls.Config, error) {
	config := &tls.Config{ServerName: "localhost", InsecureSkipVerify: f.insecure} // Asked for, and loopback only.
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("read -ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read -ca: %s: no certificate in it", f.ca)
		}
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, fmt.Errorf("read -cert and -key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Bounds of one write: about how many bytes, and how many datagrams.
const (
	maxWrite     = 64 << 10
	maxDatagrams = 64
)

// maxLate is how far behind its schedule a stream may be and still catch up: a pause of the scheduler must not cost the
// rate, nor a stall of this machine become a burst.
const maxLate = 20 * time.Millisecond

// run sends the stream's lines until count, time, ctx or an error ends it.
func (s *stream) run(ctx context.Context, opt options, pool []template, at int, began time.Time) {
	deadline := began.Add(opt.span)
	_ = s.conn.SetWriteDeadline(deadline.Add(5 * time.Second)) // A collector that stopped reading ends us.
	burst := uint64(1 << 30)
	if s.rate > 0 {
		burst = max(1, uint64(s.rate/1000)) // A millisecond's worth.
	}
	datagrams := opt.proto == "udp"
	pace := pacer{rate: s.rate, due: began}
	var stamp stamper
	var buf []byte
	ends := make([]int, 0, 1024) // of each line in buf
	for s.sent < s.count && s.err == nil {
		now := pace.wait(burst)
		if now.After(deadline) || ctx.Err() != nil {
			return
		}
		todo := min(burst, s.count-s.sent)
		for todo > 0 && s.err == nil {
			buf, ends = buf[:0], ends[:0]
			text := stamp.at(now)
			for todo > 0 && len(buf) < maxWrite && (!datagrams || len(ends) < maxDatagrams) {
				h := &s.hosts[(s.sent+uint64(len(ends)))%uint64(len(s.hosts))]
				buf = appendFramed(buf, &pool[at], text, h.number, h.next+uint64(len(ends)/len(s.hosts)), opt)
				ends = append(ends, len(buf))
				if at++; at == len(pool) {
					at = 0
				}
				todo--
			}
			s.write(buf, ends)
			if s.rate == 0 {
				break // Look at the clock again.
			}
		}
	}
}

// write sends buf and accounts for the lines that went out whole.
func (s *stream) write(buf []byte, ends []int) {
	now := time.Now()
	first := s.sent
	if s.hosts[0].times != nil { // Before the write: the line may appear before it returns.
		for i := range ends {
			s.hosts[(first+uint64(i))%uint64(len(s.hosts))].times.add(now)
		}
	}
	var n int
	var err error
	if s.many != nil {
		n, err = sendEach(s.many, buf, ends)
	} else {
		n, err = s.conn.Write(buf)
	}
	if err != nil {
		s.err = fmt.Errorf("send from %s: %w", s.conn.LocalAddr(), err)
	}
	for i, end := range ends {
		if end > n {
			break
		}
		s.hosts[(first+uint64(i))%uint64(len(s.hosts))].next++
		s.sent++
	}
	s.bytes += uint64(n)
}

// batchSender sends datagrams: those of buf that end at ends, the first of which begins at start. It returns how many
// went out; the error is about the one after them.
type batchSender interface {
	send(buf []byte, start int, ends []int) (int, error)
}

// sendEach sends all datagrams of buf and returns the bytes of those that went out.
func sendEach(s batchSender, buf []byte, ends []int) (sent int, err error) {
	for again := false; len(ends) > 0; {
		k, err := s.send(buf, sent, ends)
		if k > 0 {
			sent, ends, again = ends[k-1], ends[k:], false
		}
		if err != nil && again {
			return sent, err
		}
		again = err != nil // The first time it was about an earlier datagram that nobody took.
	}
	return sent, nil
}

// oneByOne sends each datagram with a call of its own, on every system.
type oneByOne struct{ conn *net.UDPConn }

func (o oneByOne) send(buf []byte, start int, ends []int) (int, error) {
	for i, end := range ends {
		if _, err := o.conn.Write(buf[start:end]); err != nil {
			return i, err
		}
		start = end
	}
	return len(ends), nil
}

func appendFramed(buf []byte, t *template, stamp []byte, host int, number uint64, opt options) []byte {
	if opt.proto == "udp" {
		return t.appendLine(buf, stamp, host, number)
	}
	switch opt.framing {
	case "octet":
		buf = strconv.AppendInt(buf, int64(len(t.text)), 10)
		buf = append(buf, ' ')
		return t.appendLine(buf, stamp, host, number)
	case "crlf":
		return append(t.appendLine(buf, stamp, host, number), '\r', '\n')
	case "nul":
		return append(t.appendLine(buf, stamp, host, number), 0)
	default:
		return append(t.appendLine(buf, stamp, host, number), '\n')
	}
}

// pacer spreads lines over time.
type pacer struct {
	rate float64   // lines a second; 0 = no waiting
	due  time.Time // of the next burst
}

// wait sleeps until the next burst of n lines is due and returns the time then.
func (p *pacer) wait(n uint64) time.Time {
	now := time.Now()
	if p.rate == 0 {
		return now
	}
	if d := p.due.Sub(now); d > 0 {
		time.Sleep(d)
		now = time.Now()
	}
	if now.Sub(p.due) > maxLate {
		p.due = now.Add(-maxLate)
	}
	p.due = p.due.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
	return now
}
