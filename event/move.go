package event

import (
	"reflect"
	"unsafe"
)

// The places of all strings in an Event, by fours, since most of them are empty; read-only. What lies behind its pointers
// and slices is no part of a frame.
var (
	commonTexts = byFours(placesOfText(nil, reflect.TypeFor[Common](), unsafe.Offsetof(Event{}.Common)))
	rareTexts   = byFours(placesOfText(nil, reflect.TypeFor[Rare](), unsafe.Offsetof(Event{}.Rare)))
)

func placesOfText(places []uintptr, t reflect.Type, at uintptr) []uintptr {
	switch t.Kind() {
	case reflect.String:
		places = append(places, at)
	case reflect.Struct:
		for f := range t.Fields() {
			places = placesOfText(places, f.Type, at+f.Offset)
		}
	case reflect.Array:
		for i := range t.Len() {
			places = placesOfText(places, t.Elem(), at+uintptr(i)*t.Elem().Size())
		}
	}
	return places
}

// byFours repeats the last place until there are enough: a text that has moved does not move again.
func byFours(places []uintptr) (fours [][4]uintptr) {
	for i := range places {
		if i%4 == 0 {
			last := len(places) - 1
			fours = append(fours, [4]uintptr{places[i], places[min(i+1, last)], places[min(i+2, last)], places[min(i+3, last)]})
		}
	}
	return fours
}

// Move makes raw, a copy of Raw, the frame of e: every string that is a part of Raw becomes the same part of raw. A
// line that waits for others is decoded once so, and not again where it was copied to, which takes several times the
// instructions (BenchmarkMove in group).
func (e *Event) Move(raw string) {
	from := e.Raw
	e.move(commonTexts, from, raw)
	if !e.common {
		e.move(rareTexts, from, raw)
	}
}

// move makes parts of raw of those texts that are parts of from.
func (e *Event) move(places [][4]uintptr, from, raw string) {
	for i := range places {
		four := &places[i]
		if len(*e.text(four[0]))|len(*e.text(four[1]))|len(*e.text(four[2]))|len(*e.text(four[3])) == 0 {
			continue
		}
		for _, at := range four {
			s := e.text(at)
			if i, ok := within(from, *s); ok && len(*s) > 0 {
				*s = raw[i : i+uintptr(len(*s))]
			}
		}
	}
}

// text is the string at a place.
func (e *Event) text(at uintptr) *string { return (*string)(unsafe.Add(unsafe.Pointer(e), at)) }
