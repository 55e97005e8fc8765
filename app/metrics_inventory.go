package app

import (
	"time"

	"vswarden/inventory"
	"vswarden/web"
)

// inventoryMetrics counts what the inventory holds and how old it is. Names of sources come from the configuration.
func (p *parts) inventoryMetrics() []web.Metric {
	inv := p.known.inv
	age := func(s inventory.Stamp) float64 {
		if s == 0 {
			return 0
		}
		return max(0, p.known.now().Sub(s.Time()).Seconds())
	}
	all := []web.Metric{
		gauge("vswarden_inventory_objects", "Objects that are there now.",
			func() float64 { return float64(inv.Stats().Hosts) }, web.Label{Name: "kind", Value: "host"}),
		gauge("vswarden_inventory_objects", "Objects that are there now.",
			func() float64 { return float64(inv.Stats().VMs) }, web.Label{Name: "kind", Value: "vm"}),
		gauge("vswarden_inventory_intervals", "Ended intervals that are kept: who held a port before, former names, places and policies.",
			func() float64 { return float64(inv.Stats().Intervals) }),
		counter("vswarden_inventory_evictions_total", "Ended intervals that were forgotten.",
			func() uint64 { return uint64(inv.Stats().EvictedByAge) }, web.Label{Name: "reason", Value: "age"}),
		counter("vswarden_inventory_evictions_total", "Ended intervals that were forgotten.",
			func() uint64 { return uint64(inv.Stats().EvictedByRoom) }, web.Label{Name: "reason", Value: "room"}),
		gauge("vswarden_inventory_horizon_timestamp_seconds", "The moment before which intervals may have been forgotten; 0 while none was.",
			func() float64 { return float64(inv.Horizon()) / float64(time.Second) }),
		counter("vswarden_inventory_learned_total", "What log lines of trusted senders said of ports.",
			func() uint64 { return uint64(inv.Stats().Learned) }, web.Label{Name: "result", Value: "taken"}),
		counter("vswarden_inventory_learned_total", "What log lines of trusted senders said of ports.",
			func() uint64 { return uint64(inv.Stats().LearnRefused) }, web.Label{Name: "result", Value: "refused"}),
		gauge("vswarden_inventory_snapshot_age_seconds", "Age of the last snapshot on disk; 0 while there is none.",
			func() float64 { return age(inventory.Stamp(p.known.saved.Load())) }),
		gauge("vswarden_inventory_untrusted_hosts", "Hosts whose port table disagreed with more than one in a hundred of their last lines: alone it is not believed.",
			func() float64 {
				most := 0 // a delivery that is ahead has seen more
				for _, t := range p.outlets {
					if t.joiner != nil {
						most = max(most, t.joiner.Untrusted())
					}
				}
				return float64(most)
			}),
		counter("vswarden_inventory_snapshot_failures_total", "Snapshots that could not be written.", p.known.failures.Load),
	}
	for _, s := range inv.Sources() {
		if s.Kind != inventory.SourcePushed && s.Kind != inventory.SourceLive || !follows(p.feeders, s.Name) { // of one that was taken out of the configuration nobody waits for news
			continue
		}
		name := web.Label{Name: "source", Value: s.Name}
		all = append(all,
			gauge("vswarden_inventory_source_healthy", "1 while the source tells of every change.", func() float64 {
				if now := inv.Source(s.ID); now.Live && p.known.now().Sub(now.Reported.Time()) <= inventory.Quiet {
					return 1
				}
				return 0
			}, name),
			gauge("vswarden_inventory_source_age_seconds", "How long ago the source last told that it had told all; 0 while it never has.",
				func() float64 { return age(inv.Source(s.ID).Reported) }, name))
	}
	return all
}
