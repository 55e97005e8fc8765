package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"maps"
	"slices"
)

// pageSize is how many numbers of a sender share a page. Small, since there may be thousands of
// senders with few lines each.
const pageSize = 512

// maxPrinted is how many faults are told one by one.
const maxPrinted = 20

// judge remembers, for each number of each sender, 8 bytes of its id.
type judge struct {
	v       verdict
	senders map[int]*tally
	seed    maphash.Seed
	out     io.Writer
	printed int
}

// tally is one sender.
type tally struct {
	pages       map[uint64]*[pageSize]uint64 // of numbers: hash of the event id; 0 = not seen
	page        *[pageSize]uint64            // the last one used
	pageNo      uint64
	unique      uint64
	disorder    uint64
	first, last uint64 // lowest and highest number seen
}

func newJudge(out io.Writer) *judge {
	return &judge{senders: map[int]*tally{}, seed: maphash.MakeSeed(), out: out}
}

// tell prints a fault, the first few times.
func (j *judge) tell(format string, args ...any) {
	if j.printed++; j.printed <= maxPrinted {
		_, _ = fmt.Fprintf(j.out, format+"\n", args...) // Nobody is left to tell.
	}
	if j.printed == maxPrinted {
		_, _ = fmt.Fprintln(j.out, "further faults are only counted")
	}
}

// read judges one file.
func (j *judge) read(name string, in io.Reader) error {
	r := bufio.NewReaderSize(in, 1<<20)
	start, _ := r.Peek(1)
	objects := len(start) == 1 && start[0] == '{'
	var long []byte // a line that does not fit r's buffer
	for n := 1; ; n++ {
		line, err := r.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) {
			long = append(long, line...)
			line, err = r.ReadSlice('\n')
		}
		if len(long) > 0 {
			long = append(long, line...)
			line = long
			long = long[:0]
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if text := bytes.TrimSuffix(line, []byte("\n")); len(text) > 0 {
			if objects && (text[0] != '{' || !json.Valid(text) || err != nil) { // The last line of NDJSON ends in LF too.
				j.v.Invalid++
				j.tell("%s:%d: not a whole JSON object: %.80q", name, n, text)
			}
			j.line(text)
		}
		if err != nil {
			return nil
		}
	}
}

// line judges one line.
func (j *judge) line(text []byte) {
	j.v.Lines++
	host, number, ok := findToken(text)
	if !ok {
		j.v.Other++
		return
	}
	s := j.senders[host]
	if s == nil {
		s = &tally{pages: map[uint64]*[pageSize]uint64{}, first: number}
		j.senders[host] = s
	}
	id, hasID := findID(text)
	hash := max(maphash.Bytes(j.seed, id), 1)
	seen := s.slot(number)
	switch {
	case *seen == 0:
		*seen = hash
		s.unique++
		if number < s.last {
			j.v.Disorder++
			s.disorder++
			j.tell("sender %d: %d comes first after %d", host, number, s.last)
		}
		s.first, s.last = min(s.first, number), max(s.last, number)
	case !hasID:
		j.v.NoID++
		j.tell("sender %d: %d comes again without an id", host, number)
	case *seen == hash:
		j.v.Repeats++
	default:
		j.v.TwoIDs++
		j.tell("sender %d: %d comes again under another id: %s", host, number, id)
	}
}

func (s *tally) slot(number uint64) *uint64 {
	if no := number / pageSize; s.page == nil || no != s.pageNo {
		if s.pages[no] == nil {
			s.pages[no] = new([pageSize]uint64)
		}
		s.page, s.pageNo = s.pages[no], no
	}
	return &s.page[number%pageSize]
}

// verdict closes the books. want may be empty: then each sender's numbers are due from 1 to the
// highest seen.
func (j *judge) verdict(want expectation) verdict {
	v := &j.v
	v.Senders, v.Expected = len(j.senders), want.total
	for _, host := range slices.Sorted(maps.Keys(j.senders)) {
		s := j.senders[host]
		v.Unique += s.unique
		due, known := want.senders[host]
		if !known {
			due = [2]uint64{1, s.last}
			if len(want.senders) > 0 {
				v.Unexpected += s.unique
				j.tell("sender %d: %d lines, and none were sent", host, s.unique)
				continue
			}
		}
		j.missing(host, s, due[0], due[1])
		if s.last > due[1] || s.first < due[0] {
			v.Unexpected++
			j.tell("sender %d: numbers %d to %d, and %d to %d were sent", host, s.first, s.last, due[0], due[1])
		}
	}
	for _, host := range slices.Sorted(maps.Keys(want.senders)) {
		if due := want.senders[host]; j.senders[host] == nil && due[1] >= due[0] {
			v.Missing += due[1] - due[0] + 1
			j.tell("sender %d: all of %d to %d are missing", host, due[0], due[1])
		}
	}
	if len(want.senders) == 0 && want.total > 0 && v.Missing == 0 && v.Unique != want.total {
		if v.Unique < want.total {
			v.Missing = want.total - v.Unique
		} else {
			v.Unexpected = v.Unique - want.total
		}
		j.tell("%d lines, and %d were sent", v.Unique, want.total)
	}
	j.sharedIDs()
	v.Verdict = "ok"
	if v.fault() {
		v.Verdict = "fault"
	}
	return *v
}

// missing counts the numbers from first to last that were not seen, and tells the runs of them.
func (j *judge) missing(host int, s *tally, first, last uint64) {
	for n := first; n <= last; n++ {
		if page := s.pages[n/pageSize]; page != nil && page[n%pageSize] != 0 {
			continue
		}
		from := n
		for n < last {
			if page := s.pages[(n+1)/pageSize]; page == nil {
				n = min(last, ((n+1)/pageSize+1)*pageSize-1)
			} else if page[(n+1)%pageSize] == 0 {
				n++
			} else {
				break
			}
		}
		j.v.Missing += n - from + 1
		j.tell("sender %d: %d to %d missing", host, from, n)
	}
}

// sharedIDs looks for two lines under one id.
func (j *judge) sharedIDs() {
	noID := max(maphash.Bytes(j.seed, nil), 1)
	all := make([]uint64, 0, j.v.Unique)
	for _, s := range j.senders {
		for _, page := range s.pages {
			for _, hash := range page {
				if hash != 0 && hash != noID {
					all = append(all, hash)
				}
			}
		}
	}
	slices.Sort(all)
	for i := 1; i < len(all); i++ {
		if all[i] == all[i-1] {
			j.v.SharedIDs++
		}
	}
	if j.v.SharedIDs > 0 {
		j.tell("%d lines have an id that another line has", j.v.SharedIDs)
	}
}

func (j *judge) printSenders(out io.Writer) {
	for _, host := range slices.Sorted(maps.Keys(j.senders)) {
		s := j.senders[host]
		_, _ = fmt.Fprintf(out, `{"sender":%d,"unique":%d,"first":%d,"last":%d,"disorder":%d}`+"\n", host, s.unique, s.first, s.last, s.disorder) // Nobody is left to tell.
	}
}
