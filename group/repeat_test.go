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
func firstOf(r *repeats, t tale, stamp, time int64) (named int) {
	named = -1
	for i := range r.told {
		i = (r.n - 1 - i) & (len(r.told) - 1)
		h := &r.told[i]
		if r.in[t.form]>>i&1 != 0 || stamp-h.stamp > repeatTime || max(time-h.time, h.time-time) > repeatTime {
			continue
		}
		if t.text != 0 && t.text == r.text[i] {
			return i
		}
		if named < 0 && t.name != 0 && t.name == r.name[i] {
			named = i
		}
	}
	return named
}

// TestRepeatsAreFound: the newest of equal text, else of an equal name, among hashes that begin alike, and none that was told in that
// form.
func TestRepeatsAreFound(t *testing.T) {
	hashes := []uint64{0, 1, 2, 0xab << 56, 0xab<<56 | 1, 0xab<<56 | 2, 0xff << 56}
	var texts, names, none int
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 8))
		r, stamp := &repeats{}, int64(0)
		var forms [len(r.told)]map[form]bool
		for range 400 {
			stamp += rng.Int64N(repeatTime / 4)
			tale := tale{text: hashes[rng.IntN(len(hashes))], name: hashes[rng.IntN(len(hashes))], form: 1 + form(rng.IntN(5))}
			time := stamp - rng.Int64N(repeatTime)
			got, want := r.first(tale, stamp, time), firstOf(r, tale, stamp, time)
			if got != want {
				t.Fatalf("seed %d: %+v is told by %d, want %d of %+v", seed, tale, got, want, r)
			}
			switch {
			case want < 0:
				none++
			case tale.text != 0 && r.text[want] == tale.text:
				texts++
			default:
				names++
			}
			if want < 0 || rng.IntN(4) == 0 {
				forms[r.n%len(forms)] = map[form]bool{tale.form: true}
				r.add(tale, happening{stamp: stamp, time: time})
			} else {
				forms[want][tale.form] = true
				r.in[tale.form] |= 1 << want
			}
			for i, told := range forms {
				for f := range formsEnd {
					if in := r.in[f]>>i&1 != 0; in != told[f] {
						t.Fatalf("seed %d: %d was told in form %d: %t, want %t", seed, i, f, in, told[f])
					}
				}
			}
		}
	}
	if texts == 0 || names == 0 || none == 0 {
		t.Errorf("%d by text, %d by name, %d not", texts, names, none)
	}
}
