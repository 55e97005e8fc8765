// Package report turns what the inventory knows into answers for commands: structs that print as
// JSON under the names of the event schema, without the leading "vmware.". It decides nothing.
package report

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"vswarden/inventory"
	"vswarden/inventory/resolve"
)

// PortQuery is what a user asks: who has that port.
type PortQuery struct {
	Host   string // name, address or UUID
	Port   string // 0x4000006 or 67108870
	Client string // as a log line names it; empty: not known
	At     inventory.Stamp
	Now    inventory.Stamp
	Guard  time.Duration
}

// PortAnswer is KB 304453 as one struct.
type PortAnswer struct {
	At      inventory.Stamp `json:"at"`
	PortID  string          `json:"port_id"`
	PortDec uint32          `json:"port_id_dec"`
	Portset uint8           `json:"portset"`
	Slot    uint32          `json:"slot"`
	Uplink  bool            `json:"uplink"`
	Kind    string          `json:"kind"`             // vm, vmk, vmnic, system, unknown
	Device  string          `json:"device,omitempty"` // vmk0, vmnic2

	VCenter    *VCenter   `json:"vcenter,omitempty"`
	Datacenter *Place     `json:"datacenter,omitempty"`
	Cluster    *Place     `json:"cluster,omitempty"`
	Host       Host       `json:"host"`
	VM         *VM        `json:"vm,omitempty"`
	VNIC       *VNIC      `json:"vnic,omitempty"`
	Switch     *Switch    `json:"switch,omitempty"`
	Portgroup  *Portgroup `json:"portgroup,omitempty"`
	Port       *Port      `json:"port,omitempty"`
	Policy     *Policy    `json:"policy,omitempty"`
	Exposure   *Exposure  `json:"exposure,omitempty"`

	Enrichment Enrichment `json:"enrichment"`
	Others     []Other    `json:"candidates,omitempty"` // all that may be meant, where that is more than one
	Why        []string   `json:"why,omitempty"`        // what makes it unsure
	Next       []string   `json:"next"`                 // commands
}

// VCenter is vmware.vcenter.
type VCenter struct {
	Name     string         `json:"name"`
	Instance inventory.UUID `json:"instance_uuid,omitzero"`
	Version  string         `json:"version,omitempty"`
}

// Place is vmware.datacenter and vmware.cluster.
type Place struct {
	Name string `json:"name"`
	MOID string `json:"moid,omitempty"`
}

// Host is vmware.host.
type Host struct {
	Name        string         `json:"name"`
	MOID        string         `json:"moid,omitempty"`
	UUID        inventory.UUID `json:"uuid,omitzero"`
	Version     string         `json:"version,omitempty"`
	Build       string         `json:"build,omitempty"`
	Maintenance bool           `json:"in_maintenance,omitempty"`
	Connection  string         `json:"connection,omitempty"`
}

// VM is vmware.vm.
type VM struct {
	Name       string         `json:"name"` // as it was then
	NameNow    string         `json:"name_now,omitempty"`
	MOID       string         `json:"moid,omitempty"`
	Instance   inventory.UUID `json:"instance_uuid,omitzero"`
	BIOS       inventory.UUID `json:"bios_uuid,omitzero"`
	WorldID    uint64         `json:"world_id,omitempty"`
	PowerState string         `json:"power_state,omitempty"`
	Guest      *Guest         `json:"guest,omitempty"`
	Folder     string         `json:"folder,omitempty"`
	Pool       string         `json:"resource_pool,omitempty"`
	Owner      string         `json:"owner,omitempty"`
	Tags       []string       `json:"tags,omitempty"`
	URL        string         `json:"url,omitempty"`
	Gone       string         `json:"gone,omitempty"` // when it left the inventory
}

// Guest is vmware.vm.guest.
type Guest struct {
	Hostname string       `json:"hostname,omitempty"`
	IP       []netip.Addr `json:"ip,omitempty"`
	OS       string       `json:"os,omitempty"`
}

// VNIC is vmware.vnic.
type VNIC struct {
	Key       int32         `json:"key,omitempty"`
	Label     string        `json:"label,omitempty"`
	MAC       inventory.MAC `json:"mac,omitzero"`
	Effective inventory.MAC `json:"effective_mac,omitzero"`
	MACType   string        `json:"mac_type,omitempty"`
	Adapter   string        `json:"adapter,omitempty"`
	Connected bool          `json:"connected"`
}

