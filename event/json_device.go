package event

// actBridgePort is the row of meanings.txt for a bridge port's change of state, which is no Act.
const actBridgePort = "bridge-port-changed"

// noAUID is what the audit system prints for nobody: -1 of 32 bits without a sign.
const noAUID = "4294967295"

// appendLinux appends vmware.linux: a device that listens to all traffic, or a port of a bridge.
func (l *Linux) appendLinux(dst []byte) []byte {
	if l.Device == "" {
		return dst
	}
	dst = append(dst, `"linux":{`...)
	dst = appendField(dst, `"device":"`, l.Device)
	dst = appendWord(dst, `"device_kind":"`, string(l.Kind))
	dst = appendField(dst, `"driver":"`, l.Driver)
	dst = appendField(dst, `"bus":"`, l.Bus)
	dst = appendField(dst, `"bridge":"`, l.Bridge)
	if l.Bridge != "" {
		dst = appendUint(dst, `"port":`, uint64(l.Port))
	}
	dst = appendField(dst, `"state":"`, l.State)
	dst = appendWord(dst, `"reason":"`, string(l.Reason))
	if l.AUID != noAUID {
		dst = appendField(dst, `"auid":"`, l.AUID)
	}
	return closeObject(dst)
}
