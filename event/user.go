package event

// User is an account as a line names it (user.name, user.domain). The name never holds the domain:
// VSPHERE.LOCAL\Administrator, Administrator@VSPHERE.LOCAL and vpxuser:VSPHERE.LOCAL\Administrator
// are taken apart.
type User struct {
	Name   string
	Domain string
	// Delegate is for whom the account acts (user.effective.name, its domain is Domain): vCenter
	// works on a host as vpxuser for one of its own users. Empty where it acts for itself.
	Delegate string
}

// Endpoint is a peer as a line names it (source.*, destination.*).
type Endpoint struct {
	Address string // IP address or name, as written
	Port    uint16 // 0: the line names none
}
