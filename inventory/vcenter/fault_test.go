package vcenter

import (
	"bytes"
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	govsession "github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
	"vswarden/inventory/vcenter/access"
)

// rename changes a VM's name at the server and waits until the inventory knows.
func (s *sim) rename(f *feeding, from, to string) {
	s.t.Helper()
	s.task(s.object(s.vms()[from].Self).Rename(s.t.Context(), to))
	f.until("the name "+to, func() bool { return f.vm(to) != nil })
}

const first = "DC0_C0_RP0_VM0"

func TestASessionThatIsKilled(t *testing.T) {
	s := newSim(t, small(), false)
	f := feed(t, s.config())
	m := govsession.NewManager(s.client.Client)
	mine, err := m.UserSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var others []string
	for _, key := range s.sessions() {
		if key != mine.Key {
			others = append(others, key)
		}
	}
	if err := m.TerminateSession(t.Context(), others); err != nil || len(others) != 1 {
		t.Fatalf("%d sessions besides ours, %v", len(others), err)
	}
	f.until("a new session", func() bool { return f.Stats().Sessions.Load() >= 2 })
	f.follows()
	s.rename(f, first, "web-01")
}

// sessions returns the keys of all sessions.
func (s *sim) sessions() (keys []string) {
	s.t.Helper()
	c := s.client.Client
	res, err := methods.RetrieveProperties(s.t.Context(), c, &types.RetrieveProperties{This: c.ServiceContent.PropertyCollector, SpecSet: []types.PropertyFilterSpec{{
		ObjectSet: []types.ObjectSpec{{Obj: *c.ServiceContent.SessionManager}},
		PropSet:   []types.PropertySpec{{Type: "SessionManager", PathSet: []string{"sessionList"}}},
	}}})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, o := range res.Returnval {
		for _, p := range o.PropSet {
			for _, u := range p.Val.(types.ArrayOfUserSession).UserSession {
				keys = append(keys, u.Key)
			}
		}
	}
	return keys
}

func TestAnAnswerThatGetsLostIsAskedForAgain(t *testing.T) {
	for _, code := range []int{503, cut} {
		s := newSim(t, small(), false)
		p := newProxy(t, s, false)
		f := feed(t, p.config(s))
		p.breaks(failOnce("WaitForUpdatesEx", code))
		f.until("the loss", func() bool { return f.Stats().Retries.Load() >= 1 })
		s.rename(f, first, "web-01")
		if st := f.Stats(); st.Sessions.Load() != 1 || st.Syncs.Load() != 1 || st.Restarts.Load() != 0 {
			t.Errorf("after %d: %d sessions, %d full reads, %d restarts: a lost answer needs none", code, st.Sessions.Load(), st.Syncs.Load(), st.Restarts.Load())
		}
	}
}

func TestPagesAreReadToTheEndBeforeAnythingIsReported(t *testing.T) {
	m := small()
	m.Machine = 150
	s := newSim(t, m, false)
	p := newProxy(t, s, false)
	// The second page is lost: it can be had once only, so all begins anew.
	lost := false
	pages := 0
	p.breaks(func(method string) int {
		if method == "WaitForUpdatesEx" {
			if pages++; pages == 2 && !lost {
				lost = true
				return cut
			}
		}
		return 0
	})
	f := start(t, inventory.New(inventory.DefaultConfig()), p.config(s))
	f.until("the first report", func() bool { return f.inv.Source(f.Source()).Synced })
	if got := len(f.inv.VMs()); got != 150 {
		t.Errorf("reported with %d VMs, the server has 150", got)
	}
	if st := f.Stats(); st.Pages.Load() < 2 || st.Restarts.Load() != 1 {
		t.Errorf("%d truncated pages, %d restarts", st.Pages.Load(), st.Restarts.Load())
	}
}

