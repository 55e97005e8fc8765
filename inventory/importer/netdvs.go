package importer

import (
	"strings"

	"vswarden/inventory"
)

// netDVS reads net-dvs -l: the switches' and ports' properties as the host itself has them. It joins the key of
// a port (431) to its id (portID=50331701), and is the only output that shows the enforced policy.
//
//	switch 8a fa 1a 50 … (etherswitch)
//	  com.vmware.common.alias = test , propType = CONFIG
//	  port 431:
//	    com.vmware.common.port.portgroupid = dvportgroup-1628 , propType = CONFIG
//	    com.vmware.etherswitch.port.security = deny promiscuous; allow mac change; allow forged frames
//	    com.vmware.common.port.volatile.status = inUse linkUp portID=50331701 propType = RUNTIME
func (p *Part) netDVS(text string) {
	var r inventory.Row
	flush := func() {
		if r.Port != 0 {
			p.add(r)
		}
	}
	sw := ""
	inPort := false
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "switch "); ok {
			flush()
			name, _, _ = strings.Cut(name, " (")
			r, sw, inPort = inventory.Row{}, name, false
			continue
		}
		if key, ok := strings.CutPrefix(line, "port "); ok && strings.HasSuffix(line, ":") {
			flush()
			inPort = true
			r = inventory.Row{Net: inventory.Net{Switch: sw, DVPort: strings.TrimSuffix(key, ":")}}
			continue
		}
		key, val, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		val, _, _ = strings.Cut(val, "propType")
		val = strings.Trim(val, " ,\t")
		key = strings.TrimSpace(key)
		switch {
		case !inPort && strings.HasSuffix(key, "common.alias") && val != "":
			sw = val
		case !inPort:
		case strings.HasSuffix(key, ".port.portgroupid"):
			r.Net.Portgroup = val
		case strings.HasSuffix(key, ".port.alias"):
			if strings.HasPrefix(strings.ToLower(val), "dvuplink") || strings.HasPrefix(strings.ToLower(val), "uplink") {
				r.Kind = inventory.KindUplink
			}
		case strings.HasSuffix(key, ".port.security"):
			r.Net.Enforced = securityFlags(val)
		case strings.HasSuffix(key, ".volatile.status"):
			if _, id, ok := strings.Cut(line, "portID="); ok {
				id, _, _ = strings.Cut(id, " ")
				r.Port = portID(id)
				if r.Port == 0 {
					p.Skipped++
				}
			}
		}
	}
	flush()
}

// securityFlags reads "deny promiscuous; allow mac change; allow forged frames".
func securityFlags(s string) (f inventory.Flags) {
	for item := range strings.SplitSeq(s, ";") {
		verb, what, _ := strings.Cut(strings.TrimSpace(item), " ")
		verdict := inventory.Unknown
		switch verb {
		case "allow":
			verdict = inventory.Accept
		case "deny":
			verdict = inventory.Reject
		}
		switch what {
		case "promiscuous":
			f.Promiscuous = verdict
		case "mac change":
			f.MACChanges = verdict
		case "forged frames":
			f.ForgedTransmits = verdict
		}
	}
	return f
}
