package test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vmware/govmomi/simulator"
)

// vsphere is a simulated vCenter in this process, on a real socket.
func vsphere(t *testing.T) *simulator.Server {
	t.Helper()
	m := simulator.VPX()
	m.Host, m.ClusterHost, m.Machine, m.Pool, m.Portgroup = 0, 2, 4, 0, 1
	if err := m.Create(); err != nil {
		t.Fatal(err)
	}
	m.Service.Listen = &url.URL{User: url.UserPassword("user", "correct horse")}
	s := m.Service.NewServer()
	t.Cleanup(m.Remove)
	t.Cleanup(s.Close)
	return s
}

// wire stands between the program and its vCenter and can be cut.
type wire struct {
	net.Listener
	to string

	mu    sync.Mutex
	down  bool
	conns map[net.Conn]struct{}
}

// newWire listens for what goes to addr. With an empty addr it accepts and never answers.
func newWire(t *testing.T, addr string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l, to: addr, conns: map[net.Conn]struct{}{}}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { w.carry(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		w.cut(true)
		open.Wait()
	})
	return w
}

// hold notes a connection, false while the wire is cut.
func (w *wire) hold(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return false
	}
	w.conns[c] = struct{}{}
	return true
}

func (w *wire) carry(c net.Conn) {
	defer func() { _ = c.Close() }()
	if !w.hold(c) {
		return
	}
	if w.to == "" {
		_, _ = io.Copy(io.Discard, c) // until it is cut
		return
	}
	far, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	if !w.hold(far) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(c, far)
		_ = c.Close()
	})
	_, _ = io.Copy(far, c)
	_ = far.Close()
	back.Wait()
}

// cut closes all connections; while down, further ones too.
func (w *wire) cut(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
	for c := range w.conns {
		_ = c.Close()
	}
	clear(w.conns)
}

// follows is a configuration with a vCenter at an address.
func follows(t *testing.T, data, addr, more string) string {
	t.Helper()
	return configured(t, data, "", fmt.Sprintf(`
vcenters: [{name: vc01, url: "http://%s", username: user, password_file: %q, insecure: true, poll: 1s, timeout: 5s, events: 1s}]
%s
`, addr, writeSecret(t, "correct horse"), more))
}

