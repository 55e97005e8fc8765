package decode

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

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
		if !usualHeader(&a, trimSpaces(s)) {
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
		" esx1 vmkernel: cpu14:1559738)x", " esx1.example.com Hostd[2099655]: info", " 192.0.2.1 vobd:  [netCorrelator] 1us: x", " a b: ", "  a b[c]: d",
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

// TestUsualLine: whatever usualLine reads, the long way reads likewise; and it reads the usual lines.
func TestUsualLine(t *testing.T) {
	same := func(s string) bool {
		var a, b, before event.Event
		for _, e := range []*event.Event{&a, &b, &before} {
			e.Reset()
			e.Raw, e.TimeSource = s, event.TimeReceived
		}
		if !usualLine(&a, s) {
			if !reflect.DeepEqual(a, before) {
				t.Fatalf("%q: not taken, and changed: %+v", s, a)
			}
			return false
		}
		b.Message = s
		if h, _ := oneHeader(&b, &Options{}); !reflect.DeepEqual(a, b) || h != (head{format: event.FormatRFC3164ISO, esxi: true}) {
			t.Fatalf("%q:\nusual %+v\nelse  %+v %+v", s, a, b, h)
		}
		return true
	}
	for _, raw := range testdataLines(t, "mix.log") {
		if !same(raw) {
			t.Errorf("%q takes the long way", raw)
		}
	}
	mutated(t, func(s string) { same(s) })
}

// TestUsualBracket: whatever usualBracket reads, the long way reads likewise; and it reads what hostd and vpxa write.
func TestUsualBracket(t *testing.T) {
	same := func(s string) bool {
		var a, b, before event.Event
		for _, e := range []*event.Event{&a, &b, &before} {
			e.User.Name, e.Logger, e.Hostd.OpID = "before", "before", "before"
		}
		text, ok := usualBracket(&a, s)
		if !ok {
			if !reflect.DeepEqual(a, before) {
				t.Fatalf("%q: not taken, and changed: %+v", s, a)
			}
			return false
		}
		if long := hostdBracket(&b, s); !reflect.DeepEqual(a, b) || text != long {
			t.Fatalf("%q:\nusual %+v %+v %q\nelse  %+v %+v %q", s, a.Hostd, a.User, text, b.Hostd, b.User, long)
		}
		return true
	}
	for _, s := range []string{
		"[Originator@6876 sub=Libs opID=1 user=root] text", "[Originator@6876 sub=Proxy Req 81133 opID=1 sid=2 user=vpxuser:<no user>]", "[Originator@6876 sub=vpxLro opID=HB-1-2]  x",
		"[Originator@6876 opId=1 sub= user=LAB\\u] ", "[Originator@6876] x", "[Originator@6876 sub=a} opID=}]", "[Originator@6876 sub=x sub=y user=a user=b]",
	} {
		if !same(s) {
			t.Errorf("%q takes the long way", s)
		}
	}
	mutated(t, func(s string) {
		if i := strings.Index(s, "[Originator@"); i > 0 {
			same(s[i:])
		}
	})
}

// TestUsualStamp: usualStamp reads what isoStamp reads of stamps of its form, and nothing else.
func TestUsualStamp(t *testing.T) {
	same := func(s string) {
		t.Helper()
		nanos, ok := usualStamp(s)
		var st stamp
		n := 0
		if isoForm(s) {
			st, n = anyStamp(s)
		}
		want := n == usualStampLen && st.copied && st.digits == 3 && !st.bad && st.nanos >= 0 && s[:4] < "2262"
		if ok != want || ok && nanos != st.nanos {
			t.Fatalf("%q: %d %v, want %+v %d", s, nanos, ok, st, n)
		}
	}
	for day := time.Unix(0, 0).UTC(); day.Year() < 2262; day = day.Add(24*time.Hour + 61*time.Minute + 1001*time.Millisecond) {
		same(day.Format("2006-01-02T15:04:05.000Z"))
	}
	for _, s := range []string{"2026-09-21T14:13:20.049Z", "1970-01-01T00:00:00.000Z", "2261-12-31T23:59:59.999Z", "2024-02-29T23:59:60.000Z", "0000-00-00T00:00:00.000Z"} {
		for i := range s {
			same(s[:i])
			for c := range 256 {
				b := []byte(s)
				b[i] = byte(c)
				same(string(b) + " x")
				for _, d := range []byte("0:5/9- .TZ") {
					b[(i+1)%len(b)] = d
					same(string(b))
				}
			}
		}
	}
}

// mutated gives f the lines of the testdata, each of them in many states of damage.
func mutated(t *testing.T, f func(s string)) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(5, 6))
	var lines []string
	for _, file := range []string{"mix.log", "esxi.log", "foreign.log", "odd.log"} {
		lines = append(lines, testdataLines(t, file)...)
	}
	const few = "[]<>=: \"'@-.TZ019a}\\\t\xff"
	for _, s := range lines {
		f(s)
		for range 300 {
			b := []byte(s)
			for range 1 + rnd.IntN(3) {
				i := rnd.IntN(len(b))
				if rnd.IntN(2) == 0 {
					i = rnd.IntN(min(len(b), 96))
				}
				switch c := few[rnd.IntN(len(few))]; rnd.IntN(4) {
				case 0:
					b[i] = c
				case 1:
					b = append(b[:i], append([]byte{c}, b[i:]...)...)
				case 2:
					b = append(b[:i:i], b[min(len(b), i+1+rnd.IntN(3)):]...)
				case 3:
					b = append(b[:i:i], lines[rnd.IntN(len(lines))]...)
				}
				if len(b) == 0 {
					break
				}
			}
			f(string(b))
		}
	}
}
