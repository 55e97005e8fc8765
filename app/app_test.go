package app

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"vswarden/configs"
	"vswarden/event"
	"vswarden/setting"
	"vswarden/spool"
)

func decoded(t *testing.T, o DecodeOptions, in string) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	o.Stdin, o.Stdout, o.Stderr = strings.NewReader(in), &out, &bytes.Buffer{}
	if err := Decode(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	for line := range strings.Lines(out.String()) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, e)
	}
	return all
}

func TestDecodeTimeOfLinesWithoutStamp(t *testing.T) {
	in := "no stamp at all\r\n" +
		"<14>2021-05-06T07:08:09.123Z h app: x\n\n" +
		"neither here\n" +
		"<14>Dec 24 18:00:00 h app: bsd\n"
	got := decoded(t, DecodeOptions{Detail: event.DetailStandard}, in)
	want := []struct{ time, source string }{
		{"1970-01-01T00:00:00.000Z", "none"},
		{"2021-05-06T07:08:09.123Z", ""},
		{"2021-05-06T07:08:09.123Z", "previous"},
		{"2021-12-24T18:00:00.000Z", ""},
	}
	if len(got) != len(want) {
		t.Fatalf("%d events, want %d", len(got), len(want))
	}
	for i, w := range want {
		r := got[i]["vmware"].(map[string]any)["receiver"].(map[string]any)
		source, _ := r["time_source"].(string)
		if got[i]["@timestamp"] != w.time || source != w.source {
			t.Errorf("line %d: %v %q, want %s %q", i, got[i]["@timestamp"], source, w.time, w.source)
		}
	}
}

func TestDecodeIsAFunctionOfItsInput(t *testing.T) {
	in := "<14>2021-05-06T07:08:09.123Z h app: x\n<14>2021-05-06T07:08:09.123Z h app: x\n"
	a, b := decoded(t, DecodeOptions{}, in), decoded(t, DecodeOptions{}, in)
	id := func(e map[string]any) any { return e["event"].(map[string]any)["id"] }
	if id(a[0]) != id(b[0]) || id(a[1]) != id(b[1]) || id(a[0]) == id(a[1]) {
		t.Errorf("ids %v %v then %v %v: want the same again, and two", id(a[0]), id(a[1]), id(b[0]), id(b[1]))
	}
	if _, ok := a[0]["event"].(map[string]any)["created"]; ok {
		t.Error("event.created without a clock")
	}
}

func TestDecodeCutsEndlessLines(t *testing.T) {
	got := decoded(t, DecodeOptions{Original: event.OriginalAll}, "<14>"+strings.Repeat("x", decodeMaxLine+100)+"\n<14>next\n")
	if len(got) != 2 {
		t.Fatalf("%d events, want 2", len(got))
	}
	if n := len(got[0]["event"].(map[string]any)["original"].(string)); n != decodeMaxLine {
		t.Errorf("kept %d bytes, want %d", n, decodeMaxLine)
	}
}

func TestEscapeControl(t *testing.T) {
	if got := string(escapeControl([]byte("a\x7fb\u009bc\u00e9"))); got != "a\\u007fb\\u009bc\u00e9" {
		t.Errorf("got %q", got)
	}
}