// Switch is vmware.switch.
type Switch struct {
	Type string `json:"type,omitempty"`
	Name string `json:"name,omitempty"`
	UUID string `json:"uuid,omitempty"`
	MOID string `json:"moid,omitempty"`
}

// Portgroup is vmware.portgroup.
type Portgroup struct {
	Name string `json:"name"`
	MOID string `json:"moid,omitempty"`
	Key  string `json:"key,omitempty"`
	VLAN *VLAN  `json:"vlan,omitempty"`
}

// VLAN is vmware.portgroup.vlan.
type VLAN struct {
	Type   string                `json:"type"` // access, trunk, private
	ID     *uint16               `json:"id,omitempty"`
	Ranges []inventory.VLANRange `json:"ranges,omitempty"`
}

// Port is vmware.port: a port of a distributed switch.
type Port struct {
	Key     string `json:"key"`
	Blocked bool   `json:"blocked"`
	Status  string `json:"status,omitempty"`
}

// Policy is vmware.policy.
type Policy struct {
	Effective       Effective `json:"effective"`
	Source          Source    `json:"source"`
	OverrideAllowed *bool     `json:"override_allowed,omitempty"`
	Exempt          bool      `json:"exempt,omitempty"`
	Notes           []string  `json:"notes,omitempty"`
}

// Effective is vmware.policy.effective; what is not known is absent.
type Effective struct {
	Promiscuous     *bool `json:"allow_promiscuous,omitempty"`
	MACChanges      *bool `json:"mac_changes,omitempty"`
	ForgedTransmits *bool `json:"forged_transmits,omitempty"`
	MACLearning     *bool `json:"mac_learning,omitempty"`
}

// Source is vmware.policy.source.
type Source struct {
	Promiscuous     string `json:"allow_promiscuous"`
	MACChanges      string `json:"mac_changes"`
	ForgedTransmits string `json:"forged_transmits"`
	MACLearning     string `json:"mac_learning"`
}

// Exposure is vmware.exposure.
type Exposure struct {
	Scope string `json:"scope"`
	VMs   int    `json:"vms"`
}

// Enrichment is vmware.enrichment.
type Enrichment struct {
	Status     string          `json:"status"`
	Match      []string        `json:"match,omitempty"`
	Confidence float64         `json:"confidence"`
	Candidates int             `json:"candidates,omitempty"`
	Time       inventory.Stamp `json:"inventory_time,omitzero"`
	AgeMS      int64           `json:"inventory_age_ms,omitempty"`
	Missing    []string        `json:"missing,omitempty"`
}

// Other is one of several that may be meant.
type Other struct {
	Kind  string          `json:"kind"`
	VM    string          `json:"vm,omitempty"`
	Name  string          `json:"client,omitempty"`
	MAC   inventory.MAC   `json:"mac,omitzero"`
	Since inventory.Stamp `json:"since,omitzero"`
	Until inventory.Stamp `json:"until,omitzero"`
	Match []string        `json:"match,omitempty"`
}

// ErrHost says that no host, or more than one, is known by a name.
var ErrHost = errors.New("no host, or more than one, is known by that name")

var errPort = errors.New("not a port id: write 0x4000006 or 67108870")

// ParsePort reads a port id as logs print it (0x…) or as tools do (decimal).
func ParsePort(s string) (uint32, error) {
	base := 10
	if rest, ok := strings.CutPrefix(strings.ToLower(s), "0x"); ok {
		s, base = rest, 16
	}
	id, err := strconv.ParseUint(s, base, 32)
	if err != nil || id == 0 {
		return 0, errPort
	}
	return uint32(id), nil
}

// Sure reports whether the answer is known for certain: the command exits 4 where it is not.
func (a *PortAnswer) Sure() bool { return a.Enrichment.Confidence >= resolve.Sure }

