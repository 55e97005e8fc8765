package inventory

import (
	"bytes"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"
)

// The estate of the scale tests: what issue 6 asks for.
const (
	scaleHosts = 500
	scaleVMs   = 10_000
)

// scaleVM is VM n with all that a real one has: some thirty strings of its own.
func scaleVM(vc uint16, n, host int, boot Stamp) VM {
	uuid := UUID{0x50, 0x3a, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
	vm := VM{
		Ref: Ref{vc, fmt.Sprintf("vm-%d", n)}, Host: fmt.Sprintf("host-%d", host), Name: fmt.Sprintf("prod-web-frontend-%05d", n),
		Instance: uuid, BIOS: uuid, Path: fmt.Sprintf("[vsanDatastore] 5f3a%06d-1c2b-9d1e-6b2a-246e96d0c4d0/prod-web-frontend-%05d.vmx", n, n),
		Power: PoweredOn, Boot: boot, GuestID: "ubuntu64Guest", Hostname: fmt.Sprintf("prod-web-frontend-%05d.corp.example.com", n),
		Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), netip.MustParseAddr(fmt.Sprintf("fe80::250:56ff:fe84:%x", n&0xffff))},
		Folder:    fmt.Sprintf("/DC1/vm/Prod/Web/%d", n%50), Pool: "Resources", Owner: fmt.Sprintf("team-%d", n%40),
		Attributes: []Attribute{{"owner", fmt.Sprintf("team-%d", n%40)}, {"cost centre", fmt.Sprintf("cc-%d", n%90)}},
		Tags:       []string{"env:prod", fmt.Sprintf("owner:team-%d", n%40)},
		NICs:       []NIC{scaleNIC(n, 0)},
	}
	if n%5 == 0 {
		vm.NICs = append(vm.NICs, scaleNIC(n, 1))
	}
	return vm
}

func scaleNIC(n, i int) NIC {
	return NIC{
		Key: 4000 + int32(i), Label: fmt.Sprintf("Network adapter %d", i+1), MAC: scaleMAC(n, i), Effective: scaleMAC(n, i),
		MACType: "assigned", Adapter: "vmxnet3", Connected: true,
		Backing: Backing{Kind: DistributedSwitch, Portgroup: fmt.Sprintf("dvportgroup-%d", n%100), Port: fmt.Sprint(n*2 + i)},
	}
}

func scaleMAC(n, i int) MAC {
	return MAC{0, 0x50, 0x56, byte(n>>15) | 0x80, byte(n >> 7), byte(n<<1 | i)}
}

func scalePort(n, i int) uint32 { return 0x3000000 | uint32(n/scaleHosts*2+i+16) }

// scaleRows is the table of a host that runs these VMs.
func scaleRows(vms []VM, number func(*VM) int) (rows []Row) {
	for i := range vms {
		n := number(&vms[i])
		for j := range vms[i].NICs {
			rows = append(rows, Row{
				Port: scalePort(n, j), Kind: KindVM, VM: vms[i].Name, MAC: vms[i].NICs[j].MAC,
				Net: Net{Switch: "DSwitch-Prod", Portgroup: fmt.Sprintf("PG-%d", n%100), DVPort: vms[i].NICs[j].Backing.Port},
			})
		}
	}
	return rows
}

// scaleWorld fills an inventory with the estate, as a feeder would: in pages.
func scaleWorld(tb testing.TB, vms int) *world {
	w := newWorld(tb)
	u := Update{Switches: []Switch{{Ref: w.ref("dvs-1"), Kind: DistributedSwitch, Name: "DSwitch-Prod", Rules: Rules{Distributed: sec(Reject, false)}}}}
	for i := range 100 {
		u.Portgroups = append(u.Portgroups, Portgroup{
			Ref: w.ref(fmt.Sprintf("dvportgroup-%d", i)), Kind: DistributedSwitch, Name: fmt.Sprintf("PG-%d", i), Switch: "dvs-1",
			VLAN: VLAN{Kind: VLANAccess, ID: uint16(100 + i)}, Rules: Rules{Distributed: sec(Reject, true), SecurityOverride: Reject},
		})
	}
	w.apply(0, u)
	for i := range scaleHosts {
		h := w.esx(fmt.Sprintf("host-%d", i), -86400)
		h.Version, h.Build, h.Cluster = "8.0.3", "24022510", Place{"domain-c8", "Prod-01"}
		h.Kernel[0].Addresses = []netip.Addr{netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)})}
		w.apply(0, Update{Hosts: []Host{h}})
	}
	for i := range scaleHosts {
		var page []VM
		for n := i; n < vms; n += scaleHosts {
			page = append(page, scaleVM(w.vc, n, i, at(-3600)))
		}
		host := fmt.Sprintf("host-%d", i)
		n := i - scaleHosts
		rows := scaleRows(page, func(*VM) int { n += scaleHosts; return n })
		w.apply(0, Update{VMs: page, Tables: []PortTable{{Host: w.ref(host), Whole: true, Rows: rows}}})
	}
	w.Reported(w.id, at(0))
	w.Maintain(at(2))
	return w
}

