package inventory

import "net/netip"

// Ref names a managed object for good: the vCenter it was seen in and its moid ("vm-1042").
// VC 0 is no vCenter: what imports and log lines made known, with an ID of our own.
type Ref struct {
	VC uint16 `json:"vc,omitzero"`
	ID string `json:"id"`
}

// Zero reports whether r names nothing.
func (r Ref) Zero() bool { return r.ID == "" }

// Place is a datacenter or cluster.
type Place struct {
	ID   string `json:"moid,omitempty"`
	Name string `json:"name,omitempty"`
}

// VCenter is one vCenter, or one ESXi host that is asked directly.
type VCenter struct {
	Name     string `json:"name"`
	Instance UUID   `json:"instance_uuid,omitzero"`
	Version  string `json:"version,omitempty"`
}

// Connection is how a host stands to its vCenter.
type Connection uint8

// The states of a host's connection.
const (
	ConnectionUnknown Connection = iota
	Connected
	Disconnected
	NotResponding
)

// String returns the name the vSphere API uses.
func (c Connection) String() string {
	return [...]string{"", "connected", "disconnected", "notResponding"}[c%4]
}

// Host is what is known of one ESXi (or KVM) host. What is not an interval is as of now.
type Host struct {
	Ref         Ref        `json:"ref"`
	Name        string     `json:"name"`
	Hostname    string     `json:"hostname,omitempty"` // what the host calls itself, where that is known: its log lines bear it
	UUID        UUID       `json:"uuid,omitzero"`
	Version     string     `json:"version,omitempty"`
	Build       string     `json:"build,omitempty"`
	Connection  Connection `json:"connection,omitzero"`
	Maintenance bool       `json:"in_maintenance,omitzero"`
	Boot        Stamp      `json:"boot,omitzero"`
	Cluster     Place      `json:"cluster,omitzero"`
	Datacenter  Place      `json:"datacenter,omitzero"`

	Kernel     []VMKernel   `json:"vmk,omitempty"`
	Uplinks    []Uplink     `json:"uplinks,omitempty"`
	Addresses  []netip.Addr `json:"addresses,omitempty"`  // besides those of its vmk interfaces
	Switches   []Switch     `json:"switches,omitempty"`   // standard switches
	Portgroups []Portgroup  `json:"portgroups,omitempty"` // of the standard switches
}

// VMKernel is one VMkernel interface of a host.
type VMKernel struct {
	Device    string       `json:"device"`                // vmk0
	Port      uint32       `json:"port_id_dec,omitzero"`  // 0 where the API does not say (distributed switches)
	MAC       MAC          `json:"mac,omitzero"`          //
	Addresses []netip.Addr `json:"ip,omitempty"`          //
	Portgroup string       `json:"portgroup,omitempty"`   // standard: its name; distributed: its moid
	DVPort    string       `json:"dvport,omitempty"`      // distributed: key of its port
	Switch    string       `json:"switch_name,omitempty"` //
}

// Uplink is one physical adapter of a host.
type Uplink struct {
	Device string `json:"device"` // vmnic0
	MAC    MAC    `json:"mac,omitzero"`
	Switch string `json:"switch_name,omitempty"`
	Port   uint32 `json:"port_id_dec,omitzero"`
}

// Power is a VM's power state.
type Power uint8

// The power states.
const (
	PowerUnknown Power = iota
	PoweredOn
	PoweredOff
	Suspended
)

// String returns the name the vSphere API uses.
func (p Power) String() string {
	return [...]string{"", "poweredOn", "poweredOff", "suspended"}[p%4]
}

