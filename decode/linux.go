package decode

import (
	"strings"

	"vswarden/event"
)

// linuxLine reads what a Linux kernel, its audit system and VMware Workstation's modules say about
// devices that listen to all traffic:
//
//	device tap0 entered promiscuous mode                              before 6.3
//	e1000e 0000:00:1f.6 eno1: entered promiscuous mode                6.3 and later
//	br0: port 2(tap0) entered forwarding state
//	audit: type=1700 audit(…): dev=vnet0 prom=256 old_prom=0 auid=…
//	bridge-eth0: enabled promiscuous mode                             Workstation
func linuxLine(e *event.Event, s string) bool {
	s = trimKernelTime(s)
	switch {
	case strings.HasSuffix(s, " mode"):
		return promiscLine(e, s) || workstationLine(e, s)
	case strings.HasSuffix(s, " state"):
		return bridgePortLine(e, s)
	case strings.Contains(s, "prom="):
		return anomPromiscuous(e, s)
	case strings.HasPrefix(s, "bridge-"), strings.HasPrefix(s, "userif-"):
		return vmnetLine(e, s)
	}
	return guestDialog(e, s)
}

// vmnetLine reads what VMware Workstation's module says about the links of its networks: "bridge-eth0: up",
// "bridge-eth0: attached", "userif-3: sent link up event.".
func vmnetLine(e *event.Event, s string) bool {
	name, text, ok := strings.Cut(s, ": ")
	if !ok || strings.IndexByte(name, ' ') >= 0 {
		return false
	}
	device, bridge := strings.CutPrefix(name, "bridge-")
	if rest, ok := strings.CutPrefix(text, "sent link "); ok && !bridge {
		text = firstWord(rest)
	}
	switch text {
	case "up", "down", "attached", "detached":
	default:
		return false
	}
	l := &e.Rarely().Linux
	*l = event.Linux{Device: device, Kind: event.DeviceVMNet, State: text}
	if bridge {
		l.Kind, l.Driver = deviceKind(device), s[:len("bridge")]
	}
	e.Dataset = event.DatasetBridge
	return true
}

// trimKernelTime takes the uptime off "[12345.678901] text".
func trimKernelTime(s string) string {
	if s == "" || s[0] != '[' {
		return s
	}
	end := strings.IndexByte(s[:min(len(s), 24)], ']')
	if end < 0 {
		return s
	}
	for i := 1; i < end; i++ {
		if !isDigit(s[i]) && s[i] != '.' && s[i] != ' ' {
			return s
		}
	}
	return trimSpaces(s[end+1:])
}

// promiscLine reads "… entered promiscuous mode" and its like, of any kernel.
func promiscLine(e *event.Event, s string) bool {
	a, head := promiscAct(s)
	if a == "" {
		return false
	}
	l := event.Linux{}
	if device, ok := strings.CutPrefix(head, "device "); ok {
		l.Device = device
	} else if head, ok = strings.CutSuffix(head, ":"); ok {
		head = strings.TrimSuffix(head, " (unregistering)")
		if names, device, ok := cutLast(head, " "); ok {
			l.Driver, l.Bus, ok = strings.Cut(names, " ")
			if !ok || strings.IndexByte(l.Bus, ' ') >= 0 {
				return false
			}
			head = device
		}
		l.Device = head
	}
	if l.Device == "" || strings.IndexByte(l.Device, ' ') >= 0 {
		return false
	}
	l.Kind = deviceKind(l.Device)
	if l.Kind == event.DeviceUnknown && strings.Count(l.Bus, ":") == 2 {
		l.Kind = event.DevicePhysical // it sits on a PCI bus
	}
	e.Rarely().Linux, e.Act, e.Dataset = l, a, event.DatasetPromisc
	return true
}

// promiscAct finds what happened and what stands before it.
func promiscAct(s string) (event.Act, string) {
	for _, form := range [...]struct {
		text string
		act  event.Act
	}{
		{" entered promiscuous mode", event.ActPromiscuousOn},
		{" left promiscuous mode", event.ActPromiscuousOff},
		{" entered allmulticast mode", event.ActAllmultiOn},
		{" left allmulticast mode", event.ActAllmultiOff},
	} {
		if head, ok := strings.CutSuffix(s, form.text); ok {
			return form.act, head
		}
	}
	return "", ""
}

