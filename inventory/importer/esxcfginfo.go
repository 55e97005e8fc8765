package importer

import (
	"cmp"
	"strings"

	"vswarden/inventory"
)

// esxcfgInfo reads the tree that esxcfg-info --network prints, or what grep leaves of it:
//
//	\==+Virtual Switch :
//	   |----Name.............................vSwitch0
//	   \==+Port :
//	      |----Port Id.......................83886082
//	      |----World Leader.....
//	12344
//	      |----Client Name...................VirtualMachineName
//
// A value may stand on a line of its own: that is how KB 304453 shows it.
func (p *Part) esxcfgInfo(text string) {
	var r inventory.Row
	flush := func() {
		if r.Port != 0 {
			p.add(r)
		}
		r = inventory.Row{}
	}
	sw, branch := "", ""
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if name, ok := strings.CutPrefix(line, `\==+`); ok {
			branch = strings.TrimRight(name, " :")
			if branch == "Virtual Switch" || branch == "DVSwitch" || branch == "DVS" {
				flush()
				sw = ""
			}
			continue
		}
		leaf, ok := strings.CutPrefix(line, "|----")
		if !ok {
			continue
		}
		key, val, _ := strings.Cut(leaf, ".")
		val = strings.TrimSpace(strings.TrimLeft(val, "."))
		if val == "" && i+1 < len(lines) {
			if next := strings.TrimSpace(lines[i+1]); next != "" && !strings.HasPrefix(next, "|") && !strings.HasPrefix(next, `\`) {
				val = next
				i++
			}
		}
		switch strings.TrimSpace(key) {
		case "Name":
			if branch == "Virtual Switch" || branch == "DVSwitch" || branch == "DVS" {
				sw = val
			}
		case "Host Name":
			p.Host.Name = cmp.Or(p.Host.Name, val)
		case "Port Id":
			flush()
			r.Port, r.Net.Switch = portID(val), sw
			if r.Port == 0 {
				p.Skipped++
			}
		case "World Leader":
			r.World = number(val)
		case "Client Name":
			setClient(&r, value(val))
		case "Mac Address", "MAC Address", "Mac Addr":
			r.MAC = mac(val)
		}
	}
	flush()
}
