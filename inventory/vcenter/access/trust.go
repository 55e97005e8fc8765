package access

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
)

var (
	errThumbprint = errors.New("the server's certificate is another one than thumbprint names")
	errNoPEM      = errors.New("no PEM certificate in the file")
)

// Trust returns how the server shows who it is.
func (c *Config) Trust() (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.Insecure, ServerName: c.host()}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read ca_file: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read ca_file %s: %w", c.CAFile, errNoPEM)
		}
	}
	if want, ok := parseThumbprint(c.Thumbprint); ok {
		t.InsecureSkipVerify = true // the thumbprint says more than a chain
		t.VerifyConnection = func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) > 0 {
				got := sha256.Sum256(s.PeerCertificates[0].Raw)
				if got == want {
					return nil
				}
				return fmt.Errorf("%w: it is %s", errThumbprint, Colons(got[:]))
			}
			return errThumbprint
		}
	}
	return t, nil
}

// parseThumbprint reads 32 hexadecimal bytes, with or without colons.
func parseThumbprint(s string) (sum [sha256.Size]byte, ok bool) {
	b, err := hex.DecodeString(strings.NewReplacer(":", "", " ", "").Replace(strings.TrimSpace(s)))
	if err != nil || len(b) != len(sum) {
		return sum, false
	}
	copy(sum[:], b)
	return sum, true
}

// Colons writes bytes as certificates' tools do: 2C:F2:4D.
func Colons(b []byte) string {
	parts := make([]string, len(b))
	for i, x := range b {
		parts[i] = fmt.Sprintf("%02X", x)
	}
	return strings.Join(parts, ":")
}
