package importer

import (
	"strconv"
	"strings"

	"vswarden/inventory"
)

// setClient fills in what a client name as tools print it means.
func setClient(r *inventory.Row, client string) {
	r.Client = client
	if client != "" {
		r.Kind, r.VM, r.Device = inventory.ParseClient(client)
	}
}

// numbered reports whether s is prefix and a number.
func numbered(s, prefix string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	return ok && rest != "" && len(rest) <= 4 && digits(rest)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// portID reads a port id: decimal as tools print it, or hexadecimal with 0x.
func portID(s string) uint32 {
	s = strings.TrimSpace(s)
	base := 10
	if rest, ok := strings.CutPrefix(strings.ToLower(s), "0x"); ok {
		s, base = rest, 16
	}
	n, err := strconv.ParseUint(s, base, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// number reads a decimal number; what is none is 0.
func number(s string) uint64 {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// mac reads an address; what is none is zero.
func mac(s string) inventory.MAC {
	m, err := inventory.ParseMAC(strings.TrimSpace(s))
	if err != nil {
		return inventory.MAC{}
	}
	return m
}

// value returns s, or nothing for the words tools print where there is nothing.
func value(s string) string {
	s = strings.TrimSpace(s)
	switch s {
	case "N/A", "n/a", "-", "--", "<not set>", "null", "None":
		return ""
	}
	return s
}
