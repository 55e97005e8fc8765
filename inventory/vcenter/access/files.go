package access

import "vswarden/setting"

// CheckFiles reads the files that c names and returns what is wrong with them. They are read anew for each login, so
// what is wrong now may be mended while we run.
func (c Config) CheckFiles() (faults []setting.Fault) {
	if _, err := c.Secret(); err != nil {
		faults = append(faults, setting.Fault{Path: "password_file", Value: c.PasswordFile, Problem: err.Error() + ", write the path of a file that holds the password and that vswarden's user may read"})
	}
	if _, err := c.Trust(); err != nil {
		faults = append(faults, setting.Fault{Path: "ca_file", Value: c.CAFile, Problem: err.Error() + ", write the path of a PEM file of those who sign the server's certificate"})
	}
	return faults
}
