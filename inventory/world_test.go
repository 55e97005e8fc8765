package inventory

import (
	"fmt"
	"testing"
	"time"
)

// epoch is when the tests' clock begins.
var epoch = StampOf(time.Date(2026, 9, 15, 10, 0, 0, 0, time.UTC))

// at returns the moment s seconds after epoch.
func at(s int) Stamp { return epoch.Add(time.Duration(s) * time.Second) }

// world is an inventory with one vCenter that pushes, for tests to tell stories in.
type world struct {
	*Inventory
	t  testing.TB
	id SourceID
	vc uint16
	// silent leaves out the long poll's answers, which otherwise come just before anything is told or asked.
	silent bool
}

func newWorld(t testing.TB) *world { return worldOn(t, New(DefaultConfig())) }

func worldOn(t testing.TB, inv *Inventory) *world {
	t.Helper()
	vc := inv.AddVCenter(VCenter{Name: "vc01.example.com"})
	id, err := inv.AddSource("vc01.example.com", SourcePushed, vc)
	if err != nil {
		t.Fatal(err)
	}
	return &world{Inventory: inv, t: t, id: id, vc: vc}
}

func (w *world) ref(id string) Ref { return Ref{w.vc, id} }

// apply tells u at second s.
func (w *world) apply(s int, u Update) {
	w.t.Helper()
	w.poll(s - 1)
	u.Source, u.At = w.id, at(s)
	if err := w.Apply(&u); err != nil {
		w.t.Fatal(err)
	}
}

// poll is an answer of the long poll at second s, if it is up.
func (w *world) poll(s int) {
	if state := w.Source(w.id); state.Live && !w.silent && at(s) > state.Reported {
		w.report(s)
	}
}

// report says that all is told up to second s.
func (w *world) report(s int) { w.Reported(w.id, at(s)); w.Maintain(at(s)) }

// esx is a host with two standard portgroups and a vmk.
func (w *world) esx(id string, boot int) Host {
	return Host{
		Ref: w.ref(id), Name: id + ".example.com", Connection: Connected, Boot: at(boot),
		Kernel:   []VMKernel{{Device: "vmk0", Port: 0x2000004, MAC: MAC{0, 0x50, 0x56, 0x60, 0, byte(len(id))}, Portgroup: "Management Network", Switch: "vSwitch0"}},
		Switches: []Switch{{Kind: Standard, Name: "vSwitch0", Rules: Rules{Own: Flags{Reject, Accept, Accept}}}},
		Portgroups: []Portgroup{
			{Kind: Standard, Name: "VM Network", Switch: "vSwitch0", VLAN: StandardVLAN(0)},
			{Kind: Standard, Name: "Management Network", Switch: "vSwitch0", VLAN: StandardVLAN(0)},
		},
	}
}

// machine is a powered-on VM with one adapter whose address ends in n.
func (w *world) machine(n int, host string, boot int) VM {
	return VM{
		Ref: w.ref(fmt.Sprintf("vm-%d", n)), Host: host, Name: fmt.Sprintf("vm%02d", n), Power: PoweredOn, Boot: at(boot),
		NICs: []NIC{{Key: 4000, Label: "Network adapter 1", MAC: mac1(n), Connected: true, Backing: Backing{Kind: Standard, Portgroup: "VM Network"}}},
	}
}

func mac1(n int) MAC { return MAC{0x00, 0x50, 0x56, 0x84, byte(n >> 8), byte(n)} }

// port is a row of a host's table: a VM's port with the address that ends in n.
func port(id uint32, n int) Row {
	return Row{Port: id, Kind: KindVM, MAC: mac1(n), Net: Net{Switch: "vSwitch0", Portgroup: "VM Network"}}
}

// table is the whole table of a host.
func (w *world) table(host string, rows ...Row) []PortTable {
	return []PortTable{{Host: w.ref(host), Whole: true, Rows: rows}}
}

// ask looks up a port for a line written and received at second s, as seen at second now.
func (w *world) ask(host string, port uint32, s, now int) []Candidate {
	w.t.Helper()
	w.poll(now)
	h := w.HostTable(w.ref(host))
	if h == nil {
		w.t.Fatalf("no host %s", host)
	}
	return h.Lookup(&Query{Port: port, From: at(s).Add(-w.cfg.Guard), At: at(s), To: at(s), Now: at(now)}, nil)
}

// say prints candidates in one line: name, cover, methods, and ! where not settled.
func say(list []Candidate) string {
	s := ""
	for _, c := range list {
		name := c.Client
		if c.VM != nil {
			name = c.VM.Name
		}
		if name == "" {
			name = c.MAC.String()
		}
		settled := ""
		if !c.Settled {
			settled = "!"
		}
		s += fmt.Sprintf("%s%s %s %v; ", name, settled, [...]string{"none", "before", "perhaps", "part", "at", "all"}[c.Cover], c.Method.Names())
	}
	return s
}

// expect compares candidates with say's words.
func (w *world) expect(host string, port uint32, s, now int, want string) {
	w.t.Helper()
	if got := say(w.ask(host, port, s, now)); got != want {
		w.t.Errorf("port %#x of %s at %d, asked at %d:\n got %s\nwant %s", port, host, s, now, got, want)
	}
}
