package app

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vswarden/configs"
	"vswarden/event"
	"vswarden/inventory/vcenter/access"
	"vswarden/pipeline"
	"vswarden/receiver"
	"vswarden/setting"
)

// checked returns what `vswarden check` says of the files that cfg names.
func checked(t *testing.T, cfg configs.Config) setting.Faults {
	t.Helper()
	err := Describe(io.Discard, cfg)
	faults, _ := errors.AsType[setting.Faults](err)
	if err != nil && len(faults) == 0 {
		t.Fatal(err)
	}
	return faults
}

func TestCheckNamesEveryFile(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "no", "file")

	cfg := configs.Default()
	cfg.DataDir = filepath.Join(text, "data")
	cfg.Role = configs.RoleEnrich
	cfg.Listeners = nil
	cfg.Source.Kafka.TLS.CAFile = missing
	sink := func(name string, kind configs.SinkType, path string) configs.Sink {
		s := configs.DefaultSink()
		s.Name, s.Type, s.File.Path = name, kind, path
		return s
	}
	broker := sink("broker", configs.SinkKafka, "")
	broker.Kafka.TLS.CAFile, broker.Kafka.TLS.CertFile, broker.Kafka.TLS.KeyFile = text, missing, missing
	broker.Kafka.SASL.Mechanism, broker.Kafka.SASL.PasswordFile = "plain", missing
	good := sink("secret", configs.SinkKafka, "")
	good.Kafka.SASL.Mechanism, good.Kafka.SASL.PasswordFile = "plain", text
	cfg.Sinks = []configs.Sink{
		broker, sink("nodir", configs.SinkFile, missing), sink("below", configs.SinkFile, filepath.Join(text, "events")),
		sink("dir", configs.SinkFile, dir), sink("fine", configs.SinkFile, filepath.Join(dir, "events")), good,
	}
	vc := access.DefaultConfig()
	vc.URL, vc.PasswordFile, vc.CAFile = "https://vc01", missing, text
	cfg.VCenters = []access.Config{vc}

	var paths []string
	for _, f := range checked(t, cfg) {
		paths = append(paths, f.Path)
		if f.Problem == "" || strings.Contains(f.Value+f.Problem, "hunter2") || !strings.Contains(f.Value, dir) {
			t.Errorf("a fault without its value or cure, or with what a file holds: %+v", f)
		}
	}
	want := []string{
		"data_dir", "sinks[1].file.path", "sinks[2].file.path", "sinks[3].file.path",
		"source.kafka.tls.ca_file", "sinks[0].kafka.tls.ca_file", "sinks[0].kafka.tls.cert_file", "sinks[0].kafka.sasl.password_file",
		"vcenters[0].password_file", "vcenters[0].ca_file",
	}
	if !slices.Equal(paths, want) {
		t.Errorf("got\n%q\nwant\n%q", paths, want)
	}

	// What may be mended while we run does not keep us from starting.
	if got := startFaults(cfg); len(got) != 4 || got[0].Path != "data_dir" || got[3].Path != "sinks[3].file.path" {
		t.Errorf("a start says %v", got)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("something was made: %v, %v", left, err)
	}
}

// What a start makes need not be there before it.
func TestCheckTakesWhatAStartMakes(t *testing.T) {
	cfg := configs.Default()
	dir := filepath.Join(t.TempDir(), "a", "data")
	cfg.Override(configs.Flags{Data: dir})
	if got := checked(t, cfg); len(got) > 0 {
		t.Error(got)
	}
	cfg.Sinks[0].File.Path = filepath.Join(dir, "..", "events.ndjson")
	if got := checked(t, cfg); len(got) > 0 {
		t.Error(got)
	}
	cfg.Sinks[0].File.Path = filepath.Join(dir, "sub", "events.ndjson") // nobody makes that
	if got := checked(t, cfg); len(got) != 1 || got[0].Path != "sinks[0].file.path" {
		t.Error(got)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Sinks[0].Type = configs.SinkStdout
	if got := checked(t, cfg); len(got) != 1 || got[0].Path != "data_dir" {
		t.Error(got)
	}
	if os.Getuid() <= 0 {
		return // may write anywhere
	}
	cfg.DataDir = filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(cfg.DataDir, 0o500); err != nil {
		t.Fatal(err)
	}
	if got := checked(t, cfg); len(got) != 1 || got[0].Path != "data_dir" {
		t.Error(got)
	}
}

// What check says of a sink is what it gets: one of raw lines has no detail.
func TestCheckSaysWhatASinkGets(t *testing.T) {
	cfg := configs.Default()
	cfg.Override(configs.Flags{Data: filepath.Join(t.TempDir(), "data")})
	cfg.Sinks[0].Type = configs.SinkStdout
	cfg.Listeners[1].Framing = receiver.FramingNonTransparent
	for format, want := range map[pipeline.Format]string{
		pipeline.FormatECS: "stdout, detail compact, original security\n", pipeline.FormatRaw: "stdout, each line as it came\n",
	} {
		cfg.Sinks[0].Format, cfg.Sinks[0].Detail = format, event.DetailCompact
		var b strings.Builder
		if err := Describe(&b, cfg); err != nil || !strings.Contains(b.String(), want) || strings.Count(b.String(), ", framing non_transparent)") != 1 {
			t.Errorf("%v:\n%swant %q", err, b.String(), want)
		}
	}
}
