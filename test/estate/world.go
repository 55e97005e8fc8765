package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// world is the estate as it really is at this moment. vCenter is told of it later, its hosts write lines about it.
type world struct {
	opt  options
	rand *rand.Rand

	mu     sync.Mutex // what follows; held by the clock's loop and by calls that ask a host itself
	hosts  []*host
	vms    []*vm
	groups []*portgroup
	given  []formerName // names that were given up
	ruled  time.Time    // when a policy was changed last
	worlds int          // the last world id
	clock  clock
	truth  *truth
	tell   func(object any) // vCenter is to be told of a host, VM or portgroup, late
	note   func(e note)     // an event of vCenter, at once
	stamps map[int64]bool   // milliseconds that a line bears already: a stamp names a line
	done   map[string]int   // changes made, by kind
}

// host is one ESXi host.
type host struct {
	n       int
	name    string
	moid    string // set when the simulator has it
	addr    netip.Addr
	version string
	form    grammar       // how its kernel writes clients
	skew    time.Duration // its clock is that much ahead
	boot    time.Time
	sets    [2]portset // of the standard and the distributed switch
	stalled time.Time  // until then its lines wait
	forged  map[*portgroup]bool
	out     *sender
}

// grammar is how a release writes L2Sec lines.
type grammar int

const (
	bareNames grammar = iota // 5.x: etherswitch, the VM's name alone
	adapters                 // 6.x: etherswitch, name.ethN
	converged                // 7.x and later: cswitch, with an SD glued to the text
)

// portset is the ports of one switch on one host.
type portset struct {
	base, next uint32
	free       []uint32 // freed ids, the last one last
	held       map[uint32]*nic
}

// portgroup is a portgroup of the standard switch of every host, or of the distributed switch.
type portgroup struct {
	name        string
	distributed bool
	vlan        int32
	forged      bool   // distributed: forged transmits are permitted, the one setting that is changed now and then
	moid        string // distributed
	version     int
}

// vm is one machine.
type vm struct {
	n      int
	moid   string
	name   string // what vCenter will call it
	kernel string // what VMkernel calls it: the name at the last start or vMotion
	host   *host
	on     bool
	boot   time.Time
	world  int
	nics   []*nic
}

// nic is one adapter.
type nic struct {
	vm        *vm
	key       int32
	mac       string
	group     *portgroup
	dvport    string
	connected bool   // as configured
	port      uint32 // 0 = none
}

// formerName is a name nobody has any more.
type formerName struct {
	name string
	at   time.Time
}

// fixed numbers of the estate.
const (
	vmsPerHost  = 20
	firstSlot   = 6
	firstWorld  = 2100000
	standardSet = 0
	dvsSet      = 1
)

var releases = [...]struct {
	version string
	form    grammar
}{{"8.0.3", converged}, {"6.7.0", adapters}, {"7.0.3", converged}, {"5.5.0", bareNames}}

// newWorld makes an estate in which most machines run.
func newWorld(opt options, now time.Time) *world {
	w := &world{
		opt: opt, rand: rand.New(rand.NewPCG(opt.seed, 6)), worlds: firstWorld,
		stamps: map[int64]bool{}, done: map[string]int{}, tell: func(any) {}, note: func(note) {},
	}
	for _, g := range [...]portgroup{
		{name: "VM Network", vlan: 0},
		{name: "Backup", vlan: 30},
		{name: "PG-Web-120", distributed: true, vlan: 120},
		{name: "PG-DB-130", distributed: true, vlan: 130},
	} {
		if opt.switches == "mixed" || (opt.switches == "distributed") == g.distributed {
			w.groups = append(w.groups, &g)
		}
	}
	for i := range hostsFor(opt.vms) {
		h := &host{n: i, name: fmt.Sprintf("esx%02d.estate.example", i+1), addr: hostAddr(opt.seed, i), boot: now.Add(-time.Duration(w.rand.IntN(90*24)+24) * time.Hour), forged: map[*portgroup]bool{}}
		r := releases[i%len(releases)]
		h.version, h.form = r.version, r.form
		if opt.skew > 0 {
			h.skew = time.Duration(w.rand.Int64N(2*int64(opt.skew)+1)) - opt.skew
		}
		for j := range h.sets {
			h.sets[j] = portset{base: uint32(2+2*j) << 24, next: firstSlot, held: map[uint32]*nic{}}
		}
		w.hosts = append(w.hosts, h)
	}
	for i := range opt.vms {
		v := &vm{n: i, moid: fmt.Sprintf("vm-%d", 1000+i), name: fmt.Sprintf("app-%04d", i), host: w.hosts[w.rand.IntN(len(w.hosts))]}
		switch {
		case i == 3:
			v.name = "db.eth0" // a name that looks like an adapter
		case i%50 == 11:
			v.name = "twin" // in another folder
		}
		n := 1
		if i%5 == 4 {
			n = 2
		}
		for j := range n {
			v.nics = append(v.nics, &nic{
				vm: v, key: 4000 + int32(j), mac: fmt.Sprintf("00:50:56:%02x:%02x:%02x", 0x80|j, i>>8, i&255),
				group: w.groups[w.rand.IntN(len(w.groups))], dvport: fmt.Sprint(100 + 2*i + j), connected: true,
			})
		}
		w.vms = append(w.vms, v)
		if w.rand.IntN(10) > 0 {
			w.start(v, now.Add(-time.Duration(w.rand.IntN(20*24*60)+60)*time.Minute))
		}
	}
	return w
}

// hostsFor returns how many hosts carry that many machines.
func hostsFor(vms int) int { return max(3, (vms+vmsPerHost-1)/vmsPerHost) }

// hostAddr returns the loopback address a host sends from: its own within an estate, and another one for most seeds.
func hostAddr(seed uint64, n int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(10 + seed%200), byte(1 + n/250), byte(1 + n%250)})
}

// take gives out a port.
func (s *portset) take(n *nic, reuse bool) {
	switch last := len(s.free) - 1; {
	case reuse && last >= 0:
		n.port, s.free = s.free[last], s.free[:last]
	default:
		n.port = s.base | s.next
		s.next++
	}
	s.held[n.port] = n
}

func (s *portset) release(n *nic) {
	delete(s.held, n.port)
	s.free = append(s.free, n.port)
	n.port = 0
}

func (n *nic) set() *portset {
	if n.group.distributed {
		return &n.vm.host.sets[dvsSet]
	}
	return &n.vm.host.sets[standardSet]
}

// start runs a machine on its host: silently, since it did so long ago or the caller says it.
func (w *world) start(v *vm, boot time.Time) {
	v.on, v.boot, v.kernel = true, boot, v.name
	w.enter(v)
}

// enter gives a machine its ports on the host it is on now.
func (w *world) enter(v *vm) {
	w.worlds += 3 + w.rand.IntN(9)
	v.world = w.worlds
	for _, n := range v.nics {
		if n.connected {
			n.set().take(n, w.opt.reuse)
		}
	}
}

// running lists the machines that run, of one host or of all (nil).
func (w *world) running(h *host) (list []*vm) {
	for _, v := range w.vms {
		if v.on && (h == nil || v.host == h) {
			list = append(list, v)
		}
	}
	return list
}

// portsOf lists who holds the ports of a host, by number.
func (h *host) portsOf() (list []*nic) {
	for i := range h.sets {
		for _, n := range h.sets[i].held {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, func(a, b *nic) int { return int(int64(a.port) - int64(b.port)) })
	return list
}
