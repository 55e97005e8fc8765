package resolve

import (
	"strconv"
	"strings"

	"vswarden/inventory"
)

// Sort is all of a port that decides which commands there are for it.
type Sort struct {
	Kind      inventory.Kind // of who holds it
	Old       bool           // its host has no pktcap-uw
	HasPort   bool           // its id is known
	HasDevice bool           // so is the host's own device at it
	HasWorld  bool           // so is the world of the machine at it
}

// Commands returns what to type on the host next, for a port of that kind: pktcap-uw is there from
// ESXi 5.5 on, and before that only vmk interfaces can be captured, with tcpdump-uw.
func Commands(a *Answer, port uint32, version string) []string {
	s := Sort{Kind: a.Kind, Old: !HasPktcap(version), HasPort: port != 0, HasDevice: a.Device != ""}
	world := ""
	if s.HasWorld = a.VM != nil && a.VM.World != 0; s.HasWorld {
		world = strconv.FormatUint(a.VM.World, 10)
	}
	dec := strconv.FormatUint(uint64(port), 10)
	fill := strings.NewReplacer("{hex}", "0x"+strconv.FormatUint(uint64(port), 16), "{port}", dec, "{world}", world, "{device}", word(a.Device))
	list := s.Commands()
	for i := range list {
		list[i] = fill.Replace(list[i])
	}
	return list
}

// Commands returns the commands with {hex} and {port} where the port's id belongs, {device} where the device and {world}
// where the machine's world does.
func (s Sort) Commands() []string {
	var list []string
	if s.HasPort {
		list = append(list, "{hex} is {port} in esxtop, net-stats -l and esxcli", "esxcli network port stats get -p {port}")
	}
	switch s.Kind {
	case inventory.KindVMKernel:
		if s.Old {
			list = append(list, "tcpdump-uw -i {device} -w /tmp/{device}.pcap")
		} else {
			list = append(list, "pktcap-uw --vmk {device} -o /tmp/{device}.pcap")
		}
		return append(list, "esxcli network ip interface list")
	case inventory.KindUplink:
		if !s.Old && s.HasDevice {
			list = append(list, "pktcap-uw --uplink {device} -o /tmp/{device}.pcap")
		}
		return append(list, "esxcli network nic list")
	}
	if !s.Old && s.HasPort {
		list = append(list,
			"pktcap-uw --switchport {port} -o /tmp/{port}.pcap",
			"pktcap-uw --capture PortInput --switchport {port} -o /tmp/{port}-in.pcap & pktcap-uw --capture PortOutput --switchport {port} -o /tmp/{port}-out.pcap")
	}
	if s.HasWorld {
		return append(list, "esxcli network vm port list -w {world}")
	}
	return append(list, "esxcli network vm list", "net-stats -l | grep {port}")
}

// HasPktcap reports whether hosts of that version have pktcap-uw; one whose version is not known is taken to have it.
func HasPktcap(version string) bool { return !older(version, 5, 5) }

// word returns a device as it may stand in a command: devices come from a line.
func word(device string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, device)
}

// older reports whether a version is known and below major.minor.
func older(version string, major, minor int) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	a, err := strconv.Atoi(first)
	if err != nil {
		return false
	}
	b, _ := strconv.Atoi(second) // "7" is 7.0
	return a < major || a == major && b < minor
}
