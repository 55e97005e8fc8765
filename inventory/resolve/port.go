package resolve

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"vswarden/inventory"
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

	VCenter    *answerVCenter   `json:"vcenter,omitempty"`
	Datacenter *answerPlace     `json:"datacenter,omitempty"`
	Cluster    *answerPlace     `json:"cluster,omitempty"`
	Host       answerHost       `json:"host"`
	VM         *answerVM        `json:"vm,omitempty"`
	VNIC       *answerVNIC      `json:"vnic,omitempty"`
	Switch     *answerSwitch    `json:"switch,omitempty"`
	Portgroup  *answerPortgroup `json:"portgroup,omitempty"`
	Port       *answerPort      `json:"port,omitempty"`
	Policy     *answerPolicy    `json:"policy,omitempty"`
	Exposure   *answerExposure  `json:"exposure,omitempty"`

	Enrichment answerEnrichment `json:"enrichment"`
	Others     []answerOther    `json:"candidates,omitempty"` // all that may be meant, where that is more than one
	Why        []string         `json:"why,omitempty"`        // what makes it unsure
	Next       []string         `json:"next"`                 // commands
}

// answerVCenter is vmware.vcenter.
type answerVCenter struct {
	Name     string         `json:"name"`
	Instance inventory.UUID `json:"instance_uuid,omitzero"`
	Version  string         `json:"version,omitempty"`
}

// answerPlace is vmware.datacenter and vmware.cluster.
type answerPlace struct {
	Name string `json:"name"`
	MOID string `json:"moid,omitempty"`
}

// answerHost is vmware.host.
type answerHost struct {
	Name        string         `json:"name"`
	MOID        string         `json:"moid,omitempty"`
	UUID        inventory.UUID `json:"uuid,omitzero"`
	Version     string         `json:"version,omitempty"`
	Build       string         `json:"build,omitempty"`
	Maintenance bool           `json:"in_maintenance,omitempty"`
	Connection  string         `json:"connection,omitempty"`
}

// answerVM is vmware.vm.
type answerVM struct {
	Name       string         `json:"name"` // as it was then
	NameNow    string         `json:"name_now,omitempty"`
	MOID       string         `json:"moid,omitempty"`
	Instance   inventory.UUID `json:"instance_uuid,omitzero"`
	BIOS       inventory.UUID `json:"bios_uuid,omitzero"`
	WorldID    uint64         `json:"world_id,omitempty"`
	PowerState string         `json:"power_state,omitempty"`
	Guest      *answerGuest   `json:"guest,omitempty"`
	Folder     string         `json:"folder,omitempty"`
	Pool       string         `json:"resource_pool,omitempty"`
	Owner      string         `json:"owner,omitempty"`
	Tags       []string       `json:"tags,omitempty"`
	URL        string         `json:"url,omitempty"`
	Gone       string         `json:"gone,omitempty"` // when it left the inventory
}

// answerGuest is vmware.vm.guest.
type answerGuest struct {
	Hostname string       `json:"hostname,omitempty"`
	IP       []netip.Addr `json:"ip,omitempty"`
	OS       string       `json:"os,omitempty"`
}

// answerVNIC is vmware.vnic.
type answerVNIC struct {
	Key       int32         `json:"key,omitempty"`
	Label     string        `json:"label,omitempty"`
	MAC       inventory.MAC `json:"mac,omitzero"`
	Effective inventory.MAC `json:"effective_mac,omitzero"`
	MACType   string        `json:"mac_type,omitempty"`
	Adapter   string        `json:"adapter,omitempty"`
	Connected bool          `json:"connected"`
}

// answerSwitch is vmware.switch.
type answerSwitch struct {
	Type string `json:"type,omitempty"`
	Name string `json:"name,omitempty"`
	UUID string `json:"uuid,omitempty"`
	MOID string `json:"moid,omitempty"`
}

// answerPortgroup is vmware.portgroup.
type answerPortgroup struct {
	Name string      `json:"name"`
	MOID string      `json:"moid,omitempty"`
	Key  string      `json:"key,omitempty"`
	VLAN *answerVLAN `json:"vlan,omitempty"`
}

