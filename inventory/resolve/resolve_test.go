package resolve

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vswarden/inventory"
)

var epoch = inventory.StampOf(time.Date(2026, 9, 15, 10, 0, 0, 0, time.UTC))

func at(s int) inventory.Stamp { return epoch.Add(time.Duration(s) * time.Second) }

const (
	webPort  = 0x2000010
	dbPort   = 0x2000011
	otherSrc = 0x3000007
)

// estate is a vCenter with esx01: web-01 (two adapters, one port), db-01 and two machines called twin.
type estate struct {
	*inventory.Inventory
	t  testing.TB
	vc uint16
	id inventory.SourceID
}

func (e *estate) vm(n int, name, host string, boot int) inventory.VM {
	return inventory.VM{
		Ref: inventory.Ref{VC: e.vc, ID: fmt.Sprintf("vm-%d", n)}, Host: host, Name: name, Power: inventory.PoweredOn, Boot: at(boot),
		NICs: []inventory.NIC{{Key: 4000, MAC: inventory.MAC{0, 0x50, 0x56, 1, 0, byte(n)}, Connected: true, Backing: inventory.Backing{Kind: inventory.Standard, Portgroup: "VM Network"}}},
	}
}

func (e *estate) tell(s int, u inventory.Update) {
	e.t.Helper()
	if st := e.Source(e.id); st.Live {
		e.Reported(e.id, at(s-1))
	}
	u.Source, u.At = e.id, at(s)
	if err := e.Apply(&u); err != nil {
		e.t.Fatal(err)
	}
	e.Reported(e.id, at(s))
	e.Maintain(at(s))
}

func row(port uint32, n byte) inventory.Row {
	return inventory.Row{Port: port, Kind: inventory.KindVM, MAC: inventory.MAC{0, 0x50, 0x56, 1, 0, n}, Net: inventory.Net{Switch: "vSwitch0", Portgroup: "VM Network"}}
}

func newEstate(t testing.TB) *estate {
	inv := inventory.New(inventory.DefaultConfig())
	e := &estate{Inventory: inv, t: t, vc: inv.AddVCenter(inventory.VCenter{Name: "vc"})}
	e.id, _ = inv.AddSource("vc", inventory.SourcePushed, e.vc)
	ref := inventory.Ref{VC: e.vc, ID: "esx01"}
	web := e.vm(1, "web-01", "esx01", -3600)
	web.NICs = append(web.NICs, inventory.NIC{Key: 4001, MAC: inventory.MAC{0, 0x50, 0x56, 1, 1, 1}, Connected: true})
	e.tell(0, inventory.Update{
		Hosts: []inventory.Host{{
			Ref: ref, Name: "esx01.example.com", Connection: inventory.Connected, Boot: at(-86400),
			Kernel:     []inventory.VMKernel{{Device: "vmk0", Port: 0x2000004, Portgroup: "Management Network"}},
			Uplinks:    []inventory.Uplink{{Device: "vmnic0", Port: 0x82000002}},
			Switches:   []inventory.Switch{{Kind: inventory.Standard, Name: "vSwitch0", Rules: inventory.Rules{Own: inventory.Flags{Promiscuous: inventory.Reject, MACChanges: inventory.Reject, ForgedTransmits: inventory.Reject}}}},
			Portgroups: []inventory.Portgroup{{Kind: inventory.Standard, Name: "VM Network", Switch: "vSwitch0", VLAN: inventory.StandardVLAN(0)}, {Kind: inventory.Standard, Name: "Management Network", Switch: "vSwitch0"}},
		}},
		VMs: []inventory.VM{
			web, e.vm(2, "db-01", "esx01", -3600), e.vm(3, "twin", "esx01", -3600), e.vm(4, "twin", "esx01", -3600), e.vm(5, "x.eth0", "esx01", -3600),
			e.vm(6, "elsewhere", "esx02", -3600),
		},
		Tables: []inventory.PortTable{{Host: ref, Whole: true, Rows: []inventory.Row{row(webPort, 1), row(dbPort, 2)}}},
	})
	return e
}

