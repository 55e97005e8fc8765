package vcenter

import (
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
)

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAFirstReadBringsAllThatThereIs(t *testing.T) {
	s := newSim(t, small(), false)
	f := feed(t, s.config())
	there := s.vms()
	if got := len(f.inv.VMs()); got != len(there) || got == 0 {
		t.Fatalf("%d VMs, the server has %d", got, len(there))
	}
	for name, r := range there {
		vm := f.vm(name)
		if vm == nil {
			t.Fatalf("no VM %s", name)
		}
		if vm.Host != r.Runtime.Host.Value || vm.Power != inventory.PoweredOn || vm.Instance.String() != r.Config.InstanceUuid || vm.BIOS.String() != r.Config.Uuid {
			t.Errorf("%s: %+v", name, vm)
		}
		if vm.Path != r.Config.Files.VmPathName || vm.Folder != "/DC0/vm" || vm.Pool != "Resources" {
			t.Errorf("%s: boot %v, path %q, folder %q, pool %q", name, vm.Boot.Time(), vm.Path, vm.Folder, vm.Pool)
		}
		if len(vm.NICs) != 1 || vm.NICs[0].MAC.String() != macOf(r) || vm.NICs[0].Adapter == "" || vm.NICs[0].Label == "" {
			t.Errorf("%s: adapters %+v", name, vm.NICs)
		}
		pg := f.inv.Portgroup(inventory.Ref{VC: 1, ID: vm.NICs[0].Backing.Portgroup})
		if pg == nil || pg.Name != "DC0_DVPG0" {
			t.Fatalf("%s is plugged into %+v", name, pg)
		}
		if sw := f.inv.Switch(inventory.Ref{VC: 1, ID: pg.Switch}); sw == nil || sw.Name != "DVS0" || sw.UUID == (inventory.UUID{}) {
			t.Fatalf("%s is on switch %+v of %+v", name, sw, pg)
		}
	}
	h := f.inv.Host("DC0_C0_H0")
	if h == nil {
		t.Fatal("no host")
	}
	host := h.Facts()
	if host.Cluster.Name != "DC0_C0" || host.Datacenter.Name != "DC0" || host.Version == "" || host.Build == "" || host.UUID == (inventory.UUID{}) || host.Connection != inventory.Connected {
		t.Errorf("host %+v", host)
	}
	if len(host.Kernel) != 1 || host.Kernel[0].Port != 0x2000004 || host.Kernel[0].Device != "vmk0" || !slices.Contains(host.Kernel[0].Addresses, netip.MustParseAddr("127.0.0.1")) {
		t.Errorf("vmk %+v", host.Kernel)
	}
	if len(host.Portgroups) != 2 || host.Portgroups[0].Switch != "vSwitch0" || len(host.Switches) != 1 || host.Switches[0].Rules.Own.Promiscuous != inventory.Reject {
		t.Errorf("portgroups %+v, switches %+v", host.Portgroups, host.Switches)
	}
	state := f.inv.Source(f.Source())
	if !state.Live || !state.Synced {
		t.Errorf("source %+v", state)
	}
	if st := f.Status(); len(st.Missing) != 0 || st.Kept != "" || st.Server == "" {
		t.Errorf("status %+v", st)
	}
	if vc := f.inv.VCenter(1); vc.Name != "vc01" || vc.Version == "" || vc.Instance == (inventory.UUID{}) {
		t.Errorf("vCenter %+v", vc)
	}
}

func TestChangesAreFollowed(t *testing.T) {
	s := newSim(t, small(), false)
	f := feed(t, s.config())
	ctx := t.Context()
	const name = "DC0_C0_RP0_VM0"
	r := s.vms()[name]
	vm := s.object(r.Self)

	s.task(vm.Rename(ctx, "web%2f01"))
	f.until("the new name, as people write it", func() bool { return f.vm("web/01") != nil })
	s.task(vm.PowerOff(ctx))
	f.until("the power", func() bool { return f.vm("web/01").Power == inventory.PoweredOff })
	s.task(vm.PowerOn(ctx))
	f.until("the power", func() bool { return f.vm("web/01").Power == inventory.PoweredOn })

	// A port on the standard switch of its host.
	host := *r.Runtime.Host
	s.plug(host, map[uint32]string{0x4000006: macOf(r)})
	h := f.inv.HostTable(inventory.Ref{VC: 1, ID: host.Value})
	holder := func(port uint32) string {
		now := inventory.StampOf(time.Now())
		for _, c := range h.Lookup(&inventory.Query{Port: port, From: now, At: now, To: now, Now: now}, nil) {
			if c.VM != nil && c.Method&inventory.MethodTombstone == 0 {
				return c.VM.Name
			}
		}
		return ""
	}
	f.until("who holds the port", func() bool { return holder(0x4000006) == "web/01" })
	if got := h.Facts(); got.Kernel[0].Port != 0x2000004 || len(got.Portgroups) != 2 {
		t.Errorf("the rest of the host's network is gone: %+v", got)
	}

	s.task(vm.PowerOff(ctx))
	s.task(vm.Destroy(ctx))
	f.until("a VM that was deleted is gone", func() bool { return f.vm("web/01") == nil })
	f.until("its port is nobody's", func() bool { return holder(0x4000006) != "web/01" })
}

