package test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What a simulated vCenter's administrator changes in policies is stated, each change once; also over a
// kill in the middle, after which nothing is told that was told before.
func TestPolicyChangesOfAnEstate(t *testing.T) {
	if testing.Short() {
		t.Skip("runs for half a minute")
	}
	t.Parallel()
	program, err := estateProgram()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "events.ndjson")
	api, lines := freeAddress(t), freeAddress(t)
	config := writeConfig(t, fmt.Sprintf(`
data_dir: %q
listeners: [{name: tcp, address: "tcp://%s"}]
admin: {listen: "127.0.0.1:0"}
log: {min_free: 1MiB}
vcenters: [{url: "http://%s", username: operator, password: secret, insecure: true, events: 1s}]
posture: {interval: 1s}
sinks: [{name: events, type: file, detail: full, file: {path: %q}}]
`, filepath.Join(dir, "data"), lines, api, out))
	p := start(t, "-c", config)
	cmd := exec.CommandContext(t.Context(), program, "-seed", "3", "-vms", "12", "-churn", "8", "-rate", "2", "-lag", "500ms", "-for", "20s",
		"-lines", "tcp://"+lines, "-listen", api, "-truth", filepath.Join(dir, "truth.ndjson"))
	done := make(chan result, 1)
	go func() { done <- output(cmd) }()
	p.waitFor(t, "a change of a policy is stated", func(m metrics) bool { return m.sum("vswarden_policy_changes_total") >= 1 })
	p.kill(t)
	p = start(t, "-c", config)
	r := <-done
	var rep struct {
		Changes map[string]int
	}
	text := strings.Split(strings.TrimSpace(r.stdout), "\n")
	if err := json.Unmarshal([]byte(text[len(text)-1]), &rep); err != nil || r.code != 0 {
		t.Fatalf("estate: exit %d, %v: %s%s", r.code, err, r.stdout, r.stderr)
	}
	p.stop(t) // what waits for its author is stated now
	seen := map[string]bool{}
	last := map[string]string{} // what was told of an object last
	n, named, states := 0, 0, 0
	for _, o := range delivered(t, out) {
		id := o.text("event.id")
		switch o.text("event.dataset") {
		case "vmware.posture":
			states++
		case "vmware.policy_change":
			if seen[id] { // told right before the kill, and again after it
				continue
			}
			n++
			object := o.text("vmware.policy_change.level") + o.text("vmware.host.name") + o.text("vmware.portgroup.name") + o.text("vmware.switch.name")
			was, is := o.text("vmware.policy_change.forged_transmits.old"), o.text("vmware.policy_change.forged_transmits.new")
			if was == is || last[object] != "" && last[object] != was {
				t.Errorf("%s follows %q of the same object", o.text("message"), last[object])
			}
			last[object] = is
			if o.text("user.name") == "operator" {
				named++
			}
		}
		seen[id] = true
	}
	// Two changes of one object within the lag may cancel out before anybody sees them.
	t.Logf("%d changes were made, %d told, %d of them with their author; %d findings", rep.Changes["policy"], n, named, states)
	if n < 1 || n > rep.Changes["policy"] || states == 0 {
		t.Error("that cannot be")
	}
}
