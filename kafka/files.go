package kafka

import (
	"strconv"

	"vswarden/setting"
)

// CheckFiles reads the files that c names and returns what is wrong with them. They are read again for each
// connection, so what is wrong now may be mended while we run.
func (c Config) CheckFiles() (faults []setting.Fault) {
	fault := func(path, value string, err error, cure string) {
		if err != nil {
			faults = append(faults, setting.Fault{Path: path, Value: strconv.Quote(value), Problem: err.Error() + ", " + cure})
		}
	}
	const nowhere = "localhost:0" // wrap wants a name, and dials nothing
	if t := c.TLS; t.CAFile != "" {
		_, err := TLS{Enabled: true, CAFile: t.CAFile}.wrap(nowhere)
		fault("tls.ca_file", t.CAFile, err, "write the path of a PEM file of those who sign the brokers' certificates")
	}
	if t := c.TLS; t.CertFile != "" {
		_, err := TLS{Enabled: true, CertFile: t.CertFile, KeyFile: t.KeyFile}.wrap(nowhere)
		fault("tls.cert_file", t.CertFile, err, "write the paths of a PEM file with our certificate and of one with its key")
	}
	if s := c.SASL; s.PasswordFile != "" {
		_, err := s.mechanism()
		fault("sasl.password_file", s.PasswordFile, err, "write the path of a file that holds the password and that vswarden's user may read")
	}
	return faults
}
