package main

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// extend adds what the simulator does not have. Objects that it looks for by their Go type keep it: what we add stands
// beside them under another type name, and handle sends the calls there.
func (v *vcenter) extend() {
	reg := v.registry()
	if v.dvs != nil {
		reg.Put(&dvSwitch{aliasOf(v.dvs.Self), v})
	}
	if ref := v.model.ServiceContent.ServiceManager; ref != nil {
		reg.Put(&services{mo.ServiceManager{Self: *ref}, v})
	}
	if ref := v.model.ServiceContent.AuthorizationManager; ref != nil {
		if m, ok := reg.Get(*ref).(*simulator.AuthorizationManager); ok {
			reg.Put(&rights{m, v})
		}
	}
	reg.Handler = v.handle
}

func aliasOf(ref types.ManagedObjectReference) types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: "Estate" + ref.Type, Value: ref.Value}
}

// needs names the privilege that a call takes beyond Read-only.
func needs(method string) string {
	switch method {
	case "QueryServiceList", "ExecuteSimpleCommand":
		return "Global.ServiceManagers"
	case "RetrieveManagedMethodExecuter", "RetrieveDynamicTypeManager", "ExecuteSoap":
		return "Host.Config.Settings"
	}
	return ""
}

// granted reports whether the estate's user has a privilege.
func (v *vcenter) granted(privilege string) bool {
	switch privilege {
	case "Global.ServiceManagers":
		return v.w.opt.rights != "read-only"
	case "Host.Config.Settings":
		return v.w.opt.rights == "all"
	}
	return v.w.opt.rights == "all" || strings.HasPrefix(privilege, "System.")
}

// handle is called before each call of a client.
func (v *vcenter) handle(ctx *simulator.Context, m *simulator.Method) (mo.Reference, types.BaseMethodFault) {
	if p := needs(m.Name); p != "" && !v.granted(p) {
		return nil, &types.NoPermission{Object: &m.This, PrivilegeId: p}
	}
	switch m.Name {
	case "WaitForUpdatesEx":
		m.This = feedRef()
	case "FetchDVPorts":
		m.This = aliasOf(m.This)
	case "ExecuteSoap":
		if o := ctx.Map.Get(m.This); o != nil {
			if _, ours := o.(*executer); !ours && v.moids[m.This.Value] != nil {
				ctx.Map.Put(&executer{m.This, o, v})
			}
		}
	}
	return nil, nil
}

// rights says what the user may do, as the flag says.
type rights struct {
	*simulator.AuthorizationManager
	v *vcenter
}

// HasPrivilegeOnEntities has the name and shape that the simulator calls by reflection, as have all below.
func (m *rights) HasPrivilegeOnEntities(r *types.HasPrivilegeOnEntities) soap.HasFault {
	return &methods.HasPrivilegeOnEntitiesBody{Res: &types.HasPrivilegeOnEntitiesResponse{Returnval: m.of(r.Entity, r.PrivId)}}
}

// HasUserPrivilegeOnEntities answers for any user alike.
func (m *rights) HasUserPrivilegeOnEntities(r *types.HasUserPrivilegeOnEntities) soap.HasFault {
	return &methods.HasUserPrivilegeOnEntitiesBody{Res: &types.HasUserPrivilegeOnEntitiesResponse{Returnval: m.of(r.Entities, r.PrivId)}}
}

func (m *rights) of(entities []types.ManagedObjectReference, privileges []string) (list []types.EntityPrivilege) {
	for _, e := range entities {
		p := types.EntityPrivilege{Entity: e}
		for _, id := range privileges {
			p.PrivAvailability = append(p.PrivAvailability, types.PrivilegeAvailability{PrivId: id, IsGranted: m.v.granted(id)})
		}
		list = append(list, p)
	}
	return list
}

// FetchUserPrivilegeOnEntities lists the privileges there are.
func (m *rights) FetchUserPrivilegeOnEntities(r *types.FetchUserPrivilegeOnEntities) soap.HasFault {
	has := []string{"System.Anonymous", "System.View", "System.Read"}
	for _, p := range []string{"Global.ServiceManagers", "Host.Config.Settings"} {
		if m.v.granted(p) {
			has = append(has, p)
		}
	}
	body := &methods.FetchUserPrivilegeOnEntitiesBody{Res: &types.FetchUserPrivilegeOnEntitiesResponse{}}
	for _, e := range r.Entities {
		body.Res.Returnval = append(body.Res.Returnval, types.UserPrivilegeResult{Entity: e, Privileges: has})
	}
	return body
}

// dvSwitch answers for the ports of the distributed switch.
type dvSwitch struct {
	types.ManagedObjectReference
	v *vcenter
}

