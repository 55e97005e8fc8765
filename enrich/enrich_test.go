package enrich

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"vswarden/event"
	"vswarden/inventory"
)

var epoch = time.Date(2026, 9, 15, 10, 0, 0, 0, time.UTC)

func stamp(s int) inventory.Stamp {
	return inventory.StampOf(epoch.Add(time.Duration(s) * time.Second))
}

const webPort = 0x2000010

// lab is an enricher over an inventory with one vCenter and esx01, on which web-01 and db-01 run.
type lab struct {
	*Enricher
	t   testing.TB
	inv *inventory.Inventory
	vc  uint16
	id  inventory.SourceID
	now int // seconds since epoch
}

func mac(n byte) inventory.MAC { return inventory.MAC{0, 0x50, 0x56, 0x84, 0, n} }

func (l *lab) vm(n byte, name string) inventory.VM {
	return inventory.VM{
		Ref: inventory.Ref{VC: l.vc, ID: fmt.Sprintf("vm-%d", n)}, Name: name, Host: "host-21", Power: inventory.PoweredOn, Boot: stamp(-3600), Hostname: name + ".example.com",
		NICs: []inventory.NIC{{Key: 4000, Label: "Network adapter 1", MAC: mac(n), Connected: true, Backing: inventory.Backing{Kind: inventory.Standard, Portgroup: "VM Network"}}},
	}
}

