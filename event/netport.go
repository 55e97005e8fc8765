package event

// NetPortKind says what happened to a port of a virtual switch.
type NetPortKind uint8

// The kinds of NetPort, Uplink and Net lines.
const (
	NetPortNone         NetPortKind = iota
	NetPortEnabled                  // NetPort: 982: enabled port 0x3000007 with mac 00:50:56:84:5a:b4
	NetPortDisabled                 // NetPort: 1165: disabled port 0x3000007
	NetPortConnected                // Net: 2312: connected web-01 eth0 to VM Network, portID 0x3000007
	NetPortDisconnected             // Net: 2195: disconnected client from port 0x3000007
	NetPortAssociated               // Net: 2188: associated dvPort 9 with portID 0x3000007
	NetPortDissociated              // Net: 2195: dissociate dvPort 9 from port 0x3000007
)

// NetPort is a line that ties a port id to a MAC address, a client or the key of a distributed port.
type NetPort struct {
	Kind    NetPortKind
	Module  string // NetPort, Uplink or Net
	Line    uint32
	Port    uint32
	MAC     string // as written; only of NetPortEnabled
	Client  Client // only of NetPortConnected
	Network string // what the client was connected to: a portgroup, or a portset
	DVPort  string // key of the distributed port, which is no port id
}

// UpOrDown reports a line that says that a port carries traffic, or no longer does.
func (n *NetPort) UpOrDown() bool { return n.Kind == NetPortEnabled || n.Kind == NetPortDisabled }
