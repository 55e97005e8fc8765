package posture

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vswarden/inventory"
)

var epoch = inventory.StampOf(time.Date(2026, 9, 15, 10, 0, 0, 0, time.UTC))

func at(s int) inventory.Stamp { return epoch.Add(time.Duration(s) * time.Second) }

// estate is an inventory that a vCenter pushes: two hosts on one distributed switch, one of them with a standard
// switch too.
type estate struct {
	*inventory.Inventory
	t  testing.TB
	id inventory.SourceID
	vc uint16
}

func newEstate(t testing.TB) *estate {
	t.Helper()
	w := estateOn(t, inventory.New(inventory.DefaultConfig()))
	u := inventory.Update{
		First:    true,
		Switches: []inventory.Switch{{Ref: w.ref("dvs-1"), Kind: inventory.DistributedSwitch, Name: "DSwitch-Prod", MACLearning: true, Rules: distributed(inventory.Reject, false)}},
		Portgroups: []inventory.Portgroup{
			w.portgroup("dvportgroup-1", "web", access(120), distributed(inventory.Reject, true)),
			w.portgroup("dvportgroup-2", "ids", inventory.VLAN{Kind: inventory.VLANTrunk, Ranges: []inventory.VLANRange{{First: 100, Last: 199}}}, distributed(inventory.Accept, false)),
			w.portgroup("dvportgroup-3", "db", access(300), distributed(inventory.Reject, true)),
			w.portgroup("dvportgroup-9", "Uplinks", access(0), distributed(inventory.Accept, false)),
			w.portgroup("dvportgroup-8", "segment", access(0), distributed(inventory.Reject, false)),
		},
		DVPorts: []inventory.DVPort{{Switch: w.ref("dvs-1"), Key: "37", Portgroup: "dvportgroup-1", Rules: distributed(inventory.Accept, false)}},
	}
	u.Portgroups[3].Uplink, u.Portgroups[4].NSX = true, true
	for i, name := range []string{"esx01", "esx02"} {
		u.Hosts = append(u.Hosts, inventory.Host{
			Ref: w.ref(fmt.Sprintf("host-%d", i+1)), Name: name + ".example.com", Connection: inventory.Connected, Boot: at(-86400),
			Cluster: inventory.Place{Name: "Prod-01"},
			Kernel:  []inventory.VMKernel{{Device: "vmk1", Portgroup: "dvportgroup-1", DVPort: "7" + name[4:]}},
		})
	}
	u.Hosts[0].Switches = []inventory.Switch{{Kind: inventory.Standard, Name: "vSwitch0", Rules: inventory.Rules{Own: inventory.Flags{Promiscuous: inventory.Reject, MACChanges: inventory.Accept, ForgedTransmits: inventory.Accept}}}}
	u.Hosts[0].Portgroups = []inventory.Portgroup{
		{Kind: inventory.Standard, Name: "VM Network", Switch: "vSwitch0", VLAN: inventory.StandardVLAN(0)},
		{Kind: inventory.Standard, Name: "Lab", Switch: "vSwitch0", VLAN: inventory.StandardVLAN(4095), Rules: inventory.Rules{Own: inventory.Flags{Promiscuous: inventory.Accept, MACChanges: inventory.Reject, ForgedTransmits: inventory.Reject}}},
		{Kind: inventory.Standard, Name: "Closed", Switch: "vSwitch0", VLAN: inventory.StandardVLAN(7), Rules: inventory.Rules{Own: inventory.Flags{Promiscuous: inventory.Reject, MACChanges: inventory.Reject, ForgedTransmits: inventory.Reject}}},
	}
	u.VMs = []inventory.VM{
		w.vm(1, "web-01", "host-1", "dvportgroup-1", "36"), w.vm(2, "web-02", "host-1", "dvportgroup-1", "37"), w.vm(3, "ids-01", "host-1", "dvportgroup-2", "38"),
		w.vm(4, "web-03", "host-2", "dvportgroup-1", "39"), w.vm(5, "db-01", "host-1", "dvportgroup-3", "40"),
		w.vm(6, "lab-01", "host-1", "Lab", ""), w.vm(7, "old-01", "host-1", "VM Network", ""), w.vm(8, "off-01", "host-1", "VM Network", ""),
	}
	u.VMs[7].Power = inventory.PoweredOff
	w.apply(0, u)
	return w
}

func estateOn(t testing.TB, inv *inventory.Inventory) *estate {
	t.Helper()
	vc := inv.AddVCenter(inventory.VCenter{Name: "vc01.example.com", Instance: inventory.UUID{1, 2, 3}})
	id, err := inv.AddSource("vc01.example.com", inventory.SourcePushed, vc)
	if err != nil {
		t.Fatal(err)
	}
	return &estate{inv, t, id, vc}
}

func (w *estate) ref(id string) inventory.Ref { return inventory.Ref{VC: w.vc, ID: id} }

