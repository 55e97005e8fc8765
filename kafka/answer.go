package kafka

import (
	"encoding/binary"
	"reflect"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go/protocol"
)

// kafka-go's decoder believes the counts in an answer: it takes memory for as many elements as a list
// says to have, which can be all there is, and leaves those at zero that do not follow, which reads
// as "no error". So answers are decoded here, into kafka-go's structs and along their tags, and an
// answer that is not exactly what it must be is none. Versions with tagged fields ("flexible") are
// not used; every broker since 1.0 knows earlier ones.

// decoder takes values off the bytes of an answer.
type decoder struct {
	b       []byte
	version int16
}

// decode fills the struct that m points to from the body of an answer; false when that is not, to its end, such a message.
func decode(body []byte, m any, version int16) bool {
	d := decoder{b: body, version: version}
	return d.value(reflect.ValueOf(m).Elem(), false) && len(d.b) == 0
}

// take returns the next n bytes, or nil when there are not as many.
func (d *decoder) take(n int) []byte {
	if n == 0 {
		return []byte{}
	}
	if n > len(d.b) {
		return nil
	}
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

// value fills v; a nullable one may have the length -1.
func (d *decoder) value(v reflect.Value, nullable bool) bool {
	switch v.Kind() {
	case reflect.Bool:
		b := d.take(1)
		if b != nil {
			v.SetBool(b[0] != 0)
		}
		return b != nil
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, ok := d.integer(int(v.Type().Size()))
		v.SetInt(n)
		return ok
	case reflect.String:
		n, ok := d.integer(2)
		if !ok || n < -1 || n == -1 && !nullable {
			return false
		}
		b := d.take(int(max(n, 0)))
		v.SetString(string(b))
		return b != nil
	case reflect.Slice:
		return d.list(v)
	case reflect.Struct:
		return d.fields(v)
	}
	return false
}

// integer is the next whole number of size bytes.
func (d *decoder) integer(size int) (n int64, ok bool) {
	b := d.take(size)
	switch {
	case b == nil:
		return 0, false
	case size == 1:
		return int64(int8(b[0])), true
	case size == 2:
		return int64(int16(binary.BigEndian.Uint16(b))), true
	case size == 4:
		return int64(int32(binary.BigEndian.Uint32(b))), true
	}
	return int64(binary.BigEndian.Uint64(b)), true
}

// list fills a slice. Memory is taken as elements come, not as they are promised.
func (d *decoder) list(v reflect.Value) bool {
	n, ok := d.integer(4)
	if !ok || n < -1 || n > int64(len(d.b)) { // no element is shorter than a byte
		return false
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes(d.take(int(max(n, 0))))
		return true
	}
	elem := reflect.New(v.Type().Elem()).Elem()
	for range n {
		elem.SetZero()
		if !d.value(elem, false) {
			return false
		}
		v.Set(reflect.Append(v, elem))
	}
	return true
}

func (d *decoder) fields(v reflect.Value) bool {
	for f, value := range v.Fields() {
		tag, ok := tagAt(f.Tag.Get("kafka"), d.version)
		if f.Name != "_" && ok && !d.value(value, tag.nullable) {
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

// flexible says whether m has tagged fields in a version: kafka-go marks such structs.
func flexible(m protocol.Message, version int16) bool {
	for f := range reflect.TypeOf(m).Elem().Fields() {
		if tag, ok := tagAt(f.Tag.Get("kafka"), version); ok && tag.tags {
			return true
		}
	}
	return false
}
