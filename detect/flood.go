package detect

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"vswarden/event"
)

// sort is one sort of events of one sender in the minute under way.
type sort struct {
	Sender  string        `json:"sender"`
	Key     uint64        `json:"key"`
	Host    string        `json:"host,omitempty"`
	Name    string        `json:"name,omitempty"`
	Dataset event.Dataset `json:"dataset"`
	First   event.ID      `json:"first"`
	Start   int64         `json:"start"`
	End     int64         `json:"end"`
	Count   uint64        `json:"count"`

	gone bool // its minute is over: whoever has it kept looks for it anew
}

// count counts an event of a sort.
func (d *Detector) count(l *Line) {
	kept := &l.Sender.sorts[l.Sort%uint64(len(l.Sender.sorts))]
	c := *kept
	if c == nil || c.Key != l.Sort || c.gone {
		if c = d.sort(l); c == nil {
			d.state.Uncounted++
			return
		}
		*kept = c
	}
	c.Count++
	c.End = l.Stamp
}

// sort finds the sort of an event, or begins it; nil where there is no room.
func (d *Detector) sort(l *Line) *sort {
	key := l.Sort
	sender := l.Sender.Key
	for i := range len(sender) {
		key = (key ^ uint64(sender[i])) * 1099511628211
	}
	c := d.state.Sorts[key]
	if c == nil {
		if len(d.state.Sorts) >= maxSorts {
			return nil
		}
		c = &sort{Sender: strings.Clone(sender), Key: l.Sort, Name: strings.Clone(l.Name), Dataset: event.Dataset(strings.Clone(string(l.Dataset))), First: l.ID, Start: l.Stamp}
		if h := d.state.Hosts[sender]; h != nil {
			c.Host = h.Name
		}
		d.state.Sorts[key] = c
	}
	return c
}

// endMinute sums up the floods of the minute that is over.
func (d *Detector) endMinute() {
	s := &d.state
	var floods []*sort
	for _, c := range s.Sorts {
		c.gone = true
		if c.Count > event.FloodLimit && d.cfg.Floods.Enabled {
			floods = append(floods, c)
		}
	}
	slices.SortFunc(floods, func(a, b *sort) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Sender, b.Sender), cmp.Compare(a.Key, b.Key))
	})
	for _, c := range floods {
		host := cmp.Or(c.Host, c.Sender)
		d.find(event.Event{
			Common: event.Common{
				Time:    c.End,
				Host:    host,
				Act:     event.ActFlood,
				Message: fmt.Sprintf("%s sent %d events of one sort within a minute: %s (%s)", host, c.Count, cmp.Or(c.Name, "without a code"), c.Dataset),
			},
			Rare: event.Rare{Alert: event.Alert{Rule: "flood", Start: c.Start, End: c.End, Count: c.Count, First: c.First, Sort: c.Name, Sender: c.Sender}},
		}, c.Sender, strconv.FormatUint(c.Key, 16), strconv.FormatInt(c.Start/int64(time.Minute), 10))
	}
	clear(s.Sorts)
}
