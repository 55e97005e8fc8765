package detect

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"vswarden/event"
)

// ear feeds a Detector as a Detection does: lines, and the time each second in which none comes.
type ear struct {
	d       *Detector
	pos     uint64
	now     int64
	senders map[string]*Sender
}

func newEar() *ear {
	return &ear{d: New(DefaultConfig()), senders: map[string]*Sender{}, now: time.Date(2026, 2, 7, 9, 29, 0, 0, time.UTC).UnixNano()}
}

// sender is what is kept of a sender.
func (e *ear) sender(key string) *Sender {
	if e.senders[key] == nil {
		e.senders[key] = &Sender{Key: key}
	}
	return e.senders[key]
}

func (e *ear) line(sender string) {
	e.pos++
	e.d.Line(&Line{Pos: e.pos, Stamp: e.now, Sender: e.sender(sender), Host: "host-of-" + sender, ID: event.NewID(1, e.pos)})
}

func (e *ear) flood(sender string, sort uint64) {
	e.pos++
	e.d.Line(&Line{Pos: e.pos, Stamp: e.now, Sender: e.sender(sender), Sort: sort, Name: "esx.audit.x", Dataset: event.DatasetVOB, ID: event.NewID(1, e.pos)})
}

// listen lets time pass while others are heard or nobody is.
func (e *ear) listen(d time.Duration) {
	for end := e.now + int64(d); e.now < end; {
		e.now = min(e.now+int64(time.Second), end)
		e.d.Tick(e.now)
	}
}

// every sends a line of each sender in a rhythm.
func (e *ear) every(pause, total time.Duration, senders ...string) {
	for end := e.now + int64(total); e.now < end; {
		for _, s := range senders {
			e.line(s)
		}
		e.listen(pause)
	}
}

func (e *ear) take() (found []string) {
	for _, f := range e.d.Pending() {
		found = append(found, string(f.Act)+" "+f.Host)
	}
	e.d.Took(len(found))
	return found
}