// answerVLAN is vmware.portgroup.vlan.
type answerVLAN struct {
	Type   string                `json:"type"` // access, trunk, private
	ID     *uint16               `json:"id,omitempty"`
	Ranges []inventory.VLANRange `json:"ranges,omitempty"`
}

// answerPort is vmware.port: a port of a distributed switch.
type answerPort struct {
	Key     string `json:"key"`
	Blocked bool   `json:"blocked"`
	Status  string `json:"status,omitempty"`
}

// answerPolicy is vmware.policy.
type answerPolicy struct {
	Effective       answerEffective `json:"effective"`
	Source          answerSource    `json:"source"`
	OverrideAllowed *bool           `json:"override_allowed,omitempty"`
	Exempt          bool            `json:"exempt,omitempty"`
	Notes           []string        `json:"notes,omitempty"`
}

// answerEffective is vmware.policy.effective; what is not known is absent.
type answerEffective struct {
	Promiscuous     *bool `json:"allow_promiscuous,omitempty"`
	MACChanges      *bool `json:"mac_changes,omitempty"`
	ForgedTransmits *bool `json:"forged_transmits,omitempty"`
	MACLearning     *bool `json:"mac_learning,omitempty"`
}

// answerSource is vmware.policy.source.
type answerSource struct {
	Promiscuous     string `json:"allow_promiscuous"`
	MACChanges      string `json:"mac_changes"`
	ForgedTransmits string `json:"forged_transmits"`
	MACLearning     string `json:"mac_learning"`
}

// answerExposure is vmware.exposure.
type answerExposure struct {
	Scope string `json:"scope"`
	VMs   int    `json:"vms"`
}

// answerEnrichment is vmware.enrichment.
type answerEnrichment struct {
	Status     string          `json:"status"`
	Match      []string        `json:"match,omitempty"`
	Confidence float64         `json:"confidence"`
	Candidates int             `json:"candidates,omitempty"`
	Time       inventory.Stamp `json:"inventory_time,omitzero"`
	AgeMS      int64           `json:"inventory_age_ms,omitempty"`
	Missing    []string        `json:"missing,omitempty"`
}