func (l *lab) host(promiscuous inventory.Verdict) inventory.Host {
	return inventory.Host{
		Ref: inventory.Ref{VC: l.vc, ID: "host-21"}, Name: "esx01.example.com", Version: "8.0.3", Build: "24022510", Connection: inventory.Connected, Boot: stamp(-86400),
		Kernel:     []inventory.VMKernel{{Device: "vmk0", Port: 0x2000004, MAC: mac(200), Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.11")}, Portgroup: "VM Network"}},
		Switches:   []inventory.Switch{{Kind: inventory.Standard, Name: "vSwitch0", Rules: inventory.Rules{Own: inventory.Flags{Promiscuous: promiscuous, MACChanges: inventory.Reject, ForgedTransmits: inventory.Reject}}}},
		Portgroups: []inventory.Portgroup{{Kind: inventory.Standard, Name: "VM Network", Switch: "vSwitch0", VLAN: inventory.StandardVLAN(120)}},
	}
}

func (l *lab) tell(s int, u inventory.Update) {
	l.t.Helper()
	if s > 0 {
		l.report(s - 1)
	}
	u.Source, u.At = l.id, stamp(s)
	if err := l.inv.Apply(&u); err != nil {
		l.t.Fatal(err)
	}
	l.report(s)
}

func (l *lab) report(s int) {
	l.now = s
	l.inv.Reported(l.id, stamp(s))
	l.inv.Maintain(stamp(s))
}

func newLab(t testing.TB) *lab {
	l := &lab{t: t, inv: inventory.New(inventory.DefaultConfig())}
	cfg := DefaultConfig()
	cfg.LearnFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	var err error
	if l.Enricher, err = New(cfg, l.inv, func() time.Time { return epoch.Add(time.Duration(l.now) * time.Second) }); err != nil {
		t.Fatal(err)
	}
	l.vc = l.inv.AddVCenter(inventory.VCenter{Name: "vc01.example.com"})
	l.id, _ = l.inv.AddSource("vc01", inventory.SourcePushed, l.vc)
	ref := inventory.Ref{VC: l.vc, ID: "host-21"}
	l.tell(0, inventory.Update{
		Hosts: []inventory.Host{l.host(inventory.Reject)}, VMs: []inventory.VM{l.vm(1, "web-01"), l.vm(2, "db-01")},
		Tables: []inventory.PortTable{{Host: ref, Whole: true, Rows: []inventory.Row{
			{Port: webPort, Kind: inventory.KindVM, MAC: mac(1), Net: inventory.Net{Switch: "vSwitch0", Portgroup: "VM Network"}},
		}}},
	})
	// The clock of esx01 is known: lines came for two minutes, 40 ms late.
	for i := range 40 {
		e := l.line(-200+i*3, 40*time.Millisecond)
		l.Enrich(&e)
	}
	l.report(300)
	return l
}

// line is a line that esx01 wrote at second s and that came so much later.
func (l *lab) line(s int, late time.Duration) event.Event {
	var e event.Event
	e.Reset()
	at := epoch.Add(time.Duration(s) * time.Second)
	e.Time, e.Received = at.UnixNano(), at.Add(late).UnixNano()
	e.Receiver.Peer = netip.MustParseAddrPort("192.0.2.11:514")
	e.Syslog.Hostname = "esx01"
	e.Host = "esx01"
	return e
}

func (l *lab) denial(s int, client string) event.Event {
	e := l.line(s, 40*time.Millisecond)
	e.Dataset = event.DatasetL2Sec
	e.Rarely().L2Sec = event.L2Sec{Kind: event.L2SecPromiscRequested, Function: "L2Sec_EnforcePortCompliance", HasPort: true, Port: webPort, Violation: event.ViolationPromiscuous}
	if client != "" {
		kind, name, device := inventory.ParseClient(client)
		e.Rarely().L2Sec.Client = event.Client{Raw: client, Type: event.ClientType(kind.String()), Name: name, Device: device}
	}
	return e
}

func (l *lab) json(e *event.Event) map[string]any {
	l.t.Helper()
	var m map[string]any
	if err := json.Unmarshal(e.AppendJSON(nil, event.DetailFull, event.OriginalNone), &m); err != nil {
		l.t.Fatal(err)
	}
	return m
}

func dig(m map[string]any, path string) any {
	var v any = m
	for part := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[part]
	}
	return v
}

func TestDenialIsJoined(t *testing.T) {
	l := newLab(t)
	e := l.denial(200, "web-01.eth0")
	l.Enrich(&e)
	m := l.json(&e)
	for path, want := range map[string]any{
		"host.name": "esx01.example.com", "vmware.host.moid": "host-21", "vmware.vcenter.name": "vc01.example.com",
		"vmware.vm.name": "web-01", "vmware.vnic.mac": "00:50:56:84:00:01", "vmware.portgroup.name": "VM Network", "vmware.switch.name": "vSwitch0",
		"vmware.portgroup.vlan.id": 120.0, "vmware.policy.setting": "allow_promiscuous", "vmware.policy.effective.allow_promiscuous": false,
		"vmware.policy.source.allow_promiscuous": "switch", "vmware.policy.agrees_with_log": true, "rule.id": "switch.security.allow_promiscuous", "rule.ruleset": "VM Network",
		"vmware.exposure.vms": 1.0, "vmware.exposure.scope": "vlan 120 on vSwitch0, host esx01.example.com",
		"vmware.enrichment.status": "complete", "vmware.enrichment.confidence": 0.995, "source.address": "web-01", "network.name": "VM Network",
		"observer.ingress.interface.name": "web-01.eth0",
	} {
		if got := dig(m, path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	if e.Tags != 0 {
		t.Errorf("tags %v", e.Tags.Names(nil))
	}
	hints := fmt.Sprint(dig(m, "vmware.hints"))
	for _, want := range []string{"esxcli network port stats get -p 33554448", "pktcap-uw --switchport 33554448", "MAC learning", "nested ESXi"} {
		if !strings.Contains(hints, want) {
			t.Errorf("hints lack %q: %s", want, hints)
		}
	}
}

func TestDriftIsNewsOnlyAfterGuarding(t *testing.T) {
	l := newLab(t)
	l.tell(400, inventory.Update{Hosts: []inventory.Host{l.host(inventory.Accept)}})
	check := func(name string, s int, want event.Agreement) {
		t.Helper()
		l.report(s + 60)
		e := l.denial(s, "web-01.eth0")
		l.Enrich(&e)
		if e.Joined.Agrees != want || (e.Tags&event.TagPolicyDrift != 0) != (want == event.Disagrees) {
			t.Errorf("%s: agrees %d, tags %v", name, e.Joined.Agrees, e.Tags.Names(nil))
		}
	}
	check("before the change", 380, event.Agrees)
	check("the port was connected before the change", 500, event.AgreementUnknown)
	// The machine is started anew: now the port has the new policy, and a denial is drift.
	vm := l.vm(1, "web-01")
	vm.Boot = stamp(600)
	row := inventory.Row{Port: webPort, Kind: inventory.KindVM, MAC: mac(1), Net: inventory.Net{Switch: "vSwitch0", Portgroup: "VM Network"}}
	l.tell(601, inventory.Update{VMs: []inventory.VM{vm}, Tables: []inventory.PortTable{{Host: inventory.Ref{VC: l.vc, ID: "host-21"}, Whole: true, Rows: []inventory.Row{row}}}})
	check("connected anew", 700, event.Disagrees)
}

func TestSenderIsFoundInOrder(t *testing.T) {
	l := newLab(t)
	other := l.host(inventory.Reject)
	other.Ref.ID, other.Name, other.Kernel = "host-22", "esx02.example.com", nil
	l.tell(310, inventory.Update{Hosts: []inventory.Host{other}})
	for _, c := range []struct {
		name   string
		change func(e *event.Event)
		want   string
	}{
		{"by address", func(*event.Event) {}, "esx01.example.com"},
		{"by address, whatever the header says", func(e *event.Event) { e.Syslog.Hostname = "esx02" }, "esx01.example.com"},
		{"by its verified name", func(e *event.Event) { e.Receiver.Authenticated, e.Receiver.TLSPeer = true, "esx02.example.com" }, "esx02.example.com"},
		{"a name that is not verified is nothing", func(e *event.Event) { e.Receiver.TLSPeer = "esx02.example.com" }, "esx01.example.com"},
		{"behind a relay by the header", func(e *event.Event) { e.Receiver.Relay, e.Syslog.Hostname = "192.0.2.11", "esx02" }, "esx02.example.com"},
		{"by the header where the address says nothing", func(e *event.Event) {
			e.Receiver.Peer = netip.MustParseAddrPort("203.0.113.9:514")
			e.Syslog.Hostname = "ESX02.example.com"
		}, "esx02.example.com"},
		{"nobody", func(e *event.Event) {
			e.Receiver.Peer = netip.MustParseAddrPort("203.0.113.10:514")
			e.Syslog.Hostname, e.Host = "esx77", "esx77"
		}, "esx77"},
	} {
		e := l.line(250, 0)
		c.change(&e)
		l.Enrich(&e)
		if e.Host != c.want || (e.Joined.Status == event.JoinUnresolved) != (c.want == "esx77") {
			t.Errorf("%s: %s, %v", c.name, e.Host, e.Joined.Status)
		}
	}
}

func TestHostRenamedIsToldOnce(t *testing.T) {
	l := newLab(t)
	renamed := l.host(inventory.Reject)
	renamed.Name = "esx01-new.example.com"
	l.tell(310, inventory.Update{Hosts: []inventory.Host{renamed}})
	l.report(312)
	for i, want := range []bool{true, false} {
		e := l.line(320+i, 0)
		l.Enrich(&e)
		if e.Host != "esx01-new.example.com" || (e.Tags&event.TagHostRenamed != 0) != want {
			t.Errorf("%d: %s %v", i, e.Host, e.Tags.Names(nil))
		}
	}
}

func TestRelayNobodyListedSendsForMany(t *testing.T) {
	l := newLab(t)
	other := l.host(inventory.Reject)
	other.Ref.ID, other.Name, other.Kernel = "host-22", "esx02.example.com", nil
	l.tell(310, inventory.Update{Hosts: []inventory.Host{other}})
	l.report(312)
	var e event.Event
	send := func(name string) {
		e = l.line(320, 0)
		e.Receiver.Peer = netip.MustParseAddrPort("203.0.113.77:514")
		e.Syslog.Hostname = name
		l.Enrich(&e)
	}
	for range 5 {
		for _, name := range []string{"esx01", "esx02"} {
			send(name)
			if e.Host != name+".example.com" || e.Tags != 0 {
				t.Errorf("%s: %s %v", name, e.Host, e.Tags.Names(nil))
			}
		}
	}
}

func TestWhatIsLeftAlone(t *testing.T) {
	l := newLab(t)
	for name, change := range map[string]func(e *event.Event){
		"decode": func(e *event.Event) { e.Received = 0 }, "our own": func(e *event.Event) { e.Receiver.Peer = netip.AddrPort{} },
	} {
		e := l.denial(200, "web-01")
		change(&e)
		l.Enrich(&e)
		if e.Joined != (event.Joined{}) || e.Host != "esx01" {
			t.Errorf("%s: %+v", name, e.Joined)
		}
	}
}

func TestClockOffset(t *testing.T) {
	l := newLab(t)
	// esx03 is an hour fast and half a minute late with some lines; it is known by its header alone.
	h := l.host(inventory.Reject)
	h.Ref.ID, h.Name, h.Kernel = "host-23", "esx03.example.com", nil
	l.tell(310, inventory.Update{Hosts: []inventory.Host{h}})
	at := func(s int, late time.Duration) event.Event {
		e := l.denial(s+3600, "")
		e.Receiver.Peer = netip.MustParseAddrPort("198.51.100.3:514")
		e.Syslog.Hostname = "esx03"
		e.Received = epoch.Add(time.Duration(s)*time.Second + late).UnixNano()
		return e
	}
	for i := range 40 {
		e := at(400+i*2, time.Duration(i%7)*5*time.Second+20*time.Millisecond)
		var s sent
		l.sender(&e, &s)
		from, join, to := l.when(&e, &s)
		if to != inventory.Stamp(e.Received) || join > to || to.Sub(from) < l.cfg.Guard {
			t.Fatalf("window %v %v %v", from.Time(), join.Time(), to.Time())
		}
		if want := i >= 29 && i*2+i%7*5 >= 60; s.settled != want {
			t.Errorf("settled at line %d: %v", i, s.settled)
		}
	}
	e := at(600, 30*time.Second)
	var s sent
	l.sender(&e, &s)
	if _, join, _ := l.when(&e, &s); join.Sub(stamp(600)).Abs() > 50*time.Millisecond {
		t.Errorf("join time %v", join.Time())
	}
	// A line without a stamp is of when it was received.
	e.TimeSource = event.TimeReceived
	s = sent{}
	l.sender(&e, &s)
	if _, join, to := l.when(&e, &s); join != to {
		t.Errorf("join %v, received %v", join.Time(), to.Time())
	}
}

func TestClockForgetsAfterADay(t *testing.T) {
	var c clock
	hour := int64(time.Hour)
	base := epoch.UnixNano()
	for i := range 60 {
		c.observe(base+int64(i)*int64(2*time.Second), base+int64(i)*int64(2*time.Second)-5)
	}
	if o, settled := c.offset(base + hour); o != 5 || !settled {
		t.Errorf("%d %v", o, settled)
	}
	c.observe(base+23*hour, base+23*hour-9)
	if o, _ := c.offset(base + 23*hour); o != 5 {
		t.Errorf("%d within a day", o)
	}
	if o, _ := c.offset(base + 25*hour); o != 9 {
		t.Errorf("%d after a day", o)
	}
	if _, settled := c.offset(base + 60*hour); settled {
		t.Error("settled although nothing is known any more")
	}
}

func TestLearnsFromTrustedSendersOnly(t *testing.T) {
	l := newLab(t)
	const port = 0x3000007
	netport := func(s int, peer string, auth bool) *event.Event {
		e := l.line(s, 0)
		e.Receiver.Peer = netip.MustParseAddrPort(peer)
		if auth {
			e.Receiver.Authenticated, e.Receiver.TLSPeer = true, "esx01.example.com"
		}
		e.Rarely().NetPort = event.NetPort{Kind: event.NetPortEnabled, Port: port, MAC: mac(2).String()}
		l.Enrich(&e)
		return &e
	}
	if e := netport(200, "203.0.113.1:514", false); e.Joined.Status != event.JoinUnresolved {
		t.Errorf("a stranger's word: %v", e.Joined.Status)
	}
	e := netport(201, "192.0.2.11:514", false)
	if e.Joined.Port == nil || e.Joined.Match != event.JoinMatch(inventory.MethodLearned) {
		t.Errorf("%+v", e.Joined)
	}
	l.report(400)
	d := l.denial(390, "")
	d.Rarely().L2Sec.Port = port
	l.Enrich(&d)
	if got := dig(l.json(&d), "vmware.vm.name"); got != "db-01" {
		t.Errorf("learned: %v", got)
	}
	e = netport(500, "203.0.113.1:514", true)
	if e.Joined.Port == nil {
		t.Error("a verified sender's word")
	}
	off := l.line(510, 0)
	off.Rarely().NetPort = event.NetPort{Kind: event.NetPortDisabled, Port: port}
	l.Enrich(&off)
	bad := l.line(511, 0)
	bad.Rarely().NetPort = event.NetPort{Kind: event.NetPortEnabled, Port: port, MAC: "00:00"}
	l.Enrich(&bad)
	if s := l.inv.Stats(); s.Learned != 3 && s.Learned != 2 {
		t.Errorf("%+v", s)
	}
}

func TestRequestedAddress(t *testing.T) {
	l := newLab(t)
	for requested, want := range map[string]any{
		mac(2).String(): "db-01", mac(200).String(): nil, "00:00:5e:00:01:0a": "VRRP or CARP", "02:bf:0a:00:00:05": "Microsoft NLB",
		mac(1).String(): nil, "00:11:22:33:44:55": nil, "nonsense": nil,
	} {
		e := l.denial(200, "web-01.eth0")
		l2 := &e.Rarely().L2Sec
		l2.Kind, l2.Violation, l2.RequestedMAC = event.L2SecMACChangeRequested, event.ViolationMACChange, requested
		for range 2 { // rendered, and again from what was rendered
			e.Joined = event.Joined{}
			l.Enrich(&e)
		}
		m := l.json(&e)
		if got := dig(m, "vmware.l2sec.requested_mac_owner.name"); got != want {
			t.Errorf("%s: %v, want %v", requested, got, want)
		}
		if got := dig(m, "vmware.policy.setting"); got != "mac_changes" {
			t.Errorf("%s: setting %v", requested, got)
		}
	}
	e := l.denial(200, "web-01.eth0")
	e.Rarely().L2Sec.RequestedMAC = mac(200).String()
	l.Enrich(&e)
	if got := dig(l.json(&e), "vmware.l2sec.requested_mac_owner.device"); got != "vmk0" {
		t.Errorf("of a vmk: %v", got)
	}
}

func TestTablesThatDisagreeAreNotTrusted(t *testing.T) {
	l := newLab(t)
	ask := func() uint16 {
		e := l.denial(200, "")
		l.Enrich(&e)
		return e.Joined.Confidence
	}
	if got := ask(); got != 970 {
		t.Errorf("%d", got)
	}
	for i := range 60 {
		client := "web-01.eth0"
		if i%6 == 0 {
			client = "db-01.eth0"
		}
		e := l.denial(200, client)
		l.Enrich(&e)
	}
	if got := ask(); got != 600 {
		t.Errorf("after many disagreements: %d", got)
	}
	var o outcomes
	for i := range 250 {
		o.add(i < 120)
	}
	if failed, of := o.disagreements(); failed != 0 || of != 100 {
		t.Errorf("%d of %d", failed, of)
	}
}

func TestSendersAreBounded(t *testing.T) {
	l := newLab(t)
	for i := range maxSenders + 5000 {
		e := l.line(100+i, 0)
		e.Receiver.Peer = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 514)
		l.Enrich(&e)
	}
	total := 0
	for i := range l.shards {
		total += len(l.shards[i].senders)
	}
	if total > maxSenders {
		t.Errorf("%d senders", total)
	}
}

func TestManyAtOnce(t *testing.T) {
	l := newLab(t)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 500 {
				e := l.denial(200+i%50, [...]string{"web-01.eth0", "", "db-01.eth0", "vmk0"}[(g+i)%4])
				l.Enrich(&e)
				if e.Joined.Host == nil {
					t.Error("no host")
					return
				}
			}
		})
	}
	all.Go(func() {
		for i := range 200 {
			vm := l.vm(1, fmt.Sprintf("web-%02d", i))
			if err := l.inv.Apply(&inventory.Update{Source: l.id, At: stamp(300 + i), VMs: []inventory.VM{vm}}); err != nil {
				t.Error(err)
			}
			l.inv.Maintain(stamp(300 + i))
		}
	})
	all.Wait()
}

