package group

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"vswarden/event"
)

// atOnce is endings that does at each line what endings leaves for later.
type atOnce struct{ list []ending }

func (s *atOnce) add(n ending) {
	if len(s.list) == maxEndings {
		s.list = slices.Delete(s.list, 0, 1)
	}
	s.list = append(s.list, n)
}

func (s *atOnce) begin(it *Item) {
	s.list = slices.DeleteFunc(s.list, func(n ending) bool { return it.Stamp > n.deadline })
	for i := range s.list {
		n := &s.list[i]
		if n.app == it.app && (n.kind != part || it.kind == part && n.vc == it.Event.VCEvent.ID) {
			n.forApp = false
		}
		if n.conn == it.Conn && it.kind != headless {
			n.forConn = false
		}
	}
	s.list = slices.DeleteFunc(s.list, func(n ending) bool {
		waits := n.forApp || n.forConn || n.alone && n.cut
		return !waits
	})
}

func (s *atOnce) continuedBy(it *Item) (id event.ID) {
	for _, n := range slices.Backward(s.list) {
		if it.Stamp <= n.deadline && n.continuedBy(it) {
			return n.id
		}
	}
	return id
}

// TestEndingsAreSettledInTime: what a line ends is no less ended for being looked at later. Some programs share a place, and
// often there are more endings than are kept.
func TestEndingsAreSettledInTime(t *testing.T) {
	apps := []uint64{0, 1, 3, 7 << 59, 7<<59 | 1}
	conns := []netip.AddrPort{{}, netip.MustParseAddrPort("192.0.2.1:514"), netip.MustParseAddrPort("192.0.2.1:515")}
	found := map[kind]int{}
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 5))
		many := int(seed)%3*3 + 2 // of three lines or so one ends before its time, or nearly all do
		snd, want, stamp := &Sender{}, &atOnce{}, int64(0)
		for n := range uint64(400) {
			stamp += rng.Int64N(20)
			if rng.IntN(40) == 0 {
				stamp -= rng.Int64N(200)
			}
			it := &Item{}
			it.Stamp, it.deadline = stamp, stamp+rng.Int64N(300)
			it.app, it.Conn = apps[rng.IntN(len(apps))], conns[rng.IntN(len(conns))]
			it.kind = []kind{plain, plain, plain, arrow, headless, part, fragment}[rng.IntN(7)]
			it.proc, it.Event.Time, it.Event.ID = uint64(rng.IntN(2)), int64(rng.IntN(2)), event.NewID(1, n+1)
			it.cut, it.open = rng.IntN(3) == 0, rng.IntN(2) == 0
			it.Event.VCEvent.ID = uint64(rng.IntN(2))
			if it.kind != plain {
				snd.continues(it)
				id := want.continuedBy(it)
				if it.after != id {
					t.Fatalf("seed %d, line %d of kind %d continues %v, want %v", seed, n, it.kind, it.after, id)
				}
				if id != (event.ID{}) {
					found[it.kind]++
				}
			}
			if snd.ended != nil {
				snd.ended.begin(it)
			}
			want.begin(it)
			if rng.IntN(10) < many {
				it.forApp, it.forConn = rng.IntN(3) > 0, rng.IntN(2) > 0
				before := 0
				if snd.ended != nil {
					before = int(snd.ended.begun)
				}
				snd.note(it)
				if e := snd.ended; e != nil && (it.forApp || it.forConn) {
					last := e.list[len(e.list)-1]
					if last.id != it.Event.ID || before > 0 && last.line != uint64(before) {
						t.Fatalf("seed %d, line %d: noted is %+v", seed, n, last)
					}
					want.add(last)
				}
			}
			if rng.IntN(50) == 0 && snd.ended != nil {
				snd.ended.leave()
				for i := range want.list {
					want.list[i].forConn = false
				}
			}
		}
	}
	if found[arrow] == 0 || found[headless] == 0 || found[fragment] == 0 {
		t.Errorf("continued: %v", found)
	}
}
