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
	if s == "root" || s == "vpxuser" { // most names
		u.Name = s
		return u
	}
	n := identifierLen(s)
	if n == len(s) {
		u.Name = s
		return u
	}
	colon := n // no identifier holds one
	if s[n] != ':' {
		colon = strings.IndexByte(s, ':')
	}
	if colon < 0 {
		u.Name, u.Domain = splitDomain(s)
		return u
	}
	u.Name = s[:colon]
	if delegate := s[colon+1:]; delegate != "<no user>" {
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