func TestAServerThatRestarts(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	f := feed(t, p.config(s))
	f.inv.Maintain(inventory.StampOf(time.Now()))
	before := len(f.inv.VMs())
	p.breaks(func(string) int { return 503 }) // its front door is up first
	f.until("the feeder to be stale", func() bool { return f.Status().State == Stale })
	if state := f.inv.Source(f.Source()); state.Live || !state.Synced {
		t.Errorf("source %+v", state)
	}
	if why := f.Trouble(); !strings.Contains(why, "stale") || !strings.Contains(why, "503") {
		t.Errorf("trouble %q", why)
	}
	if len(f.inv.VMs()) != before {
		t.Error("what was known is gone")
	}
	// The server that comes back knows nothing of our session; its objects are the same.
	p.breaks(failOnce("WaitForUpdatesEx", notAuthenticated))
	f.follows()
	if len(f.inv.VMs()) != before {
		t.Errorf("%d VMs, were %d", len(f.inv.VMs()), before)
	}
	s.rename(f, first, "web-01")
}

func TestAVersionThatTheServerForgot(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	f := feed(t, p.config(s))
	p.breaks(failOnce("WaitForUpdatesEx", invalidVersion))
	f.until("another full read", func() bool { return f.Stats().Syncs.Load() == 2 })
	if n := f.Stats().Sessions.Load(); n != 1 {
		t.Errorf("%d sessions: the one was good", n)
	}
	s.rename(f, first, "web-01")
}

func TestAnExpiredSessionThatOnlyMissesEverything(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	f := feed(t, p.config(s))
	hidden := hide("VirtualMachine", "name")
	done := false
	p.rewrites(func(method string, answer []byte) []byte {
		changed := bytes.ReplaceAll(hidden(method, answer), []byte(`xsi:type="NoPermission"`), []byte(`xsi:type="NotAuthenticated"`))
		if done || bytes.Equal(changed, answer) {
			return answer
		}
		done = true
		return changed
	})
	s.task(s.object(s.vms()[first].Self).Rename(t.Context(), "web-01"))
	f.until("a new session", func() bool { return f.Stats().Sessions.Load() == 2 })
	f.follows()
	f.until("the name", func() bool { return f.vm("web-01") != nil })
	if len(f.Status().Missing) != 0 {
		t.Errorf("taken for a missing right: %+v", f.Status().Missing)
	}
}

func TestCertificates(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, true)
	cfg := p.config(s)
	cfg.Insecure = false

	dials := func(cfg access.Config) error {
		ctx, cancel := context.WithTimeout(t.Context(), longWait)
		defer cancel()
		l, err := dial(ctx, &cfg, time.Now)
		if err == nil {
			l.close()
		}
		return err
	}
	if err := dials(cfg); err == nil {
		t.Error("a certificate that nobody signed was taken")
	}
	pinned := cfg
	pinned.Thumbprint = p.print()
	if err := dials(pinned); err != nil {
		t.Errorf("by its thumbprint: %v", err)
	}
	signed := cfg
	signed.CAFile = secretFile(t, p.pem())
	if err := dials(signed); err != nil {
		t.Errorf("by its signer: %v", err)
	}

	// The certificate is renewed while we follow. The one pinned is no longer there; the file is, once it is renewed too.
	f := feed(t, signed)
	p.renew()
	p.disconnect()
	f.until("the feeder to be stale", func() bool { return f.Status().State == Stale && strings.Contains(f.Status().Error, "certificate") })
	if err := dials(pinned); err == nil || !strings.Contains(err.Error(), p.print()) {
		t.Errorf("another certificate than pinned: %v", err)
	}
	if err := os.WriteFile(signed.CAFile, []byte(p.pem()), 0o600); err != nil {
		t.Fatal(err)
	}
	f.follows()
	if err := dials(access.Config{URL: cfg.URL, Timeout: time.Second, CAFile: secretFile(t, "no certificate")}); err == nil || !strings.Contains(err.Error(), "PEM") {
		t.Errorf("a file without a certificate: %v", err)
	}
}

func TestAServerThatAcceptsAndNeverAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	cfg := access.DefaultConfig()
	cfg.URL, cfg.Username, cfg.PasswordFile, cfg.Insecure = "http://"+l.Addr().String(), "user", secretFile(t, "pass"), true
	cfg.Timeout = time.Second
	f := start(t, inventory.New(inventory.DefaultConfig()), cfg)
	f.until("the attempt to be given up", func() bool { return f.Stats().Failures.Load() >= 1 })
	if s := f.Status(); s.State != Connecting || s.Error == "" || f.Synced() || f.Trouble() == "" {
		t.Errorf("status %+v", s)
	}
	f.end() // at once, although the server says nothing
}

