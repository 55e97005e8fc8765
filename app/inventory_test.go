package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"vswarden/configs"
	"vswarden/enrich"
	"vswarden/inventory"
	"vswarden/spool"
)

var noon = time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// told is an inventory that an import told of one VM.
func told(t *testing.T, inv *inventory.Inventory) {
	t.Helper()
	st := inventory.Statement{At: inventory.StampOf(noon), Rows: []inventory.Row{{Port: 0x4000006, Kind: inventory.KindVM, VM: "web-01", Client: "web-01.eth0"}}}
	st.Host.Name = "esx01"
	if err := inv.Import(st); err != nil {
		t.Fatal(err)
	}
}

func TestSnapshotOutlivesTheProcess(t *testing.T) {
	cfg := configs.Default()
	cfg.DataDir = t.TempDir()
	m, err := openMemory(cfg, atNoon, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.save(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(m.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an inventory that knows nothing left a file: %v", err)
	}
	told(t, m.inv)
	var inUse *spool.InUseError
	if _, err := openMemory(cfg, atNoon, zerolog.Nop()); !errors.As(err, &inUse) || inUse.PID != os.Getpid() {
		t.Errorf("a second owner: %v", err)
	}
	if err := errors.Join(m.save(), m.close()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(m.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if info, err := os.Stat(filepath.Dir(m.path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info, err)
	}
	if m, err = openMemory(cfg, atNoon, zerolog.Nop()); err != nil {
		t.Fatal(err)
	}
	if m.inv.Host("esx01") == nil || m.saved.Load() != noon.UnixNano() {
		t.Errorf("not what was written: %v", m.inv.Stats())
	}
	if err := m.close(); err != nil {
		t.Fatal(err)
	}
}

func TestSnapshotThatCannotBeRead(t *testing.T) {
	cfg := configs.Default()
	cfg.DataDir = t.TempDir()
	if err := os.Mkdir(inventoryDir(cfg.DataDir), 0o700); err != nil {
		t.Fatal(err)
	}
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(snapshotPath(cfg.DataDir), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(fmt.Sprintf("vswarden-inventory %d\n\x1f\x8bwhatever", inventory.SnapshotVersion+1))
	_, err := openMemory(cfg, atNoon, zerolog.Nop())
	if err == nil || !IsUsage(err) || !strings.Contains(err.Error(), "version") {
		t.Errorf("a newer version: %v", err)
	}
	if _, err := os.Stat(snapshotPath(cfg.DataDir)); err != nil {
		t.Errorf("it was touched: %v", err)
	}
	put("vswarden-inventory 1\nrubbish")
	var log bytes.Buffer
	m, err := openMemory(cfg, atNoon, zerolog.New(&log))
	if err != nil {
		t.Fatal(err)
	}
	aside := snapshotPath(cfg.DataDir) + ".damaged-20260915T120000Z"
	if text, err := os.ReadFile(aside); err != nil || !strings.HasSuffix(string(text), "rubbish") {
		t.Errorf("set aside: %q %v", text, err)
	}
	if !strings.Contains(log.String(), "damaged") || !strings.Contains(log.String(), aside) {
		t.Errorf("said: %s", log.String())
	}
	if !m.inv.Blank() {
		t.Error("the inventory is not empty")
	}
	if err := m.close(); err != nil {
		t.Fatal(err)
	}
}

func TestSnapshotIsWrittenEveryNowAndThen(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{inv: inventory.New(inventory.DefaultConfig()), names: enrich.NewNames(), path: filepath.Join(dir, "snapshot"), namesPath: filepath.Join(dir, "names"), interval: time.Minute, now: time.Now, log: zerolog.Nop()}
		told(t, m.inv)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); m.Run(ctx) }()
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if m.saved.Load() != 0 {
			t.Error("too early")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		first := m.saved.Load()
		if first == 0 {
			t.Error("not written after its interval")
		}
		if err := os.Remove(m.path); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(m.path, "in the way"), 0o700); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if m.failures.Load() != 1 || m.saved.Load() != first {
			t.Errorf("%d failures", m.failures.Load())
		}
		stop()
		<-done
	})
}

// slowFeeder is in step after a while.
type slowFeeder struct{ synced atomic.Bool }

func (f *slowFeeder) Name() string { return "vc01" }

func (f *slowFeeder) Run(ctx context.Context) error { <-ctx.Done(); return nil }

func (f *slowFeeder) Synced() bool { return f.synced.Load() }

func (f *slowFeeder) Trouble() string { return "" }

func TestDeliveriesAwaitTheFirstReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		if late := awaitFeeders(t.Context(), nil, time.Hour); late != nil || time.Since(begin) != 0 {
			t.Errorf("without feeders: %v after %v", late, time.Since(begin))
		}
		f := &slowFeeder{}
		if late := awaitFeeders(t.Context(), []feeder{f}, time.Minute); len(late) != 1 || time.Since(begin) != time.Minute {
			t.Errorf("one that says nothing: %v after %v", late, time.Since(begin))
		}
		begin = time.Now()
		time.AfterFunc(5*time.Second, func() { f.synced.Store(true) })
		if late := awaitFeeders(t.Context(), []feeder{f}, time.Minute); late != nil || time.Since(begin) > 6*time.Second {
			t.Errorf("one that is late: %v after %v", late, time.Since(begin))
		}
		f.synced.Store(false)
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		begin = time.Now()
		if late := awaitFeeders(ctx, []feeder{f}, time.Minute); late != nil || time.Since(begin) != time.Second {
			t.Errorf("a program that is to stop: %v after %v", late, time.Since(begin))
		}
	})
}

