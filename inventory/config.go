package inventory

import (
	"strconv"
	"time"

	"vswarden/setting"
)

// Config bounds what the inventory remembers.
type Config struct {
	// Keep is how long an interval is kept after it has ended.
	Keep time.Duration `yaml:"keep"`
	// MaxIntervals is how many ended intervals are kept; the oldest go first.
	MaxIntervals int `yaml:"max_intervals"`
	// MaxHosts bounds how many hosts log lines and imports may make known.
	MaxHosts int `yaml:"max_hosts"`
	// SnapshotInterval is how often the snapshot is written; 0 writes it at the end only.
	SnapshotInterval time.Duration `yaml:"snapshot_interval"`
	// Guard is how late a healthy source may tell of a change, and how far two clocks may be apart:
	// enrich.guard.
	Guard time.Duration `yaml:"-"`
}

// DefaultConfig returns the bounds that apply where the user sets none.
func DefaultConfig() Config {
	return Config{
		Keep:             7 * 24 * time.Hour,
		MaxIntervals:     200_000,
		MaxHosts:         10_000,
		SnapshotInterval: 5 * time.Minute,
		Guard:            10 * time.Second,
	}
}

// Validate returns every wrong setting.
func (c Config) Validate() (faults []setting.Fault) {
	fault := func(path, value, problem string) {
		faults = append(faults, setting.Fault{Path: path, Value: value, Problem: problem})
	}
	if c.Keep < time.Hour {
		fault("keep", c.Keep.String(), "too short to answer for late lines: write 1h or more, such as 168h")
	}
	if c.MaxIntervals < 1000 || c.MaxIntervals > 10_000_000 {
		fault("max_intervals", strconv.Itoa(c.MaxIntervals), "out of bounds: write a number from 1000 to 10000000")
	}
	if c.MaxHosts < 1 || c.MaxHosts > 100_000 {
		fault("max_hosts", strconv.Itoa(c.MaxHosts), "out of bounds: write a number from 1 to 100000")
	}
	if c.SnapshotInterval < 0 || c.SnapshotInterval > 0 && c.SnapshotInterval < 10*time.Second {
		fault("snapshot_interval", c.SnapshotInterval.String(), "too short: write 10s or more, or 0 for one at the end only")
	}
	return faults
}
