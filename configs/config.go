// Package configs is the configuration: one YAML file read strictly over complete defaults, with
// every fault reported at once, each by path, value and cure. It assembles the Config structs of
// the parts, which own their keys, defaults and checks; it does not know what the parts do.
package configs

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"vswarden/detect"
	"vswarden/enrich"
	"vswarden/event"
	"vswarden/group"
	"vswarden/inventory"
	"vswarden/inventory/vcenter/access"
	"vswarden/pipeline"
	"vswarden/posture"
	"vswarden/receiver"
	"vswarden/setting"
	"vswarden/sink"
	"vswarden/sink/deadletter"
	"vswarden/sink/file"
	"vswarden/sink/kafka"
	"vswarden/spool"
	"vswarden/topic"
	"vswarden/web"
)

// Config is all that can be set. Default returns a complete one.
type Config struct {
	// DataDir holds the log, the cursors and the dead letters.
	DataDir string `yaml:"data_dir"`
	// Role says which part of the way this node does: all of it, receive (sockets to Kafka) or enrich
	// (Kafka to sinks). Empty: enrich where a source is named, else all.
	Role Role `yaml:"role"`
	// Listeners are the sockets that take syslog.
	Listeners []Listener `yaml:"listeners"`
	// Source is where role enrich gets its records, instead of listeners and a log.
	Source Source `yaml:"source"`
	// Log is the record log between receiving and delivering.
	Log spool.Config `yaml:"log"`
	// Sinks are the destinations of events.
	Sinks []Sink `yaml:"sinks"`
	// DeadLetters bounds the files for events a sink will never accept.
	DeadLetters deadletter.Config `yaml:"dead_letters"`
	// Inventory bounds what is remembered of hosts, VMs and ports.
	Inventory inventory.Config `yaml:"inventory"`
	// VCenters are the servers that tell the inventory who holds which port.
	VCenters []access.Config `yaml:"vcenters"`
	// Group is how the lines of a sender become events.
	Group group.Config `yaml:"group"`
	// Detections are the rules that look at many lines.
	Detections detect.Config `yaml:"detections"`
	// Enrich is how lines are joined with the inventory.
	Enrich enrich.Config `yaml:"enrich"`
	// Posture is what is stated about virtual switches without a line.
	Posture posture.Config `yaml:"posture"`
	// Redact puts *** for passwords and tokens on command lines, in message, process.* and the default
	// event.original; `original: all` is the exact frame all the same.
	Redact bool `yaml:"redact"`
	// ShutdownTimeout is how long a stop waits for sinks; what is not delivered by then waits in
	// the log. 0: not at all.
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout"`
	// MemoryLimit is what the Go runtime keeps the process's memory under as far as it can
	// (GOMEMLIMIT); 0: whatever that variable says.
	MemoryLimit setting.Bytes `yaml:"memory_limit"`
	// Admin is the address of metrics and health.
	Admin web.Config `yaml:"admin"`
	// Logging is the program's own log, on standard error.
	Logging Logging `yaml:"logging"`

	// derived says that nobody configured Sinks: they follow DataDir.
	derived bool
	// defaultListeners says the same of Listeners: a node that has none needs them not named.
	defaultListeners bool
}

// Listener is one socket and what is known of those who send to it.
type Listener struct {
	receiver.Config `yaml:",inline"`
	// Timezone is where senders live whose stamps name none (BSD syslog): an IANA name, UTC or Local.
	Timezone string `yaml:"timezone"`
}

// Sink is one destination with the shape of its events.
type Sink struct {
	// Name is the sink's own for good: its cursor and its dead letters bear it.
	Name string `yaml:"name"`
	// Type says what it is; the section of that name holds its settings.
	Type SinkType `yaml:"type"`
	// Start is where a sink begins whose name is new: with the oldest record in the log or with
	// the next one to arrive.
	Start spool.Start `yaml:"start"`
	// Filter says which events it gets.
	Filter sink.FilterConfig `yaml:"filter"`
	// Detail says how much of an event is written.
	Detail event.Detail `yaml:"detail"`
	// Original says when the frame itself is part of the event.
	Original event.Original `yaml:"original"`
	// Format is ecs (JSON) or raw (the frame as it came).
	Format pipeline.Format `yaml:"format"`
	// File is for type file.
	File file.Config `yaml:"file"`
	// Kafka is for type kafka.
	Kafka kafka.Config `yaml:"kafka"`
}

// SinkType is a kind of destination.
type SinkType string

// The types of sinks.
const (
	SinkFile   SinkType = "file"
	SinkStdout SinkType = "stdout"
	SinkKafka  SinkType = "kafka"
)

