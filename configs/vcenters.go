package configs

import (
	"fmt"
	"net/url"
	"strings"

	"vswarden/inventory/vcenter/access"
	"vswarden/setting"
)

// maxVCenters bounds the servers: the inventory numbers its sources with a byte.
const maxVCenters = 100

// nameVCenters names those without a name after their host.
func nameVCenters(all []access.Config) {
	for i := range all {
		if u, err := url.Parse(all[i].URL); all[i].Name == "" && err == nil {
			all[i].Name = u.Host
		}
	}
}

// vcenterFaults checks each vCenter, and that no two are one.
func (c Config) vcenterFaults() (faults []setting.Fault) {
	if len(c.VCenters) > maxVCenters {
		faults = append(faults, setting.Fault{Path: "vcenters", Value: "[…]", Problem: fmt.Sprintf("%d of them, write at most %d", len(c.VCenters), maxVCenters)})
	}
	for i, v := range c.VCenters {
		path := fmt.Sprintf("vcenters[%d]", i)
		faults = append(faults, setting.Under(path, v.Validate())...)
		for j, other := range c.VCenters[:i] {
			switch {
			case v.URL != "" && strings.EqualFold(v.URL, other.URL):
				faults = append(faults, setting.Fault{Path: path + ".url", Value: show(hideUser(v.URL)), Problem: fmt.Sprintf("vcenters[%d] has this address too, delete one of them", j)})
			case v.Name != "" && strings.EqualFold(v.Name, other.Name):
				faults = append(faults, setting.Fault{Path: path + ".name", Value: show(v.Name), Problem: fmt.Sprintf("vcenters[%d] has this name too, write another", j)})
			default:
				continue
			}
			break
		}
	}
	return faults
}

// hideUser takes a password out of an address, where somebody wrote one.
func hideUser(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Redacted()
	}
	return "<secret>"
}
