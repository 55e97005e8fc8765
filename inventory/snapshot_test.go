package inventory

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// full is a world in which everything has a past.
func full(t testing.TB) *world {
	w := newWorld(t)
	for _, s := range []struct {
		name string
		kind SourceKind
	}{{"esxcli", SourceLive}, {"stream", SourceStream}} {
		if _, err := w.AddSource(s.name, s.kind, 0); err != nil {
			t.Fatal(err)
		}
	}
	vm := w.machine(1, "esx01", -3600)
	vm.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	vm.Instance, vm.BIOS = UUID{1}, UUID{2}
	vm.Tags, vm.Attributes = []string{"env:prod"}, []Attribute{{"owner", "web"}}
	pg := Portgroup{Ref: w.ref("dvportgroup-1"), Kind: DistributedSwitch, Name: "web", Switch: "dvs-1", VLAN: VLAN{Kind: VLANTrunk, Ranges: []VLANRange{{1, 9}}}, Rules: Rules{Distributed: sec(Reject, false)}}
	sw := Switch{Ref: w.ref("dvs-1"), Kind: DistributedSwitch, Name: "DSwitch", UUID: UUID{9}, Rules: Rules{Distributed: mac(Reject, false)}}
	dv := DVPort{Switch: sw.Ref, Key: "37", Portgroup: "dvportgroup-1", Blocked: true}
	esx := w.esx("esx01", -86400)
	esx.Kernel[0].Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.11")}
	w.apply(0, Update{
		Hosts: []Host{esx, w.esx("esx02", -86400)}, VMs: []VM{vm, w.machine(2, "esx02", -60)}, Portgroups: []Portgroup{pg}, Switches: []Switch{sw},
		DVPorts: []DVPort{dv}, Tables: append(w.table("esx01", port(p1, 1)), w.table("esx02", port(p1, 2))...),
	})
	w.report(0)
	pg.Rules.Distributed, sw.Rules.Distributed, dv.Rules.Distributed = sec(Accept, false), mac(Accept, false), sec(Accept, false)
	esx = w.esx("esx01", -86400)
	esx.Portgroups[0].Rules.Own.Promiscuous, esx.Switches[0].Rules.Own.MACChanges = Accept, Reject
	vm.Name, vm.Host = "renamed", "esx02"
	vm.Addresses = []netip.Addr{netip.MustParseAddr("2001:db8::1")}
	vm.NICs = []NIC{vm.NICs[0]}
	vm.NICs[0].Backing = Backing{DistributedSwitch, "dvportgroup-1", "37"}
	w.apply(100, Update{
		Hosts: []Host{esx}, VMs: []VM{vm}, Portgroups: []Portgroup{pg}, Switches: []Switch{sw}, DVPorts: []DVPort{dv},
		Tables: append(w.table("esx01"), w.table("esx02", port(p1, 2), port(p2, 1))...),
	})
	if !w.Learn(2, w.HostTable(w.ref("esx02")), 0x3000007, mac1(1), at(120)) {
		t.Fatal("not learned")
	}
	off := w.esx("esx01", -86400)
	off.Connection = Disconnected
	w.apply(150, Update{Hosts: []Host{off}})
	if err := w.Import(Statement{Host: Host{Name: "esx09"}, At: at(10), WholePorts: true, Rows: []Row{{Port: 5, Kind: KindVM, VM: "a", MAC: mac1(77)}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Import(Statement{Host: Host{Name: "esx09"}, At: at(200), WholePorts: true}); err != nil {
		t.Fatal(err)
	}
	w.report(200)
	return w
}

func snapshotOf(t testing.TB, inv *Inventory, now Stamp) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := inv.WriteSnapshot(&b, now); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// lines returns a snapshot's lines of JSON in an order that does not depend on maps. The numbers of
// VMs are replaced by their names.
func lines(t *testing.T, snapshot []byte) []string {
	t.Helper()
	_, packed, _ := bytes.Cut(snapshot, []byte("\n"))
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Split(strings.TrimSpace(string(text)), "\n")
	number := 0
	for _, line := range list {
		if name, ok := strings.CutPrefix(line, `{"vm":{"ref":{`); ok {
			number++
			name, _, _ = strings.Cut(name, "}")
			for i := range list {
				list[i] = strings.ReplaceAll(list[i], fmt.Sprintf(`"vm":%d,`, number), `"vm":"`+name+`",`)
			}
		}
	}
	slices.Sort(list)
	return list
}

func TestSnapshotKeepsAll(t *testing.T) {
	w := full(t)
	first := snapshotOf(t, w.Inventory, at(210))
	again, written, err := ReadSnapshot(bytes.NewReader(first), DefaultConfig())
	if err != nil || written != at(210) {
		t.Fatal(written, err)
	}
	want, got := lines(t, first), lines(t, snapshotOf(t, again, at(210)))
	if !slices.Equal(want, got) {
		for i := range min(len(want), len(got)) {
			if want[i] != got[i] {
				t.Errorf("line %d:\n got %s\nwant %s", i, got[i], want[i])
			}
		}
		t.Errorf("%d lines became %d", len(want), len(got))
	}
	if a, b := w.Stats(), again.Stats(); a.Intervals != b.Intervals || a.VMs != b.VMs || a.Hosts != b.Hosts {
		t.Errorf("%+v became %+v", a, b)
	}
	// No source speaks: what was told stays settled up to where it was told, and says where it comes from.
	r := &world{Inventory: again, t: t, vc: 1}
	r.expect("esx01", p1, 15, 5000, "renamed all [port_table snapshot]; ")
	r.expect("esx02", p1, 500, 5000, "vm02! all [port_table snapshot]; ")
	if h := again.Host("192.0.2.11"); h != nil {
		t.Error("the address was taken from the host before the snapshot") // the last facts had none
	}
}

func TestRestartJoinsEqualIntervals(t *testing.T) {
	w := start(t)
	w.report(100)
	inv, _, err := ReadSnapshot(bytes.NewReader(snapshotOf(t, w.Inventory, at(101))), DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	r := worldOn(t, inv)
	if r.id != w.id || r.vc != w.vc {
		t.Fatal("the source is another one")
	}
	// An hour later all is as it was on esx01, and vm02 was booted on esx02 while we were away.
	r.apply(3700, Update{
		Hosts: []Host{r.esx("esx01", -86400), r.esx("esx02", -86400)}, VMs: []VM{r.machine(1, "esx01", -3600), r.machine(2, "esx02", 2000)},
		Tables: append(r.table("esx01", port(p1, 1)), r.table("esx02", port(p1, 2))...),
	})
	r.report(3700)
	r.expect("esx01", p1, 2000, 4000, "vm01 all [port_table]; ")
	r.expect("esx02", p1, 3000, 4000, "vm02 all [port_table backdated]; ")
	r.expect("esx02", p1, 1000, 4000, "") // not yet booted
	if n := r.Stats().Intervals; n != 0 {
		t.Errorf("%d ended intervals", n)
	}
}

func TestRestartSeesThatTheVMWasRebooted(t *testing.T) {
	w := start(t)
	w.report(100)
	inv, _, err := ReadSnapshot(bytes.NewReader(snapshotOf(t, w.Inventory, at(101))), DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	r := worldOn(t, inv)
	r.apply(3700, Update{VMs: []VM{r.machine(1, "esx01", 2000)}, Tables: r.table("esx01", port(p1, 1))})
	r.report(3700)
	r.expect("esx01", p1, 1000, 4000, "vm01 perhaps [port_table]; ")
	r.expect("esx01", p1, 60, 4000, "vm01 all [port_table]; ")
}

func TestSnapshotFile(t *testing.T) {
	w := full(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "inventory.snapshot")
	for range 2 { // the second takes the first one's place
		if err := w.SaveFile(path, at(210)); err != nil {
			t.Fatal(err)
		}
	}
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 1 {
		t.Errorf("%v %v", names, err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if _, _, err := LoadFile(path, DefaultConfig()); err != nil {
		t.Error(err)
	}
	if _, _, err := LoadFile(path+"x", DefaultConfig()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := w.SaveFile(filepath.Join(dir, "none", "x"), at(210)); err == nil {
		t.Error("written into a directory that is not there")
	}
}

func TestSnapshotRefusesWhatItCannotRead(t *testing.T) {
	good := snapshotOf(t, full(t).Inventory, at(210))
	var newer *NewerError
	if _, _, err := ReadSnapshot(strings.NewReader("vswarden-inventory 7\n\x1f\x8b"), DefaultConfig()); !errors.As(err, &newer) || newer.Version != 7 {
		t.Errorf("newer: %v", err)
	}
	bad := map[string][]byte{
		"empty": nil, "another file": []byte("{}\n"), "no version": []byte("vswarden-inventory x\n"),
		"only the first line": good[:21], "long first line": bytes.Repeat([]byte("x"), 100_000),
	}
	for n := 40; n < len(good); n += len(good)/7 + 1 {
		bad[fmt.Sprintf("first %d bytes", n)] = good[:n]
		flipped := bytes.Clone(good)
		flipped[n] ^= 0x40
		bad[fmt.Sprintf("byte %d flipped", n)] = flipped
	}
	bad["the last byte is missing"] = good[:len(good)-1]
	pack := func(text string) []byte {
		var b bytes.Buffer
		b.WriteString("vswarden-inventory 1\n")
		zip := gzip.NewWriter(&b)
		_, _ = io.WriteString(zip, text) // into memory
		_ = zip.Close()
		return b.Bytes()
	}
	const head = `{"head":{"written":"2026-09-15T10:00:00Z","sources":[{"name":"a","kind":0}]}}` + "\n"
	for name, text := range map[string]string{
		"no end":           head,
		"no head":          `{"vm":{"ref":{"id":"vm-1"},"name":"x"}}` + "\n",
		"two heads":        head + head,
		"wrong count":      head + `{"end":{"records":5}}`,
		"after the end":    head + `{"end":{"records":1}}` + "\n{}",
		"an empty line":    head + "{}\n",
		"not JSON":         head + "vm\n",
		"VM out of range":  head + `{"host":{"ref":{"id":"h"},"name":"h","ports":[{"id":1,"open":[{"vm":1,"s":0}]}]}}` + "\n",
		"no such source":   head + `{"host":{"ref":{"id":"h"},"name":"h","ports":[{"id":1,"open":[{"s":9}]}]}}` + "\n",
		"mark of nobody":   head + `{"host":{"ref":{"id":"h"},"name":"h","marks":[{"s":9}]}}` + "\n",
		"resident nobody":  head + `{"host":{"ref":{"id":"h"},"name":"h","residents":[{"s":0}]}}` + "\n",
		"ports disordered": head + `{"host":{"ref":{"id":"h"},"name":"h","ports":[{"id":2},{"id":1}]}}` + "\n",
	} {
		bad[name] = pack(text)
	}
	for name, b := range bad {
		var damaged *DamagedError
		inv, _, err := ReadSnapshot(bytes.NewReader(b), DefaultConfig())
		if !errors.As(err, &damaged) || inv != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSnapshotOfChurnIsSmall(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("measures time")
	}
	w := scaleWorld(t, scaleVMs)
	scaleChurn(w, 10_000)
	began := time.Now()
	b := snapshotOf(t, w.Inventory, at(90_000))
	wrote := time.Since(began)
	began = time.Now()
	if _, _, err := ReadSnapshot(bytes.NewReader(b), DefaultConfig()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MB, written in %v, read in %v", float64(len(b))/1e6, wrote.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
}

func FuzzReadSnapshot(f *testing.F) {
	w := full(f)
	first, packed, _ := bytes.Cut(snapshotOf(f, w.Inventory, at(210)), []byte("\n"))
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		f.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(_ *testing.T, text []byte) {
		b := bytes.NewBuffer(append(bytes.Clone(first), '\n'))
		zip, _ := gzip.NewWriterLevel(b, gzip.NoCompression)
		_, _ = zip.Write(text) // into memory
		_ = zip.Close()
		inv, _, err := ReadSnapshot(b, DefaultConfig())
		if err != nil {
			return
		}
		for _, h := range inv.AllHosts() {
			for _, id := range h.cur.Load().ids {
				_ = h.Lookup(&Query{Port: id, From: at(0), At: at(10), To: at(20), Now: at(20)}, nil)
			}
		}
		inv.Maintain(at(1e6))
	})
}
