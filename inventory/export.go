package inventory

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// What inventory export writes and inventory import reads: docs/inventory-import.md.
const (
	ExportFormat  = "vswarden-inventory"
	ExportVersion = 1
)

// Export is what the inventory knew at one moment, as JSON for people, scripts and other vswardens.
type Export struct {
	Format  string       `json:"format"`
	Version int          `json:"version"`
	At      Stamp        `json:"at"`
	Hosts   []ExportHost `json:"hosts"`
}

// ExportHost is one host with all that runs on it.
type ExportHost struct {
	Name       string            `json:"name"`
	At         Stamp             `json:"at,omitzero"` // the moment all this is of, where that is before the export's
	MOID       string            `json:"moid,omitempty"`
	UUID       UUID              `json:"uuid,omitzero"`
	Version    string            `json:"version,omitempty"`
	Build      string            `json:"build,omitempty"`
	VCenter    string            `json:"vcenter,omitempty"`
	Datacenter string            `json:"datacenter,omitempty"`
	Cluster    string            `json:"cluster,omitempty"`
	Connection string            `json:"connection,omitempty"`
	KnownSince Stamp             `json:"known_since,omitzero"`
	Addresses  []netip.Addr      `json:"ip,omitempty"`
	VMK        []VMKernel        `json:"vmk,omitempty"`
	Uplinks    []Uplink          `json:"uplinks,omitempty"`
	Portgroups []ExportPortgroup `json:"portgroups,omitempty"`
	VMs        []ExportVM        `json:"vms,omitempty"`
	Ports      []ExportPort      `json:"ports,omitempty"`
}

// ExportPortgroup is one portgroup of a host's standard switches.
type ExportPortgroup struct {
	Name   string `json:"name"`
	Switch string `json:"switch,omitempty"`
	VLAN   uint16 `json:"vlan,omitzero"` // 4095 passes all
	Flags
}

// ExportVM is one VM.
type ExportVM struct {
	Name        string       `json:"name"`
	MOID        string       `json:"moid,omitempty"`
	Instance    UUID         `json:"instance_uuid,omitzero"`
	BIOS        UUID         `json:"bios_uuid,omitzero"`
	World       uint64       `json:"world_id,omitzero"`
	Power       string       `json:"power_state,omitempty"`
	Boot        Stamp        `json:"boot,omitzero"`
	Path        string       `json:"vmx,omitempty"`
	GuestID     string       `json:"guest_id,omitempty"`
	Hostname    string       `json:"guest_hostname,omitempty"`
	Addresses   []netip.Addr `json:"ip,omitempty"`
	Folder      string       `json:"folder,omitempty"`
	Pool        string       `json:"resource_pool,omitempty"`
	Owner       string       `json:"owner,omitempty"`
	Tags        []string     `json:"tags,omitempty"`
	FormerNames []string     `json:"former_names,omitempty"`
	NICs        []ExportNIC  `json:"nics,omitempty"`
}

// ExportNIC is one adapter of a VM.
type ExportNIC struct {
	Key       int32  `json:"key,omitzero"`
	Label     string `json:"label,omitempty"`
	MAC       MAC    `json:"mac,omitzero"`
	Effective MAC    `json:"effective_mac,omitzero"`
	Adapter   string `json:"adapter,omitempty"`
	Connected bool   `json:"connected"`
	Portgroup string `json:"portgroup,omitempty"`
	DVPort    string `json:"dvport,omitempty"`
}

// ExportPort is who held one port, or may have.
type ExportPort struct {
	Port      string   `json:"port_id,omitempty"` // 0x3000005
	Decimal   uint32   `json:"port_id_dec,omitzero"`
	Kind      string   `json:"kind,omitempty"` // vm, vmk, vmnic, system, unknown
	Client    string   `json:"client,omitempty"`
	VM        string   `json:"vm,omitempty"`
	World     uint64   `json:"world_id,omitzero"`
	NIC       int32    `json:"nic,omitzero"` // device key
	MAC       MAC      `json:"mac,omitzero"`
	Switch    string   `json:"switch,omitempty"`
	Portgroup string   `json:"portgroup,omitempty"`
	DVPort    string   `json:"dvport,omitempty"`
	Enforced  Flags    `json:"enforced,omitzero"`
	Since     Stamp    `json:"since,omitzero"`
	Until     Stamp    `json:"until,omitzero"`
	Match     []string `json:"match,omitempty"`
	Unsure    bool     `json:"unsure,omitempty"` // it may have held the port
}

