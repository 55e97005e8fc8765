package spool

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The nightly run: go test ./spool -run TestCrash -crash.points=100000 -crash.seed=N -timeout 0.
// A run is resumed by giving the next seed it printed.
var (
	crashPoints = flag.Int("crash.points", 4000, "how many crash points TestCrashPoints plays at least")
	crashStop   = flag.Int("crash.stop", 0, "play only this operation of crash.seed, and say what happens")
	crashSeed   = flag.Uint64("crash.seed", 0, "the first workload of TestCrashPoints; 0 = by the clock")
)

// world is a workload and what is known of it.
type world struct {
	t    testing.TB
	rng  *rand.Rand
	fs   *crashFS
	cfg  Config
	log  *Log
	cur  map[string]*Cursor
	read map[string]Position // delivered to each cursor's sink in this Open

	epochs    map[uint64]bool
	records   map[Position]got     // appended, the last one of each position
	all       map[[2]uint64]string // by epoch and position: never two
	synced    map[Position]bool    // known to be synced
	committed map[string]Position  // Commit returned nil
	durable   map[string]Position  // and was synced
	top       Position             // highest position some cursor committed or the log synced
	reported  map[DamageKind]int
	n         int
	chunk     *Chunk
	crashes   int
	torn      map[string]int64 // files that hold what was torn
}

const crashSegment = 10 << 10

func newWorld(t testing.TB, seed uint64) *world {
	rng := rand.New(rand.NewPCG(seed, 1))
	w := &world{
		t: t, rng: rng, fs: newCrashFS(rng), cfg: testConfig(),
		epochs: map[uint64]bool{}, records: map[Position]got{}, all: map[[2]uint64]string{}, synced: map[Position]bool{},
		committed: map[string]Position{}, durable: map[string]Position{}, torn: map[string]int64{},
	}
	w.cfg.Retain = Retain{Age: time.Hour, Size: 20 << 10}
	if rng.IntN(4) == 0 {
		w.cfg.Sync = SyncNever
	}
	return w
}

// open opens the log and claims the cursors. It returns false when the machine stopped meanwhile.
func (w *world) open() bool {
	l, err := Open(w.fs, "log", w.cfg)
	if w.stopped(err, "open") {
		return false
	}
	l.shrink(crashSegment)
	w.top = max(w.top, l.next-1)
	w.say("open: next %d, %d segments, ends %d, synced mark %v, cursors %v, damage %+v", l.next, len(l.segs), l.endBefore, l.state.latest.values[1:4], l.Cursors(), l.damage)
	w.log, w.cur, w.read = l, map[string]*Cursor{}, map[string]Position{}
	if w.epochs[l.Epoch()] {
		w.t.Fatal("an epoch came twice")
	}
	w.epochs[l.Epoch()] = true
	if l.next <= w.top {
		w.t.Fatalf("the next position is %d, and %d was synced or committed", l.next, w.top)
	}
	for _, name := range []string{"a", "b"} {
		c, err := l.Cursor(name, StartOldest)
		if w.stopped(err, "cursor "+name) {
			return false
		}
		if p := c.slots.latest.values[curPosition]; Position(p) < w.durable[name] {
			w.t.Fatalf("cursor %s is at %d and was durable at %d", name, p, w.durable[name])
		}
		w.cur[name] = c
	}
	return true
}

// stopped reports whether err is the machine's stop; any other error fails the test.
func (w *world) stopped(err error, what string) bool {
	if err == nil || errors.Is(err, ErrFull) {
		return false
	}
	if !errors.Is(err, errCrash) {
		w.t.Fatalf("%s: %v", what, err)
	}
	return true
}

// step does one random thing. It returns false when the machine stopped.
func (w *world) step() bool {
	l := w.log
	k := w.rng.IntN(20)
	w.say("step %d at operation %d, next %d", k, w.fs.ops, l.next)
	switch {
	case k < 8:
		return w.append()
	case k < 10:
		return !w.stopped(l.flush(flushAll, false), "flush")
	case k < 13:
		return w.sync()
	case k < 16:
		return w.next("a") && w.next("b")
	case k < 18:
		name := []string{"a", "b"}[w.rng.IntN(2)]
		if w.read[name] == 0 {
			return true
		}
		if w.stopped(w.cur[name].Commit(w.read[name]), "commit") {
			return false
		}
		w.committed[name] = max(w.committed[name], w.read[name])
		return true
	case k < 19:
		at := map[string]Position{}
		for name, c := range w.cur {
			at[name] = c.Committed()
		}
		if w.stopped(l.tidy(), "tidy") {
			return false
		}
		for name, p := range at {
			w.durable[name] = max(w.durable[name], min(p, w.committed[name]))
			w.top = max(w.top, w.durable[name])
		}
		return true
	default:
		if !w.sync() || w.stopped(l.Close(), "close") {
			return false
		}
		return w.open()
	}
}

