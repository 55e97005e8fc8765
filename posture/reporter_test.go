package posture

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vswarden/event"
	"vswarden/inventory"
)

// heard is what a Reporter states, in order.
type heard struct {
	events []*event.Event
	fail   error
}

func (h *heard) emit(_ context.Context, e *event.Event) error {
	if h.fail != nil {
		return h.fail
	}
	if !json.Valid(e.AppendJSON(nil, event.DetailFull, event.OriginalNone)) {
		return errors.New("not JSON")
	}
	h.events = append(h.events, e)
	return nil
}

func (h *heard) texts() (texts []string) {
	for _, e := range h.events {
		texts = append(texts, e.Message)
	}
	return texts
}

// process is a Reporter over an estate, whose clock is looked at by the second.
type process struct {
	*Reporter
	*heard
	w   *estate
	now int
}

func startReporter(t *testing.T, w *estate, path string, interval time.Duration, now int) *process {
	t.Helper()
	p := &process{heard: &heard{}, w: w, now: now}
	r, err := Open(Options{Inventory: w.Inventory, Emit: p.emit, Path: path, Interval: interval, Now: func() time.Time { return at(p.now).Time() }})
	if err != nil {
		t.Fatal(err)
	}
	p.Reporter = r
	return p
}

// look does what Run does each second, up to second s.
func (p *process) look(t *testing.T, s int) {
	t.Helper()
	for ; p.now <= s; p.now++ {
		now := at(p.now)
		if err := p.changes(t.Context(), now, now); err != nil {
			t.Fatal(err)
		}
		if err := p.report(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
}

// set changes the policy of the portgroup ids.
func (w *estate) set(s int, v inventory.Verdict) {
	w.t.Helper()
	pg := *w.Portgroup(w.ref("dvportgroup-2"))
	pg.Rules = distributed(v, false)
	pg.Version += "+"
	w.apply(s, inventory.Update{Portgroups: []inventory.Portgroup{pg}})
}

func TestChangeIsToldOnce(t *testing.T) {
	w := newEstate(t)
	path := filepath.Join(t.TempDir(), "told.json")
	p := startReporter(t, w, path, 0, 1)
	p.look(t, 100)
	if len(p.events) != 0 {
		t.Fatalf("the first sight is no change: %q", p.texts())
	}
	w.set(101, inventory.Reject)
	w.Acted(inventory.Act{When: at(102), Object: w.ref("dvportgroup-2"), User: `LAB\alice`, Event: "DVPortgroupReconfiguredEvent"})
	p.look(t, 105)
	want := `policy of portgroup ids on DSwitch-Prod changed: allow_promiscuous true to false, by LAB\alice (stronger)`
	if got := p.texts(); !slices.Equal(got, []string{want}) {
		t.Fatalf("%q", got)
	}
	e := p.events[0]
	if e.User != (event.User{Name: "alice", Domain: "LAB"}) || e.VCEvent.Type != "vim.event.DVPortgroupReconfiguredEvent" || e.Time != int64(at(101)) || e.Dataset != event.DatasetPolicy ||
		e.Report.Portgroup.MOID != "dvportgroup-2" || e.Report.VCenter.ID == "" || e.Report.Change.Direction != "stronger" {
		t.Errorf("%+v %+v", e, e.Report)
	}
	p.look(t, 299)
	w.set(300, inventory.Accept)
	p.look(t, 330)
	if got := p.texts(); len(got) != 2 || !strings.HasSuffix(got[1], "allow_promiscuous false to true (weaker)") {
		t.Fatalf("without an author: %q", got)
	}
	if p.events[0].ID == p.events[1].ID {
		t.Error("two changes, one id")
	}
	if p.Changes.Load() != 2 {
		t.Errorf("%d", p.Changes.Load())
	}
}

// restored is the inventory as a snapshot of it is read by the next process.
func restored(t *testing.T, snapshot []byte) *estate {
	t.Helper()
	inv, _, err := inventory.ReadSnapshot(bytes.NewReader(snapshot), inventory.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	return estateOn(t, inv)
}

func (w *estate) snapshot(s int) []byte {
	w.t.Helper()
	var b bytes.Buffer
	if err := w.WriteSnapshot(&b, at(s)); err != nil {
		w.t.Fatal(err)
	}
	return b.Bytes()
}

// sync is the first report of a vCenter after a restart: the portgroup ids says v.
func (w *estate) sync(s int, v inventory.Verdict) {
	w.t.Helper()
	pg := *w.Portgroup(w.ref("dvportgroup-2"))
	pg.Rules = distributed(v, false)
	w.apply(s, inventory.Update{Portgroups: []inventory.Portgroup{pg}})
}

// Killed after the change was told, with a snapshot from before it: vCenter tells of it again, we do not.
func TestNoDoubleAfterAKill(t *testing.T) {
	w := newEstate(t)
	path := filepath.Join(t.TempDir(), "told.json")
	old := w.snapshot(50)
	p := startReporter(t, w, path, 0, 1)
	p.look(t, 100)
	w.set(101, inventory.Reject)
	p.look(t, 130)
	if len(p.events) != 1 {
		t.Fatalf("%q", p.texts())
	}
	w = restored(t, old)
	p = startReporter(t, w, path, 0, 200)
	p.look(t, 205) // the vCenter is away: the old snapshot speaks, and is no change back
	w.sync(240, inventory.Reject)
	p.look(t, 300)
	if len(p.events) != 0 {
		t.Errorf("told twice: %q", p.texts())
	}
	// And what is changed afterwards is told.
	w.set(301, inventory.Accept)
	p.look(t, 330)
	if len(p.events) != 1 {
		t.Errorf("%q", p.texts())
	}
}

// Killed before the change was told, with a snapshot that has it: nobody will tell of it again but us.
func TestNothingMissedAfterAKill(t *testing.T) {
	w := newEstate(t)
	path := filepath.Join(t.TempDir(), "told.json")
	p := startReporter(t, w, path, 0, 1)
	p.look(t, 100)
	w.set(101, inventory.Reject) // it waits for its author
	p.look(t, 105)
	w = restored(t, w.snapshot(106))
	p = startReporter(t, w, path, 0, 200)
	w.sync(201, inventory.Reject)
	p.look(t, 300)
	if got := p.texts(); len(got) != 1 || !strings.Contains(got[0], "true to false") {
		t.Errorf("%q", got)
	}
	w = restored(t, w.snapshot(300))
	p = startReporter(t, w, path, 0, 400)
	w.sync(401, inventory.Reject)
	p.look(t, 500)
	if len(p.events) != 0 {
		t.Errorf("told twice: %q", p.texts())
	}
}

// A change made while no vswarden ran.
func TestChangeWhileDown(t *testing.T) {
	w := newEstate(t)
	path := filepath.Join(t.TempDir(), "told.json")
	p := startReporter(t, w, path, 0, 1)
	p.look(t, 100)
	w = restored(t, w.snapshot(100))
	p = startReporter(t, w, path, 0, 200)
	w.sync(201, inventory.Reject)
	p.look(t, 300)
	if got := p.texts(); len(got) != 1 {
		t.Errorf("%q", got)
	}
}

// Killed between writing down what is to be told and telling it: it is told with the same id.
func TestToldAgainWithTheSameID(t *testing.T) {
	w := newEstate(t)
	path := filepath.Join(t.TempDir(), "told.json")
	p := startReporter(t, w, path, 0, 1)
	p.look(t, 100)
	w.set(101, inventory.Reject)
	w.Acted(inventory.Act{When: at(101), Object: w.ref("dvportgroup-2"), User: "bob"})
	p.look(t, 101)
	written, err := os.ReadFile(path) // as it is after the kill: the next look did not come
	if err != nil {
		t.Fatal(err)
	}
	if len(p.events) != 1 || !bytes.Contains(written, []byte(`"pending"`)) {
		t.Fatalf("%q %s", p.texts(), written)
	}
	again := startReporter(t, restored(t, w.snapshot(101)), path, 0, 200)
	again.look(t, 260)
	if len(again.events) != 1 || again.events[0].ID != p.events[0].ID || again.events[0].User.Name != "bob" {
		t.Errorf("%q", again.texts())
	}
	again = startReporter(t, restored(t, w.snapshot(101)), path, 0, 300)
	again.look(t, 360)
	if len(again.events) != 0 {
		t.Errorf("told a third time: %q", again.texts())
	}
}

func TestStateEveryInterval(t *testing.T) {
	w := newEstate(t)
	path := filepath.Join(t.TempDir(), "told.json")
	p := startReporter(t, w, path, time.Minute, 1)
	p.look(t, 130)
	if len(p.events) != 3*4 { // 10:00, 10:01, 10:02
		t.Fatalf("%d: %q", len(p.events), p.texts())
	}
	ids := map[event.ID]bool{}
	for _, e := range p.events {
		ids[e.ID] = true
		if e.Kind != "state" || e.Dataset != event.DatasetPosture || e.Time%int64(time.Minute) != 0 || e.Report.Posture == nil {
			t.Errorf("%+v", e)
		}
	}
	if len(ids) != len(p.events) {
		t.Errorf("%d ids of %d events", len(ids), len(p.events))
	}
	want := "ids on DSwitch-Prod at vc01.example.com permits promiscuous mode (set on the portgroup): 1 may listen, 3 are exposed now, 6 are in reach"
	if p.events[0].Message != want {
		t.Error(p.events[0].Message)
	}
	// A restart within the interval says nothing again; after it, the same finding has another id.
	again := startReporter(t, w, path, time.Minute, 140)
	again.look(t, 179)
	if len(again.events) != 0 {
		t.Errorf("%q", again.texts())
	}
	again.look(t, 180)
	if len(again.events) != 4 || ids[again.events[0].ID] {
		t.Errorf("%q", again.texts())
	}
	// Whoever lost what was told states it again as the same events.
	lost := startReporter(t, w, filepath.Join(t.TempDir(), "told.json"), time.Minute, 185)
	lost.look(t, 186)
	if len(lost.events) != 4 || lost.events[0].ID != again.events[0].ID {
		t.Errorf("%q", lost.texts())
	}
}

func TestNothingIsStatedOfAnEmptyInventory(t *testing.T) {
	w := estateOn(t, inventory.New(inventory.DefaultConfig()))
	p := startReporter(t, w, filepath.Join(t.TempDir(), "told.json"), time.Minute, 1)
	p.look(t, 10)
	if p.told.Reported != 0 {
		t.Error("an interval without an inventory counts as stated")
	}
}

func TestToldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "told.json")
	if err := os.WriteFile(path, []byte(`{"version":1,"ru`), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startReporter(t, newEstate(t), path, 0, 1)
	if p.Aside != path+".damaged" {
		t.Errorf("aside %q", p.Aside)
	}
	p.look(t, 40)
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte(`{"version":99}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Path: path}); !errors.Is(err, ErrNewer) {
		t.Error(err)
	}
}

// What it keeps cannot be written: it goes on, and says so.
func TestToldFileCannotBeWritten(t *testing.T) {
	w := newEstate(t)
	p := startReporter(t, w, filepath.Join(t.TempDir(), "no such directory", "told.json"), 0, 1)
	p.look(t, 100)
	w.set(101, inventory.Reject)
	p.look(t, 130)
	if len(p.events) != 1 || p.Failures.Load() == 0 {
		t.Errorf("%q, %d failures", p.texts(), p.Failures.Load())
	}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newEstate(t)
		h := &heard{}
		r, err := Open(Options{Inventory: w.Inventory, Emit: h.emit, Path: filepath.Join(t.TempDir(), "told.json"), Interval: time.Hour, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ready, done := make(chan struct{}), make(chan error, 1)
		go func() { done <- r.Run(ctx, ready) }()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(h.events) != 0 {
			t.Error("stated before the inventory was filled")
		}
		close(ready)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(h.events) != 4 {
			t.Errorf("%q", h.texts())
		}
		// A change that waits for its author when the end comes is told at the end.
		w.set(int(time.Since(at(0).Time())/time.Second), inventory.Reject)
		stop()
		if err := <-done; err != nil || len(h.events) != 5 {
			t.Errorf("%v: %q", err, h.texts())
		}
	})
}

func TestRunEndsWhenTheLogFails(t *testing.T) {
	w := newEstate(t)
	h := &heard{fail: errors.New("the log has failed")}
	r, err := Open(Options{Inventory: w.Inventory, Emit: h.emit, Path: filepath.Join(t.TempDir(), "told.json"), Interval: time.Hour, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	close(ready)
	if err := r.Run(t.Context(), ready); !errors.Is(err, h.fail) {
		t.Error(err)
	}
}

func TestDirections(t *testing.T) {
	rules := func(promiscuous, forged inventory.Verdict) *inventory.Rules {
		return &inventory.Rules{Own: inventory.Flags{Promiscuous: promiscuous, ForgedTransmits: forged}}
	}
	const u, no, yes = inventory.Unknown, inventory.Reject, inventory.Accept
	for _, c := range []struct {
		old, now *inventory.Rules
		want     string
		n        int
	}{
		{rules(no, no), rules(yes, no), "weaker", 1},
		{rules(yes, no), rules(no, no), "stronger", 1},
		{rules(yes, no), rules(no, yes), "mixed", 2},
		{rules(u, no), rules(yes, no), "weaker", 1},
		{rules(u, u), rules(no, no), "same", 2},
		{rules(no, no), rules(no, no), "same", 0},
		{&inventory.Rules{}, &inventory.Rules{SecurityOverride: yes}, "weaker", 1},
	} {
		changes, got := settingChanges(c.old, c.now)
		if got != c.want || len(changes) != c.n {
			t.Errorf("%+v to %+v: %s %+v", c.old, c.now, got, changes)
		}
	}
}

func TestUsers(t *testing.T) {
	for in, want := range map[string]event.User{
		`LAB\alice`: {Name: "alice", Domain: "LAB"}, "alice@vsphere.local": {Name: "alice", Domain: "vsphere.local"}, "root": {Name: "root"}, "": {},
	} {
		if got := userOf(in); got != want {
			t.Errorf("%q: %+v", in, got)
		}
	}
}
