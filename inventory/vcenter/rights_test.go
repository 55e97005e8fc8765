package vcenter

import (
	"strings"
	"testing"

	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory/vcenter/access"
	"vswarden/setting"
)

// missing returns the right of that name, or nil.
func (f *feeding) lacks(what string) *Right {
	for _, r := range f.Status().Missing {
		if r.What == what {
			return &r
		}
	}
	return nil
}

func TestAMissingRightIsNamedAndCounted(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	p.rewrites(hide("HostSystem", "config.network"))
	f := feed(t, p.config(s))
	r := f.lacks("HostSystem config.network")
	if r == nil || r.Count != 2 || r.Privilege != "System.Read" || r.Why != "NoPermission" || !strings.Contains(r.Lost, "standard switches") {
		t.Fatalf("missing %+v", f.Status().Missing)
	}
	if h := f.inv.HostTables(1)[0].Facts(); len(h.Kernel) != 0 || h.Name == "" {
		t.Errorf("host %+v", h)
	}
}

func TestARightThatIsLostTakesNothingAway(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	cfg := p.config(s)
	f := feed(t, cfg)
	const name = "DC0_C0_RP0_VM0"
	vm := *f.vm(name)
	// From now on we may not read what VMs are plugged into, and everything is read anew.
	p.rewrites(hide("VirtualMachine", "config.hardware.device"))
	p.breaks(func(method string) int {
		if method == "WaitForUpdatesEx" {
			return invalidVersion
		}
		return 0
	})
	f.until("a new collector", func() bool { return f.Stats().Restarts.Load() > 0 })
	p.breaks(nil)
	f.until("the right to be missed", func() bool { return f.lacks("VirtualMachine config.hardware.device") != nil })
	f.follows()
	if now := f.vm(name); now == nil || len(now.NICs) != len(vm.NICs) || now.NICs[0].MAC != vm.NICs[0].MAC {
		t.Errorf("adapters %+v, were %+v", now.NICs, vm.NICs)
	}
}

func TestObjectsThatAreHiddenAreNotGone(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	f := feed(t, p.config(s))
	const name = "DC0_C0_RP0_VM0"
	ref := s.vms()[name].Self
	// The server says that a VM left the view, but not that it was deleted.
	leave := []byte(`<returnval><version>-</version><filterSet><filter type="PropertyFilter">x</filter><objectSet><kind>leave</kind><obj type="VirtualMachine">` + ref.Value + `</obj></objectSet></filterSet></returnval>`)
	once := false
	p.rewrites(func(method string, answer []byte) []byte {
		if method != "WaitForUpdatesEx" || once || strings.Contains(string(answer), "<returnval>") {
			return answer
		}
		for _, empty := range []string{`<WaitForUpdatesExResponse xmlns="urn:vim25"></WaitForUpdatesExResponse>`, `<WaitForUpdatesExResponse xmlns="urn:vim25"/>`} {
			if i := strings.Index(string(answer), empty); i >= 0 {
				once = true
				return []byte(strings.Replace(string(answer), empty, `<WaitForUpdatesExResponse xmlns="urn:vim25">`+string(leave)+`</WaitForUpdatesExResponse>`, 1))
			}
		}
		return answer
	})
	f.until("the leave", func() bool { return f.Stats().LeavesRefused.Load() == 1 })
	if f.vm(name) == nil {
		t.Error("a VM that is only hidden was taken out")
	}
	if k := f.Status().Kept; !strings.Contains(k, "VMs") || !strings.Contains(k, "right") {
		t.Errorf("kept: %q", k)
	}
}

func TestAFullReadThatMissesMostTakesNothingAway(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	f := feed(t, p.config(s))
	all := len(f.inv.VMs())
	// A server that has just started shows one VM only, and no host.
	var half []types.ManagedObjectReference
	for _, vm := range s.vms() {
		half = append(half, vm.Self)
	}
	p.rewrites(without(half[1:], "HostSystem"))
	p.breaks(failOnce("WaitForUpdatesEx", invalidVersion))
	f.until("the sweep to be refused", func() bool { return f.Stats().SweepsRefused.Load() >= 2 })
	if n := len(f.inv.VMs()); n != all || len(f.inv.HostTables(1)) != 2 {
		t.Errorf("%d of %d VMs and %d hosts are left", n, all, len(f.inv.HostTables(1)))
	}
	if k := f.Status().Kept; !strings.Contains(k, "VMs") || !strings.Contains(k, "hosts") {
		t.Errorf("kept: %q", k)
	}
	// A while later it shows all of them.
	p.rewrites(nil)
	p.breaks(failOnce("WaitForUpdatesEx", invalidVersion))
	f.until("all to be shown", func() bool { return f.Status().Kept == "" })
}

func TestFindings(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	cfg := p.config(s)
	found, err := Findings(t.Context(), cfg)
	if err != nil || len(found) != 0 {
		t.Fatalf("with all rights: %q, %v", found, err)
	}
	p.rewrites(hide("VirtualMachine", "config.hardware.device"))
	s.reconfigure(false, "1")
	p.breaks(func(method string) int {
		if method == "CreateCollectorForEvents" || method == "FetchDVPorts" {
			return noPermission
		}
		return 0
	})
	found, err = Findings(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(found, "\n")
	for _, want := range []string{
		"VirtualMachine config.hardware.device (4 times): NoPermission: not to be had: a port's VM and adapter", "needs System.Read",
		"EventManager: NoPermission", "FetchDVPorts: NoPermission",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	p.breaks(nil)
	p.rewrites(without(nil, "HostSystem"))
	if found, err := Findings(t.Context(), cfg); err != nil || !strings.Contains(strings.Join(found, "\n"), "no host is shown") {
		t.Errorf("without hosts: %q, %v", found, err)
	}
	p.rewrites(nil)
	// The right to ask hosts is tried, as a lookup would.
	cfg.Live.Method = access.LiveESXCLI
	if found, err := Findings(t.Context(), cfg); err != nil || len(found) != 0 {
		t.Errorf("hosts that answer: %q, %v", found, err)
	}
	p.breaks(func(method string) int {
		if method == "RetrieveManagedMethodExecuter" {
			return noPermission
		}
		return 0
	})
	if found, err := Findings(t.Context(), cfg); err != nil || len(found) != 1 || !strings.Contains(found[0], "esxcli network vm list: NoPermission") || !strings.Contains(found[0], "Host.Config.Settings") {
		t.Errorf("without the right to ask hosts: %q, %v", found, err)
	}
	p.breaks(nil)
	// A login that is refused says whose, and not by which password.
	cfg.Username, cfg.PasswordFile, cfg.Password = "nobody", secretFile(t, "hunter2\n"), setting.Secret{}
	if _, err := Findings(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "nobody") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a wrong password: %v", err)
	}
}