// AnswerPort says who had a port, as far as is known.
func AnswerPort(inv *inventory.Inventory, q *PortQuery) (*PortAnswer, error) {
	port, err := ParsePort(q.Port)
	if err != nil {
		return nil, fmt.Errorf("port %q: %w", q.Port, err)
	}
	h := inv.Host(q.Host)
	if h == nil {
		return nil, fmt.Errorf("host %q: %w", q.Host, ErrHost)
	}
	question := resolve.Question{
		Host: h, HasPort: true, Port: port, Client: q.Client,
		From: q.At.Add(-q.Guard), Join: q.At, To: q.At, Now: q.Now, Guard: q.Guard,
	}
	question.Kind, question.Name, question.Device = inventory.ParseClient(q.Client)
	var r resolve.Resolver
	a := r.Resolve(&question)
	out := &PortAnswer{
		At: q.At, PortID: fmt.Sprintf("0x%x", port), PortDec: port, Portset: uint8(port>>24) & 0x7f, Slot: port & 0xffffff, Uplink: port>>31 != 0,
		Kind: a.Kind.String(), Device: a.Device, Why: a.Notes.Texts(), Next: resolve.Commands(&a, port, h.Facts().Version),
	}
	out.host(inv, h)
	out.holder(inv, &a, q.At)
	out.place(h, &a, q.At)
	out.enrichment(h, &a, q.Now)
	out.neighbour(h, port)
	return out, nil
}

// neighbour tells of the port next to one that nobody has: KB 304453's own example is off by one.
func (out *PortAnswer) neighbour(h *inventory.HostTable, port uint32) {
	if out.Enrichment.Status != resolve.Unresolved.String() {
		return
	}
	if sw := h.SwitchOf(port); sw != "" {
		out.Switch = &Switch{Name: sw}
		out.Why = append(out.Why, "the switch is inferred from other ports of its portset")
	}
	for _, other := range [...]uint32{port - 1, port + 1} {
		if h.Knows(other) {
			out.Why = append(out.Why, fmt.Sprintf("%d (0x%x), next to it, is known on this host: the example in KB 304453 is off by one", other, other))
		}
	}
}

func (out *PortAnswer) host(inv *inventory.Inventory, h *inventory.HostTable) {
	f := h.Facts()
	out.Host = Host{Name: f.Name, UUID: f.UUID, Version: f.Version, Build: f.Build, Maintenance: f.Maintenance, Connection: f.Connection.String()}
	if h.Ref().VC != 0 {
		vc := inv.VCenter(h.Ref().VC)
		out.Host.MOID = h.Ref().ID
		out.VCenter = &VCenter{Name: vc.Name, Instance: vc.Instance, Version: vc.Version}
	}
	if f.Cluster.Name != "" {
		out.Cluster = &Place{f.Cluster.Name, f.Cluster.ID}
	}
	if f.Datacenter.Name != "" {
		out.Datacenter = &Place{f.Datacenter.Name, f.Datacenter.ID}
	}
}

func (out *PortAnswer) holder(inv *inventory.Inventory, a *resolve.Answer, at inventory.Stamp) {
	if n := a.NIC(); n != nil {
		out.VNIC = &VNIC{
			Key: max(n.Key, 0), Label: n.Label, MAC: n.MAC, Effective: n.Effective, MACType: n.MACType, Adapter: n.Adapter, Connected: n.Connected,
		}
	} else if a.MAC != (inventory.MAC{}) {
		out.VNIC = &VNIC{MAC: a.MAC}
	}
	vm := a.VM
	if vm == nil {
		return
	}
	out.VM = &VM{
		Name: vm.NameAt(at), Instance: vm.Instance, BIOS: vm.BIOS, WorldID: vm.World, PowerState: vm.Power.String(),
		Folder: vm.Folder, Pool: vm.Pool, Owner: vm.Owner, Tags: vm.Tags,
	}
	if out.VM.Name != vm.Name {
		out.VM.NameNow = vm.Name
	}
	if g := (Guest{vm.Hostname, vm.Addresses, vm.GuestID}); g.Hostname != "" || len(g.IP) > 0 || g.OS != "" {
		out.VM.Guest = &g
	}
	if gone := vm.Gone(); gone != 0 {
		out.VM.Gone = gone.Time().Format(time.RFC3339)
	}
	if vm.Ref.VC != 0 {
		out.VM.MOID = vm.Ref.ID
		vc := inv.VCenter(vm.Ref.VC)
		if vc.Instance != (inventory.UUID{}) {
			out.VM.URL = fmt.Sprintf("https://%s/ui/app/vm;nav=h/urn:vmomi:VirtualMachine:%s:%s/summary", vc.Name, vm.Ref.ID, vc.Instance)
		}
	}
}

