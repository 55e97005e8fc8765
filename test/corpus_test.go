package test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vswarden/event"
	"vswarden/receiver"
)

// The corpus: lines of our own in every shape we know, with what they become; and, where they are at
// hand, real lines that are not part of this repository.
//
//	go test ./test -run Corpus -v                 shares of lines by format and dataset
//	go test ./test -run Corpus -update-corpus     writes the golden files anew: read the difference
const (
	ownCorpus    = "testdata/corpus"
	sharedCorpus = "../../shared/corpus"
)

var updateCorpus = flag.Bool("update-corpus", false, "write the golden files of the corpus anew; then read them")

// corpusLines are the lines of a file that are no comment. Empty ones are none.
func corpusLines(t *testing.T, path string) (lines []string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sc := bufio.NewScanner(bytes.NewReader(data))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		if s := strings.TrimSuffix(sc.Text(), "\r"); s != "" && !strings.HasPrefix(s, "# ") {
			lines = append(lines, s)
		}
	}
	return lines
}

func corpusFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// frameOf is the frame that an event of `--original all` keeps.
func frameOf(t *testing.T, o object) string {
	t.Helper()
	if b64 := o.text("vmware.receiver.original_b64"); b64 != "" {
		frame, err := base64.StdEncoding.DecodeString(b64)
		if err != nil {
			t.Fatal(err)
		}
		return string(frame)
	}
	return o.text("event.original")
}

// kept holds that every line became one event, in order, which has its bytes.
func kept(t *testing.T, lines []string) []object {
	t.Helper()
	events := decoded(t, strings.Join(lines, "\n")+"\n", "--original", "all", "--detail", "full")
	if len(events) != len(lines) {
		t.Fatalf("%d lines, %d events", len(lines), len(events))
	}
	for i, o := range events {
		if want := string(receiver.StripOctetCount([]byte(lines[i]))); frameOf(t, o) != want {
			t.Fatalf("line %d came back as %q, was %q", i+1, frameOf(t, o), want)
		}
	}
	return events
}

// eventID is what differs when a line is added above: the name of a line's place.
var eventID = regexp.MustCompile(`"(id|same_as|continues)":"[0-9A-HJKMNP-TV-Z]{26}"`)

