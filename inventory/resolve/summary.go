package resolve

import (
	"slices"
	"strings"

	"vswarden/inventory"
)

// Summary is inventory show: where the knowledge comes from, how old it is and how much there is.
type Summary struct {
	At       inventory.Stamp `json:"at"`
	Snapshot inventory.Stamp `json:"snapshot_written,omitzero"` // where it was read from a file
	Horizon  inventory.Stamp `json:"horizon,omitzero"`          // intervals that ended before may be forgotten
	Sources  []SourceLine    `json:"sources"`
	Stats    inventory.Stats `json:"stats"`
	Hosts    []HostLine      `json:"hosts"`
}

// SourceLine is one source.
type SourceLine struct {
	Name     string          `json:"name"`
	Kind     string          `json:"kind"` // pushed, live, stream, import
	VCenter  string          `json:"vcenter,omitempty"`
	State    string          `json:"state"` // healthy, stale, snapshot, or the kind where that says it all
	Reported inventory.Stamp `json:"reported,omitzero"`
	AgeMS    int64           `json:"age_ms,omitempty"`
}

// HostLine is one host.
type HostLine struct {
	Name       string          `json:"name"`
	Version    string          `json:"version,omitempty"`
	Build      string          `json:"build,omitempty"`
	VCenter    string          `json:"vcenter,omitempty"`
	Cluster    string          `json:"cluster,omitempty"`
	Connection string          `json:"connection,omitempty"`
	VMs        int             `json:"vms"`
	Ports      int             `json:"ports"`
	KnownSince inventory.Stamp `json:"known_since,omitzero"`
	Told       inventory.Stamp `json:"told,omitzero"` // up to when all changes are known
}

// Show summarises the inventory. written is when its snapshot was, 0 for one that is live.
func Show(inv *inventory.Inventory, written, now inventory.Stamp) *Summary {
	s := &Summary{At: now, Snapshot: written, Horizon: inv.Horizon(), Stats: inv.Stats(), Sources: []SourceLine{}, Hosts: []HostLine{}}
	for _, src := range inv.Sources() {
		s.Sources = append(s.Sources, sourceLine(inv, src, now))
	}
	for _, h := range inv.AllHosts() {
		f := h.Facts()
		vms, ports := h.Counts()
		s.Hosts = append(s.Hosts, HostLine{
			Name: f.Name, Version: f.Version, Build: f.Build, VCenter: inv.VCenter(h.Ref().VC).Name, Cluster: f.Cluster.Name,
			Connection: f.Connection.String(), VMs: vms, Ports: ports, KnownSince: h.KnownSince(), Told: h.Told(now),
		})
	}
	slices.SortFunc(s.Hosts, func(a, b HostLine) int { return strings.Compare(a.Name, b.Name) })
	return s
}

func sourceLine(inv *inventory.Inventory, src inventory.SourceState, now inventory.Stamp) SourceLine {
	line := SourceLine{Name: src.Name, Kind: src.Kind.String(), VCenter: inv.VCenter(src.VC).Name, Reported: src.Reported, State: src.Kind.String()}
	if src.Kind != inventory.SourcePushed {
		return line
	}
	switch {
	case !src.Synced:
		line.State = "snapshot"
	case src.Live && now.Sub(src.Reported) <= inventory.Quiet:
		line.State = "healthy"
	default:
		line.State = "stale"
	}
	if src.Reported != 0 {
		line.AgeMS = max(0, now.Sub(src.Reported).Milliseconds())
	}
	return line
}
