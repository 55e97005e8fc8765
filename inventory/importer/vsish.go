package importer

import (
	"strings"

	"vswarden/inventory"
)

// vsish reads the client names that a loop over /net/portSets/…/ports/ prints, each after the port's number:
//
//	50331678/
//	clientName:VM1.eth0
func (p *Part) vsish(text string) {
	port := ""
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		id, isPort := strings.CutSuffix(line, "/")
		name, isName := strings.CutPrefix(line, "clientName:")
		switch {
		case isPort && digits(id):
			port = id
		case isName && port != "":
			r := inventory.Row{Port: portID(port)}
			setClient(&r, value(name))
			p.add(r)
			port = ""
		case line != "":
			p.Skipped++
		}
	}
}

// portgroupList reads esxcli network vswitch standard portgroup list. Names may hold spaces, the three columns behind
// them do not but for the switch's name, whose beginning the rule under the header shows:
//
//	Name                Virtual Switch  Active Clients  VLAN ID
//	------------------  --------------  --------------  -------
//	Management Network  vSwitch0                     1        0
func (p *Part) portgroupList(text string) {
	from := 0 // where the switch's name begins; 0: not known, as in copies that lost their spaces
	ruled := false
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, " \r")
		if strings.HasPrefix(line, "---") {
			ruled = true
			if from = strings.Index(line, "  -"); from >= 0 {
				from += 2
			}
			continue
		}
		words := strings.Fields(line)
		n := len(words)
		if !ruled || n == 0 {
			continue
		}
		if n < 4 || !digits(words[n-1]) || !digits(words[n-2]) {
			p.Skipped++
			continue
		}
		g := inventory.Portgroup{Kind: inventory.Standard, VLAN: inventory.StandardVLAN(int32(min(number(words[n-1]), 1<<15)))}
		if from > 0 && from < len(line) && line[from-1] == ' ' {
			rest := strings.Fields(line[from:])
			if len(rest) < 3 {
				p.Skipped++
				continue
			}
			g.Name, g.Switch = strings.TrimSpace(line[:from]), strings.Join(rest[:len(rest)-2], " ")
		} else {
			g.Name, g.Switch = strings.Join(words[:n-3], " "), words[n-3]
		}
		if g.Name == "" || len(g.Name) > maxText || len(g.Switch) > maxText || len(p.Host.Portgroups) >= maxRows {
			p.Skipped++
			continue
		}
		p.Host.Portgroups = append(p.Host.Portgroups, g)
	}
}