// A vCenter that was taken out of the configuration is in the snapshot still; that it tells nothing is no trouble.
func TestSourcesThatAreNotConfiguredAreNotMissed(t *testing.T) {
	inv := inventory.New(inventory.DefaultConfig())
	for name, kind := range map[string]inventory.SourceKind{"vc01": inventory.SourcePushed, "vc01 esxcli": inventory.SourceLive, "vc00": inventory.SourcePushed} {
		if _, err := inv.AddSource(name, kind, 0); err != nil {
			t.Fatal(err)
		}
	}
	p := &parts{known: &memory{inv: inv, now: time.Now}, feeders: []feeder{&slowFeeder{}}}
	var sources []string
	for _, m := range p.inventoryMetrics() {
		if m.Name == "vswarden_inventory_source_healthy" {
			sources = append(sources, m.Labels[0].Value)
		}
	}
	slices.Sort(sources)
	if want := []string{"vc01", "vc01 esxcli"}; !slices.Equal(sources, want) {
		t.Errorf("health of %q, want of %q", sources, want)
	}
}

// What a vCenter told that was taken out of the configuration is answered for as long as the past is kept.
func TestAVCenterThatIsConfiguredNoMoreIsDroppedInTheEnd(t *testing.T) {
	now := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		source string
		told   time.Duration // ago
		left   int
		says   string
	}{
		"told yesterday":                  {"vc00", 24 * time.Hour, 2, "answered as stale"},
		"told longer ago than is kept":    {"vc00", 8 * 24 * time.Hour, 0, "what was known of it is dropped"},
		"configured, however long it is":  {"vc01", 30 * 24 * time.Hour, 2, ""},
		"one whose hosts an import knows": {"vc00", 8 * 24 * time.Hour, 1, "is dropped"},
	} {
		t.Run(name, func(t *testing.T) {
			inv := inventory.New(inventory.DefaultConfig())
			vc := inv.AddVCenter(inventory.VCenter{Name: tc.source})
			id, err := inv.AddSource(tc.source, inventory.SourcePushed, vc)
			if err != nil {
				t.Fatal(err)
			}
			told := inventory.StampOf(now.Add(-tc.told))
			err = inv.Apply(&inventory.Update{
				Source: id, At: told,
				Hosts: []inventory.Host{{Ref: inventory.Ref{VC: vc, ID: "host-1"}, Name: "esx1.example.com"}},
				VMs:   []inventory.VM{{Ref: inventory.Ref{VC: vc, ID: "vm-1"}, Name: "web-01", Host: "host-1"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			inv.Reported(id, told)
			if strings.Contains(name, "import") {
				if err := inv.Import(inventory.Statement{Host: inventory.Host{Name: "esx1.example.com"}, At: inventory.StampOf(now.Add(-time.Hour)), Rows: []inventory.Row{{Port: 7, Client: "vmk0"}}}); err != nil {
					t.Fatal(err)
				}
			}
			var log bytes.Buffer
			m := &memory{inv: inv, now: func() time.Time { return now }, log: zerolog.New(&log)}
			for range 2 { // the second start finds what the first one left
				if err := m.retire([]feeder{&slowFeeder{}}); err != nil {
					t.Fatal(err)
				}
			}
			if n := len(inv.ObjectsOf(vc, inventory.StampOf(now))); n != tc.left {
				t.Errorf("%d objects are left, want %d", n, tc.left)
			}
			if !strings.Contains(log.String(), tc.says) || (tc.says == "") != (log.Len() == 0) {
				t.Errorf("said %s", log.String())
			}
		})
	}
}
