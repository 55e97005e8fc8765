package posture

import (
	"cmp"
	"strings"

	"vswarden/event"
	"vswarden/inventory"
	"vswarden/inventory/facts"
)

// object is what a policy belongs to: a switch, a portgroup, or a port with settings of its own.
type object struct {
	vc        uint16
	moref     string // within its vCenter
	version   string
	host      string // moid of the host, of a standard switch
	sw        event.SwitchFacts
	portgroup event.PortgroupFacts
	level     inventory.Level
	name      string
	swName    string
	hostName  string
	port      string
	ref       inventory.Ref // as in inventory.PolicyChange
	kind      inventory.SwitchKind
	rules     inventory.Rules
}

// objectKey names an object across restarts: indexes of vCenters are of one process.
func objectKey(inv *inventory.Inventory, vc uint16, level inventory.Level, ref inventory.Ref, name, port string) string {
	return strings.Join([]string{inv.VCenter(vc).Name, level.String(), ref.ID, name, port}, "\x1f")
}

// keyOf names the object of a change. A distributed object keeps its key when it is renamed.
func keyOf(inv *inventory.Inventory, c *inventory.PolicyChange) string {
	name := ""
	if c.Kind == inventory.Standard {
		name = c.Name
	}
	return objectKey(inv, c.VC, c.Level, c.Object, name, c.Port)
}

// objects returns all that has a policy, by key.
func objects(inv *inventory.Inventory) map[string]*object {
	all := map[string]*object{}
	names := map[inventory.Ref]string{}
	for _, s := range inv.Switches() {
		names[s.Ref] = s.Name
		o := &object{
			vc: s.Ref.VC, moref: s.Ref.ID, sw: facts.Switch(s, s.Kind, s.Name), level: inventory.LevelSwitch,
			name: s.Name, swName: s.Name, ref: s.Ref, kind: s.Kind, rules: s.Rules,
		}
		all[objectKey(inv, o.vc, o.level, o.ref, "", "")] = o
	}
	for _, p := range inv.Portgroups() {
		sw := inv.Switch(inventory.Ref{VC: p.Ref.VC, ID: p.Switch})
		name := names[inventory.Ref{VC: p.Ref.VC, ID: p.Switch}]
		o := &object{
			vc: p.Ref.VC, moref: p.Ref.ID, version: p.Version, sw: facts.Switch(sw, p.Kind, name), portgroup: facts.Portgroup(p, p.Name),
			level: inventory.LevelPortgroup, name: p.Name, swName: name, ref: p.Ref, kind: p.Kind, rules: p.Rules,
		}
		all[objectKey(inv, o.vc, o.level, o.ref, "", "")] = o
	}
	for ref, name := range names {
		for _, p := range inv.DVPorts(ref) {
			o := &object{
				vc: ref.VC, moref: ref.ID + "/" + p.Key, sw: facts.Switch(inv.Switch(ref), inventory.DistributedSwitch, name),
				level: inventory.LevelPort, swName: name, port: p.Key, ref: ref, kind: inventory.DistributedSwitch, rules: p.Rules,
			}
			if pg := inv.Portgroup(inventory.Ref{VC: ref.VC, ID: p.Portgroup}); pg != nil {
				o.portgroup, o.name = facts.Portgroup(pg, pg.Name), pg.Name
			}
			all[objectKey(inv, o.vc, o.level, o.ref, "", o.port)] = o
		}
	}
	for _, h := range inv.AllHosts() {
		standardObjects(inv, h, all)
	}
	return all
}

// standardObjects adds the standard switches and portgroups of a host.
func standardObjects(inv *inventory.Inventory, h *inventory.HostTable, all map[string]*object) {
	host, ref := h.Facts(), h.Ref()
	base := object{
		vc: ref.VC, host: moid(ref), kind: inventory.Standard, ref: ref, hostName: host.Name,
		moref: cmp.Or(moid(ref), host.Name) + "/",
	}
	for i := range host.Switches {
		s, o := &host.Switches[i], base
		o.moref += s.Name
		o.level, o.name, o.swName, o.sw, o.rules = inventory.LevelSwitch, s.Name, s.Name, facts.Switch(s, s.Kind, s.Name), s.Rules
		all[objectKey(inv, o.vc, o.level, ref, s.Name, "")] = &o
	}
	for i := range host.Portgroups {
		p, o := &host.Portgroups[i], base
		o.moref += p.Name
		o.level, o.name, o.swName, o.sw = inventory.LevelPortgroup, p.Name, p.Switch, facts.Switch(nil, p.Kind, p.Switch)
		o.portgroup, o.rules = facts.Portgroup(p, p.Name), p.Rules
		all[objectKey(inv, o.vc, o.level, ref, p.Name, "")] = &o
	}
}

// change is what an object that was told to have other rules has become, without anybody's word on it.
func (o *object) change(old inventory.Rules, now inventory.Stamp) inventory.PolicyChange {
	return inventory.PolicyChange{
		When: now, VC: o.vc, Level: o.level, Kind: o.kind, Object: o.ref, Host: o.hostName, Name: o.name, Switch: o.swName, Port: o.port, Old: old, New: o.rules,
	}
}
