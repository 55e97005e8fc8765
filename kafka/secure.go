package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"vswarden/setting"
)

// wrap returns what puts TLS around a connection to addr, or nil where TLS is off. The files are
// read each time, so that a renewed certificate needs no restart.
func (t TLS) wrap(addr string) (func(net.Conn) *tls.Conn, error) {
	if !t.Enabled {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName, InsecureSkipVerify: t.Insecure}
	if cfg.ServerName == "" {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		cfg.ServerName = host
	}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read ca_file: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read ca_file: no PEM certificate in %s", t.CAFile)
		}
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read cert_file and key_file: %w", err)
		}
		// Given in any case: where the broker's list of accepted signers does not name ours, its
		// refusal says more than our silence.
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return func(nc net.Conn) *tls.Conn { return tls.Client(nc, cfg) }, nil
}

// mechanism is one way to show who we are.
type mechanism = sasl.Mechanism

// mechanism returns the SASL mechanism with the password of now, or nil where there is none.
func (s SASL) mechanism() (mechanism, error) {
	if s.Mechanism == "" {
		return nil, nil
	}
	password := s.Password
	if s.PasswordFile != "" {
		var err error
		if password, err = setting.ReadSecret(s.PasswordFile); err != nil {
			return nil, fmt.Errorf("read password_file: %w", err)
		}
	}
	switch s.Mechanism {
	case SASLPlain:
		return plain.Mechanism{Username: s.Username, Password: password.Reveal()}, nil
	case SASLScram256, SASLScram512:
		algorithm := scram.SHA256
		if s.Mechanism == SASLScram512 {
			algorithm = scram.SHA512
		}
		m, err := scram.Mechanism(algorithm, s.Username, password.Reveal())
		if err != nil {
			return nil, fmt.Errorf("prepare %s: %w", s.Mechanism, err)
		}
		return m, nil
	}
	return nil, errors.New("no such SASL mechanism: " + s.Mechanism)
}
