package decode

// Where names and values end is told of many bytes at once: bit n of an answer is byte n of the text, of which the first
// 64 are looked at. nameEnds has a bit for each byte that is not inName, up to the second one at least; valueEnds has one
// for each '=', '[' and ']', up to the first ']' at least. A processor that has blocks of bytes tells it of those
// (ends_amd64.s), and for any other it is told here.

func nameEndsByByte(s string) (ends uint64) {
	for i := range min(len(s), 64) {
		if classes[s[i]]&inName == 0 {
			if ends |= 1 << i; ends&(ends-1) != 0 {
				break
			}
		}
	}
	return ends
}

func valueEndsByByte(s string) (ends uint64) {
	for i := range min(len(s), 64) {
		switch s[i] {
		case '=', '[':
			ends |= 1 << i
		case ']':
			return ends | 1<<i
		}
	}
	return ends
}
