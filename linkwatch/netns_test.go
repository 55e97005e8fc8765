//go:build linux

package linkwatch

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"vswarden/linkwatch/netns"
)

// inNamespace gives the test a network namespace of its own.
func inNamespace(t *testing.T) {
	t.Helper()
	netns.Enter(t, "bridge", "tcpdump")
}

// do runs a command in the namespace of the test's thread.
func do(t *testing.T, command string) {
	t.Helper()
	if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// may runs a command whose device type the kernel may lack.
func may(t *testing.T, command string) bool {
	t.Helper()
	out, err := exec.Command("sh", "-c", command).CombinedOutput()
	if err != nil {
		t.Logf("%s: %v: %s", command, err, strings.TrimSpace(string(out)))
	}
	return err == nil
}

// watched is a Watcher that runs, and what it has said.
type watched struct {
	t     *testing.T
	w     *Watcher
	lines chan Line

	said, pending []string
}

// watch opens a Watcher in the test's namespace and runs it.
func watch(t *testing.T, cfg Config) *watched {
	t.Helper()
	w, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	d := &watched{t: t, w: w, lines: make(chan Line, 10_000)}
	ctx := t.Context()
	done := make(chan error, 1)
	go func() {
		done <- w.Run(ctx, func(lines []Line) error {
			for _, l := range lines {
				d.lines <- l
			}
			return nil
		})
	}()
	t.Cleanup(func() { // t.Context has ended by now
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("Run did not end with its context")
		}
	})
	return d
}

// wait returns the first line that nobody waited for yet, begins with head and holds every part.
func (d *watched) wait(head string, parts ...string) string {
	d.t.Helper()
	timeout := time.After(patience)
	for i := 0; ; i++ {
		if i == len(d.pending) {
			select {
			case l := <-d.lines:
				d.said, d.pending = append(d.said, l.Text), append(d.pending, l.Text)
			case <-timeout:
				d.t.Fatalf("nobody said %q %q; heard\n%s", head, parts, strings.Join(d.said, "\n"))
			}
		}
		if text := d.pending[i]; strings.HasPrefix(text, head+", ") && holds(text, parts) {
			d.pending = slices.Delete(d.pending, i, i+1)
			return text
		}
	}
}

func holds(text string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(text+" ", " "+p+" ") {
			return false
		}
	}
	return true
}

// never asserts that none of the lines so far holds text.
func (d *watched) never(text string) {
	d.t.Helper()
	for _, s := range d.said {
		if strings.Contains(s, text) {
			d.t.Errorf("said %q", s)
		}
	}
}

func TestStateAtStart(t *testing.T) {
	inNamespace(t)
	do(t, "ip link add br0 type bridge ageing_time 0 && ip link add tap0 type veth peer name guest0 && ip link set tap0 master br0 && ip link set tap0 up && ip link set br0 up")
	do(t, "ip link add eth9 type veth peer name wire9 && ip link set eth9 up promisc on")
	d := watch(t, DefaultConfig())
	d.wait("lo: found", "kind=loopback", "promiscuity=0")
	d.wait("br0: found as a hub", "kind=bridge", "ageing=0.00s", "promiscuity=0")
	d.wait("tap0: found in promiscuous mode", "kind=veth", "master=br0", "master_kind=bridge", "unicast_flood=on", "learning=on", "reason=bridge_membership")
	d.wait("eth9: found in promiscuous mode", "promiscuity=1", "iff_promisc=on", "reason=capture")
	d.w.Restate()
	d.wait("br0: found as a hub")
	d.wait("eth9: found in promiscuous mode")
}

