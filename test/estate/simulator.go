package main

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// vcenter is govmomi's simulator showing the world, with what it lacks: ports, pushed changes at a bearable
// price, esxcli's port list, the Esxtop service, ports of distributed switches, and rights that can be missing.
//
// The world is changed by its own rules, not through the API: the simulator only shows it, late.
type vcenter struct {
	w      *world
	model  *simulator.Model
	server *simulator.Server
	feed   *feed
	dvs    *simulator.DistributedVirtualSwitch // nil without one
	hosts  map[*host]*simulator.HostSystem
	vms    map[*vm]*machine
	moids  map[string]*host
}

// machine is a VM that the simulator shows and does nothing with: its own ones cost 40 ms and a folder each.
type machine struct{ mo.VirtualMachine }

// newVCenter makes the simulator and gives the world's objects their ids.
func newVCenter(w *world) (*vcenter, error) {
	m := simulator.VPX()
	m.Datacenter, m.Host, m.Machine, m.Pool, m.App, m.Datastore, m.Portgroup = 1, 0, 0, 0, 0, 0, 0
	m.Cluster = 1 + len(w.hosts)/32
	m.ClusterHost = (len(w.hosts) + m.Cluster - 1) / m.Cluster
	for _, g := range w.groups {
		if g.distributed {
			m.Portgroup++
		}
	}
	if err := m.Create(); err != nil {
		return nil, fmt.Errorf("make the simulator: %w", err)
	}
	v := &vcenter{w: w, model: m, hosts: map[*host]*simulator.HostSystem{}, vms: map[*vm]*machine{}, moids: map[string]*host{}}
	v.feed = newFeed(m)
	v.network()
	v.addHosts()
	v.addMachines()
	v.extend()
	return v, nil
}

func (v *vcenter) registry() *simulator.Registry { return v.model.Map() }

// update changes an object as vCenter shows it, and pushes that. In the world it happened at since.
func (v *vcenter) update(obj mo.Reference, since time.Time, changes ...types.PropertyChange) {
	v.registry().AtomicUpdate(v.model.Service.Context, obj, changes)
	names := make([]string, len(changes))
	for i := range changes {
		names[i] = changes[i].Name
	}
	v.feed.push(obj.Reference(), names, since)
}

// network gives the simulator's distributed portgroups the world's names and rules.
func (v *vcenter) network() {
	for _, o := range v.registry().AllReference("DistributedVirtualSwitch") {
		v.dvs = o.(*simulator.DistributedVirtualSwitch)
	}
	if v.dvs == nil {
		return
	}
	v.dvs.Name = "DSwitch-Prod"
	if c, ok := v.dvs.Config.(*types.VMwareDVSConfigInfo); ok {
		c.Name = v.dvs.Name
		c.DefaultPortConfig = &types.VMwareDVSPortSetting{SecurityPolicy: security(false, false), Vlan: &types.VmwareDistributedVirtualSwitchVlanIdSpec{}}
	}
	objects := v.registry().AllReference("DistributedVirtualPortgroup")
	slices.SortFunc(objects, func(a, b mo.Reference) int {
		return slices.Compare([]byte(a.Reference().Value), []byte(b.Reference().Value))
	})
	next := 0
	for _, g := range v.w.groups {
		for g.distributed && g.moid == "" {
			pg := objects[next].(*simulator.DistributedVirtualPortgroup)
			next++
			if len(pg.Config.Name) > 0 && pg.Config.Uplink != nil && *pg.Config.Uplink {
				continue
			}
			g.moid, pg.Name = pg.Self.Value, g.name
			pg.Config = v.portgroupConfig(g, pg)
			pg.Summary.(*types.NetworkSummary).Name = g.name
		}
	}
}

func (v *vcenter) portgroupConfig(g *portgroup, pg *simulator.DistributedVirtualPortgroup) types.DVPortgroupConfigInfo {
	c := pg.Config
	c.Key, c.Name, c.ConfigVersion = g.moid, g.name, strconv.Itoa(g.version)
	c.DefaultPortConfig = &types.VMwareDVSPortSetting{
		SecurityPolicy: security(g.forged, false),
		Vlan:           &types.VmwareDistributedVirtualSwitchVlanIdSpec{VlanId: g.vlan},
	}
	c.Policy = &types.VMwareDVSPortgroupPolicy{SecurityPolicyOverrideAllowed: true}
	return c
}

