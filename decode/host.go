package decode

import (
	"unsafe"

	"vswarden/event"
)

// HeaderHost returns the host that the header of a frame names, the inner one where a relay has put
// its own in front; nil where there is none. It is a part of raw. Behind a listed relay it is the
// sender key, in lower case.
func HeaderHost(raw []byte) []byte {
	if len(raw) == 0 {
		return nil
	}
	var e event.Event
	// The string shares raw's bytes instead of copying them: this runs once per frame before it is
	// in the log. Nothing keeps it: e ends with this call, and raw does not change before that.
	e.Raw = unsafe.String(&raw[0], len(raw))
	header(&e, &Options{})
	host := e.Syslog.Hostname
	if host == "" {
		return nil
	}
	start := uintptr(unsafe.Pointer(unsafe.StringData(host))) - uintptr(unsafe.Pointer(&raw[0]))
	return raw[start : start+uintptr(len(host))]
}
