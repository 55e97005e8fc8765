package kafka

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/createtopics"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/segmentio/kafka-go/protocol/produce"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"
)

// fill puts something into every field of v, lists with n elements.
func fill(v reflect.Value, n int) {
	switch v.Kind() {
	case reflect.Pointer:
		fill(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "_" {
				fill(v.Field(i), n)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), n)
		}
	case reflect.String:
		v.SetString("text")
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(5)
	case reflect.Uint8:
		v.SetUint(5)
	case reflect.Bool:
		v.SetBool(true)
	}
}

// What kafka-go writes and reads is read the same here, and nothing else is: no byte less, none more.
func TestAnswersAreReadAsKafkaGoReadsThem(t *testing.T) {
	for _, test := range []struct {
		m      protocol.Message
		newest int16
	}{
		{&apiversions.Response{}, 2},
		{&metadata.Response{}, 8},
		{&produce.Response{}, 8},
		{&createtopics.Response{}, 4},
		{&saslhandshake.Response{}, 1},
		{&saslauthenticate.Response{}, 1},
	} {
		for n := range 4 {
			fill(reflect.ValueOf(test.m), n)
			for version := int16(0); version <= test.newest; version++ {
				if flexible(test.m, version) {
					t.Errorf("%T version %d is said to have tagged fields", test.m, version)
				}
				var b bytes.Buffer
				if err := protocol.WriteResponse(&b, version, 7, test.m); err != nil {
					t.Fatal(err)
				}
				all := b.Bytes()
				_, want, err := protocol.ReadResponse(bytes.NewReader(all), test.m.ApiKey(), version)
				if err != nil {
					t.Fatal(err)
				}
				fresh := func() protocol.Message {
					return reflect.New(reflect.TypeOf(test.m).Elem()).Interface().(protocol.Message)
				}
				body, got := all[8:], fresh()
				if !decode(body, got, version) || !alike(reflect.ValueOf(got), reflect.ValueOf(want)) {
					t.Errorf("%T version %d with lists of %d: read\n%+v, want\n%+v", test.m, version, n, got, want)
				}
				for cut := range len(body) {
					if decode(body[:cut], fresh(), version) {
						t.Errorf("%T version %d: %d of %d bytes are taken for all", test.m, version, cut, len(body))
					}
				}
				if decode(append(slices.Clip(body), 0), fresh(), version) {
					t.Errorf("%T version %d: a byte too many is taken", test.m, version)
				}
			}
		}
	}
	if !flexible(&createtopics.Response{}, 5) {
		t.Error("CreateTopics version 5 has tagged fields")
	}
}

// alike compares values, for which an empty list is one whether it is nil or not.
func alike(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Pointer:
		return alike(a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			if a.Type().Field(i).Name != "_" && !alike(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !alike(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	}
	return a.Equal(b)
}
