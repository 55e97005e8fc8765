package test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// loadRun is a loadgen that sends until its collector is gone.
type loadRun struct{ cmd *exec.Cmd }

// loading starts a loadgen over TCP whose hosts are numbered from first.
func loading(t *testing.T, p *instance, first, hosts int) loadRun {
	t.Helper()
	return loadingAt(t, p, first, hosts, 50000)
}

// loadingAt is loading at a rate.
func loadingAt(t *testing.T, p *instance, first, hosts, rate int) loadRun {
	t.Helper()
	l := loadRun{exec.CommandContext(t.Context(), programs.loadgen, "-addr", p.address(t, "tcp"), "-proto", "tcp",
		"-rate", strconv.Itoa(rate), "-for", "10m", "-first-host", strconv.Itoa(first), "-hosts", strconv.Itoa(hosts))}
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return l
}

// end waits for the loadgen, whose connections are broken.
func (l loadRun) end() {
	_ = l.cmd.Process.Kill() // It may have ended.
	_ = l.cmd.Wait()         // Broken connections are what it is for.
}

// Issue 3, "Resolved when" 4: what was reported synced before a kill -9 is delivered after the
// next start, and nothing under two ids. KILLS makes it longer, KILL_SEED repeats its moments.
func TestKilledUnderLoad(t *testing.T) {
	const hosts = 4
	kills, seed := 12, uint64(time.Now().UnixNano())
	if n, err := strconv.Atoi(os.Getenv("KILLS")); err == nil {
		kills = n
	}
	if s, err := strconv.ParseUint(os.Getenv("KILL_SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("KILL_SEED=%d KILLS=%d", seed, kills)
	moments := rand.New(rand.NewPCG(seed, 0))
	data := t.TempDir()
	config := configured(t, data, "retain: {size: 0}", fmt.Sprintf("sinks: [{name: events, type: file, file: {path: %q, rotate: {keep: 0}}}]", filepath.Join(data, "events.ndjson")))
	synced := make([]float64, kills)
	for round := range kills {
		p := start(t, "-c", config)
		before := p.scrape(t).sum("vswarden_log_synced_records_total")
		l := loading(t, p, round*hosts, hosts)
		if round%4 != 3 { // Now and then also right at the start.
			p.waitFor(t, "a record synced", func(m metrics) bool { return m.sum("vswarden_log_synced_records_total") > before })
		}
		time.Sleep(time.Duration(moments.IntN(300)) * time.Millisecond)
		synced[round] = p.scrape(t).sum("vswarden_log_synced_records_total") - before
		p.kill(t)
		l.end()
	}
	p := start(t, "-c", config)
	m := p.settle(t, 0)
	books(t, m)
	if n := m.sum("vswarden_log_damage_total", `kind="corrupt"`) + m.sum("vswarden_log_damage_total", `kind="missing"`); n > 0 {
		t.Errorf("%v damages that a kill cannot do", n)
	}
	p.stop(t)

	v := judged(t, filepath.Join(data, "events.ndjson"))
	fine(t, v)
	all := 0.0
	for round, want := range synced {
		got := uint64(0)
		for host := range hosts {
			got += v.perSender[round*hosts+host]
		}
		if float64(got) < want {
			t.Errorf("kill %d: %d records delivered, %v were synced", round, got, want)
		}
		all += want
	}
	t.Logf("%d kills: %v records synced before them, %d delivered, %d of these repeated", kills, all, v.Unique, v.Repeats)
	if all == 0 {
		t.Error("nothing was ever synced before a kill: the test tests nothing")
	}
}

// With sync: always nothing is behind: a line that was appended is synced.
func TestKilledWithSyncAlways(t *testing.T) {
	data := t.TempDir()
	config := configured(t, data, "sync: always", "")
	p := start(t, "-c", config)
	s := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "2000", "-hosts", "2")
	p.waitFor(t, "all frames in the log", func(m metrics) bool { return m.sum("vswarden_log_records_total") == float64(s.Sent) })
	p.kill(t)
	p = start(t, "-c", config)
	books(t, p.settle(t, 0))
	p.stop(t)
	fine(t, judged(t, filepath.Join(data, "events.ndjson"), "-expect", s.file))
}