// answerOther is one of several that may be meant.
type answerOther struct {
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
func (out *PortAnswer) Sure() bool { return out.Enrichment.Confidence >= Sure }

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
	question := Question{
		Host: h, HasPort: true, Port: port, Client: q.Client,
		From: q.At.Add(-q.Guard), Join: q.At, To: q.At, Now: q.Now, Guard: q.Guard,
	}
	question.Kind, question.Name, question.Device = inventory.ParseClient(q.Client)
	var r Resolver
	a := r.Resolve(&question)
	out := &PortAnswer{
		At: q.At, PortID: fmt.Sprintf("0x%x", port), PortDec: port, Portset: uint8(port>>24) & 0x7f, Slot: port & 0xffffff, Uplink: port>>31 != 0,
		Kind: a.Kind.String(), Device: a.Device, Why: a.Notes.Texts(), Next: Commands(&a, port, h.Facts().Version),
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
	if out.Enrichment.Status != Unresolved.String() {
		return
	}
	if sw := h.SwitchOf(port); sw != "" {
		out.Switch = &answerSwitch{Name: sw}
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
	out.Host = answerHost{Name: f.Name, UUID: f.UUID, Version: f.Version, Build: f.Build, Maintenance: f.Maintenance, Connection: f.Connection.String()}
	if h.Ref().VC != 0 {
		vc := inv.VCenter(h.Ref().VC)
		out.Host.MOID = h.Ref().ID
		out.VCenter = &answerVCenter{Name: vc.Name, Instance: vc.Instance, Version: vc.Version}
	}
	if f.Cluster.Name != "" {
		out.Cluster = &answerPlace{f.Cluster.Name, f.Cluster.ID}
	}
	if f.Datacenter.Name != "" {
		out.Datacenter = &answerPlace{f.Datacenter.Name, f.Datacenter.ID}
	}
}

func (out *PortAnswer) holder(inv *inventory.Inventory, a *Answer, at inventory.Stamp) {
	if n := a.NIC(); n != nil {
		out.VNIC = &answerVNIC{
			Key: max(n.Key, 0), Label: n.Label, MAC: n.MAC, Effective: n.Effective, MACType: n.MACType, Adapter: n.Adapter, Connected: n.Connected,
		}
	} else if a.MAC != (inventory.MAC{}) {
		out.VNIC = &answerVNIC{MAC: a.MAC}
	}
	vm := a.VM
	if vm == nil {
		return
	}
	out.VM = &answerVM{
		Name: vm.NameAt(at), Instance: vm.Instance, BIOS: vm.BIOS, WorldID: vm.World, PowerState: vm.Power.String(),
		Folder: vm.Folder, Pool: vm.Pool, Owner: vm.Owner, Tags: vm.Tags,
	}
	if out.VM.Name != vm.Name {
		out.VM.NameNow = vm.Name
	}
	if g := (answerGuest{vm.Hostname, vm.Addresses, vm.GuestID}); g.Hostname != "" || len(g.IP) > 0 || g.OS != "" {
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

func (out *PortAnswer) place(h *inventory.HostTable, a *Answer, at inventory.Stamp) {
	w := &a.Place
	if w.SwitchName != "" || w.Kind != inventory.SwitchUnknown {
		out.Switch = &answerSwitch{Type: w.Kind.String(), Name: w.SwitchName}
		if w.Switch != nil {
			out.Switch.UUID, out.Switch.MOID = w.Switch.UUID.Spaced(), w.Switch.Ref.ID
		}
	}
	if w.PortgroupName != "" {
		out.Portgroup = &answerPortgroup{Name: w.PortgroupName}
	}
	if w.PortKey != "" {
		out.Port = &answerPort{Key: w.PortKey}
		if w.Port != nil {
			out.Port.Blocked, out.Port.Status = w.Port.Blocked, w.Port.Status
		}
	}
	if w.Portgroup != nil {
		out.Portgroup.MOID, out.Portgroup.Key = w.Portgroup.Ref.ID, w.Portgroup.Ref.ID
		out.Portgroup.VLAN = vlanOf(&w.Portgroup.VLAN)
		if x := h.Exposure(w, a.VM); x.Known {
			out.Exposure = &answerExposure{Scope: x.VLAN.String() + " on " + x.Switch + ", host " + h.Facts().Name, VMs: x.VMs}
		}
	}
	if a.Missing&MissingPolicy == 0 && a.Kind != inventory.KindUplink && a.Kind != inventory.KindSystem && a.Status != Unresolved {
		e, _ := w.Effective(at)
		out.Policy = policyOf(&e)
	}
}

func vlanOf(v *inventory.VLAN) *answerVLAN {
	switch v.Kind {
	case inventory.VLANAccess:
		return &answerVLAN{Type: "access", ID: &v.ID}
	case inventory.VLANPrivate:
		return &answerVLAN{Type: "private", ID: &v.ID}
	case inventory.VLANTrunk:
		return &answerVLAN{Type: "trunk", Ranges: v.Ranges}
	}
	return nil
}

// policyOf returns an effective policy under the names of the event schema.
func policyOf(e *inventory.Effective) *answerPolicy {
	p := &answerPolicy{
		Effective: answerEffective{boolOf(e.Promiscuous.Value), boolOf(e.MACChanges.Value), boolOf(e.ForgedTransmits.Value), boolOf(e.MACLearning.Value)},
		Source:    answerSource{e.Promiscuous.Level.String(), e.MACChanges.Level.String(), e.ForgedTransmits.Level.String(), e.MACLearning.Level.String()},
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

func (out *PortAnswer) enrichment(h *inventory.HostTable, a *Answer, now inventory.Stamp) {
	told := h.Told(now)
	if a.Method&inventory.MethodImport != 0 {
		told = max(told, a.Stated)
	}
	out.Enrichment = answerEnrichment{
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
		o := answerOther{Kind: c.Kind.String(), Name: c.Client, MAC: c.MAC, Since: c.Early, Match: c.Method.Names()}
		if c.Late != inventory.Forever {
			o.Until = c.Late
		}
		if c.VM != nil {
			o.VM = c.VM.Name
		}
		out.Others = append(out.Others, o)
	}
}
