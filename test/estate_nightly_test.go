package test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestEstateNightly is `make nightly-estate`: many estates, one mode of rights after the other, some at a time. It prints
// a row for each seed when it is done, and a table of rates by mode at the end. SEED goes on where a run ended.
func TestEstateNightly(t *testing.T) {
	seeds, _ := strconv.Atoi(os.Getenv("ESTATE_SEEDS"))
	if seeds == 0 {
		t.Skip("runs for the night; make nightly-estate")
	}
	first, _ := strconv.Atoi(os.Getenv("ESTATE_FROM"))
	first = max(first, 1)
	atOnce := len(estateModes)
	if n, err := strconv.Atoi(os.Getenv("ESTATE_AT_ONCE")); err == nil {
		atOnce = n
	}
	span := 120 * time.Second
	if d, err := time.ParseDuration(os.Getenv("ESTATE_FOR")); err == nil {
		span = d
	}
	total := map[string]map[string]estateRates{}
	var mu sync.Mutex
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for seed := first; seed < first+seeds; seed++ {
		slots <- struct{}{}
		wg.Add(1)
		go func() {
			defer func() { <-slots; wg.Done() }()
			t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
				mode := estateModes[seed%len(estateModes)]
				switches := []string{"mixed", "mixed", "standard", "distributed"}[seed/len(estateModes)%4]
				e := estate{seed: uint64(seed), vms: 200, span: span, lag: 10 * time.Second, late: 120 * time.Second, churn: 2, rate: 60, switches: switches, mode: mode, restart: seed%3 == 0}
				v := e.live(t)
				fmt.Printf("%s\n", estateRow(fmt.Sprintf("seed %d, %s, %s%s, told within %.1f s", seed, mode.name, switches, map[bool]string{true: ", restarted"}[e.restart], v.maxLag.Seconds()), v.Rates))
				mu.Lock()
				defer mu.Unlock()
				for _, by := range []string{mode.name, "all"} {
					if total[by] == nil {
						total[by] = map[string]estateRates{}
					}
					for g, r := range v.Rates {
						total[by][g] = total[by][g].plus(r)
					}
				}
			})
		}()
	}
	wg.Wait()
	var b strings.Builder
	fmt.Fprintf(&b, "\nseeds %d to %d (make nightly-estate SEED=%d SEEDS=%d)\n\n| mode | grammar | lines | right, sure | right, unsure | other, unsure | nobody | wrong |\n|---|---|---|---|---|---|---|---|\n", first, first+seeds-1, first, seeds)
	for _, by := range append(estateModes, estateMode{name: "all"}) {
		for _, g := range []string{"new", "old", "netport", "own"} {
			r, ok := total[by.name][g]
			if !ok {
				continue
			}
			share := func(n int) string { return fmt.Sprintf("%.1f %%", float64(1000*n/max(r.Lines, 1))/10) }
			fmt.Fprintf(&b, "| %s | %s | %d | %s | %s | %s | %s | %d |\n", by.name, g, r.Lines, share(r.Right), share(r.Unsure), share(r.Other), share(r.Unresolved), r.Wrong)
		}
	}
	fmt.Println(b.String())
}

func (r estateRates) plus(o estateRates) estateRates {
	return estateRates{
		Lines: r.Lines + o.Lines, Right: r.Right + o.Right, Unresolved: r.Unresolved + o.Unresolved, Wrong: r.Wrong + o.Wrong,
		Unsure: r.Unsure + o.Unsure, Other: r.Other + o.Other, Adapter: r.Adapter + o.Adapter,
	}
}

// estateRow is one line about one estate: right, of lines, and wrong, by grammar.
func estateRow(name string, rates map[string]estateRates) string {
	s := name + ":"
	for _, g := range []string{"new", "old", "netport", "own"} {
		r := rates[g]
		s += fmt.Sprintf("  %s %d+%d of %d, %d wrong", g, r.Right, r.Unsure, r.Lines, r.Wrong)
	}
	return s
}
