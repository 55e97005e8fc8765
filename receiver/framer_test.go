package receiver

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

// frames reads r to its end through a framer, as a connection does, and prints each frame as
// "framing[!truncated][?unfinished] data".
func frames(t testing.TB, r io.Reader, maxFrame int) []string {
	t.Helper()
	return framesOf(t, r, framer{max: maxFrame})
}

// framesOf is frames by a framer that has no buffer yet.
func framesOf(t testing.TB, r io.Reader, f framer) []string {
	t.Helper()
	f.buf = make([]byte, f.capacity())
	var got []string
	for {
		n, err := r.Read(f.free())
		f.w += n
		for more := true; more; {
			batch := f.frames(nil, nil)
			for _, fr := range batch {
				got = append(got, show(piece{fr.Data, fr.Framing, fr.Flags}))
			}
			more = len(batch) == batchLen
		}
		if err != nil {
			if p, ok := f.finish(); ok {
				got = append(got, show(p))
			}
			return got
		}
		if n == 0 && len(f.free()) == 0 {
			t.Fatalf("no frame in a full buffer: %q", f.buf)
		}
	}
}

func show(p piece) string {
	s := p.framing.String()
	if p.flags&Truncated != 0 {
		s += "!"
	}
	if p.flags&Unfinished != 0 {
		s += "?"
	}
	return s + " " + string(p.data)
}

