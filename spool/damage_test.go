package spool

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// victim is a log of several small segments, closed in order, to be damaged copy by copy.
type victim struct {
	files   map[string][]byte
	records []got
	where   map[Position]place
	segs    []string // names, in order
}

type place struct {
	file     string
	off, end int
}

func newVictim(t testing.TB, batches int, segSize int64) *victim {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 7))
	fsys := newCrashFS(rng)
	v := &victim{where: map[Position]place{}}
	cfg := testConfig()
	for run := range 2 { // Two epochs.
		l := openSmall(t, fsys, cfg, segSize)
		cursor(t, l, "a", StartOldest)
		for range batches {
			var b Batch
			n := 1 + rng.IntN(4)
			for range n {
				b.Add(nil, []byte(line(rng, len(v.records)+b.Len()+1)))
			}
			first := l.next
			if _, err := l.Append(&b); err != nil {
				t.Fatal(err)
			}
			for i, rest := 0, b.buf; i < n; i++ {
				size := itemHeader + int(le.Uint32(rest[4:]))
				v.records = append(v.records, got{first + Position(i), l.Epoch(), string(rest[itemHeader:size])})
				rest = rest[size:]
			}
			if err := l.flush(flushAll, true); err != nil {
				t.Fatal(err)
			}
		}
		if run == 1 { // One record that a cursor has, so that a cursor is worth something.
			if err := l.cursors["a"].Commit(1); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	v.files = map[string][]byte{}
	for name, i := range fsys.names {
		v.files[filepath.Base(name)] = slices.Clone(i.data)
	}
	for _, name := range slices.Sorted(maps.Keys(v.files)) {
		if filepath.Ext(name) == segmentExt {
			v.segs = append(v.segs, name)
		}
	}
	for _, r := range v.records {
		for _, name := range v.segs {
			if off := strings.Index(string(v.files[name][segmentStart:]), r.data); off >= 0 {
				v.where[r.pos] = place{name, segmentStart + off - itemHeader, segmentStart + off + len(r.data)}
			}
		}
	}
	if len(v.where) != len(v.records) || len(v.segs) < 4 {
		t.Fatalf("%d of %d records found in %d segments", len(v.where), len(v.records), len(v.segs))
	}
	return v
}

// damaged returns a file system with the files, changed by change.
func (v *victim) damaged(change func(files map[string][]byte)) *crashFS {
	files := maps.Clone(v.files)
	change(files)
	fsys := newCrashFS(rand.New(rand.NewPCG(1, 1)))
	for name, data := range files {
		fsys.names[filepath.Join("log", name)] = &crashInode{data: slices.Clone(data)}
	}
	return fsys
}

// edit returns a copy of b, changed.
func edit(b []byte, change func(b []byte)) []byte {
	b = slices.Clone(b)
	change(b)
	return b
}

// hit returns the positions of the records of a file that are not what they were, or that lie in a
// file with no readable label.
func (v *victim) hit(file string, now []byte) map[Position]bool {
	was, lost := v.files[file], map[Position]bool{}
	_, err1 := readLabel(now[:min(labelSize, len(now))], magicSegment)
	_, err2 := readLabel(now[min(labelSpacing, len(now)):min(segmentStart, len(now))], magicSegment)
	for p, w := range v.where {
		if w.file == file && (w.end > len(now) || string(was[w.off:w.end]) != string(now[w.off:w.end]) || err1 != nil && err2 != nil) {
			lost[p] = true
		}
	}
	return lost
}

// check opens a damaged log and holds what it gives against what was written: every record but
// those in lost, in order, and never a wrong byte. It returns the damage that was reported.
func (v *victim) check(t testing.TB, what string, fsys *crashFS, lost map[Position]bool, ch *Chunk) []Damage {
	t.Helper()
	l, err := Open(fsys, "log", testConfig())
	if err != nil {
		t.Fatalf("%s: open: %v", what, err)
	}
	l.shrink(6 << 10)
	found := l.TakeDamage()
	if l.next <= v.records[len(v.records)-1].pos {
		t.Fatalf("%s: the next position is %d", what, l.next)
	}
	appended := appendRecords(t, l, "after the damage")
	if err := l.flush(flushAll, true); err != nil {
		t.Fatalf("%s: append: %v", what, err)
	}
	for _, name := range []string{"fresh", "again"} { // Both get the same; damage is reported once.
		c := cursor(t, l, name, StartOldest)
		backlog, skipped, start := c.Backlog(), uint64(0), c.next
		records := v.records
		for c.has() {
			if err := c.Next(t.Context(), ch); err != nil {
				t.Fatalf("%s: next: %v", what, err)
			}
			skipped += ch.Skipped
			for _, r := range collect(nil, ch) {
				if r.pos == appended {
					if r.data != "after the damage" {
						t.Fatalf("%s: the new record is %q", what, r.data)
					}
					continue
				}
				for len(records) > 0 && records[0].pos < r.pos {
					if !lost[records[0].pos] {
						t.Fatalf("%s: record %d did not come; lost should be %v; damage %+v", what, records[0].pos, slices.Sorted(maps.Keys(lost)), l.damage)
					}
					records = records[1:]
				}
				if len(records) == 0 || records[0] != r {
					t.Fatalf("%s: record %d of epoch %x came with the wrong bytes or twice: %q", what, r.pos, r.epoch, r.data)
				}
				records = records[1:]
			}
		}
		for _, r := range records {
			if !lost[r.pos] {
				t.Fatalf("%s: record %d did not come; lost should be %v", what, r.pos, slices.Sorted(maps.Keys(lost)))
			}
		}
		gone := uint64(start) - 1 // A new cursor begins behind what is missing at the front.
		if skipped+gone != uint64(len(lost)) || backlog+gone != uint64(len(v.records))+1 {
			t.Fatalf("%s: %d were skipped and %d are lost; a backlog of %d for %d records", what, skipped, len(lost), backlog, len(v.records)+1)
		}
		more := l.TakeDamage()
		if name == "again" && len(more) > 0 {
			t.Fatalf("%s: reported twice: %+v", what, more)
		}
		found = append(found, more...)
	}
	if len(lost) > 0 && len(found) == 0 {
		t.Fatalf("%s: %d records are lost and nothing was said", what, len(lost))
	}
	var counted uint64
	for _, d := range found {
		counted += d.Records
		if d.Kind == Torn {
			t.Fatalf("%s: rot is called a tear: %+v", what, d)
		}
	}
	if counted != uint64(len(lost)) {
		t.Fatalf("%s: %d are lost and %d are reported: %+v", what, len(lost), counted, found)
	}
	if err := l.Close(); err != nil {
		t.Fatalf("%s: close: %v", what, err)
	}
	return found
}

func TestDamageNone(t *testing.T) {
	v := newVictim(t, 12, 6<<10)
	var ch Chunk
	if d := v.check(t, "undamaged", v.damaged(func(map[string][]byte) {}), nil, &ch); d != nil {
		t.Fatalf("damage: %+v", d)
	}
}

// TestDamageTruncate cuts the last segment, and one in the middle, at every length.
func TestDamageTruncate(t *testing.T) {
	v := newVictim(t, 12, 6<<10)
	var ch Chunk
	for _, name := range []string{v.segs[len(v.segs)-1], v.segs[1]} {
		size := len(v.files[name])
		for cut := range size {
			if cut > labelSize && cut < segmentStart && cut%64 != 0 {
				continue // Zeros, and the second label.
			}
			lost := v.hit(name, v.files[name][:cut])
			v.check(t, fmt.Sprintf("%s cut to %d", name, cut), v.damaged(func(files map[string][]byte) {
				files[name] = files[name][:cut]
			}), lost, &ch)
		}
	}
}

// TestDamageFlip flips every single bit of the last segment and thousands in a middle one.
func TestDamageFlip(t *testing.T) {
	v := newVictim(t, 6, 5<<10)
	var ch Chunk
	for k, name := range []string{v.segs[len(v.segs)-1], v.segs[1]} {
		for off := range v.files[name] {
			if off >= labelSize && off < labelSpacing && off%256 != 0 {
				continue // Zeros that nobody reads.
			}
			for bit := range 8 {
				if k > 0 && (off+bit)%3 != 0 {
					continue
				}
				now := edit(v.files[name], func(b []byte) { b[off] ^= 1 << bit })
				v.check(t, fmt.Sprintf("%s: bit %d of byte %d flipped", name, bit, off), v.damaged(func(files map[string][]byte) {
					files[name] = now
				}), v.hit(name, now), &ch)
			}
		}
	}
}

// TestDamagePages zeroes, and fills with rubbish, pages and other stretches of every segment.
func TestDamagePages(t *testing.T) {
	v := newVictim(t, 40, 6<<10)
	rng := rand.New(rand.NewPCG(3, 3))
	var ch Chunk
	for _, name := range v.segs {
		size := len(v.files[name])
		for range 60 {
			off := rng.IntN(size/512+1) * 512
			if rng.IntN(2) == 0 {
				off = rng.IntN(size)
			}
			end := min(off+[]int{4096, 512, 1 + rng.IntN(700)}[rng.IntN(3)], size)
			fill := []func() byte{func() byte { return 0 }, func() byte { return byte(rng.Uint32()) }, func() byte { return 0xff }}[rng.IntN(3)]
			now := edit(v.files[name], func(b []byte) {
				for i := off; i < end; i++ {
					b[i] = fill()
				}
			})
			v.check(t, fmt.Sprintf("%s: bytes %d to %d overwritten", name, off, end), v.damaged(func(files map[string][]byte) {
				files[name] = now
			}), v.hit(name, now), &ch)
		}
	}
}

// TestDamageSegments deletes, doubles, swaps and mixes up whole segments.
func TestDamageSegments(t *testing.T) {
	v, foreign := newVictim(t, 12, 6<<10), newVictim(t, 12, 6<<10)
	var ch Chunk
	type files = map[string][]byte
	last := len(v.segs) - 1
	whole := func(i int) map[Position]bool { return v.hit(v.segs[i], nil) }
	for i, name := range v.segs {
		kinds := v.check(t, "delete "+name, v.damaged(func(f files) { delete(f, name) }), whole(i), &ch)
		if len(kinds) != 1 || kinds[0].Kind != Missing {
			t.Errorf("delete %s: %+v", name, kinds)
		}
		v.check(t, "double "+name, v.damaged(func(f files) { f["00000000000000000003.seg"] = f[name] }), nil, &ch)
		v.check(t, "double to the end "+name, v.damaged(func(f files) { f["00000000000000009999.seg"] = f[name] }), nil, &ch)
		v.check(t, "both labels of "+name, v.damaged(func(f files) {
			f[name] = edit(f[name], func(b []byte) { b[20], b[labelSpacing+30] = ^b[20], ^b[labelSpacing+30] })
		}), whole(i), &ch)
		v.check(t, "empty "+name, v.damaged(func(f files) { f[name] = nil }), whole(i), &ch)
		if i < last {
			next := v.segs[i+1]
			v.check(t, "swap "+name, v.damaged(func(f files) { f[name], f[next] = f[next], f[name] }), nil, &ch)
			lost := whole(i)
			v.check(t, "copy of the next over "+name, v.damaged(func(f files) { f[name] = f[next] }), lost, &ch)
		}
		for j, other := range foreign.segs {
			v.check(t, "foreign over "+name, v.damaged(func(f files) { f[name] = foreign.files[other] }), whole(i), &ch)
			if j == 0 {
				v.check(t, "foreign beside "+name, v.damaged(func(f files) { f["00000000000000000002.seg"] = foreign.files[other] }), nil, &ch)
				v.check(t, "foreign behind "+name, v.damaged(func(f files) { f["00000000000000000900.seg"] = foreign.files[other] }), nil, &ch)
			}
		}
	}
	v.check(t, "all deleted", v.damaged(func(f files) {
		for _, name := range v.segs {
			delete(f, name)
		}
	}), v.all(), &ch)
}

func (v *victim) all() map[Position]bool {
	lost := map[Position]bool{}
	for p := range v.where {
		lost[p] = true
	}
	return lost
}

// TestDamageState damages the file state in every way: nothing is lost by it.
func TestDamageState(t *testing.T) {
	v := newVictim(t, 12, 6<<10)
	var ch Chunk
	for off := range labelSize {
		for _, slots := range [][]int{{0}, {1}, {0, 1}} {
			v.check(t, fmt.Sprintf("state: byte %d of %v", off, slots), v.damaged(func(f map[string][]byte) {
				f[stateName] = edit(f[stateName], func(b []byte) {
					for _, s := range slots {
						b[s*labelSpacing+off] ^= 0x10
					}
				})
			}), nil, &ch)
		}
	}
	d := v.check(t, "state deleted", v.damaged(func(f map[string][]byte) { delete(f, stateName) }), nil, &ch)
	if len(d) != 1 || d[0].Kind != Missing {
		t.Errorf("state deleted: %+v", d)
	}
	v.check(t, "state empty", v.damaged(func(f map[string][]byte) { f[stateName] = nil }), nil, &ch)
}

// TestDamageCursor: with one slot damaged the other one is used, with both the log refuses to open
// and touches nothing.
func TestDamageCursor(t *testing.T) {
	v := newVictim(t, 12, 6<<10)
	file := cursorName("a")
	for off := range labelSize {
		for _, slots := range [][]int{{0}, {1}, {0, 1}} {
			fsys := v.damaged(func(f map[string][]byte) {
				f[file] = edit(f[file], func(b []byte) {
					for _, s := range slots {
						b[s*labelSpacing+off] ^= 0x10
					}
				})
			})
			before := fsys.snapshot()
			l, err := Open(fsys, "log", testConfig())
			if len(slots) == 2 {
				if _, refused := errors.AsType[*CursorError](err); !refused || !strings.Contains(err.Error(), filepath.Join("log", file)) {
					t.Fatalf("both slots, byte %d: %v", off, err)
				}
				if !maps.Equal(before, fsys.snapshot()) {
					t.Fatalf("both slots, byte %d: something was touched", off)
				}
				continue
			}
			if err != nil {
				t.Fatalf("slot %v, byte %d: %v", slots, off, err)
			}
			c := cursor(t, l, "a", StartOldest)
			if p := c.Committed(); p > 1 {
				t.Fatalf("slot %v, byte %d: the cursor is at %d", slots, off, p)
			}
			if d := l.TakeDamage(); len(d) != 1 || d[0].File != file || d[0].Kind != Corrupt {
				t.Fatalf("slot %v, byte %d: damage %+v", slots, off, d)
			}
			if err := errors.Join(c.Commit(3), l.Close()); err != nil {
				t.Fatal(err)
			}
			l, err = Open(fsys, "log", testConfig())
			if err != nil {
				t.Fatal(err)
			}
			if c := cursor(t, l, "a", StartOldest); c.Committed() != 3 || l.TakeDamage() != nil {
				t.Fatalf("slot %v, byte %d: the cursor was not mended", slots, off)
			}
		}
	}
	foreign := newVictim(t, 12, 6<<10)
	_, err := Open(v.damaged(func(f map[string][]byte) { f[file] = foreign.files[file] }), "log", testConfig())
	if _, refused := errors.AsType[*CursorError](err); !refused || !errors.Is(err, errForeign) {
		t.Fatalf("a cursor of another log: %v", err)
	}
}

// snapshot returns the bytes of all files.
func (c *crashFS) snapshot() map[string]string {
	files := map[string]string{}
	for name, i := range c.names {
		files[name] = string(i.data)
	}
	return files
}

// TestNewerFormat: what a newer program wrote is refused with its version, and left alone.
func TestNewerFormat(t *testing.T) {
	v := newVictim(t, 12, 6<<10)
	for _, name := range []string{v.segs[0], v.segs[len(v.segs)-1], stateName, cursorName("a")} {
		fsys := v.damaged(func(f map[string][]byte) {
			f[name] = edit(f[name], func(b []byte) {
				for _, off := range []int{0, labelSpacing} {
					le.PutUint32(b[off+8:], 7)
					le.PutUint32(b[off+12:], checksum(b[off:off+12]))
				}
			})
		})
		before := fsys.snapshot()
		_, err := Open(fsys, "log", testConfig())
		if newer, ok := errors.AsType[*FormatError](err); !ok || newer.Version != 7 || newer.File != filepath.Join("log", name) || !strings.Contains(err.Error(), "version 7") {
			t.Errorf("%s of version 7: %v", name, err)
		}
		if !maps.Equal(before, fsys.snapshot()) {
			t.Errorf("%s of version 7: something was touched", name)
		}
	}
}

// TestCopiedDirectory: two copies of one data directory go on with ids of their own.
func TestCopiedDirectory(t *testing.T) {
	v := newVictim(t, 12, 6<<10)
	ids := map[[2]uint64]string{}
	for range 2 {
		l := openSmall(t, v.damaged(func(map[string][]byte) {}), testConfig(), 0)
		p := appendRecords(t, l, "mine")
		id := [2]uint64{l.Epoch(), uint64(p)}
		if _, twice := ids[id]; twice {
			t.Fatal("two records have one id")
		}
		ids[id] = "mine"
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