func TestPortOfABridgeAndCapture(t *testing.T) {
	inNamespace(t)
	d := watch(t, DefaultConfig())
	d.wait("lo: found")
	do(t, "ip link add br0 type bridge && ip link set br0 up")
	d.wait("br0: appeared", "kind=bridge", "ageing=300.00s")
	do(t, "ip link add tap0 type veth peer name guest0 && ip link set tap0 up && ip link set guest0 up")
	d.wait("tap0: appeared", "kind=veth", "promiscuity=0")
	do(t, "ip link set tap0 master br0")
	d.wait("tap0: joined a master", "master=br0", "master_kind=bridge")
	d.wait("tap0: entered promiscuous mode", "promiscuity=1", "promiscuity_was=0", "master=br0", "reason=bridge_membership")

	// Somebody listens on a port that is promiscuous already: the kernel logs nothing of it.
	stop := capture(t, "tap0")
	d.wait("tap0: promiscuity raised", "promiscuity=2", "promiscuity_was=1", "reason=capture")
	stop()
	d.wait("tap0: promiscuity lowered", "promiscuity=1", "reason=bridge_membership")

	// Somebody listens on a device that is a part of nothing, and on the bridge itself.
	stop = capture(t, "guest0")
	d.wait("guest0: entered promiscuous mode", "promiscuity=1", "reason=capture")
	stop()
	d.wait("guest0: left promiscuous mode", "promiscuity=0")
	do(t, "ip link set br0 promisc on")
	d.wait("br0: entered promiscuous mode", "iff_promisc=on", "reason=bridge_itself")

	do(t, "bridge link set dev tap0 flood off learning off")
	d.wait("tap0: port settings changed", "unicast_flood=off", "unicast_flood_was=on")
	do(t, "ip link set br0 type bridge ageing_time 0")
	d.wait("br0: became a hub", "ageing=0.00s", "ageing_was=300.00s")
	do(t, "ip link set br0 type bridge ageing_time 1550")
	d.wait("br0: ageing time changed", "ageing=15.50s", "ageing_was=0.00s")

	do(t, "ip link set tap0 nomaster")
	d.wait("tap0: left its master", "master_was=br0", "master_kind_was=bridge")
	do(t, "ip link set guest0 down && ip link set guest0 name renamed0")
	d.wait("renamed0: renamed", "name_was=guest0")
	do(t, "ip link del tap0")
	d.wait("tap0: removed")
	d.never("could not be read")
	if n := d.w.Stats.Broken.Load(); n != 0 {
		t.Errorf("%d messages could not be read", n)
	}
}

// The same by way of sysfs, as older tools do, and of devices that only some kernels have.
func TestOtherWaysAndOtherDevices(t *testing.T) {
	inNamespace(t)
	do(t, "ip link add br0 type bridge && ip link add p0 type veth peer name q0 && ip link set p0 master br0")
	cfg := DefaultConfig()
	cfg.Reread = 200 * time.Millisecond // of an ageing time written through sysfs no message tells
	d := watch(t, cfg)
	d.wait("p0: found in promiscuous mode", "reason=bridge_membership")
	if may(t, "ip link add dummy0 type dummy") {
		d.wait("dummy0: appeared", "kind=dummy")
		do(t, "ip link set dummy0 up")
		stop := capture(t, "dummy0")
		d.wait("dummy0: entered promiscuous mode", "reason=capture")
		stop()
		d.wait("dummy0: left promiscuous mode")
	}
	if may(t, "ip tuntap add dev vnet0 mode tap && ip link set vnet0 up master br0") {
		d.wait("vnet0: appeared", "kind=tun")
		d.wait("vnet0: joined a master", "master=br0")
	}
	do(t, "unshare -m sh -c 'mount -t sysfs none /sys && echo 0 > /sys/class/net/br0/bridge/ageing_time && echo 0 > /sys/class/net/p0/brport/unicast_flood'")
	d.wait("br0: became a hub")
	d.wait("p0: port settings changed", "unicast_flood=off", "unicast_flood_was=on")
}

// capture runs tcpdump on a device and returns what ends it, once it listens.
func capture(t *testing.T, device string) (stop func()) {
	t.Helper()
	cmd := exec.Command("tcpdump", "-i", device, "-n", "-w", os.DevNull)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	stop = func() {
		if !ended {
			ended = true
			_ = cmd.Process.Signal(syscall.SIGINT) // it may be gone
			_ = cmd.Wait()                         // how it ends does not matter
		}
	}
	t.Cleanup(stop)
	return stop
}

// What the kernel loses is said, and all links are read anew.
func TestOverrun(t *testing.T) {
	inNamespace(t)
	cfg := DefaultConfig()
	cfg.ReadBuffer, cfg.Reread = 1, 0 // the kernel makes it a little more
	w, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	block, blocked := make(chan struct{}), make(chan struct{})
	d := &watched{t: t, w: w, lines: make(chan Line, 10_000)}
	done := make(chan error, 1)
	first := true
	go func() {
		done <- w.Run(t.Context(), func(lines []Line) error {
			if first {
				first = false
				close(blocked)
				<-block
			}
			for _, l := range lines {
				d.lines <- l
			}
			return nil
		})
	}()
	<-blocked
	var script strings.Builder
	for i := range 60 {
		fmt.Fprintf(&script, "link add a%d type veth peer name b%d\n", i, i)
	}
	script.WriteString("link set a7 up promisc on\nlink add br7 type bridge ageing_time 0\n")
	do(t, "ip -batch - <<'END'\n"+script.String()+"END")
	close(block)
	d.wait("netlink messages were lost")
	d.wait("a7: appeared in promiscuous mode", "iff_promisc=on")
	d.wait("br7: appeared as a hub")
	if n := w.Stats.Overruns.Load(); n == 0 {
		t.Error("no overrun was counted")
	}
	go func() { // what else there is to say must not keep Run
		for range d.lines {
		}
	}()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
