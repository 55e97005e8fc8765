package vcenter

import (
	"net/netip"
	"time"

	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
	"vswarden/inventory/vcenter/answer"
)

// maxGuestAddresses bounds the addresses kept of one guest: the guest says how many it has.
const maxGuestAddresses = 8

// vmOf returns the VM as this batch has it: as it was last known, to be changed. It is valid until the next call.
func (b *batch) vmOf(id string) *inventory.VM {
	i, ok := b.vms[id]
	if !ok {
		vm := inventory.VM{Ref: b.ref(id)}
		if old := b.inv.VM(vm.Ref); old != nil {
			vm = *old
		}
		i = len(b.u.VMs)
		b.u.VMs = append(b.u.VMs, vm)
		b.vms[id] = i
	}
	return &b.u.VMs[i]
}

// vm takes in changes of a VM.
func (b *batch) vm(id string, changes []types.PropertyChange) {
	vm := b.vmOf(id)
	booted := vm.Boot
	place, known := b.tree.vms[id]
	was := place
	for i := range changes {
		c := &changes[i]
		v := value(c)
		s, _ := v.(string)
		ref, _ := v.(types.ManagedObjectReference)
		switch c.Name {
		case "name":
			if s != "" {
				vm.Name = answer.Unescape(s)
			}
		case "parent":
			place.parent = ref.Value
		case "parentVApp":
			place.vapp = ref.Value
		case "resourcePool":
			place.pool = ref.Value
		case "runtime.host":
			vm.Host = ref.Value
		case "runtime.powerState":
			vm.Power = power(v)
		case "runtime.bootTime":
			vm.Boot = b.stamp(v)
		case "config.guestId":
			vm.GuestID = s
		case "config.uuid":
			if u, err := inventory.ParseUUID(s); err == nil {
				vm.BIOS = u
			}
		case "config.instanceUuid":
			if u, err := inventory.ParseUUID(s); err == nil {
				vm.Instance = u
			}
		case "config.files.vmPathName":
			if s != "" {
				vm.Path = s
			}
		case "config.hardware.device":
			// A machine that cannot be reached has no configuration; the last one is the best there is.
			if list, ok := v.(types.ArrayOfVirtualDevice); ok {
				vm.NICs = b.nics(vm.NICs, list.VirtualDevice)
			}
		case "guest.hostName":
			vm.Hostname = s
		case "guest.net":
			list, _ := v.(types.ArrayOfGuestNicInfo)
			vm.Addresses = guestAddresses(list.GuestNicInfo)
		case "customValue":
			list, _ := v.(types.ArrayOfCustomFieldValue)
			vm.Attributes = b.attributes(list.CustomFieldValue)
			b.own(vm)
		}
	}
	if vm.Boot != booted || vm.Power != inventory.PoweredOn {
		vm.World = 0 // each start is another one
	}
	if place != was || !known {
		b.tree.vms[id] = place
	}
	vm.Folder, vm.Pool = b.tree.vmPlaces(id)
	if m, ok := b.moves[id]; ok && m.host == vm.Host {
		// Only a move that is news dates anything: of one that we saw happen, we know more.
		if old := b.inv.VM(vm.Ref); old == nil || old.Host != vm.Host {
			vm.Moved = max(vm.Moved, m.at)
		}
		delete(b.moves, id)
	}
}

func power(v types.AnyType) inventory.Power {
	switch p, _ := v.(types.VirtualMachinePowerState); p {
	case types.VirtualMachinePowerStatePoweredOn:
		return inventory.PoweredOn
	case types.VirtualMachinePowerStatePoweredOff:
		return inventory.PoweredOff
	case types.VirtualMachinePowerStateSuspended:
		return inventory.Suspended
	}
	return inventory.PowerUnknown
}

// stamp returns a time of the server by our clock.
func (f *Feeder) stamp(v types.AnyType) inventory.Stamp {
	t, ok := v.(time.Time)
	if !ok {
		return 0
	}
	if l := f.current(); l != nil {
		t = l.ours(t)
	}
	return inventory.StampOf(t)
}