func (w *estate) apply(s int, u inventory.Update) {
	w.t.Helper()
	w.Reported(w.id, at(s-1)) // nothing has changed until then
	u.Source, u.At = w.id, at(s)
	if err := w.Apply(&u); err != nil {
		w.t.Fatal(err)
	}
	w.Reported(w.id, at(s))
	w.Maintain(at(s + 2))
}

func access(id uint16) inventory.VLAN { return inventory.VLAN{Kind: inventory.VLANAccess, ID: id} }

// distributed are settings of a distributed level: promiscuous mode as given, all else rejected.
func distributed(promiscuous inventory.Verdict, inherited bool) inventory.Rules {
	reject := inventory.Inheritable{Value: inventory.Reject}
	return inventory.Rules{
		SecurityOverride: inventory.Accept,
		Distributed: inventory.DistributedSetting{Security: inventory.SecurityPolicy{
			Present: true, Inherited: inherited, Promiscuous: inventory.Inheritable{Value: promiscuous}, MACChanges: reject, ForgedTransmits: reject,
		}},
	}
}

func (w *estate) portgroup(id, name string, v inventory.VLAN, r inventory.Rules) inventory.Portgroup {
	return inventory.Portgroup{Ref: w.ref(id), Kind: inventory.DistributedSwitch, Name: name, Switch: "dvs-1", VLAN: v, Version: "5", Rules: r}
}

func (w *estate) vm(n int, name, host, portgroup, port string) inventory.VM {
	kind := inventory.DistributedSwitch
	if port == "" {
		kind = inventory.Standard
	}
	return inventory.VM{
		Ref: w.ref(fmt.Sprintf("vm-%d", n)), Host: host, Name: name, Power: inventory.PoweredOn, Boot: at(-3600),
		NICs: []inventory.NIC{{Key: 4000, Label: "Network adapter 1", Connected: true, Backing: inventory.Backing{Kind: kind, Portgroup: portgroup, Port: port}}},
	}
}

func memberNames(list []Member) (names []string) {
	for i := range list {
		names = append(names, list[i].Name)
	}
	return names
}

// line says a finding in one line.
func line(f *Finding) string {
	words, where := f.columns()
	return fmt.Sprintf("%s: %s set on %s: sniff %v forge %v exposed %v reach %d", f.Place(), words, where, memberNames(f.MaySniff), memberNames(f.MayForge), memberNames(f.Exposed), f.Reach)
}

func TestReport(t *testing.T) {
	w := newEstate(t)
	r := Of(w.Inventory, at(10), at(10))
	var got []string
	for i := range r.Findings {
		got = append(got, line(&r.Findings[i]))
	}
	want := []string{
		// The trunk passes 120, so all of web's machines and vmk1 of this host are seen, and nobody of VLAN 300.
		"ids on DSwitch-Prod at vc01.example.com: promiscuous set on portgroup: sniff [ids-01] forge [] exposed [web-01 web-02 vmk1] reach 6",
		// The port of web-02 alone: it sees web's VLAN, and the trunk that passes it.
		"port 37 of web on DSwitch-Prod at vc01.example.com: promiscuous set on port: sniff [web-02] forge [] exposed [ids-01 web-01 vmk1] reach 5",
		"Lab on vSwitch0 on esx01.example.com at vc01.example.com: promiscuous set on portgroup: sniff [lab-01] forge [] exposed [old-01] reach 2",
		"VM Network on vSwitch0 on esx01.example.com at vc01.example.com: mac-changes forged-transmits set on switch: sniff [] forge [old-01] exposed [] reach 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(r.NotKnown) != 1 || r.NotKnown[0].Portgroup != "segment" || !strings.Contains(r.NotKnown[0].Why, "NSX") {
		t.Errorf("not known: %+v", r.NotKnown)
	}
	if r.Portgroups != 7 {
		t.Errorf("%d portgroups, uplinks are not looked at", r.Portgroups)
	}
	if f := &r.Findings[0]; f.Version != "5" || f.VLAN != "trunk 100-199" || f.MOID != "dvportgroup-2" || f.Override != "accept" || len(f.Advice) == 0 || !strings.Contains(f.Advice[0], "MAC learning") {
		t.Errorf("%+v", f)
	}
	if f := &r.Findings[2]; !f.AllVLANs || f.Cluster != "Prod-01" || !strings.Contains(f.Advice[0], "standard switch has no MAC learning") {
		t.Errorf("%+v", f)
	}
}

func TestFailOn(t *testing.T) {
	w := newEstate(t)
	r := Of(w.Inventory, at(10), at(10))
	for _, word := range []FailOn{FailPromiscuous, FailMACChanges, FailForged, FailAny} {
		if !r.Fails(word) {
			t.Errorf("%s", word)
		}
	}
	r.Findings = r.Findings[3:]
	if r.Fails(FailPromiscuous) || !r.Fails(FailMACChanges) || !r.Fails(FailAny) {
		t.Error("without promiscuous mode")
	}
	r.Findings = nil
	if r.Fails(FailAny) {
		t.Error("of nothing")
	}
	if rows := r.Table(); rows[0][0] != "nothing is permitted that is known of" {
		t.Errorf("%q", rows)
	}
}

