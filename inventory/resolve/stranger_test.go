package resolve

import (
	"testing"

	"vswarden/inventory"
)

// TestResolveNewcomers tells of machines that have just come to a host: the line knows them, vCenter has not told of them.
func TestResolveNewcomers(t *testing.T) {
	e := newEstate(t)
	stream, _ := e.AddSource("stream", inventory.SourceStream, 0)
	h := e.Host("esx01")
	var r Resolver
	check := func(name string, q *Question, want string) {
		t.Helper()
		a := r.Resolve(q)
		if got := words(&a); got != want {
			t.Errorf("%s:\n got %s %q\nwant %s", name, got, a.Notes.Texts(), want)
		}
	}
	unsettled := func(q *Question) *Question {
		q.Join, q.To, q.Now, q.From = at(160), at(160), at(161), at(150)
		return q
	}
	e.ask(webPort, "", 100)
	check("the table is sure of its holder", e.ask(dbPort, "elsewhere.eth0", 100), "vm db-01/4000 0.600 of 2 port_table partial")
	check("the table may be behind", unsettled(e.ask(dbPort, "elsewhere.eth0", 100)), "vm elsewhere/4000 0.500 of 2 client_name partial")
	check("the table may be behind, and nobody has the name", unsettled(e.ask(dbPort, "stranger.eth0", 100)), "vm db-01/4000 0.600 of 2 port_table partial")
	e.Learn(stream, h, otherSrc, inventory.MAC{0, 0x50, 0x56, 1, 0, 6}, at(155))
	check("a line gave the port the address of the one that the name means", unsettled(e.ask(otherSrc, "elsewhere.eth0", 100)), "vm elsewhere/4000 0.800 of 1 client_name,learned,mac complete")
	check("a line gave the port the address of another", unsettled(e.ask(otherSrc, "twin-2.eth0", 100)), "vm elsewhere/4000 0.600 of 2 learned,mac partial")
	e.Learn(stream, h, 0x3000008, inventory.MAC{0, 0x50, 0x56, 1, 0, 1}, at(50))
	check("an earlier line gave the port to another adapter", e.ask(0x3000008, "web-01.eth1", 100), "vm web-01/4001 0.850 of 1 client_name,learned partial without portgroup,policy")
	// db-01 leaves, and what comes after it is not told yet.
	e.tell(400, inventory.Update{Tables: []inventory.PortTable{{Host: h.Ref(), Whole: true, Rows: []inventory.Row{row(webPort, 1)}}}})
	check("after it left, another's name", e.ask(dbPort, "elsewhere.eth0", 430), "vm elsewhere/4000 0.500 of 1 client_name partial")
	check("after it left, a name that nobody has", e.ask(dbPort, "stranger.eth0", 430), "vm db-01/4000 0.600 of 1 port_table,tombstone partial")
}

// TestResolveTwins tells of two machines of one name on two hosts: as long as vCenter has not told all, the other one may have
// come to this host.
func TestResolveTwins(t *testing.T) {
	e := newEstate(t)
	e.tell(5, inventory.Update{VMs: []inventory.VM{e.vm(8, "db-01", "esx02", -3600)}})
	var r Resolver
	for _, c := range []struct {
		name string
		port uint32
		now  int
		want string
	}{
		{"not told all, no table", otherSrc, 201, "vm db-01/4000 0.800 of 1 client_name complete"},
		{"not told all, the table has another", webPort, 201, "vm db-01/4000 0.800 of 2 client_name partial"},
		{"not told all, the table agrees", dbPort, 201, "vm db-01/4000 0.800 of 1 port_table,client_name complete"},
		{"told all, no table", otherSrc, 300, "vm db-01/4000 0.900 of 1 client_name complete"},
		{"told all, the table agrees", dbPort, 300, "vm db-01/4000 0.995 of 1 port_table,client_name complete"},
	} {
		q := e.ask(c.port, "db-01.eth0", 140) // told up to 200
		q.From, q.Join, q.To, q.Now = at(190), at(200), at(200), at(c.now)
		if c.now > 210 {
			e.Reported(e.id, at(c.now))
		}
		a := r.Resolve(q)
		if got := words(&a); got != c.want {
			t.Errorf("%s:\n got %s %q\nwant %s", c.name, got, a.Notes.Texts(), c.want)
		}
	}
}

// TestResolveAddress tells of lines that say with which address a port was enabled.
func TestResolveAddress(t *testing.T) {
	e := newEstate(t)
	var r Resolver
	for _, c := range []struct {
		name     string
		port     uint32
		mac      byte
		believed bool
		want     string
	}{
		{"the table agrees", dbPort, 2, false, "vm db-01/4000 0.995 of 1 port_table,mac complete"},
		{"the table does not, and the sender is nobody", dbPort, 1, false, "vm db-01/4000 0.970 of 1 port_table complete"},
		{"the table does not, and the sender is believed", dbPort, 1, true, "vm web-01/4000 0.800 of 1 mac complete"},
		{"no table", otherSrc, 2, true, "vm db-01/4000 0.800 of 1 mac complete"},
		{"no table, and the sender is nobody", otherSrc, 2, false, "unknown  0.000 of 0  unresolved without vm,vnic,portgroup,policy"},
		{"no table, a machine of another host", otherSrc, 6, true, "vm elsewhere/4000 0.600 of 1 mac partial"},
		{"no table, an address that nobody has", otherSrc, 99, true, "unknown  0.000 of 0  unresolved without vm,vnic,portgroup,policy"},
	} {
		q := e.ask(c.port, "", 100)
		q.MAC, q.Believed = inventory.MAC{0, 0x50, 0x56, 1, 0, c.mac}, c.believed
		a := r.Resolve(q)
		if got := words(&a); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}
