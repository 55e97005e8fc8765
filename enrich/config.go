package enrich

import (
	"net/netip"
	"time"

	"vswarden/setting"
)

// Config is how lines are joined with the inventory.
type Config struct {
	// Wait is how long a delivery may hold back lines of the virtual switch until the inventory is
	// sure who held their port, or its host has answered; 10s buys settled answers at the price of that delay.
	Wait time.Duration `yaml:"wait"`
	// StartWait is how long deliveries wait at start for the first report of each vCenter.
	StartWait time.Duration `yaml:"start_wait"`
	// Guard is how late a vCenter may tell of a change, and how far two clocks may be apart.
	Guard time.Duration `yaml:"guard"`
	// LearnFrom lists the networks whose NetPort lines are believed (port, address). Senders with a
	// verified client certificate always are.
	LearnFrom []netip.Prefix `yaml:"learn_from"`
}

// DefaultConfig returns what applies where the user sets nothing.
func DefaultConfig() Config { return Config{StartWait: time.Minute, Guard: 10 * time.Second} }

// Validate returns every wrong setting.
func (c Config) Validate() (faults []setting.Fault) {
	check := func(path string, d, least, most time.Duration) {
		if d < least || d > most {
			faults = append(faults, setting.Fault{Path: path, Value: d.String(), Problem: "out of bounds: write " + least.String() + " to " + most.String()})
		}
	}
	check("wait", c.Wait, 0, time.Minute)
	check("start_wait", c.StartWait, 0, time.Hour)
	check("guard", c.Guard, time.Second, 10*time.Minute)
	return faults
}
