package test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vswarden/receiver"
)

// Real senders against a listener, each compared with what it sent: lines that go in at its other
// end, and, over TCP and UDP, the bytes on the wire.

// esxiLines are n lines as ESXi sends them, with what may trip framing: digits at the beginning,
// trailing blanks, other scripts, percent signs, something like an octet count inside.
func esxiLines(n, longest int) []string {
	lines := make([]string, n)
	for i := range lines {
		line := fmt.Sprintf("<%d>2025-07-01T14:29:%02d.%03dZ esx%d Hostd[2099%03d]: [Originator@6876 sub=Vimsvc opID=%d] ", 160+i%24, i%60, i, i%7, i, i)
		line += []string{
			"Task Created", "VM Büro-Süd 東京 100%", "57 <13>not a count", "trailing blank ", "--> dynamicType = <unset>,", strings.Repeat("long ", 400),
		}[i%6]
		lines[i] = line[:min(len(line), longest)] // only the long ones are cut, and those are ASCII
	}
	return lines
}

func linesFile(t *testing.T, lines []string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "in.log")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func listenerAt(address string) receiver.Config {
	cfg := receiver.DefaultConfig()
	cfg.Address = address
	return cfg
}

func tlsListener(t *testing.T) receiver.Config {
	t.Helper()
	cfg := listenerAt("tls://127.0.0.1:0")
	cfg.TLS.Cert, cfg.TLS.Key = certificate(t)
	return cfg
}

// sameLines holds the texts of frames against lines.
func sameLines(t *testing.T, frames []got, framing receiver.Framing, lines []string) {
	t.Helper()
	if len(frames) != len(lines) {
		t.Fatalf("%d frames for %d lines", len(frames), len(lines))
	}
	for i, f := range frames {
		if f.text != lines[i] || f.Framing != framing || f.Flags != 0 {
			t.Fatalf("frame %d: %v, flags %b\n got %q\nwant %q", i, f.Framing, f.Flags, f.text, lines[i])
		}
	}
}

func TestSenderLogger(t *testing.T) {
	s := findSenders(t)
	messages := []string{"one", "two with blanks ", "drei äöü", "5 <13>five", strings.Repeat("y", 900)}
	rfc3164 := regexp.MustCompile(`^<13>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ tag: (.*)$`)
	rfc5424 := regexp.MustCompile(`^<13>1 \S+ \S+ tag - - \[timeQuality [^]]*\] (.*)$`)
	f := func(name string, udp bool, framing receiver.Framing, form *regexp.Regexp, args ...string) {
		t.Run(name, func(t *testing.T) {
			proto, wire := "tcp", teeTCP
			if udp {
				proto, wire = "udp", teeUDP
			}
			e := hear(t, listenerAt(proto+"://127.0.0.1:0"))
			k := wire(t, e.addr)
			for i, m := range messages {
				s.once(t, nil, "usr/bin/logger", append(slices.Clone(args), "-n", "127.0.0.1", "-P", k.port, "-t", "tag", "--", m)...)
				e.wait(t, i+1) // each comes by a connection of its own
			}
			frames := e.wait(t, len(messages))
			for i, f := range frames {
				if m := form.FindStringSubmatch(f.text); m == nil || m[1] != messages[i] || f.Framing != framing {
					t.Errorf("%v %q, sent %q", f.Framing, f.text, messages[i])
				}
			}
			if udp {
				k.sameDatagrams(t, frames, func(text string) string { return text })
			} else {
				k.sameStream(t, frames, "")
			}
		})
	}
	f("udp rfc3164", true, receiver.Datagram, rfc3164, "-d", "--rfc3164")
	f("udp rfc5424", true, receiver.Datagram, rfc5424, "-d", "--rfc5424")
	f("tcp rfc3164", false, receiver.LF, rfc3164, "-T", "--rfc3164")
	f("tcp rfc5424", false, receiver.LF, rfc5424, "-T", "--rfc5424")
	f("tcp counted rfc3164", false, receiver.OctetCounting, rfc3164, "-T", "--octet-count", "--rfc3164")
	f("tcp counted rfc5424", false, receiver.OctetCounting, rfc5424, "-T", "--octet-count", "--rfc5424")
}

