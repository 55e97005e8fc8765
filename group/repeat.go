package group

import (
	"strings"

	"vswarden/event"
)

// repeatTime is how far the copies of one happening lie apart at most, by the log and by their own
// stamps.
const repeatTime = int64(2e9)

// form is a way in which a happening is told. One happening is told at most once in each.
type form uint16

const (
	vobGeneric    form = 1 << iota // vob.*, GenericCorrelator
	vobOther                       // vob.*, UserLevelCorrelator and others
	vobESX                         // esx.*
	vobAgain                       // "The event ([esx.…] …) …", ESX 9
	hostdEcho                      // Event 285 : …
	vcenterEcho                    // Event [5851] [1-1] …
	kernelLine                     // vmkernel
	kernelWarning                  // its copies
	kernelAlert
	linuxKernel
	linuxAudit
	linuxWatch // linkwatch
)

// repeats are the happenings told last.
type repeats struct {
	told [16]happening
	n    int
}

// happening is what was told first, and in which forms it was told since.
type happening struct {
	text, name  uint64 // hashes: of the text, of the id and its facts; 0 = none
	id          event.ID
	forms       form
	stamp, time int64
}

// link finds the line that told the same first.
func (snd *Sender) link(it *Item) {
	h, ok := told(&it.Event)
	if !ok {
		return
	}
	h.id, h.stamp, h.time = it.Event.ID, it.Stamp, it.Event.Time
	if snd.repeats == nil {
		snd.repeats = &repeats{}
	}
	r := snd.repeats
	if first := r.first(&h); first != nil {
		first.forms |= h.forms
		it.sameAs = first.id
		return
	}
	r.told[r.n%len(r.told)] = h
	r.n++
}

// first finds the happening that h tells again. Equal text is surer than an equal name.
func (r *repeats) first(h *happening) *happening {
	for _, byText := range [...]bool{true, false} {
		for i := r.n - 1; i >= 0 && i >= r.n-len(r.told); i-- {
			t := &r.told[i%len(r.told)]
			same := h.name != 0 && h.name == t.name
			if byText {
				same = h.text != 0 && h.text == t.text
			}
			if same && t.forms&h.forms == 0 && h.stamp-t.stamp <= repeatTime && max(h.time-t.time, t.time-h.time) <= repeatTime {
				return t
			}
		}
	}
	return nil
}

// told says what a line tells, if it is of a sort that is told more than once.
func told(e *event.Event) (h happening, ok bool) {
	switch {
	case e.VOB.Present && e.VOB.ID != "":
		return vobTold(&e.VOB), true
	case e.Hostd.EventID != "":
		h.text, h.forms = textHash(e.Hostd.Text), hostdEcho
	case e.VCEvent.Present && e.VCEvent.Parts == 1:
		h.text, h.forms = textHash(e.VCEvent.Text), vcenterEcho
	case e.Vmkernel.Present:
		return kernelTold(e)
	case e.Linux.Device != "" && e.Act != "":
		h.name, h.forms = mix(mix(hashFold("linux"), string(e.Act)), e.Linux.Device), linuxKernel
		switch {
		case e.Linux.UID != "" || e.Linux.AUID != "":
			h.forms = linuxAudit
		case e.Linux.Reason != "":
			h.forms = linuxWatch
		}
	}
	return h, h.forms != 0
}

// kernelTold is a line of the vmkernel that it also copies into vmkwarning or vmkalert.
func kernelTold(e *event.Event) (h happening, ok bool) {
	switch e.Syslog.AppName {
	case "vmkwarning":
		h.forms = kernelWarning
	case "vmkalert":
		h.forms = kernelAlert
	default:
		if e.Level == "" || !strings.HasPrefix(e.Message, "WARNING: ") && !strings.HasPrefix(e.Message, "ALERT: ") {
			return h, false
		}
		h.forms = kernelLine
	}
	h.text = mix(mix(textHash(e.Message), "kernel")^e.Vmkernel.World, e.Vmkernel.OpID)
	return h, true
}

func vobTold(v *event.VOB) (h happening) {
	name := v.ID
	switch {
	case strings.HasPrefix(name, "vob."):
		name = strings.TrimPrefix(strings.TrimPrefix(name, "vob."), "user.")
		h.forms = vobOther
		if v.Correlator == "GenericCorrelator" {
			h.forms = vobGeneric
		}
	default: // esx.audit.…, esx.problem.…, vprob.…
		if _, rest, ok := strings.Cut(name, "."); ok {
			name = rest
		}
		if strings.HasPrefix(v.ID, "esx.") {
			if _, rest, ok := strings.Cut(name, "."); ok {
				name = rest
			}
		}
		h.forms = vobESX
	}
	h.name = mix(mix(mix(mix(hashFold(name), v.NIC), v.Target), v.RuleSet), v.Operation)
	if v.Again {
		h.forms = vobAgain
		return h
	}
	h.text = textHash(v.Text)
	return h
}

// textHash hashes a text without the full stop and blanks at its end; 0 for none.
func textHash(s string) uint64 {
	s = strings.TrimRight(s, " .")
	if len(s) < 8 {
		return 0
	}
	return mix(14695981039346656037, s) | 1
}