// say tells what happens when one crash point is replayed.
func (w *world) say(format string, args ...any) {
	if *crashStop > 0 {
		w.t.Logf(format, args...)
	}
}

func (w *world) append() bool {
	var b Batch
	first, lines := w.log.next, []string(nil)
	for range 1 + w.rng.IntN(8) {
		w.n++
		lines = append(lines, line(w.rng, w.n))
		b.Add(nil, []byte(lines[len(lines)-1]))
	}
	if w.log.pending+b.Size() > w.log.behind && w.stopped(w.log.flush(flushAll, false), "flush") {
		return false
	}
	last, err := w.log.Append(&b)
	if err != nil {
		w.t.Fatalf("append: %v", err)
	}
	for i, s := range lines {
		p := first + Position(i)
		id := [2]uint64{w.log.Epoch(), uint64(p)}
		if _, twice := w.all[id]; twice || w.synced[p] {
			w.t.Fatalf("position %d of epoch %x came twice", p, w.log.Epoch())
		}
		w.all[id] = s
		w.records[p] = got{p, w.log.Epoch(), s}
	}
	if want := first + Position(len(lines)) - 1; last != want {
		w.t.Fatalf("append returned %d, want %d", last, want)
	}
	return true
}

func (w *world) sync() bool {
	last := w.log.Last()
	if w.stopped(w.log.flush(flushAll, true), "sync") {
		return false
	}
	for p, r := range w.records {
		if p <= last && r.epoch == w.log.Epoch() {
			w.synced[p] = true
		}
	}
	w.top = max(w.top, last)
	w.say("synced to %d", last)
	return true
}

// next reads a chunk when there is one, and holds it against what was appended.
func (w *world) next(name string) bool {
	c := w.cur[name]
	if !c.has() {
		return true
	}
	ch := w.chunk
	if w.stopped(c.Next(w.t.Context(), ch), "next") {
		return false
	}
	w.check(ch)
	w.read[name] = ch.First + Position(len(ch.Records)) - 1
	return true
}

func (w *world) check(ch *Chunk) {
	for p := ch.First - Position(ch.Skipped); p < ch.First; p++ {
		if w.synced[p] {
			w.t.Fatalf("position %d was synced and is skipped", p)
		}
	}
	for _, r := range collect(nil, ch) {
		if s, ok := w.all[[2]uint64{r.epoch, uint64(r.pos)}]; !ok || s != r.data {
			w.t.Fatalf("position %d of epoch %x is %.40q, and %.40q was appended", r.pos, r.epoch, r.data, s)
		}
	}
}

// crash lets the machine start again and checks what it finds.
func (w *world) crash(power bool) {
	w.say("-- stop at operation %d, power cut %v; synced up to %d", w.fs.ops, power, w.top)
	w.fs = w.fs.image(power)
	w.crashes++
	if power { // What a cursor committed and did not sync is forgotten, as the design has it.
		w.committed = maps.Clone(w.durable)
	} else {
		maps.Copy(w.durable, w.committed)
		for _, p := range w.committed {
			w.top = max(w.top, p)
		}
	}
	for again := w.rng.IntN(3); again > 0; again-- { // It may stop again while it recovers.
		w.fs.stopAt = 1 + w.rng.IntN(30)
		if w.open() {
			w.verify()
		}
		w.fs = w.fs.image(power)
		w.crashes++
	}
	if !w.open() {
		w.t.Fatal("the machine stopped again by itself")
	}
	w.verify()
}

