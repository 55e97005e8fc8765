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

// chaos is one randomized run of the whole program: receiver, log, and two sinks of which one fails
// now and then, with kills, a full disk and a clock that jumps.
type chaos struct {
	t      *testing.T
	random *rand.Rand
	data   string // on a small file system of its own where that is permitted
	small  bool   // it is
	offset string // file that holds the clock's offset
	link   string // path of the flaky sink
	p      *instance
	want   map[int]uint64 // lines by sender
}

// TestChaos is issue 5's "The whole program". CHAOS_SEED repeats a run, CHAOS_ROUNDS makes it longer.
func TestChaos(t *testing.T) {
	needFullDevice(t)
	built(t)
	t.Parallel()
	seed, rounds := uint64(time.Now().UnixNano()), 5
	if s, err := strconv.ParseUint(os.Getenv("CHAOS_SEED"), 10, 64); err == nil {
		seed = s
	}
	if n, err := strconv.Atoi(os.Getenv("CHAOS_ROUNDS")); err == nil {
		rounds = n
	}
	t.Logf("CHAOS_SEED=%d CHAOS_ROUNDS=%d", seed, rounds)
	c := &chaos{t: t, random: rand.New(rand.NewPCG(seed, 0)), data: t.TempDir(), want: map[int]uint64{}}
	c.mount(100 + 12*rounds) // room for all that is sent
	outside := t.TempDir()
	c.offset, c.link = filepath.Join(outside, "offset"), filepath.Join(outside, "flaky.ndjson")
	config := writeConfig(t, fmt.Sprintf(`
data_dir: %q
listeners: [{name: tcp, address: "tcp://127.0.0.1:0"}]
admin: {listen: "127.0.0.1:0"}
log: {min_free: 1MiB, max_size: 32MiB, retain: {size: 0, age: 0s}}
sinks:
  - {name: steady, type: file, file: {path: %q, rotate: {size: 1MiB, keep: 0}}}
  - {name: flaky, type: file, file: {path: %q, rotate: {size: 0}}}
`, c.data, filepath.Join(c.data, "steady.ndjson"), c.link))

	for round := range rounds {
		c.jump()
		c.point(c.random.IntN(2) == 0)
		c.p = startProgram(t, programs.jumpy, []string{"JUMPY_OFFSET=" + c.offset}, "-c", config)
		c.balanced(fmt.Sprintf("round %d, after the start", round))
		c.round(round)
		if c.random.IntN(3) > 0 {
			c.p.kill(t)
		} else {
			c.p.stop(t)
		}
	}
	c.point(true)
	c.p = startProgram(t, programs.jumpy, []string{"JUMPY_OFFSET=" + c.offset}, "-c", config)
	m := c.p.settle(t, 0)
	c.balanced("at the end")
	if n := m.sum("vswarden_log_damage_total") + m.sum("vswarden_events_dead_total") + m.sum("vswarden_events_skipped_total"); n > 0 {
		t.Errorf("%v damages, dead letters and skipped records, want none", n)
	}
	c.p.stop(t)

	for _, path := range []string{filepath.Join(c.data, "steady.ndjson"), filepath.Join(outside, "real.ndjson")} {
		v := judged(t, path)
		fine(t, v)
		for sender, want := range c.want {
			if got := v.perSender[sender]; got != want {
				t.Errorf("%s: sender %d has %d lines of %d", filepath.Base(path), sender, got, want)
			}
		}
		t.Logf("%s: %d lines, %d of them repeats", filepath.Base(path), v.Lines, v.Repeats)
	}
}

// mount puts the data directory on a small file system of so many MiB, so that it can be filled.
func (c *chaos) mount(size int) {
	if os.Getuid() != 0 {
		c.t.Log("not root: the disk does not fill up in this run")
		return
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", size), "tmpfs", c.data).CombinedOutput(); err != nil {
		c.t.Logf("no small file system here, the disk does not fill up in this run: %v %s", err, out)
		return
	}
	c.small = true
	c.t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", c.data).CombinedOutput(); err != nil {
			c.t.Logf("umount: %v %s", err, out)
		}
	})
}

// jump sets the clock hours or years forth or back.
func (c *chaos) jump() {
	offsets := []string{"0s", "3h", "-5h", "17520h", "-87600h", "1ms"}
	if err := os.WriteFile(c.offset, []byte(offsets[c.random.IntN(len(offsets))]), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// point lets the flaky sink's path name a file, or a device that takes nothing.
func (c *chaos) point(works bool) {
	target := "/dev/full"
	if works {
		target = filepath.Join(filepath.Dir(c.link), "real.ndjson")
		f, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			c.t.Fatal(err)
		}
		_ = f.Close() // Nothing was written.
	}
	next := c.link + ".next"
	_ = os.Remove(next) // It may not be there.
	if err := os.Symlink(target, next); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Rename(next, c.link); err != nil {
		c.t.Fatal(err)
	}
}

// fill leaves no room on the small file system for a moment.
func (c *chaos) fill(d time.Duration) {
	if !c.small {
		return
	}
	name := filepath.Join(c.data, "filler")
	f, err := os.Create(name)
	if err != nil {
		return // there is no room already
	}
	block := make([]byte, 1<<20)
	for err == nil {
		_, err = f.Write(block)
	}
	_ = f.Close() // It ended for want of room.
	time.Sleep(d)
	if err := os.Remove(name); err != nil {
		c.t.Fatal(err)
	}
}

// round sends lines while things go wrong, and returns when all of them are in the log and synced.
func (c *chaos) round(n int) {
	const hosts = 3
	done := make(chan sent, 1)
	go func() {
		done <- load(c.t, "-addr", c.p.address(c.t, "tcp"), "-proto", "tcp", "-rate", "4000", "-for", "2s",
			"-first-host", strconv.Itoa(n*hosts), "-hosts", strconv.Itoa(hosts), "-seed", strconv.Itoa(n+1))
	}()
	for range 4 {
		time.Sleep(time.Duration(c.random.IntN(400)) * time.Millisecond)
		switch c.random.IntN(4) {
		case 0:
			c.jump()
		case 1:
			c.point(false)
		case 2:
			c.point(true)
		case 3:
			c.fill(time.Duration(c.random.IntN(500)) * time.Millisecond)
		}
	}
	s := <-done
	for _, sender := range s.Senders {
		c.want[sender.Sender] = sender.Last - sender.First + 1
	}
	m := c.p.waitFor(c.t, fmt.Sprintf("all %d frames in the log and synced", s.Sent), func(m metrics) bool {
		own := m.sum("vswarden_records_emitted_total") // a clock that jumps makes hosts silent
		return m.sum("vswarden_frames_received_total") == float64(s.Sent) && m.sum("vswarden_log_synced_records_total") == float64(s.Sent)+own
	})
	c.t.Logf("round %d: %d lines, %v events of our own", n, s.Sent, m.sum("vswarden_records_emitted_total"))
	c.balanced(fmt.Sprintf("round %d, all received", n))
}

// balanced waits until the books balance: they do when nothing is in flight, also while a sink is down.
func (c *chaos) balanced(when string) {
	var last []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if last = imbalance(c.p.scrape(c.t)); len(last) == 0 {
			return
		}
	}
	c.t.Fatalf("%s: the books do not balance: %v", when, last)
}
