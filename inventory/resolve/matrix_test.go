package resolve

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"vswarden/inventory"
)

// grade is a confidence in the words of docs/vsphere.md.
func grade(a *Answer) string {
	switch {
	case a.Kind == inventory.KindUplink && a.Confidence >= Sure:
		return "uplink"
	case a.Status == Unresolved:
		return "unresolved"
	case a.Confidence >= 0.95:
		return "exact"
	case a.Confidence >= Sure:
		return "high"
	case a.Confidence >= 0.6:
		return "medium"
	}
	return "low"
}

// TestRightsMatrix holds the table of docs/vsphere.md, "What resolves", to what Resolve answers. A port of a distributed switch
// is one that no table has: vCenter does not show its number. Mode B or C is a host's own list of it.
func TestRightsMatrix(t *testing.T) {
	page, err := os.ReadFile("../../docs/vsphere.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(page, []byte("| line | standard switch, A |"))
	rows := map[string][]string{}
	for line := range strings.Lines(string(rest)) {
		if !strings.HasPrefix(line, "|") {
			if len(rows) > 0 {
				break
			}
			continue
		}
		if cells := strings.Split(line, "|"); len(cells) > 4 {
			rows[strings.TrimSpace(cells[1])] = cells[2:5]
		}
	}
	e := newEstate(t)
	live, err := e.AddSource("live", inventory.SourceLive, e.vc)
	if err != nil {
		t.Fatal(err)
	}
	ref := inventory.Ref{VC: e.vc, ID: "esx01"}
	const listed, hidden = 0x4000010, 0x4000099
	list := inventory.PortTable{Host: ref, Rows: []inventory.Row{
		{Port: listed, Kind: inventory.KindVM, MAC: inventory.MAC{0, 0x50, 0x56, 1, 0, 2}, Net: inventory.Net{Switch: "DSwitch", Portgroup: "PG"}},
		{Port: listed + 1, Kind: inventory.KindVM, MAC: inventory.MAC{0, 0x50, 0x56, 1, 0, 3}, Net: inventory.Net{Switch: "DSwitch", Portgroup: "PG"}},
		{Port: listed + 2, Kind: inventory.KindVM, MAC: inventory.MAC{0, 0x50, 0x56, 1, 0, 1}, Net: inventory.Net{Switch: "DSwitch", Portgroup: "PG"}},
	}}
	e.tell(1, inventory.Update{Tables: []inventory.PortTable{{Host: ref, Rows: []inventory.Row{row(0x2000012, 3)}}}})
	u := inventory.Update{Source: live, At: at(50), Tables: []inventory.PortTable{list}}
	if err := e.Apply(&u); err != nil {
		t.Fatal(err)
	}
	e.Reported(live, at(50))
	for _, c := range []struct {
		row, client                  string
		standard, distributed, shown uint32
	}{
		{"`client web-01.eth1 …` (new, with adapter)", "web-01.eth0", webPort, hidden, listed + 2},
		{"`client web-01 …`, VM with one adapter", "db-01", dbPort, hidden, listed},
		{"`client web-01 …`, VM with several", "web-01", webPort, hidden, listed + 2},
		{"two VMs of that name on the host", "twin", 0x2000012, hidden, listed + 1},
		{"`0x100000f: peer not allowed …` (old, port alone)", "", dbPort, hidden, listed},
		{"`client vmk0 …`", "vmk0", 0x2000004, hidden, hidden},
		{"`client vmnic2 …`, or bit 31 of the port set", "vmnic0", 0x82000002, 0x84000006, 0x84000006},
	} {
		cells, ok := rows[c.row]
		if !ok {
			t.Errorf("docs/vsphere.md has no row %s", c.row)
			continue
		}
		for i, port := range []uint32{c.standard, c.distributed, c.shown} {
			q := e.ask(port, c.client, 60)
			var r Resolver
			a := r.Resolve(q)
			if want := strings.TrimSpace(cells[i]); !strings.HasPrefix(want, grade(&a)) {
				t.Errorf("%s, column %d: %s (%v, %v); the page says %q", c.row, i+1, grade(&a), a.Confidence, a.Status, want)
			}
		}
	}
}
