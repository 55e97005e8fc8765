package event

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestStructuredData(t *testing.T) {
	many := func(n int, form string) string { // n parameters or elements
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, form, i)
		}
		return b.String()
	}
	for sd, want := range map[string]string{
		``:           ``,
		`-`:          ``,
		`[esx@4413]`: `{"esx@4413":{}}`,
		`[esx@4413 threadName="vobd" opID="a b"]`:        `{"esx@4413":{"threadName":"vobd","opID":"a b"}}`,
		`[Originator@6876 sub=Vimsvc.ha-eventmgr opID=]`: `{"Originator@6876":{"sub":"Vimsvc.ha-eventmgr","opID":""}}`,
		`[a x="1"][b x="2"]`:                             `{"a":{"x":"1"},"b":{"x":"2"}}`,
		`[origin ip="192.0.2.1" v="1" ip="192.0.2.2"]`:   `{"origin":{"ip":["192.0.2.1","192.0.2.2"],"v":"1"}}`,
		`[a b="\"\\\]\x\é"]`:                             `{"a":{"b":"\"\\]\\x\\é"}}`,
		"[a b=\"\xff\n\"]":                               `{"a":{"b":"` + "\ufffd" + `\n"}}`,
		`[a][a]`:                                         `{"raw":"[a][a]"}`,
		`[a x="1"`:                                       `{"raw":"[a x=\"1\""}`,
		`[a x="1]`:                                       `{"raw":"[a x=\"1]"}`,
		`[a x="1\"]`:                                     `{"raw":"[a x=\"1\\\"]"}`,
		`[a x]`:                                          `{"raw":"[a x]"}`,
		`[a  x="1"]`:                                     `{"raw":"[a  x=\"1\"]"}`,
		`[a x="1"y="2"]`:                                 `{"raw":"[a x=\"1\"y=\"2\"]"}`,
		`[a] [b]`:                                        `{"raw":"[a] [b]"}`,
		`[]`:                                             `{"raw":"[]"}`,
		`[`:                                              `{"raw":"["}`,
		`no`:                                             `{"raw":"no"}`,
		`[ü x="1"]`:                                      `{"raw":"[ü x=\"1\"]"}`,
		"[a" + many(maxSD+1, " p%d=1") + "]":             `{"raw":"[a` + many(maxSD+1, " p%d=1") + `]"}`,
		many(maxSD+1, "[e%d]"):                           `{"raw":"` + many(maxSD+1, "[e%d]") + `"}`,
		many(maxSD, "[e%d]"):                             `{` + strings.TrimSuffix(many(maxSD, `"e%d":{},`), ",") + `}`,
		`[back\slash na\me="1"]`:                         `{"back\\slash":{"na\\me":"1"}}`,
		`[a x="\\\\\\\""]`:                               `{"a":{"x":"\\\\\\\""}}`,
	} {
		got := strings.TrimSuffix(strings.TrimPrefix(string(withSD(sd).appendStructuredData(nil)), `"structured_data":`), ",")
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", sd, got, want)
		}
	}
}

func withSD(sd string) *Event { return &Event{Common: Common{Syslog: Syslog{StructuredData: sd}}} }

func FuzzStructuredData(f *testing.F) {
	f.Add(`[esx@4413 threadName="vobd" opID="a b"][b c=d]`)
	f.Add(`[a b="\"\\\]\x" b=c b=""]`)
	f.Add("[a b=\"\xff\n\"][a]")
	f.Fuzz(func(t *testing.T, sd string) {
		out := strings.TrimSuffix(string(withSD(sd).appendStructuredData([]byte("{"))), ",") + "}"
		got := read(t, []byte(out))
		want := object{}
		if v := referenceSD(sd); v != nil {
			want["structured_data"] = v
		}
		if !reflect.DeepEqual(got, want) {
			w, _ := json.Marshal(want)
			t.Fatalf("%q\n got %s\nwant %s", sd, out, w)
		}
	})
}
