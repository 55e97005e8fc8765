package enrich

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
	"unsafe"

	"vswarden/event"
	"vswarden/inventory"
)

// forget drops every answer that is kept.
func (n *Enricher) forget() {
	n.hosts.mu.RLock()
	defer n.hosts.mu.RUnlock()
	for _, h := range n.hosts.of {
		h.mu.Lock()
		clear(h.memos)
		h.last = nil
		h.mu.Unlock()
	}
}

// kept counts the answers that are kept.
func (n *Enricher) kept() (total int) {
	n.hosts.mu.RLock()
	defer n.hosts.mu.RUnlock()
	for _, h := range n.hosts.of {
		h.mu.Lock()
		total += len(h.memos)
		h.mu.Unlock()
	}
	return total
}

// TestKeptAnswersAreTheOnesWorkedOut lets two enrichers join the same lines while the inventory changes: one that keeps
// answers and one that never does. They must say the same.
func TestKeptAnswersAreTheOnesWorkedOut(t *testing.T) {
	seedsThatKept := 0
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 7))
		l := newLab(t)
		fresh, err := New(l.cfg, l.inv, l.Enricher.now)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			e := l.line(-200+i*3, 40*time.Millisecond)
			fresh.Enrich(&e)
		}
		ref := inventory.Ref{VC: l.vc, ID: "host-21"}
		kept := 0
		for s, step := 400, 0; step < 600; step++ {
			s += random.IntN(4)
			switch random.IntN(50) {
			case 0: // a port changes hands
				rows := []inventory.Row{{Port: webPort, Kind: inventory.KindVM, MAC: mac(byte(1 + random.IntN(2))), Net: inventory.Net{Switch: "vSwitch0", Portgroup: "VM Network"}}}
				l.tell(s, inventory.Update{Tables: []inventory.PortTable{{Host: ref, Whole: true, Rows: rows}}})
			case 1: // a machine is renamed
				l.tell(s, inventory.Update{VMs: []inventory.VM{l.vm(1, fmt.Sprintf("web-%02d", 1+random.IntN(2)))}})
			case 2: // the policy changes
				l.tell(s, inventory.Update{Hosts: []inventory.Host{l.host([]inventory.Verdict{inventory.Reject, inventory.Accept, inventory.Unknown}[random.IntN(3)])}})
			case 3: // a machine gets another address of the guest, or is off
				vm := l.vm(2, "db-01")
				vm.Addresses = []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, byte(random.IntN(3))})}
				if random.IntN(3) == 0 {
					vm.Power = inventory.PoweredOff
				}
				l.tell(s, inventory.Update{VMs: []inventory.VM{vm}})
			case 4:
				l.inv.Down(l.id)
			default:
				l.report(s)
			}
			for range 4 {
				e := l.denial(s-random.IntN(40), []string{"web-01.eth0", "", "db-01.eth0", "vmk0", "web-02.eth0"}[random.IntN(5)])
				if random.IntN(3) == 0 {
					l2 := &e.Rarely().L2Sec
					l2.Kind, l2.Violation, l2.RequestedMAC = event.L2SecMACChangeRequested, event.ViolationMACChange, mac(byte(random.IntN(4))).String()
				}
				again := e
				l.Enrich(&e)
				kept = max(kept, l.kept())
				fresh.forget()
				fresh.Enrich(&again)
				got, want := e.AppendJSON(nil, event.DetailFull, event.OriginalNone), again.AppendJSON(nil, event.DetailFull, event.OriginalNone)
				if string(got) != string(want) {
					t.Fatalf("seed %d, step %d:\n%s\nkept; worked out:\n%s", seed, step, got, want)
				}
			}
		}
		if kept > 0 {
			seedsThatKept++
		}
	}
	if seedsThatKept < 4 {
		t.Errorf("answers were kept with %d of 8 seeds only", seedsThatKept)
	}
}

