package importer

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vswarden/inventory"
)

// rows reads a table in the manner of RVTools' vNetwork and vInfo sheets: one row for each adapter, or for each VM.
func rows(text string) ([]Part, error) {
	required := "vm"
	if first, _, _ := strings.Cut(text, "\n"); strings.Contains(squash(first), "vmname") {
		required = "vmname"
	}
	records, err := csvRecords(text, required)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Table, err)
	}
	return rowParts(Table, records)
}

// rowParts makes one part for each host that the rows name.
func rowParts(kind Kind, records []record) ([]Part, error) {
	t := &tableRows{kind: kind, byHost: map[string]int{}, vms: map[[2]string]int{}}
	for _, rec := range records {
		t.row(rec)
	}
	total := 0
	for i := range t.parts {
		total += t.parts[i].count()
	}
	if total == 0 {
		return nil, fmt.Errorf("%s: %w", kind, errEmpty)
	}
	return t.parts, nil
}

type tableRows struct {
	kind   Kind
	parts  []Part
	byHost map[string]int
	vms    map[[2]string]int // host and VM: its index in the part
}

func (t *tableRows) row(rec record) {
	host, name := pick(rec, "host", "esxihost", "vmhost"), pick(rec, "vm", "vmname")
	i, ok := t.byHost[host]
	if !ok {
		i = len(t.parts)
		t.byHost[host] = i
		t.parts = append(t.parts, Part{Kind: t.kind})
		t.parts[i].Host.Name = host
	}
	p := &t.parts[i]
	if name == "" || len(name) > maxText || len(host) > maxText {
		p.Skipped++
		return
	}
	p.Host.Cluster.Name = cmp.Or(p.Host.Cluster.Name, pick(rec, "cluster"))
	p.Host.Datacenter.Name = cmp.Or(p.Host.Datacenter.Name, pick(rec, "datacenter"))
	j, ok := t.vms[[2]string{host, name}]
	if !ok {
		j = len(p.VMs)
		t.vms[[2]string{host, name}] = j
		p.VMs = append(p.VMs, inventory.VM{Name: name})
	}
	vm := &p.VMs[j]
	vmColumns(vm, rec)
	nic := inventory.NIC{
		Label: pick(rec, "niclabel", "networkadapter", "nic", "label"), MAC: mac(pick(rec, "macaddress", "mac")), Adapter: strings.ToLower(pick(rec, "adapter")),
		Connected: !strings.EqualFold(rec["connected"], "false"),
		Backing:   inventory.Backing{Portgroup: pick(rec, "network", "portgroup"), Port: pick(rec, "dvport", "portkey")},
	}
	// "Network adapter 1" is device key 4000 wherever it was seen.
	if n, ok := strings.CutPrefix(nic.Label, "Network adapter "); ok && len(n) <= 2 && number(n) > 0 {
		nic.Key = 3999 + int32(number(n))
	}
	if nic.MAC != (inventory.MAC{}) {
		vm.NICs = append(vm.NICs, nic)
	}
	if id := pick(rec, "portid", "portiddec"); id != "" {
		p.add(inventory.Row{
			Port: portID(id), Kind: inventory.KindVM, VM: name, Device: pick(rec, "device"), MAC: nic.MAC, World: number(rec["worldid"]),
			Net: inventory.Net{Switch: pick(rec, "switch"), Portgroup: nic.Backing.Portgroup, DVPort: nic.Backing.Port},
		})
	}
}

// vmColumns adds what a row says of the VM itself.
func vmColumns(vm *inventory.VM, rec record) {
	vm.Path = cmp.Or(vm.Path, pick(rec, "path", "vmx"))
	vm.Hostname = cmp.Or(vm.Hostname, pick(rec, "dnsname", "guesthostname"))
	vm.GuestID = cmp.Or(vm.GuestID, pick(rec, "guestid", "osaccordingtothevmwaretools", "osaccordingtotheconfigurationfile", "os"))
	vm.Folder = cmp.Or(vm.Folder, pick(rec, "folder"))
	vm.Pool = cmp.Or(vm.Pool, pick(rec, "resourcepool"))
	vm.Owner = cmp.Or(vm.Owner, pick(rec, "owner"))
	vm.Ref.ID = cmp.Or(vm.Ref.ID, pick(rec, "vmid", "moid"))
	if w := number(rec["worldid"]); w != 0 {
		vm.World = w
	}
	if id, err := inventory.ParseUUID(pick(rec, "vmuuid", "instanceuuid")); err == nil {
		vm.Instance = id
	}
	if id, err := inventory.ParseUUID(pick(rec, "smbiosuuid", "biosuuid")); err == nil {
		vm.BIOS = id
	}
	switch strings.ToLower(pick(rec, "powerstate")) {
	case "poweredon":
		vm.Power = inventory.PoweredOn
	case "poweredoff":
		vm.Power = inventory.PoweredOff
	case "suspended":
		vm.Power = inventory.Suspended
	}
	for _, list := range [...]string{rec["ipv4address"], rec["ipv6address"], rec["primaryipaddress"], rec["ipaddress"]} {
		for word := range strings.FieldsFuncSeq(list, func(c rune) bool { return c == ',' || c == ';' || c == ' ' }) {
			if a, err := netip.ParseAddr(word); err == nil && len(vm.Addresses) < 16 && !slices.Contains(vm.Addresses, a) {
				vm.Addresses = append(vm.Addresses, a)
			}
		}
	}
}
