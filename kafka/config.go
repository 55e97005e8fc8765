package kafka

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"vswarden/setting"
)

// Config says how to reach a cluster. What it names by file is read again for each connection, so
// that a mended password or certificate needs no restart.
type Config struct {
	// Brokers are host:port of some brokers; the cluster names the others.
	Brokers []string `yaml:"brokers"`
	// TLS encrypts, and shows who we are where a certificate is given.
	TLS TLS `yaml:"tls"`
	// SASL shows who we are by a password.
	SASL SASL `yaml:"sasl"`
	// DialTimeout is how long it may take until a connection is made and knows who we are.
	DialTimeout time.Duration `yaml:"dial_timeout"`
	// RequestTimeout is how long an answer may take; what was asked may then have happened or not.
	RequestTimeout time.Duration `yaml:"request_timeout"`
	// ClientID is our name in the brokers' logs and quotas.
	ClientID string `yaml:"client_id"`
}

// TLS is off unless Enabled.
type TLS struct {
	// Enabled turns TLS on.
	Enabled bool `yaml:"enabled"`
	// CAFile holds the certificates (PEM) that sign the brokers'; empty: those of the system.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile are our certificate and its key (PEM), where brokers want one.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// ServerName is the name to find in a broker's certificate; empty: the host we connect to.
	ServerName string `yaml:"server_name"`
	// Insecure takes any certificate: whoever sits in between reads and writes along.
	Insecure bool `yaml:"insecure"`
}

// SASL is off where no mechanism is named.
type SASL struct {
	// Mechanism is plain, scram-sha-256 or scram-sha-512; empty: none.
	Mechanism string `yaml:"mechanism"`
	// Username is whose password it is.
	Username string `yaml:"username"`
	// Password may come from a variable: ${KAFKA_PASSWORD}.
	Password setting.Secret `yaml:"password"`
	// PasswordFile holds the password instead, with or without a line end.
	PasswordFile string `yaml:"password_file"`
}

// The mechanisms of SASL.
const (
	SASLPlain    = "plain"
	SASLScram256 = "scram-sha-256"
	SASLScram512 = "scram-sha-512"
)

// Compression is how a batch of messages is packed.
type Compression string

// The compressions.
const (
	CompressNone   Compression = "none"
	CompressSnappy Compression = "snappy"
	CompressLZ4    Compression = "lz4"
	CompressZstd   Compression = "zstd"
)

// DefaultConfig returns the defaults; the Brokers are the user's.
func DefaultConfig() Config {
	return Config{
		DialTimeout:    5 * time.Second,
		RequestTimeout: 15 * time.Second,
		ClientID:       "vswarden",
	}
}

// Bounds of the timeouts.
const (
	minTimeout = 100 * time.Millisecond
	maxTimeout = 10 * time.Minute
)

// Validate returns every fault of c. It opens no file and no connection.
func (c Config) Validate() (faults []setting.Fault) {
	fault := func(path, value, problem string) {
		faults = append(faults, setting.Fault{Path: path, Value: value, Problem: problem})
	}
	if len(c.Brokers) == 0 {
		fault("brokers", "[]", `no broker, write some such as ["kafka1:9092", "kafka2:9092"]`)
	}
	for i, b := range c.Brokers {
		if !isAddress(b) {
			fault(fmt.Sprintf("brokers[%d]", i), strconv.Quote(b), "not host:port, write one such as kafka1:9092")
		}
	}
	for _, t := range []struct {
		path string
		d    time.Duration
	}{{"dial_timeout", c.DialTimeout}, {"request_timeout", c.RequestTimeout}} {
		if t.d < minTimeout || t.d > maxTimeout {
			fault(t.path, t.d.String(), fmt.Sprintf("not within %v and %v, write a duration such as 10s", minTimeout, maxTimeout))
		}
	}
	if len(c.ClientID) > 255 {
		fault("client_id", strconv.Quote(c.ClientID[:20]+"…"), "longer than 255 bytes, write a shorter name")
	}
	faults = append(faults, setting.Under("tls", c.TLS.Validate())...)
	return append(faults, setting.Under("sasl", c.SASL.Validate())...)
}

func isAddress(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || strings.ContainsAny(host, "/ ,") {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// Validate returns every fault of t.
func (t TLS) Validate() (faults []setting.Fault) {
	fault := func(path, value, problem string) {
		faults = append(faults, setting.Fault{Path: path, Value: value, Problem: problem})
	}
	if !t.Enabled && t != (TLS{}) {
		fault("enabled", "false", "TLS is off and yet has settings, write true or delete them")
		return faults
	}
	if t.CertFile != "" && t.KeyFile == "" {
		fault("key_file", `""`, "a certificate without its key, write the path of the key")
	}
	if t.CertFile == "" && t.KeyFile != "" {
		fault("cert_file", `""`, "a key without its certificate, write the path of the certificate")
	}
	if t.Insecure && t.CAFile != "" {
		fault("insecure", "true", "any certificate is taken, so ca_file says nothing, delete one of them")
	}
	return faults
}

// Validate returns every fault of s.
func (s SASL) Validate() (faults []setting.Fault) {
	fault := func(path, value, problem string) {
		faults = append(faults, setting.Fault{Path: path, Value: value, Problem: problem})
	}
	mechanisms := []string{SASLPlain, SASLScram256, SASLScram512}
	switch {
	case s.Mechanism == "" && (s.Username != "" || !s.Password.IsZero() || s.PasswordFile != ""):
		fault("mechanism", `""`, "no mechanism for the user and password, write one of "+strings.Join(mechanisms, ", "))
		return faults
	case s.Mechanism == "":
		return nil
	case !slices.Contains(mechanisms, s.Mechanism):
		fault("mechanism", strconv.Quote(s.Mechanism), "not one of "+strings.Join(mechanisms, ", ")+", write one of them")
	}
	if s.Username == "" {
		fault("username", `""`, "no user, write the name that Kafka knows us by")
	}
	switch {
	case s.Password.IsZero() && s.PasswordFile == "":
		fault("password_file", `""`, "no password, write the path of a file that holds it, or password: ${KAFKA_PASSWORD}")
	case !s.Password.IsZero() && s.PasswordFile != "":
		fault("password_file", strconv.Quote(s.PasswordFile), "password is written too, delete one of them")
	}
	return faults
}
