package event

import "net/netip"

// appendUser appends the objects user and group. The name never holds the domain. Linux's audit system has a
// number in place of a name.
func (e *Event) appendUser(dst []byte, enc *encoding) []byte {
	u, mark := &e.User, len(dst)
	dst = append(dst, `"user":{`...)
	dst = appendField(dst, `"id":"`, e.Linux.UID)
	dst = e.appendPartField(dst, `"name":"`, u.Name)
	dst = e.appendPartField(dst, `"domain":"`, u.Domain)
	if u.Delegate != "" && enc.standard {
		dst = append(dst, `"effective":{`...)
		dst = appendField(dst, `"name":"`, u.Delegate)
		dst = closeObject(dst)
	}
	if t := &e.Target; t.Name != "" {
		dst = append(dst, `"target":{`...)
		dst = appendField(dst, `"name":"`, t.Name)
		dst = appendField(dst, `"domain":"`, t.Domain)
		dst = closeObject(dst)
	}
	dst = endObject(dst, mark)
	if e.Group != "" {
		dst = append(dst, `"group":{`...)
		dst = appendField(dst, `"name":"`, e.Group)
		dst = closeObject(dst)
	}
	return dst
}

// appendEndpoint appends source or destination. Compact leaves out an address that ip says too.
func (p *Endpoint) appendEndpoint(dst []byte, key string, enc *encoding) []byte {
	if p.Address == "" {
		return dst
	}
	dst = append(dst, key...)
	ip, ok := parseIP(p.Address)
	if !ok || enc.standard {
		dst = appendField(dst, `"address":"`, p.Address)
	}
	if ok {
		dst = append(dst, `"ip":"`...)
		dst = ip.AppendTo(dst)
		dst = append(dst, '"', ',')
	}
	if p.Port != 0 {
		dst = appendUint(dst, `"port":`, uint64(p.Port))
	}
	return closeObject(dst)
}

// parseIP reads an IP address. ECS has no place for a zone: of fe80::1%vmk0 it is fe80::1.
func parseIP(s string) (netip.Addr, bool) {
	for i := range len(s) {
		c := s[i]
		if c == '%' {
			s = s[:i]
			break
		}
		if (c|0x20 < 'a' || c|0x20 > 'f') && (c < '.' || c > ':' || c == '/') {
			return netip.Addr{}, false // no error is made, and no memory taken, for a name
		}
	}
	if len(s) < len("::") {
		return netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(s)
	return ip.Unmap(), err == nil
}

// appendRelated appends what an analyst searches for in one field: related.ip and related.user.
func (e *Event) appendRelated(dst []byte) []byte {
	mark := len(dst)
	dst = append(dst, `"related":{`...)
	source, ok := parseIP(e.Source.Address)
	destination, ok2 := parseIP(e.Destination.Address)
	if ok || ok2 {
		dst = append(dst, `"ip":[`...)
		if ok {
			dst = append(dst, '"')
			dst = source.AppendTo(dst)
			dst = append(dst, '"', ',')
		}
		if ok2 && destination != source {
			dst = append(dst, '"')
			dst = destination.AppendTo(dst)
			dst = append(dst, '"', ',')
		}
		dst = closeList(dst)
	}
	if u, t := &e.User, e.Target.Name; u.Name != "" || u.Delegate != "" || t != "" {
		dst = append(dst, `"user":[`...)
		dst = appendField(dst, `"`, u.Name)
		if u.Delegate != u.Name {
			dst = appendField(dst, `"`, u.Delegate)
		}
		if t != u.Name && t != u.Delegate {
			dst = appendField(dst, `"`, t)
		}
		dst = closeList(dst)
	}
	return endObject(dst, mark)
}

// closeList closes a list that has members, and adds the comma behind it.
func closeList(dst []byte) []byte {
	dst[len(dst)-1] = ']'
	return append(dst, ',')
}
