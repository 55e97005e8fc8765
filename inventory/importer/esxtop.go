package importer

import (
	"strings"

	"vswarden/inventory"
)

const networkPort = "Network Port("

// esxtop reads what esxtop -b prints, or lines cut out of it:
//
//	"(PDH-CSV 4.0) (UTC)(0)","\\esx01\Network Port(vSwitch6:134217730:36139:Krein)\MBits Received/sec",…
//	Network Port(vSwitchName:83886082:12344:VirtualMachineName)
//
// Each port stands there once for each counter. Only the first line of the CSV names ports.
func (p *Part) esxtop(text string) {
	if strings.Contains(text[:min(len(text), 200)], "(PDH-CSV") {
		if header, _, cut := strings.Cut(text, "\n"); cut && strings.Contains(header, networkPort) {
			text = header
			p.WholePorts = true
		}
	}
	seen := map[uint32]bool{}
	for text != "" {
		before, rest, found := strings.Cut(text, networkPort)
		if !found {
			return
		}
		if host, ok := counterHost(before); ok && p.Host.Name == "" && host != "localhost" {
			p.Host.Name = host
		}
		end := portEnd(rest)
		if end < 0 {
			p.Skipped++
			text = rest
			continue
		}
		r, ok := esxtopPort(rest[:end])
		text = rest[end:]
		switch {
		case !ok:
			p.Skipped++
		case !seen[r.Port]:
			seen[r.Port] = true
			p.add(r)
		}
	}
}

// counterHost returns the host of \\host\ at the end of s.
func counterHost(s string) (string, bool) {
	s, ok := strings.CutSuffix(s, `\`)
	if !ok {
		return "", false
	}
	i := strings.LastIndex(s, `\\`)
	if i < 0 || len(s)-i > 300 || strings.ContainsAny(s[i+2:], "\",\n") {
		return "", false
	}
	return s[i+2:], s[i+2:] != ""
}

// portEnd returns where the parenthesis closes that s is in: before a counter's name, or, where none
// follows, the last one of the line. A VM's name may hold parentheses too.
func portEnd(s string) int {
	line := s
	if i := strings.IndexAny(s, "\"\r\n"); i >= 0 {
		line = s[:i]
	}
	if i := strings.Index(line, `)\`); i >= 0 {
		return i
	}
	return strings.LastIndexByte(line, ')')
}

// esxtopPort reads switch:port[:world]:client. Uplinks and the host's own clients have no world.
func esxtopPort(s string) (r inventory.Row, ok bool) {
	for from := 0; ; {
		i := strings.IndexByte(s[from:], ':')
		if i < 0 {
			return r, false
		}
		i += from
		id, rest, found := strings.Cut(s[i+1:], ":")
		if found && digits(id) && portID(id) != 0 {
			r.Net.Switch, r.Port = s[:i], portID(id)
			if world, client, found := strings.Cut(rest, ":"); found && digits(world) {
				r.World, rest = number(world), client
			}
			setClient(&r, rest)
			return r, rest != ""
		}
		from = i + 1
	}
}