func TestFramer(t *testing.T) {
	const most = 32
	f := func(name, stream string, want ...string) {
		t.Helper()
		for _, r := range []io.Reader{
			strings.NewReader(stream),
			iotest.OneByteReader(strings.NewReader(stream)),
			iotest.HalfReader(strings.NewReader(stream)),
			iotest.DataErrReader(strings.NewReader(stream)),
		} {
			if got := frames(t, r, most); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
				t.Errorf("%s: %T\n got %q\nwant %q", name, r, got, want)
			}
		}
	}
	// Delimiters.
	f("LF", "<13>a\n<13>b\n", "lf <13>a", "lf <13>b")
	f("CRLF", "<13>a\r\n<13>b\r\n", "crlf <13>a", "crlf <13>b")
	f("NUL", "<13>a\x00<13>b\x00", "nul <13>a", "nul <13>b")
	f("mixed", "a\nb\r\nc\x00d\n", "lf a", "crlf b", "nul c", "lf d")
	f("CR inside and before NUL", "a\rb\nc\r\x00", "lf a\rb", "nul c\r")
	f("identical", strings.Repeat("<13>same\n", 3), "lf <13>same", "lf <13>same", "lf <13>same")
	f("empty frames", "\n\r\n\x00\n\na\n\n", "lf a")
	f("spaces are not empty", " \n", "lf  ")
	f("unfinished", "<13>a\n<13>b", "lf <13>a", "lf? <13>b")
	f("unfinished CR", "a\r", "lf? a\r")
	f("nothing", "")

	// Octet counts.
	f("counted", "5 <13>a7 <13>abc", "octet_counting <13>a", "octet_counting <13>abc")
	f("counted trailing LF", "6 <13>a\n6 <13>b\n", "octet_counting <13>a", "octet_counting <13>b")
	f("counted trailing CRLF, NUL", "7 <13>a\r\n6 <13>b\x00", "octet_counting <13>a", "octet_counting <13>b")
	f("counted, LF not counted", "5 <13>a\n5 <13>b\n", "octet_counting <13>a", "octet_counting <13>b")
	f("counted newlines inside", "9 <13>a\nb\nc<13>d\n", "octet_counting <13>a\nb\nc", "lf <13>d")
	f("counted then everything", "5 <13>a<13>b\n<13>c\r\n<13>d\x002012-12-23T1 e\n16 f\n5 <13>g",
		"octet_counting <13>a", "lf <13>b", "crlf <13>c", "nul <13>d", "lf 2012-12-23T1 e", "lf 16 f", "octet_counting <13>g")
	f("counted unfinished", "9 <13>a", "octet_counting? <13>a")
	f("count unfinished", "5 <13>a12", "octet_counting <13>a", "lf? 12")
	f("count and space unfinished", "12 ", "lf? 12 ")
	f("one octet", "1 <x\n", "octet_counting <", "lf x")

	// What only looks like a count.
	f("digit-led", "2012-12-23T1 a\n1644579494.944824,b\n12 c\n7\n", "lf 2012-12-23T1 a", "lf 1644579494.944824,b", "lf 12 c", "lf 7")
	f("zero", "0 <13>a\n007 <13>b\n", "lf 0 <13>a", "lf 007 <13>b")
	f("negative", "-5 <13>a\n+5 <13>b\n", "lf -5 <13>a", "lf +5 <13>b")
	f("ten to the eighteenth", "1000000000000000000 <13>a\n", "lf 1000000000000000000 <13>a")
	f("nine digits", "123456789 <13>a\n", "lf 123456789 <13>a")
	f("two spaces", "5  <13>a\n", "lf 5  <13>a")
	f("tab", "5\t<13>a\n", "lf 5\t<13>a")

	// Longer than 32 bytes.
	x := func(n int) string { return strings.Repeat("x", n) }
	f("exactly", x(32)+"\n"+x(32)+"\r\n"+x(32)+"\x00a\n", "lf "+x(32), "crlf "+x(32), "nul "+x(32), "lf a")
	f("one more", x(33)+"\na\n"+x(33)+"\r\nb\n", "lf! "+x(32), "lf a", "lf! "+x(32), "lf b")
	f("much more", x(1000)+"\r\na\n", "lf! "+x(32), "lf a")
	f("never an end", x(1000), "lf! "+x(32))
	f("33 and the end", x(33), "lf!? "+x(32))
	f("counted exactly", "32 <"+x(31)+"33 <"+x(31)+"\n34 <"+x(31)+"\r\na\n",
		"octet_counting <"+x(31), "octet_counting <"+x(31), "octet_counting <"+x(31), "lf a")
	f("counted more", "33 <"+x(32)+"34 <"+x(33)+"1000 <"+x(999)+"5 <13>a",
		"octet_counting! <"+x(31), "octet_counting! <"+x(31), "octet_counting! <"+x(31), "octet_counting <13>a")
	f("1 MiB announced, then nothing", "1048576 <"+x(100), "octet_counting! <"+x(31))
	f("the most there may be", fmt.Sprint(most+maxSkip)+" <"+x(100), "octet_counting! <"+x(31))

	// Too high to be counts: what follows them may be lines of others.
	f("one more than the most", fmt.Sprint(most+maxSkip+1)+" <13>a\n<13>b\n", "lf 1048609 <13>a", "lf <13>b")
	f("a lie behind a relay", "<13>a\n99999999 <13>b\n<13>c\n5 <13>d", "lf <13>a", "lf 99999999 <13>b", "lf <13>c", "octet_counting <13>d")
	f("a lie among counts", "5 <13>a99999999 <13>b\n5 <13>c", "octet_counting <13>a", "lf 99999999 <13>b", "octet_counting <13>c")
	f("a lie without PRI among counts", "5 <13>a99999999 <b5 <13>c", "octet_counting <13>a", "lf? 99999999 <b", "octet_counting <13>c")
	f("64 MiB announced, then nothing", "67108864 <"+x(100), "lf! 67108864 <"+x(22))
	f("64 MiB announced, then a line", "67108864 <"+x(100)+"\n<13>a\n", "lf! 67108864 <"+x(22), "lf <13>a")
	f("64 MiB announced, then a count", "67108864 <"+x(100)+"5 <13>a", "lf! 67108864 <"+x(22), "octet_counting <13>a")
	f("nine digits among counts", "5 <13>a123456789 <13>b\n<13>c\n", "octet_counting <13>a", "lf? 1", "lf 23456789 <13>b", "lf <13>c")

	// Counts that lie.
	f("one too few", "6 <13>abc7 <13>def7 <13>ghi", "octet_counting <13>ab", "lf? c", "octet_counting <13>def", "octet_counting <13>ghi")
	f("one too few, LF", "6 <13>abc\n<13>def\n", "octet_counting <13>ab", "lf c", "lf <13>def")
	f("one too few, LF counted", "7 <13>abc\n7 <13>def", "octet_counting <13>abc", "octet_counting <13>def")
	f("one too many", "8 <13>abc7 <13>def7 <13>ghi", "octet_counting <13>abc7", "lf?  <13>def", "octet_counting <13>ghi")
	f("one too many, two digits", "8 <13>abc10 <13>defghi7 <13>jkl",
		"octet_counting <13>abc1", "lf? 0 <13>defghi", "octet_counting <13>jkl")
	f("one too many, LF", "8 <13>abc\n<13>def\n", "octet_counting <13>abc", "lf <13>def")
	f("no count after counts", "5 <13>a<13>b5 <13>c\n", "octet_counting <13>a", "lf <13>b5 <13>c")
	f("no count after counts, over-long", "5 <13>a<13>"+x(40)+"5 <13>c", "octet_counting <13>a", "lf! <13>"+x(28), "octet_counting <13>c")
	f("leading zeros are not in a count", "5 <13>axx007 <13>def", "octet_counting <13>a", "lf? xx00", "octet_counting <13>def")
	f("a count in a line is text", "<13>a 12 <13>b\n<13>c\n", "lf <13>a 12 <13>b", "lf <13>c")
	f("a relayed header is text", "5 <13>a<13>Jul  1 1.2.3.233 <6>b\n", "octet_counting <13>a", "lf <13>Jul  1 1.2.3.233 <6>b")
}

