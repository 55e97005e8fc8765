package inventory

import "strings"

// ParseClient reads the name under which a switch knows who is on a port: "web-01.eth0" and
// "web-01 ethernet0" are an adapter of a VM, vmk0, vmnic0 and Management the host's own, anything else is a
// VM. name is the VM's; device is eth0, ethernet0, vmk0 or vmnic0.
func ParseClient(client string) (kind Kind, name, device string) {
	switch {
	case client == "":
		return KindUnknown, "", ""
	case numbered(client, "vmk"):
		return KindVMKernel, "", client
	case numbered(client, "vmnic"):
		return KindUplink, "", client
	case client == "Management" || strings.HasPrefix(client, "vdr-") || strings.HasPrefix(client, "Shadow of "):
		return KindSystem, "", ""
	}
	name, device = SplitClient(client)
	return KindVM, name, device
}

// SplitClient takes the adapter off the client name of a VM. The last dot or space counts: a VM may be
// called x.eth0.
func SplitClient(client string) (name, device string) {
	i := strings.LastIndexAny(client, ". ")
	if i > 0 && (numbered(client[i+1:], "eth") || numbered(client[i+1:], "ethernet")) {
		return client[:i], client[i+1:]
	}
	return client, ""
}

// numbered reports whether s is prefix and a number.
func numbered(s, prefix string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok || rest == "" || len(rest) > 4 {
		return false
	}
	for i := range len(rest) {
		if rest[i] < '0' || rest[i] > '9' {
			return false
		}
	}
	return true
}
