package test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// estate is one estate with a collector beside it, and how sure of it the collector may become.
type estate struct {
	seed     uint64
	vms      int
	span     time.Duration
	lag      time.Duration
	late     time.Duration
	churn    float64
	rate     float64
	switches string
	mode     estateMode
	restart  bool // the collector is stopped and started again at half time; what is in sockets then is lost
}

// estateMode is what the collector may ask the vCenter for, and what else it goes by.
type estateMode struct {
	name   string
	rights string // of estate
	config string // further keys; vcenter: stands for the entry of vcenters
	vc     string // further keys of that entry
}

// estateModes are the modes of rights that the user guide knows.
var estateModes = []estateMode{
	{name: "read-only", rights: "read-only"},
	{name: "read-only, lines teach", rights: "read-only", config: "enrich: {learn_from: [127.0.0.0/8]}"},
	{name: "read-only, wait 10s", rights: "read-only", config: "enrich: {wait: 10s}"},
	{name: "esxtop, wait 500ms", rights: "service-managers", config: "enrich: {wait: 500ms}", vc: ", live: {method: esxtop}"},
	{name: "esxcli, wait 500ms", rights: "all", config: "enrich: {wait: 500ms}", vc: ", live: {method: esxcli}"},
}

// estateProgram is the path of the simulated estate, once built.
var estateProgram = sync.OnceValues(func() (string, error) {
	if err := build(); err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(programs.judge), "estate")
	if out, err := exec.Command("go", "build", "-o", path, "./estate").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./estate: %w\n%s", err, out)
	}
	return path, nil
})

// estateVerdict is judge's last line in truth mode.
type estateVerdict struct {
	Verdict               string
	Lines, Wrong, Missing int
	Other, Changed        int
	New                   float64 `json:"new_right_percent"`
	Rates                 map[string]estateRates
	text                  string
	maxLag                time.Duration
}

type estateRates struct {
	Lines, Right, Unresolved, Wrong int
	Unsure                          int `json:"right_unsure"`
	Other                           int `json:"unsure"`
	Adapter                         int `json:"wrong_adapter"`
}

// live runs a collector with an estate until all lines are in, and judges what it wrote.
func (e *estate) live(t *testing.T) (v estateVerdict) {
	t.Helper()
	program, err := estateProgram()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	api, lines := freeAddress(t), freeAddress(t)
	config := writeConfig(t, fmt.Sprintf(`
data_dir: %q
listeners: [{name: tcp, address: "tcp://%s"}]
admin: {listen: "127.0.0.1:0"}
log: {min_free: 1MiB}
vcenters: [{url: "http://%s", username: operator, password: secret, insecure: true%s}]
sinks: [{name: events, type: file, detail: full, file: {path: %q}}]
%s
`, filepath.Join(dir, "data"), lines, api, e.mode.vc, filepath.Join(dir, "events.ndjson"), e.mode.config))
	p := start(t, "-c", config)
	truth := filepath.Join(dir, "truth.ndjson")
	cmd := exec.CommandContext(t.Context(), program,
		"-seed", strconv.FormatUint(e.seed, 10), "-vms", strconv.Itoa(e.vms), "-churn", fmt.Sprint(e.churn), "-rate", fmt.Sprint(e.rate),
		"-lag", e.lag.String(), "-late", e.late.String(), "-skew", "2h", "-reuse", "-for", e.span.String(), "-rights", e.mode.rights, "-switches", cmp.Or(e.switches, "mixed"),
		"-lines", "tcp://"+lines, "-listen", api, "-truth", truth)
	var again *time.Timer
	if e.restart {
		again = time.AfterFunc(e.span/2, func() { _ = p.cmd.Process.Signal(syscall.SIGTERM) }) // It shows.
	}
	done := make(chan result, 1)
	go func() { done <- output(cmd) }()
	if e.restart {
		<-p.exited
		again.Stop()
		p = start(t, "-c", config)
	}
	r := <-done
	var rep struct {
		Sent, Lost uint64
		MaxLag     int64 `json:"max_lag_ms"`
	}
	text := strings.Split(strings.TrimSpace(r.stdout), "\n")
	if err := json.Unmarshal([]byte(text[len(text)-1]), &rep); err != nil || r.code != 0 || rep.Lost > 0 {
		t.Errorf("estate: exit %d, %v: %s%s", r.code, err, r.stdout, r.stderr)
	}
	if e.restart {
		rep.Sent = 0
	}
	books(t, p.settle(t, rep.Sent))
	p.stop(t)
	keep := os.Getenv("ESTATE_KEEP")
	if keep != "" {
		for _, f := range []string{truth, filepath.Join(dir, "events.ndjson"), p.log} {
			text, _ := os.ReadFile(f)                                                                          // It was read before.
			_ = os.WriteFile(filepath.Join(keep, fmt.Sprintf("%d-%s", e.seed, filepath.Base(f))), text, 0o600) // For people.
		}
	}
	r = finish(t, exec.CommandContext(t.Context(), programs.judge, append([]string{"-truth", truth}, outputs(t, filepath.Join(dir, "events.ndjson"))...)...), "")
	text = strings.Split(strings.TrimSpace(r.stdout), "\n")
	if err := json.Unmarshal([]byte(text[len(text)-1]), &v); err != nil {
		t.Fatalf("judge: exit %d, %v: %s%s", r.code, err, r.stdout, r.stderr)
	}
	v.maxLag = time.Duration(rep.MaxLag) * time.Millisecond
	v.text = strings.Join(text[:len(text)-1], "\n")
	if v.Wrong > 0 || v.Changed > 0 || v.New < 95 || v.Verdict != "ok" && !e.restart {
		t.Errorf("seed %d, %s, told within %v: %s\n%s", e.seed, e.mode.name, v.maxLag, text[len(text)-1], v.text)
	}
	return v
}

// output runs a program to its end, for another goroutine than the test's.
func output(cmd *exec.Cmd) result {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		return result{-1, stdout.String(), fmt.Sprint(err)}
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// freeAddress returns a loopback address with a port that nobody has.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // It was not used.
	return l.Addr().String()
}

// TestEstate lets estates live beside the program and compares every join with the truth: vCenter tells late,
// lines come late, clocks are off, port ids are used again at once. No join may be wrong.
func TestEstate(t *testing.T) {
	if testing.Short() {
		t.Skip("takes two minutes")
	}
	t.Parallel()
	var both sync.WaitGroup // they wait most of their time: in one of the places that tests side by side have
	defer both.Wait()
	for seed, mode := range map[uint64]int{1: 0, 2: 1} { // the second one with a restart
		both.Go(func() {
			t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
				e := estate{seed: seed, vms: 50, span: 60 * time.Second, lag: 5 * time.Second, late: 30 * time.Second, churn: 1, rate: 30, mode: estateModes[mode], restart: seed == 2}
				v := e.live(t)
				t.Logf("%s\n%s", e.mode.name, v.text)
			})
		})
	}
}
