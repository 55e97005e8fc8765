package event

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// TestNoSecretIsWritten: at no level, in no member, and the frame only where the exact one is wanted.
func TestNoSecretIsWritten(t *testing.T) {
	for _, s := range samples() {
		for _, span := range s.e.Secrets.Spans[:s.e.Secrets.Count] {
			secret := s.e.Raw[span.Start:span.End]
			for _, d := range levels {
				for _, o := range originals {
					found := strings.Count(string(s.e.AppendJSON(nil, d, o)), secret)
					if want := map[Original]int{OriginalAll: 1}[o]; found != want {
						t.Errorf("%s, %v, original %v: %q stands %d times", s.name, d, o, secret, found)
					}
				}
			}
		}
	}
}

func TestMaskedFrameThatIsNotUTF8(t *testing.T) {
	for _, fill := range []string{"", "x", strings.Repeat("y", 767), strings.Repeat("z", 2000)} {
		e := Event{Common: Common{Raw: "\xff" + fill + " --password s3cret " + fill, Dataset: DatasetShell}}
		e.hide("s3cret")
		for o, want := range map[Original]string{OriginalSecurity: strings.Replace(e.Raw, "s3cret", "***", 1), OriginalAll: e.Raw} {
			got := read(t, e.AppendJSON(nil, DetailFull, o))["vmware"].(object)["receiver"].(object)["original_b64"].(string)
			frame, err := base64.StdEncoding.DecodeString(got)
			if err != nil || string(frame) != want {
				t.Errorf("original %v: %q, %v", o, frame, err)
			}
		}
	}
}

// TestMaskElsewhere: text that is no part of the frame, as a join of lines may make it, is searched.
func TestMaskElsewhere(t *testing.T) {
	e := Event{Common: Common{Raw: "--a s3cret --b hidden"}}
	e.hide("hidden", "s3cret")
	for s, want := range map[string]string{
		"nothing": "nothing", "hidden s3cret hidden": "*** *** ***", "s3cre": "s3cre", "s3crets3cret": "******",
	} {
		if got := string(e.appendMaskedText(nil, strings.Clone(s))); got != want {
			t.Errorf("%s: %s", s, got)
		}
	}
	e.Secrets.Spans[1] = Span{40, 50}
	e.Secrets.Count = 200 // more than there is room for
	if got := string(e.appendMaskedText(nil, e.Raw)); got != "--a s3cret --b ***" {
		t.Errorf("spans outside of the frame: %s", got)
	}
}

// FuzzMask: of any spans, in any order and overlapping, no byte is written and every other one is.
func FuzzMask(f *testing.F) {
	f.Add("esxcli -p secret -c other end", uint8(0), uint8(29), uint32(10<<16|16), uint32(20<<16|25), uint32(0))
	f.Add("aaaaaaaaaaaaaaaa", uint8(3), uint8(12), uint32(9<<16|14), uint32(1<<16|5), uint32(4<<16|10))
	f.Fuzz(func(t *testing.T, raw string, from, to uint8, a, b, c uint32) {
		end := min(int(to), len(raw))
		start := min(int(from), end)
		e := Event{Common: Common{Secrets: Secrets{Count: 3}}}
		inside := make([]bool, len(raw))
		for i, span := range []uint32{a, b, c} {
			e.Secrets.Spans[i] = Span{span >> 16, span & 0xffff}
			for j := span >> 16; j < min(span&0xffff, uint32(len(raw))); j++ {
				inside[j] = true
			}
		}
		frame, want := make([]byte, len(raw)), 0
		for i := range frame {
			frame[i] = 'p'
			if inside[i] {
				frame[i] = 'S'
			} else if i >= start && i < end {
				want++
			}
		}
		e.Raw = string(frame)
		got := string(e.appendMaskedText(nil, e.Raw[start:end]))
		if strings.Contains(got, "S") || strings.Count(got, "p") != want {
			t.Fatalf("%s, %d to %d, %v: %s", frame, start, end, e.Secrets, got)
		}
		e.Raw = "\xff" + e.Raw
		for i := range e.Secrets.Spans[:3] {
			e.Secrets.Spans[i].Start++
			e.Secrets.Spans[i].End++
		}
		b64, err := base64.StdEncoding.DecodeString(string(e.appendMaskedBase64(nil, e.Raw)))
		if err != nil || strings.Contains(string(b64), "S") {
			t.Fatalf("%q, %v: %q, %v", e.Raw, e.Secrets, b64, err)
		}
		if !json.Valid(e.AppendJSON(nil, DetailFull, OriginalSecurity)) {
			t.Fatal("not JSON")
		}
	})
}
