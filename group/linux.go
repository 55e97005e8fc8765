package group

import (
	"strings"

	"vswarden/event"
)

// linux is what is known of a Linux host's bridges. It is remembered for as long as the sender is;
// what was learned before the read-back of a restart is learned again when ports change.
type linux struct {
	ports    [16]bridgePort
	nport    int
	bridges  [16]uint64
	nbridges int
}

// bridgePort is a line about a port of a bridge.
type bridgePort struct {
	device uint64
	bridge string
	port   uint32
	stamp  int64
}

// neighbour remembers bridge ports, and says why a device turned promiscuous: true when the line of
// its bridge port may still come.
func (snd *Sender) neighbour(it *Item) (wait bool) {
	e := &it.Event
	switch {
	case e.OnlyCommon(): // no device
	case e.Dataset == event.DatasetBridge && e.Linux.Bridge != "":
		snd.bridgePort(it)
	case e.Dataset == event.DatasetPromisc && e.Act == event.ActPromiscuousOn && e.Linux.Reason == "": // linkwatch knows it
		device := hashFold(e.Linux.Device)
		if e.Linux.Kind == event.DeviceBridge || snd.linux.isBridge(device) {
			it.reason = event.ReasonBridgeItself
			return false
		}
		if p := snd.linux.portOf(device, it.Stamp); p != nil {
			it.reason, it.bridge, it.port = event.ReasonBridgeMembership, p.bridge, p.port
			return false
		}
		return true
	}
	return false
}

// bridgePort remembers a port, and answers those that wait for it.
func (snd *Sender) bridgePort(it *Item) {
	l := &it.Event.Linux
	if snd.linux == nil {
		snd.linux = &linux{}
	}
	p := bridgePort{device: hashFold(l.Device), bridge: strings.Clone(l.Bridge), port: l.Port, stamp: it.Stamp}
	snd.linux.ports[snd.linux.nport%len(snd.linux.ports)] = p
	snd.linux.nport++
	if bridge := hashFold(l.Bridge); !snd.linux.isBridge(bridge) {
		snd.linux.bridges[snd.linux.nbridges%len(snd.linux.bridges)] = bridge
		snd.linux.nbridges++
	}
	for i := 0; i < len(snd.open); i++ {
		if o := snd.open[i]; o.promisc && hashFold(o.Event.Linux.Device) == p.device {
			o.reason, o.bridge, o.port = event.ReasonBridgeMembership, p.bridge, p.port
			snd.shut(o)
			i--
		}
	}
}

func (l *linux) isBridge(device uint64) bool {
	if l == nil {
		return false
	}
	for _, b := range l.bridges {
		if b == device {
			return true
		}
	}
	return false
}

// portOf finds the line of a bridge's port that stands at most a second before.
func (l *linux) portOf(device uint64, stamp int64) *bridgePort {
	if l == nil {
		return nil
	}
	for i := l.nport - 1; i >= 0 && i >= l.nport-len(l.ports); i-- {
		if p := &l.ports[i%len(l.ports)]; p.device == device && stamp-p.stamp <= linuxWait {
			return p
		}
	}
	return nil
}
