package event

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestScanRaw holds what is written without a second look against what is escaped.
func TestScanRaw(t *testing.T) {
	long := strings.Repeat("abcdefgh", 9)
	for _, raw := range []string{
		"", "a", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", long, long + `"`, `"` + long, long + "\\" + long, long + "\x7f", long + "\x1f" + long, long + "é" + long, long + "\xff" + long, "\x00",
		`"a" \\ ` + long + `"b"` + long + "\x7f" + long, strings.Repeat(`\"`, 9) + long, `"` + long + `"é"` + long,
	} {
		for i := range len(raw) + 1 { // every beginning, so that what ends the clean part stands everywhere
			e := Event{Common: Common{Raw: raw[:i]}}
			if got, want := e.ScanRaw(), strings.ToValidUTF8(raw[:i], "") == raw[:i]; got != want {
				t.Fatalf("%q: UTF-8 %v, want %v", raw[:i], got, want)
			}
			for from := range i + 1 {
				for _, to := range []int{i, max(from, i-1), (from + i) / 2} {
					wantPart(t, &e, from, to)
				}
			}
		}
	}
	// Places are known up to 64 KiB.
	for _, n := range []int{65533, 65534, 65535, 65536, 70000} {
		e := Event{Common: Common{Raw: strings.Repeat("a", n) + `"b"c"` + long + `"`}}
		e.ScanRaw()
		for i := range 9 {
			wantPart(t, &e, 0, n+i)
			wantPart(t, &e, n-1, n+i)
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

// wantPart holds a part of a frame against the same text by itself.
func wantPart(t *testing.T, e *Event, from, to int) {
	t.Helper()
	part := e.Raw[from:to]
	if got, want := string(e.appendPart(nil, part)), string(appendText(nil, part)); got != want {
		t.Fatalf("%q of %q: %q, want %q", part, e.Raw, got, want)
	}
	for _, dst := range [][]byte{nil, make([]byte, 0, 256), make([]byte, 0, len(`"k":"`)+33)} { // the last lacks a byte
		if got, want := string(e.appendPartField(dst, `"k":"`, part)), string(appendField(nil, `"k":"`, part)); got != want {
			t.Fatalf("field %q of %q: %q, want %q", part, e.Raw, got, want)
		}
	}
}

// TestSign puts a # at every place of frames with and without bytes to escape, of every length up to several blocks.
func TestSign(t *testing.T) {
	known := 0
	for size := range 150 {
		for _, form := range []string{
			"~ a}[0Z!$%", `"quote" \ and then plain text, of more than a block; `, `\"`, "plain for a block and longer \x7f, ", "é plain but for its beginning",
		} {
			raw := []byte(strings.Repeat(form, 80)[:size])
			for at := range size {
				e := Event{Common: Common{Raw: string(raw)}}
				e.ScanRaw()
				if e.NoSign(e.Raw) {
					known++
				}
				kept := raw[at]
				raw[at] = '#'
				e.Raw = string(raw)
				if e.ScanRaw(); e.NoSign(e.Raw) || e.NoSign(e.Raw[at:]) {
					t.Fatalf("%q: no #", e.Raw)
				}
				raw[at] = kept
			}
		}
	}
	if hasBlocks && known == 0 {
		t.Error("no frame is known to have none")
	}
	e := Event{Common: Common{Raw: "plain, and longer than a block"}}
	e.ScanRaw()
	if e.NoSign(strings.Clone("of another #")) {
		t.Error("what is no part of it has none")
	}
	if e.Reset(); e.NoSign("") {
		t.Error("Reset leaves it")
	}
}

func FuzzScanRaw(f *testing.F) {
	f.Add(`<166>2026-09-15T10:30:00.123Z h "a" b\c`, uint16(5), uint16(30))
	f.Add(strings.Repeat(`"x`, 20)+"\xffé\x7f", uint16(0), uint16(99))
	f.Fuzz(func(t *testing.T, raw string, from, to uint16) {
		e := Event{Common: Common{Raw: raw}}
		if got, want := e.ScanRaw(), utf8.ValidString(raw); got != want {
			t.Fatalf("%q: UTF-8 %v, want %v", raw, got, want)
		}
		if e.NoSign(raw) && strings.Contains(raw, "#") {
			t.Fatalf("%q: no #", raw)
		}
		end := min(int(to), len(raw))
		wantPart(t, &e, min(int(from), end), end)
	})
}

// TestPlain puts every byte at every place of texts of every length up to several blocks, and of some more.
func TestPlain(t *testing.T) {
	slow := func(s string, i int) int {
		for ; i < len(s); i++ {
			if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
				return i
			}
		}
		return i
	}
	for size := range 140 {
		if size > 70 && size < 136 {
			continue
		}
		b := []byte(strings.Repeat("~ a}[0Z!#", 16)[:size])
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
