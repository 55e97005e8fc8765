package vcenter

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
)

var (
	errNoService = errors.New("the host has no Esxtop service")
	errCounters  = errors.New("the Esxtop service names no ports")
)

// askEsxtop asks a host's Esxtop service, as PowerCLI's Get-EsxTop does (KB 304453). It answers with all there is, for
// which the host has to gather it all.
func (l *Live) askEsxtop(ctx context.Context, link *link, host string) ([]inventory.Row, error) {
	manager := link.ServiceContent.ServiceManager
	if manager == nil {
		return nil, errNoService
	}
	req := &types.QueryServiceList{This: *manager, ServiceName: "Esxtop"}
	if link.IsVC() {
		req.Location = []string{"vmware.host." + host}
	}
	list, err := methods.QueryServiceList(ctx, link, req)
	if err != nil {
		return nil, err
	}
	if len(list.Returnval) == 0 {
		return nil, errNoService
	}
	service := list.Returnval[0].Service
	counters, err := simpleCommand(ctx, link, service, "CounterInfo")
	if err != nil {
		return nil, err
	}
	stats, err := simpleCommand(ctx, link, service, "FetchStats")
	if err != nil {
		return nil, err
	}
	_, _ = simpleCommand(ctx, link, service, "FreeStats") // the host lets go of what it gathered; it does so by itself later
	return esxtopRows(counters, stats)
}

func simpleCommand(ctx context.Context, rt soap.RoundTripper, service types.ManagedObjectReference, command string) (string, error) {
	res, err := methods.ExecuteSimpleCommand(ctx, rt, &types.ExecuteSimpleCommand{This: service, Arguments: []string{command}})
	if err != nil {
		return "", err
	}
	return res.Returnval, nil
}

// esxtopRows reads the ports from what the service answers: one line of names, |NetPort|PortID,U32|…|, and a line of
// values for each port after ==COUNTER-VALUE==. The order of the names differs per release.
func esxtopRows(counters, stats string) (rows []inventory.Row, err error) {
	var names []string
	for line := range strings.Lines(counters) {
		if f := netPort(line); f != nil {
			for i := range f {
				f[i], _, _ = strings.Cut(f[i], ",")
			}
			names = f
			break
		}
	}
	port, client, portset := -1, -1, -1
	for i, n := range names {
		switch strings.ToLower(n) {
		case "portid":
			port = i
		case "clientname":
			client = i
		case "portsetname":
			portset = i
		}
	}
	if port < 0 || client < 0 {
		return nil, errCounters
	}
	_, values, _ := strings.Cut(stats, "==COUNTER-VALUE==")
	for line := range strings.Lines(values) {
		f := netPort(line)
		if f == nil || len(f) <= max(port, client, portset) {
			continue
		}
		id, err := strconv.ParseUint(strings.TrimSpace(f[port]), 10, 32)
		if err != nil || id == 0 {
			continue
		}
		if len(rows) == maxRows {
			return rows, errTooMany
		}
		r := inventory.Row{Port: uint32(id)}
		r.Client = f[client]
		if world, name, ok := strings.Cut(r.Client, ":"); ok { // 36139:web-01.eth0
			if w, err := strconv.ParseUint(world, 10, 64); err == nil {
				r.World, r.Client = w, name
			}
		}
		r.Kind, r.VM, r.Device = inventory.ParseClient(r.Client)
		if portset >= 0 {
			r.Net.Switch = f[portset]
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// netPort returns the fields of a line about a port, or nil.
func netPort(line string) []string {
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), "|NetPort|")
	if !ok {
		return nil
	}
	return strings.Split(strings.TrimSuffix(rest, "|"), "|")
}