// security is a policy that rejects all but, perhaps, forged transmits.
func security(forged, inherited bool) *types.DVSSecurityPolicy {
	rule := func(v bool) *types.BoolPolicy {
		return &types.BoolPolicy{InheritablePolicy: types.InheritablePolicy{Inherited: inherited}, Value: &v}
	}
	return &types.DVSSecurityPolicy{
		InheritablePolicy: types.InheritablePolicy{Inherited: inherited}, AllowPromiscuous: rule(false), MacChanges: rule(false), ForgedTransmits: rule(forged),
	}
}

func (v *vcenter) addHosts() {
	objects := v.registry().AllReference("HostSystem")
	slices.SortFunc(objects, func(a, b mo.Reference) int { return number(a) - number(b) })
	for i, h := range v.w.hosts {
		hs := objects[i].(*simulator.HostSystem)
		v.hosts[h], v.moids[hs.Self.Value] = hs, h
		h.moid, hs.Name, hs.Summary.Config.Name = hs.Self.Value, h.name, h.name
		product := hs.Config.Product
		product.Version, product.ApiVersion = h.version, h.version
		hs.Config.Product = product
		boot := h.boot
		hs.Runtime.BootTime, hs.Runtime.ConnectionState = &boot, types.HostSystemConnectionStateConnected
		net := v.hostNetwork(h)
		hs.Config.Network = &net
	}
}

// number is the number at the end of an object's id: host-21.
func number(o mo.Reference) int {
	id := o.Reference().Value
	i := len(id)
	for i > 0 && id[i-1] >= '0' && id[i-1] <= '9' {
		i--
	}
	n, _ := strconv.Atoi(id[i:]) // Digits only.
	return n
}

// hostNetwork is a host's config.network as the world has it now.
func (v *vcenter) hostNetwork(h *host) types.HostNetworkInfo {
	yes, no := true, false
	ports := map[string][]types.HostPortGroupPort{}
	for _, n := range h.portsOf() {
		if !n.group.distributed {
			ports[n.group.name] = append(ports[n.group.name], types.HostPortGroupPort{Key: fmt.Sprintf("key-vim.host.PortGroup.Port-%d", n.port), Mac: []string{n.mac}, Type: "virtualMachine"})
		}
	}
	net := types.HostNetworkInfo{
		Vswitch: []types.HostVirtualSwitch{{
			Name: "vSwitch0", Key: "key-vim.host.VirtualSwitch-vSwitch0", NumPorts: 1536, Mtu: 1500, Pnic: []string{"key-vim.host.PhysicalNic-vmnic0"},
			Spec: types.HostVirtualSwitchSpec{NumPorts: 1536, Policy: &types.HostNetworkPolicy{Security: &types.HostNetworkSecurityPolicy{AllowPromiscuous: &no, MacChanges: &no, ForgedTransmits: &no}}},
		}},
		Pnic: []types.PhysicalNic{{Key: "key-vim.host.PhysicalNic-vmnic0", Device: "vmnic0", Mac: uplinkMAC(h)}},
		Vnic: []types.HostVirtualNic{{
			Device: "vmk0", Key: "key-vim.host.VirtualNic-vmk0", Portgroup: "Management Network", Port: fmt.Sprintf("key-vim.host.PortGroup.Port-%d", vmkPort),
			Spec: types.HostVirtualNicSpec{Ip: &types.HostIpConfig{IpAddress: h.addr.String(), SubnetMask: "255.0.0.0"}, Mac: vmkMAC(h), Portgroup: "Management Network"},
		}},
	}
	group := func(name string, vlan int32, forged bool, ports []types.HostPortGroupPort) {
		computed := types.HostNetworkSecurityPolicy{AllowPromiscuous: &no, MacChanges: &no, ForgedTransmits: &no}
		own := types.HostNetworkSecurityPolicy{}
		if forged {
			own.ForgedTransmits, computed.ForgedTransmits = &yes, &yes
		}
		net.Portgroup = append(net.Portgroup, types.HostPortGroup{
			Key: "key-vim.host.PortGroup-" + name, Vswitch: "key-vim.host.VirtualSwitch-vSwitch0", Port: ports,
			Spec:           types.HostPortGroupSpec{Name: name, VlanId: vlan, VswitchName: "vSwitch0", Policy: types.HostNetworkPolicy{Security: &own}},
			ComputedPolicy: types.HostNetworkPolicy{Security: &computed},
		})
	}
	group("Management Network", 0, false, []types.HostPortGroupPort{{Key: fmt.Sprintf("key-vim.host.PortGroup.Port-%d", vmkPort), Mac: []string{vmkMAC(h)}, Type: "host"}})
	for _, g := range v.w.groups {
		if !g.distributed {
			group(g.name, g.vlan, h.forged[g], ports[g.name])
		}
	}
	return net
}