func TestAHostThatIsCutOffKeepsItsPorts(t *testing.T) {
	s := newSim(t, small(), false)
	f := feed(t, s.config())
	r := s.vms()["DC0_C0_RP0_VM0"]
	host := *r.Runtime.Host
	s.plug(host, map[uint32]string{0x4000006: macOf(r)})
	h := f.inv.HostTable(inventory.Ref{VC: 1, ID: host.Value})
	f.until("the port", func() bool { return h.Knows(0x4000006) })
	ctx := s.model.Service.Context
	o := ctx.Map.Get(host).(*simulator.HostSystem)
	ctx.WithLock(o, func() { o.Config = nil }) // as vCenter has it then
	s.update(host, types.PropertyChange{Name: "runtime.connectionState", Val: types.HostSystemConnectionStateNotResponding})
	f.until("the host is cut off", func() bool { return h.Facts().Connection == inventory.NotResponding })
	if host := h.Facts(); len(host.Kernel) == 0 || len(host.Portgroups) == 0 || host.Version == "" {
		t.Errorf("what was known of it is gone: %+v", host)
	}
	now := inventory.StampOf(time.Now())
	if got := h.Lookup(&inventory.Query{Port: 0x4000006, From: now, At: now, To: now, Now: now}, nil); len(got) != 1 || got[0].Settled {
		t.Errorf("candidates %+v, want one that is not settled", got)
	}
}

func TestAStandaloneHost(t *testing.T) {
	s := newSim(t, simulator.ESX(), true)
	f := feed(t, s.config())
	if len(f.inv.VMs()) != len(s.vms()) || len(f.inv.HostTables(1)) != 1 {
		t.Errorf("%d VMs on %d hosts", len(f.inv.VMs()), len(f.inv.HostTables(1)))
	}
	if f.Status().State != Following {
		t.Errorf("status %+v", f.Status())
	}
}

func TestSeveralServersAtOnce(t *testing.T) {
	inv := inventory.New(inventory.DefaultConfig())
	a, b := newSim(t, small(), false), newSim(t, simulator.ESX(), true)
	ca, cb := a.config(), b.config()
	cb.Name = "esx99"
	fa, fb := start(t, inv, ca), start(t, inv, cb)
	fa.follows()
	fb.follows()
	if want := len(a.vms()) + len(b.vms()); len(inv.VMs()) != want {
		t.Errorf("%d VMs, want %d", len(inv.VMs()), want)
	}
	// One of them ends: what the other has stays, and so does what it had told.
	fb.end()
	if len(inv.HostTables(1)) == 0 || len(inv.HostTables(2)) == 0 || inv.Source(fb.Source()).Live || !inv.Source(fa.Source()).Live {
		t.Errorf("sources %+v", inv.Sources())
	}
}

func TestAFolderThatIsRenamedRenamesTheWayToItsVMs(t *testing.T) {
	s := newSim(t, small(), false)
	f := feed(t, s.config())
	dc := s.model.Map().Any("Datacenter").(*simulator.Datacenter)
	s.update(dc.Self, types.PropertyChange{Name: "name", Val: "Main%2fEast"})
	f.until("the new path", func() bool {
		return f.vm("DC0_C0_RP0_VM0").Folder == "/Main/East/vm" && f.inv.HostTables(1)[0].Facts().Datacenter.Name == "Main/East"
	})
}

func TestATreeThatIsACircle(t *testing.T) {
	var tr tree
	tr.reset()
	tr.put("a", node{"Folder", "a", "b"})
	tr.put("b", node{"Folder", "b", "a"})
	if p := tr.path("a"); len(p) > 4*maxDepth {
		t.Errorf("path of %d bytes", len(p))
	}
	if p := tr.place("a", "Datacenter"); p.ID != "" {
		t.Errorf("place %+v", p)
	}
}
