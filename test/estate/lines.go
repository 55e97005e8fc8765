package main

import (
	"fmt"
	"time"
)

// write plans lines until end: L2Sec lines of both grammars, and what else a host writes.
func (w *world) write(now, end time.Time) {
	gap := time.Duration((0.2 + 1.6*w.rand.Float64()) / w.opt.rate * float64(time.Second))
	w.clock.at(now.Add(gap), func(now time.Time) {
		if !now.Before(end) {
			return
		}
		w.line(now)
		w.write(now, end)
	})
}

// line lets one host write one line.
func (w *world) line(now time.Time) {
	v := w.vms[w.rand.IntN(len(w.vms))]
	k := w.rand.IntN(100)
	switch n := v.nics[w.rand.IntN(len(v.nics))]; {
	case k >= 75 || n.port == 0:
		w.noise(v.host, now)
	case k < 40:
		w.named(n, now)
	case k < 70:
		w.nameless(n, now)
	default:
		w.ownPort(v.host, now)
	}
}

// client is how VMkernel calls an adapter on its host.
func (n *nic) client() string {
	if n.vm.host.form == bareNames {
		return n.vm.kernel
	}
	return fmt.Sprintf("%s.eth%d", n.vm.kernel, n.key-4000)
}

// named writes a denial that names its client.
func (w *world) named(n *nic, now time.Time) {
	form := "etherswitch: L2Sec_EnforcePortCompliance:%d: "
	if n.vm.host.form == converged {
		form = `cswitch: L2Sec_EnforcePortCompliance:%d: [nsx@6876 comp="nsx-esx" subcomp="vswitch"]`
	}
	text := fmt.Sprintf(form+"client %s requested promiscuous mode on port 0x%x, disallowed by vswitch policy", 209, n.client(), n.port)
	switch w.rand.IntN(3) {
	case 0:
		text = fmt.Sprintf(form+"client %s requested mac address change to 02:11:22:%02x:%02x:%02x on port 0x%x, disallowed by vswitch policy",
			247, n.client(), w.rand.IntN(256), w.rand.IntN(256), w.rand.IntN(256), n.port)
	case 1:
		text = fmt.Sprintf(form+"client %s has policy violations on port 0x%x. Port is blocked", 356, n.client(), n.port)
	}
	w.kernel(n.vm.host, text, now, fact{Grammar: "new", Port: n.port, nic: n})
}

// nameless writes a denial in the grammar of ESX 4, which has a port only.
func (w *world) nameless(n *nic, now time.Time) {
	text := fmt.Sprintf("etherswitch: L2Sec_EnforcePortCompliance: 0x%x: peer not allowed promiscuous, revoking setting", n.port)
	if w.rand.IntN(2) == 0 {
		text = fmt.Sprintf("etherswitch: L2Sec_EnforcePortCompliance: 0x%x: peer not allowed to change address, blocking port", n.port)
	}
	w.kernel(n.vm.host, text, now, fact{Grammar: "old", Port: n.port, nic: n})
}

func (w *world) enabled(n *nic, now time.Time) {
	if n.port != 0 {
		w.kernel(n.vm.host, fmt.Sprintf("NetPort: 982: enabled port 0x%x with mac %s", n.port, n.mac), now, fact{Grammar: "netport", Port: n.port, nic: n})
	}
}

func (w *world) disabled(n *nic, now time.Time) {
	w.kernel(n.vm.host, fmt.Sprintf("NetPort: 1165: disabled port 0x%x", n.port), now, fact{Grammar: "netport", Port: n.port, nic: n})
}

// ownPort writes a line about a port of the host itself: a capture on its vmk, or its uplink.
func (w *world) ownPort(h *host, now time.Time) {
	if w.rand.IntN(2) == 0 {
		w.kernel(h, fmt.Sprintf("etherswitch: L2Sec_EnforcePortCompliance:226: client vmk0 requested promiscuous mode on port 0x%x, disallowed by vswitch policy", vmkPort), now, fact{Grammar: "own", Port: vmkPort})
		return
	}
	w.kernel(h, fmt.Sprintf("Uplink: 9893: enabled port 0x%x with mac %s", uplinkPort, uplinkMAC(h)), now, fact{Grammar: "own", Port: uplinkPort})
}

