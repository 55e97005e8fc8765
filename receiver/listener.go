package receiver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"vswarden/retry"
	"vswarden/setting"
)

// Listener is one bound socket.
type Listener struct {
	name   string
	id     uint16
	proto  Transport
	log    zerolog.Logger
	stats  Stats
	seldom seldom

	policy atomic.Pointer[policy]
	reload sync.Mutex // held while policy is being replaced

	udp *net.UDPConn
	tcp *net.TCPListener

	kernelDrops kernelDrops
	crowded     atomic.Int64 // when the UDP socket was last seen half full, Unix nanoseconds
	buffers     *buffers
	streams     streams
	handshakes  handshakes
	fileCheck   time.Duration // how often TLS files are looked at
}

// drainTime is how long what the kernel has already taken in is still read after the end.
const drainTime = 250 * time.Millisecond

// Listen binds the socket of cfg. The error names the address and what to do.
func Listen(cfg Config, log zerolog.Logger) (*Listener, error) {
	if faults := cfg.Validate(); len(faults) > 0 {
		return nil, setting.Faults(faults)
	}
	proto, hostport, err := splitAddress(cfg.Address)
	if err != nil {
		return nil, err
	}
	if proto == Netlink {
		return nil, fmt.Errorf("listen on %s: no socket: package linkwatch serves it", cfg.Address)
	}
	if cfg.Name == "" {
		cfg.Name = cfg.Address
	}
	p, err := newPolicy(cfg)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", cfg.Address, err)
	}
	l := &Listener{
		name: cfg.Name, id: ListenerID(cfg.Name), proto: proto, buffers: newBuffers(), fileCheck: fileCheck,
		log: log.With().Str("listener", cfg.Name).Logger(),
	}
	l.policy.Store(p)
	if proto == UDP {
		err = l.listenUDP(hostport, cfg.ReceiveBuffer)
	} else {
		err = l.listenTCP(hostport, cfg.MaxConnections)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w%s", cfg.Address, err, cure(err))
	}
	return l, nil
}

// family is the network to listen on: 0.0.0.0 is every IPv4 address and none of IPv6.
func family(network, hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return network
	}
	if a, err := netip.ParseAddr(host); err == nil && a.Is4() {
		return network + "4"
	}
	return network
}

func (l *Listener) listenUDP(hostport string, buffer setting.Bytes) error {
	network := family("udp", hostport)
	addr, err := net.ResolveUDPAddr(network, hostport)
	if err != nil {
		return err
	}
	if l.udp, err = net.ListenUDP(network, addr); err != nil {
		return err
	}
	granted, err := setReceiveBuffer(l.udp, int(buffer))
	e := l.log.Info()
	if err != nil || granted > 0 && granted < int(buffer) {
		e = l.log.Warn().Err(err).Str("cure", "sysctl -w net.core.rmem_max="+fmt.Sprint(int64(buffer))+", or give the program CAP_NET_ADMIN")
	}
	e.Stringer("asked", buffer).Stringer("granted", setting.Bytes(granted)).Msg("udp receive buffer")
	if err := l.kernelDrops.open(l.udp); err != nil {
		l.log.Warn().Err(err).Msg("datagrams dropped by the kernel cannot be counted here")
	}
	return nil
}

func (l *Listener) listenTCP(hostport string, connections int) error {
	network := family("tcp", hostport)
	addr, err := net.ResolveTCPAddr(network, hostport)
	if err != nil {
		return err
	}
	if l.tcp, err = net.ListenTCP(network, addr); err != nil {
		return err
	}
	if limit, err := raiseFileLimit(uint64(connections) + reservedFiles); err != nil {
		l.log.Warn().Err(err).Uint64("files", limit).Int("max_connections", connections).
			Str("cure", "raise LimitNOFILE in the service, or ulimit -n").Msg("more connections allowed than files")
	}
	return nil
}

// reservedFiles are the open files that are not connections.
const reservedFiles = 256

// Addr is the address really bound.
func (l *Listener) Addr() net.Addr {
	if l.udp != nil {
		return l.udp.LocalAddr()
	}
	return l.tcp.Addr()
}

// Name is the configured name, or the address.
func (l *Listener) Name() string { return l.name }

// Proto is udp, tcp or tls.
func (l *Listener) Proto() string { return l.proto.String() }

// Stats returns the counters, which go on counting.
func (l *Listener) Stats() *Stats {
	if l.udp != nil {
		l.stats.KernelDrops.Store(l.kernelDrops.read())
	}
	return &l.stats
}

// Behind reports whether the socket's buffer is, or was a moment ago, half full or more, so that datagrams will be lost unless
// they are read sooner. Connections are never behind: their senders wait.
func (l *Listener) Behind() bool { return l.behindAt(time.Now()) }

func (l *Listener) behindAt(now time.Time) bool {
	since := time.Duration(now.UnixNano() - l.crowded.Load())
	return since >= 0 && since < behindTime // less than nothing: the clock was set back
}

// Close gives back the socket of a listener that never served.
func (l *Listener) Close() error {
	if l.udp != nil {
		return l.udp.Close()
	}
	return l.tcp.Close()
}

// Serve hands every frame to h until ctx ends; what the kernel took in before is read for
// a moment longer. It returns nil then, when all that it started is gone and the socket is closed;
// otherwise the error that broke the socket. h runs in many goroutines at once, but in only one
// per connection. It may block: the sender of a TCP connection waits then, and datagrams are lost
// once the kernel's buffer is full.
func (l *Listener) Serve(ctx context.Context, h Handler) error {
	if l.udp != nil {
		return l.serveUDP(ctx, h)
	}
	return l.serveTCP(ctx, h)
}

// handle gives one batch to h and keeps the books.
func (l *Listener) handle(h Handler, batch []Frame) {
	if len(batch) == 0 {
		return
	}
	t := batch[0].Transport
	var size uint64
	for i := range batch {
		size += uint64(len(batch[i].Data))
		if f := batch[i].Flags; f != 0 {
			if f&Truncated != 0 {
				l.stats.Truncated.Add(1)
			}
			if f&Unfinished != 0 {
				l.stats.Unfinished.Add(1)
			}
		}
	}
	l.stats.Frames[t].Add(uint64(len(batch)))
	l.stats.Bytes[t].Add(size)
	if err := h(batch); err != nil {
		lost, reason := len(batch), HandlerRefused
		if d, ok := errors.AsType[*Dropped](err); ok {
			lost, reason = min(d.Frames, lost), min(d.Reason, dropReasons-1)
		}
		l.stats.Dropped[t][reason].Add(uint64(lost))
		if l.seldom.allow(netip.Addr{}, time.Now()) {
			l.log.Error().Err(err).Int("frames", lost).Msg("frames dropped")
		}
	}
}

// backoff waits longer each time, up to a second, and says whether ctx is still alive.
func backoff(ctx context.Context, attempt int) bool {
	return retry.Sleep(ctx, min(5*time.Millisecond<<min(attempt, 8), time.Second))
}

// cure says what to do about an address that cannot be bound.
func cure(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return ": ports below 1024 need root or CAP_NET_BIND_SERVICE; choose a higher port, or grant it (AmbientCapabilities in the service)"
	case errors.Is(err, syscall.EADDRINUSE):
		return ": another program has it (ss -lnptu shows which); stop that one or choose another port"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return ": no interface of this machine has that address; leave the host out to listen on all"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return ": write an address of this machine, or leave the host out to listen on all"
	}
	return ""
}
