package facts

import (
	"reflect"
	"testing"

	"vswarden/event"
	"vswarden/inventory"
)

func TestPortgroupsInTheWordsOfEvents(t *testing.T) {
	for name, c := range map[string]struct {
		in   *inventory.Portgroup
		want event.PortgroupFacts
	}{
		"only its name is known": {nil, event.PortgroupFacts{Name: "PG"}},
		"one VLAN":               {&inventory.Portgroup{VLAN: inventory.VLAN{Kind: inventory.VLANAccess, ID: 7}}, event.PortgroupFacts{Name: "PG", VLANType: "access", VLAN: 7}},
		"a private VLAN":         {&inventory.Portgroup{VLAN: inventory.VLAN{Kind: inventory.VLANPrivate, ID: 8, Primary: 7}}, event.PortgroupFacts{Name: "PG", VLANType: "private", VLAN: 8}},
		"all VLANs":              {&inventory.Portgroup{VLAN: inventory.StandardVLAN(4095)}, event.PortgroupFacts{Name: "PG", VLANType: "trunk", Ranges: [][2]uint16{{0, 4094}}}},
	} {
		if got := Portgroup(c.in, "PG"); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// Of a setting that nobody has stated there is no level at which it is set either.
func TestWhatIsNotKnownOfAPolicyIsNotSaid(t *testing.T) {
	yes := true
	e := inventory.Effective{
		Promiscuous: inventory.Setting{Value: inventory.Accept, Level: inventory.LevelPortgroup},
		MACChanges:  inventory.Setting{Value: inventory.Unknown, Level: inventory.LevelSwitch},
	}
	want := event.PolicyFacts{Known: true, Promiscuous: &yes, From: [4]event.PolicySource{"portgroup"}, Version: "3"}
	if got := Policy(&e, "3"); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
