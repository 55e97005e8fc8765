package vcenter

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
	"vswarden/inventory/vcenter/answer"
)

// hostOf returns the host as this batch has it: as it was last known, to be changed.
func (b *batch) hostOf(id string) *inventory.Host {
	i, ok := b.hosts[id]
	if !ok {
		host := inventory.Host{Ref: b.ref(id)}
		if h := b.inv.HostTable(host.Ref); h != nil {
			host = *h.Facts()
		}
		i = len(b.u.Hosts)
		b.u.Hosts = append(b.u.Hosts, host)
		b.hosts[id] = i
	}
	return &b.u.Hosts[i]
}

// host takes in changes of a host.
func (b *batch) host(id string, changes []types.PropertyChange) {
	host := b.hostOf(id)
	for i := range changes {
		c := &changes[i]
		v := value(c)
		s, _ := v.(string)
		switch c.Name {
		case "name":
			if s != "" {
				host.Name = answer.Unescape(s)
			}
		case "parent":
			ref, _ := v.(types.ManagedObjectReference)
			b.tree.hosts[id] = ref.Value
		case "runtime.connectionState":
			host.Connection = connection(v)
		case "runtime.bootTime":
			if t := b.stamp(v); t != 0 { // a host that is cut off has none
				host.Boot = t
			}
		case "runtime.inMaintenanceMode":
			host.Maintenance, _ = v.(bool)
		case "hardware.systemInfo.uuid":
			if u, err := inventory.ParseUUID(s); err == nil {
				host.UUID = u
			}
		case "config.product":
			if about, ok := v.(types.AboutInfo); ok {
				host.Version, host.Build = about.Version, about.Build
			}
		case "config.network":
			// A host that is cut off has no configuration; the last one is the best there is.
			if n, ok := v.(types.HostNetworkInfo); ok {
				network(host, &n)
				b.u.Tables = append(b.u.Tables, inventory.PortTable{Host: host.Ref, Whole: true, Rows: rows(host, &n)})
			}
		}
	}
	host.Cluster, host.Datacenter = b.tree.hostPlaces(id)
}

func connection(v types.AnyType) inventory.Connection {
	switch c, _ := v.(types.HostSystemConnectionState); c {
	case types.HostSystemConnectionStateConnected:
		return inventory.Connected
	case types.HostSystemConnectionStateDisconnected:
		return inventory.Disconnected
	case types.HostSystemConnectionStateNotResponding:
		return inventory.NotResponding
	}
	return inventory.ConnectionUnknown
}

