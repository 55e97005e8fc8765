package vcenter

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
	"vswarden/inventory/vcenter/answer"
)

// esxcli over SOAP. govmomi has a client for it, which parses arguments with a flag set that ends the process where a host
// does not know one, and asks each host for its table of commands first. These are the only two commands ever
// sent; both only read.
const (
	listVMs   = "network.vm.list"
	listPorts = "network.vm.port.list"
)

var (
	errCommand  = errors.New("not one of the commands that only read")
	errNoAnswer = errors.New("the host did not answer the command")
	errESXCLI   = errors.New("the host refused the command")
)

// The bodies of the two calls. Their fields are what the vSphere API names them.
type (
	executerRequest struct {
		This types.ManagedObjectReference `xml:"_this"`
	}
	executerResponse struct {
		Returnval *types.ManagedObjectReference `xml:"urn:vim25 returnval"`
	}
	executerBody struct {
		Req    *executerRequest  `xml:"urn:vim25 RetrieveManagedMethodExecuter"`
		Res    *executerResponse `xml:"urn:vim25 RetrieveManagedMethodExecuterResponse"`
		Fault_ *soap.Fault       `xml:"http://schemas.xmlsoap.org/soap/envelope/ Fault,omitempty"` //nolint:revive // Fault is the method.
	}
	soapArgument struct {
		Name string `xml:"name"`
		Val  string `xml:"val"`
	}
	executeRequest struct {
		This     types.ManagedObjectReference `xml:"_this"`
		Moid     string                       `xml:"moid"`
		Version  string                       `xml:"version"`
		Method   string                       `xml:"method"`
		Argument []soapArgument               `xml:"argument,omitempty"`
	}
	executeResult struct {
		Response string `xml:"response,omitempty"`
		Fault    *struct {
			Message string `xml:"faultMsg"`
			Detail  string `xml:"faultDetail,omitempty"`
		} `xml:"fault,omitempty"`
	}
	executeResponse struct {
		Returnval *executeResult `xml:"urn:vim25 returnval"`
	}
	executeBody struct {
		Req    *executeRequest  `xml:"urn:vim25 ExecuteSoap"`
		Res    *executeResponse `xml:"urn:vim25 ExecuteSoapResponse"`
		Fault_ *soap.Fault      `xml:"http://schemas.xmlsoap.org/soap/envelope/ Fault,omitempty"` //nolint:revive // Fault is the method.
	}
)

// Fault returns the fault of an answer.
func (b *executerBody) Fault() *soap.Fault { return b.Fault_ }

// Fault returns the fault of an answer.
func (b *executeBody) Fault() *soap.Fault { return b.Fault_ }

// executer returns what runs commands on a host.
func executer(ctx context.Context, rt soap.RoundTripper, host types.ManagedObjectReference) (types.ManagedObjectReference, error) {
	var res executerBody
	if err := rt.RoundTrip(ctx, &executerBody{Req: &executerRequest{host}}, &res); err != nil {
		return types.ManagedObjectReference{}, err
	}
	if res.Res == nil || res.Res.Returnval == nil {
		return types.ManagedObjectReference{}, errNoAnswer
	}
	return *res.Res.Returnval, nil
}

// runCommand runs one of the two commands. world is for listPorts.
func runCommand(ctx context.Context, rt soap.RoundTripper, on types.ManagedObjectReference, command string, world uint64) ([]map[string]string, error) {
	req := &executeRequest{This: on, Version: "urn:vim25/5.0", Method: "vim.EsxCLI." + command}
	switch command {
	case listVMs:
		req.Moid = "ha-cli-handler-network-vm"
	case listPorts:
		req.Moid = "ha-cli-handler-network-vm-port"
		req.Argument = []soapArgument{{"worldid", "<worldid>" + strconv.FormatUint(world, 10) + "</worldid>"}}
	default:
		return nil, fmt.Errorf("%s: %w", command, errCommand)
	}
	var res executeBody
	if err := rt.RoundTrip(ctx, &executeBody{Req: req}, &res); err != nil {
		return nil, err
	}
	if res.Res == nil || res.Res.Returnval == nil {
		return nil, errNoAnswer
	}
	if f := res.Res.Returnval.Fault; f != nil {
		return nil, fmt.Errorf("%w: %s", errESXCLI, strings.TrimSpace(f.Message+" "+f.Detail))
	}
	return answer.CommandRows(res.Res.Returnval.Response)
}

// maxWorlds bounds the VMs of a host that one lookup asks for, where the line does not say which.
const maxWorlds = 256

// askESXCLI asks a host for the ports of its VMs: of the one that bears the name, or of all.
func (l *Live) askESXCLI(ctx context.Context, rt soap.RoundTripper, host, name string) (rows []inventory.Row, err error) {
	on, err := executer(ctx, rt, types.ManagedObjectReference{Type: "HostSystem", Value: host})
	if err != nil {
		return nil, err
	}
	vms, err := runCommand(ctx, rt, on, listVMs, 0)
	if err != nil {
		return nil, err
	}
	named := vms[:0:0]
	for _, vm := range vms {
		if name != "" && vm["Name"] == name {
			named = append(named, vm)
		}
	}
	if len(named) == 0 { // the kernel may know it by another name
		named = vms[:min(len(vms), maxWorlds)]
	}
	for _, vm := range named {
		world, err := strconv.ParseUint(vm["WorldID"], 10, 64)
		if err != nil {
			continue
		}
		ports, err := runCommand(ctx, rt, on, listPorts, world)
		if errors.Is(err, errESXCLI) {
			continue // it was powered off in between
		}
		if err != nil {
			return rows, err
		}
		for _, p := range ports {
			if r, ok := answer.PortRow(p, vm["Name"], world); ok {
				rows = append(rows, r)
			}
		}
	}
	return rows, nil
}
