package resolve

import (
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"vswarden/inventory"
)

// example is the example of the event schema: web-01 on DSwitch-Prod, and two more in its VLAN.
func example(t *testing.T) *inventory.Inventory {
	t.Helper()
	inv := inventory.New(inventory.DefaultConfig())
	instance, _ := inventory.ParseUUID("5b1e2a0c-3d64-4c7c-9f51-4f0e6d1f2a77")
	vc := inv.AddVCenter(inventory.VCenter{Name: "vc01.example.com", Instance: instance, Version: "8.0.3"})
	id, _ := inv.AddSource("vc01.example.com", inventory.SourcePushed, vc)
	live, _ := inv.AddSource("vc01.example.com esxcli", inventory.SourceLive, vc)
	ref := func(id string) inventory.Ref { return inventory.Ref{VC: vc, ID: id} }
	reject := inventory.Inheritable{Value: inventory.Reject}
	rules := inventory.DistributedSetting{Security: inventory.SecurityPolicy{Present: true, Promiscuous: reject, MACChanges: reject, ForgedTransmits: reject}}
	u := inventory.Update{
		Source: id, At: at(0),
		Switches: []inventory.Switch{{Ref: ref("dvs-30"), Kind: inventory.DistributedSwitch, Name: "DSwitch-Prod"}},
		Portgroups: []inventory.Portgroup{{
			Ref: ref("dvportgroup-203"), Kind: inventory.DistributedSwitch, Name: "PG-Web-120", Switch: "dvs-30", VLAN: inventory.VLAN{Kind: inventory.VLANAccess, ID: 120},
			Rules: inventory.Rules{Distributed: rules, SecurityOverride: inventory.Reject},
		}},
		Hosts: []inventory.Host{{
			Ref: ref("host-21"), Name: "esx01.example.com", Version: "8.0.3", Build: "24022510", Connection: inventory.Connected, Boot: at(-86400),
			Cluster: inventory.Place{ID: "domain-c8", Name: "Prod-01"}, Datacenter: inventory.Place{ID: "datacenter-3", Name: "DC1"},
			Kernel: []inventory.VMKernel{{Device: "vmk0", Port: 0x2000004, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.11")}}},
		}},
	}
	for i, name := range []string{"web-01", "web-02", "web-03"} {
		u.VMs = append(u.VMs, inventory.VM{
			Ref: ref("vm-" + name), Host: "host-21", Name: name, Power: inventory.PoweredOn, Boot: at(-3600), World: 2098760 + uint64(i), Hostname: name + ".example.com",
			NICs: []inventory.NIC{{
				Key: 4000, Label: "Network adapter 1", MAC: inventory.MAC{0, 0x50, 0x56, 0, 0, byte(i)}, Connected: true,
				Backing: inventory.Backing{Kind: inventory.DistributedSwitch, Portgroup: "dvportgroup-203", Port: "37"},
			}},
		})
	}
	if err := inv.Apply(&u); err != nil {
		t.Fatal(err)
	}
	if err := inv.Apply(&inventory.Update{Source: live, At: at(5), Tables: []inventory.PortTable{{Host: ref("host-21"), Rows: []inventory.Row{
		{Port: 0x3000005, Kind: inventory.KindVM, VM: "web-01", MAC: inventory.MAC{0, 0x50, 0x56, 0, 0, 0}, Net: inventory.Net{Switch: "DSwitch-Prod", Portgroup: "PG-Web-120", DVPort: "37"}},
	}}}}); err != nil {
		t.Fatal(err)
	}
	inv.Reported(id, at(60))
	return inv
}

func askPort(t *testing.T, inv *inventory.Inventory, q PortQuery) (*PortAnswer, map[string]any) {
	t.Helper()
	q.Guard = 10 * time.Second
	a, err := AnswerPort(inv, &q)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return a, m
}

// dig returns what stands under a dotted name.
func dig(m map[string]any, name string) any {
	var v any = m
	for part := range strings.SplitSeq(name, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[part]
	}
	return v
}

// TestPortJSON checks the names that scripts hold on to.
func TestPortJSON(t *testing.T) {
	a, m := askPort(t, example(t), PortQuery{Host: "esx01", Port: "50331653", Client: "web-01.eth0", At: at(40), Now: at(60)})
	if !a.Sure() {
		t.Errorf("%+v", a.Enrichment)
	}
	for name, want := range map[string]any{
		"port_id": "0x3000005", "port_id_dec": 50331653.0, "portset": 3.0, "slot": 5.0, "uplink": false, "kind": "vm",
		"vm.name": "web-01", "vm.world_id": 2098760.0, "vm.moid": "vm-web-01", "vm.power_state": "poweredOn", "vm.guest.hostname": "web-01.example.com",
		"vm.url":   "https://vc01.example.com/ui/app/vm;nav=h/urn:vmomi:VirtualMachine:vm-web-01:5b1e2a0c-3d64-4c7c-9f51-4f0e6d1f2a77/summary",
		"vnic.key": 4000.0, "vnic.mac": "00:50:56:00:00:00", "switch.name": "DSwitch-Prod", "switch.type": "distributed",
		"portgroup.name": "PG-Web-120", "portgroup.key": "dvportgroup-203", "portgroup.vlan.id": 120.0, "portgroup.vlan.type": "access", "port.key": "37",
		"policy.effective.allow_promiscuous": false, "policy.source.allow_promiscuous": "portgroup", "policy.override_allowed": false,
		"policy.effective.mac_learning": nil, "policy.source.mac_learning": "unknown",
		"exposure.vms": 2.0, "exposure.scope": "vlan 120 on DSwitch-Prod, host esx01.example.com",
		"host.name": "esx01.example.com", "cluster.name": "Prod-01", "datacenter.moid": "datacenter-3", "vcenter.name": "vc01.example.com",
		"enrichment.status": "complete", "enrichment.confidence": 0.995, "enrichment.candidates": 1.0, "enrichment.inventory_time": "2026-09-15T10:01:00Z",
		"candidates": nil,
	} {
		if got := dig(m, name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	for _, want := range []string{"esxcli network port stats get -p 50331653", "pktcap-uw --switchport 50331653 -o /tmp/50331653.pcap", "esxcli network vm port list -w 2098760"} {
		if !slices.Contains(a.Next, want) {
			t.Errorf("next %q lacks %q", a.Next, want)
		}
	}
}

func TestPortNotKnown(t *testing.T) {
	inv := example(t)
	a, m := askPort(t, inv, PortQuery{Host: "192.0.2.11", Port: "0x3000006", At: at(40), Now: at(60)})
	if a.Sure() || dig(m, "enrichment.status") != "unresolved" || dig(m, "switch.name") != "DSwitch-Prod" {
		t.Errorf("%+v", m)
	}
	if why := strings.Join(a.Why, "; "); !strings.Contains(why, "50331653 (0x3000005), next to it") {
		t.Errorf("%s", why)
	}
	if a, _ = askPort(t, inv, PortQuery{Host: "esx01", Port: "0x3000005", At: at(-7200), Now: at(60)}); a.Enrichment.Status != "unresolved" || len(a.Why) == 0 {
		t.Errorf("before the first report: %+v", a)
	}
	for _, q := range []PortQuery{{Host: "esx99", Port: "7"}, {Host: "esx01", Port: "x"}, {Host: "esx01", Port: "0"}, {Host: "esx01", Port: "4294967296"}} {
		if _, err := AnswerPort(inv, &q); err == nil {
			t.Errorf("%+v was answered", q)
		}
	}
	if _, err := AnswerPort(inv, &PortQuery{Host: "esx99", Port: "7"}); !errors.Is(err, ErrHost) {
		t.Error(err)
	}
}

func TestPortOfHostItself(t *testing.T) {
	inv := example(t)
	a, m := askPort(t, inv, PortQuery{Host: "esx01", Port: "0x2000004", At: at(40), Now: at(60)})
	if !a.Sure() || dig(m, "kind") != "vmk" || dig(m, "device") != "vmk0" || !slices.Contains(a.Next, "pktcap-uw --vmk vmk0 -o /tmp/vmk0.pcap") {
		t.Errorf("%+v", m)
	}
	a, m = askPort(t, inv, PortQuery{Host: "esx01", Port: "0x82000004", Client: "vmnic2", At: at(40), Now: at(60)})
	if dig(m, "uplink") != true || dig(m, "device") != "vmnic2" || !slices.Contains(a.Next, "pktcap-uw --uplink vmnic2 -o /tmp/vmnic2.pcap") {
		t.Errorf("%+v", m)
	}
}

func TestPortOfImportsThatDisagree(t *testing.T) {
	inv := inventory.New(inventory.DefaultConfig())
	for s, vm := range map[int]string{0: "a", 3600: "b"} {
		if err := inv.Import(inventory.Statement{Host: inventory.Host{Name: "esx01", Version: "5.1.0"}, At: at(s), Rows: []inventory.Row{{Port: 7, Kind: inventory.KindVM, VM: vm}}}); err != nil {
			t.Fatal(err)
		}
	}
	a, m := askPort(t, inv, PortQuery{Host: "esx01", Port: "7", At: at(1800), Now: at(1e6)})
	if a.Sure() || dig(m, "enrichment.candidates") != 2.0 || len(a.Others) != 2 || dig(m, "enrichment.confidence") != 0.6 {
		t.Errorf("%+v", m)
	}
	if a, m = askPort(t, inv, PortQuery{Host: "esx01", Port: "7", At: at(3600), Now: at(1e6)}); !a.Sure() || dig(m, "vm.name") != "b" || dig(m, "enrichment.confidence") != 0.95 {
		t.Errorf("%+v", m)
	}
	if slices.ContainsFunc(a.Next, func(s string) bool { return strings.Contains(s, "pktcap-uw") }) {
		t.Errorf("ESXi 5.1 has no pktcap-uw: %q", a.Next)
	}
}

func TestShow(t *testing.T) {
	inv := example(t)
	s := Show(inv, 0, at(90))
	if len(s.Sources) != 2 || s.Sources[0].State != "healthy" || s.Sources[0].AgeMS != 30_000 || s.Sources[1].State != "live" {
		t.Errorf("%+v", s.Sources)
	}
	if s = Show(inv, 0, at(900)); s.Sources[0].State != "stale" {
		t.Errorf("%+v", s.Sources)
	}
	if len(s.Hosts) != 1 || s.Hosts[0].VMs != 3 || s.Hosts[0].Ports != 2 || s.Hosts[0].Told != at(60) || s.Stats.VMs != 3 {
		t.Errorf("%+v", s)
	}
	b, err := json.Marshal(s)
	if err != nil || strings.Contains(string(b), "null") {
		t.Errorf("%s %v", b, err)
	}
}

func TestCommandsTakeNothingFromALine(t *testing.T) {
	inv := example(t)
	a, _ := askPort(t, inv, PortQuery{Host: "esx01", Port: "0x2000099", Client: "vmk0; reboot", At: at(40), Now: at(60)})
	if strings.Contains(strings.Join(a.Next, " "), "reboot") {
		t.Errorf("%q", a.Next)
	}
}
