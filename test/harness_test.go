package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for something that must happen. It is long, since the machine may be
// busy; no test waits for it to pass.
const patience = 90 * time.Second

// programs are the binaries under test, once build has returned.
var (
	programs struct{ vswarden, loadgen, judge, jumpy string }
	build    = sync.OnceValue(buildPrograms)
)

func TestMain(m *testing.M) {
	// With the race detector a program that ends sleeps for a second, so that goroutines that run on may
	// still be caught. We start hundreds, and ours wait for their goroutines.
	if _, set := os.LookupEnv("GORACE"); raceDetector && !set {
		_ = os.Setenv("GORACE", "atexit_sleep_ms=50") // else it only takes longer
	}
	code := m.Run()
	if programs.vswarden != "" {
		_ = os.RemoveAll(filepath.Dir(programs.vswarden)) // A temporary folder.
	}
	os.Exit(code)
}

// buildPrograms builds what the tests run; with the race detector when they have it themselves.
func buildPrograms() error {
	dir, err := os.MkdirTemp("", "vswarden-test")
	if err != nil {
		return err
	}
	exe := ""
	if runtime.GOOS == "windows" {
		exe = ".exe"
	}
	programs.vswarden = filepath.Join(dir, "vswarden"+exe)
	programs.loadgen = filepath.Join(dir, "loadgen"+exe)
	programs.judge = filepath.Join(dir, "judge"+exe)
	programs.jumpy = filepath.Join(dir, "jumpy"+exe)
	for path, pkg := range map[string]string{programs.vswarden: "../cmd/vswarden", programs.loadgen: "./loadgen", programs.judge: "./judge", programs.jumpy: "./jumpy"} {
		args := []string{"build", "-o", path}
		if raceDetector && (pkg == "../cmd/vswarden" || pkg == "./jumpy") {
			args = append(args, "-race", "-pgo=off") // the profile would double the time this takes
		}
		if out, err := exec.Command("go", append(args, pkg)...).CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
		}
	}
	return nil
}

func built(t *testing.T) {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
}

// result is what a finished program left.
type result struct {
	code           int
	stdout, stderr string
}

// vswarden runs a command to its end. One that never ends is killed, and its exit code is -1.
func vswarden(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	built(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	return finish(t, exec.CommandContext(ctx, programs.vswarden, args...), stdin)
}

func finish(t *testing.T, cmd *exec.Cmd, stdin string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
			t.Fatalf("%v: %v", cmd.Args, err)
		}
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// instance is a running `vswarden run`.
type instance struct {
	cmd    *exec.Cmd
	note   readyNote
	log    string // file with its own log
	exited chan struct{}
}

// readyNote is what --ready-file holds.
type readyNote struct {
	PID       int
	Listeners []struct{ Proto, Address string }
	Admin     string
}

// onLoopback are flags for sockets on free ports and a data directory. The configuration beside
// them only allows for a machine whose disk is nearly full.
func onLoopback(t *testing.T, data string) []string {
	t.Helper()
	return []string{
		"-c", writeConfig(t, "log: {min_free: 1MiB}"),
		"--listen", "udp://127.0.0.1:0", "--listen", "tcp://127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", data,
	}
}

// configured writes a configuration with listeners on free ports, what log: holds beside min_free,
// and further keys.
func configured(t *testing.T, data, log, more string) string {
	t.Helper()
	return writeConfig(t, fmt.Sprintf(`
data_dir: %q
listeners: [{name: tcp, address: "tcp://127.0.0.1:0"}, {name: udp, address: "udp://127.0.0.1:0"}]
admin: {listen: "127.0.0.1:0"}
log: {min_free: 1MiB, %s}
%s
`, data, log, more))
}

// start runs vswarden and returns when it is ready.
func start(t *testing.T, args ...string) *instance {
	t.Helper()
	built(t)
	return startProgram(t, programs.vswarden, nil, append([]string{"run"}, args...)...)
}

// startProgram starts a program that takes --ready-file and returns when it is ready.
func startProgram(t *testing.T, program string, env []string, args ...string) *instance {
	t.Helper()
	dir := t.TempDir()
	p := &instance{log: filepath.Join(dir, "log"), exited: make(chan struct{})}
	ready := filepath.Join(dir, "ready")
	p.cmd = exec.Command(program, append(args, "--ready-file", ready)...)
	p.cmd.Env = append(os.Environ(), env...)
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = log.Close() // The process has its own.
	go func() {
		_ = p.cmd.Wait() // The exit code says it.
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // It may be gone.
		<-p.exited
		if t.Failed() {
			t.Logf("log of pid %d:\n%s", p.cmd.Process.Pid, p.logTail())
		}
	})
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(ready); err == nil {
			if err := json.Unmarshal(text, &p.note); err != nil {
				t.Fatalf("ready file %q: %v", text, err)
			}
			return p
		}
		select {
		case <-p.exited:
			t.Fatalf("vswarden run ended before it was ready, exit %d:\n%s", p.cmd.ProcessState.ExitCode(), p.logTail())
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("not ready in %v", patience)
		}
	}
}

