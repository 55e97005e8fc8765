package decode

import (
	"strings"

	"vswarden/event"
)

// splitClient tells by its form who a client of the virtual switch is:
//
//	web-01.eth0, web-01 ethernet0, web-01.ethernet0, web-01    a VM, with or without its adapter
//	vmk0, vmnic2                                               the host's own
//	Management, vdr-vdrPort                                    the switch's own
//
// The last adapter counts: a VM may be called "old.eth0".
func splitClient(raw string) event.Client {
	c := event.Client{Raw: raw}
	switch {
	case raw == "":
		c.Type = event.ClientUnknown
	case numbered(raw, "vmk"):
		c.Type, c.Device = event.ClientVMK, raw
	case numbered(raw, "vmnic"):
		c.Type, c.Device = event.ClientVMNIC, raw
	case raw == "Management" || strings.HasPrefix(raw, "vdr-"):
		c.Type = event.ClientSystem
	default:
		c.Type = event.ClientVM
		c.Name, c.Device = splitAdapter(raw)
	}
	return c
}

// numbered reports whether s is prefix and a number.
func numbered(s, prefix string) bool {
	digits, ok := strings.CutPrefix(s, prefix)
	return ok && digits != "" && trailingDigits(digits) == len(digits)
}

// splitAdapter splits "web-01.eth0" into the VM and its adapter. A name without one is a VM alone.
func splitAdapter(s string) (vm, device string) {
	n := trailingDigits(s)
	if n == 0 {
		return s, ""
	}
	head := s[:len(s)-n]
	var i int
	switch {
	case strings.HasSuffix(head, "ethernet"):
		i = len(head) - len("ethernet")
	case strings.HasSuffix(head, "eth"):
		i = len(head) - len("eth")
	default:
		return s, ""
	}
	if i < 2 || s[i-1] != '.' && s[i-1] != ' ' {
		return s, ""
	}
	return s[:i-1], s[i:]
}

// trailingDigits is how many decimal digits end s.
func trailingDigits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[len(s)-1-n]) {
		n++
	}
	return n
}
