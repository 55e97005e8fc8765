package pipeline

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"vswarden/decode"
	"vswarden/detect"
	"vswarden/event"
	"vswarden/group"
	"vswarden/spool"
)

// Lines that are passed over undecoded are none that are counted: asked of every line we have.
func TestNoCountedLineIsPassedOver(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../decode/testdata/*", "../test/testdata/*/*", "../test/testdata/*", "../../shared/corpus/*.log"} {
		all, _ := filepath.Glob(pattern) // the pattern is good; what is not there is not there
		files = append(files, all...)
	}
	lines, counted := 0, 0
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		for s := bufio.NewScanner(f); s.Scan(); lines++ {
			var e event.Event
			e.Reset()
			e.Raw = s.Text()
			decode.Line(&e, nil)
			if group.FloodKey(&e) == 0 {
				continue
			}
			counted++
			if !mayFlood(s.Bytes()) {
				t.Errorf("%s: %s: %s %s", filepath.Base(name), e.Raw, e.Dataset, sortName(&e))
			}
		}
		_ = f.Close() // only read
	}
	if lines == 0 || counted == 0 {
		t.Fatalf("%d lines, %d counted", lines, counted)
	}
	t.Logf("%d lines, %d counted", lines, counted)
}

// stated collects what a Detection states; full makes it refuse.
type stated struct {
	mu   sync.Mutex
	full bool
	got  []event.Event
}

func (s *stated) emit(_ context.Context, e *event.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return spool.ErrFull
	}
	s.got = append(s.got, *e)
	return nil
}

func (s *stated) actions() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.got {
		all = append(all, string(e.Act)+" "+e.Host)
	}
	return all
}

func TestDetectionStatesWhatItFinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &pastCursor{open: true, perChunk: func() int { return 50 }}
		start := time.Now()
		stamp := func() int64 { return time.Now().UnixNano() }
		log.records = nil
		for i := range 40 {
			r := frameRecord("192.0.2.1:5000", "<181>2026-02-07T09:29:18.735Z ESX1 vmkernel: cpu1:2)NetPort: 1165: disabled port 0x3000007")
			for j, b := range bytesOf(start.UnixNano() + int64(i)) {
				r[4+j] = b
			}
			log.records = append(log.records, r)
		}
		clock := &fixedClock{newest: 40}
		out := &stated{full: true}
		d := detect.New(detect.DefaultConfig())
		saves := 0
		x := NewDetection(DetectionConfig{
			Cursor: log, Detector: d, Emit: out.emit, Log: zerolog.Nop(),
			Clock: clockFunc(func() (int64, spool.Position) { return stamp(), clock.newest }),
			Save: func(detect.Memory) error {
				saves++
				if saves == 1 {
					return errors.New("no room")
				}
				return nil
			},
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- x.Run(ctx) }()
		time.Sleep(62 * time.Second)
		synctest.Wait()
		if got := out.actions(); len(got) != 0 || log.Committed() != 40 {
			t.Errorf("the log is full and yet %v; committed %d", got, log.Committed())
		}
		out.mu.Lock()
		out.full = false
		out.mu.Unlock()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := strings.Join(out.actions(), "; "); got != "events-flooded esx1" || out.got[0].Alert.Count != 40 || out.got[0].ID == (event.ID{}) {
			t.Errorf("stated %q %+v", got, out.got)
		}
		if n, dropped := x.Stated(); n != 1 || dropped != 0 {
			t.Errorf("%d stated, %d dropped", n, dropped)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// What there is no room to count is counted as such, since this process began.
func TestDetectionTellsWhatItPassesOver(t *testing.T) {
	d := detect.New(detect.DefaultConfig())
	sender := detect.Sender{Key: "x"}
	line := func(i uint64) { d.Line(&detect.Line{Pos: i, Stamp: 1, Sort: i, Sender: &sender}) }
	for i := range uint64(5000) {
		line(i + 1)
	}
	x := NewDetection(DetectionConfig{Cursor: &pastCursor{}, Detector: d, Log: zerolog.Nop()})
	for i := range uint64(10) {
		line(i + 10_001)
	}
	x.state(t.Context())
	if panics, room := x.PassedOver(); d.Uncounted() < 10 || panics != 0 || room != 10 {
		t.Errorf("%d, of them passed over here: %d, %d", d.Uncounted(), panics, room)
	}
}

type clockFunc func() (int64, spool.Position)

func (f clockFunc) Now() (int64, spool.Position) { return f() }

// bytesOf is n as a record has it.
func bytesOf(n int64) []byte {
	var b bytes.Buffer
	for range 8 {
		b.WriteByte(byte(n))
		n >>= 8
	}
	return b.Bytes()
}

func TestDetectionAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	log := &pastCursor{}
	x := NewDetection(DetectionConfig{Cursor: log, Detector: detect.New(detect.DefaultConfig()), Log: zerolog.Nop()})
	c := benchChunk(600)
	x.ch = c.Chunk
	x.feed()
	if n := testing.AllocsPerRun(20, func() {
		x.ch.First += 600
		x.feed()
	}); n > 0 {
		t.Errorf("%v allocations for 600 lines", n)
	}
}

func BenchmarkDetection(b *testing.B) {
	x := NewDetection(DetectionConfig{Cursor: &pastCursor{}, Detector: detect.New(detect.DefaultConfig()), Log: zerolog.Nop()})
	c := benchChunk(600)
	x.ch = c.Chunk
	b.ReportAllocs()
	for i := 0; i < b.N; i += 600 {
		x.ch.First += 600
		x.feed()
	}
}

// A log that is full waits for the detections no longer than it takes them to look, else they save once a second.
func TestDetectionMakesRoomAtOnce(t *testing.T) {
	for _, full := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			log := &pastCursor{open: true, perChunk: func() int { return 1 }}
			for range 2 { // the first one is saved at once
				log.records = append(log.records, frameRecord("10.0.0.1:5000", "<14>2023-11-14T22:13:20.000Z h app: text"))
			}
			committed := detecting(t, log, full)
			soon := map[bool]spool.Position{false: 1, true: 2}[full]
			if got := committed(300 * time.Millisecond); got != soon {
				t.Errorf("full %v, soon: committed %d, want %d", full, got, soon)
			}
			if got := committed(time.Second); got != 2 {
				t.Errorf("full %v, later: committed %d, want 2", full, got)
			}
		})
	}
}

// detecting runs a Detection over a log until the test ends; committed says where its cursor stands when so much more time is over.
func detecting(t *testing.T, log *pastCursor, full bool) (committed func(time.Duration) spool.Position) {
	x := NewDetection(DetectionConfig{
		Cursor: log, Detector: detect.New(detect.DefaultConfig()), Emit: (&stated{}).emit, Log: zerolog.Nop(), Clock: &fixedClock{},
		Save: func(detect.Memory) error { return nil }, Full: func() bool { return full },
	})
	done := make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	go func() { done <- x.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return func(d time.Duration) spool.Position {
		time.Sleep(d)
		synctest.Wait()
		return log.Committed()
	}
}

// Of many senders the memory is saved, and the cursor moved, every ten seconds only; but in time where the log waits for that.
func TestDetectionMakesRoom(t *testing.T) {
	for _, full := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			const senders = savedLeisure + 1
			chunks := 0
			log := &pastCursor{open: true, perChunk: func() int {
				if chunks++; chunks == 1 {
					return senders // are saved at once, as the first
				}
				return 1
			}}
			for i := range senders + 1 {
				log.records = append(log.records, frameRecord(fmt.Sprintf("10.0.%d.%d:5000", i/250, i%250), "<14>2023-11-14T22:13:20.000Z h app: text"))
			}
			want := spool.Position(senders)
			if full {
				want++
			}
			if got := detecting(t, log, full)(3 * time.Second); got != want {
				t.Errorf("full %v: committed %d, want %d", full, got, want)
			}
		})
	}
}
