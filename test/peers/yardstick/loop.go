//go:build linux

package main

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"hash/crc32"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// sinks are the output and, where wanted, the log: one write for each read of a socket.
type sinks struct {
	mu  sync.Mutex
	out *os.File
	log *os.File
	err error
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// keep writes what came to the log.
func (s *sinks) keep(b []byte) {
	if s.log == nil {
		return
	}
	var head [8]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(b)))
	binary.LittleEndian.PutUint32(head[4:], crc32.Checksum(b, castagnoli))
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, s.err = s.log.Write(head[:]); s.err == nil {
		_, s.err = s.log.Write(b)
	}
}

func (s *sinks) write(b []byte) {
	if len(b) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		_, s.err = s.out.Write(b)
	}
}

// loop does as little as can be done until end.
func loop(opt options, end <-chan os.Signal) error {
	s := &sinks{out: opt.out}
	if opt.log != "" {
		f, err := os.Create(opt.log)
		if err != nil {
			return err
		}
		s.log = f
		go func() {
			for range time.Tick(20 * time.Millisecond) {
				_ = syscall.Fdatasync(int(f.Fd())) // a yardstick, not a promise
			}
		}()
	}
	tcp, err := net.Listen("tcp4", opt.tcp)
	if err != nil {
		return err
	}
	secure, err := tls.Listen("tcp4", opt.tls, opt.pair)
	if err != nil {
		return err
	}
	addr, err := net.ResolveUDPAddr("udp4", opt.udp)
	if err != nil {
		return err
	}
	udp, err := net.ListenUDP("udp4", addr)
	if err != nil {
		return err
	}
	if err := wide(udp); err != nil {
		return err
	}
	go accept(tcp, s, opt.size)
	go accept(secure, s, opt.size)
	go datagrams(udp, s, opt.size)
	<-end
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func accept(l net.Listener, s *sinks, size int) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go stream(conn, s, size)
	}
}

// stream serves one connection.
func stream(conn net.Conn, s *sinks, size int) {
	in := make([]byte, 256<<10)
	out := make([]byte, 0, 1<<20)
	e := fields{size: size}
	for have := 0; ; {
		n, err := conn.Read(in[have:])
		s.keep(in[have : have+n])
		have += n
		rest := in[:have]
		out = out[:0]
		for {
			line, more, whole := bytes.Cut(rest, []byte{'\n'})
			if !whole {
				break
			}
			rest = more
			if len(line) > 0 && line[0] >= '1' && line[0] <= '9' { // an octet count is taken off, not believed
				_, line, _ = bytes.Cut(line, []byte{' '})
			}
			if e.parse(line) {
				out = e.append(out)
			}
		}
		s.write(out)
		have = copy(in, rest)
		if err != nil || have == len(in) {
			return
		}
	}
}

// datagrams serves the UDP socket.
func datagrams(conn *net.UDPConn, s *sinks, size int) {
	in := make([]byte, 64<<10)
	var mu sync.Mutex
	out := make([]byte, 0, 1<<20)
	go func() {
		for range time.Tick(50 * time.Millisecond) {
			mu.Lock()
			s.write(out)
			out = out[:0]
			mu.Unlock()
		}
	}()
	e := fields{size: size}
	for {
		n, _, err := conn.ReadFromUDPAddrPort(in)
		if err != nil {
			return
		}
		s.keep(in[:n])
		mu.Lock()
		if e.parse(in[:n]) {
			out = e.append(out)
		}
		if len(out) > 512<<10 {
			s.write(out)
			out = out[:0]
		}
		mu.Unlock()
	}
}

// fields are those of "<PRI>stamp host tag: text".
type fields struct {
	pri                     byte
	stamp, host, app, words []byte

	size int // bytes that an event is to have on average; 0 = as many as it takes
	owed int // bytes that the events so far lack of that
}

func (e *fields) parse(b []byte) bool {
	i := bytes.IndexByte(b, '>')
	if i < 2 || i > 4 || b[0] != '<' {
		return false
	}
	e.pri = 0
	for _, c := range b[1:i] {
		e.pri = e.pri*10 + c - '0'
	}
	var a, h, t bool
	e.stamp, b, a = bytes.Cut(b[i+1:], []byte{' '})
	e.host, b, h = bytes.Cut(b, []byte{' '})
	e.app, e.words, t = bytes.Cut(b, []byte{':'})
	e.words = bytes.TrimPrefix(e.words, []byte{' '})
	return a && h && t
}

func (e *fields) append(out []byte) []byte {
	from := len(out)
	severities := [8]string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
	out = text(append(out, `{"timestamp":"`...), e.stamp)
	out = text(append(out, `","hostname":"`...), e.host)
	out = text(append(out, `","app":"`...), e.app)
	out = append(append(out, `","severity":"`...), severities[e.pri&7]...)
	out = append(out, `","facility":`...)
	if f := e.pri >> 3; f > 9 {
		out = append(out, '0'+f/10, '0'+f%10)
	} else {
		out = append(out, '0'+f)
	}
	out = append(text(append(out, `,"message":"`...), e.words), '"')
	if e.size > 0 {
		const pad = `,"pad":""`
		e.owed += e.size - (len(out) - from) - len(pad) - len("}\n")
		n := min(max(0, e.owed), len(padding))
		out = append(append(append(out, pad[:len(pad)-1]...), padding[:n]...), '"')
		e.owed -= n
	}
	return append(out, "}\n"...)
}

// padding fills events up; read-only.
var padding = strings.Repeat("x", 4096)

// text appends s as the inside of a JSON string.
func text(out, s []byte) []byte {
	const hex = "0123456789abcdef"
	from := 0
	for i, c := range s {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		out = append(out, s[from:i]...)
		if c < ' ' {
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		} else {
			out = append(out, '\\', c)
		}
		from = i + 1
	}
	return append(out, s[from:]...)
}