func TestConfig(t *testing.T) {
	if faults := DefaultConfig().Validate(); len(faults) != 0 {
		t.Errorf("the defaults: %v", faults)
	}
	if faults := (Config{Wait: -1, StartWait: -1, Guard: 0}).Validate(); len(faults) != 3 {
		t.Errorf("%v", faults)
	}
}

func TestEnrichAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	l := newLab(t)
	for name, e := range map[string]event.Event{
		"any line": l.line(200, 0), "new grammar": l.denial(200, "web-01.eth0"), "old grammar": l.denial(200, ""), "vmk": l.denial(200, "vmk0"),
	} {
		var again event.Event
		if n := testing.AllocsPerRun(200, func() { again = e; l.Enrich(&again) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestUnknownClientsCostLittle: whoever may write lines may name another client in each. Nothing is kept of them, and next to
// nothing is allocated.
func TestUnknownClientsCostLittle(t *testing.T) {
	l := newLab(t)
	parts := func() int {
		p := &l.ports
		return len(p.vms.of) + len(p.places.of) + len(p.policies.of) + len(p.hints.of)
	}
	const lines = 64
	var denials [lines]event.Event
	var clients [lines][]byte
	for i := range denials {
		denials[i] = l.denial(200, "web-01.eth0")
		c := &denials[i].L2Sec.Client
		c.Raw, c.Name, c.Device = unknownClient(i)
		clients[i] = []byte(`"interface":{"id":"0x2000010","name":"` + c.Raw + `"}`)
	}
	dst := make([]byte, 0, 16<<10)
	all := func() {
		for i := range denials {
			e := denials[i]
			l.Enrich(&e)
			if dst = e.AppendJSON(dst[:0], event.DetailFull, event.OriginalNone); !bytes.Contains(dst, clients[i]) {
				t.Fatalf("%s is not in %s", clients[i], dst)
			}
		}
	}
	all()
	first := parts()
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	// A port is made for 32 lines at once.
	if n := testing.AllocsPerRun(20, all); n > lines/16 {
		t.Errorf("%v allocations for %d lines", n, lines)
	}
	if n := parts(); n != first || n > 4 {
		t.Errorf("%d parts are kept, %d after the first lines", n, first)
	}
}
