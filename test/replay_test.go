package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// replayed asserts that a replay ended well and returns its events.
func replayed(t *testing.T, want int, args ...string) []object {
	t.Helper()
	r := vswarden(t, "", append([]string{"replay"}, args...)...)
	if r.code != 0 || !strings.Contains(r.stderr, fmt.Sprintf(" %d delivered", want)) {
		t.Fatalf("replay %v: exit %d\n%s", args, r.code, r.stderr)
	}
	all := objects(t, r.stdout)
	if len(all) != want {
		t.Fatalf("replay %v: %d events, want %d\n%s", args, len(all), want, r.stderr)
	}
	for _, o := range all {
		if !strings.Contains(o.text("tags"), "_replay") {
			t.Fatalf("no tag _replay: %v", o)
		}
	}
	return all
}

func TestReplayOfTheLog(t *testing.T) {
	data := t.TempDir()
	config := configured(t, data, "", fmt.Sprintf("sinks:\n%s  - {name: out, type: stdout, original: all}\n", fileSection("events", filepath.Join(data, "events.ndjson"))))
	p := start(t, "-c", config)
	first := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "500", "-hosts", "5")
	p.settle(t, first.Sent)
	time.Sleep(50 * time.Millisecond) // So that there is a time between the two loads.
	between := time.Now().UTC().Format(time.RFC3339Nano)
	time.Sleep(50 * time.Millisecond)
	second := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "300", "-hosts", "5", "-first-host", "10")
	books(t, p.settle(t, first.Sent+second.Sent))
	if r := vswarden(t, "", "replay", "--from", "spool", "-c", config, "--sink", "out"); r.code != 2 || !strings.Contains(r.stderr, fmt.Sprintf("in use by pid %d", p.note.PID)) {
		t.Errorf("beside a running process: exit %d, want 2: %s", r.code, r.stderr)
	}
	p.stop(t)

	was := map[string]string{}
	for _, o := range delivered(t, filepath.Join(data, "events.ndjson")) {
		was[o.text("event.id")] = o.text("message") + o.text("event.created") + o.text("vmware.receiver")
	}
	same := func(all []object) {
		t.Helper()
		for _, o := range all {
			if is := o.text("message") + o.text("event.created") + o.text("vmware.receiver"); was[o.text("event.id")] != is {
				t.Fatalf("event %s was %q and is %q", o.text("event.id"), was[o.text("event.id")], is)
			}
		}
	}
	n, m := int(first.Sent), int(second.Sent)
	same(replayed(t, n+m, "--from", "spool", "-c", config, "--sink", "out"))
	same(replayed(t, m, "--from", "spool", "-c", config, "--sink", "out", "--since", between))
	same(replayed(t, n, "--from", "spool", "-c", config, "--sink", "out", "--until", between, "--since", "1h"))

	// To the sink it came from, behind what it has: the same ids. And nothing moved the cursor.
	if r := vswarden(t, "", "replay", "--from", "spool", "-c", config, "--sink", "events"); r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	if all := delivered(t, filepath.Join(data, "events.ndjson")); len(all) != 2*(n+m) {
		t.Errorf("%d events, want each twice, %d", len(all), 2*(n+m))
	}
	p = start(t, "-c", config)
	books(t, p.settle(t, 0))
	p.stop(t)

	// Events of a file, decoded anew from their lines.
	same(replayed(t, n+m+n+m, "--from", "files", "-c", config, "--sink", "out", filepath.Join(data, "events.ndjson")))
}

func TestReplayOfFiles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "vmkernel.log")
	text := `2026-09-15T10:20:00.000Z cpu3:2097)etherswitch: L2Sec_EnforcePortCompliance:226: client vm1.eth0 requested promiscuous mode on port 0x2000007, disallowed by vswitch policy
a line without a stamp
2026-09-15T11:20:00.000Z cpu3:2097)NMP: later

{"event":{"id":"7ZZZZZZZZZZZZZZZZZZZZZZZZZ","dataset":"vmware.posture","created":"2026-09-15T12:00:00Z"},"message":"stated by us","tags":["x"]}
{"event":{"id":"00000000000000000000000001","created":"2026-09-15T12:00:00Z","original":"<13>2026-09-15T11:59:00.000Z esx01 app: was sent"},"vmware":{"receiver":{"peer_ip":"192.0.2.1","peer_port":514,"transport":"udp"}}}
{"no":"event of ours"}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config := writeConfig(t, fmt.Sprintf("data_dir: %q\nsinks: [{name: out, type: stdout}]", filepath.Join(dir, "data")))
	all := replayed(t, 6, "--from", "files", "-c", config, file)
	byMessage := map[string]object{}
	for _, o := range all {
		byMessage[o.text("message")] = o
	}
	if o := byMessage["stated by us"]; o.text("event.id") != "7ZZZZZZZZZZZZZZZZZZZZZZZZZ" || o.text("tags") != `["_replay","x"]` {
		t.Errorf("our own event is %v", o)
	}
	if o := byMessage["was sent"]; o.text("event.id") != "00000000000000000000000001" || o.text("vmware.receiver.peer_ip") != "192.0.2.1" || o.text("event.created") != "2026-09-15T12:00:00.000000Z" {
		t.Errorf("the line of an event is %v", o)
	}
	if o := byMessage["a line without a stamp"]; o.text("@timestamp") != "2026-09-15T10:20:00.000Z" || o.text("event.created") != "" {
		t.Errorf("a line without a stamp is %v", o)
	}
	// The same ids as decode gives, and again.
	ids := map[string]bool{}
	for _, o := range objects(t, vswarden(t, "", "decode", file).stdout) {
		ids[o.text("event.id")] = true
	}
	if o := byMessage["a line without a stamp"]; !ids[o.text("event.id")] {
		t.Errorf("decode gives no such id: %v", o)
	}
	replayed(t, 2, "--from", "files", "-c", config, "--since", "2026-09-15T10:00:00Z", "--until", "2026-09-15T11:00:00Z", file)

	itself := writeConfig(t, fmt.Sprintf("data_dir: %q\nsinks: [{name: out, type: file, file: {path: %q}}]", filepath.Join(dir, "data"), file))
	for _, in := range []string{file, filepath.Join(dir, "data", "..", "vmkernel.log")} {
		if r := vswarden(t, "", "replay", "--from", "files", "-c", itself, in); r.code != 2 || !strings.Contains(r.stderr, "sink out writes to it") {
			t.Errorf("a file that the sink writes to: exit %d, %q", r.code, r.stderr)
		}
	}

	for name, args := range map[string][]string{
		"write spool, files or kafka": {"--from", "tape"},
		"there is none of that name":  {"--from", "files", "--sink", "other", file},
		"write which ones":            {"--from", "files"},
		"is --data right?":            {"--from", "spool", "--data", filepath.Join(dir, "nowhere")},
		"source.kafka.brokers":        {"--from", "kafka"},
		"not a time":                  {"--from", "files", "--since", "yesterday", file},
		"write --from files":          {"--from", "spool", file},
	} {
		if r := vswarden(t, "", append([]string{"replay", "-c", config}, args...)...); r.code != 2 || !strings.Contains(r.stderr, name) {
			t.Errorf("replay %v: exit %d, want 2 and %q: %s", args, r.code, name, r.stderr)
		}
	}
}