func TestKeptAnswersAreBounded(t *testing.T) {
	l := newLab(t)
	for i := range 3 * maxMemos {
		e := l.denial(200, "web-01.eth0")
		e.Rarely().L2Sec.RequestedMAC = inventory.MAC{2, 0, 0, 0, byte(i >> 8), byte(i)}.String()
		l.Enrich(&e)
	}
	if n := l.kept(); n == 0 || n > maxMemos {
		t.Errorf("%d answers are kept", n)
	}
}

// TestSenderConflictIsTagged: the address is esx01's, the header names esx02.
func TestSenderConflictIsTagged(t *testing.T) {
	l := newLab(t)
	other := l.host(inventory.Reject)
	other.Ref.ID, other.Name, other.Kernel = "host-22", "esx02.example.com", nil
	l.tell(310, inventory.Update{Hosts: []inventory.Host{other}})
	l.report(312)
	for header, want := range map[string]bool{"esx01": false, "ESX01.example.com": false, "esx02": true, "esx77": false, "": false} {
		e := l.line(320, 0)
		e.Syslog.Hostname = header
		l.Enrich(&e)
		if e.Host != "esx01.example.com" || (e.Tags&event.TagHostConflict != 0) != want {
			t.Errorf("header %q: %s %v", header, e.Host, e.Tags.Names(nil))
		}
	}
	e := l.line(320, 0)
	e.Receiver.Authenticated, e.Receiver.TLSPeer = true, "esx02.example.com"
	l.Enrich(&e)
	if e.Host != "esx02.example.com" || e.Tags&event.TagHostConflict == 0 {
		t.Errorf("another verified name: %s %v", e.Host, e.Tags.Names(nil))
	}
}

