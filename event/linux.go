package event

// DeviceKind is what sort of network device a name stands for (vmware.linux.device_kind).
type DeviceKind string

// The kinds of devices.
const (
	DevicePhysical DeviceKind = "physical"
	DeviceTap      DeviceKind = "tap"    // tap0, vnet3, tap100i0: a guest of KVM
	DeviceVeth     DeviceKind = "veth"   // veth1a2b, fwpr100p0, fwln100i0: a container, or a firewall bridge's leg
	DeviceBridge   DeviceKind = "bridge" // br0, virbr0, vmbr0
	DeviceBond     DeviceKind = "bond"
	DeviceVMNet    DeviceKind = "vmnet" // VMware Workstation's virtual networks
	DeviceUnknown  DeviceKind = "unknown"
)

// LinuxReason is why a device listens to all traffic, as far as the lines around it tell
// (vmware.linux.reason).
type LinuxReason string

// The reasons.
const (
	ReasonBridgeMembership LinuxReason = "bridge_membership" // it became a port of a bridge: its line stands beside it
	ReasonBridgeItself     LinuxReason = "bridge_itself"     // a bridge: its guests are no longer isolated from each other
	ReasonCapture          LinuxReason = "capture"           // neither
)

// severity is event.severity of a device that begins to listen for reason r.
func (r LinuxReason) severity() uint8 {
	switch r {
	case ReasonBridgeMembership:
		return severityLow
	case ReasonBridgeItself:
		return severityHigh
	}
	return severityMedium
}

// Linux is a line of a Linux kernel, its audit system or VMware Workstation about a device that
// listens to all traffic, or about a port of a bridge. Event.Act says what happened; membership or
// sniffing is told apart by the neighbouring lines, in group.
type Linux struct {
	Device string     // tap0
	Kind   DeviceKind // by the form of the name, or by the driver
	Driver string     // e1000e; kernel 6.3 and later
	Bus    string     // 0000:00:1f.6
	Bridge string     // br0
	Port   uint32     // number of the bridge's port
	State  string     // forwarding, blocking, disabled, …
	UID    string     // who, by the audit system
	AUID   string     // who had logged in, by the audit system

	Reason LinuxReason // empty until the neighbouring lines are known; linkwatch knows by itself

	Watch LinkFacts // what linkwatch tells besides
}

// LinkFacts is what linkwatch tells of a link besides its name and kind. Known says which of it.
type LinkFacts struct {
	Known          LinkFact
	On             LinkFact // of those that are on or off
	Was            LinkFact // the same as it was, of those in WasKnown
	WasKnown       LinkFact
	Promiscuity    uint32 // how many ask the device to take all frames
	PromiscuityWas uint32
	Ageing         uint32 // how long a bridge remembers an address, milliseconds; 0 = not at all: a hub
	AgeingWas      uint32
	Master         string // what the device is a part of, where that is no bridge
	MasterWas      string // what it was a part of
	NameWas        string
}

// LinkFact is a set of facts of LinkFacts.
type LinkFact uint8

// The facts.
const (
	FactUnicastFlood LinkFact = 1 << iota // a bridge's port: frames to unknown addresses go out here
	FactLearning                          // a bridge's port: addresses are learned here
	FactIsolated                          // a bridge's port: no frames between this one and other isolated ones
	FactFlag                              // IFF_PROMISC as an administrator sets it
	FactPromiscuity
	FactPromiscuityWas
	FactAgeing
	FactAgeingWas
)
