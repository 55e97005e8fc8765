package vcenter

import (
	"maps"

	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
	"vswarden/inventory/vcenter/answer"
)

// portgroup takes in changes of a distributed portgroup.
func (b *batch) portgroup(id string, changes []types.PropertyChange) {
	ref := b.ref(id)
	pg := inventory.Portgroup{Ref: ref, Kind: inventory.DistributedSwitch}
	known := false
	if old := b.inv.Portgroup(ref); old != nil {
		pg, known = *old, true
	}
	for i := range b.u.Portgroups { // told of twice in one answer
		if b.u.Portgroups[i].Ref == ref {
			pg, known = b.u.Portgroups[i], true
		}
	}
	was := pg
	for i := range changes {
		switch v := value(&changes[i]).(type) {
		case string:
			if changes[i].Name == "name" && v != "" {
				pg.Name = answer.Unescape(v)
			}
		case types.DVPortgroupConfigInfo:
			portgroupConfig(&pg, &v)
		}
	}
	b.u.Portgroups = append(b.u.Portgroups, pg)
	if !known || pg.Version != was.Version || pg.Rules != was.Rules {
		b.wishes = append(b.wishes, portWish{portgroup: id})
	}
}

func portgroupConfig(pg *inventory.Portgroup, c *types.DVPortgroupConfigInfo) {
	if c.DistributedVirtualSwitch != nil {
		pg.Switch = c.DistributedVirtualSwitch.Value
	}
	pg.Version = c.ConfigVersion
	pg.Uplink = c.Uplink != nil && *c.Uplink
	pg.NSX = c.BackingType == "nsx" || c.LogicalSwitchUuid != "" || c.SegmentId != ""
	pg.Rules = inventory.Rules{}
	if p, ok := c.Policy.(*types.VMwareDVSPortgroupPolicy); ok && p != nil {
		pg.Rules.SecurityOverride = inventory.VerdictOf(&p.SecurityPolicyOverrideAllowed)
		pg.Rules.MACOverride = inventory.VerdictOf(p.MacManagementOverrideAllowed)
		pg.ResetAtDisconnect = p.PortConfigResetAtDisconnect
	}
	if s, ok := c.DefaultPortConfig.(*types.VMwareDVSPortSetting); ok && s != nil {
		pg.Rules.Distributed = security(s)
		pg.VLAN = vlan(s.Vlan)
	}
}

// dvs takes in changes of a distributed switch.
func (b *batch) dvs(id string, changes []types.PropertyChange) {
	ref := b.ref(id)
	sw := inventory.Switch{Ref: ref, Kind: inventory.DistributedSwitch}
	if old := b.inv.Switch(ref); old != nil {
		sw = *old
	}
	for i := range b.u.Switches { // told of twice in one answer
		if b.u.Switches[i].Ref == ref {
			sw = b.u.Switches[i]
		}
	}
	for i := range changes {
		c := &changes[i]
		switch v := value(c).(type) {
		case string:
			switch {
			case c.Name == "name" && v != "":
				sw.Name = answer.Unescape(v)
			case c.Name == "uuid":
				sw.UUID, _ = inventory.ParseUUID(v)
			}
		case types.DVSCapability:
			f, ok := v.FeaturesSupported.(*types.VMwareDVSFeatureCapability)
			sw.MACLearning = ok && f != nil && f.MacLearningSupported != nil && *f.MacLearningSupported
		case types.VMwareDVSConfigInfo:
			if p := privateOf(v.PvlanConfig); !maps.Equal(p, b.tree.private[id]) {
				b.tree.private[id], b.private = p, true
			}
			if s, ok := v.DefaultPortConfig.(*types.VMwareDVSPortSetting); ok && s != nil {
				sw.Rules.Distributed = security(s)
			}
		case types.DVSConfigInfo:
			if s, ok := v.DefaultPortConfig.(*types.VMwareDVSPortSetting); ok && s != nil {
				sw.Rules.Distributed = security(s)
			}
		}
	}
	b.u.Switches = append(b.u.Switches, sw)
}

// security returns what one level says about security.
func security(s *types.VMwareDVSPortSetting) (d inventory.DistributedSetting) {
	if p := s.SecurityPolicy; p != nil {
		d.Security = inventory.SecurityPolicy{
			Present: true, Inherited: p.Inherited,
			Promiscuous: inheritable(p.AllowPromiscuous), MACChanges: inheritable(p.MacChanges), ForgedTransmits: inheritable(p.ForgedTransmits),
		}
	}
	if p := s.MacManagementPolicy; p != nil {
		d.MACManagement = inventory.MACManagement{
			Present: true, Inherited: p.Inherited,
			Flags: inventory.Flags{
				Promiscuous: inventory.VerdictOf(p.AllowPromiscuous), MACChanges: inventory.VerdictOf(p.MacChanges),
				ForgedTransmits: inventory.VerdictOf(p.ForgedTransmits),
			},
		}
		if l := p.MacLearningPolicy; l != nil {
			d.MACManagement.Learning = inventory.MACLearning{
				Present: true, Inherited: l.Inherited, Enabled: inventory.VerdictOf(&l.Enabled), Flooding: inventory.VerdictOf(l.AllowUnicastFlooding),
				DropAbove: l.LimitPolicy == string(types.DVSMacLimitPolicyTypeDrop),
			}
			if l.Limit != nil && *l.Limit > 0 {
				d.MACManagement.Learning.Limit = uint32(*l.Limit)
			}
		}
	}
	return d
}

