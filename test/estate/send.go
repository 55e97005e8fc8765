package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// senders are the connections of all hosts to the collector.
type senders struct {
	proto, addr string
	wg          sync.WaitGroup
	sent        atomic.Int64
	lost        atomic.Int64 // never got out
	shared      atomic.Bool  // hosts could not send from addresses of their own
}

// sender is one host's. Lines wait in it while the collector is away.
type sender struct {
	all   *senders
	from  net.IP
	queue chan string
}

// maxWaiting bounds what a host keeps for a collector that is away.
const maxWaiting = 1 << 16

func (s *senders) open(ctx context.Context, h *host) *sender {
	out := &sender{all: s, from: h.addr.AsSlice(), queue: make(chan string, maxWaiting)}
	s.wg.Go(func() { out.run(ctx) })
	return out
}

func (o *sender) send(line string) {
	select {
	case o.queue <- line:
	default:
		o.all.lost.Add(1)
	}
}

// run sends what comes until the queue is closed or ctx ends.
func (o *sender) run(ctx context.Context) {
	var conn net.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close() // All is written.
		}
	}()
	for line := range o.queue {
		for ctx.Err() == nil {
			if conn == nil {
				c, err := o.dial(ctx)
				if err != nil {
					pause(ctx, 100*time.Millisecond)
					continue
				}
				conn = c
			}
			text := line
			if o.all.proto != "udp" {
				text += "\n"
			}
			_ = conn.SetWriteDeadline(time.Now().Add(5 * time.Second)) // Write says it.
			if _, err := conn.Write([]byte(text)); err != nil {
				_ = conn.Close() // It is of no use.
				conn = nil
				continue
			}
			o.all.sent.Add(1)
			break
		}
		if ctx.Err() != nil {
			o.all.lost.Add(1)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// dial connects from the host's own address where the system has it (Linux has all of 127/8).
func (o *sender) dial(ctx context.Context) (net.Conn, error) {
	network := "tcp"
	var local net.Addr = &net.TCPAddr{IP: o.from}
	if o.all.proto == "udp" {
		network, local = "udp", &net.UDPAddr{IP: o.from}
	}
	d := net.Dialer{LocalAddr: local, Timeout: 2 * time.Second}
	conn, err := d.DialContext(ctx, network, o.all.addr)
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		o.all.shared.Store(true)
		d.LocalAddr = nil
		conn, err = d.DialContext(ctx, network, o.all.addr)
	}
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if o.all.proto == "tls" {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // A test program on loopback.
	}
	return conn, nil
}
