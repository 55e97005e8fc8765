package kafka

import (
	"slices"
	"testing"
	"time"

	"vswarden/setting"
)

func TestConfigValidate(t *testing.T) {
	f := func(name string, change func(*Config), want ...string) {
		t.Helper()
		c := DefaultConfig()
		c.Brokers = []string{"kafka1:9092", "[::1]:9093"}
		change(&c)
		var paths []string
		for _, fault := range c.Validate() {
			paths = append(paths, fault.Path)
			if fault.Value == "" || fault.Problem == "" {
				t.Errorf("%s: %+v says too little", name, fault)
			}
		}
		if !slices.Equal(paths, want) {
			t.Errorf("%s: faults at %q, want %q", name, paths, want)
		}
	}
	secret := setting.NewSecret("x")
	f("fine", func(*Config) {})
	f("no brokers", func(c *Config) { c.Brokers = nil }, "brokers")
	f("no addresses", func(c *Config) { c.Brokers = []string{"a:1", "kafka1", ":9092", "a:0", "a:70000", "http://a:1", "a:x"} },
		"brokers[1]", "brokers[2]", "brokers[3]", "brokers[4]", "brokers[5]", "brokers[6]")
	f("timeouts", func(c *Config) { c.DialTimeout, c.RequestTimeout = 0, time.Hour }, "dial_timeout", "request_timeout")
	f("TLS", func(c *Config) {
		c.TLS = TLS{Enabled: true, CAFile: "ca.pem", CertFile: "c", KeyFile: "k", ServerName: "s"}
	})
	f("TLS off with settings", func(c *Config) { c.TLS.CAFile = "ca.pem" }, "tls.enabled")
	f("halves", func(c *Config) { c.TLS = TLS{Enabled: true, CertFile: "c"} }, "tls.key_file")
	f("other halves", func(c *Config) { c.TLS = TLS{Enabled: true, KeyFile: "k"} }, "tls.cert_file")
	f("insecure with a CA", func(c *Config) { c.TLS = TLS{Enabled: true, CAFile: "c", Insecure: true} }, "tls.insecure")
	f("SASL", func(c *Config) { c.SASL = SASL{Mechanism: SASLScram512, Username: "u", PasswordFile: "p"} })
	f("SASL with a password", func(c *Config) { c.SASL = SASL{Mechanism: SASLPlain, Username: "u", Password: secret} })
	f("no mechanism", func(c *Config) { c.SASL = SASL{Username: "u", PasswordFile: "p"} }, "sasl.mechanism")
	f("other mechanism", func(c *Config) { c.SASL = SASL{Mechanism: "SCRAM-SHA-1", Username: "u", PasswordFile: "p"} }, "sasl.mechanism")
	f("no user, no password", func(c *Config) { c.SASL = SASL{Mechanism: SASLPlain} }, "sasl.username", "sasl.password_file")
	f("two passwords", func(c *Config) {
		c.SASL = SASL{Mechanism: SASLPlain, Username: "u", Password: secret, PasswordFile: "p"}
	}, "sasl.password_file")
}

func TestProducerConfigValidate(t *testing.T) {
	good := ProducerConfig{Topic: "esxi.events.v1", Compression: CompressZstd, MaxBytes: setting.MiB}
	if faults := good.Validate(); len(faults) > 0 {
		t.Errorf("faults %v", faults)
	}
	bad := ProducerConfig{Topic: "a b", Compression: "gzip", MaxBytes: 1}
	var paths []string
	for _, f := range bad.Validate() {
		paths = append(paths, f.Path)
	}
	if want := []string{"topic", "compression", "max_message_bytes"}; !slices.Equal(paths, want) {
		t.Errorf("faults at %q, want %q", paths, want)
	}
	for _, topic := range []string{"", ".", "..", "ü", string(make([]byte, 250))} {
		if IsTopic(topic) {
			t.Errorf("%q is taken for a topic's name", topic)
		}
	}
}