func TestSenderRsyslog(t *testing.T) {
	s := findSenders(t)
	modules, _ := filepath.Glob(filepath.Join(s.root, "usr/lib/*-linux-gnu/rsyslog")) // the pattern is right
	if len(modules) != 1 {
		t.Fatal("no rsyslog modules")
	}
	// forward runs rsyslog with one action until n frames have come.
	forward := func(t *testing.T, e *ears, lines []string, global, action string) []got {
		t.Helper()
		dir := t.TempDir()
		conf := filepath.Join(dir, "rs.conf")
		text := fmt.Sprintf(`module(load="imfile")
global(workDirectory=%q %s)
template(name="raw" type="string" string="%%rawmsg%%")
template(name="rawline" type="string" string="%%rawmsg%%\n")
input(type="imfile" file=%q tag="x:")
action(type="omfwd" target="127.0.0.1" %s)
`, dir, global, linesFile(t, lines), action)
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		stop := s.daemon(t, "usr/sbin/rsyslogd", "-n", "-f", conf, "-i", filepath.Join(dir, "pid"), "-M", modules[0])
		frames := e.wait(t, len(lines))
		stop()
		return frames
	}
	t.Run("udp", func(t *testing.T) {
		e, lines := hear(t, listenerAt("udp://127.0.0.1:0")), esxiLines(60, 450)
		k := teeUDP(t, e.addr)
		frames := forward(t, e, lines, "", `protocol="udp" template="raw" port="`+k.port+`"`)
		sameLines(t, frames, receiver.Datagram, lines)
		k.sameDatagrams(t, frames, func(text string) string { return text })
	})
	t.Run("tcp", func(t *testing.T) {
		e, lines := hear(t, listenerAt("tcp://127.0.0.1:0")), esxiLines(300, 3000)
		k := teeTCP(t, e.addr)
		frames := forward(t, e, lines, "", `protocol="tcp" template="raw" port="`+k.port+`"`)
		sameLines(t, frames, receiver.LF, lines)
		k.sameStream(t, frames, "")
	})
	for _, template := range []string{"raw", "rawline"} {
		t.Run("tcp counted "+template, func(t *testing.T) {
			e, lines := hear(t, listenerAt("tcp://127.0.0.1:0")), esxiLines(300, 3000)
			k := teeTCP(t, e.addr)
			frames := forward(t, e, lines, "", `protocol="tcp" TCP_Framing="octet-counted" template="`+template+`" port="`+k.port+`"`)
			sameLines(t, frames, receiver.OctetCounting, lines)
			k.sameStream(t, frames, map[string]string{"raw": "", "rawline": "\n"}[template])
		})
	}
	t.Run("tls counted", func(t *testing.T) {
		cfg, lines := tlsListener(t), esxiLines(300, 3000)
		e := hear(t, cfg)
		frames := forward(t, e, lines, fmt.Sprintf("defaultNetstreamDriverCAFile=%q", cfg.TLS.Cert),
			`protocol="tcp" StreamDriver="ossl" StreamDriverMode="1" StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="localhost" TCP_Framing="octet-counted" template="rawline" port="`+e.port+`"`)
		sameLines(t, frames, receiver.OctetCounting, lines)
		if frames[0].Transport != receiver.TLS {
			t.Errorf("by %v", frames[0].Transport)
		}
	})
}

