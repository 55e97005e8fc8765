package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// sure is the confidence from which a join must be right.
const sure = 0.85

// leastRight is how many of a hundred lines with a client name must name the right machine.
const leastRight = 95

// fact is the truth about a line, as estate writes it.
type fact struct {
	Stamp   time.Time `json:"stamp"`
	At      string    `json:"at"`
	Host    string    `json:"host"`
	Grammar string    `json:"grammar"`
	Port    uint32    `json:"port_id_dec"`
	VM      string    `json:"vm"`
	Name    string    `json:"name"`
	Kernel  string    `json:"kernel"`
	NIC     int32     `json:"nic"`
	LateMS  int64     `json:"late_ms"`

	seen bool
}

// joined is what an event says of its line.
type joined struct {
	Stamp  time.Time `json:"@timestamp"`
	VMware struct {
		Enrichment struct {
			Confidence float64  `json:"confidence"`
			Match      []string `json:"match"`
			Status     string   `json:"status"`
		} `json:"enrichment"`
		VM struct {
			MOID string `json:"moid"`
			Name string `json:"name"`
		} `json:"vm"`
		VNIC struct {
			Key int32 `json:"key"`
		} `json:"vnic"`
		L2Sec struct {
			Port uint32 `json:"port_id_dec"`
		} `json:"l2sec"`
		NetPort struct {
			Port uint32 `json:"port_id_dec"`
		} `json:"netport"`
	} `json:"vmware"`
}

// rates counts the answers to the lines of one grammar.
type rates struct {
	Lines   int     `json:"lines"`
	Right   int     `json:"right"`           // named for certain, and that is it
	Unsure  int     `json:"right_unsure"`    // the one it was, said to be unsure
	Other   int     `json:"unsure"`          // somebody else, said to be unsure
	Unknown int     `json:"unresolved"`      // nobody
	Wrong   int     `json:"wrong"`           // somebody else for certain
	Adapter int     `json:"wrong_adapter"`   // the right machine for certain, another of its adapters
	Percent float64 `json:"right_percent"`   // right, sure or not
	Certain float64 `json:"certain_percent"` // right and sure
}

// truthVerdict is the last line of output in truth mode.
type truthVerdict struct {
	Verdict string            `json:"verdict"` // ok or fault
	Lines   int               `json:"lines"`   // events of lines that the truth knows
	Wrong   int               `json:"wrong"`
	Missing int               `json:"missing"` // lines in the truth without an event
	Foreign int               `json:"other"`   // events of no line in the truth
	Changed int               `json:"changed"` // events whose port is not that of their line
	New     float64           `json:"new_right_percent"`
	Estate  json.RawMessage   `json:"estate,omitempty"`
	Rates   map[string]*rates `json:"rates"`
}

// truthJudge compares joins with the truth about their lines.
type truthJudge struct {
	facts   map[int64]*fact // by stamp, in milliseconds
	v       truthVerdict
	out     io.Writer
	printed int
}

// readTruth reads what estate wrote.
func readTruth(path string, out io.Writer) (*truthJudge, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("-truth: %w", err)
	}
	j := &truthJudge{facts: map[int64]*fact{}, out: out}
	j.v.Rates = map[string]*rates{}
	for i, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		var head struct {
			Estate json.RawMessage `json:"estate"`
		}
		if i == 0 && json.Unmarshal(line, &head) == nil && head.Estate != nil {
			j.v.Estate = head.Estate
			continue
		}
		f := &fact{}
		if err := json.Unmarshal(line, f); err != nil || f.Grammar == "" {
			return nil, fmt.Errorf("-truth: %s:%d: not a fact of estate: %.80q", path, i+1, line)
		}
		j.facts[f.Stamp.UnixMilli()] = f
	}
	if j.v.Estate == nil {
		return nil, fmt.Errorf("-truth: %s: not a truth file of estate", path)
	}
	return j, nil
}

func (j *truthJudge) tell(format string, args ...any) {
	if j.printed++; j.printed <= maxPrinted {
		_, _ = fmt.Fprintf(j.out, format+"\n", args...) // Nobody is left to tell.
	}
	if j.printed == maxPrinted {
		_, _ = fmt.Fprintln(j.out, "further faults are only counted")
	}
}

