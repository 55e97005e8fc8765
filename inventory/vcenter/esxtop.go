package vcenter

import (
	"context"
	"errors"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
	"vswarden/inventory/vcenter/answer"
)

var errNoService = errors.New("the host has no Esxtop service")

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
	return answer.EsxtopRows(counters, stats)
}

func simpleCommand(ctx context.Context, rt soap.RoundTripper, service types.ManagedObjectReference, command string) (string, error) {
	res, err := methods.ExecuteSimpleCommand(ctx, rt, &types.ExecuteSimpleCommand{This: service, Arguments: []string{command}})
	if err != nil {
		return "", err
	}
	return res.Returnval, nil
}
