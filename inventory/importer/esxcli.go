package importer

import (
	"cmp"
	"net/netip"
	"strings"

	"vswarden/inventory"
)

// esxcli reads the lists of esxcli as text, XML (of the command, or of the API) or CSV.
func (p *Part) esxcli(sec *section) error {
	text := strings.TrimLeft(sec.text, " \r\n\t")
	first, _, _ := strings.Cut(text, "\n")
	var records []record
	var err error
	switch {
	case strings.HasPrefix(text, "<"):
		records, err = xmlRecords(text)
		p.WholeVMs = p.Kind == VMList
	case strings.Count(first, ",") > 2 && !strings.Contains(first, ":"):
		records, err = csvRecords(text, map[Kind]string{
			VMList: "numports", VMPortList: "portid", ProcessList: "configfile", InterfaceList: "portset", NICList: "macaddress",
		}[p.Kind])
		p.WholeVMs = p.Kind == VMList
	case p.Kind == VMList:
		p.vmTable(sec.text)
		return nil
	case p.Kind == NICList:
		p.nicTable(sec.text)
		return nil
	default:
		records = blocks(sec.text, map[Kind]string{VMPortList: "portid", ProcessList: "worldid", InterfaceList: "name"}[p.Kind])
	}
	if err != nil {
		return err
	}
	world := worldOf(sec.command)
	for _, rec := range records {
		switch p.Kind {
		case VMList:
			p.addVM(inventory.VM{Name: rec["name"], World: number(rec["worldid"]), Power: inventory.PoweredOn})
		case VMPortList:
			p.vmPort(rec, world)
		case ProcessList:
			p.process(rec)
		case InterfaceList:
			p.vmk(rec)
		case NICList:
			p.nic(rec["name"], mac(rec["macaddress"]))
		}
	}
	return nil
}

// worldOf returns the world that "esxcli network vm port list -w 33454" asks for, or 0.
func worldOf(command string) uint64 {
	words := strings.Fields(strings.ReplaceAll(command, "=", " "))
	for i, w := range words[:max(len(words)-1, 0)] {
		if w == "-w" || w == "--world-id" {
			return number(words[i+1])
		}
	}
	return 0
}

func (p *Part) addVM(vm inventory.VM) {
	if vm.Name == "" || len(vm.Name) > maxText {
		p.Skipped++
		return
	}
	p.VMs = append(p.VMs, vm)
}

// vmTable reads esxcli network vm list:
//
//	World ID  Name       Num Ports  Networks
//	--------  ---------  ---------  --------
//	 2178744  Site1_GW           2  Security_Lab_Site1_Outside, Site1_to_CPE
//
// The line of dashes tells where columns are; where it is missing, two spaces end a name.
func (p *Part) vmTable(text string) {
	var columns []int
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, "\r ")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
			continue
		case words[0] == "World":
			p.WholeVMs = true
			continue
		case strings.Trim(line, "- ") == "":
			columns = dashes(line)
			continue
		case !digits(words[0]):
			p.Skipped++
			continue
		}
		name := ""
		if len(columns) == 4 && len(line) > columns[2] {
			name = strings.TrimSpace(line[columns[1]:columns[2]])
		} else {
			rest := strings.TrimSpace(strings.TrimSpace(line)[len(words[0]):])
			name, _, _ = strings.Cut(rest, "  ")
		}
		p.addVM(inventory.VM{Name: name, World: number(words[0]), Power: inventory.PoweredOn})
	}
}

// dashes returns where the groups of dashes begin.
func dashes(line string) (at []int) {
	for i := range len(line) {
		if line[i] == '-' && (i == 0 || line[i-1] == ' ') {
			at = append(at, i)
		}
	}
	return at
}

func (p *Part) vmPort(rec record, world uint64) {
	r := inventory.Row{Port: portID(rec["portid"]), Kind: inventory.KindVM, World: world, MAC: mac(rec["macaddress"])}
	r.Net = inventory.Net{Switch: value(rec["vswitch"]), Portgroup: value(rec["portgroup"]), DVPort: value(rec["dvportid"])}
	p.add(r)
	up := inventory.Row{Port: portID(rec["uplinkportid"]), Net: inventory.Net{Switch: r.Net.Switch}}
	if setClient(&up, value(rec["teamuplink"])); up.Kind != inventory.KindUplink || up.Port == 0 {
		return
	}
	for i := range p.Rows {
		if p.Rows[i].Port == up.Port {
			return
		}
	}
	p.add(up)
}

func (p *Part) process(rec record) {
	vm := inventory.VM{
		Name: cmp.Or(rec["displayname"], rec["head"]), World: number(rec["worldid"]), Path: value(rec["configfile"]), Power: inventory.PoweredOn,
	}
	if id, err := inventory.ParseUUID(rec["uuid"]); err == nil {
		vm.BIOS = id
	}
	p.addVM(vm)
}

// vmk reads one interface of esxcli network ip interface list.
func (p *Part) vmk(rec record) {
	device := cmp.Or(value(rec["name"]), rec["head"])
	if !numbered(device, "vmk") {
		p.Skipped++
		return
	}
	k := inventory.VMKernel{
		Device: device, Port: portID(rec["portid"]), MAC: mac(rec["macaddress"]), DVPort: pick(rec, "vdsport"),
		Portgroup: pick(rec, "portgroup"), Switch: pick(rec, "vdsname", "portset"),
	}
	if a, err := netip.ParseAddr(rec["ipv4address"]); err == nil {
		k.Addresses = append(k.Addresses, a)
	}
	p.Host.Kernel = append(p.Host.Kernel, k)
	if k.Port != 0 {
		p.add(inventory.Row{
			Port: k.Port, Kind: inventory.KindVMKernel, Client: device, Device: device, MAC: k.MAC,
			Net: inventory.Net{Switch: k.Switch, Portgroup: k.Portgroup, DVPort: k.DVPort},
		})
	}
}

// nicTable reads esxcli network nic list; the name comes first and an address stands somewhere:
//
//	Name    PCI Device    Driver  Admin Status  Link Status  Speed  Duplex  MAC Address         MTU  Description
//	vmnic0  0000:02:00.0  ne1000  Up            Up            1000  Full    00:50:56:01:10:01  1500  Intel …
func (p *Part) nicTable(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "Name" || strings.Trim(line, "- \r") == "" {
			continue
		}
		address := inventory.MAC{}
		for _, w := range words[1:] {
			if strings.Count(w, ":") == 5 && mac(w) != (inventory.MAC{}) {
				address = mac(w)
			}
		}
		p.nic(words[0], address)
	}
}

func (p *Part) nic(device string, address inventory.MAC) {
	if !numbered(device, "vmnic") && !numbered(device, "vusb") {
		p.Skipped++
		return
	}
	p.Host.Uplinks = append(p.Host.Uplinks, inventory.Uplink{Device: device, MAC: address})
}
