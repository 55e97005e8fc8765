package test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// permissive is a host with a portgroup that permits promiscuous mode, as `inventory export` writes one.
const permissive = `{"format":"vswarden-inventory","version":1,"at":"2026-09-15T10:00:00Z","hosts":[{
 "name":"esx01.example.com","cluster":"Prod-01",
 "portgroups":[
  {"name":"Lab","switch":"vSwitch0","vlan":4095,"allow_promiscuous":"accept","mac_changes":"reject","forged_transmits":"reject"},
  {"name":"VM Network","switch":"vSwitch0","allow_promiscuous":"reject","mac_changes":"reject","forged_transmits":"reject"}],
 "vms":[
  {"name":"=evil()","moid":"1","power_state":"poweredOn","nics":[{"key":4000,"mac":"00:50:56:84:00:01","connected":true,"portgroup":"Lab"}]},
  {"name":"web-01","moid":"2","power_state":"poweredOn","nics":[{"key":4000,"mac":"00:50:56:84:00:02","connected":true,"portgroup":"VM Network"}]}],
 "ports":[
  {"port_id":"0x3000005","kind":"vm","client":"=evil().eth0","vm":"=evil()","mac":"00:50:56:84:00:01","switch":"vSwitch0","portgroup":"Lab"},
  {"port_id":"0x3000006","kind":"vm","client":"web-01.eth0","vm":"web-01","mac":"00:50:56:84:00:02","switch":"vSwitch0","portgroup":"VM Network"}]}]}`

// imported makes a data directory with an inventory.
func imported(t *testing.T, text string) string {
	t.Helper()
	data := t.TempDir()
	if r := vswarden(t, text, "inventory", "import", "--data", data, "-"); r.code != 0 {
		t.Fatalf("import: exit %d, %s", r.code, r.stderr)
	}
	return data
}

func TestPosture(t *testing.T) {
	data := imported(t, permissive)
	ask := func(code int, args ...string) result {
		t.Helper()
		r := vswarden(t, "", append([]string{"posture", "--data", data}, args...)...)
		if r.code != code {
			t.Errorf("posture %v: exit %d, want %d\n%s%s", args, r.code, code, r.stdout, r.stderr)
		}
		return r
	}
	r := ask(0)
	if !strings.Contains(r.stdout, "Lab on vSwitch0 on esx01.example.com") || !strings.Contains(r.stdout, "web-01 (1 now") || !strings.Contains(r.stderr, "old: 2 portgroups, 1 findings") {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	ask(3, "--fail-on", "promiscuous")
	if r := ask(3, "--fail-on", "any"); !strings.Contains(r.stderr, "findings: what --fail-on any looks for is permitted") {
		t.Errorf("%s", r.stderr)
	}
	ask(0, "--fail-on", "mac-changes")
	ask(0, "--fail-on", "forged-transmits")
	ask(2, "--fail-on", "everything")
	ask(2, "-o", "yaml")
	ask(2, "--sysfs", t.TempDir())

	var doc struct {
		Format, Source, Snapshot string
		Age                      *float64 `json:"age_seconds"`
		Findings                 []struct {
			Promiscuous struct {
				Value string
				SetAt string `json:"set_at"`
			} `json:"allow_promiscuous"`
			MaySniff []struct{ Name string } `json:"may_sniff"`
			Exposed  []struct{ Name string }
		}
	}
	if err := json.Unmarshal([]byte(ask(0, "-o", "json").stdout), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Findings) != 1 || doc.Age == nil || doc.Snapshot == "" || doc.Source != "inventory" || doc.Findings[0].Promiscuous.Value != "accept" ||
		len(doc.Findings[0].MaySniff) != 1 || doc.Findings[0].MaySniff[0].Name != "=evil()" || len(doc.Findings[0].Exposed) != 1 || doc.Findings[0].Exposed[0].Name != "web-01" {
		t.Errorf("%+v", doc)
	}
	rows, err := csv.NewReader(strings.NewReader(ask(0, "-o", "csv").stdout)).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v %q", err, rows)
	}
	for _, c := range rows[1] {
		if c != "" && strings.ContainsAny(c[:1], "=+-@") {
			t.Errorf("a formula: %q", c)
		}
	}

	// Beside a running process it reads all the same.
	p := start(t, onLoopback(t, data)...)
	ask(3, "--fail-on", "promiscuous")
	p.stop(t)
	if r := vswarden(t, "", "posture", "--data", t.TempDir()); r.code != 1 || !strings.Contains(r.stderr, "no inventory yet") {
		t.Errorf("exit %d, %s", r.code, r.stderr)
	}
}

