package receiver

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

const esxiLine = "<166>2025-07-01T14:29:11.508Z esx-01.example.com Hostd[263196]: [Originator@6876 sub=Vimsvc.TaskManager opID=5f1c7a20-8a21 sid=52af9b1c user=vpxuser] Task Created : haTask-ha-host-vim.host.NetworkSystem.updatePortGroup-170943218"

// endless is a connection that gives the same line again and again, some lines with each read.
type endless struct {
	net.Conn
	lines string
	at    int // of the next byte in lines
	left  int // bytes until it ends
}

func (c *endless) SetReadDeadline(time.Time) error { return nil }

func (c *endless) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p, c.lines[c.at:])
	c.at = (c.at + n) % len(c.lines)
	c.left -= n
	return n, nil
}

func newEndless(total, perRead int) *endless {
	line := esxiLine + "\n"
	return &endless{lines: strings.Repeat(line, perRead), left: total * len(line)}
}

// bareListener has no socket.
func bareListener() *Listener {
	l := &Listener{buffers: newBuffers()}
	l.policy.Store(&policy{cfg: DefaultConfig()})
	return l
}

func bareStream(l *Listener, conn net.Conn) *stream {
	return &stream{l: l, conn: conn, src: conn, origin: Origin{Transport: TCP}}
}

// TestStreamAllocs holds the path of a line through a connection to no allocation: a thousand
// times as many lines must not allocate more.
func TestStreamAllocs(t *testing.T) {
	l := bareListener()
	allocs := func(lines int) float64 {
		return testing.AllocsPerRun(10, func() {
			s := bareStream(l, newEndless(lines, 10))
			s.serve(func([]Frame) error { return nil })
		})
	}
	if few, many := allocs(100), allocs(100000); many > few+5 && !raceEnabled { // a garbage collection may empty the pool
		t.Errorf("100 lines allocate %v times, 100000 lines %v", few, many)
	}
}

// BenchmarkStream is the cost of a line on a connection without the kernel.
func BenchmarkStream(b *testing.B) {
	for _, perRead := range []int{1, 16, 256} {
		b.Run(fmt.Sprint("lines_", perRead), func(b *testing.B) {
			l := bareListener()
			s := bareStream(l, newEndless(b.N, perRead))
			b.SetBytes(int64(len(esxiLine) + 1))
			b.ReportAllocs()
			b.ResetTimer()
			s.serve(func([]Frame) error { return nil })
			if got := l.stats.Frames[TCP].Load(); got < uint64(b.N) {
				b.Fatal(got, b.N)
			}
		})
	}
}

// BenchmarkTCP sends lines over a loopback connection.
func BenchmarkTCP(b *testing.B) {
	done, left := make(chan struct{}), b.N
	calls := 0
	l := serve(b, config("tcp://127.0.0.1:0"), func(batch []Frame) error {
		calls++
		if left -= len(batch); left <= 0 {
			close(done)
		}
		return nil
	})
	conn := dial(b, l)
	chunk := strings.Repeat(esxiLine+"\n", 256)
	b.SetBytes(int64(len(esxiLine) + 1))
	b.ReportAllocs()
	b.ResetTimer()
	for n := b.N; n > 0; n -= 256 {
		if _, err := io.WriteString(conn, chunk[:min(n, 256)*(len(esxiLine)+1)]); err != nil {
			b.Fatal(err)
		}
	}
	<-done
	b.ReportMetric(float64(b.N)/float64(calls), "lines/call")
}

// BenchmarkUDP drains datagrams that wait in the socket, without any cost of the handler.
// It decides between the readers.
func BenchmarkUDP(b *testing.B) {
	for _, name := range []string{"batch", "one"} {
		b.Run(name, func(b *testing.B) {
			conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if _, err := setReceiveBuffer(conn, 64<<20); err != nil {
				b.Fatal(err)
			}
			r, err := newBatchReader(conn)
			if err != nil {
				b.Fatal(err)
			}
			if name == "one" {
				r = newOneByOne(conn)
			}
			from, err := net.DialUDP("udp", nil, conn.LocalAddr().(*net.UDPAddr))
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = from.Close() }()
			l := bareListener()
			batch, calls := make([]Frame, 0, udpBatch), 0
			b.ReportAllocs()
			b.ResetTimer()
			const fill = 500 // as much as a default socket buffer may hold
			for left := b.N; left > 0; {
				b.StopTimer()
				n := min(left, fill)
				for range n {
					if _, err := io.WriteString(from, esxiLine); err != nil {
						b.Fatal(err)
					}
				}
				b.StartTimer()
				for got := 0; got < n; {
					k, err := r.read()
					if err != nil {
						b.Fatal(err)
					}
					batch = l.datagrams(batch[:0], new([udpBatch]Origin), r, k, nil)
					l.handle(func([]Frame) error { calls++; return nil }, batch)
					got += k
				}
				left -= n
			}
			b.ReportMetric(float64(b.N)/float64(calls), "lines/call")
		})
	}
}