func (v *vcenter) addMachines() {
	reg := v.registry()
	var dc *simulator.Datacenter
	for _, o := range reg.AllReference("Datacenter") {
		dc = o.(*simulator.Datacenter)
	}
	folder := reg.Get(dc.VmFolder).(*simulator.Folder)
	for _, m := range v.w.vms {
		vm := &machine{}
		vm.Self = types.ManagedObjectReference{Type: "VirtualMachine", Value: m.moid}
		vm.Parent = &folder.Self
		if hs := v.hosts[m.host]; hs.Parent != nil {
			vm.ResourcePool = pool(reg, *hs.Parent)
		}
		vm.Name, vm.Runtime = m.name, types.VirtualMachineRuntimeInfo{ConnectionState: types.VirtualMachineConnectionStateConnected}
		vm.Config = &types.VirtualMachineConfigInfo{
			Name: m.name, GuestId: "otherLinux64Guest", Uuid: fmt.Sprintf("564d0000-0000-4000-8000-%012x", m.n), InstanceUuid: fmt.Sprintf("503a0000-0000-4000-8000-%012x", m.n),
			Files: types.VirtualMachineFileInfo{VmPathName: fmt.Sprintf("[vsan] %s/%s.vmx", m.name, m.name)},
		}
		vm.Guest = &types.GuestInfo{HostName: fmt.Sprintf("guest%04d", m.n), GuestState: "running"}
		mo.ApplyPropertyChange(&vm.VirtualMachine, v.vmState(m))
		v.vms[m] = vm
		reg.Put(vm)
		folder.ChildEntity = append(folder.ChildEntity, vm.Self)
	}
}

func pool(reg *simulator.Registry, cluster types.ManagedObjectReference) *types.ManagedObjectReference {
	if c, ok := reg.Get(cluster).(*simulator.ClusterComputeResource); ok {
		return c.ResourcePool
	}
	return nil
}

// vmState is what changes of a machine, as the world has it now.
func (v *vcenter) vmState(m *vm) []types.PropertyChange {
	power := types.VirtualMachinePowerStatePoweredOff
	if m.on {
		power = types.VirtualMachinePowerStatePoweredOn
	}
	on := v.hosts[m.host].Self
	changes := []types.PropertyChange{
		{Name: "name", Val: m.name}, {Name: "runtime.powerState", Val: power}, {Name: "runtime.host", Val: on}, {Name: "config.hardware.device", Val: v.devices(m)},
	}
	if !m.boot.IsZero() {
		changes = append(changes, types.PropertyChange{Name: "runtime.bootTime", Val: m.boot})
	}
	for i := range changes {
		changes[i].Op = types.PropertyChangeOpAssign
	}
	return changes
}

// devices are a machine's adapters. What the simulator holds is never changed in place.
func (v *vcenter) devices(m *vm) []types.BaseVirtualDevice {
	list := []types.BaseVirtualDevice{&types.ParaVirtualSCSIController{}}
	for i, n := range m.nics {
		d := &types.VirtualVmxnet3{}
		d.Key, d.MacAddress, d.AddressType = n.key, n.mac, "assigned"
		d.DeviceInfo = &types.Description{Label: fmt.Sprintf("Network adapter %d", i+1), Summary: n.group.name}
		d.Connectable = &types.VirtualDeviceConnectInfo{Connected: n.port != 0, StartConnected: true, AllowGuestControl: true}
		if n.group.distributed {
			d.Backing = &types.VirtualEthernetCardDistributedVirtualPortBackingInfo{Port: types.DistributedVirtualSwitchPortConnection{
				SwitchUuid: v.dvs.Uuid, PortgroupKey: n.group.moid, PortKey: n.dvport, ConnectionCookie: int32(n.port), // another one each time it is connected
			}}
		} else {
			d.Backing = &types.VirtualEthernetCardNetworkBackingInfo{VirtualDeviceDeviceBackingInfo: types.VirtualDeviceDeviceBackingInfo{DeviceName: n.group.name}}
		}
		list = append(list, d)
	}
	return list
}

// listen serves the API and returns its address.
func (v *vcenter) listen(addr string) *url.URL {
	v.model.Service.Listen = &url.URL{Host: addr}
	v.server = v.model.Service.NewServer()
	u := *v.server.URL
	u.User = nil
	return &u
}

// close ends the API. Clients that wait get their answers first.
func (v *vcenter) close() {
	v.feed.close()
	v.server.CloseClientConnections()
	v.server.Close()
	v.model.Remove()
}
