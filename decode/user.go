package decode

import (
	"strings"

	"vswarden/event"
)

// splitUser takes an account apart as vSphere writes it:
//
//	root                                   a local user
//	VSPHERE.LOCAL\Administrator            a domain's user
//	Administrator@VSPHERE.LOCAL            the same
//	vpxuser:VSPHERE.LOCAL\Administrator    vCenter's account on the host, for one of its users
//	vpxuser:<no user>                      the same, for itself
func splitUser(s string) (u event.User) {
	n := identifierLen(s)
	if n == len(s) {
		u.Name = s
		return u
	}
	account, delegate, ok := strings.Cut(s, ":")
	if !ok {
		u.Name, u.Domain = splitDomain(s)
		return u
	}
	u.Name = account
	if delegate != "<no user>" {
		u.Delegate, u.Domain = splitDomain(delegate)
	}
	return u
}

// splitDomain splits D\u and u@d.
func splitDomain(s string) (name, domain string) {
	if domain, name, ok := strings.Cut(s, `\`); ok {
		return strings.TrimPrefix(name, `\`), domain // structured data doubles it
	}
	if i := strings.LastIndexByte(s, '@'); i > 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}