// Attribute is one custom attribute of a VM.
type Attribute struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// VM is one virtual machine. A *VM that the inventory hands out is never changed: what changes is
// which one stands for the machine. Names, residence, portgroups and the first address have a past; all else is as
// of now, or as last seen for a machine that is gone.
type VM struct {
	Ref        Ref          `json:"ref"`
	Host       string       `json:"host,omitempty"` // moid of the host it is registered on, same vCenter
	Name       string       `json:"name"`
	Instance   UUID         `json:"instance_uuid,omitzero"`
	BIOS       UUID         `json:"bios_uuid,omitzero"`
	Path       string       `json:"vmx,omitempty"`
	World      uint64       `json:"world_id,omitzero"` // the world leader, where a source says it
	Power      Power        `json:"power,omitzero"`
	Boot       Stamp        `json:"boot,omitzero"`
	Moved      Stamp        `json:"moved,omitzero"` // when it last came to its host, where an event says so
	GuestID    string       `json:"guest_id,omitempty"`
	Hostname   string       `json:"hostname,omitempty"`
	Addresses  []netip.Addr `json:"ip,omitempty"`
	Folder     string       `json:"folder,omitempty"`
	Pool       string       `json:"resource_pool,omitempty"`
	Attributes []Attribute  `json:"attributes,omitempty"`
	Tags       []string     `json:"tags,omitempty"`
	Owner      string       `json:"owner,omitempty"`
	NICs       []NIC        `json:"nics,omitempty"`

	nameFrom Stamp // since when Name is its name, as far as known
	addrFrom Stamp // since when Addresses[0] is its first address
	gone     Stamp // when it left the inventory; 0 = it is there
	past     *vmPast
}

// NIC is one network adapter of a VM.
type NIC struct {
	Key       int32   `json:"key"` // device key; 4000+N is ethernetN by convention
	Label     string  `json:"label,omitempty"`
	MAC       MAC     `json:"mac,omitzero"`           // initial: what the configuration says
	Effective MAC     `json:"effective_mac,omitzero"` // what the port saw, where known
	MACType   string  `json:"mac_type,omitempty"`
	Adapter   string  `json:"adapter,omitempty"`
	Connected bool    `json:"connected,omitzero"`
	Backing   Backing `json:"backing,omitzero"`
	// Cookie is another number each time the adapter is connected to a distributed switch; 0 = not known.
	Cookie int32 `json:"cookie,omitzero"`

	from Stamp // since when Backing is its backing
}

// Backing is what a network adapter is plugged into.
type Backing struct {
	Kind      SwitchKind `json:"kind,omitzero"`
	Portgroup string     `json:"portgroup,omitempty"` // standard: its name; distributed: its moid; opaque: the network's id
	Port      string     `json:"port,omitempty"`      // distributed: the key of the port
}

// NIC returns the adapter with that device key, or nil.
func (vm *VM) NIC(key int32) *NIC {
	for i := range vm.NICs {
		if vm.NICs[i].Key == key {
			return &vm.NICs[i]
		}
	}
	return nil
}

// NICByMAC returns the adapter that has or uses that address, or nil.
func (vm *VM) NICByMAC(mac MAC) *NIC {
	for i := range vm.NICs {
		if n := &vm.NICs[i]; mac != (MAC{}) && (n.MAC == mac || n.Effective == mac) {
			return n
		}
	}
	return nil
}

// NICByDevice returns the adapter that a client name's device means, or nil: eth0 and ethernet0 are
// key 4000. The convention was not seen on a live host; simulators number adapters otherwise.
func (vm *VM) NICByDevice(device string) *NIC {
	n, ok := deviceNumber(device)
	if !ok {
		return nil
	}
	return vm.NIC(4000 + n)
}

// deviceNumber returns the N of ethN or ethernetN.
func deviceNumber(device string) (n int32, ok bool) {
	for _, prefix := range [...]string{"ethernet", "eth"} {
		if len(device) > len(prefix) && len(device) <= len(prefix)+3 && device[:len(prefix)] == prefix {
			for _, c := range []byte(device[len(prefix):]) {
				if c < '0' || c > '9' {
					return 0, false
				}
				n = n*10 + int32(c-'0')
			}
			return n, true
		}
	}
	return 0, false
}

// Running reports whether the machine can hold a port of a host.
func (vm *VM) Running() bool {
	return vm.gone == 0 && vm.Host != "" && (vm.Power == PoweredOn || vm.Power == PowerUnknown)
}

// Gone returns when the machine left the inventory; 0 = it is there.
func (vm *VM) Gone() Stamp { return vm.gone }
