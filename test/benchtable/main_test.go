package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const output = `goos: linux
BenchmarkFloorParse-2         	 3000000	       400.0 ns/op	 650.00 MB/s	       0 B/op	       0 allocs/op
BenchmarkFloorParse-2         	 3000000	       200.0 ns/op	1300.00 MB/s	       0 B/op	       0 allocs/op
BenchmarkAppendJSON/full/l2sec-2   	 1000	       500.0 ns/op	 100.00 MB/s	      16 B/op	       1 allocs/op
PASS
`

func TestBounds(t *testing.T) {
	tests := []struct {
		name, bounds string
		code         int
		says         string
	}{
		{"none", "", 0, "| AppendJSON/full/l2sec | 500.0 | 2.50 | 100 | 1 | 1 |"},
		{"fastest run counts", "", 0, "| FloorParse | 200.0 | 1.00 | 1300 | 0 | 2 |"},
		{"held", "AppendJSON/full/l2sec 2.6 1 # comment", 0, ""},
		{"too slow", "AppendJSON/full/l2sec 2.4 1", 3, "2.50 times the floor, the bound is 2.40"},
		{"allocates", "AppendJSON/full/l2sec - 0", 3, "1 allocations, the bound is 0"},
		{"did not run", "Gone - 0", 3, "Gone: has a bound and did not run"},
		{"not a bound", "Gone 0", 2, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bounds")
			if err := os.WriteFile(path, []byte(tt.bounds+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			var out, errs bytes.Buffer
			code := run([]string{"-bounds", path}, strings.NewReader(output), &out, &errs)
			if code != tt.code || !strings.Contains(out.String(), tt.says) {
				t.Errorf("exit %d, want %d and %q:\n%s%s", code, tt.code, tt.says, out.String(), errs.String())
			}
		})
	}
}
