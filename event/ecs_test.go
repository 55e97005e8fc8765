package event

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// ecsField is what the Elastic Common Schema says about a field.
type ecsField struct {
	kind  string
	array bool
}

func ecsFields(t *testing.T) map[string]ecsField {
	t.Helper()
	file, err := os.ReadFile("testdata/ecs/fields.txt")
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]ecsField{}
	for line := range strings.Lines(string(file)) {
		w := strings.Fields(line)
		if w[0] != "#" {
			fields[w[0]] = ecsField{w[1], len(w) == 3 && w[2] == "array"}
		}
	}
	if len(fields) < 400 || fields["event.category"] != (ecsField{"keyword", true}) {
		t.Fatalf("%d fields, event.category is %v", len(fields), fields["event.category"])
	}
	return fields
}

// TestECS holds every sample at every level against the schema: nothing outside vmware.* that it
// does not know, its types, lists where it says so, and its words.
func TestECS(t *testing.T) {
	fields := ecsFields(t)
	for _, s := range samples() {
		for _, d := range levels {
			o := read(t, s.e.AppendJSON(nil, d, OriginalAll))
			if err := checkECS(fields, "", o); err != nil {
				t.Errorf("%s, %v: %v", s.name, d, err)
			}
			if err := checkECSWords(o["event"].(object)); err != nil {
				t.Errorf("%s, %v: %v", s.name, d, err)
			}
		}
	}
}

func checkECS(fields map[string]ecsField, path string, v any) error {
	if path == "vmware" {
		return nil
	}
	field, known := fields[path]
	o, isObject := v.(object)
	if isObject && (!known || field.kind == "object") {
		for k, inner := range o {
			if err := checkECS(fields, strings.TrimPrefix(path+"."+k, "."), inner); err != nil {
				return err
			}
		}
		return nil
	}
	if !known {
		return fmt.Errorf("%s is unknown to ECS", path)
	}
	values, isList := v.([]any)
	if isList != field.array {
		return fmt.Errorf("%s: list %v, ECS says %v", path, isList, field.array)
	}
	if !isList {
		values = []any{v}
	}
	for _, v := range values {
		if err := checkECSType(field.kind, v); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

func checkECSType(kind string, v any) (err error) {
	var ok bool
	switch kind {
	case "keyword", "match_only_text", "wildcard", "constant_keyword":
		_, ok = v.(string)
	case "long", "integer":
		var n json.Number
		if n, ok = v.(json.Number); ok {
			_, err = n.Int64()
		}
	case "date":
		var s string
		if s, ok = v.(string); ok {
			_, err = time.Parse(time.RFC3339Nano, s)
		}
	case "ip":
		var s string
		if s, ok = v.(string); ok {
			_, err = netip.ParseAddr(s)
		}
	case "boolean":
		_, ok = v.(bool)
	case "flattened", "object":
		_, ok = v.(object)
	default:
		return fmt.Errorf("the test does not know type %s", kind)
	}
	if !ok {
		return fmt.Errorf("%v is not a %s", v, kind)
	}
	return err
}

// The words ECS allows (https://www.elastic.co/docs/reference/ecs/ecs-allowed-values-event-kind and
// its neighbours), and the types it expects of the categories we use.
var (
	ecsKinds    = []any{"alert", "asset", "enrichment", "event", "metric", "state", "pipeline_error", "signal"}
	ecsOutcomes = []any{"failure", "success", "unknown"}
	ecsTypes    = map[any][]any{
		"authentication":      {"start", "end", "info"},
		"configuration":       {"access", "change", "creation", "deletion", "info"},
		"host":                {"access", "change", "end", "info", "start"},
		"iam":                 {"admin", "change", "creation", "deletion", "group", "info", "user"},
		"intrusion_detection": {"allowed", "denied", "info"},
		"network":             {"access", "allowed", "connection", "denied", "end", "info", "protocol", "start"},
		"process":             {"access", "change", "end", "info", "start"},
		"session":             {"start", "end", "info"},
		"web":                 {"access", "error", "info"},
	}
)

func checkECSWords(event object) error {
	if !slices.Contains(ecsKinds, event["kind"]) {
		return fmt.Errorf("event.kind %v", event["kind"])
	}
	if o, ok := event["outcome"]; ok && !slices.Contains(ecsOutcomes, o) {
		return fmt.Errorf("event.outcome %v", o)
	}
	categories, _ := event["category"].([]any)
	types, _ := event["type"].([]any)
	if len(categories) == 0 != (len(types) == 0) {
		return fmt.Errorf("event.category %v with event.type %v", categories, types)
	}
	for _, c := range categories {
		if ecsTypes[c] == nil {
			return fmt.Errorf("event.category %v", c)
		}
	}
	for _, typ := range types {
		if !slices.ContainsFunc(categories, func(c any) bool { return slices.Contains(ecsTypes[c], typ) }) {
			return fmt.Errorf("event.type %v is not expected of %v", typ, categories)
		}
	}
	return nil
}

// TestTypesNeverChange: one path has one type in every event at every level.
func TestTypesNeverChange(t *testing.T) {
	seen := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		if o, ok := v.(object); ok {
			for k, inner := range o {
				if path != ".log.syslog.structured_data" { // flattened: the sender's keys
					walk(path+"."+k, inner)
				}
			}
		}
		kind := fmt.Sprintf("%T", v)
		if before := seen[path]; before != "" && before != kind {
			t.Errorf("%s is %s and %s", path, before, kind)
		}
		seen[path] = kind
	}
	for _, s := range samples() {
		for _, d := range levels {
			walk("", read(t, s.e.AppendJSON(nil, d, OriginalAll)))
		}
	}
}

// TestLevelsGrow: a higher level says all that a lower one says.
func TestLevelsGrow(t *testing.T) {
	var within func(path string, low, high any) error
	within = func(path string, low, high any) error {
		l, ok := low.(object)
		if !ok {
			if fmt.Sprint(low) != fmt.Sprint(high) {
				return fmt.Errorf("%s is %v, then %v", path, low, high)
			}
			return nil
		}
		h, _ := high.(object)
		for k, v := range l {
			if err := within(path+"."+k, v, h[k]); err != nil {
				return err
			}
		}
		return nil
	}
	for _, s := range samples() {
		var low any = object{}
		for _, d := range levels {
			high := read(t, s.e.AppendJSON(nil, d, OriginalNone))
			if err := within("", low, high); err != nil {
				t.Errorf("%s, %v: %v", s.name, d, err)
			}
			low = high
		}
	}
}
