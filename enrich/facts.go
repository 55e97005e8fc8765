package enrich

import (
	"fmt"
	"net/netip"
	"slices"

	"vswarden/event"
	"vswarden/inventory"
	"vswarden/inventory/facts"
	"vswarden/inventory/resolve"
)

// renderVM renders a VM and its adapter as k has them; of an adapter whose VM is not known, its address.
func renderVM(k *vmKey, vc *inventory.VCenter) *event.JoinedVM {
	vm := k.vm
	if vm == nil {
		return event.NewJoinedVM(&event.VMFacts{}, &event.VNICFacts{Known: true, MAC: k.mac.String(), Connected: true})
	}
	addresses := vm.Addresses
	if k.address.IsValid() { // the one it had then comes first
		addresses = append([]netip.Addr{k.address}, slices.DeleteFunc(slices.Clone(vm.Addresses), func(a netip.Addr) bool { return a == k.address })...)
	}
	f := event.VMFacts{
		Known: true, Name: k.name, Instance: vm.Instance.String(), BIOS: vm.BIOS.String(), Power: vm.Power.String(), Hostname: vm.Hostname, GuestOS: vm.GuestID,
		Folder: vm.Folder, ResourcePool: vm.Pool, Owner: vm.Owner, World: vm.World, Addresses: addresses, Tags: vm.Tags,
	}
	if vm.Ref.VC != 0 {
		f.MOID = vm.Ref.ID
		if vc.Instance != (inventory.UUID{}) {
			f.URL = fmt.Sprintf("https://%s/ui/app/vm;nav=h/urn:vmomi:VirtualMachine:%s:%s/summary", vc.Name, vm.Ref.ID, vc.Instance)
		}
	}
	var adapter event.VNICFacts
	if nic := vm.NIC(k.nic); nic != nil {
		adapter = event.VNICFacts{
			Known: true, Key: nic.Key, Label: nic.Label, MAC: nic.MAC.String(), Effective: nic.Effective.String(), MACType: nic.MACType,
			Adapter: nic.Adapter, Connected: nic.Connected,
		}
	}
	return event.NewJoinedVM(&f, &adapter)
}

// renderPlace renders a switch and a portgroup.
func renderPlace(k *placeKey) *event.JoinedPlace {
	sw, group := facts.Switch(k.sw, k.kind, k.switchName), facts.Portgroup(k.portgroup, k.portgroupName)
	vlans := ""
	if k.portgroup != nil {
		if vlans = k.portgroup.VLAN.String(); k.portgroup.VLAN.All() {
			vlans = "all VLANs"
		}
	}
	return event.NewJoinedPlace(&sw, &group, vlans, trunkHint(k.portgroup))
}

// judge says which setting a line is about, where it is set, and whether the policy as it is known agrees with what the
// host did. A host that denies what the policy permits is drift (KB 417819), but only if the answer is sure, the policy
// is known as of then, and was not seen to change since the port was connected: a change takes effect when it is
// connected anew.
func (n *Enricher) judge(e *event.Event, q *resolve.Question, a *resolve.Answer, policy *inventory.Effective, changing bool) {
	var s *inventory.Setting
	switch e.L2Sec.Violation {
	case event.ViolationPromiscuous:
		s, e.Joined.Setting = &policy.Promiscuous, event.SettingPromiscuous
	case event.ViolationMACChange:
		s, e.Joined.Setting = &policy.MACChanges, event.SettingMACChanges
	default:
		return
	}
	e.Rarely().L2Sec.PolicySource = event.PolicySource(s.Level.String())
	switch {
	case s.Value == inventory.Reject && a.Confidence >= resolve.Sure:
		e.Joined.Agrees = event.Agrees
	case s.Value == inventory.Accept && a.Confidence >= resolve.Sure && a.Settled && !changing && n.policyKnown(q, a) &&
		a.Method&inventory.MethodBackdated == 0 && !a.Place.ChangedBetween(a.From.Add(-n.cfg.Guard), q.Join.Add(n.cfg.Guard)):
		e.Joined.Agrees = event.Disagrees
		e.Tags |= event.TagPolicyDrift
	}
}

// policyKnown reports whether the policy is known as of the line: a source has told of all changes since, or an import
// was made just then.
func (n *Enricher) policyKnown(q *resolve.Question, a *resolve.Answer) bool {
	return q.Host.Told(q.Now) >= q.Join.Add(n.cfg.Guard) || a.Method&inventory.MethodImport != 0 && q.Join.Sub(a.Stated).Abs() <= n.cfg.Guard
}
