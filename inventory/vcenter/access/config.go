// Package access says how vCenter servers and ESXi hosts are reached, and how they show who they are. It knows nothing of
// what is asked there, so that whoever reads a configuration need not know the vSphere API.
package access

import (
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"vswarden/inventory"
	"vswarden/setting"
)

// Config says how to reach one vCenter or ESXi host and what to ask it. Files are read anew for each login, so that
// a mended password or certificate needs no restart.
type Config struct {
	// Name is this vCenter's own for good: snapshots and metrics bear it. Empty: the host of URL.
	Name string `yaml:"name"`
	// URL is https://vc01.example.com; its path is /sdk unless it has one. http:// goes with insecure: true only.
	URL string `yaml:"url"`
	// Username is whose rights we have: the role Read-only, propagated from the root, is enough for most.
	Username string `yaml:"username"`
	// Password may come from a variable: ${VC_PASSWORD}.
	Password setting.Secret `yaml:"password"`
	// PasswordFile holds the password instead, with or without a line end.
	PasswordFile string `yaml:"password_file"`
	// CAFile holds the certificates (PEM) that sign the server's; empty: those of the system.
	CAFile string `yaml:"ca_file"`
	// Thumbprint is the SHA-256 of the server's certificate: no other is taken, whoever signed it.
	Thumbprint string `yaml:"thumbprint"`
	// Insecure takes any certificate, and http://: whoever sits in between reads the password.
	Insecure bool `yaml:"insecure"`
	// OwnerFrom says where a VM's owner stands: "attribute:NAME" or "tag:CATEGORY".
	OwnerFrom string `yaml:"owner_from"`
	// Timeout is how long a login or an answer may take; a page of updates has it on top of Poll.
	Timeout time.Duration `yaml:"timeout"`
	// Poll is how long the server may hold back an answer while nothing changes.
	Poll time.Duration `yaml:"poll"`
	// Resync is how often everything is read anew, in case a change was never told; 0 = never.
	Resync time.Duration `yaml:"resync"`
	// Ports is how often the ports of distributed switches are read, besides after each change; 0 = never at all.
	Ports time.Duration `yaml:"ports"`
	// Events is how often the event log is read: who changed what, what moved; 0 = never.
	Events time.Duration `yaml:"events"`
	// Tags is how often the tags of VMs are read; 0 = never.
	Tags time.Duration `yaml:"tags"`
	// Live asks hosts for ports that nothing else knows.
	Live LiveConfig `yaml:"live"`
}

// LiveConfig bounds the questions to hosts.
type LiveConfig struct {
	// Method is off, esxcli (needs the privilege Host.Config.Settings, which also permits changes) or
	// esxtop (needs Global.ServiceManagers; more work for the host).
	Method string `yaml:"method"`
	// PerHost is how many lookups a host gets a minute.
	PerHost int `yaml:"per_host"`
	// PerVCenter is how many lookups go through this vCenter a minute.
	PerVCenter int `yaml:"per_vcenter"`
	// InFlight is how many lookups may wait for an answer at a time.
	InFlight int `yaml:"in_flight"`
	// Timeout is how long a lookup may take.
	Timeout time.Duration `yaml:"timeout"`
	// Remember is how long a port that a host did not know is not asked for again.
	Remember time.Duration `yaml:"remember"`
}

// The methods of LiveConfig.
const (
	LiveOff    = "off"
	LiveESXCLI = "esxcli"
	LiveEsxtop = "esxtop"
)

// DefaultConfig returns the defaults; URL, Username and the password are the user's.
func DefaultConfig() Config {
	return Config{
		Timeout: 30 * time.Second,
		Poll:    10 * time.Second,
		Resync:  6 * time.Hour,
		Ports:   10 * time.Minute,
		Events:  5 * time.Second,
		Live: LiveConfig{
			Method: LiveOff, PerHost: 60, PerVCenter: 300, InFlight: 4, Timeout: 5 * time.Second, Remember: 30 * time.Second,
		},
	}
}

// Label is the name under which the inventory knows the server.
func (c *Config) Label() string {
	if c.Name != "" {
		return c.Name
	}
	if u, err := url.Parse(c.URL); err == nil && u.Host != "" {
		return u.Host
	}
	return c.URL
}

