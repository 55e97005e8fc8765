package importer

import (
	"cmp"
	"strings"

	"vswarden/inventory"
)

// domiflist reads virsh domiflist. It does not print the domain: that is taken from the command
// (virsh domiflist web-01), or from a line "Domain: web-01" or "Name: web-01" before the table.
//
//	 Interface   Type     Source    Model    MAC
//	-------------------------------------------------------
//	 vnet0       bridge   br0       virtio   52:54:00:6b:3c:58
func (p *Part) domiflist(sec *section) {
	domain := ""
	if words := strings.Fields(sec.command); len(words) > 2 && words[0] == "virsh" {
		domain = words[len(words)-1]
	}
	vms := map[string]int{}
	for line := range strings.SplitSeq(sec.text, "\n") {
		if key, name, ok := strings.Cut(line, ":"); ok && (squash(key) == "domain" || squash(key) == "name") {
			domain = strings.TrimSpace(name)
			continue
		}
		if words := strings.Fields(line); len(words) > 2 && words[0] == "virsh" && words[1] == "domiflist" {
			domain = words[len(words)-1]
			continue
		}
		words := strings.Fields(line)
		if len(words) < 5 || words[0] == "Interface" {
			continue
		}
		address := mac(words[len(words)-1])
		if address == (inventory.MAC{}) || len(domain) > maxText || len(words[0]) > maxText {
			p.Skipped++
			continue
		}
		name := cmp.Or(domain, address.String())
		i, ok := vms[name]
		if !ok {
			i = len(p.VMs)
			vms[name] = i
			p.VMs = append(p.VMs, inventory.VM{Name: name, Power: inventory.PoweredOn})
		}
		vm := &p.VMs[i]
		vm.NICs = append(vm.NICs, inventory.NIC{
			Label: value(words[0]), MAC: address, Adapter: words[len(words)-2], Connected: true,
			Backing: inventory.Backing{Kind: inventory.Bridge, Portgroup: strings.Join(words[2:len(words)-2], " ")},
		})
	}
}
