package group

import (
	"strconv"
	"time"

	"vswarden/setting"
)

// Config is how the lines of a sender become events.
type Config struct {
	// Wait is how much later than the last line of an event the next one may come. 0: every line is
	// an event.
	Wait time.Duration `yaml:"wait"`
	// Lookback is how far a delivery reads back at its start, over what it has done, so that lines
	// find the neighbours they had.
	Lookback time.Duration `yaml:"lookback"`
	// MaxLines is how many lines one event holds; what follows is another event that names it.
	MaxLines int `yaml:"max_lines"`
	// MaxBytes is how many bytes of lines one event holds.
	MaxBytes setting.Bytes `yaml:"max_bytes"`
	// MaxSenders is how many senders are remembered, for each sink and processor.
	MaxSenders int `yaml:"max_senders"`
}

// DefaultConfig returns what applies where the user sets nothing.
func DefaultConfig() Config {
	return Config{Wait: time.Second, Lookback: time.Minute, MaxLines: 500, MaxBytes: 128 * setting.KiB, MaxSenders: 4096}
}

// Validate returns every wrong setting.
func (c Config) Validate() (faults []setting.Fault) {
	fault := func(path, value, cure string) {
		faults = append(faults, setting.Fault{Path: path, Value: value, Problem: "out of bounds, write " + cure})
	}
	if c.Wait < 0 || c.Wait > time.Minute {
		fault("wait", c.Wait.String(), "0 to group nothing, or up to 1m such as 1s")
	}
	if c.Lookback < 0 || c.Lookback > time.Hour {
		fault("lookback", c.Lookback.String(), "0 to 1h such as 1m")
	}
	if c.MaxLines < 2 || c.MaxLines > 100_000 {
		fault("max_lines", strconv.Itoa(c.MaxLines), "2 to 100000 such as 500")
	}
	if c.MaxBytes < setting.KiB || c.MaxBytes > 4*setting.MiB {
		fault("max_bytes", c.MaxBytes.String(), "1KiB to 4MiB such as 128KiB")
	}
	if c.MaxSenders < 1 || c.MaxSenders > 1<<20 {
		fault("max_senders", strconv.Itoa(c.MaxSenders), "1 to 1048576 such as 4096")
	}
	return faults
}

// Options are the bounds of a Stage.
func (c Config) Options() Options {
	return Options{Wait: c.Wait, MaxLines: c.MaxLines, MaxBytes: int(c.MaxBytes), Senders: c.MaxSenders}
}
