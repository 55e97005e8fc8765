// Command benchtable turns the output of `go test -bench` into a table for docs/performance.md and
// holds it against bounds.
//
//	go test -run '^$' -bench . -count 10 ./event ./decode | go run ./test/benchtable -bounds test/benchtable/bounds.txt
//
// Of each benchmark the fastest run counts: a busy machine only ever makes one slower. Since no
// number of nanoseconds holds on every machine, a benchmark is also given as a multiple of
// BenchmarkFloorParse (a hostd line parsed and written as JSON in the simplest way), and only
// multiples and allocations have bounds. Exit: 0 fine, 2 usage, 3 beyond a bound.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// floorName is the yardstick.
const floorName = "FloorParse"

// measure is the fastest run of one benchmark.
type measure struct {
	name   string
	ns     float64
	mbs    float64 // MB/s; 0 = not stated
	allocs float64 // the most of any run
	runs   int
}

// bound is what a benchmark must not go beyond.
type bound struct {
	multiple, allocs float64
}

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, in io.Reader, out, errs io.Writer) int {
	fs := flag.NewFlagSet("benchtable", flag.ContinueOnError)
	fs.SetOutput(errs)
	path := fs.String("bounds", "", "`FILE` of lines: benchmark, greatest multiple of the floor (- = any), most allocations")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	bounds, err := readBounds(*path)
	if err != nil {
		_, _ = fmt.Fprintln(errs, "benchtable:", err) // Nobody is left to tell.
		return 2
	}
	measures := read(in)
	floor := 0.0
	if i := slices.IndexFunc(measures, func(m measure) bool { return m.name == floorName }); i >= 0 {
		floor = measures[i].ns
	}
	table(out, measures, floor)
	faults := check(measures, floor, bounds)
	for _, f := range faults {
		_, _ = fmt.Fprintln(out, f) // As above.
	}
	if len(faults) > 0 {
		return 3
	}
	return 0
}

// read takes lines such as
// BenchmarkAppendJSON/full/l2sec-2   10000   512.0 ns/op   410.1 MB/s   0 B/op   0 allocs/op.
func read(in io.Reader) (all []measure) {
	for sc := bufio.NewScanner(in); sc.Scan(); {
		f := strings.Fields(sc.Text())
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		m := measure{name: strings.TrimPrefix(f[0], "Benchmark"), runs: 1}
		if i := strings.LastIndexByte(m.name, '-'); i > 0 { // GOMAXPROCS
			m.name = m.name[:i]
		}
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				break
			}
			switch f[i+1] {
			case "ns/op":
				m.ns = v
			case "MB/s":
				m.mbs = v
			case "allocs/op":
				m.allocs = v
			}
		}
		i := slices.IndexFunc(all, func(o measure) bool { return o.name == m.name })
		if i < 0 {
			all = append(all, m)
			continue
		}
		o := &all[i]
		o.runs++
		o.allocs = max(o.allocs, m.allocs)
		if m.ns < o.ns {
			o.ns, o.mbs = m.ns, m.mbs
		}
	}
	return all
}

func table(out io.Writer, measures []measure, floor float64) {
	w := bufio.NewWriter(out)
	defer w.Flush() //nolint:errcheck // Nobody is left to tell.
	_, _ = fmt.Fprintf(w, "| benchmark | ns | × floor | MB/s | allocations | runs |\n|---|---|---|---|---|---|\n")
	for _, m := range measures {
		multiple, mbs := "", ""
		if floor > 0 {
			multiple = fmt.Sprintf("%.2f", m.ns/floor)
		}
		if m.mbs > 0 {
			mbs = fmt.Sprintf("%.0f", m.mbs)
		}
		_, _ = fmt.Fprintf(w, "| %s | %.1f | %s | %s | %.0f | %d |\n", m.name, m.ns, multiple, mbs, m.allocs, m.runs)
	}
}

func check(measures []measure, floor float64, bounds map[string]bound) (faults []string) {
	for _, m := range measures {
		b, ok := bounds[m.name]
		if !ok {
			continue
		}
		delete(bounds, m.name)
		if b.multiple > 0 && floor > 0 && m.ns > b.multiple*floor {
			faults = append(faults, fmt.Sprintf("%s: %.2f times the floor, the bound is %.2f", m.name, m.ns/floor, b.multiple))
		}
		if b.multiple > 0 && floor == 0 {
			faults = append(faults, fmt.Sprintf("%s: Benchmark%s did not run, so there is nothing to compare with", m.name, floorName))
		}
		if m.allocs > b.allocs {
			faults = append(faults, fmt.Sprintf("%s: %.0f allocations, the bound is %.0f", m.name, m.allocs, b.allocs))
		}
	}
	for name := range bounds {
		faults = append(faults, name+": has a bound and did not run")
	}
	slices.Sort(faults)
	return faults
}

func readBounds(path string) (map[string]bound, error) {
	bounds := map[string]bound{}
	if path == "" {
		return bounds, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read bounds: %w", err)
	}
	for n, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		var b bound
		if len(f) == 3 && f[1] != "-" {
			b.multiple, err = strconv.ParseFloat(f[1], 64)
		}
		if len(f) == 3 && err == nil {
			b.allocs, err = strconv.ParseFloat(f[2], 64)
		}
		if len(f) != 3 || err != nil {
			return nil, fmt.Errorf("%s:%d: %q is not: name, multiple or -, allocations", path, n+1, line)
		}
		bounds[f[0]] = b
	}
	return bounds, nil
}
