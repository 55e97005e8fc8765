package main

import (
	"strings"
	"testing"
)

func TestFile(t *testing.T) {
	text := "# why\n# and how\npipeline Lane/compact 20000 10000 0\nevent AppendJSON/full/l2sec 40000 3000 1 # a remark\n"
	all, err := parse(text)
	if err != nil || len(all) != 2 || all[1] != (cost{"event", "AppendJSON/full/l2sec", 40000, 3000, 1}) {
		t.Fatalf("%+v, %v", all, err)
	}
	again, err := parse(render(text, all))
	if err != nil || again[0] != all[0] || again[1] != all[1] || !strings.HasPrefix(render(text, all), "# why\n# and how\n") {
		t.Errorf("%+v, %v", again, err)
	}
	for _, bad := range []string{"a b 1 2", "a b x 2 3", "a b 0 2 3", "a b 1 2 3 4"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestCompare(t *testing.T) {
	was := cost{pkg: "p", bench: "b", instructions: 1000, allocations: 0}
	for _, c := range []struct {
		instructions, allocations float64
		faults                    int
	}{{1000, 0, 0}, {1099, 0, 0}, {1101, 0, 1}, {900, 1, 1}, {2000, 1, 2}, {0, 0, 0}} {
		if got := compare(was, cost{instructions: c.instructions, allocations: c.allocations}); len(got) != c.faults {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestAllocations(t *testing.T) {
	n, err := allocations("goos: linux\nBenchmarkLane/compact \t   20000\t      1200 ns/op\t       8 B/op\t       3 allocs/op\nPASS\n")
	if err != nil || n != 3 {
		t.Errorf("%v, %v", n, err)
	}
	if _, err := allocations("PASS\n"); err == nil {
		t.Error("a benchmark that did not run is fine")
	}
}