func (out *PortAnswer) place(h *inventory.HostTable, a *resolve.Answer, at inventory.Stamp) {
	w := &a.Place
	if w.SwitchName != "" || w.Kind != inventory.SwitchUnknown {
		out.Switch = &Switch{Type: w.Kind.String(), Name: w.SwitchName}
		if w.Switch != nil {
			out.Switch.UUID, out.Switch.MOID = w.Switch.UUID.Spaced(), w.Switch.Ref.ID
		}
	}
	if w.PortgroupName != "" {
		out.Portgroup = &Portgroup{Name: w.PortgroupName}
	}
	if w.PortKey != "" {
		out.Port = &Port{Key: w.PortKey}
		if w.Port != nil {
			out.Port.Blocked, out.Port.Status = w.Port.Blocked, w.Port.Status
		}
	}
	if w.Portgroup != nil {
		out.Portgroup.MOID, out.Portgroup.Key = w.Portgroup.Ref.ID, w.Portgroup.Ref.ID
		out.Portgroup.VLAN = vlanOf(&w.Portgroup.VLAN)
		if x := h.Exposure(w, a.VM); x.Known {
			out.Exposure = &Exposure{Scope: x.VLAN.String() + " on " + x.Switch + ", host " + h.Facts().Name, VMs: x.VMs}
		}
	}
	if a.Missing&resolve.MissingPolicy == 0 && a.Kind != inventory.KindUplink && a.Kind != inventory.KindSystem && a.Status != resolve.Unresolved {
		e, _ := w.Effective(at)
		out.Policy = PolicyOf(&e)
	}
}

func vlanOf(v *inventory.VLAN) *VLAN {
	switch v.Kind {
	case inventory.VLANAccess:
		return &VLAN{Type: "access", ID: &v.ID}
	case inventory.VLANPrivate:
		return &VLAN{Type: "private", ID: &v.ID}
	case inventory.VLANTrunk:
		return &VLAN{Type: "trunk", Ranges: v.Ranges}
	}
	return nil
}

// PolicyOf returns an effective policy under the names of the event schema.
func PolicyOf(e *inventory.Effective) *Policy {
	p := &Policy{
		Effective: Effective{boolOf(e.Promiscuous.Value), boolOf(e.MACChanges.Value), boolOf(e.ForgedTransmits.Value), boolOf(e.MACLearning.Value)},
		Source:    Source{e.Promiscuous.Level.String(), e.MACChanges.Level.String(), e.ForgedTransmits.Level.String(), e.MACLearning.Level.String()},
		Exempt:    e.Exempt, OverrideAllowed: boolOf(e.Override), Notes: e.Notes.Texts(),
	}
	return p
}

func boolOf(v inventory.Verdict) *bool {
	if v == inventory.Unknown {
		return nil
	}
	allowed := v == inventory.Accept
	return &allowed
}

func (out *PortAnswer) enrichment(h *inventory.HostTable, a *resolve.Answer, now inventory.Stamp) {
	told := h.Told(now)
	if a.Method&inventory.MethodImport != 0 {
		told = max(told, a.Stated)
	}
	out.Enrichment = Enrichment{
		Status: a.Status.String(), Match: a.Method.Names(), Confidence: a.Confidence, Candidates: a.Candidates,
		Time: told, Missing: a.Missing.Names(),
	}
	if told != 0 {
		out.Enrichment.AgeMS = max(0, now.Sub(told).Milliseconds())
	}
	if len(a.Others) < 2 {
		return
	}
	for i := range a.Others {
		c := &a.Others[i]
		o := Other{Kind: c.Kind.String(), Name: c.Client, MAC: c.MAC, Since: c.Early, Match: c.Method.Names()}
		if c.Late != inventory.Forever {
			o.Until = c.Late
		}
		if c.VM != nil {
			o.VM = c.VM.Name
		}
		out.Others = append(out.Others, o)
	}
}