// ask asks about a line written and received at second s, a minute later.
func (e *estate) ask(port uint32, client string, s int) *Question {
	e.Reported(e.id, at(s+60))
	q := &Question{
		Host: e.Host("esx01"), HasPort: port != 0, Port: port, Client: client, From: at(s - 10), Join: at(s), To: at(s), Now: at(s + 60), Guard: 10 * time.Second,
	}
	switch {
	case client == "":
	case strings.HasPrefix(client, "vmk"):
		q.Kind, q.Device = inventory.KindVMKernel, client
	case strings.HasPrefix(client, "vmnic"):
		q.Kind, q.Device = inventory.KindUplink, client
	case client == "Management":
		q.Kind = inventory.KindSystem
	default:
		q.Kind, q.Name = inventory.KindVM, client
		if i := strings.LastIndex(client, ".eth"); i >= 0 {
			q.Name, q.Device = client[:i], client[i+1:]
		}
	}
	return q
}

// words prints an answer in one line.
func words(a *Answer) string {
	who := a.Device
	if a.VM != nil {
		who = a.VM.Name
		if a.NICKey != 0 {
			who += fmt.Sprintf("/%d", a.NICKey)
		}
	}
	s := fmt.Sprintf("%s %s %.3f of %d %s %s", a.Kind, who, a.Confidence, a.Candidates, strings.Join(a.Method.Names(), ","), a.Status)
	if a.Missing != 0 {
		s += " without " + strings.Join(a.Missing.Names(), ",")
	}
	return s
}

