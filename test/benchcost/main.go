// Command benchcost holds what an event costs against bench/costs.txt: instructions and allocations of benchmarks. Time
// is not looked at, so a busy machine changes nothing.
//
//	go run ./test/benchcost            compare; what costs more than a tenth more than recorded is a fault
//	go run ./test/benchcost -renew     measure, and record
//
// Instructions are those that valgrind's callgrind counts for a benchmark of n operations, taken from one of 2n. Without
// valgrind only allocations are compared, and it says so. Exit: 0 fine, 1 cannot measure, 2 usage, 3 beyond a bound.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// slack is how much more an event may cost than recorded: another processor takes other ways through the runtime.
const slack = 1.10

// cost is one line of the file.
type cost struct {
	pkg, bench   string
	operations   int
	instructions float64
	allocations  float64
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	fs := flag.NewFlagSet("benchcost", flag.ContinueOnError)
	renew := fs.Bool("renew", false, "record what is measured")
	path := fs.String("file", "bench/costs.txt", "`FILE` of lines: package, benchmark, operations, instructions, allocations")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	text, err := os.ReadFile(*path)
	if err != nil {
		return failed(err)
	}
	recorded, err := parse(string(text))
	if err != nil {
		return failed(fmt.Errorf("%s: %w", *path, err))
	}
	m := meter{}
	if m.valgrind, err = exec.LookPath("valgrind"); err != nil {
		if *renew {
			return failed(errors.New("valgrind is needed to record instructions"))
		}
		fmt.Println("NOT MEASURED: instructions: valgrind is not installed; allocations are compared alone")
	}
	if m.dir, err = os.MkdirTemp("", "benchcost-"); err != nil {
		return failed(err)
	}
	defer os.RemoveAll(m.dir) //nolint:errcheck // In the temporary folder of the system.
	var faults []string
	now := make([]cost, len(recorded))
	for i, c := range recorded {
		if now[i], err = m.measure(c); err != nil {
			return failed(fmt.Errorf("%s %s: %w", c.pkg, c.bench, err))
		}
		fmt.Printf("%-10s %-28s %8.0f instructions, recorded %8.0f; %.0f allocations, recorded %.0f\n", c.pkg, c.bench, now[i].instructions, c.instructions, now[i].allocations, c.allocations)
		faults = append(faults, compare(c, now[i])...)
	}
	if *renew {
		if err := os.WriteFile(*path, []byte(render(string(text), now)), 0o644); err != nil {
			return failed(err)
		}
		return 0
	}
	for _, f := range faults {
		fmt.Println(f)
	}
	if len(faults) > 0 {
		fmt.Println("where that is what you want: go run ./test/benchcost -renew")
		return 3
	}
	return 0
}

func failed(err error) int {
	_, _ = fmt.Fprintln(os.Stderr, "benchcost:", err)
	return 1
}

// compare says what now is beyond the record.
func compare(was, now cost) (faults []string) {
	if now.instructions > was.instructions*slack {
		faults = append(faults, fmt.Sprintf("%s %s: %.0f instructions, %.0f are recorded", was.pkg, was.bench, now.instructions, was.instructions))
	}
	if now.allocations > was.allocations {
		faults = append(faults, fmt.Sprintf("%s %s: %.0f allocations, %.0f are recorded", was.pkg, was.bench, now.allocations, was.allocations))
	}
	return faults
}

// parse reads the file; what follows a # is for people.
func parse(text string) (all []cost, err error) {
	for n, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		c := cost{}
		ok := len(f) == 5
		if ok {
			var e1, e2, e3 error
			c.pkg, c.bench = f[0], f[1]
			c.operations, e1 = strconv.Atoi(f[2])
			c.instructions, e2 = strconv.ParseFloat(f[3], 64)
			c.allocations, e3 = strconv.ParseFloat(f[4], 64)
			ok = errors.Join(e1, e2, e3) == nil && c.operations > 0
		}
		if !ok {
			return nil, fmt.Errorf("line %d: %q is not: package, benchmark, operations, instructions, allocations", n+1, line)
		}
		all = append(all, c)
	}
	return all, nil
}

// render writes the file anew, with the remarks at its beginning as they were.
func render(old string, all []cost) string {
	var b strings.Builder
	for line := range strings.Lines(old) {
		if !strings.HasPrefix(line, "#") {
			break
		}
		b.WriteString(line)
	}
	for _, c := range all {
		fmt.Fprintf(&b, "%-10s %-28s %8d %8.0f %4.0f\n", c.pkg, c.bench, c.operations, c.instructions, c.allocations)
	}
	return b.String()
}

// meter runs benchmarks.
type meter struct{ valgrind, dir string }

func (m meter) measure(c cost) (cost, error) {
	binary := filepath.Join(m.dir, filepath.Base(c.pkg)+".test")
	if _, err := os.Stat(binary); err != nil {
		if out, err := exec.Command("go", "test", "-c", "-o", binary, "./"+c.pkg).CombinedOutput(); err != nil {
			return c, fmt.Errorf("build: %w\n%s", err, out)
		}
	}
	out, err := m.bench(c, c.operations, binary).CombinedOutput()
	if err != nil {
		return c, fmt.Errorf("%w\n%s", err, out)
	}
	if c.allocations, err = allocations(string(out)); err != nil || m.valgrind == "" {
		return c, err
	}
	once, err := m.instructions(c, c.operations, binary)
	if err != nil {
		return c, err
	}
	twice, err := m.instructions(c, 2*c.operations, binary)
	c.instructions = (twice - once) / float64(c.operations)
	return c, err
}

// bench is the command of n operations of a benchmark, behind another one where given.
func (m meter) bench(c cost, n int, command ...string) *exec.Cmd {
	parts := strings.Split("Benchmark"+c.bench, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	args := append(command, "-test.run", "^$", "-test.bench", strings.Join(parts, "/"), "-test.benchmem", "-test.benchtime", strconv.Itoa(n)+"x")
	cmd := exec.Command(args[0], args[1:]...) //nolint:gosec // The test binary just built.
	cmd.Dir = c.pkg
	// One thread, and no collection at a moment of its own choice.
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1")
	return cmd
}

// tries is how often valgrind is asked: now and then it and Go's runtime do not get along.
const tries = 8

// collected is what callgrind says at the end; read-only.
var collected = regexp.MustCompile(`Collected : (\d+)`)

func (m meter) instructions(c cost, n int, binary string) (float64, error) {
	var last error
	for range tries {
		out, err := m.bench(c, n, m.valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", binary).CombinedOutput()
		if found := collected.FindSubmatch(out); found != nil && err == nil {
			return strconv.ParseFloat(string(found[1]), 64)
		}
		last = fmt.Errorf("valgrind: %w\n%.2000s", err, out)
	}
	return 0, last
}

// allocations finds the figure in what a benchmark prints.
func allocations(out string) (float64, error) {
	for sc := bufio.NewScanner(strings.NewReader(out)); sc.Scan(); {
		f := strings.Fields(sc.Text())
		if len(f) > 2 && strings.HasPrefix(f[0], "Benchmark") && f[len(f)-1] == "allocs/op" {
			return strconv.ParseFloat(f[len(f)-2], 64)
		}
	}
	return 0, errors.New("it did not run")
}