// FetchDVPorts lists the ports, with who is on them and their state. A port's key stays with its adapter.
func (d *dvSwitch) FetchDVPorts(_ *simulator.Context, r *types.FetchDVPorts) soap.HasFault {
	d.v.w.mu.Lock()
	defer d.v.w.mu.Unlock()
	body := &methods.FetchDVPortsBody{Res: &types.FetchDVPortsResponse{}}
	for _, m := range d.v.w.vms {
		for _, n := range m.nics {
			if n.group.distributed && wanted(r.Criteria, n) {
				body.Res.Returnval = append(body.Res.Returnval, d.port(n))
			}
		}
	}
	return body
}

func (d *dvSwitch) port(n *nic) types.DistributedVirtualPort {
	p := types.DistributedVirtualPort{
		Key: n.dvport, DvsUuid: d.v.dvs.Uuid, PortgroupKey: n.group.moid,
		Connectee: &types.DistributedVirtualSwitchPortConnectee{ConnectedEntity: &d.v.vms[n.vm].Self, NicKey: strconv.Itoa(int(n.key)), Type: "vmVnic"},
		Config:    types.DVPortConfigInfo{Setting: &types.VMwareDVSPortSetting{SecurityPolicy: security(n.group.forged, true)}},
	}
	if n.port != 0 {
		host := d.v.hosts[n.vm.host].Self
		p.ProxyHost = &host
		p.State = &types.DVPortState{RuntimeInfo: &types.DVPortStatus{LinkUp: true, MacAddress: n.mac}}
	}
	return p
}

// wanted reports whether a port meets the criteria of a call.
func wanted(c *types.DistributedVirtualSwitchPortCriteria, n *nic) bool {
	if c == nil {
		return true
	}
	has := func(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }
	inside := c.Inside != nil && *c.Inside
	return has(c.PortKey, n.dvport) && (c.Connected == nil || *c.Connected == (n.port != 0)) && (!inside || has(c.PortgroupKey, n.group.moid))
}

// services is the ServiceManager: each host has an Esxtop service.
type services struct {
	mo.ServiceManager
	v *vcenter
}

// QueryServiceList lists the services of the asked hosts.
func (m *services) QueryServiceList(ctx *simulator.Context, r *types.QueryServiceList) soap.HasFault {
	body := &methods.QueryServiceListBody{Res: &types.QueryServiceListResponse{}}
	for _, h := range m.v.w.hosts {
		location := "vmware.host." + h.name
		asked := len(r.Location) == 0
		for _, l := range r.Location {
			asked = asked || l == location
		}
		if !asked || r.ServiceName != "" && r.ServiceName != "Esxtop" {
			continue
		}
		ref := types.ManagedObjectReference{Type: "SimpleCommand", Value: "esxtop-" + h.moid}
		if ctx.Map.Get(ref) == nil {
			ctx.Map.Put(&esxtop{mo.SimpleCommand{Self: ref, EncodingType: "CSV"}, m.v, h})
		}
		body.Res.Returnval = append(body.Res.Returnval, types.ServiceManagerServiceInfo{ServiceName: "Esxtop", Location: []string{location}, Service: ref, Description: "Esxtop"})
	}
	return body
}

// esxtop is what PowerCLI's Get-EsxTop talks to.
type esxtop struct {
	mo.SimpleCommand
	v *vcenter
	h *host
}

// ExecuteSimpleCommand answers CounterInfo, FetchStats and FreeStats.
func (e *esxtop) ExecuteSimpleCommand(_ *simulator.Context, r *types.ExecuteSimpleCommand) soap.HasFault {
	body := &methods.ExecuteSimpleCommandBody{}
	command := strings.Join(r.Arguments, " ")
	var out strings.Builder
	switch command {
	case "CounterInfo":
		out.WriteString("|NetPort|PortsetName,CSTR|PortID,U32|ClientName,CSTR|IsUplink,B|TeamUplink,CSTR|LinkStatus,B|NumOfSendPackets,U64|\n")
	case "FetchStats":
		e.v.w.mu.Lock()
		ports := e.h.portsOf()
		out.WriteString("==NUM-OF-OBJ==\n")
		for _, n := range ports {
			fmt.Fprintf(&out, "|NetPort|PortID,%d|PortsetName,%s|\n", n.port, n.portset())
		}
		out.WriteString("==COUNTER-VALUE==\n")
		for _, n := range ports {
			fmt.Fprintf(&out, "|NetPort|%s|%d|%d:%s|0|vmnic0|1|0|\n", n.portset(), n.port, n.vm.world, n.client())
		}
		e.v.w.mu.Unlock()
	case "FreeStats":
	default:
		body.Fault_ = simulator.Fault("", &types.InvalidArgument{})
		return body
	}
	body.Res = &types.ExecuteSimpleCommandResponse{Returnval: out.String()}
	return body
}

