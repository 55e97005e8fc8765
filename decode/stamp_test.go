package decode

import (
	"testing"
	"time"

	"vswarden/event"
)

func TestISOStamps(t *testing.T) {
	for _, tc := range []struct {
		text   string
		want   string // RFC 3339 in UTC; empty: bad
		digits uint8
		copied bool
	}{
		{"2014-12-10T19:23:45.733Z", "2014-12-10T19:23:45.733Z", 3, true},
		{"2014-12-10T19:23:45.733123Z", "2014-12-10T19:23:45.733123Z", 6, true},
		{"2014-12-10T19:23:45.733123456Z", "2014-12-10T19:23:45.733123456Z", 9, true},
		{"2014-12-10T19:23:45.7331234567Z", "2014-12-10T19:23:45.733123456Z", 9, false},
		{"2014-12-10T19:23:45.1Z", "2014-12-10T19:23:45.1Z", 1, false},
		{"2014-12-10T19:23:45Z", "2014-12-10T19:23:45Z", 0, false},
		{"2014-12-10T19:23:45.733+00:00", "2014-12-10T19:23:45.733Z", 3, false},
		{"2014-12-10T19:23:45.733+05:30", "2014-12-10T13:53:45.733Z", 3, false},
		{"2014-12-10T19:23:45.733-0800", "2014-12-11T03:23:45.733Z", 3, false},
		{"2014-12-10T19:23:45-08", "2014-12-11T03:23:45Z", 0, false},
		{"2014-12-31T23:59:60.500Z", "2015-01-01T00:00:00.5Z", 3, false},
		{"2016-02-29T00:00:00.000Z", "2016-02-29T00:00:00Z", 3, true},
		{"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z", 3, true},
		{"1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00Z", 3, true},
		{"2262-01-01T00:00:00.000Z", "2262-01-01T00:00:00Z", 3, true},
		{"1678-01-01T00:00:00.000Z", "1678-01-01T00:00:00Z", 3, true},
		{"2014-12-10t19:23:45.733z", "2014-12-10T19:23:45.733Z", 3, false},
		{"2023-10-28 02:56:46,013", "2023-10-28T02:56:46.013Z", 3, false},
		{"2263-01-01T00:00:00.000Z", "", 0, false},
		{"1600-01-01T00:00:00.000Z", "", 0, false},
		{"0000-01-01T00:00:00.000Z", "", 0, false},
		{"9999-12-31T23:59:59.999Z", "", 0, false},
		{"2014-13-10T19:23:45.733Z", "", 0, false},
		{"2014-00-10T19:23:45.733Z", "", 0, false},
		{"2014-06-31T19:23:45.733Z", "", 0, false},
		{"2015-02-29T19:23:45.733Z", "", 0, false},
		{"1900-02-29T19:23:45.733Z", "", 0, false},
		{"2014-12-10T24:00:00.000Z", "", 0, false},
		{"2014-12-10T19:60:45.733Z", "", 0, false},
		{"2014-12-10T19:23:61.733Z", "", 0, false},
		{"2x14-12-10T19:23:45.733Z", "", 0, false},
		{"20x4-12-10T19:23:45.733Z", "", 0, false},
		{"2014-1 -10T19:23:45.733Z", "", 0, false},
		{"2014-12-10T19:23:45+24:00", "", 0, false},
		{"2014-12-10T19:23:45+00:60", "", 0, false},
	} {
		s, n := isoStamp(tc.text)
		if n != len(tc.text) {
			t.Errorf("%s: %d bytes read, want %d", tc.text, n, len(tc.text))
		}
		if s.bad != (tc.want == "") {
			t.Errorf("%s: bad %v", tc.text, s.bad)
		}
		if s.bad || tc.want == "" {
			continue
		}
		if got := time.Unix(0, s.nanos).UTC().Format(time.RFC3339Nano); got != tc.want || s.digits != tc.digits || s.copied != tc.copied {
			t.Errorf("%s: %s, %d digits, copied %v; want %+v", tc.text, got, s.digits, s.copied, tc)
		}
	}
}

