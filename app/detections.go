package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"vswarden/configs"
	"vswarden/detect"
	"vswarden/pipeline"
	"vswarden/replace"
	"vswarden/spool"
	"vswarden/web"
)

// detectCursor is the name of the detections' place in the log: none that a sink can have.
const detectCursor = "@detect"

// openDetection makes the one detection of a node that has all: where lines are only handed on, or come
// by a topic that several nodes share, no node hears a host alone. nil: there is none.
func openDetection(cfg configs.Config, records *spool.Log, intake *pipeline.Intake, now func() time.Time, log zerolog.Logger) (*pipeline.Detection, error) {
	if cfg.Tier() != configs.RoleAll {
		return nil, nil
	}
	cursor, err := records.Cursor(detectCursor, spool.StartNewest)
	if err != nil {
		return nil, fmt.Errorf("detections: cursor: %w", err)
	}
	path := filepath.Join(cfg.DataDir, "detect.json")
	d := detect.New(cfg.Detections)
	if err := loadDetections(d, path, uint64(records.Stats().Next-1)); err != nil {
		if err := setAside(path, err, "the memory of the detections cannot be read and was set aside; they begin anew", now(), log); err != nil {
			return nil, err
		}
	}
	save := func(m detect.Memory) error { return replace.File(path, m.Save) }
	if cfg.Log.Body == spool.BodyMemory { // nothing that it could be about outlives the process
		save = func(detect.Memory) error { return nil }
	}
	return pipeline.NewDetection(pipeline.DetectionConfig{
		Cursor: cursor, Clock: intake, Detector: d, Emit: intake.Emit, Save: save, Full: records.Full, Log: log,
	}), nil
}

// follow lets the detections follow the first sink whose lines are decoded anyway.
func follow(outlets []*outlet, x *pipeline.Detection) {
	if x == nil {
		return
	}
	for _, t := range outlets {
		if t.delivery.SetWatch(x) {
			return
		}
	}
}

func loadDetections(d *detect.Detector, path string, last uint64) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	return d.Load(f, last)
}

func (p *parts) detectionMetrics() []web.Metric {
	if p.detection == nil {
		return nil
	}
	return []web.Metric{
		counter("vswarden_detections_total", "Events that the detections stated.", func() uint64 { n, _ := p.detection.Stated(); return n }),
		counter("vswarden_detections_dropped_total", "Events of the detections for which the log had no room for long.",
			func() uint64 { _, n := p.detection.Stated(); return n }),
		counter("vswarden_detections_passed_over_total", "Lines that the detections did not count.",
			func() uint64 { n, _ := p.detection.PassedOver(); return n }, web.Label{Name: "reason", Value: "panic"}),
		counter("vswarden_detections_passed_over_total", "Lines that the detections did not count.",
			func() uint64 { _, n := p.detection.PassedOver(); return n }, web.Label{Name: "reason", Value: "room"}),
	}
}