func inheritable(p *types.BoolPolicy) (i inventory.Inheritable) {
	if p == nil {
		return i
	}
	return inventory.Inheritable{Value: inventory.VerdictOf(p.Value), Inherited: p.Inherited}
}

// ownSetting returns what a port says itself: what it inherits is said above it.
func ownSetting(d inventory.DistributedSetting) (own inventory.DistributedSetting) {
	keep := func(i inventory.Inheritable) inventory.Inheritable {
		if i.Inherited {
			return inventory.Inheritable{}
		}
		return i
	}
	if s := d.Security; s.Present && !s.Inherited {
		own.Security = inventory.SecurityPolicy{Promiscuous: keep(s.Promiscuous), MACChanges: keep(s.MACChanges), ForgedTransmits: keep(s.ForgedTransmits)}
		own.Security.Present = own.Security != inventory.SecurityPolicy{}
	}
	if m := d.MACManagement; m.Present {
		if !m.Inherited {
			own.MACManagement.Flags = m.Flags
		}
		if m.Learning.Present && !m.Learning.Inherited {
			own.MACManagement.Learning = m.Learning
		}
		own.MACManagement.Present = own.MACManagement != inventory.MACManagement{}
		own.MACManagement.Inherited = own.MACManagement.Present && m.Inherited
	}
	return own
}

func vlan(spec types.BaseVmwareDistributedVirtualSwitchVlanSpec) inventory.VLAN {
	switch v := spec.(type) {
	case *types.VmwareDistributedVirtualSwitchVlanIdSpec:
		if v.VlanId >= 0 && v.VlanId <= 4094 {
			return inventory.VLAN{Kind: inventory.VLANAccess, ID: uint16(v.VlanId)}
		}
	case *types.VmwareDistributedVirtualSwitchTrunkVlanSpec:
		trunk := inventory.VLAN{Kind: inventory.VLANTrunk}
		for _, r := range v.VlanId {
			if r.Start >= 0 && r.Start <= r.End && r.End <= 4095 {
				trunk.Ranges = append(trunk.Ranges, inventory.VLANRange{First: uint16(r.Start), Last: uint16(r.End)})
			}
		}
		return trunk
	case *types.VmwareDistributedVirtualSwitchPvlanSpec:
		if v.PvlanId >= 0 && v.PvlanId <= 4094 {
			return inventory.VLAN{Kind: inventory.VLANPrivate, ID: uint16(v.PvlanId)}
		}
	}
	return inventory.VLAN{}
}

// private is what a secondary VLAN of a switch is.
type private struct {
	primary uint16
	kind    inventory.PrivateKind
}

// privateOf reads the private VLANs of a switch, by secondary VLAN.
func privateOf(list []types.VMwareDVSPvlanMapEntry) map[uint16]private {
	all := make(map[uint16]private, len(list))
	for _, e := range list {
		p := private{primary: uint16(e.PrimaryVlanId)}
		switch types.VmwareDistributedVirtualSwitchPvlanPortType(e.PvlanType) {
		case types.VmwareDistributedVirtualSwitchPvlanPortTypePromiscuous:
			p.kind = inventory.Promiscuous
		case types.VmwareDistributedVirtualSwitchPvlanPortTypeIsolated:
			p.kind = inventory.Isolated
		case types.VmwareDistributedVirtualSwitchPvlanPortTypeCommunity:
			p.kind = inventory.Community
		}
		all[uint16(e.SecondaryVlanId)] = p
	}
	return all
}

// privateVLANs gives portgroups in private VLANs what only their switch knows: the primary VLAN, and who sees whom.
func (b *batch) privateVLANs() {
	if b.private {
		listed := map[inventory.Ref]bool{}
		for i := range b.u.Portgroups {
			listed[b.u.Portgroups[i].Ref] = true
		}
		for _, pg := range b.inv.Portgroups() {
			if pg.Ref.VC == b.vc && pg.VLAN.Kind == inventory.VLANPrivate && !listed[pg.Ref] {
				b.u.Portgroups = append(b.u.Portgroups, *pg)
			}
		}
	}
	for i := range b.u.Portgroups {
		if pg := &b.u.Portgroups[i]; pg.VLAN.Kind == inventory.VLANPrivate {
			p := b.tree.private[pg.Switch][pg.VLAN.ID]
			pg.VLAN.Primary, pg.VLAN.Private = p.primary, p.kind
		}
	}
}
