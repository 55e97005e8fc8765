package receiver

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

const (
	maxDatagram = 64 << 10 // more than IPv4 and IPv6 can carry
	udpBatch    = 64       // datagrams taken in one go

	// behindTime is how long a listener is behind after its socket was half full. It was emptied many times in between: who
	// gives way to the reader must go on with it, or it comes back to a socket that is as full as before.
	behindTime = time.Second
)

// batchReader reads datagrams. After read has returned n, datagram(i) is the i-th of them until
// the next read. Read waits for the first one only, not past the connection's deadline.
type batchReader interface {
	read() (n int, err error)
	datagram(i int) (data []byte, peer netip.AddrPort)
	// crowded says whether the socket's buffer is half full or more, as far as that can be known.
	crowded() bool
}

func (l *Listener) serveUDP(ctx context.Context, h Handler) error {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() {
		<-ctx.Done()
		_ = l.udp.SetReadDeadline(time.Now().Add(drainTime)) // the socket is open until read is done
	})
	err := l.readUDP(ctx, h)
	cancel()
	all.Wait()
	l.Stats() // the last look at the kernel's counter
	_ = l.udp.Close()
	return err
}

func (l *Listener) readUDP(ctx context.Context, h Handler) error {
	r, err := newBatchReader(l.udp)
	if err != nil {
		return err
	}
	batch, origins := make([]Frame, 0, udpBatch), new([udpBatch]Origin)
	relays := relayNames{}
	for failed := 0; ; {
		n, err := r.read()
		switch {
		case err == nil:
			failed = 0
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		default:
			l.stats.SocketErrors.Add(1)
			if l.seldom.allow(netip.IPv4Unspecified(), time.Now()) {
				l.log.Error().Err(err).Msg("read datagram")
			}
			backoff(ctx, failed)
			failed++
			continue
		}
		if n == udpBatch && r.crowded() {
			l.crowded.Store(time.Now().UnixNano())
		}
		batch = l.datagrams(batch[:0], origins, r, n, relays)
		l.handle(h, batch)
	}
}

// datagrams makes frames of the n datagrams in r. Those of one peer that follow upon each other share their origin.
func (l *Listener) datagrams(batch []Frame, origins *[udpBatch]Origin, r batchReader, n int, relays relayNames) []Frame {
	now, p := time.Now(), l.policy.Load()
	for i := range n {
		data, peer := r.datagram(i)
		peer = plainAddrPort(peer)
		if !p.allows(peer.Addr()) {
			l.stats.RefusedDatagrams.Add(1)
			if l.seldom.allow(peer.Addr(), now) {
				l.log.Warn().Stringer("peer", peer).Stringer("reason", NotAllowed).Msg("datagram refused")
			}
			continue
		}
		data = datagram(data)
		if len(data) == 0 {
			l.stats.Empty.Add(1)
			continue
		}
		f := Frame{Framing: Datagram, Data: data}
		if most := int(p.cfg.MaxFrame); len(data) > most {
			l.stats.SkippedBytes.Add(uint64(len(data) - most))
			f.Data, f.Flags = data[:most], Truncated
		}
		if k := len(batch); k > 0 && batch[k-1].Peer == peer {
			f.Origin = batch[k-1].Origin
		} else {
			f.Origin = &origins[i]
			*f.Origin = Origin{Received: now, Peer: peer, Transport: UDP, Listener: l.id}
			if len(p.relays) > 0 && p.relays.contain(peer.Addr()) {
				f.Relay = relays.name(peer.Addr())
			}
		}
		batch = append(batch, f)
	}
	return batch
}

// relayNames spares a string for each datagram of a relay. It forgets all when there are many.
type relayNames map[netip.Addr]string

const maxRelayNames = 1024

func (r relayNames) name(a netip.Addr) string {
	s, ok := r[a]
	if !ok {
		if len(r) >= maxRelayNames {
			clear(r)
		}
		s = a.String()
		r[a] = s
	}
	return s
}

// oneByOne reads one datagram at a time, on every system.
type oneByOne struct {
	conn *net.UDPConn
	buf  []byte
	n    int
	peer netip.AddrPort
}

func newOneByOne(conn *net.UDPConn) *oneByOne {
	return &oneByOne{conn: conn, buf: make([]byte, maxDatagram)}
}

func (r *oneByOne) read() (int, error) {
	var err error
	r.n, r.peer, err = r.conn.ReadFromUDPAddrPort(r.buf)
	if err != nil {
		return 0, err
	}
	return 1, nil
}

func (r *oneByOne) crowded() bool { return false }

func (r *oneByOne) datagram(int) ([]byte, netip.AddrPort) { return r.buf[:r.n], r.peer }
