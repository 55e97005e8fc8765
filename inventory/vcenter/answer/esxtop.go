package answer

import (
	"errors"
	"strconv"
	"strings"

	"vswarden/inventory"
)

var errCounters = errors.New("the Esxtop service names no ports")

// EsxtopRows reads the ports from what the service answers: one line of names, |NetPort|PortID,U32|…|, and a line of
// values for each port after ==COUNTER-VALUE==. The order of the names differs per release.
func EsxtopRows(counters, stats string) (rows []inventory.Row, err error) {
	var names []string
	for line := range strings.Lines(counters) {
		if f := netPort(line); f != nil {
			for i := range f {
				f[i], _, _ = strings.Cut(f[i], ",")
			}
			names = f
			break
		}
	}
	port, client, portset := -1, -1, -1
	for i, n := range names {
		switch strings.ToLower(n) {
		case "portid":
			port = i
		case "clientname":
			client = i
		case "portsetname":
			portset = i
		}
	}
	if port < 0 || client < 0 {
		return nil, errCounters
	}
	_, values, _ := strings.Cut(stats, "==COUNTER-VALUE==")
	for line := range strings.Lines(values) {
		f := netPort(line)
		if f == nil || len(f) <= max(port, client, portset) {
			continue
		}
		id, err := strconv.ParseUint(strings.TrimSpace(f[port]), 10, 32)
		if err != nil || id == 0 {
			continue
		}
		if len(rows) == maxRows {
			return rows, errTooMany
		}
		r := inventory.Row{Port: uint32(id)}
		r.Client = f[client]
		if world, name, ok := strings.Cut(r.Client, ":"); ok { // 36139:web-01.eth0
			if w, err := strconv.ParseUint(world, 10, 64); err == nil {
				r.World, r.Client = w, name
			}
		}
		r.Kind, r.VM, r.Device = inventory.ParseClient(r.Client)
		if portset >= 0 {
			r.Net.Switch = f[portset]
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// netPort returns the fields of a line about a port, or nil.
func netPort(line string) []string {
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), "|NetPort|")
	if !ok {
		return nil
	}
	return strings.Split(strings.TrimSuffix(rest, "|"), "|")
}
