package inventory

import (
	"testing"
	"time"
)

// churn powers a VM on and off once a minute, each time as a new clone with a new moid.
func churn(t *testing.T, w *world, clones int) (end int) {
	t.Helper()
	w.silent = true
	for i := range clones {
		s := 100 + 60*i
		w.Reported(w.id, at(s-1))
		w.apply(s, Update{VMs: []VM{w.machine(1000+i, "esx02", s-1)}, Tables: w.table("esx02", port(p2, 1000+i))})
		w.Reported(w.id, at(s+29))
		w.apply(s+30, Update{Gone: []Ref{w.ref(w.machine(1000+i, "", 0).Ref.ID)}, Tables: w.table("esx02")})
		end = s + 30
	}
	w.Reported(w.id, at(end))
	w.silent = false
	return end
}

func TestEvictionByAge(t *testing.T) {
	w := start(t)
	end := churn(t, w, 50)
	w.expect("esx02", p2, 115, end+10, "vm1000 all [port_table]; ")
	if n := w.Stats().Intervals; n != 150 { // residence, port and the VM itself
		t.Errorf("%d intervals", n)
	}
	w.Maintain(at(130).Add(w.cfg.Keep + time.Second))
	if s := w.Stats(); s.Intervals != 147 || s.EvictedByAge != 3 {
		t.Errorf("%+v", s)
	}
	if h := w.Horizon(); h <= at(130) || h > at(140) {
		t.Errorf("horizon %v", h.Time())
	}
	w.expect("esx02", p2, 115, end+10, "")
	w.expect("esx02", p2, 175, end+10, "vm1001 all [port_table]; ")
	w.expect("esx01", p1, 115, end+10, "vm01 all [port_table]; ") // what goes on is never forgotten
	w.Maintain(at(end).Add(2 * w.cfg.Keep))
	if s := w.Stats(); s.Intervals != 0 || s.EvictedByAge != 150 || s.VMs != 1 {
		t.Errorf("%+v", s)
	}
	if len(w.vms) != 1 || len(w.HostTable(w.ref("esx02")).cur.Load().ports) != 1 { // vmk0's
		t.Error("what is left of the forgotten")
	}
}

func TestEvictionByRoom(t *testing.T) {
	cfg := DefaultConfig()
	cfg.MaxIntervals = 90
	w := worldOn(t, New(cfg))
	w.apply(0, Update{Hosts: []Host{w.esx("esx02", -86400)}, Tables: w.table("esx02")})
	w.report(0)
	end := churn(t, w, 40)
	w.Maintain(at(end + 1))
	s := w.Stats()
	if s.Intervals > 81 || s.EvictedByRoom != 120-s.Intervals {
		t.Errorf("%+v", s)
	}
	if w.Horizon() <= at(130) {
		t.Errorf("horizon %v", w.Horizon().Time())
	}
	w.expect("esx02", p2, 115, end+10, "")
	w.expect("esx02", p2, end-15, end+10, "vm1039 all [port_table]; ")
}

func TestEvictionOfPastNamesAndPolicy(t *testing.T) {
	w := start(t)
	vm := w.machine(1, "esx01", -3600)
	vm.Name = "renamed"
	esx := w.esx("esx01", -86400)
	esx.Switches[0].Rules.Own.Promiscuous = Accept
	pg := Portgroup{Ref: w.ref("dvportgroup-1"), Kind: DistributedSwitch, Switch: "dvs-1", Rules: Rules{Distributed: sec(Reject, false)}}
	sw := Switch{Ref: w.ref("dvs-1"), Kind: DistributedSwitch, Rules: Rules{Distributed: sec(Reject, false)}}
	w.apply(50, Update{Portgroups: []Portgroup{pg}, Switches: []Switch{sw}})
	pg.Rules.Distributed, sw.Rules.Distributed = sec(Accept, false), sec(Accept, false)
	w.apply(100, Update{Hosts: []Host{esx}, VMs: []VM{vm}, Portgroups: []Portgroup{pg}, Switches: []Switch{sw}})
	w.report(110)
	if s := w.Stats(); s.Intervals != 4 {
		t.Errorf("%+v", s)
	}
	w.Maintain(at(200).Add(w.cfg.Keep))
	if s := w.Stats(); s.Intervals != 0 || s.EvictedByAge != 4 {
		t.Errorf("%+v", s)
	}
	if names := w.VM(vm.Ref).FormerNames(); len(names) != 0 {
		t.Errorf("names %v", names)
	}
}

func TestConfig(t *testing.T) {
	cfg := DefaultConfig()
	if faults := cfg.Validate(); len(faults) != 0 {
		t.Errorf("the defaults: %v", faults)
	}
	bad := Config{Keep: time.Minute, MaxIntervals: 1, MaxHosts: 0, SnapshotInterval: time.Second}
	if faults := bad.Validate(); len(faults) != 4 {
		t.Errorf("%v", faults)
	}
}
