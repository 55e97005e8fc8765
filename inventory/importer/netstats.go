package importer

import (
	"strings"

	"vswarden/inventory"
)

// netStats reads net-stats -l:
//
//	PortNum          Type SubType SwitchName       MACAddress         ClientName
//	67108869            3       0 vSwitch1         00:50:56:63:d2:53  vmk2
//	100663359           5       9 DvsPortset-1     00:50:56:be:4d:12  NSX Manager.eth0
//
// Types seen: 3 vmk, 4 uplink, 5 VM, 0 the switch's own. Names of switches and clients may hold
// spaces; the address between them does not.
func (p *Part) netStats(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		words := strings.Fields(line)
		if len(words) > 1 && words[0] == "PortNum" {
			p.WholePorts = true
			continue
		}
		if len(words) < 5 || !digits(words[0]) {
			if len(words) > 0 && !strings.HasPrefix(words[0], "-") {
				p.Skipped++
			}
			continue
		}
		at := 0
		for i, w := range words[3:] {
			if mac(w) != (inventory.MAC{}) && strings.Count(w, ":") == 5 {
				at = 3 + i
				break
			}
		}
		if at < 4 {
			p.Skipped++
			continue
		}
		r := inventory.Row{Port: portID(words[0]), MAC: mac(words[at])}
		r.Net.Switch = strings.Join(words[3:at], " ")
		setClient(&r, strings.Join(words[at+1:], " "))
		switch words[1] { // the type is surer than the form of the name: a VM may be called vmk0
		case "3":
			r.Kind, r.VM, r.Device = inventory.KindVMKernel, "", r.Client
		case "4":
			r.Kind, r.VM, r.Device = inventory.KindUplink, "", r.Client
		case "5":
			r.Kind = inventory.KindVM
			r.VM, r.Device = inventory.SplitClient(r.Client)
		case "0":
			r.Kind, r.VM, r.Device = inventory.KindSystem, "", ""
		}
		p.add(r)
	}
}
