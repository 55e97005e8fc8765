package group

import (
	"strings"
	"testing"
)

// TestHash: a hash is of all bytes and of their number, and that of a name not of the case of its letters.
func TestHash(t *testing.T) {
	for c := range 256 {
		want := byte(c)
		if 'A' <= c && c <= 'Z' {
			want |= 0x20
		}
		for at := range 8 {
			if got := byte(fold(0x41<<8|uint64(c)<<(8*at)) >> (8 * at)); at != 1 && got != want {
				t.Errorf("byte %#x at %d becomes %#x", c, at, got)
			}
		}
	}
	mixed, folded := map[uint64]string{}, map[uint64]string{}
	for n := range 40 {
		s := strings.Repeat("a", n)
		texts := []string{s, s + "\x00"}
		for i := range n {
			texts = append(texts, s[:i]+"b"+s[i+1:], s[:i]+"\x00"+s[i+1:])
			if name := s[:i] + "A" + s[i+1:]; hashFold(name) != hashFold(s) {
				t.Errorf("%q is not %q", name, s)
			}
		}
		for _, s := range texts {
			if was, found := mixed[mix(1, s)]; found && was != s {
				t.Fatalf("mix: %q has the hash of %q", s, was)
			}
			if was, found := folded[hashFold(s)]; found && was != s {
				t.Fatalf("hashFold: %q has the hash of %q", s, was)
			}
			mixed[mix(1, s)], folded[hashFold(s)] = s, s
		}
	}
	if hashFold("") != 0 || textHash("short. ..") != 0 || textHash("The text of it") != textHash("The text of it. ") {
		t.Error("no text has no hash, and a full stop is no part of one")
	}
}

// BenchmarkHash is what the stage hashes of a line of hostd, and of an observation.
func BenchmarkHash(b *testing.B) {
	text := strings.Repeat("Uplink: vmnic3 is down. ", 6)
	sum := uint64(0)
	for b.Loop() {
		sum += hashFold("Hostd") + hashFold("2099655") + textHash(text)
	}
	if sum == 0 {
		b.Fatal()
	}
}
