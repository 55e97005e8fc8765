package lines_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"vswarden/sink"
	"vswarden/sink/lines"
	"vswarden/sink/sinktest"
)

func records(texts ...string) (batch []sink.Record) {
	for _, text := range texts {
		batch = append(batch, sink.Record{Value: []byte(text)})
	}
	return batch
}

func TestAppendAndWhole(t *testing.T) {
	batch := records("one", "", "three")
	for _, test := range []struct {
		limit int64
		want  string
	}{
		{math.MaxInt64, "one\n\nthree\n"},
		{11, "one\n\nthree\n"},
		{10, "one\n\n"},
		{5, "one\n\n"},
		{4, "one\n"},
		{0, "one\n"},
		{-5, "one\n"},
	} {
		got, n := lines.Append([]byte("before"), batch, test.limit)
		if string(got) != "before"+test.want || n != strings.Count(test.want, "\n") {
			t.Errorf("limit %d: %q, %d", test.limit, got, n)
		}
	}
	for n, want := range []int{0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 3} {
		if got := lines.Whole(batch, n); got != want {
			t.Errorf("Whole(%d) = %d, want %d", n, got, want)
		}
	}
	if got := lines.Whole(batch, -3); got != 0 {
		t.Errorf("Whole(-3) = %d", got)
	}
}

// standing is a batch whose values lie one behind the other in text, a line each.
func standing(text string) (batch []sink.Record) {
	b := []byte(text)
	for len(b) > 0 {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			end = len(b)
		}
		batch = append(batch, sink.Record{Value: b[:end]})
		b = b[min(end+1, len(b)):]
	}
	return batch
}

// TestTogether: lines are written where they stand as far as Append would write them, and never when they stand otherwise.
func TestTogether(t *testing.T) {
	batch := standing("one\ntwo\nthree\n")
	for _, limit := range []int64{math.MaxInt64, 14, 13, 8, 7, 4, 3, 0, -1} {
		want, m := lines.Append(nil, batch, limit)
		got, n := lines.Together(batch, limit)
		if string(got) != string(want) || n != m || &got[0] != &batch[0].Value[0] {
			t.Errorf("limit %d: %q, %d, want %q, %d", limit, got, n, want, m)
		}
	}
	if got, n := lines.Together(batch[1:], math.MaxInt64); string(got) != "two\nthree\n" || n != 2 {
		t.Errorf("from the middle: %q, %d", got, n)
	}
	gap := slices.Delete(slices.Clone(batch), 1, 2)
	short := slices.Clone(batch)
	short[0].Value = slices.Clip(short[0].Value)
	other := slices.Clone(batch)
	other[2].Value = bytes.Clone(other[2].Value)
	for name, batch := range map[string][]sink.Record{
		"one is left out": gap, "room for the first alone": short, "one stands elsewhere": other, "each by itself": records("one", "two"),
		"an empty one": standing("\none\n"), "no newline at the end": standing("one\ntwo"), "another byte between": {{Value: batch[0].Value[:2]}},
	} {
		if got, n := lines.Together(batch, math.MaxInt64); n != 0 || got != nil {
			t.Errorf("%s: %q, %d", name, got, n)
		}
	}
}

// BenchmarkTogether is the lines of a batch of a delivery, as they stand and copied.
func BenchmarkTogether(b *testing.B) {
	batch := standing(strings.Repeat(strings.Repeat("x", 700)+"\n", 250))
	b.Run("stand", func(b *testing.B) {
		for b.Loop() {
			if _, n := lines.Together(batch, math.MaxInt64); n != len(batch) {
				b.Fatal(n)
			}
		}
	})
	b.Run("copied", func(b *testing.B) {
		var buf []byte
		for b.Loop() {
			buf, _ = lines.Append(buf[:0], batch, math.MaxInt64)
		}
	})
}

func TestVerdict(t *testing.T) {
	cause := errors.New("cause")
	if err := lines.Verdict(3, 0, cause); err != cause { //nolint:errorlint // the very error
		t.Errorf("none stored: %v", err)
	}
	if err := lines.Verdict(3, 3, nil); err != nil {
		t.Errorf("all stored: %v", err)
	}
	if err := lines.Verdict(3, 3, cause); err != nil {
		t.Errorf("all stored before the error: %v", err)
	}
	var verdicts sink.Errors
	if err := lines.Verdict(3, 1, cause); !errors.As(err, &verdicts) ||
		!slices.Equal(verdicts, sink.Errors{nil, cause, cause}) {
		t.Errorf("one stored: %v", err)
	}
}

// TestTornTail cuts a file of lines at every place, as a crash could, and at random places of a
// large one: after OpenFile only whole lines are left, none that was whole is missing.
func TestTornTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.ndjson")
	check := func(content []byte) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		want := content[:bytes.LastIndexByte(content, '\n')+1]
		f, err := lines.OpenFile(lines.OS{}, path, 0o640)
		if err != nil {
			t.Fatal(err)
		}
		if f.Cut() != int64(len(content)-len(want)) || f.Size() != int64(len(want)) || f.Created() {
			t.Fatalf("%d bytes: cut %d, size %d, created %v", len(content), f.Cut(), f.Size(), f.Created())
		}
		if _, err := f.Append([]byte("next\n")); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, append(slices.Clone(want), "next\n"...)) {
			t.Fatalf("%d bytes: %d left, want %d, %v", len(content), len(got), len(want)+5, err)
		}
	}
	small := []byte("{\"n\":1}\n\n{\"n\":2}\n{}\n")
	for n := range len(small) + 1 {
		check(small[:n])
	}
	random := rand.New(rand.NewPCG(3, 4))
	var large []byte
	for i := range 300 {
		large = fmt.Appendf(large, "{%d:%s}\n", i, strings.Repeat("z", random.IntN(3000)*random.IntN(30)/(1+random.IntN(30))))
	}
	large = append(large, strings.Repeat("\x00", 200_000)...) // as some file systems leave it after a power cut
	for range 60 {
		check(large[:random.IntN(len(large)+1)])
	}
}

