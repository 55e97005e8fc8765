package inventory

import (
	"fmt"
	"strings"
	"testing"
)

// Verdicts in every order, to go through all combinations.
var verdicts = [...]Verdict{Unknown, Reject, Accept}

// TestEffectiveStandard tries every combination of what switch, portgroup and host can state.
func TestEffectiveStandard(t *testing.T) {
	for _, sw := range verdicts {
		for _, pg := range verdicts {
			for _, computed := range verdicts {
				e := EffectiveStandard(Flags{sw, sw, sw}, Flags{pg, pg, pg}, Flags{computed, computed, computed})
				want := Setting{}
				switch {
				case pg != Unknown:
					want = Setting{pg, LevelPortgroup, ViaSecurity}
				case sw != Unknown:
					want = Setting{sw, LevelSwitch, ViaSecurity}
				}
				notes := PolicyNote(0)
				if computed != Unknown {
					if want.Value == Unknown {
						want.Level = LevelDefault
					} else if want.Value != computed {
						notes = NoteComputedPromiscuous | NoteComputedMACChanges | NoteComputedForgedTransmits
					}
					want.Value, want.Via = computed, ViaComputed
				}
				name := fmt.Sprintf("switch %d portgroup %d computed %d", sw, pg, computed)
				for _, got := range [...]Setting{e.Promiscuous, e.MACChanges, e.ForgedTransmits} {
					if got != want {
						t.Errorf("%s: %+v, want %+v", name, got, want)
					}
				}
				if e.Notes != notes {
					t.Errorf("%s: notes %v, want %v", name, e.Notes.Texts(), notes.Texts())
				}
			}
		}
	}
}

func TestEffectiveStandardSettingsAreIndependent(t *testing.T) {
	e := EffectiveStandard(Flags{Reject, Accept, Accept}, Flags{Promiscuous: Accept}, Flags{Accept, Accept, Reject})
	want := [...]Setting{
		{Accept, LevelPortgroup, ViaComputed}, {Accept, LevelSwitch, ViaComputed}, {Reject, LevelSwitch, ViaComputed},
	}
	if got := [...]Setting{e.Promiscuous, e.MACChanges, e.ForgedTransmits}; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if e.Notes != NoteComputedForgedTransmits {
		t.Errorf("notes %q", e.Notes.Texts())
	}
}

// sec is a level whose old policy says v, inherited or not.
func sec(v Verdict, inherited bool) DistributedSetting {
	i := Inheritable{v, inherited}
	return DistributedSetting{Security: SecurityPolicy{Present: true, Inherited: inherited, Promiscuous: i, MACChanges: i, ForgedTransmits: i}}
}

// mac is a level whose MAC management says v, inherited or not.
func mac(v Verdict, inherited bool) DistributedSetting {
	return DistributedSetting{MACManagement: MACManagement{
		Present: true, Inherited: inherited, Flags: Flags{v, v, v},
		Learning: MACLearning{Present: true, Inherited: inherited, Enabled: v, Limit: 4096},
	}}
}

func both(a, b DistributedSetting) DistributedSetting {
	a.MACManagement = b.MACManagement
	return a
}