// heap returns the bytes that are live.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestScaleHeap measures the estate and a day of desktops that are cloned anew. Bounds: issue 6.
func TestScaleHeap(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("measures the heap")
	}
	base := heap()
	w := scaleWorld(t, scaleVMs)
	full := heap()
	perVM := (full - base) / scaleVMs
	t.Logf("%d hosts, %d VMs: %.1f MB, %d bytes a VM", scaleHosts, scaleVMs, float64(full-base)/1e6, perVM)
	if perVM > 3000 || full-base > 60e6 {
		t.Errorf("too much: 3000 bytes a VM, 60 MB in all")
	}
	before := w.Stats().Intervals
	scaleChurn(w, 10_000)
	churned := heap()
	records := w.Stats().Intervals - before
	t.Logf("a day in which 10000 VMs were cloned anew: %.1f MB for %d ended intervals", float64(churned-full)/1e6, records)
	if churned-full > 20e6 {
		t.Errorf("too much: 20 MB")
	}
	if w.Stats().VMs != scaleVMs {
		t.Errorf("%+v", w.Stats())
	}
}

// TestScaleHeapFromSnapshot measures the same from a snapshot: as a process has it that starts while vCenter is away, then
// with a day of clones on top, then after another restart.
func TestScaleHeapFromSnapshot(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("measures the heap")
	}
	var file bytes.Buffer
	save := func(w *world, s int) {
		file.Reset()
		if err := w.WriteSnapshot(&file, at(s)); err != nil {
			t.Fatal(err)
		}
	}
	load := func() (*world, int64) {
		base := heap()
		inv, _, err := ReadSnapshot(bytes.NewReader(file.Bytes()), DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		return worldOn(t, inv), heap() - base
	}
	save(scaleWorld(t, scaleVMs), 2)
	w, full := load()
	t.Logf("%d hosts, %d VMs from a snapshot of %.1f MB: %.1f MB", scaleHosts, scaleVMs, float64(file.Len())/1e6, float64(full)/1e6)
	if w.Stats().VMs != scaleVMs || full > 60e6 {
		t.Errorf("too much, or too few: 60 MB, %+v", w.Stats())
	}
	before := heap()
	w.Reported(w.id, at(5))
	scaleChurn(w, 10_000)
	grown := heap() - before
	t.Logf("a day in which 10000 VMs were cloned anew: %.1f MB for %d ended intervals", float64(grown)/1e6, w.Stats().Intervals)
	if grown > 20e6 {
		t.Errorf("too much: 20 MB")
	}
	save(w, 80_030)
	intervals := w.Stats().Intervals
	w = nil
	w, all := load()
	t.Logf("both from a snapshot of %.1f MB: %.1f MB", float64(file.Len())/1e6, float64(all)/1e6)
	if got := w.Stats(); all > 80e6 || got.VMs != scaleVMs || got.Intervals != intervals {
		t.Errorf("too much, or not all: 80 MB, %d intervals, %+v", intervals, got)
	}
}

// scaleChurn takes n VMs away, one by one, and puts a clone of each in its place.
func scaleChurn(w *world, n int) {
	w.silent = true
	for i := range n {
		s := 10 + 8*i
		host := i % scaleHosts
		old := scaleVM(w.vc, i, host, at(-3600))
		clone := scaleVM(w.vc, scaleVMs+i, host, at(s))
		w.Reported(w.id, at(s))
		w.apply(s, Update{Gone: []Ref{old.Ref}})
		rows := scaleRows([]VM{clone}, func(*VM) int { return i })
		w.apply(s+4, Update{VMs: []VM{clone}, Tables: []PortTable{{Host: w.ref(fmt.Sprintf("host-%d", host)), Rows: rows}}})
	}
	w.Maintain(at(20 + 8*n))
}

// TestClosedRecordSize measures what an ended interval of each kind costs. Bound: issue 6, 200 bytes.
func TestClosedRecordSize(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("measures the heap")
	}
	const n = 20_000
	for name, change := range map[string]func(w *world, i int, vm *VM) Update{
		"port": func(w *world, i int, _ *VM) Update {
			return Update{Tables: w.table("esx01", port(p1, 1), port(p2+uint32(i%50), 1000))}
		},
		"name": func(_ *world, i int, vm *VM) Update {
			vm.Name = fmt.Sprintf("desktop-%05d", i)
			return Update{VMs: []VM{*vm}}
		},
		"portgroup": func(_ *world, i int, vm *VM) Update {
			vm.NICs[0].Backing.Portgroup = fmt.Sprintf("PG-%d", i%3)
			return Update{VMs: []VM{*vm}}
		},
		"address": func(_ *world, i int, vm *VM) Update {
			vm.Addresses = []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})}
			return Update{VMs: []VM{*vm}}
		},
		"residence": func(_ *world, i int, vm *VM) Update {
			vm.Host = [...]string{"esx01", "esx02"}[i%2]
			return Update{VMs: []VM{*vm}}
		},
	} {
		w := start(t)
		w.silent = true
		vm := w.machine(50, "esx01", -3600)
		base := heap()
		for i := range n / 10 { // each of ten times: fewer steps, since lists of a single object are copied
			w.Reported(w.id, at(100+60*i))
			w.apply(100+60*i+1, change(w, i, &vm))
		}
		grown := heap() - base
		records := w.Stats().Intervals
		per := grown / int64(max(records, 1))
		t.Logf("%-10s %6d ended, %d bytes each", name, records, per)
		if per > 200 || records < n/20 {
			t.Errorf("%s: %d bytes for each of %d", name, per, records)
		}
		runtime.KeepAlive(w)
	}
}