func TestSenderSyslogNG(t *testing.T) {
	s := findSenders(t)
	modules := filepath.Join(s.root, "usr/lib/syslog-ng/3.38")
	forward := func(t *testing.T, e *ears, lines []string, destination string) []got {
		t.Helper()
		dir := t.TempDir()
		conf := filepath.Join(dir, "sng.conf")
		text := fmt.Sprintf(`@version: 3.38
options { keep-hostname(yes); stats-freq(0); log-msg-size(65536); };
source s { file(%q follow-freq(0.2) read-old-records(yes) flags(no-parse)); };
destination d { %s };
log { source(s); destination(d); };
`, linesFile(t, lines), destination)
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		stop := s.daemon(t, "usr/sbin/syslog-ng", "-F", "--no-caps", "-f", conf, "--module-path", modules,
			"-R", filepath.Join(dir, "persist"), "-c", filepath.Join(dir, "ctl"), "-p", filepath.Join(dir, "pid"))
		frames := e.wait(t, len(lines))
		stop()
		return frames
	}
	rfc5424 := regexp.MustCompile(`(?s)^<13>1 \S+ \S+ - - - \[meta sequenceId="\d+"\] (?:\x{feff})?(.*)$`)
	inside := func(t *testing.T, frames []got) []got { // without the header that syslog() adds
		t.Helper()
		bare := slices.Clone(frames)
		for i, f := range bare {
			m := rfc5424.FindStringSubmatch(f.text)
			if m == nil {
				t.Fatalf("%q", f.text)
			}
			bare[i].text = m[1]
		}
		return bare
	}
	t.Run("network udp", func(t *testing.T) {
		e, lines := hear(t, listenerAt("udp://127.0.0.1:0")), esxiLines(60, 450)
		k := teeUDP(t, e.addr)
		frames := forward(t, e, lines, `network("127.0.0.1" port(`+k.port+`) transport("udp") template("$MSG\n"));`)
		sameLines(t, frames, receiver.Datagram, lines)
		k.sameDatagrams(t, frames, func(text string) string { return text + "\n" })
	})
	t.Run("network tcp", func(t *testing.T) {
		e, lines := hear(t, listenerAt("tcp://127.0.0.1:0")), esxiLines(300, 3000)
		k := teeTCP(t, e.addr)
		frames := forward(t, e, lines, `network("127.0.0.1" port(`+k.port+`) transport("tcp") template("$MSG\n"));`)
		sameLines(t, frames, receiver.LF, lines)
		k.sameStream(t, frames, "")
	})
	t.Run("syslog tcp", func(t *testing.T) {
		e, lines := hear(t, listenerAt("tcp://127.0.0.1:0")), esxiLines(300, 3000)
		k := teeTCP(t, e.addr)
		frames := forward(t, e, lines, `syslog("127.0.0.1" port(`+k.port+`) transport("tcp"));`)
		sameLines(t, inside(t, frames), receiver.OctetCounting, lines)
		k.sameStream(t, frames, "\n")
	})
	for _, driver := range []string{"network", "syslog"} {
		t.Run(driver+" tls", func(t *testing.T) {
			cfg, lines := tlsListener(t), esxiLines(300, 3000)
			e := hear(t, cfg)
			template, framing := ` template("$MSG\n")`, receiver.LF
			if driver == "syslog" {
				template, framing = "", receiver.OctetCounting
			}
			frames := forward(t, e, lines, fmt.Sprintf(`%s("localhost" port(%s) transport("tls")%s tls(ca-file(%q) peer-verify(yes)));`, driver, e.port, template, cfg.TLS.Cert))
			if driver == "syslog" {
				frames = inside(t, frames)
			}
			sameLines(t, frames, framing, lines)
			if frames[0].Transport != receiver.TLS {
				t.Errorf("by %v", frames[0].Transport)
			}
		})
	}
}

