package importer

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"vswarden/inventory"
)

var update = flag.Bool("update", false, "write the golden files anew")

// describe prints parts in lines, to be compared.
func describe(parts []Part) string {
	var b strings.Builder
	for i := range parts {
		p := &parts[i]
		fmt.Fprintf(&b, "%s host=%q whole ports=%v vms=%v skipped=%d\n", p.Kind, p.Host.Name, p.WholePorts, p.WholeVMs, p.Skipped)
		for _, k := range p.Host.Kernel {
			fmt.Fprintf(&b, "  vmk %s port=0x%x mac=%v %v portgroup=%q switch=%q dvport=%q\n", k.Device, k.Port, k.MAC, k.Addresses, k.Portgroup, k.Switch, k.DVPort)
		}
		for _, u := range p.Host.Uplinks {
			fmt.Fprintf(&b, "  uplink %s mac=%v\n", u.Device, u.MAC)
		}
		for _, g := range p.Host.Portgroups {
			fmt.Fprintf(&b, "  portgroup %s on %s: %v %+v\n", g.Name, g.Switch, g.VLAN, g.Rules.Computed)
		}
		for j := range p.VMs {
			vm := &p.VMs[j]
			fmt.Fprintf(&b, "  vm %q world=%d %s moid=%q instance=%v bios=%v vmx=%q folder=%q %v\n", vm.Name, vm.World, vm.Power, vm.Ref.ID, vm.Instance, vm.BIOS, vm.Path, vm.Folder, vm.Addresses)
			for _, n := range vm.NICs {
				fmt.Fprintf(&b, "    nic key=%d %q mac=%v adapter=%q connected=%v portgroup=%q port=%q\n", n.Key, n.Label, n.MAC, n.Adapter, n.Connected, n.Backing.Portgroup, n.Backing.Port)
			}
		}
		for _, r := range p.Rows {
			fmt.Fprintf(&b, "  port 0x%x %s client=%q vm=%q device=%q world=%d mac=%v switch=%q portgroup=%q dvport=%q", r.Port, r.Kind, r.Client, r.VM, r.Device, r.World, r.MAC, r.Net.Switch, r.Net.Portgroup, r.Net.DVPort)
			if r.Net.Enforced != (inventory.Flags{}) {
				fmt.Fprintf(&b, " enforced=%v", r.Net.Enforced)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// TestGolden reads every sample as auto and compares what was understood.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".golden") || strings.HasSuffix(file, "fuzz") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := Parse(Auto, text)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		got := describe(parts)
		golden := file + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(golden)
		if err != nil || got != string(want) {
			t.Errorf("%s (%v):\n%s\nwant\n%s", file, err, got, want)
		}
		// Named by its kind, and with Windows line ends, it says the same.
		if kind := parts[0].Kind; len(parts) == 1 && kind != Domiflist {
			again, err := Parse(kind, bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")))
			if err != nil || describe(again) != got {
				t.Errorf("%s as %s with CRLF: %v\n%s", file, kind, err, describe(again))
			}
		}
	}
}

// TestKB304453 follows the article from its log line to its answer: by its own numbers it finds nothing.
func TestKB304453(t *testing.T) {
	for _, file := range []string{"kb304453-esxtop.txt", "kb304453-getesxtop.txt", "kb304453-esxcfg-info.txt"} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := Parse(Auto, text)
		if err != nil {
			t.Fatal(file, err)
		}
		at := inventory.StampOf(time.Date(2026, 9, 15, 10, 0, 0, 0, time.UTC))
		statements, err := Merge(parts, "esx01", at, 0)
		if err != nil {
			t.Fatal(file, err)
		}
		inv := inventory.New(inventory.DefaultConfig())
		for i := range statements {
			if err := inv.Import(statements[i]); err != nil {
				t.Fatal(file, err)
			}
		}
		ask := func(port uint32) []inventory.Candidate {
			return inv.Host("esx01").Lookup(&inventory.Query{Port: port, From: at, At: at, To: at, Now: at}, nil)
		}
		if got := ask(0x5000002); len(got) != 1 || got[0].VM.Name != "VirtualMachineName" || got[0].VM.World != 12344 {
			t.Errorf("%s: 83886082, which its commands use: %+v", file, got)
		}
		if got := ask(0x5000003); len(got) != 0 {
			t.Errorf("%s: 0x5000003 of its log line is 83886083, and not in its output: %+v", file, got)
		}
	}
}

func TestMergeJoinsLists(t *testing.T) {
	text, err := os.ReadFile("testdata/session.txt")
	if err != nil {
		t.Fatal(err)
	}
	parts, err := Parse(Auto, text)
	if err != nil {
		t.Fatal(err)
	}
	statements, err := Merge(parts, "", 0, 77)
	if err != nil || len(statements) != 1 {
		t.Fatal(statements, err)
	}
	st := &statements[0]
	if st.Host.Name != "esx01" || st.At != 77 || !st.WholePorts || !st.WholeVMs || len(st.Host.Kernel) != 2 || len(st.Host.Uplinks) != 1 {
		t.Errorf("%+v", st)
	}
	for _, r := range st.Rows {
		if r.Port == 33554578 && (r.VM != "Site1_GW" || r.Device != "eth0" || r.MAC.String() != "00:0c:29:47:03:dc" || r.World != 2178744 || r.Net.Portgroup != "VM Network") {
			t.Errorf("%+v", r)
		}
	}
	// By world alone, and by address alone.
	parts, err = Parse(VMPortList, []byte("Port ID: 7\nMAC Address: 00:0c:29:47:03:dc\nDVPort ID: 3\n"))
	if err != nil {
		t.Fatal(err)
	}
	parts = append(parts, Part{Statement: inventory.Statement{
		VMs:  []inventory.VM{{Name: "by world", World: 5}},
		Rows: []inventory.Row{{Port: 8, Kind: inventory.KindVM, World: 5}, {Port: 9, Kind: inventory.KindVM, VM: "by address", MAC: parts[0].Rows[0].MAC}},
	}})
	statements, err = Merge(parts, "esx02", 5, 77)
	if err != nil || len(statements) != 1 || statements[0].At != 5 {
		t.Fatal(statements, err)
	}
	if rows := statements[0].Rows; rows[0].VM != "by address" || rows[1].VM != "by world" {
		t.Errorf("%+v", rows)
	}
	if _, err := Merge(parts, "", 5, 77); !errors.Is(err, ErrHost) {
		t.Errorf("no host: %v", err)
	}
}

func TestNetDVSAndNetStatsMakeAWhole(t *testing.T) {
	var parts []Part
	for _, text := range []string{
		"PortNum Type SubType SwitchName MACAddress ClientName\n50331701 5 9 DvsPortset-0 00:50:56:be:81:d3 NLB_VM2 ethernet0\n",
		"switch aa (x)\ncom.vmware.common.alias = DSwitch , propType = CONFIG\nport 431:\ncom.vmware.common.port.portgroupid = dvportgroup-1628 ,\ncom.vmware.vswitch.port.security = deny promiscuous; deny mac change; deny forged frames propType = POLICY\ncom.vmware.common.port.volatile.status = inUse linkUp portID=50331701 propType = RUNTIME\n",
	} {
		p, err := Parse(Auto, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p...)
	}
	statements, err := Merge(parts, "esx01", 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := inventory.Row{
		Port: 50331701, Kind: inventory.KindVM, Client: "NLB_VM2 ethernet0", VM: "NLB_VM2", Device: "ethernet0", MAC: mac("00:50:56:be:81:d3"),
		Net: inventory.Net{
			Switch: "DSwitch", Portgroup: "dvportgroup-1628", DVPort: "431",
			Enforced: inventory.Flags{Promiscuous: inventory.Reject, MACChanges: inventory.Reject, ForgedTransmits: inventory.Reject},
		},
	}
	if rows := statements[0].Rows; len(rows) != 1 || rows[0] != want {
		t.Errorf("%+v", rows)
	}
}

func TestUTF16AndBOM(t *testing.T) {
	const table = "PortID WorldLeader ClientName\r\n------ ----------- ----------\r\n7 8 Bücher.eth0\r\n"
	units := utf16.Encode([]rune("\ufeff" + table))
	var little, big []byte
	for _, u := range units {
		little = append(little, byte(u), byte(u>>8))
		big = append(big, byte(u>>8), byte(u))
	}
	for name, text := range map[string][]byte{"little": little, "big": big, "UTF-8": []byte("\ufeff" + table)} {
		parts, err := Parse(Auto, text)
		if err != nil || len(parts[0].Rows) != 1 || parts[0].Rows[0].VM != "Bücher" {
			t.Errorf("%s: %v %v", name, parts, err)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	deep := strings.Repeat("[", 40) + strings.Repeat("]", 40)
	for _, c := range []struct {
		kind Kind
		text string
		want error
	}{
		{Auto, "", errKind},
		{Auto, "hello\nworld\n", errKind},
		{Auto, deep, errDepth},
		{VMList, "<a>" + strings.Repeat("<b>", 40), errDepth},
		{NetStats, "PortNum ClientName\n", errEmpty},
		{GetEsxTop, "nothing here\n", errHeader},
		{Table, "a,b\n1,2\n", errHeader},
		{JSON, `{"format":"other"}`, errFormat},
		{JSON, `{"format":"vswarden-inventory","version":9}`, errVersion},
		{JSON, `{"format":"vswarden-inventory","version":1}`, errEmpty},
		{JSON, `[{"Host":"esx01"}]`, errEmpty},
	} {
		if parts, err := Parse(c.kind, []byte(c.text)); !errors.Is(err, c.want) {
			t.Errorf("%s %.40q: %v %v, want %v", c.kind, c.text, parts, err, c.want)
		}
	}
	for _, c := range []struct {
		kind Kind
		text string
	}{{JSON, "{"}, {JSON, "[{]"}, {VMList, "<a><b></a>"}, {"nonsense", "x"}} {
		if _, err := Parse(c.kind, []byte(c.text)); err == nil {
			t.Errorf("%s %q was read", c.kind, c.text)
		}
	}
	if _, err := ParseKind("vm_list"); err == nil || !strings.Contains(err.Error(), "vm-list") {
		t.Error(err)
	}
	if k, err := ParseKind(""); k != Auto || err != nil {
		t.Error(k, err)
	}
	long := Part{}
	long.add(inventory.Row{Port: 1, VM: strings.Repeat("x", 2000)})
	if long.Skipped != 1 || len(long.Rows) != 0 {
		t.Errorf("%+v", long)
	}
}

// TestExportCanBeImported sends an inventory through its own JSON.
func TestExportCanBeImported(t *testing.T) {
	text, err := os.ReadFile("testdata/export.json")
	if err != nil {
		t.Fatal(err)
	}
	load := func(text []byte) *inventory.Inventory {
		parts, err := Parse(Auto, text)
		if err != nil {
			t.Fatal(err)
		}
		statements, err := Merge(parts, "", 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		inv := inventory.New(inventory.DefaultConfig())
		for i := range statements {
			if err := inv.Import(statements[i]); err != nil {
				t.Fatal(err)
			}
		}
		return inv
	}
	at := inventory.StampOf(time.Date(2026, 9, 15, 10, 0, 0, 0, time.UTC))
	first := exportText(t, load(text), at)
	second := exportText(t, load([]byte(first)), at)
	if first != second {
		t.Errorf("%s\nbecame\n%s", first, second)
	}
	for _, want := range []string{`"vm": "web-01"`, `"port_id": "0x2000006"`, `"vlan": 120`, `"allow_promiscuous": "reject"`, `"192.0.2.11"`, `"nic": 4000`} {
		if !strings.Contains(first, want) {
			t.Errorf("no %s in %s", want, first)
		}
	}
	if strings.Contains(first, "web-02") {
		t.Error("an unsure port became a sure one")
	}
}