// Logging is the program's own log.
type Logging struct {
	// Level is the least that is written: debug, info, warn or error.
	Level string `yaml:"level"`
	// Format is json, console (for people), or auto: console on a terminal, else json.
	Format string `yaml:"format"`
}

// The formats of Logging.
const (
	LogAuto    = "auto"
	LogJSON    = "json"
	LogConsole = "console"
)

// Default returns what runs when nothing is configured.
func Default() Config {
	c := Config{
		DataDir:         "./vswarden-data",
		Log:             spool.DefaultConfig(),
		DeadLetters:     deadletter.DefaultConfig(),
		Inventory:       inventory.DefaultConfig(),
		Group:           group.DefaultConfig(),
		Detections:      detect.DefaultConfig(),
		Enrich:          enrich.DefaultConfig(),
		Posture:         posture.DefaultConfig(),
		Redact:          true,
		ShutdownTimeout: 10 * time.Second,
		Admin:           web.DefaultConfig(),
		Logging:         Logging{Level: "info", Format: LogAuto},
		derived:         true,
	}
	c.Listeners, c.defaultListeners = defaultListeners(), true
	c.Source.Kafka = topic.DefaultConfig()
	c.Sinks = defaultSinks(c.DataDir)
	return c
}

// DefaultListener returns the settings of a listener but for its name and address.
func DefaultListener() Listener {
	return Listener{Config: receiver.DefaultConfig(), Timezone: "UTC"}
}

// DefaultSink returns the settings of a sink but for its name, its type and what that type needs.
func DefaultSink() Sink {
	return Sink{
		Start:    spool.StartOldest,
		Detail:   event.DetailAuto,
		Original: event.OriginalSecurity,
		Format:   pipeline.FormatECS,
		File:     file.DefaultConfig(),
		Kafka:    kafka.DefaultConfig(),
	}
}

// listenOn returns default listeners on addresses, each named after its own.
func listenOn(addresses ...string) []Listener {
	var all []Listener
	for _, a := range addresses {
		l := DefaultListener()
		l.Address = a
		all = append(all, l)
	}
	nameListeners(all)
	return all
}

// defaultListeners are those of a configuration without listeners.
func defaultListeners() []Listener { return listenOn("udp://:5514", "tcp://:5514", "tcp://:1514") }

// nameListeners names those without a name after their address; further ones on any free port of
// the same host (port 0) are numbered.
func nameListeners(all []Listener) {
	taken := map[string]bool{}
	for _, l := range all {
		taken[l.Name] = true
	}
	for i := range all {
		if all[i].Name != "" {
			continue
		}
		name := all[i].Address
		for n := 2; taken[name] && strings.HasSuffix(all[i].Address, ":0"); n++ {
			name = fmt.Sprintf("%s#%d", all[i].Address, n)
		}
		all[i].Name, taken[name] = name, true
	}
}

// defaultSinkName is the name of a sink that is alone and has none.
const defaultSinkName = "events"

// defaultSinks returns the one sink of a configuration without sinks.
func defaultSinks(dataDir string) []Sink {
	s := DefaultSink()
	s.Name, s.Type = defaultSinkName, SinkFile
	s.File.Path = filepath.Join(dataDir, "events.ndjson")
	return []Sink{s}
}

// Flags are the settings that the command line may override; empty ones override nothing.
type Flags struct {
	Listen  []string // proto://addr; instead of all listeners of the file
	Data    string   // data_dir
	Admin   string   // admin.listen
	NoAdmin bool     // admin.listen empty: none
	Role    string   // role
}

// Override puts flags over c; afterwards c must be validated again, which Read does. Only what nobody configured
// follows a new data directory: a path the file names, even one inside the old data_dir, stays what
// it was. Relative paths, in flags and in the file, are relative to the working directory.
func (c *Config) Override(o Flags) {
	if o.Role != "" {
		c.Role = Role(o.Role)
		c.settleRole()
	}
	if len(o.Listen) > 0 {
		c.Listeners, c.defaultListeners = listenOn(o.Listen...), false
	}
	if o.Data != "" {
		c.DataDir = o.Data
		if c.derived {
			c.Sinks = defaultSinks(c.DataDir)
		}
	}
	if o.Admin != "" || o.NoAdmin {
		c.Admin.Listen = o.Admin
	}
}

// complete fills in what follows from the rest: names, and the sinks where the file has none.
func (c *Config) complete() {
	c.settleRole()
	nameListeners(c.Listeners)
	nameVCenters(c.VCenters)
	if c.derived {
		c.Sinks = defaultSinks(c.DataDir)
	}
	if len(c.Sinks) == 1 && c.Sinks[0].Name == "" {
		c.Sinks[0].Name = defaultSinkName
	}
}
