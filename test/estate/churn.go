package main

import (
	"fmt"
	"time"
)

// noteKind is what an event of vCenter tells.
type noteKind int

const (
	notePowerOn noteKind = iota
	notePowerOff
	noteMoved
	noteRenamed
	noteReconfigured
	notePolicy
)

// note is an event of vCenter: what happened, to whom, when.
type note struct {
	kind  noteKind
	at    time.Time
	vm    *vm
	from  *host  // noteMoved
	was   string // noteRenamed
	group *portgroup
}

// nameRest is how long a name is not used after it was given up. vCenter has told of its end by then: a name
// that two machines bore within one delay tells nobody apart.
const nameRest = 30 * time.Second

// churn plans changes until end, on average opt.churn a second.
func (w *world) churn(now, end time.Time) {
	if w.opt.churn <= 0 || now.After(end) {
		return
	}
	gap := time.Duration((0.2 + 1.6*w.rand.Float64()) / w.opt.churn * float64(time.Second))
	w.clock.at(now.Add(gap), func(now time.Time) {
		if now.Before(end) {
			w.change(now)
			w.churn(now, end)
		}
	})
}

// policyRest is how long there is at least between two changes of policy: after each a client reads all ports of the
// portgroup.
const policyRest = 10 * time.Second

// change does one of the things that happen to machines.
func (w *world) change(now time.Time) {
	v := w.vms[w.rand.IntN(len(w.vms))]
	switch k := w.rand.IntN(100); {
	case !v.on:
		w.powerOn(v, w.hosts[w.rand.IntN(len(w.hosts))], now)
	case k < 25:
		h := v.host
		w.powerOff(v, now)
		if other := w.vms[w.rand.IntN(len(w.vms))]; !other.on && other != v && w.rand.IntN(2) == 0 {
			w.powerOn(other, h, now) // with -reuse on the very ports
		}
	case k < 60:
		w.move(v, w.hosts[w.rand.IntN(len(w.hosts))], now)
	case k < 78:
		w.rename(v, now)
	case k < 96:
		w.reconnect(v.nics[w.rand.IntN(len(v.nics))], now)
	case now.Sub(w.ruled) > policyRest:
		w.ruled = now
		w.setPolicy(w.groups[w.rand.IntN(len(w.groups))], now)
	default:
		w.rename(v, now)
	}
}

func (w *world) powerOn(v *vm, h *host, now time.Time) {
	w.done["power on"]++
	v.host = h
	w.start(v, now)
	for _, n := range v.nics {
		w.enabled(n, now)
	}
	w.note(note{kind: notePowerOn, at: now, vm: v})
	w.tell(v)
	w.tell(h)
}

func (w *world) powerOff(v *vm, now time.Time) {
	w.done["power off"]++
	w.leave(v, now)
	v.on = false
	w.note(note{kind: notePowerOff, at: now, vm: v})
	w.tell(v)
	w.tell(v.host)
}

// leave takes a machine off the ports of its host.
func (w *world) leave(v *vm, now time.Time) {
	for _, n := range v.nics {
		if n.port != 0 {
			w.disabled(n, now)
			n.set().release(n)
		}
	}
}

func (w *world) move(v *vm, to *host, now time.Time) {
	from := v.host
	if to == from {
		return
	}
	w.done["vMotion"]++
	w.leave(v, now)
	v.host, v.kernel = to, v.name
	w.enter(v)
	for _, n := range v.nics {
		w.enabled(n, now)
	}
	w.note(note{kind: noteMoved, at: now, vm: v, from: from})
	w.tell(v)
	w.tell(from)
	w.tell(to)
}

// rename gives a machine a new name, or now and then one that another gave up. VMkernel goes on with the old one.
func (w *world) rename(v *vm, now time.Time) {
	w.done["rename"]++
	was := v.name
	v.name = fmt.Sprintf("app-%04d-%d", v.n, w.done["rename"])
	if w.rand.IntN(4) == 0 && len(w.given) > 0 && now.Sub(w.given[0].at) > nameRest+w.opt.lag {
		v.name, w.given = w.given[0].name, w.given[1:]
	}
	w.given = append(w.given, formerName{was, now})
	w.note(note{kind: noteRenamed, at: now, vm: v, was: was})
	w.tell(v)
}

// reconnect takes an adapter off its port and gives it another one, as a user does who ticks Connected twice.
func (w *world) reconnect(n *nic, now time.Time) {
	w.done["reconnect"]++
	w.disabled(n, now)
	n.set().release(n)
	n.set().take(n, w.opt.reuse && w.rand.IntN(2) == 0)
	w.enabled(n, now)
	w.note(note{kind: noteReconfigured, at: now, vm: n.vm})
	w.tell(n.vm)
	w.tell(n.vm.host)
}

// setPolicy turns a setting over about which no host here writes lines: of a distributed portgroup, or of a standard one on
// one host.
func (w *world) setPolicy(g *portgroup, now time.Time) {
	w.done["policy"]++
	w.note(note{kind: notePolicy, at: now, group: g})
	if g.distributed {
		g.forged = !g.forged
		g.version++
		w.tell(g)
		return
	}
	h := w.hosts[w.rand.IntN(len(w.hosts))]
	h.forged[g] = !h.forged[g]
	w.tell(h)
}
