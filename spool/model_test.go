package spool

import (
	"errors"
	"flag"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"vswarden/setting"
)

var modelSeed = flag.Uint64("model.seed", 0, "the first seed of TestModel; 0 = by the clock")

// TestModel holds the log against a slice: random appends, reads, commits, flushes, retention and
// reopening, with cursors that come and go.
func TestModel(t *testing.T) {
	seed := *modelSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	seeds := uint64(60)
	if raceEnabled {
		seeds = 20
	}
	for i := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed+i), func(t *testing.T) {
			fsys := FS(NewMemFS())
			if (seed+i)%10 == 0 {
				fsys = diskFS(t)
			}
			m := &model{t: t, rng: rand.New(rand.NewPCG(seed+i, 0)), fs: fsys, cfg: testConfig(), at: map[string]*modelCursor{}}
			m.cfg.MaxSize = 300 << 10
			m.cfg.Retain.Size = setting.Bytes(m.rng.IntN(3)) * 50 << 10
			m.play()
		})
	}
}

type model struct {
	t       *testing.T
	rng     *rand.Rand
	fs      FS
	cfg     Config
	log     *Log
	records []got // all of them; position p is records[p-1]
	at      map[string]*modelCursor
	chunk   Chunk
	full    int
}

type modelCursor struct {
	*Cursor
	read, committed Position
}

func (m *model) play() {
	m.open()
	for range 600 {
		switch k := m.rng.IntN(30); {
		case k < 12:
			m.append()
		case k < 20:
			m.next()
		case k < 24:
			m.commit()
		case k < 26:
			m.must(m.log.flush(k == 24, m.rng.IntN(2) == 0))
		case k < 27:
			m.must(m.log.tidy())
		case k < 28:
			m.log.flushMu.Lock()
			m.must(m.log.retire())
			m.log.flushMu.Unlock()
		case k < 29:
			m.cursor()
		default:
			m.reopen()
		}
	}
	m.reopen()
	m.must(m.log.CloseWrite())
	for name, c := range m.sorted() {
		for c.has() {
			m.read(name)
		}
		if int(c.read) != len(m.records) {
			m.t.Fatalf("cursor %s ended at %d of %d", name, c.read, len(m.records))
		}
	}
	m.must(m.log.Close())
}

func (m *model) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *model) open() {
	m.log = openSmall(m.t, m.fs, m.cfg, 12<<10)
	if d := m.log.TakeDamage(); d != nil {
		m.t.Fatalf("damage: %+v", d)
	}
	if int(m.log.Last()) != len(m.records) {
		m.t.Fatalf("the log ends at %d of %d", m.log.Last(), len(m.records))
	}
	for name, c := range m.sorted() {
		c.Cursor = cursor(m.t, m.log, name, StartOldest)
		if c.Committed() != c.committed {
			m.t.Fatalf("cursor %s is at %d, not at %d", name, c.Committed(), c.committed)
		}
		c.read = c.committed
	}
}

func (m *model) reopen() {
	m.must(m.log.Close())
	for _, name := range []string{"a", "b", "c"} {
		if m.at[name] != nil && m.rng.IntN(20) == 0 {
			m.must(DropCursor(m.fs, "log", name))
			delete(m.at, name)
		}
	}
	m.open()
}

func (m *model) cursor() {
	name := []string{"a", "b", "c"}[m.rng.IntN(3)]
	if m.at[name] != nil {
		if _, err := m.log.Cursor(name, StartOldest); !errors.Is(err, ErrClaimed) {
			m.t.Fatalf("a second claim: %v", err)
		}
		return
	}
	start := []Start{StartOldest, StartNewest}[m.rng.IntN(2)]
	c := cursor(m.t, m.log, name, start)
	if start == StartNewest && int(c.Committed()) != len(m.records) {
		m.t.Fatalf("a new cursor begins at %d of %d", c.Committed(), len(m.records))
	}
	m.at[name] = &modelCursor{c, c.Committed(), c.Committed()}
}

func (m *model) append() {
	var b Batch
	for range 1 + m.rng.IntN(10) {
		b.Add(nil, []byte(line(m.rng, len(m.records)+b.Len())))
	}
	if m.log.pending+b.Size() > m.log.behind {
		m.must(m.log.flush(flushAll, false))
	}
	last, err := m.log.Append(&b)
	if errors.Is(err, ErrFull) {
		m.full++
		if s := m.log.Stats(); s.BytesUndelivered+s.BytesPending < int64(m.cfg.MaxSize)*8/10 {
			m.t.Fatalf("full with %+v", s)
		}
		if len(m.at) == 0 { // Nobody reads: full is full.
			m.cursor()
			return
		}
		for name, c := range m.sorted() { // When all is delivered there is room again.
			for c.has() {
				m.read(name)
			}
			m.must(c.Commit(c.read))
			c.committed = max(c.committed, c.read)
		}
		m.must(m.log.tidy())
		last, err = m.log.Append(&b)
	}
	m.must(err)
	rest := b.buf
	for p := last - Position(b.Len()) + 1; p <= last; p++ {
		size := itemHeader + int(le.Uint32(rest[4:]))
		m.records = append(m.records, got{p, m.log.Epoch(), string(rest[itemHeader:size])})
		rest = rest[size:]
	}
	if int(last) != len(m.records) {
		m.t.Fatalf("append returned %d, want %d", last, len(m.records))
	}
}

