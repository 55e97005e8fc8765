package group

import (
	"strings"

	"vswarden/event"
)

// limits are the lengths at which ESXi cuts: 480 bytes over UDP (1180 over IPv6), 1024 or another setting of
// Syslog.global.remoteHost.maxMsgLen over TCP.
var limits = [...]int{480, 1024, 1180, 2048, 4096, 8192, 16384}

// cutLength reports the length of a frame that was probably cut. The header and the end of the frame may or
// may not count.
func cutLength(n int) bool {
	if n < limits[0]-8 { // most lines
		return false
	}
	for _, limit := range limits {
		if n >= limit-8 && n <= limit+4 {
			return true
		}
	}
	return false
}

// cutExactly reports a length that nothing but a cut makes likely: a limit itself, the end of the frame counted or not.
func cutExactly(n int) bool {
	for _, limit := range limits {
		if n == limit || n == limit-1 {
			return true
		}
	}
	return false
}

// cutShort reports a security line that has lost its end: it is as long as ESXi sends and does not end as its
// grammar does. Where that has no fixed end (a command, a login), the length must be the limit itself.
func (it *Item) cutShort() bool {
	e := &it.Event
	if !it.cut {
		return false
	}
	s := strings.TrimRight(e.Raw, " ")
	switch {
	case e.L2Sec.Kind != event.L2SecNone && e.L2Sec.Kind != event.L2SecPortUnblocked:
		s = strings.TrimSuffix(s, ".")
		for _, end := range [...]string{"disallowed by vswitch policy", "Port is blocked", "revoking setting", "blocking port"} {
			if strings.HasSuffix(s, end) {
				return false
			}
		}
		return true
	case e.VCEvent.Present, e.Dataset == event.DatasetAudit:
		return !strings.HasSuffix(s, "]")
	case e.VOB.Present && strings.HasSuffix(s, "."):
		return false
	}
	return cutExactly(len(e.Raw))
}
