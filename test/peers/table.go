//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// summary is one row of the table: of all its rounds the cheapest figure each, and the worst of what may not
// happen at all.
type summary struct {
	row
	rounds int
}

// summarize puts the rounds of each row together, in the order of the table.
func summarize(rows []row) (all []summary) {
	for _, r := range rows {
		i := slices.IndexFunc(all, func(s summary) bool { return s.Program == r.Program && s.Scenario == r.Scenario })
		if i < 0 {
			all = append(all, summary{r, 1})
			continue
		}
		s := &all[i]
		s.rounds++
		s.Lost, s.Repeated, s.Disorder = max(s.Lost, r.Lost), max(s.Repeated, r.Repeated), max(s.Disorder, r.Disorder)
		s.RSS, s.Rate, s.Best, s.Sent = max(s.RSS, r.RSS), max(s.Rate, r.Rate), max(s.Best, r.Best), max(s.Sent, r.Sent)
		if r.CPU > 0 && (r.CPU < s.CPU || s.CPU == 0) {
			s.CPU, s.User, s.System, s.BytesOut = r.CPU, r.User, r.System, r.BytesOut
		}
		if r.P99 > 0 && (r.P99 < s.P99 || s.P99 == 0) {
			s.P50, s.P99 = r.P50, r.P99
		}
	}
	return all
}

func printTable(out io.Writer, rows []row) {
	all := summarize(rows)
	var b strings.Builder
	for _, s := range scenarios {
		var some []summary
		for _, r := range all {
			if r.Scenario == s.name {
				some = append(some, r)
			}
		}
		if len(some) == 0 {
			continue
		}
		ours := find(all, "vswarden", s.name)
		fmt.Fprintf(&b, "\n%s: %s\n\n", s.name, s.says)
		b.WriteString("| program | rounds | CPU s per million | × vswarden | events/s | peak RSS MB | bytes out | lost | repeated | reordered |")
		if s.best {
			b.WriteString(" best rate |")
		}
		if s.follow {
			b.WriteString(" p50 ms | p99 ms |")
		}
		b.WriteString("\n|---|---|---|---|---|---|---|---|---|---|" + strings.Repeat("---|", count(s.best, 1)+count(s.follow, 2)) + "\n")
		for _, r := range some {
			times := ""
			if ours.CPU > 0 {
				times = fmt.Sprintf("%.2f", r.CPU/ours.CPU)
			}
			fmt.Fprintf(&b, "| %s | %d | %.2f | %s | %.0f | %.0f | %.0f | %d | %d | %d |", r.Program, r.rounds, r.CPU, times, r.Rate, r.RSS, r.BytesOut, r.Lost, r.Repeated, r.Disorder)
			if s.best {
				fmt.Fprintf(&b, " %d |", r.Best)
			}
			if s.follow {
				fmt.Fprintf(&b, " %.1f | %.1f |", r.P50, r.P99)
			}
			b.WriteByte('\n')
		}
	}
	b.WriteString("\n| to reach | at least | aim | here | |\n|---|---|---|---|---|\n")
	for _, g := range goals(all) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", g.what, g.least, g.aim, g.here, g.verdict)
	}
	_, _ = io.WriteString(out, b.String()) // Nobody is left to tell.
}

func count(yes bool, n int) int {
	if yes {
		return n
	}
	return 0
}

func find(all []summary, program, scenario string) summary {
	for _, s := range all {
		if s.Program == program && s.Scenario == scenario {
			return s
		}
	}
	return summary{}
}
