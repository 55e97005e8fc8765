package resolve

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vswarden/inventory"
)

// UnknownHost is the answer where AnswerPort cannot give one, with the reasons.
func UnknownHost(q *PortQuery, why error) *PortAnswer {
	port, _ := ParsePort(q.Port) // 0 where it is none
	out := &PortAnswer{
		At: q.At, PortID: fmt.Sprintf("0x%x", port), PortDec: port, Portset: uint8(port>>24) & 0x7f, Slot: port & 0xffffff, Uplink: port>>31 != 0,
		Kind: inventory.KindUnknown.String(), Host: answerHost{Name: q.Host},
		Enrichment: answerEnrichment{Status: Unresolved.String(), Missing: MissingHost.Names()},
		Next:       Commands(&Answer{}, port, ""),
	}
	if joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](why); ok {
		for _, err := range joined.Unwrap() {
			out.Why = append(out.Why, err.Error())
		}
	} else if why != nil {
		out.Why = append(out.Why, why.Error())
	}
	return out
}

// The texts below say parts of an answer to a person; empty where there is nothing to say.

func phrase(list ...string) string {
	return strings.Join(slices.DeleteFunc(list, func(s string) bool { return s == "" }), ", ")
}

// HostPlace is where the host is.
func (out *PortAnswer) HostPlace() string {
	var vc, dc, cluster string
	if out.VCenter != nil {
		vc = out.VCenter.Name
	}
	if out.Datacenter != nil {
		dc = out.Datacenter.Name
	}
	if out.Cluster != nil {
		cluster = out.Cluster.Name
	}
	return phrase(vc, dc, cluster)
}

// HolderText says who held the port.
func (out *PortAnswer) HolderText() string {
	vm := out.VM
	if vm == nil {
		if out.Enrichment.Status == Unresolved.String() {
			return "not known"
		}
		return strings.TrimSpace(out.Kind + " " + out.Device)
	}
	text := "VM " + cmp.Or(vm.Name, "without a name")
	if vm.NameNow != "" {
		text += ", now called " + vm.NameNow
	}
	if vm.WorldID != 0 {
		text += fmt.Sprintf(", world %d", vm.WorldID)
	}
	guest := ""
	if vm.Guest != nil {
		guest = vm.Guest.Hostname
		for _, a := range vm.Guest.IP {
			guest += " " + a.String()
		}
	}
	gone := ""
	if vm.Gone != "" {
		gone = "gone since " + vm.Gone
	}
	return phrase(text, vm.MOID, vm.PowerState, strings.TrimSpace(guest), vm.Owner, gone)
}

// AdapterText says which adapter it was.
func (out *PortAnswer) AdapterText() string {
	n := out.VNIC
	if n == nil {
		return ""
	}
	text := phrase(n.Label, n.Adapter)
	if n.MAC != (inventory.MAC{}) {
		text = phrase(text, n.MAC.String())
	}
	if n.Effective != (inventory.MAC{}) && n.Effective != n.MAC {
		text = phrase(text, "uses "+n.Effective.String())
	}
	return text
}

// NetworkText says where the port is.
func (out *PortAnswer) NetworkText() string {
	var group, vlan, sw, port string
	if g := out.Portgroup; g != nil {
		group = "portgroup " + g.Name
		if g.VLAN != nil {
			vlan = g.VLAN.text()
		}
	}
	if s := out.Switch; s != nil {
		sw = strings.TrimSpace(s.Type + " switch " + s.Name)
	}
	if p := out.Port; p != nil {
		port = "port " + p.Key
		if p.Blocked {
			port += ", blocked " + p.Status
		}
	}
	return phrase(group, vlan, sw, port)
}

func (v *answerVLAN) text() string {
	if v.ID != nil {
		return fmt.Sprintf("%s vlan %d", v.Type, *v.ID)
	}
	var ranges []string
	for _, r := range v.Ranges {
		ranges = append(ranges, fmt.Sprintf("%d-%d", r.First, r.Last))
	}
	return strings.TrimSpace(v.Type + " " + strings.Join(ranges, " "))
}

// PolicyText says what the port may do and where that is set, a line each.
func (out *PortAnswer) PolicyText() (lines []string) {
	p := out.Policy
	if p == nil {
		return nil
	}
	if p.Exempt {
		lines = append(lines, "exempt: uplink")
	}
	for _, s := range [...]struct {
		name, level string
		value       *bool
		yes, no     string
	}{
		{"promiscuous mode", p.Source.Promiscuous, p.Effective.Promiscuous, "accepted", "rejected"},
		{"MAC address changes", p.Source.MACChanges, p.Effective.MACChanges, "accepted", "rejected"},
		{"forged transmits", p.Source.ForgedTransmits, p.Effective.ForgedTransmits, "accepted", "rejected"},
		{"MAC learning", p.Source.MACLearning, p.Effective.MACLearning, "on", "off"},
	} {
		switch {
		case s.value == nil && s.level == "unknown":
			continue
		case s.value == nil:
			lines = append(lines, s.name+" not known (set by "+s.level+")")
		case *s.value:
			lines = append(lines, s.name+" "+s.yes+" (set by "+s.level+")")
		default:
			lines = append(lines, s.name+" "+s.no+" (set by "+s.level+")")
		}
	}
	if len(lines) == 0 {
		lines = append(lines, "not known")
	}
	return append(lines, p.Notes...)
}

// ExposureText says who would be seen from there.
func (out *PortAnswer) ExposureText() string {
	if x := out.Exposure; x != nil {
		return fmt.Sprintf("%d other VMs, %s", x.VMs, x.Scope)
	}
	return ""
}

// ConfidenceText says how sure that is, and how it is known.
func (out *PortAnswer) ConfidenceText() string {
	e := &out.Enrichment
	word := "low"
	switch {
	case e.Confidence >= confirmed:
		word = "exact"
	case e.Confidence >= Sure:
		word = "high"
	case e.Confidence >= unsure:
		word = "medium"
	}
	age := ""
	if e.Time != 0 {
		age = "told up to " + e.Time.Time().Format(time.RFC3339) + ", " + (time.Duration(e.AgeMS) * time.Millisecond).Round(time.Second).String() + " ago"
	}
	missing := ""
	if len(e.Missing) > 0 {
		missing = "missing " + strings.Join(e.Missing, " ")
	}
	return phrase(fmt.Sprintf("%.3g %s", e.Confidence, word), e.Status, strings.Join(e.Match, " "), missing, age)
}
