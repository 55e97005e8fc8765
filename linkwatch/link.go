// Package linkwatch follows what a Linux kernel's links do that decides who sees whose frames: which
// devices listen to all traffic and how many ask them to, which bridge a device is a port of, what
// that port floods and learns, and whether a bridge remembers addresses at all.
//
// It reads rtnetlink, which shows more than `ip link` and ifconfig: these print a flag that an
// administrator set, and not that a capture listens. It also sees what the kernel does not log: a
// second listener on a device that is promiscuous already, as every port of a bridge is.
//
// The package knows no event and no record: it makes lines of text, which package decode reads like
// any other line.
package linkwatch

// Link is one network device as the kernel shows it.
type Link struct {
	Index       int32
	Name        string
	Kind        string // rtnetlink's word (veth, tun, bridge, …); physical, loopback; empty: not known
	Promiscuity uint32 // how many ask it to take all frames
	Flag        bool   // IFF_PROMISC as an administrator sets it: one of those who ask
	Master      int32  // index of what it is a part of; 0 = nothing
	MasterKind  string // bridge, bond, openvswitch, …
	Port        Flags  // of a bridge's port
	PortKnown   Flags  // which of these the kernel told
	Ageing      uint32 // of a bridge: how long it remembers an address, hundredths of a second; 0 = never
	HasAgeing   bool
}

// Flags are settings of a bridge's port.
type Flags uint8

// The settings.
const (
	UnicastFlood Flags = 1 << iota // frames to addresses that the bridge has not learned go out here
	Learning                       // addresses are learned from frames that come in here
	Isolated                       // no frames between this port and other isolated ones
)

// flagNames are the names of the settings, in the order of their bits.
var flagNames = [...]string{"unicast_flood", "learning", "isolated"}

// Promiscuous reports whether the device takes all frames.
func (l *Link) Promiscuous() bool { return l.Promiscuity > 0 || l.Flag }

// count is how many ask the device to take all frames; the flag alone tells of one.
func (l *Link) count() uint32 {
	if l.Flag {
		return max(l.Promiscuity, 1)
	}
	return l.Promiscuity
}

// Bridge reports whether the device is a bridge.
func (l *Link) Bridge() bool { return bridges(l.Kind) }

// bridges reports the kinds of devices whose ports are promiscuous because they are ports.
func bridges(kind string) bool { return kind == "bridge" || kind == "openvswitch" }

// Hub reports whether the device is a bridge that remembers no addresses, and so gives every frame
// to every port.
func (l *Link) Hub() bool { return l.Kind == "bridge" && l.HasAgeing && l.Ageing == 0 }

// reason is why the device takes all frames, in the words of vmware.linux.reason.
func (l *Link) reason() string {
	switch {
	case !l.Promiscuous():
		return ""
	case l.Bridge():
		return "bridge_itself"
	case bridges(l.MasterKind) && l.count() == 1:
		return "bridge_membership"
	}
	return "capture"
}
