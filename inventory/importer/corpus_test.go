package importer

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"vswarden/inventory"
)

const corpus = "../../../shared/corpus/esxi-enrichment-samples.txt"

// TestCorpus reads the blocks of real output that the project was given, where they are at hand.
func TestCorpus(t *testing.T) {
	text, err := os.ReadFile(corpus)
	if err != nil {
		t.Skip("the corpus is not here")
	}
	want := map[string]struct {
		kind Kind
		has  string // a line that describe prints
	}{
		"RackHD elk sample":                   {Esxtop, `port 0x8000002 vm client="Krein" vm="Krein" device="" world=36139`},
		"net-stats -l; header":                {NetStats, `port 0x600003f vm client="NSX Manager.eth0" vm="NSX Manager" device="eth0"`},
		"esxcli network vm list (header":      {VMList, `vm "Site1_GW" world=2178744`},
		"esxcli network vm port list -w":      {VMPortList, `port 0x2000092 vm client="" vm="" device="" world=0 mac=00:0c:29:47:03:dc switch="vSwitch0"`},
		"network_vm_list.xml":                 {VMList, `vm "bar" world=236235`},
		"network_vm_port_list.xml":            {VMPortList, `port 0x2000006 vm client="" vm="" device="" world=0 mac=00:0c:29:12:b2:cf switch="vSwitch0" portgroup="VM Network"`},
		"esxcli vm process list (head":        {ProcessList, `vm "uranium-esx36 [knagaraju] FGT_VM64_ESXI" world=2557323`},
		"esxcli network ip interface list":    {InterfaceList, `port 0x1000003 vmk client="vmk0"`},
		"standard portgroup list":             {PortgroupList, `portgroup Management Network on vSwitch0: untagged`},
		"vsish /net/portsets":                 {Vsish, `port 0x300002b vm client="VM7 ethernet0" vm="VM7" device="ethernet0"`},
		"net-dvs -l":                          {NetDVS, `switch="test" portgroup="dvportgroup-102" dvport="136"`},
		"one dvPort with a VM behind it":      {NetDVS, `port 0x3000035 unknown client="" vm="" device="" world=0 mac= switch="" portgroup="dvportgroup-1628" dvport="431" enforced={1 2 2}`},
		"KB 304453: Get-ESXTOP":               {GetEsxTop, `port 0x5000002 vm client="VirtualMachineName" vm="VirtualMachineName" device="" world=12344`},
		"KB 304453: resxtop":                  {EsxtopGrep, `port 0x5000002 vm client="VirtualMachineName" vm="VirtualMachineName" device="" world=12344`},
		"KB 304453: esxcfg-info":              {EsxcfgInfo, `port 0x5000002 vm client="VirtualMachineName" vm="VirtualMachineName" device="" world=12344`},
		"vmware list (indentation lost)-none": {},
	}
	seen := 0
	for _, block := range strings.Split(string(text), "##### BEGIN ")[1:] {
		title, body, _ := strings.Cut(block, "\n")
		body, _, _ = strings.Cut(body, "##### END")
		parts, err := Parse(Auto, []byte(body))
		for name, w := range want {
			if w.kind == "" || !strings.Contains(title, name) || name == "net-dvs -l" && strings.Contains(title, "one dvPort") || strings.Contains(title, "KB 417819") {
				continue
			}
			seen++
			if err != nil || parts[0].Kind != w.kind || !strings.Contains(describe(parts), w.has) {
				t.Errorf("%s: %v\n%swant %s: %s", title, err, describe(parts), w.kind, w.has)
			}
		}
	}
	if seen != len(want)-1 {
		t.Errorf("%d of %d blocks seen", seen, len(want)-1)
	}
}

func exportText(t *testing.T, inv *inventory.Inventory, at inventory.Stamp) string {
	t.Helper()
	b, err := json.MarshalIndent(inv.Export(nil, at, at), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