// network takes in a host's network configuration.
func network(host *inventory.Host, n *types.HostNetworkInfo) {
	host.Kernel, host.Uplinks, host.Switches, host.Portgroups, host.Addresses = nil, nil, nil, nil, nil
	uplinkOf := map[string]string{} // key of a physical adapter → name of its switch
	for i := range n.Vswitch {
		s := &n.Vswitch[i]
		sw := inventory.Switch{Kind: inventory.Standard, Name: s.Name}
		if p := s.Spec.Policy; p != nil {
			sw.Rules.Own = flags(p.Security)
		}
		host.Switches = append(host.Switches, sw)
		for _, key := range s.Pnic {
			uplinkOf[key] = s.Name
		}
	}
	dvs := map[string]string{} // UUID → name
	for i := range n.ProxySwitch {
		s := &n.ProxySwitch[i]
		dvs[s.DvsUuid] = s.DvsName
		for _, key := range s.Pnic {
			uplinkOf[key] = s.DvsName
		}
	}
	switchOf := map[string]string{} // portgroup → standard switch
	for i := range n.Portgroup {
		g := &n.Portgroup[i]
		pg := inventory.Portgroup{Kind: inventory.Standard, Name: g.Spec.Name, Switch: g.Spec.VswitchName, VLAN: inventory.StandardVLAN(g.Spec.VlanId)}
		pg.Rules.Own, pg.Rules.Computed = flags(g.Spec.Policy.Security), flags(g.ComputedPolicy.Security)
		host.Portgroups = append(host.Portgroups, pg)
		switchOf[pg.Name] = pg.Switch
	}
	for i := range n.Pnic {
		p := &n.Pnic[i]
		up := inventory.Uplink{Device: p.Device, Switch: uplinkOf[p.Key]}
		up.MAC, _ = inventory.ParseMAC(p.Mac)
		host.Uplinks = append(host.Uplinks, up)
	}
	for i := range n.Vnic {
		v := &n.Vnic[i]
		k := inventory.VMKernel{Device: v.Device, Portgroup: v.Portgroup, Addresses: addresses(v.Spec.Ip)}
		k.MAC, _ = inventory.ParseMAC(v.Spec.Mac)
		k.Port, _ = answer.PortID(v.Port)
		k.Switch = switchOf[v.Portgroup]
		if d := v.Spec.DistributedVirtualPort; d != nil {
			k.Portgroup, k.DVPort, k.Switch = d.PortgroupKey, d.PortKey, dvs[d.SwitchUuid]
		}
		host.Kernel = append(host.Kernel, k)
	}
	for i := range n.ConsoleVnic {
		host.Addresses = append(host.Addresses, addresses(n.ConsoleVnic[i].Spec.Ip)...)
	}
	if n.DnsConfig != nil {
		if d := n.DnsConfig.GetHostDnsConfig(); d != nil && d.HostName != "" {
			host.Hostname = strings.TrimSuffix(d.HostName+"."+d.DomainName, ".")
		}
	}
}

func flags(p *types.HostNetworkSecurityPolicy) (f inventory.Flags) {
	if p == nil {
		return f
	}
	return inventory.Flags{
		Promiscuous:     inventory.VerdictOf(p.AllowPromiscuous),
		MACChanges:      inventory.VerdictOf(p.MacChanges),
		ForgedTransmits: inventory.VerdictOf(p.ForgedTransmits),
	}
}

func addresses(ip *types.HostIpConfig) (all []netip.Addr) {
	add := func(s string) {
		if a, err := netip.ParseAddr(s); err == nil && !a.IsUnspecified() && !a.IsLinkLocalUnicast() && !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	if ip == nil {
		return nil
	}
	add(ip.IpAddress)
	if ip.IpV6Config != nil {
		for i := range ip.IpV6Config.IpV6Address {
			add(ip.IpV6Config.IpV6Address[i].IpAddress)
		}
	}
	return all
}

// rows makes a port table from the portgroups of a host's standard switches.
func rows(host *inventory.Host, n *types.HostNetworkInfo) (all []inventory.Row) {
	for i := range n.Portgroup {
		g := &n.Portgroup[i]
		for j := range g.Port {
			p := &g.Port[j]
			id, ok := answer.PortID(p.Key)
			if !ok {
				continue
			}
			r := inventory.Row{Port: id, Net: inventory.Net{Switch: g.Spec.VswitchName, Portgroup: g.Spec.Name}}
			if len(p.Mac) > 0 {
				r.MAC, _ = inventory.ParseMAC(p.Mac[0])
			}
			switch types.PortGroupConnecteeType(p.Type) {
			case types.PortGroupConnecteeTypeVirtualMachine:
				r.Kind = inventory.KindVM
			case types.PortGroupConnecteeTypeHost:
				r.Kind = inventory.KindVMKernel
			case types.PortGroupConnecteeTypeSystemManagement:
				r.Kind = inventory.KindSystem
			}
			named := false // the interface itself says which port it has, and its name
			for k := range host.Kernel {
				named = named || host.Kernel[k].Port == id
				if r.Kind == inventory.KindVMKernel && host.Kernel[k].MAC == r.MAC {
					r.Client = host.Kernel[k].Device
				}
			}
			if !named {
				all = append(all, r)
			}
		}
	}
	return all
}