// Every day of the calendar that time.Time knows.
func TestDaysSince1970(t *testing.T) {
	day := time.Date(1677, 9, 22, 0, 0, 0, 0, time.UTC)
	for day.Year() < 2263 {
		if got, want := daysSince1970(day.Year(), int(day.Month()), day.Day()), day.Unix()/daySeconds; got != want {
			t.Fatalf("%s: day %d, want %d", day.Format(time.DateOnly), got, want)
		}
		if !dateExists(day.Year(), int(day.Month()), day.Day()) {
			t.Fatalf("%s does not exist", day.Format(time.DateOnly))
		}
		next := day.AddDate(0, 0, 1)
		if next.Day() == 1 && dateExists(day.Year(), int(day.Month()), day.Day()+1) {
			t.Fatalf("the day after %s exists", day.Format(time.DateOnly))
		}
		day = next
	}
}

func TestTimeText(t *testing.T) {
	if e := line("<13>2014-12-10T19:23:45.733Z h p: x"); e.TimeText != "2014-12-10T19:23:45.733Z" || e.TimeDigits != 3 {
		t.Errorf("TimeText %q, %d digits", e.TimeText, e.TimeDigits)
	}
	for _, raw := range []string{
		"<13>2014-12-10T19:23:45Z h p: x", "<13>2014-12-10T19:23:45.733+00:00 h p: x",
		"<13>Dec 10 19:23:45 h p: x", "<13>2014-12-31T23:59:60.733Z h p: x",
	} {
		if e := line(raw); e.TimeText != "" {
			t.Errorf("%s: TimeText %q cannot stand as it is", raw, e.TimeText)
		}
	}
}

func TestBSDStamps(t *testing.T) {
	helsinki, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Skip("no time zone data: ", err)
	}
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for name, tc := range map[string]struct {
		stamp    string
		received time.Time
		o        Options
		want     string // empty: bad
	}{
		"two blanks":                {"Jul  1 14:30:23", at("2025-07-01T14:30:25Z"), Options{}, "2025-07-01T14:30:23Z"},
		"one blank":                 {"Jul 1 14:30:23", at("2025-07-01T14:30:25Z"), Options{}, "2025-07-01T14:30:23Z"},
		"two digits":                {"Jul 11 14:30:23", at("2025-07-11T14:30:25Z"), Options{}, "2025-07-11T14:30:23Z"},
		"fraction":                  {"Jul  1 14:30:23.125", at("2025-07-01T14:30:25Z"), Options{}, "2025-07-01T14:30:23.125Z"},
		"year before the time":      {"Jul  1 2019 14:30:23", at("2025-07-01T14:30:25Z"), Options{}, "2019-07-01T14:30:23Z"},
		"year after the time":       {"Jul  1 14:30:23 2019", at("2025-07-01T14:30:25Z"), Options{}, "2019-07-01T14:30:23Z"},
		"its year wins over ours":   {"Jul  1 2019 14:30:23", at("2025-07-01T14:30:25Z"), Options{Year: 2011}, "2019-07-01T14:30:23Z"},
		"last year's last line":     {"Dec 31 23:59:58", at("2026-01-01T00:00:01Z"), Options{}, "2025-12-31T23:59:58Z"},
		"a clock that runs fast":    {"Jan  1 00:00:03", at("2025-12-31T23:59:59Z"), Options{}, "2026-01-01T00:00:03Z"},
		"half a year late":          {"Aug 20 10:00:00", at("2026-02-07T12:00:00Z"), Options{}, "2025-08-20T10:00:00Z"},
		"the year given":            {"Dec 31 23:59:58", at("2026-01-01T00:00:01Z"), Options{Year: 2012}, "2012-12-31T23:59:58Z"},
		"neither year nor time":     {"Dec 31 23:59:58", time.Unix(0, 0), Options{}, "1970-12-31T23:59:58Z"},
		"time zone, winter":         {"Jan 20 14:30:23", at("2025-01-20T12:30:25Z"), Options{Location: helsinki}, "2025-01-20T12:30:23Z"},
		"time zone, summer":         {"Jul  1 14:30:23", at("2025-07-01T11:30:25Z"), Options{Location: helsinki}, "2025-07-01T11:30:23Z"},
		"time zone over New Year":   {"Jan  1 00:30:00", at("2025-12-31T22:30:01Z"), Options{Location: helsinki}, "2025-12-31T22:30:00Z"},
		"leap day":                  {"Feb 29 10:00:00", at("2024-03-01T10:00:00Z"), Options{}, "2024-02-29T10:00:00Z"},
		"leap day, nearest year":    {"Feb 29 10:00:00", at("2025-03-01T10:00:00Z"), Options{}, "2024-02-29T10:00:00Z"},
		"leap second":               {"Jun 30 23:59:60", at("2015-07-01T00:00:10Z"), Options{}, "2015-07-01T00:00:00Z"},
		"leap day in no leap year":  {"Feb 29 10:00:00", at("2025-03-01T10:00:00Z"), Options{Year: 2025}, ""},
		"leap day, no year near by": {"Feb 29 10:00:00", at("2026-03-01T10:00:00Z"), Options{}, ""},
		"31 June":                   {"Jun 31 10:00:00", at("2025-07-01T10:00:00Z"), Options{}, ""},
		"25 o'clock":                {"Jun 30 25:00:00", at("2025-07-01T10:00:00Z"), Options{}, ""},
		"not a number":              {"Jun 30 1x:00:00", at("2025-07-01T10:00:00Z"), Options{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := lineAt("<13>"+tc.stamp+" h p: x", tc.received, tc.o)
			if e.Syslog.Hostname != "h" || e.Message != "x" || e.Format != event.FormatRFC3164BSD {
				t.Errorf("host %q, message %q, format %s", e.Syslog.Hostname, e.Message, e.Format)
			}
			if tc.want == "" {
				if e.Tags&event.TagBadTimestamp == 0 || e.TimeSource != event.TimeReceived || e.Time != e.Received {
					t.Errorf("tags %b, source %q", e.Tags, e.TimeSource)
				}
				return
			}
			if got := time.Unix(0, e.Time).UTC().Format(time.RFC3339Nano); got != tc.want || e.TimeSource != event.TimeHeader {
				t.Errorf("%s (%s), want %s", got, e.TimeSource, tc.want)
			}
		})
	}
}

