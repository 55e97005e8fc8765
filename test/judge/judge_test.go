package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// event is a line of output as vswarden writes it.
func event(id string, host, number int) string {
	return fmt.Sprintf(`{"@timestamp":"2026-11-20T10:00:00.000Z","event":{"id":"%s","kind":"event"},"message":"x seq%04d-%010d","o":"seq%04d-%010d"}`, id, host, number, host, number)
}

// events are lines of host 0 whose ids follow from their numbers.
func events(numbers ...int) string {
	var b strings.Builder
	for _, n := range numbers {
		b.WriteString(event(fmt.Sprintf("ID%024d", n), 0, n) + "\n")
	}
	return b.String()
}

func judged(t *testing.T, stdin string, args ...string) (verdict, int) {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(args, strings.NewReader(stdin), &out, &errs)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var v verdict
	if code == 0 || code == 3 {
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &v); err != nil {
			t.Fatalf("last line %q: %v", lines[len(lines)-1], err)
		}
	} else if errs.Len() == 0 {
		t.Errorf("exit %d and not a word why", code)
	}
	return v, code
}

func TestVerdicts(t *testing.T) {
	tests := []struct {
		name  string
		input string
		args  []string
		want  verdict
	}{
		{"all there", events(1, 2, 3), nil, verdict{Verdict: "ok", Lines: 3, Unique: 3, Senders: 1}},
		{"empty", "", nil, verdict{Verdict: "ok"}},
		{"events of our own", events(1) + `{"event":{"id":"X"}}` + "\n", nil, verdict{Verdict: "ok", Lines: 2, Unique: 1, Other: 1, Senders: 1}},
		{"repeat under the same id", events(1, 2, 1, 2, 3), nil, verdict{Verdict: "ok", Lines: 5, Unique: 3, Repeats: 2, Senders: 1}},
		{"two senders interleaved", events(1, 2) + event("A", 1, 1) + "\n" + events(3) + event("B", 1, 2) + "\n", nil, verdict{Verdict: "ok", Lines: 5, Unique: 5, Senders: 2}},
		{"missing in the middle", events(1, 5), nil, verdict{Verdict: "fault", Lines: 2, Unique: 2, Missing: 3, Senders: 1}},
		{"missing at the start", events(3, 4), nil, verdict{Verdict: "fault", Lines: 2, Unique: 2, Missing: 2, Senders: 1}},
		{"missing over many pages", events(1, 100000), nil, verdict{Verdict: "fault", Lines: 2, Unique: 2, Missing: 99998, Senders: 1}},
		{"missing at the end", events(1, 2), []string{"-expect", "5"}, verdict{Verdict: "fault", Lines: 2, Unique: 2, Missing: 3, Senders: 1, Expected: 5}},
		{"more than was sent", events(1, 2), []string{"-expect", "1"}, verdict{Verdict: "fault", Lines: 2, Unique: 2, Unexpected: 1, Senders: 1, Expected: 1}},
		{"one line under two ids", events(1, 2) + event("OTHER", 0, 2) + "\n", nil, verdict{Verdict: "fault", Lines: 3, Unique: 2, TwoIDs: 1, Senders: 1}},
		{"one id on two lines", event("A", 0, 1) + "\n" + event("A", 0, 2) + "\n", nil, verdict{Verdict: "fault", Lines: 2, Unique: 2, SharedIDs: 1, Senders: 1}},
		{"out of order", events(1, 3, 2, 4), nil, verdict{Verdict: "fault", Lines: 4, Unique: 4, Disorder: 1, Senders: 1}},
		{"a repeat is not out of order", events(1, 2, 3, 2), nil, verdict{Verdict: "ok", Lines: 4, Unique: 3, Repeats: 1, Senders: 1}},
		{"torn line", events(1) + `{"@timestamp":"20` + events(2), nil, verdict{Verdict: "fault", Lines: 2, Unique: 2, Invalid: 1, Senders: 1}},
		{"torn end", strings.TrimSuffix(events(1, 2), "\n"), nil, verdict{Verdict: "fault", Lines: 2, Unique: 2, Invalid: 1, Senders: 1}},
		{"plain lines", "<13>x seq0000-0000000001\n<13>x seq0000-0000000002\n", nil, verdict{Verdict: "ok", Lines: 2, Unique: 2, Senders: 1}},
		{"plain line again", "a seq0000-0000000001\nb seq0000-0000000001\n", nil, verdict{Verdict: "fault", Lines: 2, Unique: 1, NoID: 1, Senders: 1}},
		{"almost a token", "seq0000-000000001 seq12-0000000001 sequence seq0007-0000000001 x\n", nil, verdict{Verdict: "ok", Lines: 1, Unique: 1, Senders: 1}},
		{"long line", "seq0000-0000000001" + strings.Repeat("x", 3<<20) + "\nseq0000-0000000002\n", nil, verdict{Verdict: "ok", Lines: 2, Unique: 2, Senders: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, code := judged(t, tt.input, append(tt.args, "-")...)
			if got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			if want := map[string]int{"ok": 0, "fault": 3}[tt.want.Verdict]; code != want {
				t.Errorf("exit %d, want %d", code, want)
			}
		})
	}
}

