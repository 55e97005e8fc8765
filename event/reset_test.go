package event

import (
	"bytes"
	"reflect"
	"testing"
)

// TestResetKeepsNothing fills every field there is, Rare's through Rarely, and looks for what Reset has left.
func TestResetKeepsNothing(t *testing.T) {
	var empty Event
	empty.Reset()
	for _, rare := range []bool{false, true} {
		var e Event
		e.Reset()
		fill(reflect.ValueOf(&e.Common).Elem())
		if rare {
			fill(reflect.ValueOf(e.Rarely()).Elem())
		}
		if e.OnlyCommon() == rare {
			t.Errorf("rare fields were written: %t, and OnlyCommon is %t", rare, e.OnlyCommon())
		}
		e.printed.created.text[0] = '2'
		e.Reset()
		if e.printed.created.text[0] != '2' {
			t.Error("Reset has taken what AppendJSON printed last")
		}
		e.printed = printed{}
		if !reflect.DeepEqual(e, empty) {
			t.Errorf("after Reset there is left:\n%+v", e)
		}
	}
}

// TestEventOfLiteral: what was built and not Reset has its rare fields looked at.
func TestEventOfLiteral(t *testing.T) {
	e := Event{Rare: Rare{Linux: Linux{Device: "tap0"}}}
	if e.OnlyCommon() {
		t.Error("an event that was not Reset says that it has nothing of Rare")
	}
	if e.Reset(); e.Linux.Device != "" || !e.OnlyCommon() {
		t.Errorf("after Reset: device %q, only common %t", e.Linux.Device, e.OnlyCommon())
	}
}

// TestWrittenPastRarely: the race detector's build says so.
func TestWrittenPastRarely(t *testing.T) {
	defer func() {
		if r := recover(); (r != nil) != raceEnabled {
			t.Errorf("Reset of an event with a rare field that was written past Rarely: panic %v, under the race detector: %t", r, raceEnabled)
		}
	}()
	var e Event
	e.Reset()
	e.VOB.Present = true
	e.Reset()
}

// TestPastRarelyIsInNoJSON: neither in that of the event, whether Rarely is called for it or not, nor in a later one's.
func TestPastRarelyIsInNoJSON(t *testing.T) {
	if raceEnabled {
		t.Skip("Reset panics: TestWrittenPastRarely")
	}
	var e Event
	check := func(when string) {
		t.Helper()
		if b := e.AppendJSON(nil, DetailFull, OriginalNone); bytes.Contains(b, []byte("tap-past")) {
			t.Errorf("%s: %s", when, b)
		}
	}
	past := func() {
		e.Reset()
		e.Linux = Linux{Device: "tap-past", Kind: DeviceTap}
	}
	past()
	check("written past Rarely")
	past()
	e.Rarely().Loss.Kind = LossStress
	check("Rarely was called after that")
	past()
	e.Reset()
	check("the next event")
	e.Rarely().Loss.Kind = LossStress
	check("the next event, which has something of Rare")
	e.Rarely().Linux.Device = "tap0"
	if e.Loss.Kind != LossStress || e.Linux.Device != "tap0" {
		t.Errorf("what was written through Rarely: %+v", e.Rare)
	}
}

// fill sets every field to something.
func fill(v reflect.Value) {
	if !v.CanSet() { // of ours alone, or of another package's
		v = reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem()
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		v.SetInt(1)
	default:
		panic("a field of kind " + v.Kind().String())
	}
}

// BenchmarkReset is of an event of which only common fields were written, and of one with a rare one.
func BenchmarkReset(b *testing.B) {
	var e Event
	b.Run("common", func(b *testing.B) {
		for b.Loop() {
			e.Message = "m"
			e.Reset()
		}
	})
	b.Run("rare", func(b *testing.B) {
		for b.Loop() {
			e.Rarely().VOB.Present = true
			e.Reset()
		}
	})
}