func TestResolve(t *testing.T) {
	e := newEstate(t)
	for _, c := range []struct {
		name   string
		port   uint32
		client string
		s      int
		change func(q *Question)
		want   string
		notes  Note
	}{
		{"old grammar", webPort, "", 100, nil, "vm web-01/4000 0.970 of 1 port_table complete", 0},
		{"new grammar, all agree", webPort, "web-01.eth0", 100, nil, "vm web-01/4000 0.995 of 1 port_table,client_name complete", 0},
		{"a bare name agrees", webPort, "web-01", 100, nil, "vm web-01/4000 0.995 of 1 port_table,client_name complete", 0},
		{"another adapter in the name", webPort, "web-01.eth1", 100, nil, "vm web-01/4000 0.850 of 1 port_table,client_name complete", NoteNICConflict},
		{"no port in the table: the name and its adapter", otherSrc, "web-01.eth1", 100, nil, "vm web-01/4001 0.900 of 1 client_name partial without portgroup,policy", 0},
		{"a bare name of a machine with two adapters", otherSrc, "web-01", 100, nil, "vm web-01 0.700 of 1 client_name partial without vnic,portgroup,policy", NoteWhichNIC},
		{"a bare name of a machine with one", otherSrc, "db-01", 100, nil, "vm db-01/4000 0.900 of 1 client_name complete", 0},
		{"a machine called x.eth0", otherSrc, "x.eth0", 100, nil, "vm x.eth0/4000 0.900 of 1 client_name complete", 0},
		{"a machine of another host", otherSrc, "elsewhere", 100, nil, "vm elsewhere/4000 0.500 of 1 client_name partial", NoteElsewhere},
		{"two machines of one name", otherSrc, "twin", 100, nil, "vm  0.000 of 2  unresolved without vm,vnic,portgroup,policy", NoteTwoNames},
		{"the table is behind", dbPort, "web-01.eth1", 100, nil, "vm web-01/4001 0.850 of 2 client_name partial without portgroup,policy", NoteTableBehind},
		{"the table against a stranger", dbPort, "stranger.eth0", 100, nil, "vm db-01/4000 0.600 of 2 port_table partial", NoteNameConflict},
		{"the table against one of two", dbPort, "twin", 100, nil, "vm db-01/4000 0.600 of 2 port_table partial", NoteNameConflict | NoteTwoNames},
		{"before the first report, after boot", webPort, "", -600, nil, "vm web-01/4000 0.800 of 1 port_table,backdated complete", NoteBackdated},
		{"backdated, but the name agrees", webPort, "web-01.eth0", -600, nil, "vm web-01/4000 0.970 of 1 port_table,client_name,backdated complete", 0},
		{"before the machine's boot", webPort, "", -3700, nil, "unknown  0.000 of 0  unresolved without vm,vnic,portgroup,policy", NoteBeforeKnowledge},
		{"nobody", 0x2000055, "", 100, nil, "unknown  0.000 of 0  unresolved without vm,vnic,portgroup,policy", 0},
		{"uplink by its bit", 0x84000006, "", 100, nil, "vmnic  0.950 of 1 uplink complete", 0},
		{"uplink by table", 0x82000002, "", 100, nil, "vmnic vmnic0 0.990 of 1 port_table,uplink complete", 0},
		{"uplink by name, old numbers", 0x6000002, "vmnic1", 100, nil, "vmnic vmnic1 0.900 of 1 client_name,uplink complete", 0},
		{"vmk by table", 0x2000004, "vmk0", 100, nil, "vmk vmk0 0.990 of 1 port_table,client_name,vmk complete", 0},
		{"vmk in the old grammar", 0x2000004, "", 100, nil, "vmk vmk0 0.970 of 1 port_table,vmk complete", 0},
		{"vmk by name", 0x4000010, "vmk1", 100, nil, "vmk vmk1 0.900 of 1 client_name,vmk partial without portgroup,policy", 0},
		{"a vmk where the table has a VM", webPort, "vmk3", 100, nil, "vmk vmk3 0.600 of 1 client_name,vmk partial without portgroup,policy", NoteNameConflict},
		{"the switch itself", 0x2000001, "Management", 100, nil, "system Management 0.900 of 1 client_name complete", 0},
		{"clock not known", webPort, "", 100, func(q *Question) { q.ClockUnsettled = true }, "vm web-01/4000 0.800 of 1 port_table complete", NoteClock},
		{"clock not known, but the name agrees", webPort, "web-01.eth0", 100, func(q *Question) { q.ClockUnsettled = true }, "vm web-01/4000 0.970 of 1 port_table,client_name complete", 0},
		{"not settled", webPort, "", 100, func(q *Question) { q.Now = at(161); q.Join, q.To = at(160), at(160) }, "vm web-01/4000 0.800 of 1 port_table complete", NoteUnsettled},
		{"table that disagrees too often", webPort, "", 100, func(q *Question) { q.TableUntrusted = true }, "vm web-01/4000 0.600 of 1 port_table partial", NoteUntrusted},
		{"no host", webPort, "web-01", 100, func(q *Question) { q.Host = nil }, "vm  0.000 of 0  unresolved without host", 0},
		{"no port and no client", 0, "", 100, nil, "unknown  0.000 of 0  not_applicable", 0},
		{"a name without a port", 0, "db-01.eth0", 100, nil, "vm db-01/4000 0.900 of 1 client_name complete", 0},
	} {
		var r Resolver
		q := e.ask(c.port, c.client, c.s)
		if c.change != nil {
			c.change(q)
		}
		a := r.Resolve(q)
		if got := words(&a); got != c.want || a.Notes != c.notes {
			t.Errorf("%s:\n got %s %q\nwant %s %q", c.name, got, a.Notes.Texts(), c.want, c.notes.Texts())
		}
	}
}