// The policy of then, while who is there is of now.
func TestReportIsAsOfThen(t *testing.T) {
	w := newEstate(t)
	pg := *w.Portgroup(w.ref("dvportgroup-2"))
	pg.Rules = distributed(inventory.Reject, false)
	w.apply(1000, inventory.Update{Portgroups: []inventory.Portgroup{pg}})
	if r := Of(w.Inventory, at(2000), at(2000)); r.Findings[0].Portgroup == "ids" {
		t.Errorf("%+v", r.Findings[0])
	}
	if r := Of(w.Inventory, at(500), at(2000)); r.Findings[0].Portgroup != "ids" {
		t.Errorf("%+v", r.Findings[0])
	}
}

func TestEmptyInventory(t *testing.T) {
	r := Of(inventory.New(inventory.DefaultConfig()), at(0), at(0))
	if len(r.Findings) != 0 || r.Portgroups != 0 || r.Fails(FailAny) {
		t.Errorf("%+v", r)
	}
}

func TestTable(t *testing.T) {
	w := newEstate(t)
	rows := Of(w.Inventory, at(10), at(10)).Table()
	want := []string{"promiscuous", "portgroup", "ids on DSwitch-Prod at vc01.example.com", "trunk 100-199", "ids-01", "web-01, web-02, vmk1 of esx01.example.com (3 now, 6 in reach)"}
	if !slices.Equal(rows[1], want) {
		t.Errorf("%q", rows[1])
	}
	if rows[4][5] != "-" || rows[4][4] != "old-01" {
		t.Errorf("%q", rows[4])
	}
}

// Names are chosen by tenants: none of them is a formula in a spreadsheet.
func TestCSVIsSafe(t *testing.T) {
	w := newEstate(t)
	evil := w.vm(3, `=HYPERLINK("http://x","y")`, "host-1", "dvportgroup-2", "38")
	pg := *w.Portgroup(w.ref("dvportgroup-2"))
	pg.Name = "+ids\r\n@x"
	w.apply(20, inventory.Update{VMs: []inventory.VM{evil}, Portgroups: []inventory.Portgroup{pg}})
	var b bytes.Buffer
	if err := Of(w.Inventory, at(30), at(30)).WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, row := range rows {
		for _, c := range row {
			if c != "" && strings.ContainsAny(c[:1], "=+-@\t\r\n") {
				t.Errorf("%q", c)
			}
			found = found || strings.HasPrefix(c, `'=HYPERLINK`)
		}
	}
	if !found || len(rows) != 5 || rows[1][7] != "'+ids  @x" {
		t.Errorf("%d rows, %q", len(rows), rows[1][7])
	}
	for in, want := range map[string]string{"": "", "-1": "'-1", "  =1": "'  =1", "a=b": "a=b", "＝1": "'＝1", "\"=1": "'\"=1"} {
		if got := cell(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func FuzzCell(f *testing.F) {
	f.Add("=1+1")
	f.Add("\t@x")
	f.Fuzz(func(t *testing.T, s string) {
		if got := cell(s); got != "" && strings.ContainsAny(got[:1], "=+-@\t\r\n") {
			t.Errorf("%q", got)
		}
	})
}

// What the host's own switch prints of a port (net-dvs) is what holds there, also where nobody knows the portgroup.
func TestEnforcedOnAPort(t *testing.T) {
	w := newEstate(t)
	row := func(id uint32, vm string, n inventory.Net) inventory.Row {
		n.Enforced = inventory.Flags{Promiscuous: inventory.Accept, MACChanges: inventory.Reject, ForgedTransmits: inventory.Reject}
		return inventory.Row{Port: id, Kind: inventory.KindVM, Client: vm + ".eth0", VM: vm, Net: n}
	}
	w.apply(20, inventory.Update{Tables: []inventory.PortTable{{Host: w.ref("host-1"), Rows: []inventory.Row{
		row(0x4000010, "db-01", inventory.Net{Switch: "DSwitch-Prod", Portgroup: "db", DVPort: "40"}),
		row(0x4000011, "db-01", inventory.Net{Switch: "DSwitch-Prod", Portgroup: "db", DVPort: "40"}), // listed twice
		row(0x4000012, "other", inventory.Net{Switch: "DvsPortset-1", DVPort: "99"}),
	}}}})
	var got []string
	for _, f := range Of(w.Inventory, at(30), at(30)).Findings {
		if f.Port == "40" || f.Port == "99" {
			got = append(got, line(&f))
		}
	}
	want := []string{
		"port 40 of db on DSwitch-Prod at vc01.example.com: promiscuous set on port: sniff [db-01] forge [] exposed [] reach 0",
		"port 99 on DvsPortset-1 on esx01.example.com at vc01.example.com: promiscuous set on port: sniff [other.eth0] forge [] exposed [] reach 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