func TestFilesAreOneStream(t *testing.T) {
	dir := t.TempDir()
	older, newer := filepath.Join(dir, "out.1.gz"), filepath.Join(dir, "out")
	var packed bytes.Buffer
	gz := gzip.NewWriter(&packed)
	if _, err := gz.Write([]byte(events(1, 2))); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{older: packed.String(), newer: events(3, 4)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if v, code := judged(t, "", "-sequence", older, newer); code != 0 || v.Unique != 4 {
		t.Errorf("oldest first: exit %d, %+v", code, v)
	}
	if v, code := judged(t, "", newer, older); code != 3 || v.Disorder != 2 {
		t.Errorf("newest first: exit %d, %+v", code, v)
	}
}

func TestExpectReports(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "1.json"), filepath.Join(dir, "2.json")
	for path, text := range map[string]string{
		one: `{"sent":4,"senders":[{"sender":0,"first":1,"last":2},{"sender":1,"first":1,"last":2}]}`,
		two: `{"sent":1,"senders":[{"sender":0,"first":3,"last":3}]}`,
	} {
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	host1 := event("A", 1, 1) + "\n" + event("B", 1, 2) + "\n"
	if v, code := judged(t, events(1, 2, 3)+host1, "-expect", one, "-expect", two, "-"); code != 0 || v.Expected != 5 {
		t.Errorf("all there: exit %d, %+v", code, v)
	}
	if v, code := judged(t, events(1, 2)+host1, "-expect", one, "-expect", two, "-"); code != 3 || v.Missing != 1 {
		t.Errorf("the last one missing: exit %d, %+v", code, v)
	}
	if v, code := judged(t, events(1, 2), "-expect", one, "-"); code != 3 || v.Missing != 2 {
		t.Errorf("a sender missing: exit %d, %+v", code, v)
	}
	if v, code := judged(t, events(1, 2, 3)+host1, "-expect", one, "-"); code != 3 || v.Unexpected != 1 {
		t.Errorf("one too many: exit %d, %+v", code, v)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range []string{"", "-x", "-expect nowhere -", "-truth F -"} {
		if _, code := judged(t, "", strings.Fields(args)...); code != 2 {
			t.Errorf("%q: exit %d, want 2", args, code)
		}
	}
	if _, code := judged(t, "", filepath.Join(t.TempDir(), "none")); code != 1 {
		t.Errorf("a file that is not there: exit %d, want 1", code)
	}
}

func FuzzFindToken(f *testing.F) {
	f.Add("x seq0001-0000000002 y")
	f.Add("seqseq0001-000000000")
	f.Fuzz(func(t *testing.T, line string) {
		host, number, ok := findToken([]byte(line))
		if ok && !strings.Contains(line, fmt.Sprintf("seq%04d-%010d", host, number)) {
			t.Errorf("%q: %d-%d is not in it", line, host, number)
		}
	})
}

func BenchmarkLine(b *testing.B) {
	j := newJudge(&bytes.Buffer{})
	lines := make([][]byte, 10000)
	for i := range lines {
		lines[i] = []byte(event(fmt.Sprintf("ID%024d", i), i%10, i/10))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		j.line(lines[i%len(lines)])
		i++
	}
}
