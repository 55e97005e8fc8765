//go:build linux

// Command yardstick is what vswarden is measured against: the least that any collector must do, and the program
// that somebody writes in an afternoon.
//
//	yardstick -what loop -out FILE -tcp 127.0.0.1:5514 [-log FILE] [-size BYTES]
//	yardstick -what gosyslog -out FILE -tcp 127.0.0.1:5514
//
// Neither keeps what it has not written, says what it lost, or joins anything.
package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
)

type options struct {
	out           *os.File
	log           string
	size          int
	tcp, udp, tls string
	pair          *tls.Config
}

func main() {
	if err := run(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "yardstick:", err)
		os.Exit(1)
	}
}

func run() error {
	var opt options
	what := flag.String("what", "loop", "loop or gosyslog")
	out := flag.String("out", "", "`FILE` for events")
	flag.StringVar(&opt.log, "log", "", "loop: `FILE` for all that came, with checksums, synced every 20 ms")
	flag.IntVar(&opt.size, "size", 0, "loop: `BYTES` that an event is to have on average; 0: as many as it takes")
	flag.StringVar(&opt.tcp, "tcp", "", "address")
	flag.StringVar(&opt.udp, "udp", "", "address")
	flag.StringVar(&opt.tls, "tls", "", "address")
	cert := flag.String("cert", "", "PEM")
	key := flag.String("key", "", "PEM")
	flag.Parse()
	pair, err := tls.LoadX509KeyPair(*cert, *key)
	if err != nil {
		return err
	}
	opt.pair = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if opt.out, err = os.Create(*out); err != nil {
		return err
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, os.Interrupt)
	switch *what {
	case "loop":
		err = loop(opt, end)
	case "gosyslog":
		err = goSyslog(opt, end)
	default:
		err = fmt.Errorf("-what %s is not loop or gosyslog", *what)
	}
	return errors.Join(err, opt.out.Close())
}

// wide gives a UDP socket the buffer that all programs get.
func wide(conn *net.UDPConn) error {
	const size, force = 32 << 20, 33 // SO_RCVBUFFORCE
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var refused error
	err = raw.Control(func(fd uintptr) {
		if refused = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, force, size); refused != nil {
			refused = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, size)
		}
	})
	return errors.Join(err, refused)
}
