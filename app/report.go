package app

import (
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"vswarden/configs"
	"vswarden/inventory"
	"vswarden/pipeline"
	"vswarden/posture"
	"vswarden/web"
)

// openReporter makes what states policies and their changes. It keeps what it has told beside the snapshot, whose lock
// it is under.
func openReporter(cfg configs.Config, inv *inventory.Inventory, intake *pipeline.Intake, now func() time.Time, log zerolog.Logger) (*posture.Reporter, error) {
	r, err := posture.Open(posture.Options{
		Inventory: inv, Emit: intake.Emit, Path: filepath.Join(inventoryDir(cfg.DataDir), "told.json"), Interval: cfg.Posture.Interval, Now: now,
	})
	if err == nil && r.Aside != "" {
		log.Error().Str("file", r.Aside).Msg("what was told of policies is damaged and was set aside; changes made while no vswarden ran are not told")
	}
	return r, err
}

func (p *parts) postureMetrics() []web.Metric {
	r := p.reporter
	return []web.Metric{
		counter("vswarden_policy_changes_total", "Changes of policies of virtual switches that were stated.", r.Changes.Load),
		counter("vswarden_policy_changes_lost_total", "Changes of policies that there was no room for before they were stated.", p.known.inv.PolicyChangesLost),
		gauge("vswarden_posture_findings", "Portgroups and ports that permitted something when posture.interval last looked.",
			func() float64 { return float64(r.Findings.Load()) }),
		counter("vswarden_posture_unsaved_total", "Times that what was told of policies could not be written beside the snapshot.", r.Failures.Load),
	}
}
