package app

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"vswarden/inventory"
	"vswarden/inventory/resolve"
)

func showTime(s inventory.Stamp) string {
	if t := s.Time(); !t.IsZero() {
		return t.Format(time.RFC3339)
	}
	return ""
}

func showMAC(m inventory.MAC) string {
	if m == (inventory.MAC{}) {
		return ""
	}
	return m.String()
}

func showAge(d time.Duration) string { return max(0, d).Round(time.Second).String() }

// words joins what is not empty.
func words(list ...string) string {
	return strings.Join(slices.DeleteFunc(list, func(s string) bool { return s == "" }), ", ")
}

// behind puts a word before a value that is known.
func behind(word, value string) string {
	if value == "" {
		return ""
	}
	return word + " " + value
}

// portTable is the answer of `port` for people.
func portTable(a *resolve.PortAnswer, written inventory.Stamp) [][]string {
	uplink := ""
	if a.Uplink {
		uplink = "uplink"
	}
	rows := [][]string{
		{"port", words(fmt.Sprintf("%s = %d", a.PortID, a.PortDec), fmt.Sprintf("portset %d", a.Portset), fmt.Sprintf("slot %d", a.Slot), uplink)},
		{"as of", words(showTime(a.At), behind("snapshot of", showTime(written)))},
		{"host", words(a.Host.Name, a.HostPlace(), behind("ESXi", strings.TrimSpace(a.Host.Version+" "+behind("build", a.Host.Build))), a.Host.Connection)},
		{"holder", a.HolderText()},
	}
	add := func(name, text string) {
		if text != "" {
			rows = append(rows, []string{name, text})
		}
	}
	add("adapter", a.AdapterText())
	add("network", a.NetworkText())
	for i, line := range a.PolicyText() {
		add([...]string{"policy", ""}[min(i, 1)], line)
	}
	add("exposure", a.ExposureText())
	rows = append(rows, []string{"confidence", a.ConfidenceText()})
	for _, c := range a.Others {
		add("candidate", words(c.Kind+" "+cmp.Or(c.VM, c.Name), showMAC(c.MAC), behind("from", showTime(c.Since)), behind("until", showTime(c.Until)), strings.Join(c.Match, " ")))
	}
	for _, why := range a.Why {
		add("why", why)
	}
	for _, next := range a.Next {
		add("next", next)
	}
	return rows
}

// summaryTable is `inventory show` for people.
func summaryTable(s *resolve.Summary) [][]string {
	rows := [][]string{
		{"snapshot", showTime(s.Snapshot) + ", " + showAge(s.At.Sub(s.Snapshot)) + " old"},
		{"known", fmt.Sprintf("%d hosts, %d VMs, %d ended intervals", s.Stats.Hosts, s.Stats.VMs, s.Stats.Intervals)},
	}
	if h := showTime(s.Horizon); h != "" {
		rows = append(rows, []string{"horizon", h + ": what ended before may be forgotten"})
	}
	rows = append(rows, nil, []string{"SOURCE", "KIND", "VCENTER", "STATE", "TOLD UP TO"})
	for _, l := range s.Sources {
		rows = append(rows, []string{l.Name, l.Kind, l.VCenter, l.State, showTime(l.Reported)})
	}
	rows = append(rows, nil, []string{"HOST", "VERSION", "CLUSTER", "VMS", "PORTS", "KNOWN SINCE", "TOLD UP TO"})
	for _, h := range s.Hosts {
		rows = append(rows, []string{h.Name, h.Version, h.Cluster, strconv.Itoa(h.VMs), strconv.Itoa(h.Ports), showTime(h.KnownSince), showTime(h.Told)})
	}
	return rows
}

// hostTable is `inventory show --host` for people: who held which port.
func hostTable(x *inventory.Export, s *snapshot) [][]string {
	rows := [][]string{{"as of", showTime(x.At) + ", snapshot of " + showTime(s.written)}}
	for i := range x.Hosts {
		h := &x.Hosts[i]
		rows = append(rows, nil,
			[]string{"host", words(h.Name, h.VCenter, h.Datacenter, h.Cluster, behind("ESXi", h.Version), behind("build", h.Build), h.Connection)},
			[]string{"PORT", "DECIMAL", "KIND", "HOLDER", "ADDRESS", "SWITCH", "PORTGROUP", "SINCE", "BY"})
		for j := range h.Ports {
			p := &h.Ports[j]
			kind := p.Kind
			if p.Unsure {
				kind += "?"
			}
			rows = append(rows, []string{p.Port, strconv.FormatUint(uint64(p.Decimal), 10), kind, cmp.Or(p.VM, p.Client), showMAC(p.MAC), p.Switch, p.Portgroup, showTime(p.Since), strings.Join(p.Match, " ")})
		}
		if len(h.VMs) > 0 {
			rows = append(rows, nil, []string{"VM", "WORLD", "POWER", "ADAPTERS"})
		}
		for j := range h.VMs {
			vm := &h.VMs[j]
			var nics []string
			for k := range vm.NICs {
				n := &vm.NICs[k]
				nics = append(nics, strings.TrimSpace(showMAC(n.MAC)+" "+n.Portgroup))
			}
			world := ""
			if vm.World != 0 {
				world = strconv.FormatUint(vm.World, 10)
			}
			rows = append(rows, []string{vm.Name, world, vm.Power, strings.Join(nics, ", ")})
		}
	}
	return rows
}