// TestStrangerIsCorrectedOnce: a sender went by its header until the inventory learned of it.
func TestStrangerIsCorrectedOnce(t *testing.T) {
	l := newLab(t)
	send := func() event.Event {
		e := l.line(320, 0)
		e.Receiver.Peer, e.Syslog.Hostname, e.Host = netip.MustParseAddrPort("192.0.2.99:514"), "localhost", "localhost"
		l.Enrich(&e)
		return e
	}
	if e := send(); e.Host != "localhost" || e.Tags != 0 {
		t.Errorf("%s %v", e.Host, e.Tags.Names(nil))
	}
	h := l.host(inventory.Reject)
	h.Ref.ID, h.Name = "host-29", "esx09.example.com"
	h.Kernel = []inventory.VMKernel{{Device: "vmk0", Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.99")}}}
	l.tell(330, inventory.Update{Hosts: []inventory.Host{h}})
	l.report(332)
	for i, want := range []bool{true, false} {
		if e := send(); e.Host != "esx09.example.com" || (e.Tags&event.TagHostRenamed != 0) != want {
			t.Errorf("%d: %s %v", i, e.Host, e.Tags.Names(nil))
		}
	}
}

// TestLearnsWithoutAnyAPI: nothing but log lines of trusted senders.
func TestLearnsWithoutAnyAPI(t *testing.T) {
	inv := inventory.New(inventory.DefaultConfig())
	cfg := DefaultConfig()
	cfg.LearnFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	l := &lab{t: t, inv: inv, now: 300}
	var err error
	if l.Enricher, err = New(cfg, inv, func() time.Time { return epoch.Add(time.Duration(l.now) * time.Second) }); err != nil {
		t.Fatal(err)
	}
	before := l.denial(200, "web-01.eth0")
	l.Enrich(&before)
	if before.Joined.Status != event.JoinDisabled {
		t.Errorf("nothing is known, nothing was looked for: %v", before.Joined.Status)
	}
	stranger := l.line(201, 0)
	stranger.Receiver.Peer = netip.MustParseAddrPort("203.0.113.1:514")
	stranger.Rarely().NetPort = event.NetPort{Kind: event.NetPortEnabled, Port: webPort, MAC: mac(9).String()}
	l.Enrich(&stranger)
	if !inv.Blank() {
		t.Error("a stranger's word made a host known")
	}
	enabled := l.line(202, 0)
	enabled.Rarely().NetPort = event.NetPort{Kind: event.NetPortEnabled, Port: webPort, MAC: mac(1).String()}
	l.Enrich(&enabled)
	inv.Maintain(stamp(203))
	for _, client := range []string{"", "web-01.eth0"} {
		d := l.denial(250, client)
		l.Enrich(&d)
		m := l.json(&d)
		if dig(m, "vmware.vnic.mac") != mac(1).String() || dig(m, "vmware.enrichment.confidence") != 0.8 || dig(m, "host.name") != "esx01" || fmt.Sprint(dig(m, "vmware.enrichment.match")) != "[learned]" {
			t.Errorf("client %q: %v", client, m["vmware"])
		}
	}
	off := l.line(260, 0)
	off.Rarely().NetPort = event.NetPort{Kind: event.NetPortDisabled, Port: webPort}
	l.Enrich(&off)
	d := l.denial(2000, "")
	l.Enrich(&d)
	if d.Joined.Status != event.JoinUnresolved {
		t.Errorf("long after it was disabled: %v %v", d.Joined.Status, l.json(&d)["vmware"])
	}
}

// TestImportedPolicyIsNoDrift: what a file said an hour ago may have changed since.
func TestImportedPolicyIsNoDrift(t *testing.T) {
	inv := inventory.New(inventory.DefaultConfig())
	l := &lab{t: t, inv: inv, now: 8000}
	var err error
	if l.Enricher, err = New(DefaultConfig(), inv, func() time.Time { return epoch.Add(time.Duration(l.now) * time.Second) }); err != nil {
		t.Fatal(err)
	}
	st := inventory.Statement{At: stamp(1000), Rows: []inventory.Row{{
		Port: webPort, Kind: inventory.KindVM, VM: "web-01", Device: "eth0", MAC: mac(1),
		Net: inventory.Net{Switch: "vSwitch0", Portgroup: "VM Network", Enforced: inventory.Flags{Promiscuous: inventory.Accept}},
	}}}
	st.Host.Name = "esx01"
	if err := inv.Import(st); err != nil {
		t.Fatal(err)
	}
	for s, want := range map[int]event.Agreement{1005: event.Disagrees, 4000: event.AgreementUnknown} {
		e := l.denial(s, "web-01.eth0")
		l.Enrich(&e)
		if e.Joined.Agrees != want || e.Joined.Confidence < 850 {
			t.Errorf("%d s: agrees %d, confidence %d", s, e.Joined.Agrees, e.Joined.Confidence)
		}
	}
}

// TestMemoKeyOwnsItsText: a map takes over the key that it is written with where it has an equal one, and the line's
// memory is another line's by then.
func TestMemoKeyOwnsItsText(t *testing.T) {
	l := newLab(t)
	requested, client := []byte(mac(9).String()), []byte("web-01.eth0")
	line := func(s int) *event.Event {
		e := l.denial(s, unsafe.String(&client[0], len(client)))
		l2 := &e.Rarely().L2Sec
		l2.Kind, l2.Violation = event.L2SecMACChangeRequested, event.ViolationMACChange
		e.Rarely().L2Sec.RequestedMAC = unsafe.String(&requested[0], len(requested))
		return &e
	}
	l.report(300)
	l.Enrich(line(200))
	l.tell(310, inventory.Update{Hosts: []inventory.Host{l.host(inventory.Reject)}})
	l.report(312)
	l.Enrich(line(205))
	copy(requested, mac(8).String())
	copy(client, "db-0002.eth")
	kept := 0
	for _, h := range l.hosts.of {
		for k, m := range h.memos {
			kept++
			if m.key != k {
				t.Errorf("an answer has the key %v, and is kept under %v", m.key, k)
			}
			if k.requested != mac(9).String() || k.client != "web-01.eth0" {
				t.Errorf("a kept key became %q %q", k.requested, k.client)
			}
		}
	}
	if kept == 0 {
		t.Error("nothing is kept")
	}
}