// nics makes our adapters from the devices of a VM. A device of a kind that govmomi does not know comes as nil.
func (b *batch) nics(old []inventory.NIC, devices []types.BaseVirtualDevice) (nics []inventory.NIC) {
	for _, d := range devices {
		if d == nil {
			b.stats.NilDevices.Add(1)
			continue
		}
		card, ok := d.(types.BaseVirtualEthernetCard)
		if !ok {
			continue
		}
		e := card.GetVirtualEthernetCard()
		n := inventory.NIC{Key: e.Key, MACType: e.AddressType, Adapter: adapter(d), Backing: backing(e.Backing)}
		n.MAC, _ = inventory.ParseMAC(e.MacAddress)
		if d, ok := e.Backing.(*types.VirtualEthernetCardDistributedVirtualPortBackingInfo); ok {
			n.Cookie = d.Port.ConnectionCookie
		}
		n.Connected = e.Connectable != nil && e.Connectable.Connected
		if e.DeviceInfo != nil {
			n.Label = e.DeviceInfo.GetDescription().Label
		}
		for i := range old {
			if o := &old[i]; o.Key == n.Key && o.MAC == n.MAC && o.Backing == n.Backing {
				n.Effective = o.Effective
			}
		}
		nics = append(nics, n)
	}
	return nics
}

func backing(b types.BaseVirtualDeviceBackingInfo) inventory.Backing {
	switch k := b.(type) {
	case *types.VirtualEthernetCardNetworkBackingInfo:
		return inventory.Backing{Kind: inventory.Standard, Portgroup: k.DeviceName}
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		return inventory.Backing{Kind: inventory.DistributedSwitch, Portgroup: k.Port.PortgroupKey, Port: k.Port.PortKey}
	case *types.VirtualEthernetCardOpaqueNetworkBackingInfo:
		return inventory.Backing{Kind: inventory.Opaque, Portgroup: k.OpaqueNetworkId}
	}
	return inventory.Backing{}
}

// adapter names the kind of an adapter as a vmx file does.
func adapter(d types.BaseVirtualDevice) string {
	switch d.(type) {
	case *types.VirtualVmxnet3Vrdma:
		return "vmxnet3vrdma"
	case *types.VirtualVmxnet3:
		return "vmxnet3"
	case *types.VirtualVmxnet2:
		return "vmxnet2"
	case *types.VirtualVmxnet:
		return "vmxnet"
	case *types.VirtualE1000e:
		return "e1000e"
	case *types.VirtualE1000:
		return "e1000"
	case *types.VirtualPCNet32:
		return "pcnet32"
	case *types.VirtualSriovEthernetCard:
		return "sriov"
	}
	return ""
}

// guestAddresses returns what the guest says it has: IPv4 first, nothing that means only itself or its link.
func guestAddresses(nics []types.GuestNicInfo) (all []netip.Addr) {
	for _, four := range [...]bool{true, false} {
		for i := range nics {
			for _, s := range nics[i].IpAddress {
				a, err := netip.ParseAddr(s)
				a = a.Unmap().WithZone("")
				if err != nil || a.Is4() != four || a.IsLinkLocalUnicast() || a.IsLoopback() || a.IsUnspecified() {
					continue
				}
				if all = append(all, a); len(all) == maxGuestAddresses {
					return all
				}
			}
		}
	}
	return all
}

// attributes names the custom values of a VM.
func (b *batch) attributes(values []types.BaseCustomFieldValue) (all []inventory.Attribute) {
	for _, v := range values {
		s, ok := v.(*types.CustomFieldStringValue)
		if !ok || s.Value == "" {
			continue
		}
		if name := b.tree.fields[s.Key]; name != "" {
			all = append(all, inventory.Attribute{Name: name, Value: s.Value})
		}
	}
	return all
}

// own sets the VM's owner from the attribute that says so.
func (f *Feeder) own(vm *inventory.VM) {
	kind, name, ok := f.cfg.Owner()
	if !ok || kind != "attribute" {
		return
	}
	vm.Owner = ""
	for _, a := range vm.Attributes {
		if a.Name == name {
			vm.Owner = a.Value
		}
	}
}