// read judges the events of one file.
func (j *truthJudge) read(name string, in io.Reader) error {
	r := bufio.NewScanner(in)
	r.Buffer(nil, 64<<20)
	for n := 1; r.Scan(); n++ {
		if len(r.Bytes()) == 0 {
			continue
		}
		var e joined
		if err := json.Unmarshal(r.Bytes(), &e); err != nil {
			return fmt.Errorf("line %d is not an event: %w", n, err)
		}
		j.event(&e)
	}
	if err := r.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// event judges one join.
func (j *truthJudge) event(e *joined) {
	f := j.facts[e.Stamp.UnixMilli()]
	if f == nil {
		j.v.Foreign++
		return
	}
	j.v.Lines++
	f.seen = true
	if f.Grammar == "noise" {
		return
	}
	x := &e.VMware
	if port := max(x.L2Sec.Port, x.NetPort.Port); port != f.Port {
		j.v.Changed++
		j.tell("%s %s: a line about port 0x%x became an event about 0x%x", f.At, f.Host, f.Port, port)
		return
	}
	r := j.v.Rates[f.Grammar]
	if r == nil {
		r = &rates{}
		j.v.Rates[f.Grammar] = r
	}
	r.Lines++
	certain := x.Enrichment.Confidence >= sure
	named := x.VM.MOID != "" || x.VM.Name != ""
	right := x.VM.MOID == f.VM
	if x.VM.MOID == "" { // known by lines or imports only
		right = x.VM.Name == f.Name || x.VM.Name == f.Kernel
	}
	switch {
	case f.VM == "" && !named && certain:
		r.Right++ // a port of the host itself
	case !named:
		r.Unknown++
	case right && certain:
		r.Right++
		if x.VNIC.Key != 0 && x.VNIC.Key != f.NIC {
			r.Adapter++
		}
	case right:
		r.Unsure++
	case certain:
		r.Wrong++
		j.v.Wrong++
		j.tell("%s %s, %d ms late, %s grammar: port 0x%x was held by %s (%q, to VMkernel %q), and the event says %s (%q) with %.3f by %v, %s",
			f.At, f.Host, f.LateMS, f.Grammar, f.Port, f.VM, f.Name, f.Kernel, x.VM.MOID, x.VM.Name, x.Enrichment.Confidence, x.Enrichment.Match, x.Enrichment.Status)
	default:
		r.Other++
	}
}

// verdict closes the books.
func (j *truthJudge) verdict() truthVerdict {
	for _, f := range j.facts {
		if !f.seen {
			j.v.Missing++
		}
	}
	for _, r := range j.v.Rates {
		r.Percent, r.Certain = percent(r.Right+r.Unsure, r.Lines), percent(r.Right, r.Lines)
	}
	j.v.New = 100
	if r := j.v.Rates["new"]; r != nil {
		j.v.New = r.Percent
	}
	j.v.Verdict = "ok"
	if j.v.Wrong+j.v.Missing+j.v.Changed > 0 || j.v.New < leastRight {
		j.v.Verdict = "fault"
	}
	return j.v
}

// percent rounds down to a tenth.
func percent(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(1000*n/of) / 10
}

// grammars are the rows of the table, in order.
var grammars = [...]string{"new", "old", "netport", "own"}

// table prints the rates, a row for each grammar.
func (v *truthVerdict) table(out io.Writer) {
	_, _ = fmt.Fprintf(out, "%-8s %7s %7s %7s %7s %7s %7s %7s %8s %8s\n", // Nobody is left to tell.
		"grammar", "lines", "right", "unsure", "other", "nobody", "wrong", "adapter", "right %", "sure %")
	for _, g := range grammars {
		if r := v.Rates[g]; r != nil {
			_, _ = fmt.Fprintf(out, "%-8s %7d %7d %7d %7d %7d %7d %7d %8.1f %8.1f\n", // Likewise.
				g, r.Lines, r.Right, r.Unsure, r.Other, r.Unknown, r.Wrong, r.Adapter, r.Percent, r.Certain)
		}
	}
}

// judgeTruth runs the truth mode.
func judgeTruth(truth string, files []string, stdin io.Reader, stdout, stderr io.Writer) int {
	j, err := readTruth(truth, stdout)
	if err != nil {
		return complain(stderr, err, 2)
	}
	for _, path := range files {
		if err := readFile(path, stdin, j.read); err != nil {
			return complain(stderr, err, 1)
		}
	}
	v := j.verdict()
	if v.New < leastRight {
		j.tell("only %.1f %% of the lines with a client name are right, and %d must be", v.New, leastRight)
	}
	v.table(stdout)
	_ = json.NewEncoder(stdout).Encode(v) // Nobody is left to tell.
	if v.Verdict != "ok" {
		return 3
	}
	return 0
}
