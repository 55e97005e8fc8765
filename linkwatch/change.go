package linkwatch

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// table is every link as last told, and the lines that changes of it make.
type table struct {
	links map[int32]Link
	now   time.Time
	lines []Line
}

// apply takes in one message and notes what is different.
func (t *table) apply(n news) {
	old, known := t.links[n.link.Index]
	l := n.link
	switch {
	case n.port && !known:
		return // what the port is comes in a message of its own
	case n.port:
		t.applyPort(old, n)
		return
	case n.gone && !known:
		return
	case n.gone:
		t.removed(&old)
		delete(t.links, l.Index)
		return
	}
	if known && l.Kind == "" {
		l.Kind = old.Kind
	}
	if l.Master != 0 && l.Master == old.Master {
		l.PortKnown, l.Port = l.PortKnown|old.PortKnown, l.Port|old.Port&^l.PortKnown
	}
	t.links[l.Index] = l
	if !known {
		t.state("appeared", &l)
		return
	}
	t.changed(&old, &l)
}

// applyPort takes in a message about a bridge's port as such: it tells nothing of promiscuity.
func (t *table) applyPort(old Link, n news) {
	l := old
	switch {
	case n.gone && old.Master == n.link.Master:
		l.Master, l.MasterKind, l.Port, l.PortKnown = 0, "", 0, 0
	case n.gone, n.link.Master == 0:
		return // of a bridge it has left already, or about the bridge itself
	default:
		if n.link.Master != old.Master {
			l.Port, l.PortKnown = 0, 0
		}
		l.Master, l.MasterKind = n.link.Master, "bridge"
		l.Port = l.Port&^n.link.PortKnown | n.link.Port
		l.PortKnown |= n.link.PortKnown
	}
	t.links[l.Index] = l
	t.changed(&old, &l)
}

// replace takes in what a dump of all links says. Links that it does not hold are gone. With say, the
// state of every link is told, else what is different.
func (t *table) replace(all []Link, say bool) {
	slices.SortFunc(all, func(a, b Link) int { return cmp.Compare(a.Index, b.Index) })
	old := t.links
	t.links = make(map[int32]Link, len(all))
	for _, l := range all {
		t.links[l.Index] = l
	}
	var left []int32
	for index := range old {
		if _, there := t.links[index]; !there {
			left = append(left, index)
		}
	}
	slices.Sort(left)
	for _, index := range left {
		l := old[index]
		t.removed(&l)
	}
	for i := range all {
		before, known := old[all[i].Index]
		switch {
		case known && before.Name != all[i].Name && before.Kind != all[i].Kind: // its number was given anew
			t.removed(&before)
			t.state("appeared", &all[i])
		case known:
			t.changed(&before, &all[i])
		case !say:
			t.state("appeared", &all[i])
		}
		if say {
			t.state("found", &all[i])
		}
	}
}

// state tells all of one link: found when the watch begins, appeared when it comes later.
func (t *table) state(word string, l *Link) {
	severity := Info
	switch {
	case l.Hub():
		word, severity = word+" as a hub", Warning
	case l.Promiscuous():
		word, severity = word+" in promiscuous mode", l.severity()
	}
	t.say(severity, l, word, nil)
}

// changed tells each difference between two states of one link.
func (t *table) changed(old, l *Link) {
	if old.Name != l.Name {
		t.say(Info, l, "renamed", func(dst []byte) []byte { return appendWord(dst, "name_was", old.Name) })
	}
	if old.Master != l.Master {
		if old.Master != 0 {
			t.say(Info, l, "left its master", func(dst []byte) []byte { return t.appendMaster(dst, "master_was", "master_kind_was", old) })
		}
		if l.Master != 0 {
			t.say(Info, l, "joined a master", nil)
		}
	}
	t.promiscuity(old, l)
	both := old.PortKnown & l.PortKnown
	if differ := (old.Port ^ l.Port) & both; differ != 0 && old.Master == l.Master {
		t.say(Notice, l, "port settings changed", func(dst []byte) []byte {
			for i, name := range flagNames {
				if differ&(1<<i) != 0 {
					dst = appendSwitch(dst, name+"_was", old.Port&(1<<i) != 0)
				}
			}
			return dst
		})
	}
	if old.HasAgeing && l.HasAgeing && old.Ageing != l.Ageing {
		word, severity := "ageing time changed", Notice
		if l.Ageing == 0 {
			word, severity = "became a hub", Warning
		}
		t.say(severity, l, word, func(dst []byte) []byte { return appendAgeing(dst, "ageing_was", old.Ageing) })
	}
}

