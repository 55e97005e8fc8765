package resolve

import (
	"fmt"
	"strconv"
	"strings"

	"vswarden/inventory"
)

// Commands returns what to type on the host next, for a port of that kind: pktcap-uw is there from
// ESXi 5.5 on, and before that only vmk interfaces can be captured, with tcpdump-uw.
func Commands(a *Answer, port uint32, version string) []string {
	dec := strconv.FormatUint(uint64(port), 10)
	old := !HasPktcap(version)
	var list []string
	if port != 0 {
		list = append(list,
			fmt.Sprintf("0x%x is %s in esxtop, net-stats -l and esxcli", port, dec),
			"esxcli network port stats get -p "+dec)
	}
	switch a.Kind {
	case inventory.KindVMKernel:
		if old {
			list = append(list, "tcpdump-uw -i "+word(a.Device)+" -w /tmp/"+word(a.Device)+".pcap")
		} else {
			list = append(list, "pktcap-uw --vmk "+word(a.Device)+" -o /tmp/"+word(a.Device)+".pcap")
		}
		return append(list, "esxcli network ip interface list")
	case inventory.KindUplink:
		if !old && a.Device != "" {
			list = append(list, "pktcap-uw --uplink "+word(a.Device)+" -o /tmp/"+word(a.Device)+".pcap")
		}
		return append(list, "esxcli network nic list")
	}
	if !old && port != 0 {
		list = append(list,
			"pktcap-uw --switchport "+dec+" -o /tmp/"+dec+".pcap",
			"pktcap-uw --capture PortInput --switchport "+dec+" -o /tmp/"+dec+"-in.pcap & pktcap-uw --capture PortOutput --switchport "+dec+" -o /tmp/"+dec+"-out.pcap")
	}
	if a.VM != nil && a.VM.World != 0 {
		return append(list, "esxcli network vm port list -w "+strconv.FormatUint(a.VM.World, 10))
	}
	return append(list, "esxcli network vm list", "net-stats -l | grep "+dec)
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
