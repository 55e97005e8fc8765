package event

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// joinedExample is the denial of ../shared/examples/event-ecs.json, with all that an inventory knows about it.
func joinedExample() Event {
	yes, no := true, false
	e := promiscEvent()
	host := &HostFacts{
		Name: "esx01.example.com", ShortName: "esx01", UUID: "4c4c4544-0042-3510-8057-b7c04f4d3733", MOID: "host-21",
		Version: "8.0.3", Build: "24022510", Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.11")},
		VCenter: NamedFact{"vc01.example.com", "5b1e2a0c-3d64-4c7c-9f51-4f0e6d1f2a77"}, VCenterVersion: "8.0.3",
		Datacenter: NamedFact{"DC1", "datacenter-3"}, Cluster: NamedFact{"Prod-01", "domain-c8"},
	}
	e.Joined = Joined{
		Status: JoinComplete, Match: 1<<3 | 1<<1, Confidence: 990, Candidates: 1, Time: 1789468181000000000, Age: 19123,
		Host: NewJoinedHost(host), Setting: SettingPromiscuous, Agrees: Agrees, MAC: NewJoinedMAC("vm", "dc01", "eth0", "PG-AD", "esx02.example.com"),
		Port: &JoinedPort{
			ID: 0x3000005, Client: "web-01.eth0", DVPort: DVPortFacts{Key: "37"}, Exposed: 14, Host: NewJoinedHost(host),
			VM: NewJoinedVM(&VMFacts{
				Known: true, Name: "web-01", MOID: "vm-1042", Instance: "503a0e3c-9c61-6f0a-1d0f-0f3b0a3c9d11", BIOS: "423a7b55-0e2c-8a37-5c0e-2f0a6d6b7c88",
				Power: "poweredOn", Hostname: "web-01.example.com", GuestOS: "ubuntu64Guest", Folder: "/DC1/vm/Prod/Web", Owner: "web-team",
				URL: "https://vc01.example.com/ui/app/vm", World: 2098760, Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.21")}, Tags: []string{"env:prod"},
			}, &VNICFacts{Known: true, Key: 4000, Label: "Network adapter 1", MAC: "00:50:56:84:5a:ba", Effective: "00:50:56:84:5a:ba", MACType: "assigned", Adapter: "vmxnet3", Connected: true}),
			Place: NewJoinedPlace(&SwitchFacts{"distributed", "DSwitch-Prod", "50 33 0a a7 d5 34 2d a0-99 52 6e c5 8f c7 1e 41", "dvs-30"},
				&PortgroupFacts{Name: "PG-Web-120", MOID: "dvportgroup-203", VLANType: "access", VLAN: 120}, "vlan 120", ""),
			Policy: NewJoinedPolicy(&PolicyFacts{
				Known: true, Promiscuous: &no, MACChanges: &no, ForgedTransmits: &no, MACLearning: &yes, OverrideAllowed: &no,
				From: [4]PolicySource{PolicyPortgroup, PolicyPortgroup, PolicyPortgroup, PolicyPortgroup},
			}, nil),
			Hints: NewJoinedHints([]string{"esxcli network port stats get -p {port}"}, nil, nil),
		},
	}
	e.Host = "esx01.example.com"
	return e
}

// joinedUnsure is a denial of a blocked port of a trunk that two may have held.
func joinedUnsure() Event {
	e := joinedExample()
	e.Joined.Status, e.Joined.Candidates, e.Joined.Missing = JoinPartial, 2, 1<<4
	e.Joined.Port = &JoinedPort{
		ID: 0x3000005, DVPort: DVPortFacts{Key: "38", Blocked: true, Status: "blocked by policy"}, Exposed: -1,
		Place:  NewJoinedPlace(&SwitchFacts{}, &PortgroupFacts{Name: "PG-Trunk", MOID: "dvportgroup-9", VLANType: "trunk", Ranges: [][2]uint16{{0, 4094}}}, "", ""),
		Policy: NewJoinedPolicy(&PolicyFacts{Known: true, Version: "7"}, nil),
	}
	return e
}

// at returns what stands under a path, or nil.
func at(o object, path ...string) any {
	var v any = o
	for _, key := range path {
		inner, ok := v.(object)
		if !ok {
			return nil
		}
		v = inner[key]
	}
	return v
}