// promiscuity tells when a link begins or ceases to take all frames, and when another one asks
// for it or gives it up, which the kernel does not log.
func (t *table) promiscuity(old, l *Link) {
	word, severity := "", Notice
	switch was, is := old.count(), l.count(); {
	case was == is:
		return
	case was == 0:
		word, severity = "entered promiscuous mode", l.severity()
	case is == 0:
		word = "left promiscuous mode"
	case is > was:
		word, severity = "promiscuity raised", l.severity()
	default:
		word = "promiscuity lowered"
	}
	t.say(severity, l, word, func(dst []byte) []byte { return appendNumber(dst, "promiscuity_was", old.count()) })
}

// severity weighs a link that takes all frames by its reason.
func (l *Link) severity() Severity {
	if l.reason() == "bridge_membership" {
		return Notice
	}
	return Warning
}

func (t *table) removed(l *Link) {
	t.say(Info, l, "removed", nil)
}

// say makes one line: the device, the words, what more there is, and the state of the link.
func (t *table) say(severity Severity, l *Link, words string, more func([]byte) []byte) {
	dst := append([]byte(nil), l.Name...)
	dst = append(dst, ": "...)
	dst = append(dst, words...)
	dst = append(dst, ", index="...)
	dst = strconv.AppendInt(dst, int64(l.Index), 10)
	dst = appendWord(dst, "kind", l.Kind)
	dst = appendNumber(dst, "promiscuity", l.count())
	if l.Flag {
		dst = appendSwitch(dst, "iff_promisc", true)
	}
	dst = t.appendMaster(dst, "master", "master_kind", l)
	for i, name := range flagNames {
		if l.PortKnown&(1<<i) != 0 && l.Master != 0 {
			dst = appendSwitch(dst, name, l.Port&(1<<i) != 0)
		}
	}
	if l.HasAgeing {
		dst = appendAgeing(dst, "ageing", l.Ageing)
	}
	if more != nil {
		dst = more(dst)
	}
	dst = appendWord(dst, "reason", l.reason())
	t.lines = append(t.lines, Line{t.now, severity, string(dst)})
}

// appendMaster names what the link is a part of.
func (t *table) appendMaster(dst []byte, key, kindKey string, l *Link) []byte {
	if l.Master == 0 {
		return dst
	}
	name, kind := "#"+strconv.Itoa(int(l.Master)), l.MasterKind
	if m, ok := t.links[l.Master]; ok {
		name = m.Name
		if kind == "" {
			kind = m.Kind
		}
	}
	return appendWord(appendWord(dst, key, name), kindKey, kind)
}

func appendWord(dst []byte, key, word string) []byte {
	if word == "" {
		return dst
	}
	dst = append(append(append(dst, ' '), key...), '=')
	return append(dst, word...)
}

func appendNumber(dst []byte, key string, n uint32) []byte {
	dst = append(append(append(dst, ' '), key...), '=')
	return strconv.AppendUint(dst, uint64(n), 10)
}

func appendSwitch(dst []byte, key string, on bool) []byte {
	if on {
		return appendWord(dst, key, "on")
	}
	return appendWord(dst, key, "off")
}

// appendAgeing writes hundredths of a second as ip(8) does: ageing=300.00s.
func appendAgeing(dst []byte, key string, ageing uint32) []byte {
	dst = appendNumber(dst, key, ageing/100)
	dst = append(dst, '.', '0'+byte(ageing/10%10), '0'+byte(ageing%10))
	return append(dst, 's')
}