func TestPostureOfSysfs(t *testing.T) {
	dir := t.TempDir()
	for name, value := range map[string]string{"br0/flags": "0x1103", "br0/bridge/ageing_time": "0", "eth0/flags": "0x1003"} {
		path := filepath.Join(dir, "class", "net", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := vswarden(t, "", "posture", "--sysfs", dir, "--fail-on", "any")
	if r.code != 3 || !strings.Contains(r.stdout, "bridge-promiscuous hub") {
		t.Errorf("exit %d, %s%s", r.code, r.stdout, r.stderr)
	}
	for _, args := range [][]string{{"--sysfs", ""}, {"--sysfs", filepath.Join(dir, "none")}, {"--sysfs", dir, "--fail-on", "mac-changes"}, {"--sysfs", dir, "--data", dir}} {
		if r := vswarden(t, "", append([]string{"posture"}, args...)...); r.code != 2 || r.stderr == "" {
			t.Errorf("%v: exit %d, %s", args, r.code, r.stderr)
		}
	}
}

// What is permitted is stated once an interval, and what changed while no vswarden ran is stated once: over restarts
// and a kill, with books that balance.
func TestPostureAsEvents(t *testing.T) {
	data := imported(t, permissive)
	out := filepath.Join(data, "events.ndjson")
	args := []string{"-c", configured(t, data, "", fmt.Sprintf("posture: {interval: 24h}\nsinks: [{name: events, type: file, file: {path: %q}}]", out))}
	of := func(dataset string) (all []object) {
		for _, o := range delivered(t, out) {
			if o.text("event.dataset") == dataset {
				all = append(all, o)
			}
		}
		return all
	}
	settled := func(p *instance, emitted float64) {
		t.Helper()
		m := p.waitFor(t, "all that is stated is delivered", func(m metrics) bool {
			return m.sum("vswarden_records_emitted_total") >= emitted && m.sum("vswarden_cursor_lag_records") == 0
		})
		books(t, m)
		if n := m.sum("vswarden_records_emitted_total"); n != emitted {
			t.Errorf("%v events of our own, want %v", n, emitted)
		}
	}
	p := start(t, args...)
	settled(p, 1)
	p.stop(t)
	states := of("vmware.posture")
	if len(states) != 1 {
		t.Fatalf("%v", states)
	}
	for field, want := range map[string]string{
		"event.kind": "state", "event.action": "vswitch-permits", "event.severity": "73", "host.name": "esx01.example.com", "vmware.portgroup.name": "Lab",
		"vmware.posture.permits": `["promiscuous"]`, "vmware.posture.may_sniff": `["=evil()"]`, "vmware.posture.exposed": `["web-01"]`, "vmware.policy.effective.allow_promiscuous": "true",
	} {
		if got := states[0].text(field); got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}

	// While it was down, Lab was closed and VM Network opened.
	changed := strings.NewReplacer(`"allow_promiscuous":"accept"`, `"allow_promiscuous":"reject"`, `"allow_promiscuous":"reject"`, `"allow_promiscuous":"accept"`, "10:00:00Z", "11:00:00Z").Replace(permissive)
	if r := vswarden(t, changed, "inventory", "import", "--data", data, "-"); r.code != 0 {
		t.Fatalf("import: exit %d, %s", r.code, r.stderr)
	}
	p = start(t, args...)
	settled(p, 2)
	p.kill(t)
	changes := of("vmware.policy_change")
	if len(changes) != 2 || len(of("vmware.posture")) != 1 {
		t.Fatalf("%v", changes)
	}
	directions := map[string]string{}
	for _, o := range changes {
		directions[o.text("vmware.portgroup.name")] = o.text("vmware.policy_change.direction") + " " + o.text("vmware.policy_change.allow_promiscuous.old") + " " + o.text("vmware.policy_change.allow_promiscuous.new") + " " + o.text("event.severity")
	}
	if directions["Lab"] != "stronger true false 47" || directions["VM Network"] != "weaker false true 73" {
		t.Errorf("%v", directions)
	}

	// A third time nothing is new. What was told right before the kill may come again, as the same event.
	p = start(t, args...)
	m := p.waitFor(t, "what is stated is delivered", func(m metrics) bool { return m.sum("vswarden_cursor_lag_records") == 0 })
	books(t, m)
	p.stop(t)
	ids := map[string]bool{}
	for _, o := range delivered(t, out) {
		ids[o.text("event.id")] = true
	}
	if len(ids) != 3 {
		t.Errorf("%d different events, want 3", len(ids))
	}
}

func TestPostureFaults(t *testing.T) {
	r := vswarden(t, "", "check", "-c", writeConfig(t, "posture: {interval: 10ms}"))
	if r.code != 2 || !strings.Contains(r.stderr, "posture.interval") {
		t.Errorf("exit %d, %s", r.code, r.stderr)
	}
}