func writeSecret(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(name, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func healthy(m metrics) bool { return m.sum("vswarden_inventory_source_healthy") == 1 }

func TestAVCenterIsFollowedAndMissedWhenItIsAway(t *testing.T) {
	s := vsphere(t)
	w := newWire(t, s.URL.Host)
	data := t.TempDir()
	p := start(t, "-c", follows(t, data, w.Addr().String(), ""))
	m := p.waitFor(t, "the vCenter is followed", healthy)
	if vms, hosts := m.sum("vswarden_inventory_objects", `kind="vm"`), m.sum("vswarden_inventory_objects", `kind="host"`); vms != 4 || hosts != 2 {
		t.Errorf("%v VMs on %v hosts, the vCenter has 4 on 2", vms, hosts)
	}
	if code, body := p.get(t, "/healthz"); code != 200 || strings.Contains(body, "stale") {
		t.Errorf("healthz %d: %s", code, body)
	}
	w.cut(true)
	p.waitFor(t, "it is missed", func(m metrics) bool { return m.sum("vswarden_inventory_source_healthy") == 0 })
	if code, body := p.get(t, "/healthz"); code != 200 || !strings.Contains(body, "inventory vc01: stale") {
		t.Errorf("healthz %d: %s", code, body)
	}
	load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "1000") // Events go on without it.
	p.settle(t, 1000)
	w.cut(false)
	p.waitFor(t, "it is followed again", healthy)
	p.stop(t)
	// It outlives the process: a second one knows it before its vCenter has said a word.
	if r := vswarden(t, "", "inventory", "show", "--data", data); r.code != 0 || !strings.Contains(r.stdout, "vc01") {
		t.Errorf("inventory show: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	if log := p.logTail(); strings.Contains(log, "correct horse") {
		t.Error("the password is in the log")
	}
}

func TestAVCenterThatNeverAnswersKeepsNoEventBack(t *testing.T) {
	w := newWire(t, "")
	p := start(t, "-c", follows(t, t.TempDir(), w.Addr().String(), "enrich: {start_wait: 1s}"))
	load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "1000")
	books(t, p.settle(t, 1000))
	p.stop(t)
}

// TestAVCenterThatFlapsUnderLoad cuts the line to the vCenter every second while lines come.
func TestAVCenterThatFlapsUnderLoad(t *testing.T) {
	rate, span := 20_000, 10*time.Second
	if raceDetector {
		rate = 2000
	}
	s := vsphere(t)
	w := newWire(t, s.URL.Host)
	data := t.TempDir()
	p := start(t, "-c", follows(t, data, w.Addr().String(), "enrich: {wait: 500ms}"))
	p.waitFor(t, "the vCenter is followed", healthy)
	began := time.Now()

	ctx, stop := context.WithCancel(context.Background())
	var flapping sync.WaitGroup
	stale := false
	flapping.Go(func() {
		for down := false; ctx.Err() == nil; down = !down {
			w.cut(down)
			time.Sleep(500 * time.Millisecond)
			if _, body := p.get(t, "/healthz"); strings.Contains(body, "stale") {
				stale = true
			}
		}
		w.cut(true)
	})
	sent := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-rate", fmt.Sprint(rate), "-for", span.String(), "-hosts", "10")
	stop()
	flapping.Wait()
	p.waitFor(t, "it is missed", func(m metrics) bool { return m.sum("vswarden_inventory_source_healthy") == 0 })
	if _, body := p.get(t, "/healthz"); !strings.Contains(body, "stale") && !stale {
		t.Errorf("healthz does not say so: %s", body)
	}
	m := p.settle(t, sent.Sent)
	books(t, m)
	fine(t, judged(t, filepath.Join(data, "events.ndjson"), "-expect", sent.file))
	// A lane may wait for a tenth of its time; there are no more lanes than processors.
	if waited, most := m.sum("vswarden_enrich_waited_seconds"), time.Since(began).Seconds()/10*float64(runtime.GOMAXPROCS(0)); waited > most {
		t.Errorf("lanes waited %.2f s, %.2f s is the most", waited, most)
	}
	if n := m.sum("vswarden_inventory_vcenter_total", `what="panics"`); n != 0 {
		t.Errorf("%v panics", n)
	}
	p.stop(t)
}

func TestCheckConnectGoesToVCenters(t *testing.T) {
	s := vsphere(t)
	good := follows(t, t.TempDir(), s.URL.Host, "")
	if r := vswarden(t, "", "check", "--connect", "-c", good); r.code != 0 {
		t.Errorf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	bad := writeConfig(t, strings.Replace(string(text), "username: user", "username: nobody", 1))
	if r := vswarden(t, "", "check", "--connect", "-c", bad); r.code != 3 || !strings.Contains(r.stdout, "vcenter vc01: login refused") || strings.Contains(r.stdout+r.stderr, "correct horse") {
		t.Errorf("a wrong user: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	w := newWire(t, s.URL.Host)
	w.cut(true)
	if r := vswarden(t, "", "check", "--connect", "-c", follows(t, t.TempDir(), w.Addr().String(), "")); r.code != 3 || !strings.Contains(r.stdout, "vcenter vc01: connect") {
		t.Errorf("nobody there: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	for _, faulty := range []string{
		`vcenters: [{url: "http://vc01.example.com", username: u, password: p}]`,
		`vcenters: [{url: "https://vc01.example.com", username: u}]`,
		`vcenters: [{url: "https://u:hunter2@vc01.example.com", username: u, password: p}]`,
		`vcenters: [{url: "https://vc01.example.com", username: u, password: hunter2, thumbprint: "12:34"}]`,
		`vcenters: [{url: "https://vc01.example.com", username: u, password: p, insecure: true, ca_file: x}]`,
	} {
		if r := vswarden(t, "", "check", "-c", writeConfig(t, faulty)); r.code != 2 || !strings.Contains(r.stderr, "vcenters[0].") || strings.Contains(r.stderr, "hunter2") {
			t.Errorf("%s: exit %d: %s", faulty, r.code, r.stderr)
		}
	}
}