func TestAServerThatFallsSilentMakesWhatWeKnowStale(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	cfg := p.config(s)
	cfg.Timeout = longWait
	f := feed(t, cfg)
	p.breaks(func(method string) int {
		if method == "WaitForUpdatesEx" {
			return silence
		}
		return 0
	})
	// Long before the request is given up, nothing is settled any more.
	f.until("it to be stale", func() bool { return f.Status().State == Stale && !f.inv.Source(f.Source()).Live })
	if f.Stats().Failures.Load() != 0 {
		t.Error("the session was given up")
	}
	p.breaks(nil)
	p.disconnect()
	f.follows()
}

func TestAnAnswerThatMakesNoSenseCostsOneObject(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	// A value of a type that does not belong there, a device that govmomi does not know, an object of an unknown type.
	p.rewrites(func(method string, answer []byte) []byte {
		if method != "WaitForUpdatesEx" {
			return answer
		}
		answer = bytes.ReplaceAll(answer, []byte(`type="VirtualE1000"`), []byte(`type="VirtualNIC9000"`))
		answer = bytes.ReplaceAll(answer, []byte(`type="VirtualPCIController"`), []byte(`type="VirtualWarpDrive"`))
		return bytes.ReplaceAll(answer, []byte(`<obj type="ResourcePool">`), []byte(`<obj type="QuantumPool">`))
	})
	f := feed(t, p.config(s))
	if len(f.inv.VMs()) != len(s.vms()) || f.Stats().NilDevices.Load() == 0 {
		t.Errorf("%d VMs, %d unknown devices", len(f.inv.VMs()), f.Stats().NilDevices.Load())
	}
}

func TestAPanicEndsTheSessionNotTheProgram(t *testing.T) {
	f, err := New(inventory.New(inventory.DefaultConfig()), access.Config{URL: "http://127.0.0.1:1", Timeout: time.Second}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := f.newBatch()
	b.tree.nodes = nil // a write to it panics
	b.take(&types.ObjectUpdate{Kind: types.ObjectUpdateKindEnter, Obj: types.ManagedObjectReference{Type: "Folder", Value: "f"}, ChangeSet: []types.PropertyChange{{Name: "name", Val: "x"}}})
	if f.Stats().Panics.Load() != 1 {
		t.Error("not counted")
	}
	f.now = func() time.Time { panic("a clock of ours") }
	if good, err := f.session(t.Context()); good || err == nil {
		t.Errorf("good %v, %v", good, err)
	}
}

func TestFlapping(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	f := feed(t, p.config(s))
	for i := range 3 {
		p.disconnect()
		p.breaks(func(string) int { return cut })
		f.until("it to be away", func() bool { return f.Status().State == Stale })
		p.breaks(nil)
		f.follows()
		if n := len(f.inv.VMs()); n != 4 {
			t.Fatalf("round %d: %d VMs", i, n)
		}
	}
	s.rename(f, first, "web-01")
	if n := len(s.sessions()); n > 2 {
		t.Errorf("%d sessions are left at the server", n)
	}
}

func TestASnapshotIsCheckedAgainstTheServer(t *testing.T) {
	s := newSim(t, small(), false)
	inv := inventory.New(inventory.DefaultConfig())
	f := start(t, inv, s.config())
	f.follows()
	f.end()
	// While we are down one VM is deleted and another renamed.
	s.task(s.object(s.vms()[first].Self).PowerOff(t.Context()))
	s.task(s.object(s.vms()[first].Self).Destroy(t.Context()))
	s.task(s.object(s.vms()["DC0_C0_RP0_VM1"].Self).Rename(t.Context(), "web-01"))
	g := start(t, inv, s.config())
	g.follows()
	if g.vm(first) != nil || g.vm("web-01") == nil || len(inv.VMs()) != 3 {
		t.Errorf("%d VMs", len(inv.VMs()))
	}
}