// FuzzTornTail does the same with any content.
func FuzzTornTail(f *testing.F) {
	f.Add([]byte("a\nb"))
	f.Add([]byte("\n"))
	f.Add([]byte("\x00\x00"))
	path := filepath.Join(f.TempDir(), "events.ndjson")
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := lines.OpenFile(lines.OS{}, path, 0o640)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, content[:bytes.LastIndexByte(content, '\n')+1]) {
			t.Fatalf("%q left of %q, %v", got, content, err)
		}
	})
}

func TestNotALineFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 65<<20); err != nil { // sparse
		t.Fatal(err)
	}
	if _, err := lines.OpenFile(lines.OS{}, path, 0o640); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("opened: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 65<<20 {
		t.Errorf("touched: %v, %v", info, err)
	}
}

// TestTornWrite runs out of room at every byte of a write, with a truncate that works at once, or
// only later: half a line never stays, and Append says what did.
func TestTornWrite(t *testing.T) {
	const before, lot = "before\n", "one\ntwo two\n\nthree\n"
	for room := range len(lot) {
		for _, truncateFails := range []bool{false, true} {
			disk := &sinktest.Disk{}
			path := filepath.Join(t.TempDir(), "events.ndjson")
			f, err := lines.OpenFile(disk, path, 0o640)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Append([]byte(before)); err != nil {
				t.Fatal(err)
			}
			disk.Limit(int64(room))
			if truncateFails {
				disk.Fail("truncate", syscall.EIO)
			}
			n, err := f.Append([]byte(lot))
			whole := strings.LastIndexByte(lot[:room], '\n') + 1
			if n != whole || !errors.Is(err, syscall.ENOSPC) || !lines.Full(err) {
				t.Fatalf("room %d: %d bytes kept, want %d: %v", room, n, whole, err)
			}
			disk.Unlimit()
			if truncateFails && room > whole {
				if n, err := f.Append([]byte("more\n")); n != 0 || err == nil {
					t.Fatalf("room %d: wrote behind half a line: %d, %v", room, n, err)
				}
			}
			disk.Fail("truncate", nil)
			if _, err := f.Append([]byte(lot[whole:])); err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(path); string(got) != before+lot {
				t.Fatalf("room %d: %q", room, got)
			}
			if f.Size() != int64(len(before+lot)) {
				t.Fatalf("room %d: size %d", room, f.Size())
			}
			_ = f.Close()
		}
	}
}

// halting is a writer that stores what fits.
type halting struct {
	bytes.Buffer
	room int
	err  error
}

func (h *halting) Write(p []byte) (int, error) {
	n := min(len(p), h.room)
	h.room -= n
	h.Buffer.Write(p[:n])
	if n < len(p) {
		return n, h.err
	}
	return n, nil
}

// TestStreamGoesOnInsideALine stops a stream at every byte; what the reader gets are whole lines.
func TestStreamGoesOnInsideALine(t *testing.T) {
	batch := records("one", "two two", "", "three")
	for room := range 19 {
		w := &halting{room: room, err: syscall.EIO}
		s := lines.NewStream(w)
		left, tries := slices.Clone(batch), 0
		for ; len(left) > 0; tries++ {
			err := s.Write(t.Context(), left)
			var verdicts sink.Errors
			switch {
			case err == nil:
				left = nil
			case errors.As(err, &verdicts):
				left = slices.DeleteFunc(left, func(sink.Record) bool {
					stored := verdicts[0] == nil
					verdicts = verdicts[1:]
					return stored
				})
			case !errors.Is(err, syscall.EIO):
				t.Fatal(err)
			}
			w.room += 1 + tries*3
		}
		var firsts []string
		for line := range strings.Lines(w.String()) {
			if !strings.HasSuffix(line, "\n") {
				t.Fatalf("room %d: half a line: %q", room, w.String())
			}
			if line = strings.TrimSuffix(line, "\n"); !slices.Contains(firsts, line) {
				firsts = append(firsts, line)
			}
		}
		if !slices.Equal(firsts, []string{"one", "two two", "", "three"}) {
			t.Fatalf("room %d: %q", room, w.String())
		}
	}
}

// TestStreamNewReader: a reader that went away took its half of a line with it.
func TestStreamNewReader(t *testing.T) {
	w := &halting{room: 5, err: syscall.EPIPE}
	s := lines.NewStream(w)
	if err := s.Write(t.Context(), records("one", "two")); err == nil {
		t.Fatal("no error")
	}
	w.Reset()
	w.room = 100
	if err := s.Write(t.Context(), records("two")); err != nil || w.String() != "two\n" {
		t.Fatalf("%q, %v", w.String(), err)
	}
}