func TestJoined(t *testing.T) {
	e := joinedExample()
	fields := ecsFields(t)
	for _, d := range levels {
		o := read(t, e.AppendJSON(nil, d, OriginalNone))
		if err := checkECS(fields, "", o); err != nil {
			t.Errorf("%v: %v", d, err)
		}
		full, standard := d == DetailFull || d == DetailAuto, d != DetailCompact
		for _, c := range []struct {
			from bool
			want any
			path []string
		}{
			{true, "4c4c4544-0042-3510-8057-b7c04f4d3733", []string{"host", "id"}},
			{standard, "complete", []string{"vmware", "enrichment", "status"}},
			{standard, json.Number("0.99"), []string{"vmware", "enrichment", "confidence"}},
			{standard, json.Number("19123"), []string{"vmware", "enrichment", "inventory_age_ms"}},
			{standard, "esx01.example.com", []string{"vmware", "host", "name"}},
			{standard, "Prod-01", []string{"vmware", "cluster", "name"}},
			{full, "host-21", []string{"vmware", "host", "moid"}},
			{full, false, []string{"vmware", "host", "in_maintenance"}},
			{full, "hypervisor", []string{"host", "type"}},
			{full, "web-01", []string{"vmware", "vm", "name"}},
			{full, json.Number("2098760"), []string{"vmware", "vm", "world_id"}},
			{full, "00:50:56:84:5a:ba", []string{"vmware", "vnic", "mac"}},
			{full, "00-50-56-84-5A-BA", []string{"source", "mac"}},
			{full, "PG-Web-120", []string{"network", "name"}},
			{full, "DSwitch-Prod", []string{"observer", "name"}},
			{full, "120", []string{"observer", "ingress", "vlan", "id"}},
			{full, json.Number("120"), []string{"vmware", "portgroup", "vlan", "id"}},
			{full, "allow_promiscuous", []string{"vmware", "policy", "setting"}},
			{full, true, []string{"vmware", "policy", "agrees_with_log"}},
			{full, false, []string{"vmware", "policy", "effective", "allow_promiscuous"}},
			{full, json.Number("14"), []string{"vmware", "exposure", "vms"}},
			{full, "dc01", []string{"vmware", "l2sec", "requested_mac_owner", "name"}},
		} {
			if got := at(o, c.path...); c.from && got != c.want || !c.from && got != nil {
				t.Errorf("%v: %v is %v, want %v: %v", d, c.path, got, c.want, c.from)
			}
		}
		if standard && at(o, "vmware", "enrichment", "candidates") != nil {
			t.Errorf("%v: one candidate says nothing", d)
		}
	}
}

// TestJoinedHasTheExamplesFields holds what is joined against the example of the event schema, where it is at hand.
func TestJoinedHasTheExamplesFields(t *testing.T) {
	text, err := os.ReadFile("../../shared/examples/event-ecs.json")
	if err != nil {
		t.Skip("the examples are not here")
	}
	e := joinedExample()
	have := map[string]bool{}
	for _, path := range paths(read(t, e.AppendJSON(nil, DetailFull, OriginalAll))) {
		have[path] = true
	}
	var line bytes.Buffer
	if err := json.Compact(&line, text); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths(read(t, line.Bytes())) {
		if !have[path] {
			t.Errorf("the example has %s", path)
		}
	}
}

func TestNothingJoinedSaysSo(t *testing.T) {
	e := promiscEvent()
	o := read(t, e.AppendJSON(nil, DetailFull, OriginalNone))
	if got := at(o, "vmware", "enrichment", "status"); got != "disabled" {
		t.Errorf("%v", got)
	}
	e.Joined = Joined{Status: JoinUnresolved, Missing: 1 | 2, Port: &JoinedPort{ID: 5, Place: NewJoinedPlace(&SwitchFacts{}, &PortgroupFacts{}, "", "")}, Host: NewJoinedHost(&HostFacts{})}
	b := e.AppendJSON(nil, DetailFull, OriginalNone)
	_ = read(t, b)
}

// TestJoinedHostSize: what every line writes of a host stands where its JoinedHost begins, which is as large as what the allocator
// lays at the beginning of a cache line; a name too long for that stands elsewhere.
func TestJoinedHostSize(t *testing.T) {
	if n := unsafe.Sizeof(JoinedHost{}); n != 384 && unsafe.Sizeof(uintptr(0)) == 8 {
		t.Errorf("%d bytes, want 384", n)
	}
	for _, name := range []string{"esx1.lab.example", strings.Repeat("x", 63), strings.Repeat("x", 253)} {
		h := NewJoinedHost(&HostFacts{Name: name, UUID: "423d4a2b-1d2e-4f3a-8b9c-0d1e2f3a4b5c"})
		if got, want := string(h.object), `"host":{"name":"`+name+`","id":"423d4a2b-1d2e-4f3a-8b9c-0d1e2f3a4b5c",`; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if here := &h.object[0] == &h.room[0]; here != (len(name) < 64) {
			t.Errorf("%q stands in place: %v", name, here)
		}
	}
}

func TestJoinedAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	e := joinedExample()
	dst := make([]byte, 0, 16<<10)
	if n := testing.AllocsPerRun(100, func() { dst = e.AppendJSON(dst[:0], DetailFull, OriginalAll) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestHintsOfAPort: the commands are filled in with what a port has, whatever stands around it.
func TestHintsOfAPort(t *testing.T) {
	p := JoinedPort{
		ID: 0x3000005, Client: "vmk1; rm", Trunk: true, VM: NewJoinedVM(&VMFacts{World: 77}, &VNICFacts{}),
		Place:  NewJoinedPlace(&SwitchFacts{}, &PortgroupFacts{}, "", `a "trunk" at {port}`),
		Policy: NewJoinedPolicy(&PolicyFacts{}, []string{"a note"}),
		Hints:  NewJoinedHints([]string{"{hex} is {port}", "plain", "-w {world}{world}", "{device} {unknown} -i {device}"}, []string{"a {port} text"}, []string{"advice"}),
	}
	var got []string
	if err := json.Unmarshal([]byte("["+string(bytes.TrimSuffix(p.appendHints(nil), []byte{','}))+"]"), &got); err != nil {
		t.Fatal(err)
	}
	want := []string{"0x3000005 is 50331653", "plain", "-w 7777", "vmk1rm {unknown} -i vmk1rm", `a "trunk" at 50331653`, "a {port} text", "a note", "advice"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
