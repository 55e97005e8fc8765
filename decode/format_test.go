package decode

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	syslog "gopkg.in/mcuadros/go-syslog.v2"
	"gopkg.in/mcuadros/go-syslog.v2/format"
)

// serve runs go-syslog's own server with our format on loopback and returns where it listens and
// what it hands on.
func serve(t *testing.T) (tcp, udp string, parts syslog.LogPartsChannel) {
	t.Helper()
	tcp, udp = freePorts(t)
	parts = make(syslog.LogPartsChannel, 100)
	s := syslog.NewServer()
	s.SetFormat(Format{})
	s.SetHandler(syslog.NewChannelHandler(parts))
	if err := s.ListenTCP(tcp); err != nil {
		t.Skip("no loopback TCP: ", err)
	}
	if err := s.ListenUDP(udp); err != nil {
		t.Skip("no loopback UDP: ", err)
	}
	if err := s.Boot(); err != nil {
		t.Fatal(err)
	}
	// Its Kill closes a channel that its readers may still send on (design.md, Receiver). The test
	// has read all it sent by then.
	t.Cleanup(func() { _ = s.Kill() })
	return tcp, udp, parts
}

// freePorts finds a free port of each kind; go-syslog does not say which one it was given for 0.
func freePorts(t *testing.T) (tcp, udp string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback: ", err)
	}
	defer func() { _ = l.Close() }()
	p, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback: ", err)
	}
	defer func() { _ = p.Close() }()
	return l.Addr().String(), p.LocalAddr().String()
}

// take waits for one line.
func take(t *testing.T, parts syslog.LogPartsChannel) format.LogParts {
	t.Helper()
	select {
	case p := <-parts:
		return p
	case <-time.After(10 * time.Second):
		t.Fatal("the server handed nothing on")
		return nil
	}
}

func TestFormatInGoSyslogServer(t *testing.T) {
	tcp, udp, parts := serve(t)
	checks := []struct {
		frame string
		want  format.LogParts
	}{
		{benchL2Sec, format.LogParts{"hostname": "esx.vmware.com", "tag": "vmkernel", "priority": 181, "facility": 22, "severity": 5, "dataset": "vmware.esxi.l2sec", "l2sec_client": "vm_name.eth0", "port_id": uint32(0x200002b), "violation": "promiscuous_mode"}},
		{benchHostd, format.LogParts{"hostname": "hypervisor01", "tag": "Hostd", "level": "info", "dataset": "vmware.esxi.hostd"}},
		{bench5424, format.LogParts{"hostname": "esx9.example.com", "app_name": "vobd", "proc_id": "2098000", "version": 1, "structured_data": `[esx@4413 threadName="netCorrelator"]`}},
		{"<181>2026-02-07T11:59:59Z esx1 vmkernel: cpu1:2)NetPort: 982: enabled port 0x3000007 with mac 00:50:56:84:5a:b4", format.LogParts{"port_id": uint32(0x3000007), "mac": "00:50:56:84:5a:b4", "dataset": "vmware.esxi.netport"}},
	}
	conn, err := net.Dial("tcp", tcp)
	if err != nil {
		t.Fatal(err)
	}
	datagram, err := net.Dial("udp", udp)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range checks {
		for _, send := range []func() error{
			func() error { _, err := fmt.Fprintf(conn, "%s\r\n", c.frame); return err },
			func() error { _, err := fmt.Fprintf(conn, "%d %s", len(c.frame), c.frame); return err },
			func() error { _, err := fmt.Fprint(datagram, c.frame); return err },
		} {
			if err := send(); err != nil {
				t.Fatal(err)
			}
			got := take(t, parts)
			for key, want := range c.want {
				if got[key] != want {
					t.Errorf("frame %d, %s: %v, want %v", i, key, got[key], want)
				}
			}
			if got["client"] == "" || got["timestamp"].(time.Time).Year() < 2014 {
				t.Errorf("frame %d: %v", i, got)
			}
		}
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := datagram.Close(); err != nil {
		t.Error(err)
	}
}

// What go-syslog's own RFC 3164 parser makes of ESXi's header: the reason for this format, and for
// our own parser in front of it.
func TestGoSyslogLosesESXiHeader(t *testing.T) {
	p := (&format.RFC3164{}).GetParser([]byte(benchL2Sec))
	if err := p.Parse(); err != nil {
		t.Fatal(err)
	}
	parts := p.Dump()
	if parts["hostname"] != "" || parts["tag"] != "" || !strings.HasPrefix(parts["content"].(string), "2014-12-10T19:23:45.733Z esx") {
		t.Errorf("it has learned to read it: %v", parts)
	}
	ours := Format{}.GetParser([]byte(benchL2Sec))
	if err := ours.Parse(); err != nil || ours.Dump()["hostname"] != "esx.vmware.com" {
		t.Errorf("%v: %v", err, ours.Dump())
	}
}

func TestFormatOfNoSyslog(t *testing.T) {
	p := Format{}.GetParser([]byte("hello"))
	p.Location(time.UTC)
	if err := p.Parse(); err == nil {
		t.Error("no error")
	}
	if parts := p.Dump(); parts["content"] != "hello" || parts["priority"] != nil {
		t.Errorf("%v", parts)
	}
}

func TestFormatLocation(t *testing.T) {
	p := Format{}.GetParser([]byte("<13>Feb  7 2026 11:58:00 gw1 dhcpd[411]: lease"))
	p.Location(time.FixedZone("", 7200))
	if err := p.Parse(); err != nil {
		t.Fatal(err)
	}
	if at := p.Dump()["timestamp"].(time.Time); !at.Equal(time.Date(2026, 2, 7, 9, 58, 0, 0, time.UTC)) {
		t.Error(at)
	}
}

func TestSplitFrames(t *testing.T) {
	const stream = "<13>a\n7 <13>b\nc<13>d\r\n2012-12-23T x\n6 <14>ef0 <14>x\n99999999 <13>y\n12 no priority\n3 <14>"
	want := []string{"<13>a", "<13>b\nc", "<13>d", "2012-12-23T x", "<14>ef", "0 <14>x", "99999999 <13>y", "12 no priority", "<14"}
	for _, size := range []int{1, 2, 7, 4096} {
		sc := bufio.NewScanner(&chunks{s: stream, size: size})
		sc.Split(Format{}.GetSplitFunc())
		var got []string
		for sc.Scan() {
			got = append(got, sc.Text())
		}
		if sc.Err() != nil || len(got) < len(want) || fmt.Sprint(got[:len(want)]) != fmt.Sprint(want) {
			t.Errorf("in pieces of %d: %q, %v", size, got, sc.Err())
		}
	}
}

// chunks is a reader that gives a few bytes at a time.
type chunks struct {
	s    string
	size int
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.s == "" {
		return 0, io.EOF
	}
	n := copy(p, c.s[:min(c.size, len(c.s))])
	c.s = c.s[n:]
	return n, nil
}

func FuzzSplitFrames(f *testing.F) {
	f.Add([]byte("7 <13>b\nc<13>d\r\n"), false)
	f.Add([]byte("99999 <13>"), true)
	f.Fuzz(func(t *testing.T, data []byte, atEOF bool) {
		n, token, err := splitFrames(data, atEOF)
		if err != nil || n < 0 || n > len(data) || len(token) > n {
			t.Fatalf("%q: %d, %q, %v", data, n, token, err)
		}
	})
}
