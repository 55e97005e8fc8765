package app

import (
	"fmt"
	"strings"

	"github.com/rs/zerolog"

	"vswarden/configs"
	"vswarden/enrich"
	"vswarden/inventory"
	"vswarden/inventory/vcenter"
	"vswarden/pipeline"
	"vswarden/web"
)

// openFeeders makes what keeps the inventory up to date. Run starts them before the deliveries and
// stops them after.
func openFeeders(cfg configs.Config, inv *inventory.Inventory) (feeders []feeder, err error) {
	for _, c := range cfg.VCenters {
		f, err := vcenter.New(inv, c, nil)
		if err != nil {
			return nil, fmt.Errorf("vCenter %s: %w", c.URL, err)
		}
		feeders = append(feeders, f)
	}
	return feeders, nil
}

// askers asks the hosts of vCenters where that is turned on.
type askers []*vcenter.Live

// openAskers gathers who asks hosts; nil where nobody does.
func openAskers(feeders []feeder) enrich.Asker {
	var all askers
	for _, f := range feeders {
		if v, ok := f.(*vcenter.Feeder); ok && v.Live() != nil {
			all = append(all, v.Live())
		}
	}
	if all == nil {
		return nil
	}
	return all
}

// Ask asks the host's own vCenter.
func (a askers) Ask(host inventory.Ref, port uint32, name string) bool {
	for _, l := range a {
		if l.Serves(host) {
			return l.Ask(host, port, name)
		}
	}
	return false
}

// patience has a delivery wait for lines whose port may soon be known, where that is turned on. Even where it does not
// wait, hosts are asked, for later lines.
func patience(d *pipeline.DeliveryConfig, cfg configs.Config, joiner *enrich.Enricher, hosts enrich.Asker) {
	if hosts != nil {
		joiner.AskWith(hosts)
	}
	if d.Format == pipeline.FormatECS && (hosts != nil || cfg.Enrich.Wait > 0) {
		d.Waiter, d.Wait = joiner, cfg.Enrich.Wait
	}
}

// feederWatch logs how vCenters stand when that changes.
type feederWatch struct{ last map[string]string }

// report logs what changed since the last call.
func (w *feederWatch) report(feeders []feeder, log zerolog.Logger) {
	if w.last == nil {
		w.last = map[string]string{}
	}
	changed := func(key, now string) bool {
		was := w.last[key]
		w.last[key] = now
		return was != now
	}
	for _, f := range feeders {
		v, ok := f.(*vcenter.Feeder)
		if !ok {
			continue
		}
		s := v.Status()
		if changed(s.Name, s.State.String()+s.Error) {
			switch {
			case s.State == vcenter.Following:
				log.Info().Str("vcenter", s.Name).Str("server", s.Server).Msg("all that the vCenter shows is known, changes are followed")
			case s.Error != "":
				log.Warn().Str("vcenter", s.Name).Stringer("state", s.State).Str("error", s.Error).Msg("the vCenter is not followed; events go out with what is known, it is tried again")
			}
		}
		if changed(s.Name+" kept", s.Kept) && s.Kept != "" {
			log.Warn().Str("vcenter", s.Name).Msg("kept in the inventory: " + s.Kept)
		}
		for _, m := range s.Missing {
			if changed(s.Name+" "+m.What, m.Why) {
				log.Warn().Str("vcenter", s.Name).Str("what", m.What).Str("why", m.Why).Str("privilege", m.Privilege).Msg("not to be had: " + m.Lost)
			}
		}
	}
}

// feederHealth names what vCenters do not let us see. It is no failure.
func (p *parts) feederHealth() (lines []string) {
	for _, f := range p.feeders {
		v, ok := f.(*vcenter.Feeder)
		if !ok {
			continue
		}
		s := v.Status()
		if s.Kept != "" {
			lines = append(lines, "inventory "+s.Name+": kept: "+s.Kept)
		}
		for _, a := range s.Apart {
			lines = append(lines, "inventory "+s.Name+": out of sync: "+a+": the host does not have the settings that vCenter believes it has")
		}
		for _, m := range s.Missing {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("inventory %s: missing right: %s (%s, %d times): %s", s.Name, m.What, m.Why, m.Count, m.Lost)))
		}
	}
	return lines
}

// feederMetrics counts what the vCenters did. Names come from the configuration.
func (p *parts) feederMetrics() (all []web.Metric) {
	for _, f := range p.feeders {
		v, ok := f.(*vcenter.Feeder)
		if !ok {
			continue
		}
		st := v.Stats()
		name := web.Label{Name: "source", Value: v.Name()}
		count := func(what string, value func() uint64) {
			all = append(all, counter("vswarden_inventory_vcenter_total", "What was done over the vSphere API, and what went wrong.", value, name, web.Label{Name: "what", Value: what}))
		}
		count("sessions", st.Sessions.Load)
		count("syncs", st.Syncs.Load)
		count("answers", st.Answers.Load)
		count("objects", st.Objects.Load)
		count("failures", st.Failures.Load)
		count("retries", st.Retries.Load)
		count("restarts", st.Restarts.Load)
		count("panics", st.Panics.Load)
		count("unknown_devices", st.NilDevices.Load)
		count("sweeps_refused", st.SweepsRefused.Load)
		count("leaves_refused", st.LeavesRefused.Load)
		count("port_reads", st.PortReads.Load)
		count("port_failures", st.PortFailures.Load)
		count("events", st.Events.Load)
		for _, d := range vcenter.Deeds() {
			count("deed_"+d.String(), st.Deeds[d].Load)
		}
		count("event_failures", st.EventFailures.Load)
		if v.Live() != nil {
			l := v.Live().Stats()
			ask := func(result string, value func() uint64) {
				all = append(all, counter("vswarden_inventory_lookups_total", "Questions to hosts who holds a port, and why they were not asked.", value, name, web.Label{Name: "result", Value: result}))
			}
			ask("answered", l.Answered.Load)
			ask("unknown", l.Unknown.Load)
			ask("failed", l.Failed.Load)
			ask("joined", l.Joined.Load)
			ask("limited", l.Limited.Load)
			ask("broken", l.Broken.Load)
			ask("remembered", l.Remembered.Load)
		}
		all = append(all, gauge("vswarden_inventory_missing_rights", "Properties and calls that the user may not read or make.",
			func() float64 { return float64(len(v.Status().Missing)) }, name))
	}
	return all
}
