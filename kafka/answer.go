package kafka

import (
	"encoding/binary"
	"reflect"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go/protocol"
)

// kafka-go believes the counts in an answer: it takes memory for as many elements as a list says to
// have, which can be all there is, and leaves those at zero that do not follow, which reads as "no
// error". So the bytes of an answer are walked before they are decoded, along the same struct tags.
// Versions with tagged fields ("flexible") are not used; every broker since 1.0 knows earlier ones.

// walker checks that bytes hold what a type says.
type walker struct {
	b       []byte
	version int16
}

// holds says whether the body of an answer is, to its end, a message like m in that version.
func holds(body []byte, m protocol.Message, version int16) bool {
	w := walker{b: body, version: version}
	return w.value(reflect.TypeOf(m).Elem(), false) && len(w.b) == 0
}

func (w *walker) skip(n int) bool {
	if n > len(w.b) {
		return false
	}
	w.b = w.b[n:]
	return true
}

// value steps over one value; nullable ones may have the length -1.
func (w *walker) value(t reflect.Type, nullable bool) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.Int8:
		return w.skip(1)
	case reflect.Int16:
		return w.skip(2)
	case reflect.Int32:
		return w.skip(4)
	case reflect.Int64, reflect.Float64:
		return w.skip(8)
	case reflect.String:
		if len(w.b) < 2 {
			return false
		}
		n := int(int16(binary.BigEndian.Uint16(w.b)))
		w.b = w.b[2:]
		return n >= 0 && w.skip(n) || n == -1 && nullable
	case reflect.Slice:
		return w.list(t.Elem())
	case reflect.Struct:
		return w.fields(t)
	}
	return false
}

// list steps over bytes or the elements of a list.
func (w *walker) list(elem reflect.Type) bool {
	if len(w.b) < 4 {
		return false
	}
	n := int(int32(binary.BigEndian.Uint32(w.b)))
	w.b = w.b[4:]
	switch {
	case n < -1 || n > len(w.b): // no element is shorter than a byte
		return false
	case elem.Kind() == reflect.Uint8:
		return w.skip(max(n, 0))
	}
	for range n {
		if !w.value(elem, false) {
			return false
		}
	}
	return true
}

func (w *walker) fields(t reflect.Type) bool {
	for f := range t.Fields() {
		tag, ok := tagAt(f.Tag.Get("kafka"), w.version)
		if f.Name != "_" && ok && !w.value(f.Type, tag.nullable) {
			return false
		}
	}
	return true
}

// fieldTag is what kafka-go's struct tag says of a field: "min=v0,max=v8,nullable".
type fieldTag struct {
	min, max       int16
	nullable, tags bool
}

// tagAt returns the part of a struct tag that is for a version.
func tagAt(tag string, version int16) (fieldTag, bool) {
	for part := range strings.SplitSeq(tag, "|") {
		f := fieldTag{min: -1, max: -1}
		for word := range strings.SplitSeq(part, ",") {
			switch {
			case strings.HasPrefix(word, "min=v"):
				f.min = number(word[5:])
			case strings.HasPrefix(word, "max=v"):
				f.max = number(word[5:])
			case word == "nullable":
				f.nullable = true
			case word == "tag":
				f.tags = true
			}
		}
		if f.min <= version && version <= f.max {
			return f, true
		}
	}
	return fieldTag{}, false
}

func number(s string) int16 {
	n, err := strconv.ParseInt(s, 10, 16)
	if err != nil {
		return -1
	}
	return int16(n)
}

// flexible says whether m has tagged fields in a version: in its struct or, which comes to the same,
// in the marker that kafka-go puts there.
func flexible(m protocol.Message, version int16) bool {
	for f := range reflect.TypeOf(m).Elem().Fields() {
		if tag, ok := tagAt(f.Tag.Get("kafka"), version); ok && tag.tags {
			return true
		}
	}
	return false
}
