package vcenter

import (
	"context"
	"crypto/tls"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
	"vswarden/inventory/vcenter/access"
	"vswarden/inventory/vcenter/answer"
	"vswarden/setting"
)

// patience is how long tests wait for what must come: the machine may be busy.
const longWait = 60 * time.Second

// sim is a vCenter in this process, on a real socket.
type sim struct {
	t      testing.TB
	model  *simulator.Model
	server *simulator.Server
	client *govmomi.Client // an administrator who changes things
}

// newSim starts a vCenter with the model's objects.
func newSim(t testing.TB, model *simulator.Model, secure bool) *sim {
	t.Helper()
	if err := model.Create(); err != nil {
		t.Fatal(err)
	}
	if secure {
		model.Service.TLS = new(tls.Config)
	}
	model.Service.RegisterEndpoints = true
	model.Service.Listen = &url.URL{User: url.UserPassword("user", "pass")}
	s := &sim{t: t, model: model, server: model.Service.NewServer()}
	t.Cleanup(model.Remove)
	t.Cleanup(s.server.Close)
	c, err := govmomi.NewClient(t.Context(), s.server.URL, true)
	if err != nil {
		t.Fatal(err)
	}
	s.client = c
	return s
}

// small is two hosts with four VMs in one cluster.
func small() *simulator.Model {
	m := simulator.VPX()
	m.Host, m.ClusterHost, m.Machine, m.Pool, m.Portgroup = 0, 2, 4, 0, 1
	return m
}

// config is how to reach the simulated server.
func (s *sim) config() access.Config {
	cfg := access.DefaultConfig()
	cfg.Name = "vc01"
	u := *s.server.URL
	u.User = nil
	cfg.URL, cfg.Username, cfg.Password, cfg.Insecure = u.String(), "user", setting.NewSecret("pass"), true
	cfg.Poll, cfg.Timeout, cfg.Events = time.Second, 20*time.Second, time.Second
	return cfg
}

// through is config by way of another address.
func through(cfg access.Config, addr string) access.Config {
	u, _ := url.Parse(cfg.URL)
	u.Host = addr
	cfg.URL = u.String()
	return cfg
}

// feeding is a feeder at work.
type feeding struct {
	*Feeder
	t   testing.TB
	inv *inventory.Inventory
	end func()
}

// feed starts a feeder and waits until it follows.
func feed(t testing.TB, cfg access.Config) *feeding {
	t.Helper()
	f := start(t, inventory.New(inventory.DefaultConfig()), cfg)
	f.follows()
	return f
}

// start starts a feeder.
func start(t testing.TB, inv *inventory.Inventory, cfg access.Config) *feeding {
	t.Helper()
	if faults := cfg.Validate(); len(faults) > 0 {
		t.Fatal(setting.Faults(faults))
	}
	f, err := New(inv, cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := f.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	r := &feeding{Feeder: f, t: t, inv: inv}
	r.end = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(r.end)
	return r
}

// until waits for a condition, and says how the feeder stands if it does not come.
func (f *feeding) until(what string, ok func() bool) {
	f.t.Helper()
	for end := time.Now().Add(longWait); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			f.t.Fatalf("waited in vain for: %s; status %+v", what, f.Status())
		}
	}
}

func (f *feeding) follows() {
	f.t.Helper()
	f.until("the feeder follows", func() bool { return f.Status().State == Following })
}

// vm returns the VM of that name, or nil.
func (f *feeding) vm(name string) *inventory.VM {
	for _, vm := range f.inv.VMs() {
		if vm.Name == name {
			return vm
		}
	}
	return nil
}

// vms returns the simulator's VMs as an administrator sees them, by name.
func (s *sim) vms() map[string]mo.VirtualMachine {
	s.t.Helper()
	all := map[string]mo.VirtualMachine{}
	for _, o := range s.model.Map().All("VirtualMachine") {
		var vm mo.VirtualMachine
		if err := s.client.RetrieveOne(s.t.Context(), o.Reference(), nil, &vm); err != nil {
			s.t.Fatal(err)
		}
		all[vm.Name] = vm
	}
	return all
}

func (s *sim) object(ref types.ManagedObjectReference) *object.VirtualMachine {
	return object.NewVirtualMachine(s.client.Client, ref)
}

// task waits for what an administrator had done.
func (s *sim) task(task *object.Task, err error) {
	s.t.Helper()
	if err == nil {
		err = task.Wait(s.t.Context())
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// update changes properties of an object as the server itself would.
func (s *sim) update(ref types.ManagedObjectReference, changes ...types.PropertyChange) {
	s.t.Helper()
	ctx := s.model.Service.Context
	ctx.Map.AtomicUpdate(ctx, ctx.Map.Get(ref), changes)
}

// plug gives VMs of a host ports on its standard switch.
func (s *sim) plug(host types.ManagedObjectReference, ports map[uint32]string) {
	s.t.Helper()
	ctx := s.model.Service.Context
	n := *ctx.Map.Get(host).(*simulator.HostSystem).Config.Network
	n.Portgroup = append([]types.HostPortGroup(nil), n.Portgroup...)
	for i := range n.Portgroup {
		g := &n.Portgroup[i]
		if g.Spec.Name != "VM Network" {
			continue
		}
		g.Port = nil
		for id, mac := range ports {
			g.Port = append(g.Port, types.HostPortGroupPort{Key: answer.PortPrefix + strconv.FormatUint(uint64(id), 10), Mac: []string{mac}, Type: "virtualMachine"})
		}
	}
	s.update(host, types.PropertyChange{Name: "config.network", Val: n})
}

// macOf returns the first address of a VM.
func macOf(vm mo.VirtualMachine) string {
	for _, d := range vm.Config.Hardware.Device {
		if c, ok := d.(types.BaseVirtualEthernetCard); ok {
			return strings.ToLower(c.GetVirtualEthernetCard().MacAddress)
		}
	}
	return ""
}

func secretFile(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	write(t, name, text)
	return name
}