// TestDemo plays the demo as a program that is not read by a person would see it.
func TestDemo(t *testing.T) {
	var out, notes bytes.Buffer
	if err := Demo(t.Context(), DemoOptions{Stdout: &out, Stderr: &notes}); err != nil {
		t.Fatalf("%v\n%s", err, notes.String())
	}
	acts, _ := parseStoryline(storyline)
	if n := strings.Count(out.String(), "\n"); n != len(acts) {
		t.Errorf("%d events of %d lines", n, len(acts))
	}
	if n := strings.Count(out.String(), `"dataset":"vmware.esxi.l2sec"`); n < 4 {
		t.Errorf("%d L2Sec events, want 4 or more", n)
	}
	// What the inventory adds: names, policy, drift, exposure, and whose a spoofed address is.
	for _, want := range []string{
		`"vm":{"name":"web-01",`, `"portgroup":{"name":"PG-Web-120"`, `"setting":"allow_promiscuous","effective":{"allow_promiscuous":false`, `"agrees_with_log":true`,
		`"agrees_with_log":false`, `"_policy_drift"`, `"exposure":{"scope":"vlan 120 on DSwitch-Prod, host esx01.example.com","vms":4}`,
		`"requested_mac_owner":{"kind":"vm","name":"dc01"`, `"url":"https://vc01.example.com/ui/`, `"status":"unresolved"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no event has %s", want)
		}
	}
	var screen strings.Builder
	for line := range strings.Lines(out.String()) {
		screen.Write(sentence([]byte(line)))
	}
	for _, want := range []string{"held by VM web-01, 00:50:56:84:5a:ba, PG-Web-120 on DSwitch-Prod", "drift (KB 417819)", "would have listened to 4 other VMs", "belongs to vm dc01"} {
		if !strings.Contains(screen.String(), want) {
			t.Errorf("the screen does not say %q:\n%s", want, screen.String())
		}
	}
}

// TestWhatIsSaidOfParts: of a full log where it lies, of a missing part that it is missing, and nothing of a log where there is none.
func TestWhatIsSaidOfParts(t *testing.T) {
	cfg := demoConfig(t.TempDir())
	cfg.Admin.Listen = ""
	var out bytes.Buffer
	if err := Describe(&out, cfg); err != nil || !strings.Contains(out.String(), "\nadmin           none: no metrics, no health\n") {
		t.Errorf("%v %s", err, &out)
	}
	said := func(f func(*parts)) string {
		var b bytes.Buffer
		f(&parts{cfg: cfg, log: zerolog.New(&b)})
		return b.String()
	}
	if got := said(func(p *parts) { _ = p.farewell() }); !strings.Contains(got, `"left_in_topic":0`) || strings.Contains(got, "left_in_log") {
		t.Errorf("without a log: %s", got)
	}
	for body, want := range map[spool.BodyMode]string{spool.BodyDisk: logDir(cfg.DataDir), spool.BodyMemory: "none, it is in memory"} {
		cfg.Log.Body, cfg.Log.MinFree = body, 1<<60
		log, err := spool.Open(spool.OSFS{}, logDir(cfg.DataDir), cfg.Log)
		if err != nil {
			t.Fatal(err)
		}
		if got := said(func(p *parts) { p.records = log; p.reportFull() }); !strings.Contains(got, `"directory":"`+want+`"`) {
			t.Errorf("full, body %s: %q, want %q", body, got, want)
		}
		_ = log.Close() // nothing is in it
	}
}

// TestRunMemoryLosesLoudly: what lies in memory when time is up is lost, and said to be.
func TestRunMemoryLosesLoudly(t *testing.T) {
	full := "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip("no /dev/full here")
	}
	cfg := demoConfig(t.TempDir())
	cfg.Log.Body = "memory"
	cfg.ShutdownTimeout = 100 * time.Millisecond
	cfg.Sinks[0].Type = configs.SinkFile
	cfg.Sinks[0].File.Path = full
	cfg.Log.MaxSize = 64 * setting.MiB
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready := make(chan Ready, 1)
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, Options{Config: cfg, Log: zerolog.Nop(), Ready: func(r Ready) { ready <- r }, ReadyFile: filepath.Join(t.TempDir(), "ready")})
	}()
	at := <-ready
	if err := play(ctx, []act{{"tcp", "<14>one"}, {"tcp", "<14>two"}}, at); err != nil {
		t.Fatal(err)
	}
	cancel()
	err := <-done
	if err == nil || !strings.Contains(err.Error(), "2 records were in memory only") {
		t.Errorf("got %v, want the loss of 2 records", err)
	}
}

func TestDecodeYearOfBSDStampsInAnotherZone(t *testing.T) {
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Skip("no zone files here: ", err)
	}
	line := "<14>Jan  1 03:00:00 h app: x\n"
	got := decoded(t, DecodeOptions{Location: tokyo}, "<14>2021-12-31T20:00:00Z h app: full\n"+line+line+line)
	for i, e := range got[1:] {
		if want := "2021-12-31T18:00:00.000Z"; e["@timestamp"] != want {
			t.Errorf("line %d: %v, want %s", i+2, e["@timestamp"], want)
		}
	}
}