func TestResolveChanges(t *testing.T) {
	e := newEstate(t)
	var r Resolver
	check := func(name string, q *Question, want string) {
		t.Helper()
		a := r.Resolve(q)
		if got := words(&a); got != want {
			t.Errorf("%s:\n got %s %q\nwant %s", name, got, a.Notes.Texts(), want)
		}
	}
	// db-01 goes off at 200 and new-01 gets its port at once.
	off := e.vm(2, "db-01", "esx01", -3600)
	off.Power = inventory.PoweredOff
	ref := inventory.Ref{VC: e.vc, ID: "esx01"}
	e.tell(200, inventory.Update{VMs: []inventory.VM{off, e.vm(7, "new-01", "esx01", 199)}, Tables: []inventory.PortTable{{Host: ref, Whole: true, Rows: []inventory.Row{row(webPort, 1), row(dbPort, 7)}}}})
	check("before", e.ask(dbPort, "", 150), "vm db-01/4000 0.970 of 1 port_table complete")
	check("just before", e.ask(dbPort, "", 195), "vm db-01/4000 0.600 of 2 port_table partial")
	check("just after", e.ask(dbPort, "", 203), "vm new-01/4000 0.600 of 2 port_table partial")
	check("just before, named", e.ask(dbPort, "db-01.eth0", 195), "vm db-01/4000 0.900 of 2 port_table,client_name complete")
	check("just after, named", e.ask(dbPort, "new-01.eth0", 203), "vm new-01/4000 0.970 of 2 port_table,client_name complete")
	check("after", e.ask(dbPort, "", 230), "vm new-01/4000 0.970 of 1 port_table complete")
	// A line of 150 that came only at 260: everybody in between is a candidate.
	late := e.ask(dbPort, "", 150)
	late.To = at(260)
	check("late", late, "vm db-01/4000 0.600 of 2 port_table partial")
	late.Client, late.Name, late.Device, late.Kind = "db-01.eth0", "db-01", "eth0", inventory.KindVM
	check("late, named", late, "vm db-01/4000 0.970 of 2 port_table,client_name complete")
	// web-01 leaves: what comes late for its port is told by its tombstone.
	gone := e.vm(1, "web-01", "esx02", -3600)
	e.tell(400, inventory.Update{VMs: []inventory.VM{gone}, Tables: []inventory.PortTable{{Host: ref, Whole: true, Rows: []inventory.Row{row(dbPort, 7)}}}})
	check("after it left", e.ask(webPort, "", 430), "vm web-01/4000 0.800 of 1 port_table,tombstone complete")
	check("after it left, named", e.ask(webPort, "web-01.eth0", 430), "vm web-01/4000 0.800 of 1 port_table,client_name,tombstone complete")
	check("long after", e.ask(webPort, "", 3000), "unknown  0.000 of 0  unresolved without vm,vnic,portgroup,policy")
	// A rename: VMkernel goes on with the old name.
	renamed := e.vm(7, "renamed", "esx01", 199)
	e.tell(3100, inventory.Update{VMs: []inventory.VM{renamed}})
	check("former name", e.ask(dbPort, "new-01.eth0", 3200), "vm renamed/4000 0.995 of 1 port_table,client_name complete")
	check("former name alone", e.ask(otherSrc, "new-01.eth0", 3200), "vm renamed/4000 0.900 of 1 client_name complete")
}

func TestResolveSourceDown(t *testing.T) {
	e := newEstate(t)
	q := e.ask(webPort, "", 100)
	e.Down(e.id)
	var r Resolver
	for _, c := range []struct {
		s, now int
		want   string
	}{
		{100, 200, "vm web-01/4000 0.970 of 1 port_table complete"}, // told up to 160
		{200, 230, "vm web-01/4000 0.800 of 1 port_table stale"},
		{400, 430, "vm web-01/4000 0.720 of 1 port_table stale"},
		{4000, 4030, "vm web-01/4000 0.560 of 1 port_table stale"},
	} {
		q.From, q.Join, q.To, q.Now = at(c.s-10), at(c.s), at(c.s), at(c.now)
		a := r.Resolve(q)
		if got := words(&a); got != c.want {
			t.Errorf("at %d: %s, want %s", c.s, got, c.want)
		}
	}
}

