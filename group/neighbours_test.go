package group

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vswarden/event"
)

const (
	vobGen  = "[GenericCorrelator] 12us: [vob.user.ssh.session.opened] SSH session was opened for 'root@192.0.2.4'."
	vobUser = "[UserLevelCorrelator] 12us: [vob.user.ssh.session.opened] SSH session was opened for 'root@192.0.2.4'."
	vobAud  = "[UserLevelCorrelator] 412us: [esx.audit.ssh.session.opened] SSH session was opened for 'root@192.0.2.4'."
	vobOver = "[UserLevelCorrelator] 413us: The event ([esx.audit.ssh.session.opened] SSH session was opened for 'root@192.0.2.4'.) was posted"
	echo    = originator + "Event 974676 : SSH session was opened for 'root@192.0.2.4'."
	vpxa    = "Event [9] [1-1] [x] [vim.event.EventEx] [info] [] [esx1] [9] [SSH session was opened for 'root@192.0.2.4']"
	warning = "cpu3:2097803)WARNING: NFS: 5544: NFS volume has deteriorated"
)

func TestOneHappeningToldAgain(t *testing.T) {
	vob, hostd := header("18.734", "vobd")+" ", header("18.734", "Hostd")
	for name, c := range map[string]struct {
		lines []string
		want  string // for each line: . = first, a letter = the line it tells again, from a
	}{
		"vobd two, three, four times and hostd's echo": {[]string{vob + vobGen, vob + vobUser, vob + vobAud, vob + vobOver, hostd + echo}, ".aaaa"},
		"and vpxa's copy":                       {[]string{hostd + echo, header("18.735", "Vpxa") + vpxa}, ".a"},
		"twice the same form is two happenings": {[]string{vob + vobGen, vob + vobGen, vob + vobUser, vob + vobUser}, "..ba"},
		"an id and its facts, where texts differ": {[]string{
			vob + "[netCorrelator] 1us: [vob.net.vmnic.linkstate.down] vmnic vmnic6 linkstate down",
			vob + "[netCorrelator] 2us: [vob.net.vmnic.linkstate.down] vmnic vmnic7 linkstate down",
			vob + "[netCorrelator] 3us: [esx.problem.net.vmnic.linkstate.down] Physical NIC vmnic6 linkstate is down",
			vob + "[netCorrelator] 4us: [esx.clear.net.vmnic.linkstate.up] Physical NIC vmnic6 linkstate is up",
		}, "..a."},
		"the vmkernel's copies": {[]string{
			header("18.734", "vmkernel") + warning, header("18.734", "vmkwarning") + warning, header("18.734", "vmkernel") + warning, header("18.734", "vmkalert") + "cpu3:2097803)ALERT: other",
		}, ".a.."},
		"the kernel and the audit system": {[]string{
			"<6>Feb  7 09:29:18 kvm kernel: device tap9 left promiscuous mode",
			"<13>Feb  7 09:29:18 kvm audit: type=1700 audit(1.2:3): dev=tap9 prom=0 old_prom=256 auid=1000 uid=0 gid=0 ses=1",
		}, ".a"},
		"too late":                    {[]string{vob + vobGen, "+2001ms", vob + vobUser}, ".."},
		"late by their own stamps":    {[]string{vob + vobGen, header("21.000", "vobd") + " " + vobUser}, ".."},
		"lines that say nothing much": {[]string{hostd + originator + "x", hostd + originator + "x"}, ".."},
	} {
		f := newFeed(t, Options{Senders: 10})
		var ids []string
		for _, l := range c.lines {
			if l[0] == '+' {
				d, _ := time.ParseDuration(l[1:])
				f.pass(d)
				continue
			}
			f.add("esx1", "a", l)
			ids = append(ids, f.out[len(f.out)-1].id)
		}
		got := ""
		for _, e := range f.end() {
			mark := "."
			for i, id := range ids {
				if e.sameAs == id {
					mark = string(rune('a' + i))
				}
			}
			got += mark
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	f := newFeed(t, Options{Senders: 10})
	f.add("esx1", "a", vob+vobGen)
	f.add("esx2", "a", vob+vobUser)
	if out := f.end(); out[1].sameAs != "" {
		t.Error("another sender's line counts as a repeat")
	}
}

func TestFloods(t *testing.T) {
	flap := func(port int) string {
		return header("18.734", "vmkernel") + fmt.Sprintf("cpu1:2)NetPort: 1165: disabled port 0x%x", port)
	}
	f := newFeed(t, usual)
	f.now -= f.now % floodMinute
	count := func(dataset event.Dataset) (flooded, all int) {
		for _, e := range f.out {
			if e.dataset == dataset {
				all++
				if e.tags&event.TagFlood != 0 {
					flooded++
				}
			}
		}
		return flooded, all
	}
	for i := range 30 {
		f.add("esx1", "a", flap(0x3000007))
		f.add("esx2", "b", flap(0x3000007))
		if i < 20 {
			f.add("esx1", "a", flap(0x3000100+i)) // each port for itself
		}
		f.pass(time.Second)
	}
	if n, all := count(event.DatasetNetPort); n != 20 || all != 80 {
		t.Errorf("%d of %d in a flood, want 10 of each sender", n, all)
	}
	f.pass(31 * time.Second) // another minute: from the beginning
	for range 21 {
		f.add("esx1", "a", flap(0x3000007))
	}
	if n, _ := count(event.DatasetNetPort); n != 21 {
		t.Errorf("%d in a flood, want 21", n)
	}
	for i := range 25 { // rule sets at boot: the id counts
		f.add("esx1", "a", header("18.734", "vobd")+fmt.Sprintf(" [netCorrelator] %dus: [esx.audit.net.firewall.config.changed] Firewall configuration has changed. Operation 'add' for rule set r%d succeeded.", i, i))
	}
	if n, _ := count(event.DatasetVOB); n != 5 {
		t.Errorf("%d of 25 firewall changes in a flood, want 5", n)
	}
	for range 50 {
		f.add("esx1", "a", header("18.734", "Hostd")+originator+"usual")
	}
	f.end()
	if n, _ := count(event.DatasetHostd); n != 0 {
		t.Error("usual lines are no flood")
	}
}

func TestMembershipOrSniffing(t *testing.T) {
	kernel := func(text string) string { return "<6>Feb  7 09:29:18 kvm kernel: " + text }
	promisc := func(device string) string { return kernel("device " + device + " entered promiscuous mode") }
	port := func(bridge, device string) string {
		return kernel(bridge + ": port 2(" + device + ") entered forwarding state")
	}
	for name, c := range map[string]struct {
		lines []string
		want  []event.LinuxReason // of the promiscuous lines
	}{
		"the port before":                         {[]string{port("br0", "tap0"), promisc("tap0")}, []event.LinuxReason{event.ReasonBridgeMembership}},
		"the port behind":                         {[]string{promisc("tap0"), "+1s", port("br0", "tap0")}, []event.LinuxReason{event.ReasonBridgeMembership}},
		"behind, too late":                        {[]string{promisc("tap0"), "+1001ms", port("br0", "tap0")}, []event.LinuxReason{event.ReasonCapture}},
		"before, long ago":                        {[]string{port("br0", "tap0"), "+1001ms", promisc("tap0")}, []event.LinuxReason{event.ReasonCapture}},
		"another device's port":                   {[]string{promisc("tap0"), port("br0", "tap1")}, []event.LinuxReason{event.ReasonCapture}},
		"a new kernel's line":                     {[]string{kernel("e1000e 0000:00:1f.6 eno1: entered promiscuous mode"), port("br0", "eno1")}, []event.LinuxReason{event.ReasonBridgeMembership}},
		"two devices at once":                     {[]string{promisc("tap0"), promisc("tap1"), port("br0", "tap1"), port("br0", "tap0")}, []event.LinuxReason{event.ReasonBridgeMembership, event.ReasonBridgeMembership}},
		"a bridge by its name":                    {[]string{promisc("br7")}, []event.LinuxReason{event.ReasonBridgeItself}},
		"a bridge whose ports were seen long ago": {[]string{port("lan0", "tap0"), "+1h", promisc("lan0")}, []event.LinuxReason{event.ReasonBridgeItself}},
		"a bridge that Workstation bridges":       {[]string{port("lan0", "tap0"), kernel("bridge-lan0: enabled promiscuous mode")}, []event.LinuxReason{event.ReasonBridgeItself}},
		"one that stops listening":                {[]string{kernel("device tap0 left promiscuous mode")}, []event.LinuxReason{""}},
	} {
		for _, keep := range []bool{false, true} {
			f := newFeed(t, usual)
			f.keep = keep
			for _, l := range c.lines {
				if l[0] == '+' {
					d, _ := time.ParseDuration(l[1:])
					f.pass(d)
					continue
				}
				f.add("kvm", "", l)
			}
			var got []event.LinuxReason
			for _, e := range f.end() {
				if strings.Contains(e.message, "promiscuous") {
					got = append(got, e.reason)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%s (kept: %v): %v, want %v", name, keep, got, c.want)
			}
		}
	}
}
