package event

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocs: docs/event.md lists exactly the fields that the samples hold, each with the lowest level
// that has it, and its examples are what AppendJSON writes.
func TestDocs(t *testing.T) {
	file, err := os.ReadFile("../docs/event.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(file)
	documented := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (compact|standard|full|original) \\|").FindAllStringSubmatch(page, -1) {
		documented[m[1]] = m[2]
	}
	written := map[string]string{}
	for _, d := range slices.Backward(levels) {
		for _, s := range samples() {
			for _, path := range paths(read(t, s.e.AppendJSON(nil, d, OriginalNone))) {
				written[path] = d.String()
			}
		}
	}
	for _, s := range samples() {
		for _, path := range paths(read(t, s.e.AppendJSON(nil, DetailFull, OriginalAll))) {
			if written[path] == "" {
				written[path] = "original"
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(written)) {
		if documented[path] != written[path] {
			t.Errorf("%s is %s; docs/event.md says %q", path, written[path], documented[path])
		}
	}
	for _, path := range slices.Sorted(maps.Keys(documented)) {
		if written[path] == "" {
			t.Errorf("docs/event.md has %s, no sample does", path)
		}
	}
	for _, name := range slices.Concat(TagNames[:], datasetNames()) {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("docs/event.md does not name %s", name)
		}
	}
}

func datasetNames() (names []string) {
	for _, d := range AllDatasets {
		names = append(names, string(d))
	}
	return names
}

// paths are the dotted names of all members of o that are not objects.
func paths(o object) (all []string) {
	for k, v := range o {
		inner, ok := v.(object)
		if !ok || k == "structured_data" {
			all = append(all, k)
			continue
		}
		for _, path := range paths(inner) {
			all = append(all, k+"."+path)
		}
	}
	return all
}
