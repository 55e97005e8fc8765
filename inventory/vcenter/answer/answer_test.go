package answer

import (
	"errors"
	"strings"
	"testing"

	"vswarden/inventory"
)

func TestEsxtopRows(t *testing.T) {
	const counters = "|CPU|Name,STR|\n|NetPort|LinkStatus,B|ClientName,CSTR|PortID,U32|PortsetName,CSTR|\n"
	const stats = "==NUM-OF-OBJ==\n|NetPort|PortID,1|\n==COUNTER-VALUE==\n|NetPort|1|36139:web-01.eth0|83886082|DvsPortset-0|\n" +
		"|NetPort|1|vmk0|33554436|vSwitch0|\n|NetPort|1|vmnic0|2214592518|vSwitch0|\n|NetPort|short|\n|NetPort|1|x|notanumber|y|\n"
	rows, err := EsxtopRows(counters, stats)
	if err != nil || len(rows) != 3 {
		t.Fatalf("%+v, %v", rows, err)
	}
	if r := rows[0]; r.Port != 0x5000002 || r.World != 36139 || r.VM != "web-01" || r.Device != "eth0" || r.Kind != inventory.KindVM || r.Net.Switch != "DvsPortset-0" {
		t.Errorf("row %+v", r)
	}
	if rows[1].Kind != inventory.KindVMKernel || rows[2].Kind != inventory.KindUplink || rows[2].Port != 0x84000006 {
		t.Errorf("rows %+v", rows)
	}
	if _, err := EsxtopRows("|CPU|x|", stats); !errors.Is(err, errCounters) {
		t.Errorf("without counters: %v", err)
	}
}

func FuzzCommandRows(f *testing.F) {
	f.Add(`<obj xsi:type="ArrayOfDataObject"><DataObject xsi:type="x"><Name>web-01</Name><WorldID>33000</WorldID></DataObject></obj>`)
	f.Add(`<a><DataObject><b><c>d</c></b>`)
	f.Fuzz(func(t *testing.T, s string) {
		rows, err := CommandRows(s)
		if err == nil && len(rows) > maxRows {
			t.Errorf("%d rows", len(rows))
		}
		for _, r := range rows {
			if p, ok := PortRow(r, "x", 1); ok && p.Port == 0 {
				t.Error("a port without an id")
			}
		}
	})
}

func FuzzEsxtopRows(f *testing.F) {
	f.Add("|NetPort|PortID,U32|ClientName,CSTR|", "==COUNTER-VALUE==\n|NetPort|67108870|33000:web-01.eth0|\n")
	f.Fuzz(func(t *testing.T, counters, stats string) {
		rows, _ := EsxtopRows(counters, stats)
		for _, r := range rows {
			if r.Port == 0 {
				t.Error("a port without an id")
			}
		}
	})
}

func FuzzPortID(f *testing.F) {
	f.Add("key-vim.host.PortGroup.Port-33554436")
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := PortID(s); ok && (id == 0 || !strings.HasPrefix(s, PortPrefix)) {
			t.Errorf("%q is %d", s, id)
		}
		_ = Unescape(s)
	})
}
