// Command judge reads what a collector wrote and says whether each numbered line of loadgen is
// there, once, and in the order of its sender; or whether each line of estate was joined with the right machine.
//
//	go run ./test/judge out.ndjson.20261120T100000Z.gz out.ndjson
//	go run ./test/judge -expect loadgen.json - < out.ndjson
//
// Files are read in the order given, as one stream; gzip is recognised. A file whose first line
// is a JSON object must hold one on every line; any other is taken as plain lines.
//
// A line that comes again with the same event.id is a repeat, which at-least-once delivery allows.
// Faults are: missing numbers, one line under two ids, one id on two lines, a line that comes again
// without an id, a first delivery after that of a later number, a line that is no JSON.
//
// With -truth it judges joins instead: each event is compared with what estate wrote down about its line
// (a line is known by its stamp). A join is wrong when it names another machine with a confidence of 0.85 or
// more. Faults are: a wrong join, a line of the truth without an event, an event about another port than its line, fewer than 95
// of 100 lines with a client name that name the right machine. A table of rates comes before the verdict.
//
// The last line of stdout is the verdict, a JSON object. Exit: 0 fine, 1 cannot read, 2 usage,
// 3 a fault.
package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// verdict is the last line of output.
type verdict struct {
	Verdict  string `json:"verdict"` // ok or fault
	Lines    uint64 `json:"lines"`   // all lines read
	Unique   uint64 `json:"unique"`  // different numbered lines
	Repeats  uint64 `json:"repeats"` // the same line again under the same id: allowed
	Other    uint64 `json:"other"`   // lines without a token
	Senders  int    `json:"senders"`
	Expected uint64 `json:"expected,omitempty"`

	Missing    uint64 `json:"missing"`
	Unexpected uint64 `json:"unexpected"` // numbers beyond what -expect says was sent
	TwoIDs     uint64 `json:"two_ids"`    // the same line again under another id
	SharedIDs  uint64 `json:"shared_ids"` // another line under an id that was used
	NoID       uint64 `json:"no_id"`      // the same line again without an id
	Disorder   uint64 `json:"disorder"`   // first deliveries after that of a later number
	Invalid    uint64 `json:"invalid"`    // lines that are no JSON object, in a file of them
}

func (v *verdict) fault() bool {
	return v.Missing+v.Unexpected+v.TwoIDs+v.SharedIDs+v.NoID+v.Disorder+v.Invalid > 0
}

// expectation is what was sent, of -expect.
type expectation struct {
	total   uint64
	senders map[int][2]uint64 // first and last number
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("judge", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Bool("sequence", true, "judge the numbers of loadgen's lines, unless -truth is given")
	truth := fs.String("truth", "", "`FILE` that estate wrote: judge joins by it")
	var expect []string
	fs.Func("expect", "`N` lines in all, or FILE with loadgen's report; may be given several times", func(s string) error {
		expect = append(expect, s)
		return nil
	})
	each := fs.Bool("senders", false, "print a line for each sender before the verdict")
	fs.Usage = func() {
		_, _ = fmt.Fprintln(stderr, "usage: judge [-sequence] [-expect N|FILE]… [-senders] FILE…   (- = standard input)\n       judge -truth FILE FILE…")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return 2
	}
	want, err := readExpectations(expect)
	if err == nil && fs.NArg() == 0 {
		err = errors.New("no file to judge; write - for standard input")
	}
	if err != nil {
		return complain(stderr, err, 2)
	}
	if *truth != "" {
		return judgeTruth(*truth, fs.Args(), stdin, stdout, stderr)
	}
	j := newJudge(stdout)
	for _, path := range fs.Args() {
		if err := readFile(path, stdin, j.read); err != nil {
			return complain(stderr, err, 1)
		}
	}
	v := j.verdict(want)
	if *each {
		j.printSenders(stdout)
	}
	_ = json.NewEncoder(stdout).Encode(v) // Nobody is left to tell.
	if v.fault() {
		return 3
	}
	return 0
}

func complain(stderr io.Writer, err error, code int) int {
	_, _ = fmt.Fprintln(stderr, "judge:", err) // Nobody is left to tell.
	return code
}

// readFile hands a file, plain or packed, to a reader.
func readFile(path string, stdin io.Reader, read func(name string, in io.Reader) error) error {
	in := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("open: %w", err)
		}
		defer f.Close() //nolint:errcheck // Only read from.
		in = f
	}
	r := bufio.NewReaderSize(in, 1<<20)
	in = r
	if magic, _ := r.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		gz, err := gzip.NewReader(r)
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		in = gz
	}
	if err := read(path, in); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// readExpectations adds up counts and loadgen reports.
func readExpectations(args []string) (want expectation, err error) {
	want.senders = map[int][2]uint64{}
	for _, arg := range args {
		var n uint64
		if _, err := fmt.Sscanf(arg, "%d", &n); err == nil && strings.Trim(arg, "0123456789") == "" {
			want.total += n
			continue
		}
		text, err := os.ReadFile(arg)
		if err != nil {
			return want, fmt.Errorf("-expect: %w", err)
		}
		var rep struct {
			Sent    uint64
			Senders []struct {
				Sender      int
				First, Last uint64
			}
		}
		lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
		if err := json.Unmarshal(lines[len(lines)-1], &rep); err != nil || rep.Senders == nil {
			return want, fmt.Errorf("-expect: %s: not a report of loadgen", arg)
		}
		want.total += rep.Sent
		for _, s := range rep.Senders {
			if have, ok := want.senders[s.Sender]; ok { // One sender over several runs.
				s.First, s.Last = min(s.First, have[0]), max(s.Last, have[1])
			}
			want.senders[s.Sender] = [2]uint64{s.First, s.Last}
		}
	}
	return want, nil
}
