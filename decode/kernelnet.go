package decode

import (
	"strings"

	"vswarden/event"
)

// netLine reads who was connected to a port of a virtual switch, and which distributed port it is:
//
//	Net: 2312: connected web-01 eth0 to VM Network, portID 0x3000007
//	Net: 2195: disconnected client from port 0x3000007
//	Net: 2188: associated dvPort 9 with portID 0x3000007
//	Net: 2195: dissociate dvPort 9 from port 0x3000007
func netLine(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "Net: ")
	if !ok {
		return false
	}
	n := event.NetPort{Module: s[:len("Net")]}
	n.Line, rest = sourceLine(rest)
	head, port, ok := cutLast(rest, " 0x")
	if !ok {
		return false
	}
	id, _, ok := portID(rest[len(rest)-len(port)-len("0x"):])
	if !ok {
		return false
	}
	n.Port = id
	switch {
	case strings.HasPrefix(head, "connected "):
		client, network, ok := cutLast(head[len("connected "):], " to ")
		if !ok || !strings.HasSuffix(network, ", portID") {
			return false
		}
		n.Kind, n.Client, n.Network = event.NetPortConnected, splitClient(client), strings.TrimSuffix(network, ", portID")
	case strings.HasPrefix(head, "disconnected client from port"):
		n.Kind = event.NetPortDisconnected
	case strings.HasPrefix(head, "associated dvPort "):
		n.Kind, n.DVPort = event.NetPortAssociated, firstWord(head[len("associated dvPort "):])
	case strings.HasPrefix(head, "dissociate dvPort "), strings.HasPrefix(head, "dissociated dvPort "):
		_, key, _ := strings.Cut(head, " dvPort ")
		n.Kind, n.DVPort = event.NetPortDissociated, firstWord(key)
	default:
		return false
	}
	e.Rarely().NetPort = n
	return true
}

// linkLine reads the link of a physical adapter, as drivers say it:
//
//	<6>vmnic2 NIC Link is Up 1000 Mbps Full Duplex, Flow Control: …       vmklinux
//	vmnic2 : 02:00.4 Link Up - 10 Gbps Full Duplex
//	INFO (ne1000): vmnic0: Link is Down                                   native
//	<NMLX_INF> nmlx5_core: vmnic1: …Link is up
//	WARNING: LinNet: netdev_watchdog:3688: NETDEV WATCHDOG: vmnic3: transmit timed out
func linkLine(e *event.Event, s string) {
	at := find(s, "vmnic")
	if at < 0 {
		return // nearly every line
	}
	nic := adapterIn(s[at:])
	if nic == "" || nic[2] == 'k' {
		return
	}
	if strings.Contains(s, "NETDEV WATCHDOG: ") {
		e.Act = event.ActNICReset
	} else if i := strings.Index(s, "ink "); i > 0 && s[i-1]|0x20 == 'l' {
		word := firstWord(strings.TrimPrefix(s[i+len("ink "):], "is "))
		switch {
		case strings.EqualFold(word, "up"):
			e.Act = event.ActLinkUp
		case strings.EqualFold(word, "down"):
			e.Act = event.ActLinkDown
		}
	}
	if e.Act != "" {
		e.Vmkernel.NIC, e.Vmkernel.Present = nic, true
	}
}

// operationLine reads "World: 12075: VC opID esxui-d6ab-f678 maps to vmkernel opID 936118c3": the
// operation of an API's user, and what the vmkernel calls it.
func operationLine(e *event.Event, s string) {
	_, rest, ok := strings.Cut(s, "VC opID ")
	if !ok {
		return
	}
	if api, id, ok := strings.Cut(rest, " maps to vmkernel opID "); ok && strings.IndexByte(api, ' ') < 0 {
		e.Hostd.OpID, e.Vmkernel.OpID, e.Vmkernel.Present = api, firstWord(id), true
	}
}