// Export returns what is known of the hosts as of a moment; no hosts means all. now is the clock.
func (inv *Inventory) Export(hosts []*HostTable, at, now Stamp) *Export {
	x := &Export{Format: ExportFormat, Version: ExportVersion, At: at, Hosts: []ExportHost{}}
	if hosts == nil {
		hosts = slices.Clone(inv.AllHosts())
		slices.SortFunc(hosts, func(a, b *HostTable) int { return strings.Compare(a.Facts().Name, b.Facts().Name) })
	}
	for _, h := range hosts {
		x.Hosts = append(x.Hosts, h.export(at, now))
	}
	return x
}

func (h *HostTable) export(at, now Stamp) ExportHost {
	v := h.cur.Load()
	f := v.host
	x := ExportHost{
		Name: f.Name, UUID: f.UUID, Version: f.Version, Build: f.Build, VCenter: h.inv.VCenter(h.ref.VC).Name,
		Datacenter: f.Datacenter.Name, Cluster: f.Cluster.Name, Connection: f.Connection.String(), KnownSince: h.KnownSince(),
		Addresses: f.Addresses, VMK: f.Kernel, Uplinks: f.Uplinks,
	}
	if h.ref.VC != 0 {
		x.MOID = h.ref.ID
	}
	if of := h.statedBy(v, at, now); of < at {
		x.At = of
	}
	for i := range f.Portgroups {
		p := &f.Portgroups[i]
		e := EffectiveStandard(switchFlags(f, p.Switch), p.Rules.Own, p.Rules.Computed)
		out := ExportPortgroup{Name: p.Name, Switch: p.Switch, VLAN: p.VLAN.ID, Flags: Flags{e.Promiscuous.Value, e.MACChanges.Value, e.ForgedTransmits.Value}}
		if p.VLAN.All() {
			out.VLAN = 4095
		}
		x.Portgroups = append(x.Portgroups, out)
	}
	for _, list := range [...][]residence{v.residents, v.former} {
		for i := range list {
			if r := &list[i]; r.early <= at && r.to > at {
				x.VMs = append(x.VMs, h.exportVM(r.vm.cur.Load(), at))
			}
		}
	}
	slices.SortFunc(x.VMs, func(a, b ExportVM) int { return strings.Compare(a.Name, b.Name) })
	var dst []Candidate
	for _, id := range v.ids {
		dst = h.Lookup(&Query{Port: id, From: at, At: at, To: at, Now: now}, dst[:0])
		for i := range dst {
			if dst[i].Cover >= CoverPerhaps {
				x.Ports = append(x.Ports, h.exportPort(id, &dst[i], at))
			}
		}
	}
	return x
}

// statedBy returns the moment that what is known of the host at a moment was stated: a copy of it must not look
// newer than it is.
func (h *HostTable) statedBy(v *hostView, at, now Stamp) Stamp {
	if told := h.Told(now); told != 0 {
		return min(at, told)
	}
	for _, of := range slices.Backward(v.imports) {
		if of <= at {
			return of
		}
	}
	return at
}

func switchFlags(host *Host, name string) Flags {
	for i := range host.Switches {
		if host.Switches[i].Name == name {
			return host.Switches[i].Rules.Own
		}
	}
	return Flags{}
}

func (h *HostTable) exportVM(vm *VM, at Stamp) ExportVM {
	x := ExportVM{
		Name: vm.NameAt(at), Instance: vm.Instance, BIOS: vm.BIOS, World: vm.World, Power: vm.Power.String(), Boot: vm.Boot,
		Path: vm.Path, GuestID: vm.GuestID, Hostname: vm.Hostname, Addresses: vm.Addresses, Folder: vm.Folder, Pool: vm.Pool,
		Owner: vm.Owner, Tags: vm.Tags, FormerNames: vm.FormerNames(),
	}
	if vm.Ref.VC != 0 {
		x.MOID = vm.Ref.ID
	}
	for i := range vm.NICs {
		n := &vm.NICs[i]
		nic := ExportNIC{Key: max(n.Key, 0), Label: n.Label, MAC: n.MAC, Adapter: n.Adapter, Connected: n.Connected}
		if n.Effective != n.MAC {
			nic.Effective = n.Effective
		}
		place := h.Where(&Candidate{Kind: KindVM, VM: vm, NICKey: n.Key}, at)
		nic.Portgroup, nic.DVPort = place.PortgroupName, place.PortKey
		x.NICs = append(x.NICs, nic)
	}
	return x
}

