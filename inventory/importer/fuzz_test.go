package importer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fuzz feeds a parser all samples and what the engine makes of them. Nothing may panic, and what
// was understood must be within bounds and fit for an inventory.
func fuzz(f *testing.F, kind Kind) {
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && !strings.HasSuffix(file, ".golden") {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		parts, err := Parse(kind, text)
		if err != nil {
			return
		}
		for i := range parts {
			for _, r := range parts[i].Rows {
				if r.Port == 0 || len(r.VM) > maxText || len(r.Client) > maxText {
					t.Fatalf("%+v", r)
				}
			}
			for j := range parts[i].VMs {
				if vm := &parts[i].VMs[j]; vm.Name == "" || len(vm.Name) > maxText {
					t.Fatalf("%+v", vm)
				}
			}
		}
		if _, err := Merge(parts, "esx01", 1, 1); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzAuto(f *testing.F)          { fuzz(f, Auto) }
func FuzzEsxtop(f *testing.F)        { fuzz(f, Esxtop) }
func FuzzEsxtopGrep(f *testing.F)    { fuzz(f, EsxtopGrep) }
func FuzzGetEsxTop(f *testing.F)     { fuzz(f, GetEsxTop) }
func FuzzEsxcfgInfo(f *testing.F)    { fuzz(f, EsxcfgInfo) }
func FuzzNetStats(f *testing.F)      { fuzz(f, NetStats) }
func FuzzVMList(f *testing.F)        { fuzz(f, VMList) }
func FuzzVMPortList(f *testing.F)    { fuzz(f, VMPortList) }
func FuzzProcessList(f *testing.F)   { fuzz(f, ProcessList) }
func FuzzInterfaceList(f *testing.F) { fuzz(f, InterfaceList) }
func FuzzNICList(f *testing.F)       { fuzz(f, NICList) }
func FuzzPortgroupList(f *testing.F) { fuzz(f, PortgroupList) }
func FuzzVsish(f *testing.F)         { fuzz(f, Vsish) }
func FuzzNetDVS(f *testing.F)        { fuzz(f, NetDVS) }
func FuzzDomiflist(f *testing.F)     { fuzz(f, Domiflist) }
func FuzzTable(f *testing.F)         { fuzz(f, Table) }
func FuzzJSON(f *testing.F)          { fuzz(f, JSON) }