// Ports of a host itself.
const (
	vmkPort    = 0x2000004
	uplinkPort = 0x82000002
)

func uplinkMAC(h *host) string { return fmt.Sprintf("70:5a:0f:00:%02x:%02x", h.n>>8, h.n&255) }
func vmkMAC(h *host) string    { return fmt.Sprintf("00:50:56:60:%02x:%02x", h.n>>8, h.n&255) }

// noise writes one of the lines that make up most of a host's log.
func (w *world) noise(h *host, now time.Time) {
	switch w.rand.IntN(3) {
	case 0:
		w.say(h, 166, fmt.Sprintf("Hostd: info hostd[%d] [Originator@6876 sub=Vimsvc.ha-eventmgr] Event %d : User root@127.0.0.1 logged in as VMware-client/6.5.0", 2099000+w.rand.IntN(900), w.rand.IntN(99999)), now, fact{Grammar: "noise"})
	case 1:
		w.say(h, 166, fmt.Sprintf("Hostd: verbose hostd[%d] [Originator@6876 sub=PropertyProvider] RecordOp ASSIGN: guest.disk, %d. Applied change to temp map.", 2099000+w.rand.IntN(900), w.rand.IntN(99999)), now, fact{Grammar: "noise"})
	default:
		w.kernel(h, fmt.Sprintf("ScsiDeviceIO: 3449: Cmd(0x45a2c7) 0x1a, CmdSN 0x%x from world 0 to dev \"mpx.vmhba32:C0:T0:L0\" failed H:0x0 D:0x2 P:0x0", w.rand.IntN(1<<16)), now, fact{Grammar: "noise"})
	}
}

func (w *world) kernel(h *host, text string, now time.Time, f fact) {
	id := firstWorld - 2000 + w.rand.IntN(900)
	if f.nic != nil && w.rand.IntN(2) == 0 {
		id = f.nic.vm.world
	}
	w.say(h, 181, fmt.Sprintf("vmkernel: cpu%d:%d)%s", w.rand.IntN(64), id, text), now, f)
}

// say writes a line: its truth at once, its bytes when the host gets to send them.
func (w *world) say(h *host, priority int, text string, now time.Time, f fact) {
	ms := now.Add(h.skew).UnixMilli()
	for w.stamps[ms] {
		ms++
	}
	w.stamps[ms] = true
	due := w.leaves(h, now)
	f.Stamp = time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
	f.At, f.Host, f.LateMS = now.UTC(), h.name, due.Sub(now).Milliseconds()
	if f.nic != nil {
		f.VM, f.Name, f.Kernel, f.NIC = f.nic.vm.moid, f.nic.vm.name, f.nic.vm.kernel, f.nic.key
	}
	w.truth.write(&f)
	line := fmt.Sprintf("<%d>%s %s %s", priority, f.Stamp, h.name, text)
	w.clock.at(due, func(time.Time) { h.out.send(line) })
}

// leaves returns when a line gets out: most do at once; now and then a host's session is broken and all its
// lines wait; and a few are late for themselves.
func (w *world) leaves(h *host, now time.Time) time.Time {
	late := func() time.Duration { return time.Duration(w.rand.Float64() * float64(w.opt.late)) }
	due := now.Add(time.Duration(w.rand.IntN(100)) * time.Millisecond)
	if w.opt.late == 0 {
		return now
	}
	if now.After(h.stalled) && w.rand.IntN(400) == 0 {
		h.stalled = now.Add(late())
	}
	if now.Before(h.stalled) && due.Before(h.stalled) {
		due = h.stalled
	}
	if w.rand.IntN(10) == 0 {
		due = now.Add(late())
	}
	if end := now.Add(w.opt.late); due.After(end) {
		due = end
	}
	return due
}