func TestDatagram(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := string(datagram([]byte(in))); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	f("<13>a", "<13>a")
	f("<13>a\n", "<13>a")
	f("<13>a\r\n", "<13>a")
	f("<13>a\x00", "<13>a")
	f("<13>a\n\x00", "<13>a")
	f("<13>a\n\n", "<13>a\n")
	f("<13>a\n<13>b\n", "<13>a\n<13>b")
	f("5 <13>a", "<13>a")
	f("5 <13>a\n", "<13>a")
	f("6 <13>a\n", "<13>a")
	f("7 <13>a", "7 <13>a")
	f("4 <13>a", "4 <13>a")
	f("2012-12-23T1 a", "2012-12-23T1 a")
	f("\n", "")
	f("\x00", "")
	f("", "")
}

func TestStripOctetCount(t *testing.T) {
	for in, want := range map[string]string{
		"5 <13>a": "<13>a", "99 <13>a": "<13>a", "<13>a": "<13>a", "2012-12-23T1 a": "2012-12-23T1 a", "12 a": "12 a", "12": "12", "": "",
		"12345678 <1>": "<1>", "123456789 <1>": "123456789 <1>", "05 <14>": "05 <14>", " <14>": " <14>",
	} {
		if got := string(StripOctetCount([]byte(in))); got != want {
			t.Errorf("%q: got %q", in, got)
		}
	}
}

var (
	countAtStart = regexp.MustCompile(`^([1-9][0-9]{0,7}) <`)
	countAnyhow  = regexp.MustCompile(`[1-9][0-9]{0,7} <[0-9]{1,3}>`)
	priAtStart   = regexp.MustCompile(`^<[0-9]{1,3}>`)
)

