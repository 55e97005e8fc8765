package group

import (
	"math/rand/v2"
	"testing"
)

// TestLike: the bit of each byte that is asked for, wherever it stands and whatever stands beside it.
func TestLike(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 7))
	for range 20_000 {
		var s bytes16
		b, want := []byte{0, 1, 0x7f, 0x80, 0xff}[rng.IntN(5)], uint16(0)
		for i := range s {
			if s[i] = b ^ byte(1<<rng.IntN(16)); s[i] == b { // of the sixteen half are beyond a byte
				want |= 1 << i
			}
		}
		if got := s.like(b); got != want {
			t.Fatalf("%#x in %#x: %016b, want %016b", b, s, got, want)
		}
	}
}

// firstOf is repeats.first one by one.
func firstOf(r *repeats, t tale, stamp, time int64) (named *happening) {
	for i := range r.told {
		i = (r.n - 1 - i) & (len(r.told) - 1)
		h := &r.told[i]
		if h.forms == 0 || h.forms&t.forms != 0 || stamp-h.stamp > repeatTime || max(time-h.time, h.time-time) > repeatTime {
			continue
		}
		if t.text != 0 && t.text == r.text[i] {
			return h
		}
		if named == nil && t.name != 0 && t.name == r.name[i] {
			named = h
		}
	}
	return named
}

// TestRepeatsAreFound: the newest of equal text, else of an equal name, among hashes that begin alike.
func TestRepeatsAreFound(t *testing.T) {
	hashes := []uint64{0, 1, 2, 0xab << 56, 0xab<<56 | 1, 0xab<<56 | 2, 0xff << 56}
	var texts, names, none int
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 8))
		snd, stamp := &Sender{repeats: &repeats{}}, int64(0)
		for range 400 {
			stamp += rng.Int64N(repeatTime / 4)
			tale := tale{text: hashes[rng.IntN(len(hashes))], name: hashes[rng.IntN(len(hashes))], forms: 1 << rng.IntN(5)}
			time := stamp - rng.Int64N(repeatTime)
			got, want := snd.repeats.first(tale, stamp, time), firstOf(snd.repeats, tale, stamp, time)
			if got != want {
				t.Fatalf("seed %d: %+v is told by %p, want %p of %+v", seed, tale, got, want, snd.repeats)
			}
			switch {
			case want == nil:
				none++
			case tale.text != 0 && snd.repeats.text[placeOf(snd.repeats, want)] == tale.text:
				texts++
			default:
				names++
			}
			if want == nil || rng.IntN(4) == 0 {
				snd.repeats.add(tale, happening{forms: tale.forms, stamp: stamp, time: time})
			} else {
				want.forms |= tale.forms
			}
		}
	}
	if texts == 0 || names == 0 || none == 0 {
		t.Errorf("%d by text, %d by name, %d not", texts, names, none)
	}
}

func placeOf(r *repeats, h *happening) int {
	for i := range r.told {
		if &r.told[i] == h {
			return i
		}
	}
	return -1
}
