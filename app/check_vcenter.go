package app

import (
	"context"

	"vswarden/configs"
	"vswarden/inventory/vcenter"
)

// vcenterFindings logs in to each vCenter and says what will not resolve there.
func vcenterFindings(ctx context.Context, cfg configs.Config, note func(what string, found []string, err error)) {
	for _, c := range cfg.VCenters {
		found, err := vcenter.Findings(ctx, c)
		note("vcenter "+c.Name, found, err)
	}
}
