package event

// Alert is what vswarden itself found over many lines (vmware.alert): one of its detections.
type Alert struct {
	Rule   string // which: silence, flood
	Start  int64  // event.start: when it began, Unix nanoseconds; 0 = not known
	End    int64  // event.end: when it was over; 0 = it is not
	Count  uint64 // how many events it is about
	First  ID     // the first of them
	Sort   string // what they have in common: a code or an action
	Sender string // who sends them: its key
	Usual  int64  // of silence: the longest pause that is usual for the host, nanoseconds
}

// appendAlertTimes appends event.start and event.end.
func (a *Alert) appendAlertTimes(dst []byte) []byte {
	if a.Start != 0 {
		dst = append(dst, `"start":"`...)
		dst = append(appendTime(dst, a.Start, 6), '"', ',')
	}
	if a.End != 0 {
		dst = append(dst, `"end":"`...)
		dst = append(appendTime(dst, a.End, 6), '"', ',')
	}
	return dst
}

// appendAlert appends vmware.alert.
func (a *Alert) appendAlert(dst []byte) []byte {
	if a.Rule == "" {
		return dst
	}
	dst = append(dst, `"alert":{`...)
	dst = appendWord(dst, `"rule":"`, a.Rule)
	if a.Count != 0 {
		dst = appendUint(dst, `"count":`, a.Count)
	}
	if a.First != (ID{}) {
		dst = append(dst, `"first":"`...)
		dst = append(a.First.AppendText(dst), '"', ',')
	}
	dst = appendField(dst, `"sort":"`, a.Sort)
	dst = appendField(dst, `"sender":"`, a.Sender)
	if a.Usual != 0 {
		dst = appendUint(dst, `"usual_pause_ms":`, uint64(a.Usual)/1e6)
	}
	return closeObject(dst)
}