// A stamp of ISO form without a zone takes the listener's, like one of BSD form.
func TestISOWithoutZone(t *testing.T) {
	zone := time.FixedZone("", 3600)
	e := lineAt("2023-10-28 02:56:46,013 INFO imageService[139745] [x] text", received, Options{Location: zone})
	if got := time.Unix(0, e.Time).UTC().Format(time.RFC3339Nano); got != "2023-10-28T01:56:46.013Z" {
		t.Error(got)
	}
}

func TestClockSkew(t *testing.T) {
	at := time.Date(2014, 12, 10, 19, 23, 45, 0, time.UTC)
	const raw = "<13>2014-12-10T19:23:45.000Z h p: x"
	for d, skewed := range map[time.Duration]bool{
		0: false, 5 * time.Minute: false, -5 * time.Minute: false,
		5*time.Minute + 1: true, -5*time.Minute - 1: true, 11 * time.Hour: true,
	} {
		if e := lineAt(raw, at.Add(d), Options{}); (e.Tags&event.TagClockSkew != 0) != skewed {
			t.Errorf("received %v after the stamp: tags %b", d, e.Tags)
		}
	}
	if e := fileLine(raw, Options{}); e.Tags != 0 {
		t.Errorf("a file has no receive time to compare with, tags %b", e.Tags)
	}
	for _, stamp := range []string{"1678-01-01T00:00:00Z", "2262-01-01T00:00:00Z"} {
		if e := lineAt("<13>"+stamp+" h p: x", at, Options{}); e.Tags&event.TagClockSkew == 0 {
			t.Errorf("%s is no skew", stamp)
		}
	}
}

func TestTimeSource(t *testing.T) {
	if e := line("no stamp"); e.TimeSource != event.TimeReceived || e.Time != e.Received {
		t.Errorf("source %q, time %d", e.TimeSource, e.Time)
	}
	if e := fileLine("no stamp", Options{}); e.TimeSource != event.TimeNone || e.Time != 0 {
		t.Errorf("source %q, time %d", e.TimeSource, e.Time)
	}
	if e := fileLine("2014-06-31T19:23:45.733Z shell[1]: ls", Options{}); e.TimeSource != event.TimeNone || e.TimeText != "" {
		t.Errorf("source %q, text %q", e.TimeSource, e.TimeText)
	}
	// The relay's stamp is better than none.
	e := line("<13>Feb  7 11:58:01 relay1 <181>NoneZ esx1 vmkernel: cpu0:1)text")
	if e.Syslog.Hostname != "relay1" && e.TimeSource != event.TimeHeader {
		t.Errorf("source %q, host %q", e.TimeSource, e.Host)
	}
}
