package app

import (
	"context"
	"errors"
	"fmt"
	"io"

	"vswarden/configs"
	sinkkafka "vswarden/sink/kafka"
	"vswarden/topic"
)

// ErrFindings says that what was looked at is not as it should be: exit code 3.
var ErrFindings = errors.New("findings")

// CheckConnect goes to everything that the configuration names and says what is missing there and what
// will bite, each finding one line. What cannot be reached is a finding too. The error is ctx's.
func CheckConnect(ctx context.Context, cfg configs.Config) (findings []string, err error) {
	note := func(what string, found []string, err error) {
		for _, f := range found {
			findings = append(findings, what+": "+f)
		}
		if err != nil && ctx.Err() == nil {
			findings = append(findings, what+": "+err.Error())
		}
	}
	if cfg.Tier() == configs.RoleEnrich {
		k := cfg.Source.Kafka
		for _, s := range cfg.Sinks {
			found, err := topic.Findings(ctx, k, s.Name)
			note("source "+k.GroupOf(s.Name), found, err)
		}
	}
	for _, s := range cfg.Sinks {
		if s.Type == configs.SinkKafka {
			found, err := sinkkafka.Findings(ctx, s.Kafka)
			note("sink "+s.Name, found, err)
		}
	}
	vcenterFindings(ctx, cfg, note)
	return findings, ctx.Err()
}

// Connect writes what CheckConnect finds, for `vswarden check --connect`; ErrFindings where it finds
// anything.
func Connect(ctx context.Context, w io.Writer, cfg configs.Config) error {
	findings, err := CheckConnect(ctx, cfg)
	for _, f := range findings {
		if _, werr := fmt.Fprintln(w, string(escapeControl([]byte(f)))); werr != nil {
			return werr
		}
	}
	switch {
	case err != nil:
		return err
	case len(findings) > 0:
		return fmt.Errorf("%w: %d, see above", ErrFindings, len(findings))
	}
	_, err = fmt.Fprintln(w, "no findings")
	return err
}
