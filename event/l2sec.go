package event

// Violation is what a port was not allowed to do (vmware.l2sec.violation).
type Violation string

// The violations.
const (
	ViolationPromiscuous Violation = "promiscuous_mode"
	ViolationMACChange   Violation = "mac_address_change"
	ViolationPolicy      Violation = "policy_violation"
	ViolationNone        Violation = "" // a port was restored
	ViolationUnknown     Violation = "unknown"
)

// L2SecKind is the text that matched: the rows of the table in event-schema "L2 security events".
type L2SecKind uint8

// The kinds of L2Sec lines.
const (
	L2SecNone               L2SecKind = iota
	L2SecPromiscRevoked               // 0x100000f: peer not allowed promiscuous, revoking setting
	L2SecPromiscRequested             // client … requested promiscuous mode on port …
	L2SecMACChangeRequested           // client … requested mac address change to … on port …
	L2SecPeerBlocked                  // 0x100000f: peer not allowed to change address, blocking port
	L2SecPortBlocked                  // client … has policy violations on port …. Port is blocked
	L2SecPortUnblocked                // unblock / no longer blocked
	L2SecUnknown                      // any other L2Sec_ text
)

// ClientType is the form of a client name (vmware.l2sec.client.type).
type ClientType string

// The client types.
const (
	ClientVM      ClientType = "vm"
	ClientVMK     ClientType = "vmk"
	ClientVMNIC   ClientType = "vmnic"
	ClientSystem  ClientType = "system"
	ClientUnknown ClientType = "unknown"
)

// Client is who holds the port, as the line says it.
type Client struct {
	Raw    string     // as written: web-01.eth0
	Type   ClientType // by form
	Name   string     // the VM: web-01; empty for vmk, vmnic and system
	Device string     // eth0, ethernet1, vmk0, vmnic2; empty where the line names none
}

// L2Sec is a line of the virtual switch's layer 2 security check (VMware KB 304453, 344495, 417819).
type L2Sec struct {
	Kind         L2SecKind // L2SecNone: not an L2Sec line
	Module       string    // etherswitch, cswitch, …
	Function     string    // L2Sec_EnforcePortCompliance
	Line         uint32    // source line of the module; 0 = none
	Client       Client
	HasPort      bool
	Port         uint32 // port id; see PortSet, PortSlot, PortUplink
	Violation    Violation
	RequestedMAC string // as written
	Reason       string // text after the comma: disallowed by vswitch policy

	PolicySource PolicySource // where the setting that denied lives; empty until it is joined
}

// PolicySource says where an effective setting of a security policy comes from (vmware.policy.source).
type PolicySource string

// The sources of a setting.
const (
	PolicyPort      PolicySource = "port"
	PolicyPortgroup PolicySource = "portgroup"
	PolicySwitch    PolicySource = "switch"
	PolicyDefault   PolicySource = "default"
	PolicyNSX       PolicySource = "nsx"
	PolicyUnknown   PolicySource = "unknown"
)

// PortSet is bits 24–30 of a port id: all ports of one switch on one host share it.
func PortSet(id uint32) uint8 { return uint8(id>>24) & 0x7f }

// PortSlot is bits 0–23 of a port id.
func PortSlot(id uint32) uint32 { return id & 0xffffff }

// PortUplink reports bit 31, which newer ESXi sets on physical uplinks.
func PortUplink(id uint32) bool { return id>>31 != 0 }
