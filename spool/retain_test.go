package spool

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"vswarden/setting"
)

func TestRetainAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.Retain = Retain{Age: 8 * time.Minute, Size: setting.GiB}
		l := openSmall(t, NewMemFS(), cfg, minSegment)
		c := cursor(t, l, "a", StartOldest)
		slow := cursor(t, l, "slow", StartOldest)
		r := run(t, l)
		appendAndSync := func(n int) {
			p, err := l.Append(fullBatch(n))
			if err == nil {
				err = l.WaitSynced(t.Context(), p)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		appendAndSync(1000)
		if n := drain(t, c); n != 1000 {
			t.Fatal(n)
		}
		time.Sleep(10 * time.Hour)
		if n := slow.Backlog(); n != 1000 || l.oldest() != 1 {
			t.Fatalf("undelivered records were aged out: backlog %d, oldest %d", n, l.oldest())
		}
		if n := drain(t, slow); n != 1000 {
			t.Fatal(n)
		}
		time.Sleep(2 * time.Minute) // A segment that is only delivered is ended, so that it can go one day.
		if l.oldest() != 1 {
			t.Fatal("retained records went early")
		}
		appendAndSync(10)
		drain(t, c)
		drain(t, slow)
		time.Sleep(6*time.Minute + 10*time.Second)
		if l.oldest() != 1001 {
			t.Fatalf("after more than retain.age the log begins at %d", l.oldest())
		}
		r.closeAll(t)
	})
}

// oldest is where a new cursor with start: oldest would begin.
func (l *Log) oldest() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.oldestLocked()
}

func TestRetainSize(t *testing.T) {
	for _, size := range []setting.Bytes{0, 300 << 10, setting.GiB} {
		synctest.Test(t, func(t *testing.T) {
			cfg := testConfig()
			cfg.Retain = Retain{Age: 24 * time.Hour, Size: size}
			l := openSmall(t, NewMemFS(), cfg, minSegment)
			c := cursor(t, l, "a", StartOldest)
			r := run(t, l)
			for range 50 {
				if _, err := l.Append(fullBatch(200)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				drain(t, c)
			}
			time.Sleep(2 * time.Second)
			s := l.Stats()
			switch {
			case size == 0 && (s.Segments != 0 || s.BytesRetained != 0 || s.BytesUndelivered != 0):
				t.Errorf("retain nothing: %+v", s)
			case size == 300<<10 && (s.BytesRetained > 300<<10 || s.BytesRetained < 200<<10):
				t.Errorf("retain %v: %+v", size, s)
			case size == setting.GiB && l.oldest() != 1:
				t.Errorf("retain %v: %+v", size, s)
			}
			// Whoever comes new gets what is retained.
			late, newest := cursor(t, l, "late", StartOldest), cursor(t, l, "newest", StartNewest)
			if want := 10000 - int(l.oldest()) + 1; drain(t, late) != want || drain(t, newest) != 0 {
				t.Errorf("retain %v: a new cursor did not get the %d retained records", size, want)
			}
			r.closeAll(t)
		})
	}
}

// TestClock: stamps jump by years in both directions, the log is closed and opened in between, and
// nothing is removed before its time, which only the running log counts.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys := NewMemFS()
		cfg := testConfig()
		cfg.Retain = Retain{Age: 10 * time.Minute, Size: setting.GiB}
		const year = int64(365 * 24 * time.Hour)
		newest := int64(0)
		for i, stamp := range []int64{20 * year, 55 * year, 55*year + 1, 55*year + 1, 90 * year} {
			l := openSmall(t, fsys, cfg, minSegment)
			if l.LastStamp() != newest {
				t.Fatalf("run %d: the newest stamp is %d, want %d", i, l.LastStamp(), newest)
			}
			c := cursor(t, l, "a", StartOldest)
			r := run(t, l)
			b := fullBatch(300)
			b.Stamp, newest = stamp, stamp
			if _, err := l.Append(b); err != nil {
				t.Fatal(err)
			}
			if n := drain(t, c); n != 300 {
				t.Fatalf("run %d: %d records", i, n)
			}
			time.Sleep(time.Minute)
			r.closeAll(t)
			time.Sleep(1000 * time.Hour) // The program does not run, which makes nothing old.
			if l.oldest() != 1 {
				t.Fatalf("run %d: the log begins at %d", i, l.oldest())
			}
		}
		l := openSmall(t, fsys, cfg, minSegment)
		cursor(t, l, "a", StartOldest)
		r := run(t, l)
		time.Sleep(9*time.Minute + 10*time.Second) // With the minutes before: ten since the third run.
		if l.oldest() != 1201 {
			t.Fatalf("the log begins at %d", l.oldest())
		}
		r.closeAll(t)
	})
}