// portset is how esxtop names the switch: a distributed one not by its name.
func (n *nic) portset() string {
	if n.group.distributed {
		return "DvsPortset-0"
	}
	return "vSwitch0"
}

// executer runs esxcli on a host. Requests are of a type that only govmomi may name: they are read by reflection.
type executer struct {
	types.ManagedObjectReference
	original mo.Reference
	v        *vcenter
}

// soapResult, ExecuteSoapResponse and executeSoapBody are what esxcli's answer is wrapped in. The
// simulator takes the element's name from that of the type.
type soapResult struct {
	Response string     `xml:"response,omitempty"`
	Fault    *soapFault `xml:"fault,omitempty"`
}

type soapFault struct {
	Message string `xml:"faultMsg"`
}

// ExecuteSoapResponse is the element of the answer.
type ExecuteSoapResponse struct {
	Returnval *soapResult `xml:"urn:vim25 returnval"`
}

type executeSoapBody struct {
	Res    *ExecuteSoapResponse `xml:"urn:vim25 ExecuteSoapResponse"`
	Fault_ *soap.Fault          //nolint:revive // The name that the simulator reads.
}

func (b *executeSoapBody) Fault() *soap.Fault { return b.Fault_ }

// ExecuteSoap answers the two commands that find ports; all else is the simulator's.
func (x *executer) ExecuteSoap(ctx *simulator.Context, request any) soap.HasFault {
	v := reflect.ValueOf(request).Elem()
	args := map[string]string{}
	for i, a := 0, v.FieldByName("Argument"); i < a.Len(); i++ {
		name, val := a.Index(i).FieldByName("Name").String(), a.Index(i).FieldByName("Val").String()
		args[name] = strings.TrimSuffix(strings.TrimPrefix(val, "<"+name+">"), "</"+name+">")
	}
	var kind string
	var rows [][][2]string
	switch v.FieldByName("Method").String() {
	case "vim.EsxCLI.network.vm.list":
		kind, rows = "VimEsxCLInetworkvmlistVM", x.vms()
	case "vim.EsxCLI.network.vm.port.list":
		kind, rows = "VimEsxCLInetworkvmportlistPort", x.ports(args["worldid"])
		if rows == nil { // as for a world that is not there
			return &executeSoapBody{Res: &ExecuteSoapResponse{&soapResult{Fault: &soapFault{"EsxCLI.CLIFault.summary"}}}}
		}
	default:
		out := reflect.ValueOf(x.original).MethodByName("ExecuteSoap").Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(request)})
		return out[0].Interface().(soap.HasFault)
	}
	var out strings.Builder
	out.WriteString(`<obj xmlns="urn:vim25" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="ArrayOfDataObject">`)
	for _, row := range rows {
		fmt.Fprintf(&out, `<DataObject xsi:type="%s">`, kind)
		for _, f := range row {
			fmt.Fprintf(&out, "<%s>%s</%s>", f[0], f[1], f[0])
		}
		out.WriteString("</DataObject>")
	}
	out.WriteString("</obj>")
	return &executeSoapBody{Res: &ExecuteSoapResponse{&soapResult{Response: out.String()}}}
}

func (x *executer) vms() [][][2]string {
	x.v.w.mu.Lock()
	defer x.v.w.mu.Unlock()
	rows := [][][2]string{}
	for _, m := range x.v.w.running(x.v.moids[x.Value]) {
		rows = append(rows, [][2]string{{"Name", m.kernel}, {"Networks", m.nics[0].group.name}, {"NumPorts", strconv.Itoa(len(m.nics))}, {"WorldID", strconv.Itoa(m.world)}})
	}
	return rows
}

func (x *executer) ports(world string) (rows [][][2]string) {
	x.v.w.mu.Lock()
	defer x.v.w.mu.Unlock()
	for _, n := range x.v.moids[x.Value].portsOf() {
		if strconv.Itoa(n.vm.world) != world {
			continue
		}
		portgroup, sw, dvport := n.group.name, "vSwitch0", ""
		if n.group.distributed {
			portgroup, sw, dvport = "", "DSwitch-Prod", n.dvport
		}
		rows = append(rows, [][2]string{
			{"DVPortID", dvport},
			{"IPAddress", "0.0.0.0"},
			{"MACAddress", n.mac},
			{"PortID", strconv.FormatUint(uint64(n.port), 10)},
			{"Portgroup", portgroup},
			{"TeamUplink", "vmnic0"},
			{"UplinkPortID", strconv.FormatUint(uplinkPort, 10)},
			{"vSwitch", sw},
		})
	}
	return rows
}
