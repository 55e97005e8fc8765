package event

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// postureEvent is a portgroup that permits promiscuous mode, with everything that such an event can hold.
func postureEvent() Event {
	yes, no := true, false
	var e Event
	e.Reset()
	e.ID, e.Time, e.Received = NewID(1, 2), 1789468181000000000, 1789468181000000000
	e.Dataset, e.Kind, e.Act = DatasetPosture, "state", ActPosture
	e.Message = "portgroup Lab on vSwitch0 permits promiscuous mode"
	e.Host = "esx01.example.com"
	e.Report = &Report{
		Level: "port", VCenter: NamedFact{"vc01.example.com", "5b1e2a0c-3d64-4c7c-9f51-4f0e6d1f2a77"}, Datacenter: "DC1", Cluster: "Prod-01",
		Host: NamedFact{"esx01.example.com", "host-21"}, Switch: SwitchFacts{"distributed", "DSwitch-Prod", "50 33 0a a7 d5 34 2d a0-99 52 6e c5 8f c7 1e 41", "dvs-30"},
		Portgroup: PortgroupFacts{Name: "PG-Lab", MOID: "dvportgroup-203", VLANType: "trunk", Ranges: [][2]uint16{{100, 199}}}, Port: "37",
		Policy: PolicyFacts{
			Known: true, Promiscuous: &yes, MACChanges: &no, ForgedTransmits: &no, MACLearning: &no, OverrideAllowed: &yes, Version: "5",
			From: [4]PolicySource{PolicyPort, PolicyPortgroup, PolicySwitch, PolicyPortgroup},
		},
		Posture: &Posture{
			Permits: []string{"promiscuous", "mac-changes"}, MaySniff: []string{"ids-01"}, MayForge: []string{"ids-01"}, Exposed: []string{"web-01", "web-02"},
			SniffCount: 1, ForgeCount: 1, ExposedCount: 2, Reach: 9, Advice: []string{"MAC learning"}, Notes: []string{"a note"},
		},
	}
	return e
}

func changeEvent() Event {
	e := postureEvent()
	e.Dataset, e.Kind, e.Act, e.User = DatasetPolicy, "", ActSwitchPolicy, User{Name: "alice", Domain: "LAB"}
	e.VCEvent.Type = "vim.event.DVPortgroupReconfiguredEvent"
	r := *e.Report
	r.Posture = nil
	r.Change = &Change{Direction: "mixed", Since: 1789468180000000000, Settings: []SettingChange{
		{"allow_promiscuous", "false", "true"}, {"mac_changes", "true", "false"}, {"forged_transmits", "", "true"}, {"mac_learning", "false", ""}, {"override_allowed", "false", "true"},
	}}
	e.Report = &r
	return e
}

func TestReportSeverity(t *testing.T) {
	for want, change := range map[string]func(*Event){
		"73": func(*Event) {},
		"47": func(e *Event) { e.Report.Posture.ExposedCount = 0 },
		"21": func(e *Event) { e.Report.Posture.Permits = []string{"forged-transmits"} },
	} {
		e := postureEvent()
		change(&e)
		if got := string(e.AppendJSON(nil, DetailAuto, OriginalNone)); !strings.Contains(got, `"severity":`+want+`,`) || !strings.Contains(got, `"kind":"state"`) {
			t.Errorf("want %s: %s", want, got)
		}
	}
	e := changeEvent()
	for direction, want := range map[string]string{"weaker": "73", "mixed": "73", "stronger": "47", "same": "47"} {
		e.Report.Change.Direction = direction
		got := string(e.AppendJSON(nil, DetailAuto, OriginalNone))
		if !strings.Contains(got, `"severity":`+want+`,`) || strings.Contains(got, `"weakens":true`) != (want == "73") {
			t.Errorf("%s: %s", direction, got)
		}
	}
}

// TestReportFields: docs/posture.md names every member of vmware in these events, and no value is null or empty.
func TestReportFields(t *testing.T) {
	page, err := os.ReadFile("../docs/posture.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []Event{postureEvent(), changeEvent()} {
		text := e.AppendJSON(nil, DetailFull, OriginalNone)
		o := read(t, text)
		for _, path := range paths(o) {
			if strings.HasPrefix(path, "vmware.") && path != "vmware.schema_version" && !strings.Contains(string(page), "`"+path+"`") {
				t.Errorf("docs/posture.md does not name %s", path)
			}
		}
		if strings.Contains(string(text), "null") || strings.Contains(string(text), "{}") {
			t.Errorf("%s", text)
		}
	}
	e := postureEvent()
	e.Report.Posture.Reach = -1
	if got := string(e.AppendJSON(nil, DetailFull, OriginalNone)); strings.Contains(got, `"reach"`) {
		t.Errorf("what is not known is not there: %s", got)
	}
}

// A report that knows nothing is an event all the same.
func TestEmptyReport(t *testing.T) {
	e := postureEvent()
	e.Report = &Report{Posture: &Posture{}, Change: &Change{}}
	o := read(t, e.AppendJSON(nil, DetailFull, OriginalNone))
	if !slices.Contains(paths(o), "vmware.posture.reach") {
		t.Errorf("%v", paths(o))
	}
	e.Report = &Report{Change: &Change{}, Policy: PolicyFacts{Known: true, Version: "5"}}
	read(t, e.AppendJSON(nil, DetailFull, OriginalNone))
}
