package group

import "vswarden/event"

// floodMinute is the time in which events of one sort are counted. The minutes are those of the clock: what
// is a flood can be told from the last minute of the log.
const floodMinute = int64(60e9)

// floods counts the sorts of events that come often.
type floods struct {
	sorts [32]sort
}

// sort is one sort of events in one minute.
type sort struct {
	key    uint64
	minute int64
	count  uint32
}

// flood marks an event of which there were many in this minute.
func (snd *Sender) flood(it *Item) {
	key := it.FloodKey()
	if key == 0 {
		return
	}
	if snd.floods == nil {
		snd.floods = &floods{}
	}
	minute := it.Stamp / floodMinute
	s := snd.floods.find(key)
	if s.minute != minute || s.key != key {
		*s = sort{key: key, minute: minute}
	}
	s.count++
	if s.count > event.FloodLimit {
		it.tags |= event.TagFlood
	}
}

// find returns the place of a sort, or the one that is missed least.
func (f *floods) find(key uint64) *sort {
	for i := range f.sorts {
		if f.sorts[i].key == key {
			return &f.sorts[i]
		}
	}
	least := &f.sorts[0]
	for i := range f.sorts {
		if s := &f.sorts[i]; s.minute < least.minute || s.minute == least.minute && s.count < least.count {
			least = s
		}
	}
	return least
}

// FloodKey is that of its event, which is looked for once. It is asked for once the event is decoded.
func (it *Item) FloodKey() uint64 {
	if !it.sorted {
		it.sort, it.sorted = FloodKey(&it.Event), true
	}
	return it.sort
}

// FloodKey names the sort of an event for which floods are counted: a port that flaps, an
// observation repeated, a denial. 0: such events are not counted.
func FloodKey(e *event.Event) uint64 {
	if e.OnlyCommon() && e.Act != event.ActLoginFailed {
		return 0
	}
	switch h := func() uint64 { return hashFold(string(e.Dataset)) }; {
	case e.VOB.ID != "":
		return mix(mix(h(), e.VOB.ID), e.VOB.NIC)
	case e.NetPort.Kind != event.NetPortNone:
		return mix(h()^uint64(e.NetPort.Port)<<8, "port")
	case e.L2Sec.Kind != event.L2SecNone:
		return mix(mix(h()^uint64(e.L2Sec.Port)<<8, e.L2Sec.Client.Raw), string(e.L2Sec.Violation))
	case e.VCEvent.Type != "":
		return mix(mix(h(), e.VCEvent.Type), e.VCEvent.Target)
	case e.Linux.Device != "" && e.Act != "":
		return mix(mix(h(), string(e.Act)), e.Linux.Device)
	case e.Loss.Kind == event.LossLost, e.Loss.Kind == event.LossStress:
		return mix(mix(h(), string(e.Loss.Kind)), e.Loss.Target)
	case e.Act == event.ActLoginFailed:
		return mix(mix(mix(h(), string(e.Act)), e.User.Name), e.Source.Address)
	}
	return 0
}