func (m *model) next() {
	for name, c := range m.sorted() {
		if c.has() {
			m.read(name)
		}
		if want := uint64(len(m.records)) - uint64(c.committed); c.Backlog() != want {
			m.t.Fatalf("cursor %s has a backlog of %d, want %d", name, c.Backlog(), want)
		}
		return
	}
}

func (m *model) read(name string) {
	c := m.at[name]
	m.must(c.Next(m.t.Context(), &m.chunk))
	if m.chunk.First != c.read+1 || m.chunk.Skipped != 0 || len(m.chunk.Records) == 0 {
		m.t.Fatalf("cursor %s got %d records from %d, skipped %d, after %d", name, len(m.chunk.Records), m.chunk.First, m.chunk.Skipped, c.read)
	}
	for _, r := range collect(nil, &m.chunk) {
		if m.records[r.pos-1] != r {
			m.t.Fatalf("got %+v, want %+v", r, m.records[r.pos-1])
		}
		c.read = r.pos
	}
}

// sorted goes through the cursors in the same order each time, beginning with any of them.
func (m *model) sorted() iter.Seq2[string, *modelCursor] {
	names := slices.Sorted(maps.Keys(m.at))
	first := m.rng.IntN(len(names) + 1)
	return func(yield func(string, *modelCursor) bool) {
		for i := range names {
			name := names[(first+i)%len(names)]
			if !yield(name, m.at[name]) {
				return
			}
		}
	}
}

func (m *model) commit() {
	for _, c := range m.sorted() {
		if c.read > c.committed {
			c.committed += Position(m.rng.IntN(int(c.read-c.committed)) + 1)
			m.must(c.Commit(c.committed))
		}
		return
	}
}

// TestConcurrent has several appenders and cursors at once; run it with -race.
func TestConcurrent(t *testing.T) {
	const appenders, batches = 4, 300
	for _, mode := range []SyncMode{SyncInterval, SyncAlways, SyncNever} {
		t.Run(string(mode), func(t *testing.T) {
			cfg := testConfig()
			cfg.Sync, cfg.SyncInterval = mode, time.Millisecond
			cfg.Retain = Retain{}
			l := openSmall(t, diskFS(t), cfg, 256<<10)
			cursors := []*Cursor{cursor(t, l, "a", StartOldest), cursor(t, l, "b", StartOldest), cursor(t, l, "c", StartOldest)}
			r := run(t, l)
			var in, out sync.WaitGroup
			for a := range appenders {
				in.Go(func() {
					var b Batch
					for i := range batches {
						b.Reset()
						for j := range 20 {
							b.Add(fmt.Appendf(nil, "%d %d ", a, i*20+j), make([]byte, 200))
						}
						p, err := l.Append(&b)
						if err == nil && mode == SyncAlways {
							err = l.WaitSynced(t.Context(), p)
						}
						if err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			for _, c := range cursors {
				out.Go(func() { followAppenders(t, c, appenders*batches*20, appenders) })
			}
			in.Wait()
			if err := l.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			out.Wait()
			r.closeAll(t)
		})
	}
}

// followAppenders reads n records and checks that those of each appender come in order.
func followAppenders(t *testing.T, c *Cursor, n, appenders int) {
	next := make([]int, appenders)
	var ch Chunk
	last := Position(0)
	for n > 0 {
		if err := c.Next(t.Context(), &ch); err != nil {
			t.Errorf("%d records left: %v", n, err)
			return
		}
		if ch.First != last+1 {
			t.Errorf("%d after %d", ch.First, last)
			return
		}
		for _, r := range ch.Records {
			var a, i int
			if _, err := fmt.Sscanf(string(r[:20]), "%d %d", &a, &i); err != nil || i != next[a] {
				t.Errorf("appender %d: %d came, want %d (%v)", a, i, next[a], err)
				return
			}
			next[a]++
		}
		n -= len(ch.Records)
		last = ch.First + Position(len(ch.Records)) - 1
		if err := c.Commit(last); err != nil {
			t.Error(err)
			return
		}
	}
}