func (h *HostTable) exportPort(id uint32, c *Candidate, at Stamp) ExportPort {
	place := h.Where(c, at)
	x := ExportPort{
		Port: fmt.Sprintf("0x%x", id), Decimal: id, Kind: c.Kind.String(), Client: c.Client, MAC: c.MAC, NIC: max(c.NICKey, 0),
		Switch: place.SwitchName, Portgroup: place.PortgroupName, DVPort: place.PortKey, Enforced: place.Enforced,
		Since: c.From, Match: c.Method.Names(), Unsure: c.Cover < CoverAt,
	}
	if c.Method&MethodBackdated != 0 {
		x.Since = c.Early
	}
	if c.Method&(MethodPortTable|MethodLive|MethodLearned) == 0 {
		x.Since = c.Stated
	}
	if c.To != Forever {
		x.Until = c.To
	}
	if c.VM != nil {
		x.VM, x.World = c.VM.NameAt(at), c.VM.World
	}
	return x
}

// Statement returns what an exported host says, to be imported. Its At is not set.
func (x *ExportHost) Statement() (st Statement) {
	st.Host = Host{
		Name: x.Name, UUID: x.UUID, Version: x.Version, Build: x.Build, Datacenter: Place{Name: x.Datacenter}, Cluster: Place{Name: x.Cluster},
		Addresses: x.Addresses, Kernel: x.VMK, Uplinks: x.Uplinks,
	}
	switches := map[string]bool{}
	for _, p := range x.Portgroups {
		st.Host.Portgroups = append(st.Host.Portgroups, Portgroup{
			Kind: Standard, Name: p.Name, Switch: p.Switch, VLAN: StandardVLAN(int32(p.VLAN)), Rules: Rules{Computed: p.Flags},
		})
		if p.Switch != "" && !switches[p.Switch] {
			switches[p.Switch] = true
			st.Host.Switches = append(st.Host.Switches, Switch{Kind: Standard, Name: p.Switch})
		}
	}
	for i := range x.VMs {
		st.VMs = append(st.VMs, x.VMs[i].vm())
	}
	for i := range x.Ports {
		if p := &x.Ports[i]; !p.Unsure {
			st.Rows = append(st.Rows, p.row())
		}
	}
	return st
}

func (x *ExportVM) vm() VM {
	vm := VM{
		Ref: Ref{ID: x.MOID}, Name: x.Name, Instance: x.Instance, BIOS: x.BIOS, World: x.World, Boot: x.Boot, Path: x.Path, GuestID: x.GuestID,
		Hostname: x.Hostname, Addresses: x.Addresses, Folder: x.Folder, Pool: x.Pool, Owner: x.Owner, Tags: x.Tags,
	}
	for p := PoweredOn; p <= Suspended; p++ {
		if p.String() == x.Power {
			vm.Power = p
		}
	}
	for _, n := range x.NICs {
		vm.NICs = append(vm.NICs, NIC{
			Key: n.Key, Label: n.Label, MAC: n.MAC, Effective: n.Effective, Adapter: n.Adapter, Connected: n.Connected,
			Backing: Backing{Portgroup: n.Portgroup, Port: n.DVPort},
		})
	}
	return vm
}

// row returns the port as a list of a host would state it.
func (x *ExportPort) row() Row {
	r := Row{
		Port: x.Decimal, Client: x.Client, VM: x.VM, World: x.World, MAC: x.MAC,
		Net: Net{Switch: x.Switch, Portgroup: x.Portgroup, DVPort: x.DVPort, Enforced: x.Enforced},
	}
	if r.Port == 0 {
		id, err := strconv.ParseUint(x.Port, 0, 32) // 0x… or decimal
		if err == nil {
			r.Port = uint32(id)
		}
	}
	for k := KindVM; k <= KindSystem; k++ {
		if k.String() == x.Kind {
			r.Kind = k
		}
	}
	if r.Kind == KindUnknown && x.VM != "" {
		r.Kind = KindVM
	}
	if x.NIC >= 4000 && x.NIC < 4100 {
		r.Device = "eth" + strconv.Itoa(int(x.NIC-4000))
	}
	return r
}
