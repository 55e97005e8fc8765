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
			e := Event{Raw: raw[:i]}
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
	e := Event{Raw: long}
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