// oracle says the same as framer, from the whole stream at once and without care for speed.
func oracle(s string, maxFrame int) (got []string) {
	emit := func(data string, fr Framing, fl Flags) {
		if len(data) > maxFrame {
			data, fl = data[:maxFrame], fl|Truncated
		}
		got = append(got, show(piece{[]byte(data), fr, fl}))
	}
	counted := false
	for s != "" {
		m, n := countAtStart.FindStringSubmatch(s), 0
		if m != nil {
			n, _ = strconv.Atoi(m[1])
		}
		lie := n > maxFrame+maxSkip
		if m != nil && !lie {
			s = s[len(m[1])+1:]
			counted = true
			switch {
			case n <= len(s) && n <= maxFrame+trailerLen:
				emit(string(trimTrailer([]byte(s[:n]))), OctetCounting, 0)
			case n > maxFrame+trailerLen && len(s) >= maxFrame:
				emit(s[:maxFrame], OctetCounting, Truncated)
			default:
				emit(s, OctetCounting, Unfinished)
			}
			s = s[min(n, len(s)):]
			continue
		}
		end := strings.IndexAny(s, "\n\x00")
		window := s[:min(len(s), maxFrame+trailerLen)]
		if m := countAnyhow.FindStringIndex(window); counted && m != nil && m[0] > 0 && (end < 0 || m[0] < end) && !priAtStart.MatchString(s) {
			emit(s[:m[0]], LF, Unfinished)
			s = s[m[0]:]
			continue
		}
		switch {
		case end >= 0 && end < maxFrame+trailerLen:
			data, fr := s[:end], LF
			if s[end] == 0 {
				fr = NUL
			} else if strings.HasSuffix(data, "\r") {
				data, fr = data[:end-1], CRLF
			}
			if data != "" {
				emit(data, fr, 0)
			}
			s, counted = s[end+1:], false
		case len(s) < maxFrame+trailerLen:
			emit(s, LF, Unfinished)
			return got
		default:
			emit(s[:maxFrame], LF, Truncated)
			s, counted = s[maxFrame:], counted || lie
			end = strings.IndexAny(s, "\n\x00")
			m := countAnyhow.FindStringIndex(s)
			switch {
			case counted && m != nil && (end < 0 || m[0] < end):
				s = s[m[0]:]
			case end >= 0:
				s, counted = s[end+1:], false
			default:
				return got
			}
		}
	}
	return got
}

// scatter gives the stream in pieces of 1 to 40 bytes.
type scatter struct {
	rest []byte
	rnd  *rand.Rand
}

func (s *scatter) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 1+s.rnd.IntN(40))], s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func sameFrames(t testing.TB, stream []byte, maxFrame int, seed uint64) {
	want := oracle(string(stream), maxFrame)
	for _, r := range []io.Reader{
		bytes.NewReader(stream),
		iotest.OneByteReader(bytes.NewReader(stream)),
		&scatter{stream, rand.New(rand.NewPCG(seed, 0))},
	} {
		got := frames(t, r, maxFrame)
		if len(got) != len(want) {
			t.Fatalf("%q %T max %d:\n got %q\nwant %q", stream, r, maxFrame, got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%q %T max %d: frame %d\n got %q\nwant %q", stream, r, maxFrame, i, got[i], want[i])
			}
		}
	}
}

// TestFramerSplits puts random pieces of syslog together and holds any split into reads against
// the oracle.
func TestFramerSplits(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	words := []string{
		"<13>a", "<13>", "\n", "\r\n", "\x00", "\r", "5 <13>a", "6 <13>a\n", "4 <", "12 ", "12 <13>", "0", "9", "40 <13>",
		"12345678 <1>", "123456789 <1>", "99999999 <13>a", "1048600 <1>", "x", "-->", " <", "<1", "xxxxxxxxxxxxxxxxxxxxxxxx", "2012-12-23T1 ",
	}
	for range 20000 {
		var b []byte
		for range rnd.IntN(30) {
			b = append(b, words[rnd.IntN(len(words))]...)
		}
		sameFrames(t, b, 16+rnd.IntN(64), rnd.Uint64())
	}
}

