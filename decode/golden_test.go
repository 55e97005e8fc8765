package decode

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"vswarden/event"
)

var update = flag.Bool("update", false, "write the golden files anew; then read them")

// TestGolden compares what every line of testdata decodes to with what was read and found right.
func TestGolden(t *testing.T) {
	for _, name := range []string{"esxi", "foreign", "odd"} {
		var got strings.Builder
		for _, raw := range testdataLines(t, name+".log") {
			e := lineAt(raw, received, Options{})
			checkStrings(t, &e)
			checkEvent(t, &e)
			got.WriteString(render(&e))
		}
		file := "testdata/" + name + ".golden"
		if *update {
			if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s differs; look at it with -update and git diff\n%s", file, firstDifference(got.String(), string(want)))
		}
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return "one is longer than the other"
}

// render writes an event as a block of text: the frame, then what is known, name by name.
func render(e *event.Event) string {
	var b strings.Builder
	b.WriteString(e.Raw + "\n")
	field := func(name string, v any) {
		if s := fmt.Sprint(v); s != "" && s != "0" && s != "false" {
			fmt.Fprintf(&b, "    %s: %s\n", name, s)
		}
	}
	field("format", e.Format)
	field("dataset", e.Dataset)
	field("kind", e.Kind)
	if e.TimeSource == event.TimeHeader {
		field("time", time.Unix(0, e.Time).UTC().Format(time.RFC3339Nano)+" digits "+fmt.Sprint(e.TimeDigits)+" text "+fmt.Sprint(e.TimeText != ""))
	} else {
		field("time", e.TimeSource)
	}
	field("host", e.Host)
	field("relay", e.Receiver.Relay)
	s := e.Syslog
	field("syslog", strings.TrimSpace(fmt.Sprintf("pri %d version %d app %q pid %q msgid %q", s.Priority, s.Version, s.AppName, s.ProcID, s.MsgID)))
	field("sd", s.StructuredData)
	field("act", e.Act)
	field("level", e.Level)
	field("logger", e.Logger)
	field("message", fmt.Sprintf("%q", e.Message))
	for _, part := range []any{e.Vmkernel, e.L2Sec, e.NetPort, e.Hostd, e.VOB, e.User, e.Source, e.Login, e.Command, e.Secrets, e.Loss, e.VCEvent, e.Linux} {
		if !reflect.ValueOf(part).IsZero() {
			field(strings.ToLower(reflect.TypeOf(part).Name()), facts(part))
		}
	}
	field("tags", fmt.Sprintf("%b", e.Tags&^event.TagClockSkew))
	field("reason", e.Reason)
	return b.String()
}

// facts writes the fields of a struct that are set, so that a new field changes no golden file.
func facts(part any) string {
	var words []string
	v := reflect.ValueOf(part)
	for i := range v.NumField() {
		if !v.Field(i).IsZero() {
			if v.Field(i).Kind() == reflect.Struct {
				words = append(words, v.Type().Field(i).Name+"={"+facts(v.Field(i).Interface())+"}")
				continue
			}
			words = append(words, fmt.Sprintf("%s=%q", v.Type().Field(i).Name, fmt.Sprint(v.Field(i))))
		}
	}
	return strings.Join(words, " ")
}