func TestEffectiveDistributed(t *testing.T) {
	none := DistributedSetting{}
	old := NoteOldPromiscuous | NoteOldMACChanges | NoteOldForgedTransmits
	for _, c := range []struct {
		name  string
		d     Distributed
		want  Setting
		notes PolicyNote
	}{
		{"nothing known", Distributed{}, Setting{}, 0},
		{"nothing known, learning switch", Distributed{MACLearning: true}, Setting{}, 0},
		{
			"all inherited from the switch",
			Distributed{Switch: sec(Reject, false), Portgroup: sec(Reject, true), Port: sec(Reject, true)},
			Setting{Reject, LevelSwitch, ViaSecurity},
			0,
		},
		{
			"set on the portgroup",
			Distributed{Switch: sec(Reject, false), Portgroup: sec(Accept, false), Port: sec(Accept, true)},
			Setting{Accept, LevelPortgroup, ViaSecurity},
			0,
		},
		{
			"port not fetched",
			Distributed{Switch: sec(Reject, false), Portgroup: sec(Accept, false)},
			Setting{Accept, LevelPortgroup, ViaSecurity},
			0,
		},
		{"portgroup not readable", Distributed{Switch: sec(Accept, false)}, Setting{Accept, LevelSwitch, ViaSecurity}, 0},
		{
			"switch not readable, portgroup inherits",
			Distributed{Portgroup: sec(Accept, true)},
			Setting{Accept, LevelSwitch, ViaSecurity},
			0,
		},
		{
			"only the port is known, and it inherits",
			Distributed{Port: sec(Accept, true)},
			Setting{Accept, LevelUnknown, ViaSecurity},
			0,
		},
		{
			"the switch's own mark means nothing",
			Distributed{Switch: sec(Reject, true), Portgroup: sec(Reject, true)},
			Setting{Reject, LevelSwitch, ViaSecurity},
			0,
		},
		{
			"port override, allowed",
			Distributed{Portgroup: sec(Reject, false), Port: sec(Accept, false), SecurityOverride: Accept},
			Setting{Accept, LevelPort, ViaSecurity},
			0,
		},
		{
			"port override, permission unknown",
			Distributed{Portgroup: sec(Reject, false), Port: sec(Accept, false)},
			Setting{Accept, LevelPort, ViaSecurity},
			0,
		},
		{
			"port override, forbidden",
			Distributed{Portgroup: sec(Reject, false), Port: sec(Accept, false), SecurityOverride: Reject},
			Setting{Reject, LevelPortgroup, ViaSecurity},
			NoteOverrideForbidden,
		},
		{
			"forbidden override, portgroup inherits",
			Distributed{Switch: sec(Reject, false), Portgroup: sec(Reject, true), Port: sec(Accept, false), SecurityOverride: Reject},
			Setting{Reject, LevelSwitch, ViaSecurity},
			NoteOverrideForbidden,
		},
		{
			"a value left out goes up",
			Distributed{Switch: sec(Accept, false), Portgroup: sec(Unknown, true)},
			Setting{Accept, LevelSwitch, ViaSecurity},
			0,
		},
		{
			"MAC management rules on a learning switch",
			Distributed{Portgroup: both(sec(Reject, false), mac(Accept, false)), MACLearning: true},
			Setting{Accept, LevelPortgroup, ViaMACManagement},
			old,
		},
		{
			"the old policy rules on an old switch",
			Distributed{Portgroup: both(sec(Reject, false), mac(Accept, false))},
			Setting{Reject, LevelPortgroup, ViaSecurity},
			old,
		},
		{
			"both agree",
			Distributed{Portgroup: both(sec(Reject, false), mac(Reject, false)), MACLearning: true},
			Setting{Reject, LevelPortgroup, ViaMACManagement},
			0,
		},
		{
			"only the old policy on a learning switch",
			Distributed{Portgroup: sec(Reject, false), MACLearning: true},
			Setting{Reject, LevelPortgroup, ViaSecurity},
			0,
		},
		{
			"only MAC management on an old switch",
			Distributed{Portgroup: mac(Accept, false)},
			Setting{Accept, LevelPortgroup, ViaMACManagement},
			0,
		},
		{
			"MAC management inherited",
			Distributed{Switch: mac(Reject, false), Portgroup: mac(Reject, true), Port: mac(Reject, true), MACLearning: true},
			Setting{Reject, LevelSwitch, ViaMACManagement},
			0,
		},
		{
			"MAC override, allowed",
			Distributed{Portgroup: mac(Reject, false), Port: mac(Accept, false), MACOverride: Accept, SecurityOverride: Reject, MACLearning: true},
			Setting{Accept, LevelPort, ViaMACManagement},
			0,
		},
		{
			"MAC override, forbidden",
			Distributed{Portgroup: mac(Reject, false), Port: mac(Accept, false), MACOverride: Reject, SecurityOverride: Accept, MACLearning: true},
			Setting{Reject, LevelPortgroup, ViaMACManagement},
			NoteOverrideForbidden,
		},
		{
			"MAC override permission not stated: the old one's",
			Distributed{Portgroup: mac(Reject, false), Port: mac(Accept, false), SecurityOverride: Reject, MACLearning: true},
			Setting{Reject, LevelPortgroup, ViaMACManagement},
			NoteOverrideForbidden,
		},
		{
			"NSX",
			Distributed{Switch: sec(Reject, false), Portgroup: sec(Accept, false), Port: none, NSX: true},
			Setting{Unknown, LevelNSX, ViaNone},
			0,
		},
		{"uplink", Distributed{Switch: sec(Reject, false), Portgroup: sec(Accept, false), Uplink: true}, Setting{}, 0},
	} {
		e := EffectiveDistributed(&c.d)
		for _, got := range [...]Setting{e.Promiscuous, e.MACChanges, e.ForgedTransmits} {
			if got != c.want {
				t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
			}
		}
		if e.Notes != c.notes {
			t.Errorf("%s: notes %q, want %q", c.name, e.Notes.Texts(), c.notes.Texts())
		}
		if e.Exempt != c.d.Uplink || e.NSX != c.d.NSX {
			t.Errorf("%s: exempt %v nsx %v", c.name, e.Exempt, e.NSX)
		}
	}
}

