package inventory

import (
	"fmt"
	"testing"
	"time"
)

// sayChanges prints changes in one line each.
func sayChanges(list []PolicyChange) (s string) {
	for _, c := range list {
		old, _ := c.Old.Flags()
		now, _ := c.New.Flags()
		s += fmt.Sprintf("%s %s%s: promiscuous %d to %d by %q; ", c.Level, c.Name, c.Port, old.Promiscuous, now.Promiscuous, c.User)
	}
	return s
}

func TestAPolicyChangeIsToldOnceWithItsAuthor(t *testing.T) {
	w := newWorld(t)
	host := w.esx("host-1", -1000)
	pg := Portgroup{Ref: w.ref("dvportgroup-1"), Kind: DistributedSwitch, Name: "PG-Web", Switch: "dvs-1"}
	sw := Switch{Ref: w.ref("dvs-1"), Kind: DistributedSwitch, Name: "DSwitch"}
	first := DVPort{Switch: sw.Ref, Key: "7", Portgroup: "dvportgroup-1", Rules: Rules{Own: Flags{Promiscuous: Accept}}}
	w.apply(0, Update{Hosts: []Host{host}, Switches: []Switch{sw}, Portgroups: []Portgroup{pg}, DVPorts: []DVPort{first}, First: true})
	w.report(1)
	if got := w.TakePolicyChanges(at(100)); got != nil {
		t.Fatalf("the first report is no change: %v", sayChanges(got))
	}

	// The event comes before the property, or after, or never.
	w.Acted(Act{When: at(9), Object: pg.Ref, User: `LAB\alice`, Event: "DVPortgroupReconfiguredEvent"})
	pg.Rules.Distributed.Security = SecurityPolicy{Present: true, Promiscuous: Inheritable{Value: Accept}}
	w.apply(10, Update{Portgroups: []Portgroup{pg}})
	host.Switches = append([]Switch(nil), host.Switches...)
	host.Switches[0].Rules.Own.Promiscuous = Accept
	w.apply(11, Update{Hosts: []Host{host}})
	w.apply(12, Update{DVPorts: []DVPort{{Switch: sw.Ref, Key: "8", Portgroup: "dvportgroup-1", Rules: first.Rules}}})

	want := "portgroup PG-Web: promiscuous 0 to 2 by \"LAB\\\\alice\"; "
	if got := sayChanges(w.TakePolicyChanges(at(13))); got != want {
		t.Errorf("at once:\n got %s\nwant %s", got, want)
	}
	w.Acted(Act{When: at(12), Object: sw.Ref, Port: "8", User: "bob", Event: "DvsPortReconfiguredEvent"})
	want = "port PG-Web8: promiscuous 0 to 2 by \"bob\"; "
	if got := sayChanges(w.TakePolicyChanges(at(14))); got != want {
		t.Errorf("with the event that came later:\n got %s\nwant %s", got, want)
	}
	want = "switch vSwitch0: promiscuous 1 to 2 by \"\"; "
	if got := sayChanges(w.TakePolicyChanges(at(11).Add(actWait))); got != want {
		t.Errorf("without an event:\n got %s\nwant %s", got, want)
	}
	if got := w.TakePolicyChanges(at(1000)); got != nil {
		t.Errorf("told twice: %s", sayChanges(got))
	}
}

func TestAnActOfAnotherHourMadeNoChange(t *testing.T) {
	w := newWorld(t)
	pg := Portgroup{Ref: w.ref("dvportgroup-1"), Kind: DistributedSwitch, Name: "PG-Web"}
	w.apply(0, Update{Portgroups: []Portgroup{pg}})
	w.report(1)
	w.Acted(Act{When: at(-3600), Object: pg.Ref, User: "carol"})
	pg.Rules.SecurityOverride = Accept
	w.apply(10, Update{Portgroups: []Portgroup{pg}})
	if got := w.TakePolicyChanges(at(60)); len(got) != 1 || got[0].User != "" || got[0].Since > got[0].When {
		t.Errorf("got %+v", got)
	}
}

func TestChangesThatNobodyTakesAreBounded(t *testing.T) {
	w := newWorld(t)
	pg := Portgroup{Ref: w.ref("dvportgroup-1"), Kind: DistributedSwitch, Name: "PG-Web"}
	w.apply(0, Update{Portgroups: []Portgroup{pg}})
	w.report(1)
	const n = 3 * maxChanges
	for i := range n {
		pg.Rules.SecurityOverride = Verdict(1 + i%2)
		w.apply(2+i, Update{Portgroups: []Portgroup{pg}})
		w.Acted(Act{When: at(2 + i), Object: w.ref("dvportgroup-2"), User: "dave"})
	}
	got := len(w.TakePolicyChanges(at(n).Add(time.Hour)))
	if lost := w.PolicyChangesLost(); got > maxChanges || lost == 0 || uint64(got)+lost != n {
		t.Errorf("%d kept and %d lost of %d", got, lost, n)
	}
	if len(w.policy.acts) > maxActs {
		t.Errorf("%d acts kept", len(w.policy.acts))
	}
}

// A change whose author is known does not overtake an older one of the same object that waits for its own.
func TestChangesOfOneObjectKeepTheirOrder(t *testing.T) {
	w := newWorld(t)
	one := Portgroup{Ref: w.ref("dvportgroup-1"), Kind: DistributedSwitch, Name: "one"}
	two := Portgroup{Ref: w.ref("dvportgroup-2"), Kind: DistributedSwitch, Name: "two"}
	w.apply(0, Update{Portgroups: []Portgroup{one, two}})
	w.report(1)
	one.Rules.SecurityOverride = Accept
	w.apply(100, Update{Portgroups: []Portgroup{one}})
	two.Rules.SecurityOverride = Accept
	w.apply(115, Update{Portgroups: []Portgroup{two}})
	if got := sayChanges(w.TakePolicyChanges(at(116))); got != "" {
		t.Fatalf("too early: %s", got)
	}
	w.policy.changes = append(w.policy.changes, PolicyChange{When: at(116), Level: LevelPortgroup, Object: one.Ref, Name: "one", User: "eve"})
	if got := w.TakePolicyChanges(at(117)); len(got) != 0 {
		t.Errorf("overtaken: %s", sayChanges(got))
	}
	if got := w.TakePolicyChanges(at(121)); len(got) != 2 || got[0].User != "" || got[1].User != "eve" {
		t.Errorf("%s", sayChanges(got))
	}
}
