package importer

import "strings"

// detect returns the format of a section, or nothing.
func detect(sec *section) Kind {
	text := strings.TrimLeft(sec.text, " \r\n\t")
	if text == "" {
		return ""
	}
	first, _, _ := strings.Cut(text, "\n")
	head := text[:min(len(text), 256<<10)]
	has := func(words ...string) bool {
		for _, w := range words {
			if !strings.Contains(head, w) {
				return false
			}
		}
		return true
	}
	switch {
	case text[0] == '<':
		return detectXML(head)
	case text[0] == '{', text[0] == '[':
		return JSON
	case strings.HasPrefix(first, `"(PDH-CSV`), strings.HasPrefix(first, "(PDH-CSV"):
		return Esxtop
	case has(networkPort):
		return EsxtopGrep
	case has("|----"):
		return EsxcfgInfo
	case has("PortNum", "ClientName"):
		return NetStats
	case has("PortID", "ClientName"):
		return GetEsxTop
	case has("com.vmware.common."):
		return NetDVS
	case has("clientName:"):
		return Vsish
	case has("Virtual Switch", "Active Clients", "VLAN ID"):
		return PortgroupList
	case has("Interface", "Source", "Model", "MAC") && !has("Portset"):
		return Domiflist
	}
	if kind := detectESXCLI(first, has); kind != "" {
		return kind
	}
	if looksLikeNetStats(first) {
		return NetStats
	}
	for _, sep := range [...]string{",", ";", "\t"} {
		for name := range strings.SplitSeq(first, sep) {
			if n := squash(name); strings.Contains(first, sep) && (n == "vm" || n == "vmname") {
				return Table
			}
		}
	}
	return ""
}

func detectXML(head string) Kind {
	squashed := strings.ToLower(head)
	switch {
	case strings.Contains(squashed, "dvportid"):
		return VMPortList
	case strings.Contains(squashed, "numports"):
		return VMList
	case strings.Contains(squashed, "configfile"):
		return ProcessList
	case strings.Contains(squashed, "portset"):
		return InterfaceList
	case strings.Contains(squashed, "pcidevice"):
		return NICList
	}
	return ""
}

func detectESXCLI(first string, has func(...string) bool) Kind {
	columns := squash(first)
	isCSV := strings.Count(first, ",") > 2
	switch {
	case has("World ID", "Num Ports"), isCSV && strings.Contains(columns, "numports") && strings.Contains(columns, "worldid"):
		return VMList
	case has("Port ID:", "DVPort ID:"), has("Port ID:", "Team Uplink:"), isCSV && strings.Contains(columns, "dvportid"):
		return VMPortList
	case has("World ID:", "Config File:"), has("World ID:", "Display Name:"), isCSV && strings.Contains(columns, "configfile"):
		return ProcessList
	case has("Port ID:", "Portset:"), isCSV && strings.Contains(columns, "portset"):
		return InterfaceList
	case has("PCI Device", "MAC Address"), isCSV && strings.Contains(columns, "pcidevice"):
		return NICList
	}
	return ""
}

// looksLikeNetStats reports whether a line is a row of net-stats -l that a grep has left.
func looksLikeNetStats(line string) bool {
	words := strings.Fields(line)
	return len(words) >= 5 && digits(words[0]) && digits(words[1]) && digits(words[2]) && portID(words[0]) != 0 && strings.Count(line, ":") >= 5
}