// TestCorpusGolden compares what our own lines become, at the level a sink has by default, with what was
// read and found right.
func TestCorpusGolden(t *testing.T) {
	total := 0
	for _, path := range corpusFiles(t, ownCorpus) {
		lines := corpusLines(t, path)
		total += len(lines)
		r := vswarden(t, strings.Join(lines, "\n")+"\n", "decode", "--no-group", "--original", "none")
		if r.code != 0 {
			t.Fatalf("%s: exit %d: %s", path, r.code, r.stderr)
		}
		var got strings.Builder
		events := strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n")
		if len(events) != len(lines) {
			t.Fatalf("%s: %d lines, %d events", path, len(lines), len(events))
		}
		for i, o := range events {
			got.WriteString(lines[i] + "\n\t" + eventID.ReplaceAllString(o, `"$1":""`) + "\n")
		}
		golden := strings.TrimSuffix(path, ".log") + ".golden"
		if *updateCorpus {
			if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		g, w := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
		for i := range min(len(g), len(w)) {
			if g[i] != w[i] {
				t.Errorf("%s, line %d:\n got %s\nwant %s", golden, i+1, g[i], w[i])
			}
		}
		if len(g) != len(w) {
			t.Errorf("%s has %d lines, now %d", golden, len(w), len(g))
		}
	}
	if total < 400 {
		t.Errorf("%d lines", total)
	}
}

// TestCorpus decodes everything: no line is lost, none of its bytes, and what is well formed is understood.
func TestCorpus(t *testing.T) {
	files := corpusFiles(t, ownCorpus)
	shared := corpusFiles(t, sharedCorpus)
	if len(shared) == 0 {
		t.Log("no corpus beside the repository: only our own lines")
	}
	formats, datasets, lines, partial := map[string]int{}, map[string]int{}, 0, 0
	for _, path := range slices.Concat(files, shared) {
		in := corpusLines(t, path)
		for i, o := range kept(t, in) {
			formats[o.text("vmware.receiver.format")]++
			datasets[o.text("event.dataset")]++
			lines++
			if strings.Contains(o.text("tags"), "_parse_partial") && !brokenOnPurpose(in[i]) {
				partial++
				t.Logf("partial: %s: %s", o.text("error.message"), in[i])
			}
			if strings.Contains(in[i], ": L2Sec_") && o.text("event.dataset") != string(event.DatasetL2Sec) {
				t.Errorf("L2Sec not seen: %s", in[i])
			}
		}
	}
	if partial*100 > lines {
		t.Errorf("%d of %d lines are understood only in part", partial, lines)
	}
	t.Logf("%d lines of %d files, %d understood in part", lines, len(files)+len(shared), partial)
	for name, counts := range map[string]map[string]int{"format": formats, "dataset": datasets} {
		for _, key := range slices.Sorted(maps.Keys(counts)) {
			t.Logf("%-8s %-24s %5d %5.1f %%", name, key, counts[key], float64(counts[key])*100/float64(lines))
		}
	}
	for _, d := range event.AllDatasets {
		if datasets[string(d)] == 0 && strings.HasPrefix(string(d), "vmware.esxi.") {
			t.Errorf("no line of %s", d)
		}
	}
}

// brokenOnPurpose reports lines that no parser can understand wholly: cut short, or a template's
// placeholders.
func brokenOnPurpose(line string) bool {
	return strings.HasSuffix(line, " on po") || strings.Contains(line, "<vmname>") || strings.Contains(line, "0xnnnn") || strings.Contains(line, "##")
}

// TestCorpusStats holds that the table of --stats adds up to the lines of a file and to its events.
func TestCorpusStats(t *testing.T) {
	for _, path := range slices.Concat(corpusFiles(t, ownCorpus), corpusFiles(t, sharedCorpus)) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for line := range strings.Lines(string(data)) {
			if strings.TrimRight(line, "\r\n") != "" {
				want++
			}
		}
		r := vswarden(t, "", "decode", "--no-group", "--stats", path)
		if r.code != 0 {
			t.Fatalf("%s: exit %d: %s", path, r.code, r.stderr)
		}
		sums := map[string]int{}
		for line := range strings.Lines(r.stderr) {
			w := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			var n int
			if len(w) == 3 {
				if _, err := fmt.Sscan(w[2], &n); err == nil {
					sums[w[0]] += n
				}
			}
		}
		if sums["format"] != want || sums["dataset"] != strings.Count(r.stdout, "\n") || strings.Count(r.stdout, "\n") != want {
			t.Errorf("%s: %d lines, %d events, %v\n%s", path, want, strings.Count(r.stdout, "\n"), sums, r.stderr)
		}
	}
}

// TestCorpusMutations drops, doubles and swaps a byte of every line, twenty times each: as many events as
// lines, and their exact bytes.
func TestCorpusMutations(t *testing.T) {
	const times = 20
	r := rand.New(rand.NewPCG(8, 1))
	for _, path := range slices.Concat(corpusFiles(t, ownCorpus), corpusFiles(t, sharedCorpus)) {
		var mutants []string
		for _, line := range corpusLines(t, path) {
			for range times {
				if m := mutant(r, line); m != "" && m[len(m)-1] != '\r' {
					mutants = append(mutants, m)
				}
			}
		}
		kept(t, mutants)
	}
}

// mutant is line with one byte dropped, doubled or exchanged with another of the line.
func mutant(r *rand.Rand, line string) string {
	i := r.IntN(len(line))
	switch r.IntN(3) {
	case 0:
		return line[:i] + line[i+1:]
	case 1:
		return line[:i+1] + line[i:]
	}
	b := []byte(line)
	j := r.IntN(len(b))
	b[i], b[j] = b[j], b[i]
	return string(b)
}