func TestSenderLoggen(t *testing.T) {
	s := findSenders(t)
	const n = 100 // fewer than a default UDP socket holds
	numbered := regexp.MustCompile(`seq: (\d+), `)
	inOrder := func(t *testing.T, frames []got, first int, framing receiver.Framing) {
		t.Helper()
		for i, f := range frames {
			m := numbered.FindStringSubmatch(f.text)
			if m == nil || m[1] != fmt.Sprintf("%010d", first+i) || f.Framing != framing || f.Flags != 0 {
				t.Fatalf("frame %d: %v %q", i, f.Framing, f.text)
			}
		}
	}
	run := func(t *testing.T, port string, args ...string) {
		t.Helper()
		s.once(t, nil, "usr/bin/loggen", append(args, "-Q", "-n", strconv.Itoa(n), "-s", "300", "-r", "2000", "127.0.0.1", port)...)
	}
	f := func(name string, framing receiver.Framing, counted string, args ...string) {
		t.Run(name, func(t *testing.T) {
			e := hear(t, listenerAt("tcp://127.0.0.1:0"))
			k := teeTCP(t, e.addr)
			run(t, k.port, args...)
			frames := e.wait(t, n)
			inOrder(t, frames, 0, framing)
			k.sameStream(t, frames, counted)
		})
	}
	f("tcp", receiver.LF, "", "-i", "-S")
	f("tcp rfc5424", receiver.OctetCounting, "\n", "-i", "-S", "-P")
	f("tcp rfc5424 LF", receiver.LF, "", "-i", "-S", "-P", "-F")
	u := func(name string, whole func(string) string, args ...string) {
		t.Run(name, func(t *testing.T) {
			e := hear(t, listenerAt("udp://127.0.0.1:0"))
			k := teeUDP(t, e.addr)
			run(t, k.port, args...)
			frames := e.wait(t, n)
			inOrder(t, frames, 0, receiver.Datagram)
			k.sameDatagrams(t, frames, whole)
		})
	}
	line := func(text string) string { return text + "\n" }
	u("udp", line, "-i", "-D")
	u("udp rfc5424", line, "-i", "-D", "-P", "-F")
	u("udp rfc5424 counted", func(text string) string { return fmt.Sprintf("%d %s\n", len(text)+1, text) }, "-i", "-D", "-P")
	for _, args := range [][]string{{"-U"}, {"-U", "-P"}} {
		t.Run("tls"+strings.Join(args[1:], ""), func(t *testing.T) {
			e := hear(t, tlsListener(t))
			run(t, e.port, args...)
			framing := receiver.LF
			if len(args) > 1 {
				framing = receiver.OctetCounting
			}
			frames := e.wait(t, n)
			inOrder(t, frames, 0, framing)
			if frames[0].Transport != receiver.TLS {
				t.Errorf("by %v", frames[0].Transport)
			}
		})
	}
	t.Run("file", func(t *testing.T) {
		e, lines := hear(t, listenerAt("tcp://127.0.0.1:0")), esxiLines(n, 3000)
		k := teeTCP(t, e.addr)
		s.once(t, nil, "usr/bin/loggen", "-i", "-S", "-Q", "-R", linesFile(t, lines), "-d", "127.0.0.1", k.port)
		frames := e.wait(t, len(lines))
		sameLines(t, frames, receiver.LF, lines)
		k.sameStream(t, frames, "")
	})
	t.Run("proxy", func(t *testing.T) {
		cfg := listenerAt("tcp://127.0.0.1:0")
		cfg.Relays, cfg.ProxyProtocol = []string{"127.0.0.1"}, true
		e := hear(t, cfg)
		k := teeTCP(t, e.addr)
		run(t, k.port, "-i", "-S", "-H", "--proxy-src-ip=192.0.2.7", "--proxy-src-port=4711", "--proxy-dst-ip=192.0.2.1", "--proxy-dst-port=514")
		frames := e.wait(t, n-1) // it counts the header as message 0
		inOrder(t, frames, 1, receiver.LF)
		if f := frames[0]; f.Peer.String() != "192.0.2.7:4711" || f.Relay != "127.0.0.1" {
			t.Errorf("peer %v, relay %q", f.Peer, f.Relay)
		}
		k.mu.Lock()
		header, err := k.stream.ReadString('\n')
		k.mu.Unlock()
		if err != nil || header != "PROXY TCP4 192.0.2.7 192.0.2.1 4711 514\n" {
			t.Errorf("header %q", header)
		}
		k.sameStream(t, frames, "")
	})
}

func TestSenderOpenSSL(t *testing.T) {
	s := findSenders(t)
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		t.Run(version, func(t *testing.T) {
			cfg, lines := tlsListener(t), esxiLines(300, 3000)
			e := hear(t, cfg)
			s.once(t, []byte(strings.Join(lines, "\n")+"\n"), "usr/bin/openssl", "s_client", "-quiet", "-no_ign_eof", version,
				"-CAfile", cfg.TLS.Cert, "-verify_return_error", "-connect", "localhost:"+e.port)
			frames := e.wait(t, len(lines))
			sameLines(t, frames, receiver.LF, lines)
			if frames[0].Transport != receiver.TLS {
				t.Errorf("by %v", frames[0].Transport)
			}
		})
	}
}
