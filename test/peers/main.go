//go:build linux

// Command peers runs vswarden beside other syslog collectors and beside bare loops, on this machine, and says
// what each loses and costs.
//
//	make bench-peers ROUNDS=5 N=1000000 ROWS=tcp8,udp OUT=rows.json
//
// Every row is one program in one scenario. Rounds are interleaved: round 1 of all rows, then round 2 of all, and
// of each row the cheapest round counts, since a busy machine only ever adds. Program and load generator have a
// processor each. Compare figures of one run only, as ratios. Exit: 0 fine, 1 a row could not be run, 2 usage.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// settings are the flags.
type settings struct {
	rounds   int
	lines    uint64
	rows     string
	out      string
	dir      string // of logs and outputs: a tmpfs
	disk     string // the same on a real disk
	tools    string // syslog-ng, unpacked
	profiles string // folder; "" = none
	table    bool
	soak     time.Duration
	patience time.Duration
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	var set settings
	fs := flag.NewFlagSet("peers", flag.ContinueOnError)
	fs.IntVar(&set.rounds, "rounds", 5, "how often each row is run")
	fs.Uint64Var(&set.lines, "n", 1_000_000, "lines of a run; slow programs get a part of them")
	fs.StringVar(&set.rows, "rows", "", "only rows that hold one of these words: `tcp8,rsyslog/udp`; a row is program/scenario")
	fs.StringVar(&set.out, "out", "bench-peers.json", "`FILE` for one JSON object a run")
	fs.StringVar(&set.dir, "dir", "/dev/shm/vswarden-peers", "where logs and outputs are written; a tmpfs")
	fs.StringVar(&set.disk, "disk", "", "the same for the rows on a real disk (default: the user's cache)")
	fs.StringVar(&set.tools, "tools", "", "`FOLDER` that test/peers/setup.sh printed, with syslog-ng in it")
	fs.StringVar(&set.profiles, "profiles", "", "`FOLDER` for a CPU profile of each run of vswarden, which is built to write one; what it costs is not what the program does")
	fs.BoolVar(&set.table, "table", false, "run nothing: print the table of -out")
	fs.DurationVar(&set.soak, "soak", 0, "run vswarden alone for so long at 50 000 lines/s, and say whether memory stays flat and the books balance")
	fs.DurationVar(&set.patience, "patience", 2*time.Minute, "the most one run may take to end")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	if fs.NArg() > 0 || set.rounds < 1 || set.lines < 100 {
		_, _ = fmt.Fprintln(os.Stderr, "peers: flags only, -rounds from 1, -n from 100")
		return 2
	}
	if set.disk == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			cache = os.TempDir()
		}
		set.disk = filepath.Join(cache, "vswarden", "peers")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	act := compare
	if set.soak > 0 {
		act = soakAlone
	}
	if err := act(ctx, set); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "peers:", err)
		return 1
	}
	return 0
}

// soakAlone runs a soak and prints what it found.
func soakAlone(ctx context.Context, set settings) error {
	w, err := prepare(ctx, set)
	if err != nil {
		return err
	}
	defer w.clean()
	r, err := w.soak(ctx, set.soak)
	if err != nil {
		return err
	}
	_, _ = fmt.Println(r) // Nobody is left to tell.
	if r.Fault != "" {
		return errors.New(r.Fault)
	}
	return nil
}

// compare runs all rows and prints the table.
func compare(ctx context.Context, set settings) error {
	if !set.table {
		if err := measure(ctx, set); err != nil {
			return err
		}
	}
	f, err := os.Open(set.out)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // Only read.
	all, err := readRows(f)
	if err != nil {
		return fmt.Errorf("%s: %w", set.out, err)
	}
	printTable(os.Stdout, all)
	return nil
}

func measure(ctx context.Context, set settings) error {
	w, err := prepare(ctx, set)
	if err != nil {
		return err
	}
	defer w.clean()
	plan := w.plan(set.rows)
	if len(plan) == 0 {
		return fmt.Errorf("-rows %s: no such row; programs: %s; scenarios: %s", set.rows, names(w.programs), names(scenarios))
	}
	out, err := os.Create(set.out)
	if err != nil {
		return err
	}
	var failed []error
	for round := range set.rounds {
		for _, p := range plan {
			r, err := w.once(ctx, p.program, p.scenario)
			if ctx.Err() != nil {
				return errors.Join(ctx.Err(), out.Close())
			}
			if err != nil {
				failed = append(failed, fmt.Errorf("%s/%s, round %d: %w", p.program.name, p.scenario.name, round+1, err))
				_, _ = fmt.Fprintln(os.Stderr, failed[len(failed)-1])
				continue
			}
			r.Round = round + 1
			if err := json.NewEncoder(out).Encode(r); err != nil {
				return errors.Join(err, out.Close())
			}
			_, _ = fmt.Fprintf(os.Stderr, "%d/%d %s\n", round+1, set.rounds, r)
		}
	}
	return errors.Join(append(failed, out.Close())...)
}

// pair is one row of the plan.
type pair struct {
	program  program
	scenario scenario
}

// plan returns the rows that words allow. Of one scenario vswarden comes first: the loop that is to write as much
// as it has to know how much that is.
func (w *work) plan(words string) (plan []pair) {
	for _, s := range scenarios {
		for _, p := range w.programs {
			if p.runs(s) && wanted(p.name+"/"+s.name, words) {
				plan = append(plan, pair{p, s})
			}
		}
	}
	return plan
}

func wanted(row, words string) bool {
	if words == "" {
		return true
	}
	for word := range strings.SplitSeq(words, ",") {
		if word = strings.TrimSpace(word); word != "" && strings.Contains("/"+row+"/", word) {
			return true
		}
	}
	return false
}

type named interface{ title() string }

func names[T named](list []T) string {
	var all []string
	for _, n := range list {
		all = append(all, n.title())
	}
	return strings.Join(all, " ")
}

func readRows(r io.Reader) (all []row, err error) {
	dec := json.NewDecoder(r)
	for {
		var one row
		switch err := dec.Decode(&one); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		}
		all = append(all, one)
	}
}
