package event

import (
	"bytes"
	"encoding/json"
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
	all := append(samples(), sample{"joined", joinedExample()}, sample{"joined unsure", joinedUnsure()})
	for _, d := range slices.Backward(levels) {
		for _, s := range all {
			for _, path := range paths(read(t, s.e.AppendJSON(nil, d, OriginalNone))) {
				written[path] = d.String()
			}
		}
	}
	for _, s := range all {
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

// TestDocsExample: the example is what the example's line becomes.
func TestDocsExample(t *testing.T) {
	file, err := os.ReadFile("../docs/event.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(file), "## An example")
	_, raw, _ := strings.Cut(example, "'END'\n")
	raw, _, _ = strings.Cut(raw, "\n")
	_, want, _ := strings.Cut(example, "```json\n")
	want, _, _ = strings.Cut(want, "\n```")

	_, message, _ := strings.Cut(raw, ")")
	e := l2sec(0, message, L2Sec{
		Kind: L2SecPromiscRequested, HasPort: true, Port: 0x200002b, Reason: "disallowed by vswitch policy",
		Client: Client{Raw: "web-01.eth0", Type: ClientVM, Name: "web-01", Device: "eth0"},
	})
	e.Received, e.Receiver, e.TimeText, e.Host, e.Syslog.Hostname = 0, Receiver{}, "2014-12-10T19:23:45.733Z", "esx1", "esx1"
	e.Vmkernel.CPU, e.Vmkernel.World = 14, 1559738
	id, _, _ := strings.Cut(strings.Split(want, `"id": "`)[1], `"`)
	if e.ID, err = ParseID(id); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := json.Indent(&got, e.AppendJSON(nil, DetailCompact, OriginalNone), "", "  "); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("docs/event.md should have\n%s", got.String())
	}
}
