package vcenter

import (
	"errors"
	"fmt"
	"html"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
	"vswarden/inventory/vcenter/access"
)

// esxcliHost has the proxy answer the two commands: two VMs, each with a port on a distributed switch.
func (p *proxy) esxcliHost(macs map[string]string) {
	row := func(fields ...string) string {
		s := `<DataObject xsi:type="x">`
		for i := 0; i < len(fields); i += 2 {
			s += "<" + fields[i] + ">" + html.EscapeString(fields[i+1]) + "</" + fields[i] + ">"
		}
		return s + "</DataObject>"
	}
	answer := func(rows ...string) string {
		return `<returnval><response>` + html.EscapeString(`<obj xmlns="urn:vim25" xsi:type="ArrayOfDataObject" xmlns:xsi="x">`+strings.Join(rows, "")+`</obj>`) + `</response></returnval>`
	}
	var names []string
	for name := range macs {
		names = append(names, name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serve = map[string]func(string) string{
		"RetrieveManagedMethodExecuter": func(string) string {
			return `<returnval type="ManagedMethodExecuter">mme-1</returnval>`
		},
		"ExecuteSoap": func(body string) string {
			switch {
			case strings.Contains(body, "<method>vim.EsxCLI.network.vm.list</method>"):
				var rows []string
				for i, name := range names {
					rows = append(rows, row("Name", name, "NumPorts", "1", "WorldID", fmt.Sprint(33000+i)))
				}
				return answer(rows...)
			case strings.Contains(body, "<method>vim.EsxCLI.network.vm.port.list</method>"):
				for i, name := range names {
					if strings.Contains(body, fmt.Sprintf("&lt;worldid&gt;%d&lt;/worldid&gt;", 33000+i)) {
						return answer(row("PortID", fmt.Sprint(0x4000006+i), "MACAddress", macs[name], "vSwitch", "DVS0", "Portgroup", "PG", "DVPortID", fmt.Sprint(10+i)))
					}
				}
			}
			return `<returnval><fault><faultMsg>EsxCLI.CLIFault.summary</faultMsg></fault></returnval>`
		},
	}
}

// asking is a feeder whose hosts can be asked.
func asking(t testing.TB, s *sim, p *proxy, change func(*access.Config)) (*feeding, *Live) {
	t.Helper()
	cfg := p.config(s)
	cfg.Live.Method = access.LiveESXCLI
	cfg.Live.Timeout = longWait
	if change != nil {
		change(&cfg)
	}
	f := feed(t, cfg)
	return f, f.Live()
}

func TestAPortThatNothingKnowsIsAskedOfItsHost(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	f, l := asking(t, s, p, nil)
	vm := s.vms()[first]
	p.esxcliHost(map[string]string{first: macOf(vm)})
	host := inventory.Ref{VC: 1, ID: vm.Runtime.Host.Value}
	h := f.inv.HostTable(host)
	for range 200 { // a burst of lines of one port is one question
		if !l.Ask(host, 0x4000006, first) && !h.Knows(0x4000006) {
			t.Fatal("not asked")
		}
	}
	f.until("the answer", func() bool { return h.Knows(0x4000006) })
	now := inventory.StampOf(time.Now())
	c := h.Lookup(&inventory.Query{Port: 0x4000006, From: now, At: now, To: now, Now: now}, nil)
	if len(c) != 1 || c[0].VM == nil || c[0].VM.Name != first || c[0].Method&inventory.MethodLive == 0 || c[0].Net.DVPort != "10" {
		t.Errorf("candidates %+v", c)
	}
	f.until("the world", func() bool { return f.vm(first).World == 33000 })
	if n := p.called("ExecuteSoap"); n != 2 {
		t.Errorf("%d commands for one question, want 2", n)
	}
	if len(f.vm(first).NICs) != 1 || f.vm(first).Host != host.ID {
		t.Errorf("the rest of the VM: %+v", f.vm(first))
	}
	s.task(s.object(vm.Self).PowerOff(t.Context()))
	f.until("it to be off", func() bool { return f.vm(first).Power == inventory.PoweredOff && f.vm(first).World == 0 })
	if st := l.Stats(); st.Asked.Load() != 1 || st.Answered.Load() != 1 {
		t.Errorf("asked %d, answered %d, joined %d", st.Asked.Load(), st.Answered.Load(), st.Joined.Load())
	}
}

func TestAPortThatItsHostDoesNotKnowIsNotAskedForAgain(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	f, l := asking(t, s, p, nil)
	vm := s.vms()[first]
	p.esxcliHost(map[string]string{first: macOf(vm)})
	host := inventory.Ref{VC: 1, ID: vm.Runtime.Host.Value}
	l.Ask(host, 0x9999, "")
	f.until("the answer", func() bool { return l.Stats().Unknown.Load() == 1 })
	if l.Ask(host, 0x9999, "") || l.Stats().Remembered.Load() != 1 {
		t.Error("asked for again")
	}
	// A change on the host is a reason to ask again.
	s.plug(*vm.Runtime.Host, map[uint32]string{0x2000009: macOf(vm)})
	f.until("the change", func() bool { return f.inv.HostTable(host).Knows(0x2000009) })
	if !l.Ask(host, 0x9999, "") {
		t.Error("not asked for again after a change")
	}
	if l.Ask(host, 0x84000006, "vmnic0") || l.Ask(inventory.Ref{VC: 9, ID: "host-1"}, 5, "") {
		t.Error("asked for an uplink, or a host of another server")
	}
}

func TestAHostThatFailsIsLeftAlone(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	f, l := asking(t, s, p, nil)
	vm := s.vms()[first]
	host := inventory.Ref{VC: 1, ID: vm.Runtime.Host.Value}
	p.breaks(func(method string) int {
		if method == "RetrieveManagedMethodExecuter" {
			return 503
		}
		return 0
	})
	for i := range uint32(breakAfter) {
		if !l.Ask(host, 100+i, "") {
			t.Fatalf("question %d not asked", i)
		}
		f.until("the failure", func() bool { return l.Stats().Failed.Load() == uint64(i)+1 })
	}
	if l.Ask(host, 200, "") || l.Stats().Broken.Load() != 1 {
		t.Error("asked on")
	}
}

func TestAMissingRightStopsAllQuestionsAndIsNamed(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	f, l := asking(t, s, p, nil)
	p.breaks(func(method string) int {
		if method == "RetrieveManagedMethodExecuter" {
			return noPermission
		}
		return 0
	})
	host := inventory.Ref{VC: 1, ID: s.vms()[first].Runtime.Host.Value}
	l.Ask(host, 100, "")
	f.until("the right to be missed", func() bool { return f.lacks("esxcli network vm list") != nil })
	f.until("the failure", func() bool { return l.Stats().Failed.Load() == 1 })
	if l.Ask(inventory.Ref{VC: 1, ID: "host-x"}, 100, "") {
		t.Error("another host is asked all the same")
	}
	if r := f.lacks("esxcli network vm list"); r.Privilege != "Host.Config.Settings on the hosts" {
		t.Errorf("right %+v", r)
	}
}

func TestQuestionsAreBounded(t *testing.T) {
	inv := inventory.New(inventory.DefaultConfig())
	now := time.Now()
	cfg := access.DefaultConfig()
	cfg.URL, cfg.Live.Method, cfg.Live.PerHost, cfg.Live.PerVCenter, cfg.Live.InFlight = "http://127.0.0.1:1", access.LiveESXCLI, 8, 40, 4
	f, err := New(inv, cfg, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	l := f.Live()
	host := func(i int) inventory.Ref { return inventory.Ref{VC: 1, ID: fmt.Sprint("host-", i)} }
	drain := func() {
		for len(l.work) > 0 {
			l.done(<-l.work, nil)
		}
	}
	asked := 0
	for i := range uint32(10) {
		if l.Ask(host(1), 100+i, fmt.Sprint("vm", i)) {
			asked++
		}
		drain()
	}
	if asked != 2 { // a quarter of a minute's
		t.Errorf("a host got %d questions at once, want 2", asked)
	}
	asked = 0
	for i := range 100 {
		if l.Ask(host(10+i), 100, "") {
			asked++
		}
		drain()
	}
	if asked != 8 { // ten for all, less two
		t.Errorf("a vCenter got %d more questions at once, want 8", asked)
	}
	now = now.Add(time.Minute)
	asked = 0
	for i := range 100 {
		if l.Ask(host(200+i), 100, "") {
			asked++
		}
	}
	if asked != 4 {
		t.Errorf("%d are in flight, want 4", asked)
	}
	if st := l.Stats(); st.Limited.Load() != 8+92+96 {
		t.Errorf("%d were not asked for want of room", st.Limited.Load())
	}
}

func TestBreakerPausesGrow(t *testing.T) {
	now := time.Now()
	var b breaker
	var pauses []time.Duration
	for range 10 {
		b.note(false, now)
		if b.open(now) {
			pauses = append(pauses, b.until.Sub(now))
			now = b.until
		}
	}
	if len(pauses) != 8 || pauses[0] != breakFirst || pauses[1] != 2*breakFirst || pauses[7] != breakMost {
		t.Errorf("pauses %v", pauses)
	}
	if b.note(true, now); b.open(now) || b.failures != 0 {
		t.Error("a good answer does not close it")
	}
}

func TestOnlyTwoCommandsAreEverSent(t *testing.T) {
	_, err := runCommand(t.Context(), nil, types.ManagedObjectReference{}, "system.shutdown.poweroff", 0)
	if !errors.Is(err, errCommand) {
		t.Errorf("got %v", err)
	}
}

func TestEsxtopService(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	f, l := asking(t, s, p, func(c *access.Config) { c.Live.Method = access.LiveEsxtop })
	vm := s.vms()[first]
	var freed atomic.Bool
	p.mu.Lock()
	p.serve = map[string]func(string) string{
		"QueryServiceList": func(body string) string {
			if !strings.Contains(body, "vmware.host.DC0_C0_H") {
				return ""
			}
			return `<returnval><serviceName>Esxtop</serviceName><service type="SimpleCommand">esxtop-1</service><description>x</description></returnval>`
		},
		"ExecuteSimpleCommand": func(body string) string {
			switch {
			case strings.Contains(body, "CounterInfo"):
				return "<returnval>|NetPort|PortID,U32|ClientName,CSTR|</returnval>"
			case strings.Contains(body, "FetchStats"):
				return "<returnval>==COUNTER-VALUE==\n|NetPort|67108870|33000:" + first + ".eth0|\n</returnval>"
			}
			freed.Store(true)
			return "<returnval></returnval>"
		},
	}
	p.mu.Unlock()
	host := inventory.Ref{VC: 1, ID: vm.Runtime.Host.Value}
	if !l.Ask(host, 0x4000006, "") {
		t.Fatal("not asked")
	}
	f.until("the answer", func() bool { return f.inv.HostTable(host).Knows(0x4000006) })
	f.until("the host to be told that it may forget", freed.Load)
}
