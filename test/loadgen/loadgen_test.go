package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// printed returns what -proto stdout prints, by lines.
func printed(t *testing.T, args ...string) []string {
	t.Helper()
	opt, err := parseFlags(append([]string{"-proto", "stdout"}, args...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	var rep report
	if err := printLines(&out, opt, &rep); err != nil {
		t.Fatal(err)
	}
	if rep.Bytes != uint64(out.Len()) {
		t.Errorf("reported %d bytes, printed %d", rep.Bytes, out.Len())
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestMix(t *testing.T) {
	lines := printed(t, "-n", "4000")
	if len(lines) != 4000 {
		t.Fatalf("%d lines, want 4000", len(lines))
	}
	families := []struct {
		name     string
		match    *regexp.Regexp
		perMille int
	}{
		{"hostd and vpxa", regexp.MustCompile(`^<16[46]>\S+ \S+ (Hostd|Vpxa)(\[\d+\])?: .*opID=\S*seq\d{4}-\d{10}-`), hostdVpxa},
		{"vobd", regexp.MustCompile(`^<14>\S+ \S+ vobd:  \[netCorrelator\] \d+us: \[.* seq\d{4}-\d{10}$`), vobd},
		{"vmkernel", regexp.MustCompile(`^<182>\S+ \S+ vmkernel: cpu\d+:\d+\)[A-Z].* seq\d{4}-\d{10}$`), vmkernel},
		{"L2Sec", regexp.MustCompile(`L2Sec_EnforcePortCompliance:.*client app-\d+-seq\d{4}-\d{10}\.eth\d `), l2sec},
	}
	total := 0
	for _, line := range lines {
		total += len(line)
	}
	for _, f := range families {
		n := 0
		for _, line := range lines {
			if f.match.MatchString(line) {
				n++
			}
		}
		if n != f.perMille*rounds {
			t.Errorf("%s: %d lines of %d, want %d", f.name, n, len(lines), f.perMille*rounds)
		}
	}
	if mean := float64(total) / float64(len(lines)); mean < 220 || mean > 240 {
		t.Errorf("%.1f bytes a line, want about 230", mean)
	}
}

func TestPrintedLinesAreAFunctionOfTheSeed(t *testing.T) {
	a, b, c := printed(t, "-n", "100"), printed(t, "-n", "100"), printed(t, "-n", "100", "-seed", "2")
	if strings.Join(a, "\n") != strings.Join(b, "\n") {
		t.Error("two runs with one seed differ")
	}
	if strings.Join(a, "\n") == strings.Join(c, "\n") {
		t.Error("two seeds give the same lines")
	}
}

func TestEachHostCountsItsOwnLines(t *testing.T) {
	next := map[int]uint64{7: 5, 8: 5, 9: 5}
	for _, line := range printed(t, "-n", "3000", "-hosts", "3", "-first-host", "7", "-first", "5") {
		host, number, ok := findToken([]byte(line))
		if !ok {
			t.Fatalf("no token: %s", line)
		}
		if !strings.Contains(line, " "+hostName(host)+" ") {
			t.Fatalf("token of host %d in a line of another: %s", host, line)
		}
		if number != next[host] {
			t.Fatalf("host %d: number %d, want %d", host, number, next[host])
		}
		next[host]++
	}
	if len(next) != 3 || next[7] != 1005 {
		t.Errorf("hosts at %v, want 3 hosts at 1005", next)
	}
}

func TestLinesOfOneTemplateAllocateNothing(t *testing.T) {
	pool := renderMix(1, mixDay)
	buf := make([]byte, 0, 4096)
	stamp := []byte("2026-11-20T10:00:00.000Z")
	if n := testing.AllocsPerRun(100, func() { buf = pool[0].appendLine(buf[:0], stamp, 1, 2) }); n != 0 {
		t.Errorf("%v allocations a line", n)
	}
}

func TestFlags(t *testing.T) {
	for _, args := range []string{
		"-addr 192.0.2.1:514", "-addr localhost", "-addr [2001:db8::1]:514", "-proto http", "-framing x",
		"-hosts 0", "-hosts 10001", "-hosts 2 -conns 3", "-rate -1", "-first 0", "more",
	} {
		if _, err := parseFlags(strings.Fields(args), io.Discard); err == nil {
			t.Errorf("%s: taken", args)
		}
	}
	for _, args := range []string{"", "-addr [::1]:514", "-addr 127.8.8.8:1", "-hosts 10000 -conns 10"} {
		if _, err := parseFlags(strings.Fields(args), io.Discard); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// readFrames takes frames off a connection as a collector would.
func readFrames(t *testing.T, conn net.Conn, framing string) (tokens [][2]uint64) {
	r := bufio.NewReader(conn)
	for {
		var line []byte
		var err error
		switch framing {
		case "octet":
			var n int
			count, e := r.ReadString(' ')
			if e != nil {
				return tokens
			}
			for _, c := range strings.TrimSuffix(count, " ") {
				n = n*10 + int(c-'0')
			}
			line = make([]byte, n)
			_, err = io.ReadFull(r, line)
		case "nul":
			line, err = r.ReadBytes(0)
		default:
			line, err = r.ReadBytes('\n')
		}
		if err != nil {
			return tokens
		}
		host, number, ok := findToken(line)
		if !ok || !bytes.HasPrefix(line, []byte("<")) {
			t.Errorf("frame is not a line: %q", line)
		}
		tokens = append(tokens, [2]uint64{uint64(host), number})
	}
}

func TestTCPKeepsTheOrderOfEachHost(t *testing.T) {
	for _, framing := range []string{"lf", "crlf", "nul", "octet"} {
		t.Run(framing, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			got := make(chan [][2]uint64)
			for range 2 {
				go func() {
					conn, err := l.Accept()
					if err != nil {
						got <- nil
						return
					}
					defer conn.Close()
					got <- readFrames(t, conn, framing)
				}()
			}
			opt, err := parseFlags([]string{"-addr", l.Addr().String(), "-proto", "tcp", "-framing", framing, "-n", "5001", "-hosts", "5", "-conns", "2"}, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			var rep report
			if err := sendLines(t.Context(), opt, &rep); err != nil {
				t.Fatal(err)
			}
			next := map[uint64]uint64{}
			total := 0
			for range 2 {
				for _, token := range <-got {
					if next[token[0]]++; next[token[0]] != token[1] {
						t.Fatalf("host %d: number %d where %d is due", token[0], token[1], next[token[0]])
					}
					total++
				}
			}
			if total != 5001 || rep.Sent != 5001 || len(rep.Senders) != 5 {
				t.Errorf("received %d, reported %d of %d senders", total, rep.Sent, len(rep.Senders))
			}
			for _, s := range rep.Senders {
				if s.Last != next[uint64(s.Sender)] {
					t.Errorf("host %d: reported up to %d, received %d", s.Sender, s.Last, next[uint64(s.Sender)])
				}
			}
		})
	}
}

func TestUDPSendsOneLineADatagram(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	opt, err := parseFlags([]string{"-addr", conn.LocalAddr().String(), "-proto", "udp", "-n", "50", "-hosts", "2"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var rep report
	if err := sendLines(t.Context(), opt, &rep); err != nil {
		t.Fatal(err)
	}
	peers := map[string]int{}
	buf := make([]byte, 4096)
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	for range 50 {
		n, peer, err := conn.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		if buf[0] != '<' || bytes.IndexByte(buf[:n], '\n') >= 0 {
			t.Fatalf("datagram %q", buf[:n])
		}
		peers[peer.String()]++
	}
	if len(peers) != 2 {
		t.Errorf("datagrams by peer %v, want 2 peers", peers)
	}
}

func TestBatchesAndSingleDatagramsAreTheSame(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	from, err := net.DialUDP("udp", nil, conn.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	many, err := newBatchSender(from)
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	var ends []int
	for i := range 3*maxDatagrams + 1 {
		text = fmt.Append(text, strings.Repeat("x", i%5), i)
		ends = append(ends, len(text))
	}
	in := make([]byte, 100)
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	for _, s := range []batchSender{many, oneByOne{from}} {
		if n, err := sendEach(s, text, ends); n != len(text) || err != nil {
			t.Fatalf("%d of %d bytes sent: %v", n, len(text), err)
		}
		for start, i := 0, 0; i < len(ends); i++ {
			n, err := conn.Read(in)
			if err != nil || string(in[:n]) != string(text[start:ends[i]]) {
				t.Fatalf("datagram %d is %q, want %q: %v", i, in[:n], text[start:ends[i]], err)
			}
			start = ends[i]
		}
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = sendEach(many, text, ends[:1]) }); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
}

// fewAtOnce takes three datagrams of a batch at most and fails as often as it is told.
type fewAtOnce struct {
	fail int
	got  []string
}

func (f *fewAtOnce) send(buf []byte, start int, ends []int) (int, error) {
	if f.fail--; f.fail >= 0 {
		return 0, io.ErrClosedPipe
	}
	n := min(3, len(ends))
	for _, end := range ends[:n] {
		f.got = append(f.got, string(buf[start:end]))
		start = end
	}
	return n, nil
}

func TestSendEachForgivesOneErrorOnly(t *testing.T) {
	text, ends := []byte("abbcccddddeeeee"), []int{1, 3, 6, 10, 15}
	f := &fewAtOnce{fail: 1}
	if n, err := sendEach(f, text, ends); n != 15 || err != nil || strings.Join(f.got, " ") != "a bb ccc dddd eeeee" {
		t.Errorf("sent %d bytes, %q: %v", n, f.got, err)
	}
	if n, err := sendEach(&fewAtOnce{fail: 2}, text, ends); n != 0 || err == nil {
		t.Errorf("sent %d bytes past two errors: %v", n, err)
	}
}

func TestPacerCatchesUpAPauseAndNoStall(t *testing.T) {
	stall := 500 * time.Millisecond
	p := pacer{rate: 1000, due: time.Now().Add(-stall)}
	now := p.wait(1)
	if late := now.Sub(p.due); late > maxLate {
		t.Errorf("after a stall of %v the next burst is due %v ago", stall, late)
	}
	pause := pacer{rate: 1000, due: time.Now().Add(-5 * time.Millisecond)}
	now = pause.wait(1)
	if late := now.Sub(pause.due); late < 4*time.Millisecond {
		t.Errorf("after a pause of 5ms the next burst is due %v ago: its lines are not sent", late)
	}
}

func TestLatencyFollowsRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.ndjson")
	if err := os.WriteFile(path, []byte("{\"message\":\"seq0000-0000000003 of an earlier run\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &stream{hosts: []sender{{first: 1, next: 1}}}
	w, err := newWatcher(path, []*stream{s})
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for range 4 {
		s.hosts[0].times.add(time.Now())
	}
	write := func(text string) {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	drain := func() {
		for {
			n, err := w.read()
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				return
			}
		}
	}
	write("{\"a\":\"seq0000-0000000001\",\"b\":\"seq0000-0000000001\"}\n{\"a\":\"seq0000-")
	drain()
	write("0000000002\"}\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write("{\"a\":\"seq0000-0000000003\"}\n")
	drain()
	if rep := w.report(); rep.Seen != 3 || rep.Unseen != 1 {
		t.Errorf("seen %d, unseen %d, want 3 and 1", rep.Seen, rep.Unseen)
	}
}

func TestHistogram(t *testing.T) {
	var h histogram
	for i := range 1000 {
		h.add(int64(i+1) * 1e6)
	}
	for q, want := range map[float64]float64{0.5: 500, 0.99: 990, 1: 1000} {
		if got := h.quantile(q); got < want || got > want*1.04 {
			t.Errorf("quantile %v = %v ms, want %v to within 4 %%", q, got, want)
		}
	}
	for _, ns := range []int64{0, 1, 31, 32, 63, 64, 65, 1 << 40} {
		one := histogram{}
		one.add(ns)
		if got := one.quantile(0.5); got != float64(ns)/1e6 {
			t.Errorf("%d ns alone: quantile %v ms", ns, got)
		}
	}
}

func BenchmarkAppendLine(b *testing.B) {
	pool := renderMix(1, mixDay)
	var stamp stamper
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		buf = pool[i%len(pool)].appendLine(buf[:0], stamp.at(time.Now()), i%100, uint64(i))
		i++
	}
}
