package event

// Merged is what an event of several lines is made of. Raw is then one frame made of all of them, of
// which the other fields are parts: the first line with its header, and the texts of the others.
type Merged struct {
	Lines     uint32   // vmware.group.lines; 0 = the event is one line
	Continues ID       // vmware.group.continues: the event whose rest this is; zero = none
	Frames    string   // all frames as they came, an LF between two; empty = Raw is the frame
	Sizes     []uint32 // vmware.group.sizes: their lengths, where one of them holds an LF itself
}

// appendMerged appends vmware.same_as and vmware.group.
func (e *Event) appendMerged(dst []byte, enc *encoding) []byte {
	if e.SameAs != (ID{}) {
		dst = append(dst, `"same_as":"`...)
		dst = e.SameAs.AppendText(dst)
		dst = append(dst, '"', ',')
	}
	g := &e.Merged
	if g.Lines == 0 && g.Continues == (ID{}) {
		return dst
	}
	dst = append(dst, `"group":{`...)
	if g.Lines != 0 {
		dst = appendUint(dst, `"lines":`, uint64(g.Lines))
	}
	if g.Continues != (ID{}) {
		dst = append(dst, `"continues":"`...)
		dst = g.Continues.AppendText(dst)
		dst = append(dst, '"', ',')
	}
	if enc.original && len(g.Sizes) > 0 {
		dst = append(dst, `"sizes":[`...)
		for _, n := range g.Sizes {
			dst = appendUint(dst, "", uint64(n))
		}
		dst = closeList(dst)
	}
	return closeObject(dst)
}