// TestEffectiveDistributedMatrix goes through every combination of value and mark at three levels
// and of the permission to override, and compares with the rule stated the long way.
func TestEffectiveDistributedMatrix(t *testing.T) {
	type level struct {
		v         Verdict
		inherited bool
	}
	var levels []level
	for _, v := range verdicts {
		levels = append(levels, level{v, false}, level{v, true})
	}
	for _, build := range []func(Verdict, bool) DistributedSetting{sec, mac} {
		for _, port := range levels {
			for _, pg := range levels {
				for _, sw := range levels {
					for _, override := range verdicts {
						d := Distributed{
							Port: build(port.v, port.inherited), Portgroup: build(pg.v, pg.inherited), Switch: build(sw.v, sw.inherited),
							SecurityOverride: override, MACOverride: override,
						}
						ladder := []level{port, pg, sw}
						if override == Reject && !port.inherited && port.v != Unknown {
							ladder[0] = level{Unknown, true}
						}
						value, origin := Unknown, LevelUnknown
						for i, l := range ladder {
							if value == Unknown {
								value = l.v
							}
							if l.v != Unknown && (!l.inherited || i == 2) && origin == LevelUnknown {
								origin = LevelPort + Level(i)
							}
						}
						if value == Unknown {
							origin = LevelUnknown
						} else if origin == LevelUnknown {
							origin = LevelSwitch // the portgroup inherits from what we cannot read
						}
						e := EffectiveDistributed(&d)
						if e.Promiscuous.Value != value || e.Promiscuous.Level != origin {
							t.Fatalf("port %v portgroup %v switch %v override %d: %+v, want %d at %v", port, pg, sw, override, e.Promiscuous, value, origin)
						}
					}
				}
			}
		}
	}
}

func TestEffectiveMACLearning(t *testing.T) {
	d := Distributed{Switch: mac(Reject, false), Portgroup: mac(Reject, false), Port: mac(Reject, true), MACLearning: true}
	d.Portgroup.MACManagement.Learning = MACLearning{Present: true, Enabled: Accept, Flooding: Accept, Limit: 256, DropAbove: true}
	d.Port.MACManagement.Learning = MACLearning{Present: true, Inherited: true, Enabled: Accept, Flooding: Accept, Limit: 256, DropAbove: true}
	e := EffectiveDistributed(&d)
	if want := (Setting{Accept, LevelPortgroup, ViaMACManagement}); e.MACLearning != want {
		t.Errorf("%+v, want %+v", e.MACLearning, want)
	}
	if e.Learning.Limit != 256 || !e.Learning.DropAbove {
		t.Errorf("%+v", e.Learning)
	}
	if e = EffectiveDistributed(&Distributed{Portgroup: sec(Reject, false), MACLearning: true}); e.MACLearning != (Setting{}) {
		t.Errorf("no learning policy: %+v", e.MACLearning)
	}
}

func TestPolicyNotesHaveTexts(t *testing.T) {
	all := PolicyNote(1<<len(policyNotes) - 1)
	if NoteOverrideForbidden != 1<<(len(policyNotes)-1) {
		t.Error("texts and bits differ in number")
	}
	for _, text := range all.Texts() {
		if strings.TrimSpace(text) == "" {
			t.Error("empty text")
		}
	}
}

func TestEffectiveAllocatesNothing(t *testing.T) {
	d := Distributed{Switch: both(sec(Reject, false), mac(Reject, false)), Portgroup: both(sec(Reject, true), mac(Accept, false)), MACLearning: true}
	var e Effective
	if n := testing.AllocsPerRun(100, func() { e = EffectiveDistributed(&d) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if e.Promiscuous.Value != Accept {
		t.Error(e)
	}
}

func BenchmarkEffectiveDistributed(b *testing.B) {
	d := Distributed{Switch: both(sec(Reject, false), mac(Reject, false)), Portgroup: both(sec(Reject, true), mac(Accept, false)), MACLearning: true}
	b.ReportAllocs()
	for b.Loop() {
		_ = EffectiveDistributed(&d)
	}
}
