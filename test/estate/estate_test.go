package main

import (
	"bufio"
	"container/heap"
	"context"
	"encoding/json"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/cli/esx"
	"github.com/vmware/govmomi/event"
	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// begin makes an estate that stands still, and a client of it.
func begin(t *testing.T, opt options) (*world, *vcenter, *news, *govmomi.Client) {
	t.Helper()
	if opt.switches == "" {
		opt.switches = "mixed"
	}
	if opt.rights == "" {
		opt.rights = "all"
	}
	opt.truth = filepath.Join(t.TempDir(), "truth")
	w := newWorld(opt, time.Now())
	var err error
	if w.truth, err = openTruth(opt); err != nil {
		t.Fatal(err)
	}
	vc, err := newVCenter(w)
	if err != nil {
		t.Fatal(err)
	}
	out := &senders{proto: "tcp", addr: "127.0.0.1:1"}
	for _, h := range w.hosts {
		h.out = &sender{all: out, queue: make(chan string, maxWaiting)}
	}
	n := &news{v: vc, last: map[any]time.Time{}}
	w.tell, w.note = n.tell, n.note
	u := vc.listen("127.0.0.1:0")
	u.User = url.UserPassword("operator", "any")
	login, err := soap.ParseURL(u.String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := govmomi.NewClient(t.Context(), login, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { vc.close() })
	return w, vc, n, c
}

// play runs the clock's deeds, whenever they are due.
func play(w *world) {
	for len(w.clock.queue) > 0 {
		d := heap.Pop(&w.clock.queue).(deed)
		d.do(time.Now())
	}
}

// watch is a feeder's collector over machines and hosts.
type watch struct {
	t       *testing.T
	c       *govmomi.Client
	pc      *property.Collector
	version string
	seen    map[types.ManagedObjectReference]map[string]any
}

func newWatch(t *testing.T, c *govmomi.Client) *watch {
	t.Helper()
	kinds := []string{"VirtualMachine", "HostSystem", "DistributedVirtualPortgroup"}
	v, err := view.NewManager(c.Client).CreateContainerView(t.Context(), c.ServiceContent.RootFolder, kinds, true)
	if err != nil {
		t.Fatal(err)
	}
	pc, err := property.DefaultCollector(c.Client).Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	if _, err := pc.CreateFilter(t.Context(), types.CreateFilter{Spec: types.PropertyFilterSpec{
		ObjectSet: []types.ObjectSpec{{Obj: v.Reference(), Skip: &yes, SelectSet: []types.BaseSelectionSpec{v.TraversalSpec()}}},
		PropSet: []types.PropertySpec{
			{Type: "VirtualMachine", PathSet: []string{"name", "runtime.host", "runtime.powerState", "runtime.bootTime", "config.hardware.device", "config.uuid"}},
			{Type: "HostSystem", PathSet: []string{"name", "config.network", "runtime.bootTime", "config.product"}},
			{Type: "DistributedVirtualPortgroup", PathSet: []string{"name", "config"}},
		},
	}}); err != nil {
		t.Fatal(err)
	}
	return &watch{t: t, c: c, pc: pc, seen: map[types.ManagedObjectReference]map[string]any{}}
}

// wait asks once and returns how many objects changed; -1 when nothing did.
func (w *watch) wait(version string) int {
	w.t.Helper()
	second := int32(1)
	res, err := methods.WaitForUpdatesEx(w.t.Context(), w.c.Client, &types.WaitForUpdatesEx{This: w.pc.Reference(), Version: version, Options: &types.WaitOptions{MaxWaitSeconds: &second}})
	if err != nil {
		w.t.Fatal(err)
	}
	if res.Returnval == nil {
		return -1
	}
	n := 0
	for _, f := range res.Returnval.FilterSet {
		for _, o := range f.ObjectSet {
			n++
			if w.seen[o.Obj] == nil {
				w.seen[o.Obj] = map[string]any{}
			}
			for _, c := range o.ChangeSet {
				w.seen[o.Obj][c.Name] = c.Val
			}
		}
	}
	w.version = res.Returnval.Version
	return n
}

func (w *watch) sync() {
	w.t.Helper()
	w.wait("")
	for strings.HasPrefix(w.version, "page") {
		w.wait(w.version)
	}
}

func TestVCenterShowsTheWorld(t *testing.T) {
	w, vc, _, c := begin(t, options{seed: 1, vms: 130, reuse: true})
	watch := newWatch(t, c)
	watch.sync()
	for _, m := range w.vms {
		p := watch.seen[vc.vms[m].Self]
		host := types.ManagedObjectReference{Type: "HostSystem", Value: m.host.moid}
		if p["name"] != m.name || p["runtime.host"] != host || (p["runtime.powerState"] == types.VirtualMachinePowerStatePoweredOn) != m.on {
			t.Errorf("%s: %v", m.name, p)
		}
	}
	ports := 0
	for _, h := range w.hosts {
		p := watch.seen[vc.hosts[h].Self]
		net, ok := p["config.network"].(types.HostNetworkInfo)
		if p["name"] != h.name || !ok {
			t.Fatalf("%s: %v", h.name, p)
		}
		for _, g := range net.Portgroup {
			ports += len(g.Port)
		}
	}
	standard := len(w.hosts) // vmk0 each
	for _, m := range w.vms {
		for _, n := range m.nics {
			if n.port != 0 && !n.group.distributed {
				standard++
			}
		}
	}
	if ports != standard {
		t.Errorf("%d ports in the tables, and there are %d", ports, standard)
	}
}

func TestChangesArePushed(t *testing.T) {
	w, vc, _, c := begin(t, options{seed: 2, vms: 20})
	watch := newWatch(t, c)
	watch.sync()
	if n := watch.wait(watch.version); n != -1 {
		t.Errorf("%d objects changed, and nothing has happened", n)
	}
	m := w.running(nil)[0]
	to := w.hosts[0]
	if m.host == to {
		to = w.hosts[1]
	}
	before := watch.version
	w.mu.Lock()
	w.move(m, to, time.Now())
	w.rename(m, time.Now())
	play(w)
	w.mu.Unlock()
	if n := watch.wait(before); n != 3 { // the machine and two hosts
		t.Errorf("%d objects changed", n)
	}
	p := watch.seen[vc.vms[m].Self]
	if p["name"] != m.name || p["runtime.host"] != vc.hosts[to].Self {
		t.Errorf("%v", p)
	}
	if n := watch.wait(before); n != 3 {
		t.Errorf("asked again for the same version: %d", n)
	}
	_, err := methods.WaitForUpdatesEx(t.Context(), c.Client, &types.WaitForUpdatesEx{This: watch.pc.Reference(), Version: "999"})
	if !fault.Is(err, &types.InvalidCollectorVersion{}) {
		t.Errorf("a version nobody gave: %v", err)
	}
	w.mu.Lock()
	for _, g := range w.groups {
		w.setPolicy(g, time.Now())
	}
	play(w)
	w.mu.Unlock()
	if n := watch.wait(watch.version); n < 3 || n > 4 {
		t.Errorf("%d objects changed with the policy", n)
	}
	events, err := event.NewManager(c.Client).QueryEvents(t.Context(), types.EventFilterSpec{})
	kinds := map[string]int{}
	for _, e := range events {
		kinds[reflect.TypeOf(e).Elem().Name()]++
	}
	if err != nil || kinds["VmMigratedEvent"] != 1 || kinds["VmRenamedEvent"] != 1 || kinds["DVPortgroupReconfiguredEvent"] != 2 {
		t.Errorf("events %v, %v", kinds, err)
	}
}

// TestHostsAnswer asks hosts themselves: esxcli as govmomi does, and the Esxtop service.
func TestHostsAnswer(t *testing.T) {
	w, vc, _, c := begin(t, options{seed: 3, vms: 20})
	m := w.running(nil)[0]
	x, err := esx.NewExecutor(t.Context(), c.Client, vc.hosts[m.host].Self)
	if err != nil {
		t.Fatal(err)
	}
	res, err := x.Run(t.Context(), []string{"network", "vm", "list"})
	if err != nil || len(res.Values) != len(w.running(m.host)) {
		t.Fatalf("%v %v", res, err)
	}
	stats := func() string {
		list, err := methods.QueryServiceList(t.Context(), c.Client, &types.QueryServiceList{This: *c.ServiceContent.ServiceManager, Location: []string{"vmware.host." + m.host.name}})
		if err != nil {
			t.Fatal(err)
		}
		res, err := methods.ExecuteSimpleCommand(t.Context(), c.Client, &types.ExecuteSimpleCommand{This: list.Returnval[0].Service, Arguments: []string{"FetchStats"}})
		if err != nil {
			t.Fatal(err)
		}
		return res.Returnval
	}
	if s := stats(); strings.Count(s, "|PortID,") != len(m.host.portsOf()) || !strings.Contains(s, m.nics[0].client()) {
		t.Errorf("%s", s)
	}
	var dvs mo.DistributedVirtualSwitch
	if err := property.DefaultCollector(c.Client).RetrieveOne(t.Context(), vc.dvs.Self, []string{"name", "uuid"}, &dvs); err != nil || dvs.Name != "DSwitch-Prod" {
		t.Errorf("%v %v", dvs, err)
	}
	ports, err := methods.FetchDVPorts(t.Context(), c.Client, &types.FetchDVPorts{This: vc.dvs.Self})
	if err != nil || len(ports.Returnval) == 0 || ports.Returnval[0].Connectee == nil {
		t.Errorf("%v %v", ports, err)
	}
}

func TestRightsCanBeMissing(t *testing.T) {
	for rights, want := range map[string][2]bool{"read-only": {false, false}, "service-managers": {true, false}, "all": {true, true}} {
		_, vc, _, c := begin(t, options{seed: 4, vms: 5, rights: rights})
		_, esxtop := methods.QueryServiceList(t.Context(), c.Client, &types.QueryServiceList{This: *c.ServiceContent.ServiceManager, Location: []string{"vmware.host.esx01.estate.example"}})
		_, esxcli := esx.NewExecutor(t.Context(), c.Client, vc.hosts[vc.w.hosts[0]].Self)
		for i, err := range []error{esxtop, esxcli} {
			if (err == nil) != want[i] || err != nil && !fault.Is(err, &types.NoPermission{}) {
				t.Errorf("%s: %v", rights, err)
			}
		}
		res, err := methods.HasPrivilegeOnEntities(t.Context(), c.Client, &types.HasPrivilegeOnEntities{This: *c.ServiceContent.AuthorizationManager, Entity: []types.ManagedObjectReference{c.ServiceContent.RootFolder}, PrivId: []string{"System.Read", "Global.ServiceManagers", "Host.Config.Settings"}})
		if err != nil {
			t.Fatal(err)
		}
		p := res.Returnval[0].PrivAvailability
		if !p[0].IsGranted || p[1].IsGranted != want[0] || p[2].IsGranted != want[1] {
			t.Errorf("%s: %+v", rights, p)
		}
	}
}

// TestReuse checks that a freed port is the next one given, and without -reuse never again.
func TestReuse(t *testing.T) {
	for _, reuse := range []bool{true, false} {
		s := portset{base: 0x2000000, next: firstSlot, held: map[uint32]*nic{}}
		a, b := &nic{}, &nic{}
		s.take(a, reuse)
		was := a.port
		s.release(a)
		s.take(b, reuse)
		if (b.port == was) != reuse {
			t.Errorf("reuse %v: 0x%x after 0x%x", reuse, b.port, was)
		}
	}
}

// TestNobodyIsTwoPlaces lets an estate live and checks after each change that ports and machines agree.
func TestNobodyIsTwoPlaces(t *testing.T) {
	w := newWorld(options{seed: 5, vms: 60, reuse: true, churn: 1, rate: 1, switches: "mixed", late: time.Minute, truth: filepath.Join(t.TempDir(), "t")}, time.Now())
	w.truth, _ = openTruth(w.opt)
	now := time.Now()
	for range 3000 {
		now = now.Add(time.Second)
		w.change(now)
		held := 0
		for _, h := range w.hosts {
			for _, n := range h.portsOf() {
				held++
				if n.vm.host != h || !n.vm.on || n.set().held[n.port] != n {
					t.Fatalf("%s holds 0x%x of %s", n.vm.name, n.port, h.name)
				}
			}
		}
		want := 0
		names := map[string]int{}
		for _, v := range w.vms {
			names[v.name]++
			for _, n := range v.nics {
				if n.port != 0 {
					want++
				}
			}
		}
		if held != want {
			t.Fatalf("%d ports are held, and %d adapters have one", held, want)
		}
		for name, n := range names {
			if n > 1 && name != "twin" {
				t.Fatalf("%d machines are called %s", n, name)
			}
		}
	}
	if len(w.done) != 6 {
		t.Errorf("%v", w.done)
	}
	if err := w.truth.close(); err != nil {
		t.Error(err)
	}
}

// TestRun runs the whole program for a moment, with a collector that comes late.
func TestRun(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1<<16)
	var wg sync.WaitGroup
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				for s := bufio.NewScanner(c); s.Scan(); {
					got <- s.Text()
				}
			})
		}
	}()
	truth := filepath.Join(t.TempDir(), "truth.ndjson")
	opt, err := parseFlags([]string{
		"-seed", "9", "-vms", "30", "-churn", "20", "-rate", "50", "-lag", "100ms", "-late", "500ms", "-skew", "2h", "-reuse",
		"-lines", "tcp://" + ln.Addr().String(), "-listen", "127.0.0.1:0", "-truth", truth, "-for", "1s",
	}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	rep, err := run(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > opt.span+opt.late+10*time.Second {
		t.Errorf("it took %v", took)
	}
	_ = ln.Close()
	wg.Wait()
	close(got)
	lines := map[string]bool{}
	for l := range got {
		_, stamp, _ := strings.Cut(l, ">")
		stamp, _, _ = strings.Cut(stamp, " ")
		lines[stamp] = true
	}
	text, err := os.ReadFile(truth)
	if err != nil {
		t.Fatal(err)
	}
	facts := strings.Split(strings.TrimSpace(string(text)), "\n")[1:]
	for _, f := range facts {
		var fact fact
		if err := json.Unmarshal([]byte(f), &fact); err != nil {
			t.Fatal(err)
		}
		if !lines[fact.Stamp] {
			t.Errorf("never sent: %s", f)
		}
	}
	if len(facts) < 20 || int(rep.Sent) != len(facts) || rep.Lost != 0 || rep.Told == 0 {
		t.Errorf("%d facts, %+v", len(facts), rep)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range []string{"x", "-lines 127.0.0.1:5", "-lines tcp://10.0.0.1:514", "-listen :80", "-vms 0", "-rate 0", "-for 0s", "-rights some", "-switches none", "-lag -1s"} {
		if _, err := parseFlags(strings.Fields(args), &strings.Builder{}); err == nil {
			t.Errorf("%s: taken", args)
		}
	}
}