// TestCursorsLife: cursors are added, left alone, set, dropped and come back.
func TestCursorsLife(t *testing.T) {
	for name, fsys := range map[string]FS{"memory": NewMemFS(), "disk": diskFS(t)} {
		t.Run(name, func(t *testing.T) { cursorsLife(t, fsys) })
	}
}

func cursorsLife(t *testing.T, fsys FS) {
	cfg := testConfig()
	cfg.Retain = Retain{}
	reopen := func(l *Log) *Log {
		t.Helper()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return openSmall(t, fsys, cfg, minSegment)
	}
	if list, err := ListCursors(fsys, "nowhere"); err != nil || list != nil {
		t.Fatalf("cursors of no log: %v %v", list, err)
	}
	odd := "Ünïcode / ..\\CON: a%b"
	l := openSmall(t, fsys, cfg, minSegment)
	a, left := cursor(t, l, "events", StartOldest), cursor(t, l, "Events", StartOldest)
	cursor(t, l, odd, StartNewest)
	if _, err := l.Append(fullBatch(1000)); err != nil {
		t.Fatal(err)
	}
	if err := l.flush(flushAll, true); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.Commit(10), left.Commit(5)); err != nil {
		t.Fatal(err)
	}
	l = reopen(l)
	want := []CursorInfo{{"Events", 5, 995, false}, {"events", 10, 990, false}, {odd, 0, 1000, false}}
	check := func(list []CursorInfo, want []CursorInfo) {
		t.Helper()
		if len(list) != len(want) {
			t.Fatalf("cursors: %+v", list)
		}
		for i := range want {
			if list[i] != want[i] {
				t.Fatalf("cursors: %+v, want %+v", list, want)
			}
		}
	}
	check(l.Cursors(), want)
	// Only events is claimed: the others hold nothing back.
	a = cursor(t, l, "events", StartNewest)
	if drain(t, a) != 990 {
		t.Fatal("a known cursor began anew")
	}
	if err := l.tidy(); err != nil {
		t.Fatal(err)
	}
	if l.oldest() != 1001 {
		t.Fatalf("unclaimed cursors hold back what is delivered: the log begins at %d", l.oldest())
	}
	// One of them comes back: what it lost is given as skipped.
	left = cursor(t, l, "Events", StartOldest)
	var ch Chunk
	if err := left.Next(t.Context(), &ch); err != nil || ch.Skipped != 995 || ch.First != 1001 || left.Backlog() != 995 {
		t.Fatalf("%v %+v backlog %d", err, ch, left.Backlog())
	}
	if d := l.TakeDamage(); d != nil {
		t.Fatalf("that is no damage: %+v", d)
	}
	if _, err := l.Append(fullBatch(50)); err != nil {
		t.Fatal(err)
	}
	l = reopen(l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	// Offline.
	for _, step := range []struct {
		start Start
		to    Position
		at    Position
		fails bool
	}{{start: StartOldest, at: 1000}, {start: StartNewest, at: 1050}, {to: 1020, at: 1020}, {to: 1051, fails: true}, {to: 999, fails: true}} {
		at, err := SetCursor(fsys, "log", "events", step.start, step.to)
		if (err != nil) != step.fails || err == nil && at != step.at {
			t.Fatalf("set %+v: %d %v", step, at, err)
		}
	}
	if _, err := SetCursor(fsys, "log", "none", StartOldest, 0); !errors.Is(err, ErrNoCursor) {
		t.Fatal(err)
	}
	if err := errors.Join(DropCursor(fsys, "log", "Events"), DropCursor(fsys, "log", odd)); err != nil {
		t.Fatal(err)
	}
	if err := DropCursor(fsys, "log", odd); !errors.Is(err, ErrNoCursor) {
		t.Fatal(err)
	}
	list, err := ListCursors(fsys, "log")
	if err != nil {
		t.Fatal(err)
	}
	check(list, []CursorInfo{{"events", 1020, 30, false}})
	l = openSmall(t, fsys, cfg, minSegment)
	if n := drain(t, cursor(t, l, "events", StartOldest)); n != 30 {
		t.Fatalf("got %d records", n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCursorNames(t *testing.T) {
	l := openSmall(t, NewMemFS(), testConfig(), 0)
	for _, name := range []string{"", string(make([]byte, maxName+1)), string(make([]byte, maxName/2))} {
		if _, err := l.Cursor(name, StartOldest); err == nil {
			t.Errorf("a name of %d bytes is taken", len(name))
		}
	}
}