func (p *instance) logTail() string {
	text, _ := os.ReadFile(p.log) // Only shown.
	return string(text[max(0, len(text)-8000):])
}

// address returns the first listener of a protocol.
func (p *instance) address(t *testing.T, proto string) string {
	t.Helper()
	for _, l := range p.note.Listeners {
		if l.Proto == proto {
			return l.Address
		}
	}
	t.Fatalf("no %s listener in %+v", proto, p.note)
	return ""
}

func (p *instance) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("%v: %v", s, err)
	}
}

// wait returns the exit code; -1 when a signal ended the process.
func (p *instance) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatalf("still running after %v", patience)
		return 0
	}
}

// stop ends the process with SIGTERM; it must exit with 0.
func (p *instance) stop(t *testing.T) {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	if code := p.wait(t); code != 0 {
		t.Errorf("exit %d after SIGTERM, want 0", code)
	}
}

// kill ends the process as kill -9 does.
func (p *instance) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.wait(t)
}

// get fetches a page of the admin address.
func (p *instance) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + p.note.Admin + path)
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	return resp.StatusCode, string(text)
}

// metrics are samples by series: name{label="value",…}.
type metrics map[string]float64

// scrape reads /metrics.
func (p *instance) scrape(t *testing.T) metrics {
	t.Helper()
	status, body := p.get(t, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("GET /metrics: %d\n%s", status, body)
	}
	return parseMetrics(t, body)
}

func parseMetrics(t *testing.T, body string) metrics {
	t.Helper()
	m := metrics{}
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			t.Fatalf("metrics: %q: %v", line, err)
		}
		m[line[:at]] = v
	}
	return m
}

// sum adds up all series of a name that have the labels, each written name="value".
func (m metrics) sum(name string, labels ...string) (total float64) {
	for series, v := range m {
		n, rest, _ := strings.Cut(series, "{")
		if n == name && !slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(rest, l) }) {
			total += v
		}
	}
	return total
}

// sinks lists the names of sinks.
func (m metrics) sinks() (names []string) {
	for series := range m {
		if rest, ok := strings.CutPrefix(series, `vswarden_cursor_lag_records{sink="`); ok {
			names = append(names, strings.TrimSuffix(rest, `"}`))
		}
	}
	slices.Sort(names)
	return names
}

// waitFor scrapes until ok, and returns that scrape.
func (p *instance) waitFor(t *testing.T, what string, ok func(metrics) bool) metrics {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		m := p.scrape(t)
		if ok(m) {
			return m
		}
		if time.Now().After(end) {
			t.Fatalf("not in %v: %s\nreceived %v, emitted %v, dropped %v, appended %v, synced %v", patience, what, m.sum("vswarden_frames_received_total"),
				m.sum("vswarden_records_emitted_total"), m.sum("vswarden_frames_dropped_total"), m.sum("vswarden_log_records_total"), m.sum("vswarden_log_synced_records_total"))
		}
	}
}

// settle waits until n frames have been received in all and every sink has done all there is.
func (p *instance) settle(t *testing.T, n uint64) metrics {
	t.Helper()
	return p.waitFor(t, fmt.Sprintf("%d frames received and no sink behind", n), func(m metrics) bool {
		return m.sum("vswarden_frames_received_total") >= float64(n) && m.sum("vswarden_cursor_lag_records") == 0
	})
}

// kept waits until n frames are in the log and counted by the receiver, which counts them a moment later.
func (p *instance) kept(t *testing.T, n uint64) metrics {
	t.Helper()
	return p.waitFor(t, "all frames in the log", func(m metrics) bool {
		return m.sum("vswarden_log_records_total") == float64(n) && m.sum("vswarden_frames_received_total") == float64(n)
	})
}

// books asserts that what came in is what went out, is left or was refused, as contract.md says.
// It holds exactly when nothing is in flight.
func books(t *testing.T, m metrics) {
	t.Helper()
	for _, fault := range imbalance(m) {
		t.Error("books: " + fault)
	}
}

// enriches says whether these are the metrics of a node of role enrich.
func enriches(m metrics) bool {
	for series := range m {
		if strings.HasPrefix(series, "vswarden_consumed_records_total{") {
			return true
		}
	}
	return false
}

// imbalance lists what does not add up.
func imbalance(m metrics) (faults []string) {
	in := m.sum("vswarden_frames_received_total") + m.sum("vswarden_records_emitted_total")
	appended := m.sum("vswarden_log_records_total")
	dropped := m.sum("vswarden_frames_dropped_total")
	if in != appended+dropped && !enriches(m) { // In role enrich appended is consumed.
		faults = append(faults, fmt.Sprintf("received and emitted %v, appended %v + dropped %v", in, appended, dropped))
	}
	sinks := m.sinks()
	if len(sinks) == 0 {
		faults = append(faults, "no sink in the metrics")
	}
	for _, s := range sinks {
		label := `sink="` + s + `"`
		if consumed, ok := m["vswarden_consumed_records_total{"+label+"}"]; ok { // Role enrich: each sink reads for itself.
			appended = consumed
		}
		due := appended + m.sum("vswarden_cursor_backlog_records", label)
		done := 0.0
		for _, name := range []string{"delivered", "filtered", "grouped", "dead", "skipped"} {
			done += m.sum("vswarden_events_"+name+"_total", label)
		}
		lag := m.sum("vswarden_cursor_lag_records", label)
		if due != done+lag {
			faults = append(faults, fmt.Sprintf("sink %s: appended %v + backlog %v, done %v + lag %v", s, appended, due-appended, done, lag))
		}
	}
	return faults
}

