package decode

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"vswarden/event"
)

// TestUsualHeader: whatever usualHeader reads, the long way reads likewise.
func TestUsualHeader(t *testing.T) {
	same := func(s string) (usual bool) {
		t.Helper()
		var a, b event.Event
		for _, e := range []*event.Event{&a, &b} {
			e.Reset()
			e.Raw, e.Message = s, s
		}
		if !usualHeader(&a, s) {
			return false
		}
		wrapped := headerAfterTag(a.Message)
		h, w := unusualHeader(&b, s, isoStyle{pri: true, zulu: true})
		if !reflect.DeepEqual(a, b) || w != wrapped || h != (head{format: event.FormatRFC3164ISO, esxi: true}) {
			t.Fatalf("%q:\nusual %+v %v\nelse  %+v %v %+v", s, a.Syslog, wrapped, b.Syslog, w, h)
		}
		return true
	}
	for _, s := range []string{
		" esx1 vmkernel: cpu14:1559738)x", " esx1.example.com Hostd[2099655]: info", " 192.0.2.1 vobd:  [netCorrelator] 1us: x", " a b: ", "  a  b[c]: d",
	} {
		if !same(s) {
			t.Errorf("%q takes the long way", s)
		}
	}
	words := []string{
		"esx1", "esx1.example.com", "192.0.2.1", "fe80::1", "[2001:db8::1]", "Hostd", "hostd", "vmkernel", "vmkwarning", "vmsyslog.main", "vpxa", "info", "cpu0", "cpu14:1559738)",
		"In(182)", "Wa(4)", "-", "<166>", "2026-11-20T10:00:00.123Z", "Nov 20 10:00:00", "Sep", "20", "host-16250", "a/b", "x#y", "é", "\"q\"", "(c)", "{", "_", "%", "+",
		":", ": ", " : ", " ", "  ", "\t", "[", "]", "[12]", "[12]:", "[a b]", ":x", "last message repeated 3 times", "1 - ", strings.Repeat("h", 63), strings.Repeat("h", 65),
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	usual := 0
	for range 200_000 {
		var b strings.Builder
		b.WriteByte(' ')
		if rnd.IntN(2) == 0 {
			b.WriteString(words[rnd.IntN(len(words))] + " " + words[rnd.IntN(len(words))] + []string{"", "[12]"}[rnd.IntN(2)] + ": ")
		}
		for range 2 + rnd.IntN(7) {
			b.WriteString(words[rnd.IntN(len(words))])
			if rnd.IntN(2) == 0 {
				b.WriteByte(' ')
			}
		}
		if same(b.String()) {
			usual++
		}
	}
	if usual < 5000 {
		t.Errorf("only %d lines were usual", usual)
	}
	for _, file := range []string{"esxi.log", "foreign.log", "odd.log"} {
		for _, raw := range testdataLines(t, file) {
			for i := range len(raw) {
				same(raw[i:])
			}
		}
	}
}