// workstationLine reads "bridge-eth0: enabled promiscuous mode" of the vmnet module.
func workstationLine(e *event.Event, s string) bool {
	rest, ok := strings.CutPrefix(s, "bridge-")
	if !ok {
		return false
	}
	device, text, ok := strings.Cut(rest, ": ")
	if !ok {
		return false
	}
	switch text {
	case "enabled promiscuous mode":
		e.Act = event.ActPromiscuousOn
	case "disabled promiscuous mode":
		e.Act = event.ActPromiscuousOff
	default:
		return false
	}
	e.Rarely().Linux = event.Linux{Device: device, Kind: deviceKind(device), Driver: s[:len("bridge")]}
	e.Dataset = event.DatasetPromisc
	return true
}

// bridgePortLine reads "br0: port 2(tap0) entered forwarding state"; kernels of 2011 say entering.
func bridgePortLine(e *event.Event, s string) bool {
	bridge, rest, ok := strings.Cut(s, ": port ")
	if !ok || strings.IndexByte(bridge, ' ') >= 0 {
		return false
	}
	port, n := number(rest)
	if n == 0 || port > 1<<16 || !strings.HasPrefix(rest[n:], "(") {
		return false
	}
	device, state, ok := strings.Cut(rest[n+1:], ") enter")
	if !ok {
		return false
	}
	_, state, ok = strings.Cut(state, " ")
	if !ok {
		return false
	}
	e.Rarely().Linux = event.Linux{
		Device: device, Kind: deviceKind(device), Bridge: bridge, Port: uint32(port),
		State: strings.TrimSuffix(state, " state"),
	}
	e.Dataset = event.DatasetBridge
	return true
}

// anomPromiscuous reads a record of the audit system: "type=ANOM_PROMISCUOUS msg=audit(…): dev=vnet0
// prom=256 old_prom=0 auid=4294967295 uid=0 gid=0 ses=1". 256 is IFF_PROMISC; 512 would be
// IFF_ALLMULTI. No change is no event of that kind.
func anomPromiscuous(e *event.Event, s string) bool {
	if !strings.Contains(s, "type=ANOM_PROMISCUOUS") && !strings.Contains(s, "type=1700") {
		return false
	}
	var prom, old uint64
	var l event.Linux
	for s != "" {
		var word string
		word, s, _ = strings.Cut(s, " ")
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "dev":
			l.Device = strings.Trim(value, `"`)
		case "prom":
			prom, _ = number(value)
		case "old_prom":
			old, _ = number(value)
		case "uid":
			l.UID = value
		case "auid":
			l.AUID = value
		}
	}
	if l.Device == "" {
		return false
	}
	l.Kind = deviceKind(l.Device)
	e.Rarely().Linux = l
	const promisc = 0x100 // IFF_PROMISC
	switch now, before := prom&promisc != 0, old&promisc != 0; {
	case now && !before:
		e.Act = event.ActPromiscuousOn
	case before && !now:
		e.Act = event.ActPromiscuousOff
	default:
		return true // a record that tells nothing new stays what its program is
	}
	e.Dataset = event.DatasetPromisc
	return true
}

// guestDialog reads what VMware Workstation tells its user: "The virtual machine's operating system
// has attempted to enable promiscuous mode on adapter 'Ethernet0'. This is not allowed …".
func guestDialog(e *event.Event, s string) bool {
	_, rest, ok := strings.Cut(s, "attempted to enable promiscuous mode on adapter '")
	if !ok {
		return false
	}
	device, _, ok := strings.Cut(rest, "'")
	if !ok {
		return false
	}
	e.Rarely().Linux = event.Linux{Device: device, Kind: event.DeviceVMNet}
	e.Act, e.Dataset = event.ActPromiscuousAsk, event.DatasetPromisc
	return true
}

// deviceKind knows a device by its name, as the kernel, systemd, libvirt, Docker and Proxmox give
// them.
func deviceKind(name string) event.DeviceKind {
	for _, kind := range [...]struct {
		prefix string
		kind   event.DeviceKind
	}{
		{"tap", event.DeviceTap},
		{"vnet", event.DeviceTap},
		{"macvtap", event.DeviceTap},
		{"veth", event.DeviceVeth},
		{"fwpr", event.DeviceVeth},
		{"fwln", event.DeviceVeth},
		{"virbr", event.DeviceBridge},
		{"vmbr", event.DeviceBridge},
		{"fwbr", event.DeviceBridge},
		{"br", event.DeviceBridge},
		{"docker", event.DeviceBridge},
		{"ovs", event.DeviceBridge},
		{"bond", event.DeviceBond},
		{"team", event.DeviceBond},
		{"vmnet", event.DeviceVMNet},
		{"eth", event.DevicePhysical},
		{"en", event.DevicePhysical},
		{"em", event.DevicePhysical},
		{"wl", event.DevicePhysical},
		{"ib", event.DevicePhysical},
	} {
		if strings.HasPrefix(name, kind.prefix) {
			return kind.kind
		}
	}
	return event.DeviceUnknown
}
