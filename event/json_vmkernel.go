package event

// Members of event for a port that came up or went down.
const (
	netPortEnabled  = `"category":["network"],"type":["start"],"action":"port-enabled","outcome":"success",`
	netPortDisabled = `"category":["network"],"type":["end"],"action":"port-disabled","outcome":"success",`
)

// appendNetPortEvent appends the members of event that a NetPort or Uplink line decides.
func (e *Event) appendNetPortEvent(dst []byte, enc encoding) []byte {
	if e.NetPort.Kind == NetPortEnabled {
		dst = append(dst, netPortEnabled...)
	} else {
		dst = append(dst, netPortDisabled...)
	}
	if enc.standard {
		dst = append(dst, `"provider":"vmkernel",`...)
	}
	return dst
}

// appendNetPort appends vmware.netport. Its kind is port or uplink, by the module that wrote it.
func (n *NetPort) appendNetPort(dst []byte) []byte {
	dst = append(dst, `"netport":{`...)
	if n.Module == "Uplink" {
		dst = append(dst, `"kind":"uplink",`...)
	} else {
		dst = append(dst, `"kind":"port",`...)
	}
	dst = appendPort(dst, n.Port)
	dst = appendField(dst, `"mac":"`, n.MAC)
	return closeObject(dst)
}

// appendVmkernel appends vmware.vmkernel: the prefix of the line. An L2Sec line has its CPU, world
// and operation in vmware.l2sec, so that only the uptime is left.
func (e *Event) appendVmkernel(dst []byte) []byte {
	v := &e.Vmkernel
	mark := len(dst)
	dst = append(dst, `"vmkernel":{`...)
	if e.L2Sec.Kind == L2SecNone {
		dst = v.appendWorld(dst)
	}
	dst = appendField(dst, `"uptime":"`, v.Uptime)
	return endObject(dst, mark)
}

// appendWorld appends who ran: CPU, world and operation.
func (v *Vmkernel) appendWorld(dst []byte) []byte {
	if v.HasCPU {
		dst = appendUint(dst, `"cpu":`, uint64(v.CPU))
		dst = appendUint(dst, `"world_id":`, v.World)
	}
	return appendField(dst, `"op_id":"`, v.OpID)
}