// Where only lines are taken, a count is text, whole or not, and each delimiter ends a frame.
func TestFramerOfLines(t *testing.T) {
	f := func(stream string, want ...string) {
		t.Helper()
		for _, r := range []io.Reader{strings.NewReader(stream), iotest.OneByteReader(strings.NewReader(stream))} {
			if got := framesOf(t, r, framer{max: 32, lines: true}); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
				t.Errorf("%q:\n got %q\nwant %q", stream, got, want)
			}
		}
	}
	f("<13>a\n60000 <html>\n<13>b\r\n<13>c\x00", "lf <13>a", "lf 60000 <html>", "crlf <13>b", "nul <13>c")
	f("5 <13>a7 <13>abc\n5 <13>b\n", "lf 5 <13>a7 <13>abc", "lf 5 <13>b")
	f("99999999 <13>a\n<13>b\n", "lf 99999999 <13>a", "lf <13>b")
	f("<13>a\n12 ", "lf <13>a", "lf? 12 ")
	f("9 <13>a", "lf? 9 <13>a")
	f(strings.Repeat("x", 33)+"5 <13>a\n<13>b\n", "lf! "+strings.Repeat("x", 32), "lf <13>b")
}

func FuzzFramer(f *testing.F) {
	f.Add([]byte("<13>a\n5 <13>b6 <13>c\n\x00\r\n2012 d\n"), uint16(20))
	f.Add([]byte("6 <13>abc7 <13>def99999999 <x"), uint16(8))
	f.Add([]byte("5 <13>axxxxxxxxxxxxxxxxxxxxxxx 12345678 <123>\n"), uint16(4))
	f.Add([]byte("99999999 <13>a\n1048600 <13>b\n67108864 <xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx5 <13>c"), uint16(8))
	f.Fuzz(func(t *testing.T, stream []byte, maxFrame uint16) {
		sameFrames(t, stream[:min(len(stream), 4096)], 16+int(maxFrame)%600, uint64(maxFrame))
	})
}

func FuzzDatagram(f *testing.F) {
	f.Add([]byte("5 <13>a\n\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := datagram(bytes.Clone(b)); !bytes.Contains(b, got) {
			t.Fatalf("%q became %q", b, got)
		}
	})
}

// TestFramerCost holds the framer to work that grows with the stream, not with its square, for
// streams that come byte by byte or have no delimiter: what it has looked at may become a delimiter
// behind its back, and it does not see it.
func TestFramerCost(t *testing.T) {
	for _, begin := range []byte("x<") {
		f := framer{max: 1 << 16, buf: make([]byte, 1<<17)}
		for i := range 1 << 16 {
			f.w++
			f.buf[i] = begin
			if got := f.frames(nil, nil); len(got) > 0 {
				t.Fatalf("a frame of %d bytes after %d", len(got[0].Data), i)
			}
			if i > 0 {
				f.buf[i] = "\n\x00"[i%2]
			}
		}
	}
}

func BenchmarkFramer(b *testing.B) {
	line := strings.Repeat("x", 225)
	for _, c := range []struct{ name, frame string }{
		{"lf", "<166>" + line + "\n"}, {"nul", "<166>" + line + "\x00"}, {"counted", "230 <166>" + line},
	} {
		b.Run(c.name, func(b *testing.B) {
			stream := []byte(strings.Repeat(c.frame, 1000))
			f := framer{max: 1 << 16, buf: stream}
			batch := make([]Frame, 0, batchLen)
			b.SetBytes(int64(len(stream)))
			b.ReportAllocs()
			for b.Loop() {
				f.r, f.w, f.lf, f.nul = 0, len(stream), seeker{}, seeker{}
				n := 0
				for more := true; more; {
					batch = f.frames(batch[:0], nil)
					n += len(batch)
					more = len(batch) == batchLen
				}
				if n != 1000 {
					b.Fatal(n)
				}
			}
		})
	}
}
