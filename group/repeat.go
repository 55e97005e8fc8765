package group

import (
	"math/bits"
	"strings"

	"vswarden/event"
)

// repeatTime is how far the copies of one happening lie apart at most, by the log and by their own
// stamps.
const repeatTime = int64(2e9)

// form is a way in which a happening is told. One happening is told at most once in each.
type form uint8

const (
	noForm        form = iota
	vobGeneric         // vob.*, GenericCorrelator
	vobOther           // vob.*, UserLevelCorrelator and others
	vobESX             // esx.*
	vobAgain           // "The event ([esx.…] …) …", ESX 9
	hostdEcho          // Event 285 : …
	vcenterEcho        // Event [5851] [1-1] …
	kernelLine         // vmkernel
	kernelWarning      // its copies
	kernelAlert
	linuxKernel
	linuxAudit
	linuxWatch // linkwatch
	formsEnd
)

// repeats are the happenings told last, in a ring. Nearly all of them are of something else, and to see that takes two looks at
// a byte of each hash (BenchmarkRepeats).
type repeats struct {
	texts, names bytes16    // of the hashes
	text, name   [16]uint64 // hashes: of the text, of the id and its facts; 0 = none
	told         [16]happening
	in           [formsEnd]uint16 // by form: those that were told in it, a bit for each
	n            int
}

// happening is what was told first.
type happening struct {
	id          event.ID
	stamp, time int64
}

// tale is what a line tells: its hashes as repeats has them, and in which form it tells it.
type tale struct {
	text, name uint64
	form       form
}

// link finds the line that told the same first.
func (snd *Sender) link(it *Item) {
	t, ok := told(&it.Event)
	if !ok {
		return
	}
	if snd.repeats == nil {
		snd.repeats = &repeats{}
	}
	r := snd.repeats
	if i := r.first(t, it.Stamp, it.Event.Time); i >= 0 {
		r.in[t.form] |= 1 << i
		it.sameAs = r.told[i].id
		return
	}
	r.add(t, happening{id: it.Event.ID, stamp: it.Stamp, time: it.Event.Time})
}

// add puts a happening in the place of the oldest.
func (r *repeats) add(t tale, h happening) {
	i := r.n % len(r.told)
	r.texts[i], r.names[i] = byte(t.text>>56), byte(t.name>>56)
	r.text[i], r.name[i], r.told[i] = t.text, t.name, h
	for f := range r.in {
		r.in[f] &^= 1 << i
	}
	r.in[t.form] |= 1 << i
	r.n++
}

// first finds the place of the newest happening that t tells again, -1 for none. Equal text is surer than an equal name.
func (r *repeats) first(t tale, stamp, time int64) (named int) {
	like := uint16(0)
	if t.text != 0 {
		like = r.texts.like(byte(t.text >> 56))
	}
	if t.name != 0 {
		like |= r.names.like(byte(t.name >> 56))
	}
	like &^= r.in[t.form] // a storm of one observation tells each of them once
	named = -1
	for like = bits.RotateLeft16(like, -r.n); like != 0; { // the newest is the last bit now
		last := bits.Len16(like) - 1
		like &^= 1 << last
		i := (last + r.n) % len(r.told)
		sameText, h := t.text != 0 && t.text == r.text[i], &r.told[i]
		switch {
		case !sameText && (t.name == 0 || t.name != r.name[i]):
		case stamp-h.stamp > repeatTime || max(time-h.time, h.time-time) > repeatTime:
		case sameText:
			return i
		case named < 0:
			named = i
		}
	}
	return named
}

// told says what a line tells, if it is of a sort that is told more than once.
func told(e *event.Event) (h tale, ok bool) {
	if e.OnlyCommon() && e.Hostd.EventID == "" && !e.Vmkernel.Present {
		return h, false
	}
	switch {
	case e.VOB.Present && e.VOB.ID != "":
		return vobTold(&e.VOB), true
	case e.Hostd.EventID != "":
		h.text, h.form = textHash(e.Hostd.Text), hostdEcho
	case e.VCEvent.Present && e.VCEvent.Parts == 1:
		h.text, h.form = textHash(e.VCEvent.Text), vcenterEcho
	case e.Vmkernel.Present:
		return kernelTold(e)
	case e.Linux.Device != "" && e.Act != "":
		h.name, h.form = mix(mix(hashFold("linux"), string(e.Act)), e.Linux.Device), linuxKernel
		switch {
		case e.Linux.UID != "" || e.Linux.AUID != "":
			h.form = linuxAudit
		case e.Linux.Reason != "":
			h.form = linuxWatch
		}
	}
	return h, h.form != noForm
}

// kernelTold is a line of the vmkernel that it also copies into vmkwarning or vmkalert.
func kernelTold(e *event.Event) (h tale, ok bool) {
	switch e.Syslog.AppName {
	case "vmkwarning":
		h.form = kernelWarning
	case "vmkalert":
		h.form = kernelAlert
	default:
		if e.Level == "" || !strings.HasPrefix(e.Message, "WARNING: ") && !strings.HasPrefix(e.Message, "ALERT: ") {
			return h, false
		}
		h.form = kernelLine
	}
	h.text = mix(mix(textHash(e.Message), "kernel")^e.Vmkernel.World, e.Vmkernel.OpID)
	return h, true
}

func vobTold(v *event.VOB) (h tale) {
	name := v.ID
	switch {
	case strings.HasPrefix(name, "vob."):
		name = strings.TrimPrefix(strings.TrimPrefix(name, "vob."), "user.")
		h.form = vobOther
		if v.Correlator == "GenericCorrelator" {
			h.form = vobGeneric
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
		h.form = vobESX
	}
	h.name = mix(mix(mix(mix(hashFold(name), v.NIC), v.Target), v.RuleSet), v.Operation)
	if v.Again {
		h.form = vobAgain
		return h
	}
	h.text = textHash(v.Text)
	return h
}

// textHash hashes a text without the full stop and blanks at its end; 0 for none.
func textHash(s string) uint64 {
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '.') {
		s = s[:len(s)-1]
	}
	if len(s) < 8 {
		return 0
	}
	return mix(hashSeed, s) | 1
}
