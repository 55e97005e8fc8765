package event

import (
	"encoding/binary"
	"slices"
)

// printed is what AppendJSON printed last of what is much alike from one event to the next: it is copied in one piece and,
// but for the receiver, filled in where it stands.
type printed struct {
	head     headText
	created  createdText
	receiver receiverText
}

// headForm is how nearly every event begins.
const (
	headForm    = `{"@timestamp":"2006-01-02T15:04:05.000Z","event":{"id":"01234567890123456789012345","kind":"event",`
	headTime    = len(`{"@timestamp":"`)
	headTimeEnd = headTime + len("2006-01-02T15:04:05.000Z")
	headID      = headTimeEnd + len(`","event":{"id":"`)
	headIDEnd   = headID + IDLen
)

// headText is headForm with an ID in it. Those of one event and the next differ in their last two characters mostly: to
// write those is a tenth of AppendText's work.
type headText struct {
	hi, high uint64 // the ID's first half, and the second one without the ten bits of the last two characters
	text     [len(headForm)]byte
}

// appendHead appends all up to event.kind.
func (e *Event) appendHead(dst []byte) []byte {
	h := &e.printed.head
	hi, lo := binary.BigEndian.Uint64(e.ID[:8]), binary.BigEndian.Uint64(e.ID[8:])
	if h.text[0] == 0 || h.hi != hi || h.high != lo>>10 {
		h.renew(&e.ID)
	}
	t := e.TimeText
	if _, ok := within(e.clean, t); !ok || len(t) != headTimeEnd-headTime || e.Kind != "" {
		return e.appendRareHead(dst)
	}
	at := len(dst)
	dst = slices.Grow(dst, len(headForm))[:at+len(headForm)]
	b := (*[len(headForm)]byte)(dst[at:])
	*b = h.text
	binary.LittleEndian.PutUint64(b[headTime:], Word(t))
	binary.LittleEndian.PutUint64(b[headTime+8:], Word(t[8:]))
	binary.LittleEndian.PutUint64(b[headTime+16:], Word(t[16:]))
	binary.LittleEndian.PutUint16(b[headIDEnd-2:], crockfordPairs[lo&1023])
	return dst
}

// renew makes h the text of an ID.
func (h *headText) renew(id *ID) {
	h.hi, h.high = binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])>>10
	copy(h.text[:], headForm)
	id.AppendText(h.text[headID:headID])
}

// appendRareHead is appendHead of any time and kind.
func (e *Event) appendRareHead(dst []byte) []byte {
	dst = append(dst, headForm[:headTime]...)
	if e.TimeText != "" {
		dst = e.appendPart(dst, e.TimeText)
	} else {
		dst = appendTime(dst, e.Time, min(max(3, int(e.TimeDigits)), 9))
	}
	dst = append(dst, e.printed.head.text[headTimeEnd:headIDEnd]...)
	binary.LittleEndian.PutUint16(dst[len(dst)-2:], crockfordPairs[binary.BigEndian.Uint16(e.ID[14:])&1023])
	if e.Kind == "" {
		return append(dst, headForm[headIDEnd:]...)
	}
	dst = append(dst, '"', ',')
	return appendField(dst, `"kind":"`, e.Kind)
}

// createdForm is event.created.
const (
	createdForm   = `"created":"2006-01-02T15:04:05.000000Z",`
	createdTime   = len(`"created":"`)
	createdMicros = len(`"created":"2006-01-02T15:04:05.`)
)

// createdText is createdForm with a second in it. Receive times of one event and the next are mostly of the same second, so
// that only what is below it has to be printed: a tenth of appendTime's work.
type createdText struct {
	from int64 // where the second begins, Unix nanoseconds
	text [len(createdForm)]byte
}

// append appends the member for Unix nanoseconds.
func (t *createdText) append(dst []byte, ns int64) []byte {
	if t.text[0] == 0 || ns < t.from || ns-t.from >= second {
		if ns < 0 { // of no clock there is
			dst = appendTime(append(dst, createdForm[:createdTime]...), ns, 6)
			return append(dst, '"', ',')
		}
		t.renew(ns)
	}
	at := len(dst)
	dst = slices.Grow(dst, len(createdForm))[:at+len(createdForm)]
	b := (*[len(createdForm)]byte)(dst[at:])
	*b = t.text
	micros := uint32(ns-t.from) / 1e3
	put2(b[createdMicros:], micros/1e4)
	put2(b[createdMicros+2:], micros/1e2%100)
	put2(b[createdMicros+4:], micros%100)
	return dst
}

// renew makes t the text of the second of ns.
func (t *createdText) renew(ns int64) {
	t.from = ns - ns%second
	var space [len("2006-01-02T15:04:05.000000000Z")]byte
	copy(t.text[:], createdForm)
	copy(t.text[createdTime:], appendTime(space[:0], ns, 6))
}
