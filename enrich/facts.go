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

// portFacts returns what is known of a port in the words of events.
func (n *Enricher) portFacts(k *portKey) *event.PortFacts {
	f := &event.PortFacts{Port: k.port, Client: k.client, Host: n.hostFacts(k.host)}
	n.vmFacts(f, k)
	n.placeFacts(f, k)
	if !k.noPolicy {
		version := ""
		if k.place.Portgroup != nil {
			version = k.place.Portgroup.Version
		}
		f.Policy = facts.Policy(&k.policy, version)
	}
	f.Hints = hints(k)
	return f
}

func (n *Enricher) vmFacts(f *event.PortFacts, k *portKey) {
	vm := k.vm
	if vm == nil {
		if k.mac != (inventory.MAC{}) {
			f.VNIC = event.VNICFacts{Known: true, MAC: k.mac.String(), Connected: true}
		}
		return
	}
	addresses := vm.Addresses
	if k.address.IsValid() { // the one it had then comes first
		addresses = append([]netip.Addr{k.address}, slices.DeleteFunc(slices.Clone(vm.Addresses), func(a netip.Addr) bool { return a == k.address })...)
	}
	f.VM = event.VMFacts{
		Known: true, Name: k.name, Instance: vm.Instance.String(), BIOS: vm.BIOS.String(), Power: vm.Power.String(), Hostname: vm.Hostname, GuestOS: vm.GuestID,
		Folder: vm.Folder, ResourcePool: vm.Pool, Owner: vm.Owner, World: vm.World, Addresses: addresses, Tags: vm.Tags,
	}
	if vm.Ref.VC != 0 {
		f.VM.MOID = vm.Ref.ID
		if vc := n.inv.VCenter(vm.Ref.VC); vc.Instance != (inventory.UUID{}) {
			f.VM.URL = fmt.Sprintf("https://%s/ui/app/vm;nav=h/urn:vmomi:VirtualMachine:%s:%s/summary", vc.Name, vm.Ref.ID, vc.Instance)
		}
	}
	if nic := vm.NIC(k.nic); nic != nil {
		f.VNIC = event.VNICFacts{
			Known: true, Key: nic.Key, Label: nic.Label, MAC: nic.MAC.String(), Effective: nic.Effective.String(), MACType: nic.MACType,
			Adapter: nic.Adapter, Connected: nic.Connected,
		}
	}
}

func (n *Enricher) placeFacts(f *event.PortFacts, k *portKey) {
	w := &k.place
	f.Switch, f.Portgroup = facts.Switch(w.Switch, w.Kind, w.SwitchName), facts.Portgroup(w.Portgroup, w.PortgroupName)
	f.DVPort.Key = w.PortKey
	if w.Port != nil {
		f.DVPort.Blocked, f.DVPort.Status = w.Port.Blocked, w.Port.Status
	}
	if w.Portgroup == nil {
		return
	}
	if k.exposed >= 0 {
		v := &w.Portgroup.VLAN
		scope := v.String()
		if v.All() {
			scope = "all VLANs"
		}
		f.Exposure = event.ExposureFacts{Scope: scope + " on " + w.SwitchName + ", host " + k.facts.Name, VMs: k.exposed}
	}
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
	e.L2Sec.PolicySource = event.PolicySource(s.Level.String())
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