// sent is loadgen's report.
type sent struct {
	Sent, Bytes uint64
	Seconds     float64
	Senders     []struct {
		Sender      int
		Host        string
		First, Last uint64
	}
	file string // where it is kept, for judge
}

// load runs loadgen to its end.
func load(t *testing.T, args ...string) sent {
	t.Helper()
	built(t)
	return loadUntil(t.Context(), t, args...)
}

// loadUntil runs loadgen until it or ctx ends.
func loadUntil(ctx context.Context, t *testing.T, args ...string) sent {
	t.Helper()
	cmd := exec.CommandContext(ctx, programs.loadgen, args...)
	cmd.Cancel = func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM) // It may have ended.
		return os.ErrProcessDone                // It reports, as always.
	}
	r := finish(t, cmd, "")
	if r.code != 0 {
		t.Fatalf("loadgen %v: exit %d\n%s%s", args, r.code, r.stdout, r.stderr)
	}
	var s sent
	if err := json.Unmarshal([]byte(r.stdout), &s); err != nil {
		t.Fatalf("loadgen: %v: %s", err, r.stdout)
	}
	s.file = filepath.Join(t.TempDir(), "sent.json")
	if err := os.WriteFile(s.file, []byte(r.stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// verdict is judge's last line.
type verdict struct {
	Verdict                       string
	Lines, Unique, Repeats, Other uint64
	Missing, TwoIDs, SharedIDs    uint64
	NoID, Disorder, Invalid       uint64
	Unexpected                    uint64
	Senders                       int
	perSender                     map[int]uint64 // lines
	disorder                      map[int]uint64 // of these, first delivered after a later one
	text                          string
}

// judged runs judge over all files of an output path, the rotated ones first.
func judged(t *testing.T, path string, args ...string) verdict {
	t.Helper()
	return judgedFiles(t, outputs(t, path), args...)
}

// judgedFiles runs judge over files.
func judgedFiles(t *testing.T, files []string, args ...string) verdict {
	t.Helper()
	built(t)
	args = append(append([]string{"-senders"}, args...), files...)
	r := finish(t, exec.CommandContext(t.Context(), programs.judge, args...), "")
	if r.code != 0 && r.code != 3 {
		t.Fatalf("judge %v: exit %d: %s", args, r.code, r.stderr)
	}
	v := verdict{perSender: map[int]uint64{}, disorder: map[int]uint64{}, text: r.stdout}
	for line := range strings.Lines(r.stdout) {
		var s struct {
			Sender           int
			Unique, Disorder uint64
		}
		if strings.HasPrefix(line, `{"sender":`) && json.Unmarshal([]byte(line), &s) == nil {
			v.perSender[s.Sender], v.disorder[s.Sender] = s.Unique, s.Disorder
		}
		if strings.HasPrefix(line, `{"verdict":`) {
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatalf("judge: %v: %s", err, line)
			}
		}
	}
	if v.Verdict == "" {
		t.Fatalf("judge gave no verdict: %s", r.stdout)
	}
	return v
}

// fine asserts a verdict without a fault.
func fine(t *testing.T, v verdict) {
	t.Helper()
	if v.Verdict != "ok" {
		t.Errorf("judge: %s", v.text)
	}
}

// outputs lists the files of an output path, oldest first.
func outputs(t *testing.T, path string) []string {
	t.Helper()
	rotated, err := filepath.Glob(path + ".*")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(rotated) // By stamp.
	return append(rotated, path)
}

// object is one event.
type object map[string]any

// text returns a field by its dotted name, as JSON would print it without quotes; "" = absent.
func (o object) text(name string) string {
	v := any(map[string]any(o))
	for part := range strings.SplitSeq(name, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		if v, ok = m[part]; !ok {
			return ""
		}
	}
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		b, _ := json.Marshal(v) // It came from JSON.
		return string(b)
	}
}

// objects parses NDJSON.
func objects(t *testing.T, text string) []object {
	t.Helper()
	var all []object
	for line := range strings.Lines(text) {
		var o object
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("not a JSON object: %q: %v", line, err)
		}
		all = append(all, o)
	}
	return all
}

// delivered parses what a file sink wrote.
func delivered(t *testing.T, path string) []object {
	t.Helper()
	var all []object
	for _, file := range outputs(t, path) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, objects(t, string(text))...)
	}
	return all
}

// writeConfig writes a configuration and returns its path.
func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vswarden.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// fileSection is a sink of type file.
func fileSection(name, path string) string {
	return fmt.Sprintf("  - {name: %s, type: file, original: all, file: {path: %q}}\n", name, path)
}