func is(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestSilence(t *testing.T) {
	e := newEar()
	e.every(10*time.Second, 30*time.Minute, "a", "b")
	is(t, "all are heard", e.take())
	e.every(10*time.Second, 9*time.Minute, "b")
	is(t, "not for long enough", e.take())
	e.every(10*time.Second, 2*time.Minute, "b")
	is(t, "too long", e.take(), "host-silent host-of-a")
	e.every(10*time.Second, 2*time.Hour, "b")
	is(t, "told once", e.take())
	e.line("a")
	is(t, "heard again", e.take(), "host-heard host-of-a")
	e.listen(11 * time.Minute)
	if got := e.take(); len(got) != 2 {
		t.Errorf("both are silent: %q", got)
	}
}

func TestSilenceIsMeasuredByWhatIsUsual(t *testing.T) {
	e := newEar()
	e.every(20*time.Minute, 24*time.Hour, "rare") // 72 lines
	e.listen(55 * time.Minute)
	is(t, "three times its pause", e.take(), "host-silent host-of-rare")
	e = newEar()
	e.every(20*time.Minute, 24*time.Hour, "rare")
	e.listen(35 * time.Minute)
	is(t, "within it", e.take())

	e = newEar()
	e.every(time.Second, 5*time.Minute, "new")
	e.listen(time.Hour)
	is(t, "a host that is not known yet", e.take())
}

// Neither that we were not there, nor that a clock jumped, is anybody's silence.
func TestOurOwnDeafnessIsNoSilence(t *testing.T) {
	e := newEar()
	e.every(time.Second, 20*time.Minute, "a", "b")
	for range 5 {
		e.now += int64(365 * 24 * time.Hour)
		e.d.Tick(e.now)
	}
	is(t, "years passed", e.take())
	e.every(time.Second, 7*time.Minute, "b")
	is(t, "almost", e.take())
	e.every(time.Second, 10*time.Minute, "b")
	is(t, "then really", e.take(), "host-silent host-of-a")
	e.now -= int64(time.Hour) // stamps do not, but whoever feeds us may
	e.every(time.Second, time.Minute, "b")
	is(t, "a clock set back", e.take())
}

func TestRulesCanBeTurnedOff(t *testing.T) {
	e := newEar()
	c := DefaultConfig()
	c.Silence.Enabled, c.Floods.Enabled = false, false
	e.d.SetConfig(c)
	e.every(time.Second, 20*time.Minute, "a")
	for range 100 {
		e.flood("a", 7)
	}
	e.listen(time.Hour)
	is(t, "off", e.take())
	e.d.SetConfig(DefaultConfig())
	e.listen(time.Minute)
	is(t, "on again", e.take(), "host-silent host-of-a")
}

func TestOneSummaryOfAFloodAMinute(t *testing.T) {
	e := newEar()
	for range 20 {
		e.flood("a", 7)
		e.flood("b", 8)
	}
	e.flood("b", 8)
	is(t, "before the minute is over", e.take())
	e.now += int64(time.Minute)
	e.flood("b", 8) // time passes by the next line
	got := e.d.Pending()
	if len(got) != 1 {
		t.Fatalf("%d summaries", len(got))
	}
	if f := got[0]; f.Act != event.ActFlood || f.Dataset != event.DatasetAlert || f.Alert.Count != 21 || f.Alert.Sender != "b" || f.Alert.Sort != "esx.audit.x" || f.Alert.First != event.NewID(1, 2) {
		t.Errorf("%+v", f)
	}
	e.take()
	for range 3 {
		for range 30 {
			e.flood("a", 7)
		}
		e.listen(time.Minute)
	}
	if got := e.take(); len(got) != 3 {
		t.Errorf("%d summaries of three minutes", len(got))
	}
}

// Each sort of each sender is counted by itself, however many come in turn, minute by minute and also after another memory was read.
func TestSortsAreCountedApart(t *testing.T) {
	e := newEar()
	const mixed = 0x9e3779b97f4a7c15 // as sorts are: hashes
	minute := func(senders int) {
		t.Helper()
		want := map[string]int{}
		for i := range 40 {
			for n := range senders {
				for sort := uint64(1); sort <= 11; sort++ {
					if int(sort)+n >= i/4 {
						e.flood(fmt.Sprint(n), sort*mixed)
						want[fmt.Sprint(n, " ", sort*mixed)]++
					}
				}
			}
		}
		var saved bytes.Buffer
		if err := e.d.Memory().Save(&saved); err != nil {
			t.Fatal(err)
		}
		if err := e.d.Load(&saved, e.pos); err != nil { // the senders stay
			t.Fatal(err)
		}
		for sort := uint64(11); sort > 0; sort-- {
			e.flood("0", sort*mixed)
			want[fmt.Sprint("0 ", sort*mixed)]++
		}
		got := map[string]int{}
		for _, c := range e.d.state.Sorts {
			got[fmt.Sprint(c.Sender, " ", c.Key)] = int(c.Count)
		}
		if !maps.Equal(got, want) {
			t.Errorf("counted %v, want %v", got, want)
		}
		e.now += int64(time.Minute)
		e.line("another")
	}
	for senders := range 3 {
		minute(senders + 1)
	}
}

// A line that is only counted is counted as any other, and not where its sender was not heard at that stamp.
func TestAgain(t *testing.T) {
	e := newEar()
	a := e.sender("a")
	again := func(what string, pos uint64, want bool) {
		t.Helper()
		if got := e.d.Again(pos, e.now, a); got != want {
			t.Errorf("%s: %t", what, got)
		}
	}
	again("nothing was heard", 1, false)
	e.line("b")
	again("another one was", 2, false)
	e.line("a")
	e.now += int64(5 * time.Second)
	again("later than it was", 3, false)
	e.line("b")
	again("another one was then", 4, false)
	e.line("a")
	again("it was", 5, true)
	again("told before", 5, false)
	again("the line before was not told", 7, false)
	again("nor this one", 6, true)
	if h := e.d.state.Hosts["a"]; h.Lines != 4 || h.Seen != e.now || e.d.state.Pos != 6 {
		t.Errorf("%d lines up to %d, last seen at %d, want 4 up to 6 and %d", h.Lines, e.d.state.Pos, h.Seen, e.now)
	}
	var saved bytes.Buffer
	if err := e.d.Memory().Save(&saved); err != nil {
		t.Fatal(err)
	}
	if err := e.d.Load(&saved, 6); err != nil {
		t.Fatal(err)
	}
	again("of another memory", 7, false)
}

// A memory that was saved goes on where it was, does not count lines twice, and what is found twice
// has one id.
func TestMemoryOutlivesTheProcess(t *testing.T) {
	e := newEar()
	e.every(10*time.Second, 30*time.Minute, "a", "b")
	for range 15 {
		e.flood("a", 7)
	}
	var saved bytes.Buffer
	if err := e.d.Memory().Save(&saved); err != nil {
		t.Fatal(err)
	}
	at, now := e.pos, e.now
	var ids [2]map[event.ID]string
	for run := range ids {
		ids[run] = map[event.ID]string{}
		next := newEar()
		next.pos, next.now = at-10, now
		if err := next.d.Load(bytes.NewReader(saved.Bytes()), at+5); err != nil {
			t.Fatal(err)
		}
		for range 10 { // given again
			next.flood("a", 7)
		}
		for range 6 {
			next.flood("a", 7)
		}
		next.listen(15 * time.Minute)
		for _, f := range next.d.Pending() {
			ids[run][f.ID] = fmt.Sprintf("%s %d %s", f.Act, f.Alert.Count, f.Host)
		}
	}
	if fmt.Sprint(ids[0]) != fmt.Sprint(ids[1]) {
		t.Errorf("%v and %v", ids[0], ids[1])
	}
	all := fmt.Sprint(ids[0])
	if len(ids[0]) != 3 || !strings.Contains(all, "events-flooded 21 host-of-a") || !strings.Contains(all, "host-silent 0 host-of-a") {
		t.Errorf("found %s", all)
	}

	// What was found and not stated is part of the memory.
	e.listen(11 * time.Minute)
	found := len(e.d.Pending())
	saved.Reset()
	if err := e.d.Memory().Save(&saved); err != nil {
		t.Fatal(err)
	}
	d := New(DefaultConfig())
	if err := d.Load(&saved, e.pos); err != nil || len(d.Pending()) != found || found == 0 || d.Pending()[0].ID != e.d.Pending()[0].ID {
		t.Errorf("%v, %d of %d findings", err, len(d.Pending()), found)
	}
}

func TestMemoryOfAnotherLog(t *testing.T) {
	e := newEar()
	e.every(time.Second, time.Minute, "a")
	var saved bytes.Buffer
	if err := e.d.Memory().Save(&saved); err != nil {
		t.Fatal(err)
	}
	d := New(DefaultConfig())
	if err := d.Load(&saved, 3); err != nil || d.state.Pos != 0 {
		t.Errorf("%v, position %d of a log of 3 records", err, d.state.Pos)
	}
}

func FuzzLoad(f *testing.F) {
	e := newEar()
	e.every(time.Second, time.Minute, "a")
	e.flood("a", 1)
	var saved bytes.Buffer
	if err := e.d.Memory().Save(&saved); err != nil {
		f.Fatal(err)
	}
	f.Add(saved.Bytes())
	f.Add([]byte(`{"version":1,"state":{"hosts":{"a":null},"sorts":{"1":null}}}`))
	f.Add([]byte(`{"version":1,"state":{"now":9223372036854775807,"listened":-9223372036854775808}}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		e := newEar()
		if e.d.Load(bytes.NewReader(data), 1000) != nil {
			return
		}
		e.pos = 1000
		e.every(time.Second, 10*time.Second, "a", "b")
		e.flood("a", 1)
		e.listen(2 * time.Minute)
	})
}

func TestBounds(t *testing.T) {
	e := newEar()
	for i := range maxHosts + 5000 {
		e.line(fmt.Sprint("s", i))
	}
	if n := len(e.d.state.Hosts); n != maxHosts {
		t.Errorf("%d hosts", n)
	}
	for key, s := range e.senders { // many of whom were forgotten
		if e.line(key); e.d.state.Hosts[key] != s.host {
			t.Fatalf("%s is heard and not among the hosts", key)
		}
	}
	for i := range maxSorts + 100 {
		for range 21 {
			e.flood("a", uint64(i)+1)
		}
	}
	if n := len(e.d.state.Sorts); n != maxSorts || e.d.state.Uncounted != 2100 {
		t.Errorf("%d sorts, %d not counted", n, e.d.state.Uncounted)
	}
	for range 4 { // nobody takes what is found
		e.listen(time.Minute)
		for i := range maxSorts {
			for range 21 {
				e.flood("a", uint64(i)+1)
			}
		}
	}
	if n := len(e.d.Pending()); n != maxPending || e.d.Dropped() == 0 {
		t.Errorf("%d wait, %d given up", n, e.d.Dropped())
	}
}

func TestConfigFaults(t *testing.T) {
	c := DefaultConfig()
	if f := c.Validate(); len(f) != 0 || !c.Enabled() {
		t.Errorf("%v", f)
	}
	c.Silence.After, c.Silence.Factor = time.Second, 0
	if f := c.Validate(); len(f) != 2 {
		t.Errorf("%v", f)
	}
}
