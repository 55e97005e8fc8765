package event

import (
	"reflect"
	"unsafe"
)

// texts are the places of all strings in an Event; read-only. What lies behind its pointers and slices is no part of a
// frame.
var texts = placesOfText(nil, reflect.TypeFor[Event](), 0)

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

// Move makes raw, a copy of Raw, the frame of e: every string that is a part of Raw becomes the same part of raw. A
// line that waits for others is decoded once so, and not again where it was copied to, which takes three times the
// instructions (BenchmarkMove in group).
func (e *Event) Move(raw string) {
	from, to, n := unsafe.StringData(e.Raw), unsafe.StringData(raw), uintptr(len(e.Raw))
	for _, at := range texts {
		s := (*string)(unsafe.Add(unsafe.Pointer(e), at))
		if len(*s) == 0 {
			continue // most
		}
		if i := uintptr(unsafe.Pointer(unsafe.StringData(*s))) - uintptr(unsafe.Pointer(from)); i < n {
			*s = unsafe.String((*byte)(unsafe.Add(unsafe.Pointer(to), i)), len(*s))
		}
	}
}
