package app

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"vswarden/configs"
	"vswarden/pipeline"
	"vswarden/receiver"
)

// Describe writes what a configuration without faults will do, for `vswarden check`. Files that it names and that are
// not there, or not what they should be, are faults too.
func Describe(w io.Writer, cfg configs.Config) error {
	if faults := checkFaults(cfg); len(faults) > 0 {
		return faults
	}
	var b strings.Builder
	fmt.Fprintf(&b, "role            %s\n", cfg.Tier())
	fmt.Fprintf(&b, "data directory  %s\n", cfg.DataDir)
	if k := cfg.Source.Kafka; cfg.Tier() == configs.RoleEnrich {
		fmt.Fprintf(&b, "source          topic %s at %s, groups %s\n", k.Topic, strings.Join(k.Brokers, ", "), k.GroupOf("SINK"))
	}
	for _, l := range cfg.Listeners {
		framing := ""
		if l.Framing != receiver.FramingAuto {
			framing = fmt.Sprintf(", framing %s", l.Framing)
		}
		fmt.Fprintf(&b, "listen          %s (%s, time zone of stamps that name none: %s%s)\n", l.Address, l.Name, l.Timezone, framing)
	}
	if cfg.Tier() != configs.RoleEnrich {
		fmt.Fprintf(&b, "log             %s, sync %s, at most %s, %s kept free\n", cfg.Log.Body, cfg.Log.Sync, cfg.Log.MaxSize, cfg.Log.MinFree)
	}
	for _, c := range cfg.VCenters {
		fmt.Fprintf(&b, "vcenter         %s: %s\n", c.Name, c.URL)
	}
	for _, s := range cfg.Sinks {
		where := ""
		switch s.Type {
		case configs.SinkFile:
			where = " " + s.File.Path
		case configs.SinkKafka:
			where = " topic " + s.Kafka.Topic + " at " + strings.Join(s.Kafka.Brokers, ", ")
		}
		form := fmt.Sprintf("detail %s, original %s", s.Detail, s.Original)
		if s.Format == pipeline.FormatRaw {
			form = "each line as it came"
		}
		fmt.Fprintf(&b, "sink            %s: %s%s, %s\n", s.Name, s.Type, where, form)
	}
	fmt.Fprintf(&b, "admin           %s\n", cmp.Or(cfg.Admin.Listen, "none: no metrics, no health"))
	b.WriteString("no faults\n")
	_, err := io.WriteString(w, b.String())
	return err
}
