package web

import (
	"net"
	"strconv"

	"vswarden/setting"
)

// Config is the section admin: of the configuration.
type Config struct {
	// Listen is the address of metrics and health, host:port; port 0 is any free one. Empty: none.
	Listen string `yaml:"listen"`
}

// DefaultConfig serves this machine only.
func DefaultConfig() Config { return Config{Listen: "127.0.0.1:9514"} }

// Validate returns all faults of c.
func (c Config) Validate() []setting.Fault {
	if c.Listen == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(c.Listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return []setting.Fault{{Path: "listen", Value: c.Listen, Problem: `not an address, write host:port such as "127.0.0.1:9514"`}}
	}
	return nil
}
