package event

// netPortEvents are the members of event by what happened to a port.
var netPortEvents = [...]string{
	NetPortNone:         "",
	NetPortEnabled:      `"category":["network"],"type":["start"],"action":"port-enabled","outcome":"success",`,
	NetPortDisabled:     `"category":["network"],"type":["end"],"action":"port-disabled","outcome":"success",`,
	NetPortConnected:    `"category":["network"],"type":["start"],"action":"port-connected","outcome":"success",`,
	NetPortDisconnected: `"category":["network"],"type":["end"],"action":"port-disconnected","outcome":"success",`,
	NetPortAssociated:   `"category":["network"],"type":["info"],"action":"dvport-associated","outcome":"success",`,
	NetPortDissociated:  `"category":["network"],"type":["info"],"action":"dvport-dissociated","outcome":"success",`,
}

// appendNetPortEvent appends the members of event that a line about a port decides.
func (e *Event) appendNetPortEvent(dst []byte, enc *encoding) []byte {
	dst = append(dst, netPortEvents[min(int(e.NetPort.Kind), len(netPortEvents)-1)]...)
	if enc.standard {
		dst = append(dst, `"provider":"vmkernel",`...)
	}
	return dst
}

// appendNetPort appends vmware.netport. Its kind is port or uplink, by the module that wrote it.
func (e *Event) appendNetPort(dst []byte) []byte {
	n := &e.NetPort
	dst = append(dst, `"netport":{`...)
	if n.Module == "Uplink" {
		dst = append(dst, `"kind":"uplink",`...)
	} else {
		dst = append(dst, `"kind":"port",`...)
	}
	dst = appendPort(dst, n.Port)
	dst = e.appendPartField(dst, `"mac":"`, n.MAC)
	if n.Client.Raw != "" {
		dst = e.appendClient(dst, &n.Client)
	}
	dst = e.appendPartField(dst, `"network":"`, n.Network)
	dst = e.appendPartField(dst, `"dvport":"`, n.DVPort)
	return closeObject(dst)
}

// appendVmkernel appends vmware.vmkernel: the prefix of the line. An L2Sec line has its CPU, world
// and operation in vmware.l2sec, so that only the uptime is left.
func (e *Event) appendVmkernel(dst []byte) []byte {
	v := &e.Vmkernel
	mark := len(dst)
	dst = append(dst, `"vmkernel":{`...)
	if e.common || e.L2Sec.Kind == L2SecNone {
		dst = e.appendWorld(dst)
	}
	dst = e.appendPartField(dst, `"uptime":"`, v.Uptime)
	dst = e.appendPartField(dst, `"nic":"`, v.NIC)
	return endObject(dst, mark)
}

// appendWorld appends who ran: CPU, world and operation.
func (e *Event) appendWorld(dst []byte) []byte {
	v := &e.Vmkernel
	if v.HasCPU {
		dst = appendUint(dst, `"cpu":`, uint64(v.CPU))
		dst = appendUint(dst, `"world_id":`, v.World)
	}
	return e.appendPartField(dst, `"op_id":"`, v.OpID)
}
