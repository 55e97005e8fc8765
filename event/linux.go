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

	Reason LinuxReason // empty until the neighbouring lines are known
}
