package app

import (
	"errors"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"vswarden/detect"
	"vswarden/event"
	"vswarden/pipeline"
	"vswarden/spool"
)

// Health names a memory of the detections that cannot be written, and is well otherwise: lines go on.
func TestHealthNamesDetectionsThatCannotBeSaved(t *testing.T) {
	log, err := spool.Open(spool.NewMemFS(), "log", spool.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // in memory
	intake := pipeline.NewIntake(pipeline.IntakeConfig{Log: log})
	if err := intake.Emit(t.Context(), &event.Event{Common: event.Common{Dataset: event.DatasetAlert}}); err != nil {
		t.Fatal(err)
	}
	cursor, err := log.Cursor(detectCursor, spool.StartOldest)
	if err != nil {
		t.Fatal(err)
	}
	if err := log.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	p := &parts{intake: intake, detection: pipeline.NewDetection(pipeline.DetectionConfig{
		Cursor: cursor, Clock: intake, Detector: detect.New(detect.DefaultConfig()), Emit: intake.Emit, Log: zerolog.Nop(),
		Save: func(detect.Memory) error { return errors.New("no room left") },
	})}
	if ok, detail := p.healthy(); !ok || strings.Contains(detail, "detections") {
		t.Errorf("before: %v %q", ok, detail)
	}
	if err := p.detection.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ok, detail := p.healthy(); !ok || !strings.Contains(detail, "detections: no room left") {
		t.Errorf("after: %v %q", ok, detail)
	}
}
