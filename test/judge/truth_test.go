package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// truthFile is an estate that wrote one line of each grammar, at seconds 1 to 4, and one of noise.
const truthFile = `{"estate":{"seed":7}}
{"stamp":"2026-11-26T10:00:01.000Z","host":"esx01","grammar":"new","port_id_dec":7,"vm":"vm-1","name":"web","kernel":"old-web","nic":4000}
{"stamp":"2026-11-26T10:00:02.000Z","host":"esx01","grammar":"old","port_id_dec":7,"vm":"vm-1","name":"web","kernel":"old-web","nic":4000}
{"stamp":"2026-11-26T10:00:03.000Z","host":"esx01","grammar":"netport","port_id_dec":7,"vm":"vm-1","name":"web","kernel":"old-web","nic":4000}
{"stamp":"2026-11-26T10:00:04.000Z","host":"esx01","grammar":"own","port_id_dec":4}
{"stamp":"2026-11-26T10:00:05.000Z","host":"esx01","grammar":"noise"}
`

// join is an event about the line of that second.
func join(second int, port int, vm string, confidence float64) string {
	kind, who := "l2sec", ""
	if second == 3 {
		kind = "netport"
	}
	if vm != "" {
		who = fmt.Sprintf(`,"vm":{"moid":%q},"vnic":{"key":4000}`, vm)
	}
	return fmt.Sprintf(`{"@timestamp":"2026-11-26T10:00:%02d.000Z","vmware":{%q:{"port_id_dec":%d},"enrichment":{"confidence":%v}%s}}`+"\n", second, kind, port, confidence, who)
}

const noise = `{"@timestamp":"2026-11-26T10:00:05.000Z"}` + "\n"

func TestTruth(t *testing.T) {
	truth := filepath.Join(t.TempDir(), "truth.ndjson")
	if err := os.WriteFile(truth, []byte(truthFile), 0o600); err != nil {
		t.Fatal(err)
	}
	right := join(1, 7, "vm-1", 0.97) + join(2, 7, "vm-1", 0.9) + join(3, 7, "vm-1", 0.85) + join(4, 4, "", 0.99)
	for _, c := range []struct {
		name, events string
		code         int
		want         truthVerdict
	}{
		{"all right", right + noise, 0, truthVerdict{Lines: 5, New: 100}},
		{"read twice", right + right + noise, 0, truthVerdict{Lines: 9, New: 100}},
		{"events of no line", right + noise + `{"@timestamp":"2026-11-26T10:59:00.000Z","event":{"kind":"state"}}` + "\n", 0, truthVerdict{Lines: 5, Foreign: 1, New: 100}},
		{"old grammar unsure of the wrong one", join(2, 7, "vm-2", 0.84) + right + noise, 0, truthVerdict{Lines: 6, New: 100}},
		{"old grammar sure of the wrong one", join(2, 7, "vm-2", 0.85) + right + noise, 3, truthVerdict{Lines: 6, Wrong: 1, New: 100}},
		{"new grammar unresolved", strings.Replace(right, "vm-1", "", 1) + noise, 3, truthVerdict{Lines: 5, New: 0}},
		{"new grammar right but unsure", join(1, 7, "vm-1", 0.5) + join(2, 7, "", 0) + join(3, 7, "", 0) + join(4, 4, "", 0.9) + noise, 0, truthVerdict{Lines: 5, New: 100}},
		{"a host's own port is no machine's", join(4, 4, "vm-1", 0.9) + right + noise, 3, truthVerdict{Lines: 6, Wrong: 1, New: 100}},
		{"a line is missing", right, 3, truthVerdict{Lines: 4, Missing: 1, New: 100}},
		{"another port", join(1, 8, "vm-1", 0.9) + right + noise, 3, truthVerdict{Lines: 6, Changed: 1, New: 100}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errs strings.Builder
			code := run([]string{"-truth", truth, "-"}, strings.NewReader(c.events), &out, &errs)
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			var got truthVerdict
			if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil {
				t.Fatalf("%v: %s%s", err, out.String(), errs.String())
			}
			c.want.Verdict = map[int]string{0: "ok", 3: "fault"}[c.code]
			if string(got.Estate) != `{"seed":7}` || !strings.Contains(out.String(), "grammar") {
				t.Errorf("%s", out.String())
			}
			got.Estate, got.Rates = nil, nil
			if code != c.code || fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("exit %d, %+v\nwant %d, %+v\n%s", code, got, c.code, c.want, out.String())
			}
		})
	}
}

func TestTruthUsage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "not-truth")
	for _, text := range []string{"", "{}\n", "{\"estate\":{}}\nx\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs strings.Builder
		if code := run([]string{"-truth", path, "-"}, strings.NewReader(""), &out, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%q: exit %d %s", text, code, errs.String())
		}
	}
}
