package answer

import (
	"strconv"
	"strings"
)

// PortPrefix stands before a port's number in the keys of ports.
const PortPrefix = "key-vim.host.PortGroup.Port-"

// PortID reads "key-vim.host.PortGroup.Port-33554436": 0x2000004.
func PortID(key string) (uint32, bool) {
	s, ok := strings.CutPrefix(key, PortPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && n != 0
}

// Unescape undoes what vCenter does to names: / \ and % are written %2f, %5c and %25 there, and nowhere else.
func Unescape(name string) string {
	if !strings.Contains(name, "%") {
		return name
	}
	return strings.NewReplacer("%2f", "/", "%2F", "/", "%5c", `\`, "%5C", `\`, "%25", "%").Replace(name)
}