func TestResolveSources(t *testing.T) {
	e := newEstate(t)
	stream, _ := e.AddSource("stream", inventory.SourceStream, 0)
	live, _ := e.AddSource("esxcli", inventory.SourceLive, e.vc)
	h := e.Host("esx01")
	var r Resolver
	check := func(name string, q *Question, want string) {
		t.Helper()
		a := r.Resolve(q)
		if got := words(&a); got != want {
			t.Errorf("%s:\n got %s %q\nwant %s", name, got, a.Notes.Texts(), want)
		}
	}
	e.Learn(stream, h, otherSrc, inventory.MAC{0, 0x50, 0x56, 1, 0, 2}, at(50))
	check("learned", e.ask(otherSrc, "", 100), "vm db-01/4000 0.800 of 1 learned complete")
	check("learned, named", e.ask(otherSrc, "db-01.eth0", 100), "vm db-01/4000 0.950 of 1 client_name,learned complete")
	// The line of long ago against the table of now, and the line of now against the table of long ago.
	e.Learn(stream, h, webPort, inventory.MAC{0, 0x50, 0x56, 1, 0, 2}, at(-50))
	check("old line against the table", e.ask(webPort, "", 100), "vm web-01/4000 0.970 of 1 port_table complete")
	e.Learn(stream, h, dbPort, inventory.MAC{0, 0x50, 0x56, 1, 0, 1}, at(80))
	check("new line against the table", e.ask(dbPort, "", 100), "vm db-01/4000 0.600 of 2 port_table partial")
	// An address no machine of the host has: another host's, and nobody's.
	e.Learn(stream, h, 0x3000008, inventory.MAC{0, 0x50, 0x56, 1, 0, 6}, at(80))
	check("address of another host's machine", e.ask(0x3000008, "", 100), "vm elsewhere/4000 0.600 of 1 learned,mac partial")
	e.Learn(stream, h, 0x3000009, inventory.MAC{0, 0x50, 0x56, 9, 9, 9}, at(80))
	check("address of nobody", e.ask(0x3000009, "", 100), "vm  0.800 of 1 learned partial without vm,vnic,portgroup,policy")
	if err := e.Apply(&inventory.Update{Source: live, At: at(90), Tables: []inventory.PortTable{{Host: h.Ref(), Rows: []inventory.Row{
		{Port: 0x300000a, Kind: inventory.KindVM, VM: "web-01", MAC: inventory.MAC{0, 0x50, 0x56, 1, 1, 1}, Net: inventory.Net{Switch: "DSwitch", Portgroup: "PG", DVPort: "37"}},
	}}}}); err != nil {
		t.Fatal(err)
	}
	check("asked, since then it may have changed", e.ask(0x300000a, "", 110), "vm web-01/4001 0.800 of 1 live partial without policy")
	if err := e.Apply(&inventory.Update{Source: live, At: at(125), Tables: []inventory.PortTable{{Host: h.Ref(), Rows: []inventory.Row{
		{Port: 0x300000a, Kind: inventory.KindVM, VM: "web-01", MAC: inventory.MAC{0, 0x50, 0x56, 1, 1, 1}, Net: inventory.Net{Switch: "DSwitch", Portgroup: "PG", DVPort: "37"}},
	}}}}); err != nil {
		t.Fatal(err)
	}
	check("asked before and after", e.ask(0x300000a, "", 110), "vm web-01/4001 0.970 of 1 live partial without policy")
	check("asked, before", e.ask(0x300000a, "", 60), "vm web-01/4001 0.800 of 1 live,backdated partial without policy")
}

