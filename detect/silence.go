package detect

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"vswarden/event"
)

// Time is counted as far as we listened: stamps that lie further apart than stride, with no word of the
// time between them, mean that this process was not there, or that a clock jumped. Then nobody was
// silent; we were deaf.
const stride = int64(30 * time.Second)

// What is needed of a host before its silence means anything, and how fast it is forgotten.
const (
	knownLines = 30
	knownFor   = int64(10 * time.Minute)
	halfLife   = 24 * time.Hour // of the longest pause
)

// host is what is known of a sender. Times are of listening, in nanoseconds, but for Seen.
type host struct {
	Name   string `json:"name,omitempty"`
	Lines  uint64 `json:"lines"`
	First  int64  `json:"first"`
	Last   int64  `json:"last"`
	Pause  int64  `json:"pause"` // the longest usual one
	Seen   int64  `json:"seen"`  // receive stamp of the last line
	Silent bool   `json:"silent,omitempty"`

	gone bool // forgotten: whoever has it kept looks for it anew
}

// pass lets time pass up to a stamp.
func (d *Detector) pass(stamp int64) {
	s := &d.state
	if stamp <= s.Now { // as most are: frames of one read have one
		return
	}
	if s.Now != 0 {
		s.Listened += min(stamp-s.Now, stride)
	}
	s.Now = stamp
	if minute := s.Now / int64(time.Minute); minute > s.Minute {
		d.endMinute()
		s.Minute = minute
	}
	if s.Listened-s.Looked > int64(time.Second) {
		d.silence()
	}
}

// heard notes that a sender was heard.
func (d *Detector) heard(l *Line) {
	s := &d.state
	h, sender := l.Sender.host, l.Sender.Key
	if h == nil || h.gone {
		h = d.host(sender)
		l.Sender.host = h
	}
	if l.Host != "" && l.Host != h.Name {
		h.Name = l.Host
	}
	pause := s.Listened - h.Last
	if h.Silent {
		h.Silent = false // such a pause is not usual
		d.find(event.Event{
			Common: event.Common{
				Time:    l.Stamp,
				Host:    cmp.Or(h.Name, sender),
				Kind:    "alert",
				Act:     event.ActHeard,
				Message: fmt.Sprintf("%s is heard again after %v", cmp.Or(h.Name, sender), time.Duration(l.Stamp-h.Seen).Round(time.Second)),
			},
			Rare: event.Rare{Alert: event.Alert{Rule: "silence", Start: h.Seen, End: l.Stamp, Sender: sender}},
		}, "heard", sender, strconv.FormatInt(h.Seen, 10))
	} else if pause > 0 { // frames of one read have one stamp, and two divisions for each would be felt
		h.Pause -= int64(float64(h.Pause) * min(float64(pause)/float64(halfLife), 1) / 2)
		h.Pause = max(h.Pause, pause)
	}
	h.Lines++
	h.Last, h.Seen = s.Listened, l.Stamp
}

// host finds a sender, or begins to know it.
func (d *Detector) host(sender string) *host {
	s := &d.state
	h := s.Hosts[sender]
	if h == nil {
		if len(s.Hosts) >= maxHosts {
			d.forget()
		}
		h = &host{First: s.Listened, Last: s.Listened}
		s.Hosts[sender] = h
	}
	return h
}

// silence tells of the hosts that are silent for too long.
func (d *Detector) silence() {
	s := &d.state
	s.Looked = s.Listened
	if !d.cfg.Silence.Enabled || s.Listened < s.Due {
		return
	}
	s.Due = s.Listened + stride // the next look, unless one is due before
	for sender, h := range s.Hosts {
		if h.Silent || h.Lines < knownLines || h.Last-h.First < knownFor {
			continue
		}
		limit := max(int64(d.cfg.Silence.After), h.Pause*int64(d.cfg.Silence.Factor))
		if left := h.Last + limit - s.Listened; left >= 0 {
			s.Due = min(s.Due, s.Listened+left+1)
			continue
		}
		h.Silent = true
		name := cmp.Or(h.Name, sender)
		d.find(event.Event{
			Common: event.Common{
				Time: h.Seen + limit,
				Host: name,
				Kind: "alert",
				Act:  event.ActSilent,
				Message: fmt.Sprintf("%s has not been heard for %v; its longest usual pause is %v", name,
					time.Duration(limit).Round(time.Second), time.Duration(h.Pause).Round(time.Second)),
			},
			Rare: event.Rare{Alert: event.Alert{Rule: "silence", Start: h.Seen, Sender: sender, Usual: h.Pause}},
		}, "silent", sender, strconv.FormatInt(h.Seen, 10))
	}
}

// forget gives up the host that was silent for longest.
func (d *Detector) forget() {
	oldest, last := "", int64(0)
	n := 0
	for sender, h := range d.state.Hosts {
		if oldest == "" || h.Last < last {
			oldest, last = sender, h.Last
		}
		if n++; n == 64 { // maps begin anywhere: the oldest of some is old enough
			break
		}
	}
	d.state.Hosts[oldest].gone = true
	delete(d.state.Hosts, oldest)
}
