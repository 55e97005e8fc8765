package event

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
)

// TestAppendTextByByte puts every byte at every place of a word, in text of every length to 40.
func TestAppendTextByByte(t *testing.T) {
	for c := range 256 {
		for length := 1; length <= 40; length++ {
			for _, at := range []int{0, length / 2, length - 1} {
				s := []byte(strings.Repeat("a", length))
				s[at] = byte(c)
				checkText(t, string(s))
			}
		}
	}
	for c := range 256 {
		for d := range 256 {
			checkText(t, "0123"+string([]byte{byte(c), byte(d)})+"6789")
			checkText(t, string([]byte{byte(d), byte(c)})+"2345678")
		}
	}
}

func TestAppendText(t *testing.T) {
	for s, want := range map[string]string{
		"":                    ``,
		"a\tb\r\nc":           `a\tb\r\nc`,
		"\x00\x1b[31m\x7f":    `\u0000\u001b[31m\u007f`,
		"C1: \u0085\u009b.":   `C1: \u0085\u009b.`,
		"\u00a0\u2028\u2029":  "\u00a0\u2028\u2029",
		`LAB\svc "x"`:         `LAB\\svc \"x\"`,
		"Büro 7 ☃ 𝄞":          "Büro 7 ☃ 𝄞",
		"\xff\xfeab\xc3":      "\ufffd\ufffdab\ufffd",
		"\xed\xa0\x80":        "\ufffd\ufffd\ufffd", // a surrogate is not UTF-8
		"\ufffd stays":        "\ufffd stays",
		"</script><b>&":       "</script><b>&",
		"\xf0\x9d\x84":        "\ufffd\ufffd\ufffd",
		"1234567\x80\x81中文\"": "1234567\ufffd\ufffd中文\\\"",
	} {
		if got := string(appendText(nil, s)); got != want {
			t.Errorf("%q became %s, want %s", s, got, want)
		}
	}
}

func checkText(t testing.TB, s string) {
	t.Helper()
	out := `"` + string(appendText(nil, s)) + `"`
	var got string
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%q became %s: %v", s, out, err)
	}
	if got != text(s) {
		t.Fatalf("%q came back as %q", s, got)
	}
	if strings.ContainsFunc(out, unicode.IsControl) {
		t.Fatalf("%q holds a control character: %q", s, out)
	}
}

func FuzzAppendText(f *testing.F) {
	f.Add("plain")
	f.Add("\x00\x7f\"\\ ü \u0085 \xff\u2028 12345678")
	f.Fuzz(func(t *testing.T, s string) { checkText(t, s) })
}

func TestAppendTime(t *testing.T) {
	day := int64(24 * time.Hour)
	stamps := []int64{
		0, 1, -1, 999, day - 1, day, -day, -day - 1, 1<<63 - 1, -1 << 63, unix("2000-02-29T23:59:59.999999999Z"),
		unix("2100-03-01T00:00:00Z"), unix("2100-02-28T23:59:59.5Z"), unix("1900-03-01T12:00:00Z"), unix("1677-09-22T00:00:00Z"),
	}
	for ns := unix("1999-12-25T12:34:56.789012345Z"); ns < unix("2005-01-05T00:00:00Z"); ns += day {
		stamps = append(stamps, ns)
	}
	for _, ns := range stamps {
		checkTime(t, ns)
	}
}

func checkTime(t testing.TB, ns int64) {
	t.Helper()
	for digits := range 10 {
		layout := "2006-01-02T15:04:05Z"
		if digits > 0 {
			layout = "2006-01-02T15:04:05." + strings.Repeat("0", digits) + "Z"
		}
		want := time.Unix(0, ns).UTC().Format(layout)
		if got := string(appendTime(nil, ns, digits)); got != want {
			t.Fatalf("%d with %d digits is %s, want %s", ns, digits, got, want)
		}
	}
}

func FuzzAppendTime(f *testing.F) {
	f.Add(int64(0))
	f.Add(int64(-1 << 63))
	f.Add(int64(1789468200123456789))
	f.Fuzz(func(t *testing.T, ns int64) { checkTime(t, ns) })
}

func TestTimestampDigits(t *testing.T) {
	e := Event{Common: Common{Time: unix("2026-09-15T10:30:00.123456789Z")}}
	for digits, want := range map[uint8]string{0: ".123Z", 3: ".123Z", 4: ".1234Z", 6: ".123456Z", 9: ".123456789Z", 200: ".123456789Z"} {
		e.TimeDigits = digits
		if got := string(e.AppendJSON(nil, DetailCompact, OriginalNone)); !strings.HasPrefix(got, `{"@timestamp":"2026-09-15T10:30:00`+want+`"`) {
			t.Errorf("%d digits: %s", digits, got)
		}
	}
	e.TimeText = "2026-09-15T10:30:00.1230Z" // the line's own stamp goes out as it came
	if got := string(e.AppendJSON(nil, DetailCompact, OriginalNone)); !strings.HasPrefix(got, `{"@timestamp":"2026-09-15T10:30:00.1230Z"`) {
		t.Errorf("own stamp: %s", got)
	}
}
