package event

import (
	"strings"
	"testing"
)

// TestScanRaw holds what is written without a second look against what is escaped.
func TestScanRaw(t *testing.T) {
	long := strings.Repeat("abcdefgh", 9)
	for _, raw := range []string{
		"", "a", long, long + `"`, `"` + long, long + "\\" + long, long + "\x7f", long + "\x1f" + long, long + "é" + long, long + "\xff" + long, "\x00",
	} {
		for i := range len(raw) + 1 { // every beginning, so that what ends the clean part stands everywhere
			e := Event{Common: Common{Raw: raw[:i]}}
			if got, want := e.ScanRaw(), strings.ToValidUTF8(raw[:i], "") == raw[:i]; got != want {
				t.Fatalf("%q: UTF-8 %v, want %v", raw[:i], got, want)
			}
			for from := range i + 1 {
				part := e.Raw[from:]
				if got, want := string(e.appendPart(nil, part)), string(appendText(nil, part)); got != want {
					t.Fatalf("%q of %q: %q, want %q", part, e.Raw, got, want)
				}
			}
		}
	}
	// What was noted of one frame says nothing of another.
	e := Event{Common: Common{Raw: long}}
	e.ScanRaw()
	e.Raw = strings.Clone(strings.Repeat(`"`, len(long)))
	if got := string(e.appendPart(nil, e.Raw)); got != strings.Repeat(`\"`, len(long)) {
		t.Errorf("%q", got)
	}
	e.Reset()
	if e.clean != "" {
		t.Error("Reset leaves it")
	}
}

// TestPlain puts every byte at every place of texts of every length up to several blocks.
func TestPlain(t *testing.T) {
	slow := func(s string, i int) int {
		for ; i < len(s); i++ {
			if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
				return i
			}
		}
		return i
	}
	for size := range 70 {
		b := []byte(strings.Repeat("~ a}[0Z!#", 10)[:size])
		for at := range size {
			kept := b[at]
			for c := range 256 {
				b[at] = byte(c)
				for _, from := range []int{0, 1, at, size} {
					if got, want := plain(string(b), from), slow(string(b), from); got != want {
						t.Fatalf("%q from %d: %d, want %d", b, from, got, want)
					}
				}
			}
			b[at] = kept
		}
		if got := plain(string(b), 0); got != size {
			t.Fatalf("%q: %d", b, got)
		}
	}
}