func TestResolveImports(t *testing.T) {
	inv := inventory.New(inventory.DefaultConfig())
	if err := inv.Import(inventory.Statement{Host: inventory.Host{Name: "esx01"}, At: at(0), Rows: []inventory.Row{
		{Port: webPort, Kind: inventory.KindVM, Client: "web-01.eth0", VM: "web-01", Device: "eth0", Net: inventory.Net{Switch: "vSwitch0", Enforced: inventory.Flags{Promiscuous: inventory.Reject}}},
	}}); err != nil {
		t.Fatal(err)
	}
	var r Resolver
	ask := func(client string, s int) string {
		q := &Question{Host: inv.Host("esx01"), HasPort: true, Port: webPort, Client: client, From: at(s - 10), Join: at(s), To: at(s), Now: at(1e6), Guard: 10 * time.Second}
		if client != "" {
			q.Kind, q.Name, q.Device = inventory.KindVM, strings.TrimSuffix(client, ".eth0"), "eth0"
		}
		a := r.Resolve(q)
		return words(&a)
	}
	for s, want := range map[int]string{
		-60:    "unknown  0.000 of 0  unresolved without vm,vnic,portgroup,policy",
		-5:     "vm web-01/4000 0.950 of 1 import partial without portgroup",
		0:      "vm web-01/4000 0.950 of 1 import partial without portgroup",
		10:     "vm web-01/4000 0.950 of 1 import partial without portgroup",
		11:     "vm web-01/4000 0.850 of 1 import partial without portgroup",
		86400:  "vm web-01/4000 0.850 of 1 import partial without portgroup",
		86401:  "vm web-01/4000 0.600 of 1 import partial without portgroup",
		864000: "vm web-01/4000 0.600 of 1 import partial without portgroup",
	} {
		if got := ask("", s); got != want {
			t.Errorf("at %d: %s, want %s", s, got, want)
		}
	}
	if got, want := ask("web-01.eth0", 864000), "vm web-01/4000 0.950 of 1 client_name,import partial without portgroup"; got != want {
		t.Errorf("the line agrees: %s, want %s", got, want)
	}
	if err := inv.Import(inventory.Statement{Host: inventory.Host{Name: "esx01"}, At: at(3600), WholePorts: true, Rows: []inventory.Row{{Port: webPort, Kind: inventory.KindVM, VM: "other"}}}); err != nil {
		t.Fatal(err)
	}
	if got := ask("", 1800); !strings.Contains(got, "0.600 of 2 import partial") {
		t.Errorf("between two that disagree: %s", got)
	}
	if got, want := ask("", 3600), "vm other 0.950 of 1 import partial without vnic,portgroup,policy"; got != want {
		t.Errorf("at the second: %s, want %s", got, want)
	}
	if got, want := ask("", 5), "vm web-01/4000 0.950 of 1 import partial without portgroup"; got != want {
		t.Errorf("at the first: %s, want %s", got, want)
	}
}

func TestNotesAndStatusHaveWords(t *testing.T) {
	if NoteElsewhere != 1<<(len(noteTexts)-1) || MissingPolicy != 1<<(len(missingNames)-1) {
		t.Error("texts and bits differ in number")
	}
	for s := NotApplicable; s <= Complete; s++ {
		if s.String() == "" {
			t.Error(s)
		}
	}
}

func TestResolveAllocatesNothing(t *testing.T) {
	e := newEstate(t)
	var r Resolver
	for _, client := range []string{"", "web-01.eth0", "vmk0", "stranger"} {
		q := e.ask(webPort, client, 100)
		_ = r.Resolve(q)
		if n := testing.AllocsPerRun(100, func() { _ = r.Resolve(q) }); n != 0 {
			t.Errorf("%q: %v allocations", client, n)
		}
	}
}

func BenchmarkResolve(b *testing.B) {
	e := newEstate(b)
	for _, client := range []string{"", "web-01.eth0"} {
		q := e.ask(webPort, client, 100)
		b.Run("client="+client, func(b *testing.B) {
			var r Resolver
			b.ReportAllocs()
			for b.Loop() {
				if a := r.Resolve(q); a.VM == nil {
					b.Fatal(a)
				}
			}
		})
	}
}