// verify reads all that the cursors still have to get. The log goes on as if nothing had been read.
func (w *world) verify() {
	for name, c := range w.cur {
		ch := w.chunk
		last, seen := Position(0), map[Position]bool{}
		if c.next < w.log.first {
			last = c.next - 1
		}
		for c.has() {
			if w.stopped(c.Next(w.t.Context(), ch), "next") {
				return
			}
			w.check(ch)
			for _, r := range collect(nil, ch) {
				if r.pos <= last {
					w.t.Fatalf("cursor %s got %d after %d", name, r.pos, last)
				}
				last, seen[r.pos] = r.pos, true
			}
		}
		for p := range w.synced {
			if p > c.Committed() && !seen[p] && w.records[p].pos == p {
				w.t.Fatalf("cursor %s (at %d): position %d was synced and did not come", name, c.Committed(), p)
			}
		}
		w.read[name] = last
	}
	for _, d := range w.log.TakeDamage() {
		w.reported[d.Kind]++
		// Half a sector was written of a label in these harsh power cuts: its twin is whole.
		if d.Kind != Torn && filepath.Ext(d.File) == segmentExt {
			w.t.Fatalf("a crash is reported as damage: %+v", d)
		}
		if to, ok := strings.CutPrefix(d.Note, setAsideIn); ok {
			w.torn[filepath.Join("log", to)] = d.Bytes
			if seg := w.fs.names[filepath.Join("log", d.File)]; seg != nil && int64(len(seg.data)) > d.Offset {
				w.t.Fatalf("%s was not cut where it is torn: %+v", d.File, d)
			}
		}
	}
	for name, size := range w.torn {
		if file := w.fs.names[name]; file == nil || int64(len(file.data)) != size {
			w.t.Fatalf("%s should hold the %d bytes that were torn", name, size)
		}
	}
}

// play runs the workload of a seed until the operation stop, and on over some more crashes. It
// returns the operations before the first crash, and the crashes.
func play(t testing.TB, seed uint64, stop int, report map[DamageKind]int, ch *Chunk) (ops, crashes int) {
	w := newWorld(t, seed)
	w.reported, w.chunk = report, ch
	w.fs.stopAt = stop
	ok := w.open()
	for range 40 {
		if !ok {
			break
		}
		ok = w.step()
	}
	ops = w.fs.ops
	for round := range 3 {
		// What happens after the stop has a fate of its own.
		w.rng = rand.New(rand.NewPCG(seed, uint64(stop)<<8+uint64(round)+2))
		w.fs.rng = w.rng
		w.crash(w.rng.IntN(3) > 0)
		w.fs.stopAt = w.fs.ops + 1 + w.rng.IntN(60)
		for range 20 {
			if !w.step() {
				break
			}
		}
	}
	return ops, w.crashes
}

// TestCrashPoints stops random workloads at each of their operations, by a kill or a power cut, and
// some more times while they recover and go on.
func TestCrashPoints(t *testing.T) {
	seed := *crashSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	reported := map[DamageKind]int{}
	var ch Chunk
	if *crashStop > 0 {
		play(named{t, "replay"}, seed, *crashStop, reported, &ch)
		return
	}
	points, next := 0, 0 // crashes played
	for ; points < *crashPoints; seed++ {
		ops := 0
		for stop := 1; stop == 1 || stop <= ops; stop++ {
			name := fmt.Sprintf("seed %d operation %d", seed, stop)
			if stop == 1 {
				ops, _ = play(named{t, name}, seed, 0, reported, &ch)
			}
			_, n := play(named{t, name}, seed, stop, reported, &ch)
			points += n
		}
		if points >= next {
			t.Logf("%d points; go on with -crash.seed=%d", points, seed+1)
			next += 100_000
		}
	}
	t.Logf("%d crash points; the next seed is %d; torn ends met: %d", points, seed, reported[Torn])
	if reported[Torn] == 0 {
		t.Error("no crash tore anything: the test tests nothing")
	}
}

// named says before each failure what was played.
type named struct {
	*testing.T
	name string
}

func (n named) Fatalf(format string, args ...any) {
	n.Helper()
	n.T.Fatalf(n.name+": "+format, args...)
}

func (n named) Fatal(args ...any) { n.Helper(); n.T.Fatal(n.name, args) }

// has reports whether Next would return at once.
func (c *Cursor) has() bool {
	l := c.log
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.blocks)
	return c.gone > 0 || l.segmentLocked(c.next) != nil || n > 0 && l.blocks[n-1].end() > c.next
}