// TestDeltaCost measures what one change of an estate of full size costs. It prints; it fails only when
// something is out of all proportion.
func TestDeltaCost(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("measures time")
	}
	w := scaleWorld(t, scaleVMs)
	began := time.Now()
	const n = 1000
	scaleChurn(w, n)
	per := time.Since(began) / (2 * n)
	w.mu.Lock()
	began = time.Now()
	w.rebuild(at(1e6))
	index := time.Since(began)
	w.mu.Unlock()
	t.Logf("a change: %v; the index over all hosts, at most once a second: %v", per, index)
	if per > 50*time.Millisecond {
		t.Errorf("a change took %v", per)
	}
}

func BenchmarkLookup(b *testing.B) {
	w := scaleWorld(b, scaleVMs)
	w.Reported(w.id, at(100))
	now := at(100)
	names := make([]string, scaleHosts)
	for i := range names {
		names[i] = fmt.Sprintf("host-%d.example.com", i)
	}
	for _, churned := range []bool{false, true} {
		name := "now"
		if churned {
			scaleChurn(w, 10_000)
			now = at(80_030)
			w.Reported(w.id, now)
			name = "after a day of churn"
		}
		b.Run(name, func(b *testing.B) {
			dst := make([]Candidate, 0, 8)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n = (n + 7919) % scaleVMs // jump about, as lines of many hosts do
				h := w.Host(names[n%scaleHosts])
				q := Query{Port: scalePort(n, 0), From: now.Add(-20 * time.Second), At: now.Add(-10 * time.Second), To: now.Add(-10 * time.Second), Now: now}
				dst = h.Lookup(&q, dst[:0])
				if len(dst) != 1 || dst[0].NICKey == 0 {
					b.Fatal(n, say(dst))
				}
			}
		})
	}
}

func BenchmarkNamed(b *testing.B) {
	w := scaleWorld(b, scaleVMs)
	w.Reported(w.id, at(100))
	dst := make([]Candidate, 0, 8)
	names, hosts := make([]string, scaleVMs), make([]*HostTable, scaleHosts)
	for i := range names {
		names[i] = fmt.Sprintf("prod-web-frontend-%05d", i)
	}
	for i := range hosts {
		hosts[i] = w.HostTable(w.ref(fmt.Sprintf("host-%d", i)))
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n = (n + 7919) % scaleVMs
		q := Query{From: at(80), At: at(90), To: at(90), Now: at(100)}
		dst = hosts[n%scaleHosts].Named(names[n], &q, dst[:0])
		if len(dst) != 1 {
			b.Fatal(n, say(dst))
		}
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	w := dvs(t)
	w.apply(1, Update{Tables: w.table("esx01", port(p1, 1))})
	w.report(100)
	dst := make([]Candidate, 0, 4)
	q := Query{Port: p1, From: at(80), At: at(90), To: at(90), Now: at(100)}
	n := testing.AllocsPerRun(100, func() {
		h := w.Host("esx01.example.com")
		dst = h.Lookup(&q, dst[:0])
		dst = h.Named("vm01", &q, dst)
		place := h.Where(&dst[0], q.At)
		if e, _ := place.Effective(q.At); len(dst) != 2 || e.Promiscuous.Value != Reject {
			t.Fatal(say(dst))
		}
		if x := h.Exposure(&place, dst[0].VM); !x.Known {
			t.Fatal(x)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkWhereAndPolicy(b *testing.B) {
	w := scaleWorld(b, scaleVMs)
	h := w.HostTable(w.ref("host-7"))
	vm := w.VM(w.ref("vm-7"))
	c := Candidate{Kind: KindVM, VM: vm, NICKey: vm.NICs[0].Key}
	b.ReportAllocs()
	for b.Loop() {
		place := h.Where(&c, at(90))
		if e, _ := place.Effective(at(90)); e.Promiscuous.Value != Reject {
			b.Fatal(e)
		}
	}
}

func BenchmarkExposure(b *testing.B) {
	w := scaleWorld(b, scaleVMs)
	h := w.HostTable(w.ref("host-7"))
	vm := w.VM(w.ref("vm-7"))
	place := h.Where(&Candidate{Kind: KindVM, VM: vm, NICKey: vm.NICs[0].Key}, at(90))
	b.ReportAllocs()
	for b.Loop() {
		_ = h.Exposure(&place, vm)
	}
}