// Validate returns every fault of c. It opens no file and no connection.
func (c Config) Validate() (faults []setting.Fault) {
	fault := func(path, value, problem string) {
		faults = append(faults, setting.Fault{Path: path, Value: value, Problem: problem})
	}
	c.validateURL(fault)
	if c.Username == "" {
		fault("username", `""`, `no name to log in with, write one such as vswarden@vsphere.local`)
	}
	switch {
	case c.Password.IsZero() && c.PasswordFile == "":
		fault("password_file", `""`, "no password, write the path of a file that holds it, or password: ${VC_PASSWORD}")
	case !c.Password.IsZero() && c.PasswordFile != "":
		fault("password_file", c.PasswordFile, "password is set too, write one of them")
	}
	trust := 0
	for _, set := range []bool{c.CAFile != "", c.Thumbprint != "", c.Insecure} {
		if set {
			trust++
		}
	}
	if trust > 1 {
		fault("thumbprint", c.Thumbprint, "ca_file, thumbprint and insecure exclude each other, write one of them")
	}
	if _, ok := parseThumbprint(c.Thumbprint); c.Thumbprint != "" && !ok {
		fault("thumbprint", c.Thumbprint, "not a SHA-256: write 32 hexadecimal bytes, as openssl x509 -noout -fingerprint -sha256 prints them")
	}
	if _, name, ok := c.Owner(); c.OwnerFrom != "" && (!ok || name == "") {
		fault("owner_from", c.OwnerFrom, `write "attribute:NAME" or "tag:CATEGORY"`)
	}
	if kind, _, _ := c.Owner(); kind == "tag" && c.Tags == 0 {
		fault("owner_from", c.OwnerFrom, "tags are not read, write tags: 10m too")
	}
	between := func(path string, d, low, high time.Duration, off bool) {
		switch {
		case off && d == 0 || d >= low && d <= high:
		case off:
			fault(path, d.String(), "out of bounds, write "+low.String()+" to "+high.String()+", or 0 for never")
		default:
			fault(path, d.String(), "out of bounds, write "+low.String()+" to "+high.String())
		}
	}
	between("timeout", c.Timeout, time.Second, 10*time.Minute, false)
	// A source that says nothing for longer than inventory.Quiet counts as lost.
	between("poll", c.Poll, time.Second, inventory.Quiet-15*time.Second, false)
	between("resync", c.Resync, time.Minute, 7*24*time.Hour, true)
	between("ports", c.Ports, 10*time.Second, 24*time.Hour, true)
	between("events", c.Events, time.Second, time.Hour, true)
	between("tags", c.Tags, time.Minute, 24*time.Hour, true)
	return append(faults, setting.Under("live", c.Live.Validate())...)
}

func (c *Config) validateURL(fault func(path, value, problem string)) {
	const write = "write one such as https://vc01.example.com"
	u, err := url.Parse(c.URL)
	if err == nil && u.User != nil {
		fault("url", u.Redacted(), "holds a name or a password, write them as username and password_file")
		return
	}
	switch {
	case c.URL == "":
		fault("url", `""`, "no address, "+write)
	case err != nil || u.Host == "" || u.Hostname() == "":
		fault("url", c.URL, "not an address, "+write)
	case u.Scheme == "http" && !c.Insecure:
		fault("url", c.URL, "the password would go over the line for all to read, write https://, or insecure: true if it must be so")
	case u.Scheme != "https" && u.Scheme != "http":
		fault("url", c.URL, "not https, "+write)
	}
	if port := u; err == nil && port.Port() != "" {
		if n, err := strconv.Atoi(port.Port()); err != nil || n < 1 || n > 65535 {
			fault("url", c.URL, "the port is not a number from 1 to 65535")
		}
	}
}

// Validate returns every fault of c.
func (c LiveConfig) Validate() (faults []setting.Fault) {
	fault := func(path, value, problem string) {
		faults = append(faults, setting.Fault{Path: path, Value: value, Problem: problem})
	}
	if c.Method != LiveOff && c.Method != LiveESXCLI && c.Method != LiveEsxtop {
		fault("method", c.Method, "not a way to ask, write off, esxcli or esxtop")
	}
	for _, n := range []struct {
		path      string
		value, hi int
	}{{"per_host", c.PerHost, 600}, {"per_vcenter", c.PerVCenter, 6000}, {"in_flight", c.InFlight, 64}} {
		if n.value < 1 || n.value > n.hi {
			fault(n.path, strconv.Itoa(n.value), "out of bounds, write 1 to "+strconv.Itoa(n.hi))
		}
	}
	if c.Timeout < 100*time.Millisecond || c.Timeout > time.Minute {
		fault("timeout", c.Timeout.String(), "out of bounds, write 100ms to 1m")
	}
	if c.Remember < time.Second || c.Remember > time.Hour {
		fault("remember", c.Remember.String(), "out of bounds, write 1s to 1h")
	}
	return faults
}

// Owner takes OwnerFrom apart.
func (c *Config) Owner() (kind, name string, ok bool) {
	kind, name, ok = strings.Cut(c.OwnerFrom, ":")
	return kind, name, ok && (kind == "attribute" || kind == "tag")
}

// Address returns the URL that requests go to.
func (c *Config) Address() (*url.URL, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/sdk"
	}
	return u, nil
}

// host returns the server's name without its port.
func (c *Config) host() string {
	u, err := url.Parse(c.URL)
	if err != nil {
		return ""
	}
	if h, _, err := net.SplitHostPort(u.Host); err == nil {
		return h
	}
	return u.Host
}

// Secret returns the secret of now.
func (c *Config) Secret() (setting.Secret, error) {
	if c.PasswordFile != "" {
		return setting.ReadSecret(c.PasswordFile)
	}
	return c.Password, nil
}
