package configs

import (
	"encoding"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"vswarden/inventory/vcenter/access"
	"vswarden/receiver"
	"vswarden/setting"
)

// environ is an empty environment but for what tests put in.
func environ(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

// same compares two configurations as far as they can be written down.
func same(a, b Config) bool {
	a.derived, b.derived = false, false
	return len(diff("", reflect.ValueOf(a), reflect.ValueOf(b))) == 0
}

func TestDefaultIsValid(t *testing.T) {
	if faults := Default().Validate(); len(faults) > 0 {
		t.Error(setting.Faults(faults))
	}
	if got, err := Parse("f", nil, environ()); err != nil || !reflect.DeepEqual(got, Default()) {
		t.Errorf("an empty file gives %+v, %v", got, err)
	}
}

func TestReferenceEqualsDefault(t *testing.T) {
	got, err := Parse("reference.yaml", []byte(Reference), environ())
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	if d := diff("", reflect.ValueOf(want), reflect.ValueOf(got)); len(d) > 0 || !same(got, want) {
		t.Errorf("these differ from Default: %q", d)
	}
}

// paths returns the path of every key of a struct, with [] for the elements of lists.
func paths(prefix string, t reflect.Type) (all []string) {
	for _, k := range keys(t) {
		p := join(prefix, k.name)
		all = append(all, p)
		elem := k.typ
		if elem.Kind() == reflect.Slice {
			elem, p = elem.Elem(), p+"[]"
		}
		if isSection(elem) {
			all = append(all, paths(p, elem)...)
		}
	}
	return all
}

// written returns the path of every key of a tree.
func written(prefix string, n *node, all map[string]bool) {
	for _, f := range n.fields {
		all[join(prefix, f.key)] = true
		written(join(prefix, f.key), f.value, all)
	}
	for _, item := range n.items {
		written(prefix+"[]", item, all)
	}
}

// fullReference is the reference with the vCenter that stands there as a comment.
func fullReference(t *testing.T) string {
	t.Helper()
	var lines []string
	for line := range strings.SplitSeq(Reference, "\n") {
		switch {
		case strings.HasPrefix(line, "#vcenters:") || strings.HasPrefix(line, "#  "):
			lines = append(lines, line[1:])
		case line != "vcenters: []":
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func TestReferenceVCenterIsTheDefault(t *testing.T) {
	got, err := Parse("reference.yaml", []byte(fullReference(t)), environ())
	if err != nil {
		t.Fatal(err)
	}
	want := access.DefaultConfig()
	want.Name, want.URL, want.Username, want.PasswordFile = "vc01.example.com", "https://vc01.example.com", "vswarden@vsphere.local", "/etc/vswarden/vc01-password"
	if !reflect.DeepEqual(got.VCenters, []access.Config{want}) {
		t.Errorf("got %+v\nwant %+v", got.VCenters, want)
	}
}

func TestReferenceHasEveryKey(t *testing.T) {
	root, faults := parseTree("reference.yaml", []byte(fullReference(t)))
	if faults != nil {
		t.Fatal(faults)
	}
	have := map[string]bool{}
	written("", root, have)
	for _, p := range paths("", reflect.TypeFor[Config]()) {
		if !have[p] {
			t.Errorf("reference.yaml does not have %s", p)
		}
	}
	for i, line := range strings.Split(Reference, "\n") {
		if strings.ContainsRune(line, '\t') || strings.TrimRight(line, " ") != line {
			t.Errorf("line %d has tabs or ends in spaces", i+1)
		}
	}
}

func TestGuideNamesEveryKey(t *testing.T) {
	guide, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths("", reflect.TypeFor[Config]()) {
		p = strings.ReplaceAll(p, "[]", "")
		if !strings.Contains(string(guide), "`"+p+"`") {
			t.Errorf("docs/configuration.md does not explain `%s`", p)
		}
	}
}

// TestGuideExamples reads every YAML block of the guide.
func TestGuideExamples(t *testing.T) {
	guide, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(guide), "```yaml\n")[1:]
	if len(blocks) < 5 {
		t.Errorf("%d examples", len(blocks))
	}
	for _, b := range blocks {
		doc, _, _ := strings.Cut(b, "```")
		if _, err := Parse("example", []byte(doc), environ("COLLECTOR_DIR", "/data")); err != nil {
			t.Errorf("%s\n%v", doc, err)
		}
	}
}

// TestEveryKeyCanBeSet holds the decoder against the types of the parts.
func TestEveryKeyCanBeSet(t *testing.T) {
	var check func(path string, t reflect.Type)
	check = func(path string, typ reflect.Type) {
		switch {
		case isSection(typ):
			seen := map[string]bool{}
			for _, k := range keys(typ) {
				if seen[k.name] || k.name == "" || plain(k.name) != strings.ReplaceAll(k.name, "_", "") {
					t.Errorf("%s: the key %q is there twice, empty or not in lower case with underscores", path, k.name)
				}
				seen[k.name] = true
				check(join(path, k.name), k.typ)
			}
			if len(seen) == 0 {
				t.Errorf("%s: no keys", path)
			}
		case isText(typ):
			if !typ.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
				t.Errorf("%s: %v is read from text and cannot be written as such", path, typ)
			}
		case typ.Kind() == reflect.Slice:
			check(path+"[]", typ.Elem())
		default:
			if problem := parse("x", reflect.New(typ).Elem()); problem == "cannot be set in a file" {
				t.Errorf("%s: the decoder does not read %v", path, typ)
			}
		}
	}
	check("", reflect.TypeFor[Config]())
}

func TestParse(t *testing.T) {
	f := func(doc string, change func(*Config)) {
		t.Helper()
		got, err := Parse("f.yaml", []byte(doc), environ("DIR", "/srv", "SINK", "siem"))
		if err != nil {
			t.Errorf("%s\n%v", doc, err)
			return
		}
		want := Default()
		change(&want)
		if !same(got, want) {
			t.Errorf("%s\n%q differ:\ngot  %+v\nwant %+v", doc, diff("", reflect.ValueOf(got), reflect.ValueOf(want)), got, want)
		}
	}
	f("data_dir: /srv/vswarden", func(c *Config) {
		c.DataDir = "/srv/vswarden"
		c.Sinks[0].File.Path = filepath.Join("/srv/vswarden", "events.ndjson")
	})
	f("data_dir: ${DIR}/vswarden\nsinks:\n", func(c *Config) {
		c.DataDir = "/srv/vswarden"
		c.Sinks[0].File.Path = filepath.Join("/srv/vswarden", "events.ndjson")
	})
	f("listeners: [{address: udp://127.0.0.1:514, timezone: Europe/Berlin, relays: [10.1.2.3]}]", func(c *Config) {
		c.Listeners = listenOn("udp://127.0.0.1:514")
		c.Listeners[0].Timezone = "Europe/Berlin"
		c.Listeners[0].Relays = []string{"10.1.2.3"}
	})
	f("listeners:\n- name: a\n  address: tcp://:0\n- name: b\n  address: tcp://:0\n", func(c *Config) {
		c.Listeners = listenOn("tcp://:0", "tcp://:0")
		c.Listeners[0].Name, c.Listeners[1].Name = "a", "b"
	})
	f("sinks: [{type: stdout, format: raw}]", func(c *Config) {
		s := DefaultSink()
		s.Name, s.Type, s.Format = "events", SinkStdout, "raw"
		c.Sinks = []Sink{s}
	})
	f("sinks:\n- {name: \"${SINK}\", type: file, file: {path: /a}}\n- {name: b, type: file, file: {path: /b, rotate: {age: 7d}}, filter: {severity: warning}}\n", func(c *Config) {
		a, b := DefaultSink(), DefaultSink()
		a.Name, a.Type, a.File.Path = "siem", SinkFile, "/a"
		b.Name, b.Type, b.File.Path = "b", SinkFile, "/b"
		b.File.Rotate.Age = 7 * 24 * time.Hour
		b.Filter.Severity = "warning"
		c.Sinks = []Sink{a, b}
	})
	f("sinks:\n- {name: a, type: file, file: {path: /dev/null}}\n- {name: b, type: file, file: {path: /dev/null}}\n", func(c *Config) {
		a := DefaultSink()
		a.Name, a.Type, a.File.Path = "a", SinkFile, "/dev/null"
		b := a
		b.Name = "b"
		c.Sinks = []Sink{a, b}
	})
	f("log:\nmemory_limit: 1GiB\nshutdown_timeout: 0\n", func(c *Config) {
		c.MemoryLimit, c.ShutdownTimeout = setting.GiB, 0
	})
}

func TestFaults(t *testing.T) {
	f := func(doc string, want ...string) {
		t.Helper()
		got, err := Parse("f.yaml", []byte(doc), environ())
		if _, ok := errors.AsType[setting.Faults](err); !ok {
			t.Errorf("%s\ngives %v", doc, err)
			return
		}
		if s := strings.Join(want, "\n"); err.Error() != s {
			t.Errorf("%s\ngot\n%v\nwant\n%s", doc, err, s)
		}
		if !reflect.DeepEqual(got, Config{}) {
			t.Errorf("%s\nis in force all the same", doc)
		}
	}

	// Five at once: five lines with path, value and cure, in the order of the file.
	f(`data_dir: ""
listeners:
  - address: http://:5514
log:
  max_size: large
sinks:
  - name: events
    type: file
    file: {path: a.ndjson}
    detial: full
  - name: siem
    type: file
    file:
      path: ""
`,
		`data_dir: "": no directory, write one such as ./vswarden-data or /var/lib/vswarden (line 1)`,
		`listeners[0].address: "http://:5514": "http" is not a protocol: write udp, tcp or tls before :// (line 3)`,
		`log.max_size: large: not a size, write a number and a unit such as 64KiB, 256MiB or 10GiB (line 5)`,
		`sinks[0].detial: full: unknown key, did you mean detail? (line 10)`,
		`sinks[1].file.path: "": no file is named, write a path such as /var/log/vswarden/events.ndjson (line 14)`)

	// What follows from a fault is not a second one.
	f("log: {max_size: 1}\n", "log.max_size: 1: is too small for a log; write at least 4MiB (line 1)")
	f("sinks: [{name: a, type: file, file: {pth: /a}}]",
		"sinks[0].file.pth: /a: unknown key, did you mean path? (line 1)")
	f("sinks: [{name: a, type: file, path: /a}]",
		"sinks[0].path: /a: unknown key, did you mean file.path? (line 1)")
	f("sinks: /a", `sinks: /a: a list belongs here, write ["/a"] (line 1)`)
	f("data_dir:\n", `data_dir: "": no value, write one or delete the line (line 1)`)
	f("data_dir: [a]\n", `data_dir: […]: one value belongs here, write a word or text in quotes (line 1)`)
	f("listener: []\n", `listener: […]: unknown key, did you mean listeners? (line 1)`)
	f("kafka: {}\n", "kafka: {…}: unknown key, did you mean source.kafka? (line 1)")
	f("data_dir:./x\n", `f.yaml:1: data_dir:./x: keys and values belong here, each on a line of its own: key, colon, space, value`)
	f("- a\n", `f.yaml:1: "": keys and values belong here, each on a line of its own: key, colon, space, value`)

	// Listeners.
	f("listeners: []", "listeners: []: no listener, write one such as - address: udp://:5514, or delete the key for the default ones (line 1)")
	f("listeners:\n- name: a\n  address: udp://:1\n- name: b\n  address: udp://:1\n",
		"listeners[1].address: udp://:1: listeners[0] has this address too, delete one of them (line 5)")
	f("listeners:\n- name: a\n  address: udp://:1\n- name: a\n  address: udp://:2\n",
		"listeners[1].name: a: listeners[0] has this name too, write another (line 4)")
	f("listeners:\n- address: udp://:1\n  timezone: Berlin\n",
		"listeners[0].timezone: Berlin: no known time zone, write UTC, Local or a name such as Europe/Berlin (line 3)")
	f("listeners:\n- address: udp://:1\n  timezone: ''\n",
		`listeners[0].timezone: "": no known time zone, write UTC, Local or a name such as Europe/Berlin (line 3)`)
	f("listeners:\n- timezone: UTC\n",
		`listeners[0].address: "": write proto://host:port, such as tcp://:1514 or udp://192.0.2.1:514 (line 2)`)

	// Sinks.
	f("sinks: []", "sinks: []: no sink, write one such as - {name: events, type: file, file: {path: ./events.ndjson}}, or delete the key for the default one (line 1)")
	f("sinks:\n- type: stdout\n- {name: b, type: file, file: {path: b}}\n",
		`sinks[0].name: "": no name, write one of its own for good, such as events: its place in the log goes by it (line 2)`)
	f("sinks:\n- {name: a/b, type: stdout}\n", "sinks[0].name: a/b: not a name for files, write 1 to 64 of A-Z a-z 0-9 _ . - (line 2)")
	f("sinks:\n- {name: .., type: stdout}\n", "sinks[0].name: ..: not a name for files, write 1 to 64 of A-Z a-z 0-9 _ . - (line 2)")
	f("sinks:\n- {name: a, type: stdout}\n- {name: A, type: file, file: {path: b}}\n",
		"sinks[1].name: A: sinks[0] has this name too (upper and lower case are the same), write another (line 3)")
	f("sinks:\n- {name: a, type: stdout}\n- {name: b, type: stdout}\n",
		"sinks[1].type: stdout: sinks[0] writes to standard output already, delete one of them (line 3)")
	f("sinks:\n- {name: a, type: stdot}\n", "sinks[0].type: stdot: not one of file, stdout, kafka, did you mean stdout? (line 2)")
	f("sinks:\n- {name: a}\n", `sinks[0].type: "": not one of file, stdout, kafka, write one of them (line 2)`)
	f("sinks:\n- {name: a, type: stdout, start: now}\n", "sinks[0].start: now: not one of oldest, newest, write one of them (line 2)")
	f("sinks:\n- {name: a, type: stdout, format: xml}\n", "sinks[0].format: xml: not one of ecs, raw, write one of them (line 2)")
	f("sinks:\n- {name: a, type: stdout, detail: loud}\n", "sinks[0].detail: loud: not one of auto, compact, standard, full (line 2)")
	f("sinks:\n- name: a\n  type: stdout\n  file:\n    path: b\n", "sinks[0].file: {…}: not for type stdout, delete it or write type: file (line 4)")
	f("sinks:\n- {name: a, type: file, file: {path: a}}\n- {name: b, type: file, file: {path: ./x/../a}}\n",
		"sinks[1].file.path: ./x/../a: written to by sinks[0] already, write another path (line 3)")
	f("sinks:\n- {name: a, type: file, file: {path: vswarden-data/dead/a.ndjson}}\n",
		"sinks[0].file.path: vswarden-data/dead/a.ndjson: written to by the dead letters of a already, write another path (line 2)")
	f("sinks:\n- {name: a, type: file, file: {path: vswarden-data/log/a}}\n",
		"sinks[0].file.path: vswarden-data/log/a: in the directory of the log, write a path elsewhere (line 2)")
	f("sinks:\n- {name: a, type: file, file: {path: vswarden-data/inventory/names}}\n",
		"sinks[0].file.path: vswarden-data/inventory/names: in the directory of the inventory, write a path elsewhere (line 2)")
	f("sinks:\n- {name: a, type: file, file: {path: vswarden-data/detect.json}}\n",
		"sinks[0].file.path: vswarden-data/detect.json: written to by the detections already, write another path (line 2)")

	// The rest.
	f("shutdown_timeout: -1s", "shutdown_timeout: -1s: less than no time, write 0 or a duration such as 10s (line 1)")
	f("memory_limit: 1MiB", "memory_limit: 1MiB: too little to run, write at least 64MiB, or 0 for no limit (line 1)")
	f("logging:\n  level: warning\n  format: text\n",
		"logging.level: warning: not one of debug, info, warn, error, did you mean warn? (line 2)",
		"logging.format: text: not one of auto, json, console, write one of them (line 3)")

	// A terminal is not written to.
	f(`data_dir: "\e[2J\x07"`+"\nmemory_limit: \"\\u202e1\"\n", `memory_limit: "\u202e1": not a size, write a number and a unit such as 64KiB, 256MiB or 10GiB (line 2)`)
}

func TestFaultsAreBounded(t *testing.T) {
	_, err := Parse("f", []byte(strings.Repeat("x: 1\n", 5000)), environ())
	var faults setting.Faults
	if !errors.As(err, &faults) || len(faults) != maxFaults+1 || !strings.Contains(faults[maxFaults].Problem, "and 4900 more") {
		t.Errorf("%d faults, the last %v", len(faults), faults[len(faults)-1])
	}
}

func TestListenerNamesOfOneNumber(t *testing.T) {
	// Two names with one receiver.ListenerID: the second must be refused, for the time zone of a
	// record is found by that number.
	seen := map[uint16]string{}
	var a, b string
	for i := 0; b == ""; i++ {
		name := "listener-" + strings.Repeat("x", i%40) + string(rune('a'+i%26)) + time.Duration(i).String()
		if other, ok := seen[receiver.ListenerID(name)]; ok && other != name {
			a, b = other, name
		}
		seen[receiver.ListenerID(name)] = name
	}
	c := Default()
	c.Listeners = listenOn("udp://:1", "udp://:2")
	c.Listeners[0].Name, c.Listeners[1].Name = a, b
	faults := c.Validate()
	if len(faults) != 1 || faults[0].Path != "listeners[1].name" || !strings.Contains(faults[0].Problem, "same number") {
		t.Errorf("got %v", faults)
	}
}

func TestOverride(t *testing.T) {
	c := Default()
	c.Override(Flags{})
	if !reflect.DeepEqual(c, Default()) {
		t.Error("no flags change something")
	}
	c.Override(Flags{Listen: []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"}, Data: "/d", Admin: "127.0.0.1:0"})
	if len(c.Listeners) != 2 || c.Listeners[1].Name != "tcp://127.0.0.1:0" || c.Listeners[1].MaxFrame != Default().Listeners[0].MaxFrame {
		t.Errorf("listeners %+v", c.Listeners)
	}
	if c.DataDir != "/d" || c.Admin.Listen != "127.0.0.1:0" || c.Sinks[0].File.Path != filepath.Join("/d", "events.ndjson") {
		t.Errorf("got %+v", c)
	}
	if faults := c.Validate(); len(faults) > 0 {
		t.Error(setting.Faults(faults))
	}

	// What the file says stays, even where it says the default.
	c, err := Parse("reference.yaml", []byte(Reference), environ())
	if err != nil {
		t.Fatal(err)
	}
	c.Override(Flags{Data: "/d"})
	if got := c.Sinks[0].File.Path; c.DataDir != "/d" || got != Default().Sinks[0].File.Path {
		t.Errorf("data %s, path %s", c.DataDir, got)
	}
	c.Override(Flags{Listen: []string{"http://:1"}})
	if faults := c.Validate(); len(faults) != 1 || faults[0].Path != "listeners[0].address" {
		t.Errorf("got %v", faults)
	}
}

func TestNeedRestart(t *testing.T) {
	f := func(doc string, want ...string) {
		t.Helper()
		next, err := Parse("f", []byte(doc), environ())
		if err != nil {
			t.Fatal(err)
		}
		if got := Default().NeedRestart(next); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", doc, got, want)
		}
	}
	f("")
	f(Reference)
	f("sinks: [{type: file, file: {path: vswarden-data/events.ndjson}, filter: {severity: warning, programs: [vmkernel]}}]")
	f("log: {retain: {age: 1h}}\nlogging: {level: debug}\n", "log.retain.age", "logging.level")
	f("listeners: [{address: udp://:1}]", "listeners")
	f("sinks: [{name: b, type: stdout}]", "sinks[0].name", "sinks[0].type", "sinks[0].file.path")
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vswarden.yaml")
	if _, err := Load(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
	write := func(s string) {
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("VSWARDEN_TEST_DIR", "/srv")
	write("data_dir: ${VSWARDEN_TEST_DIR}/x\n")
	if c, err := Load(path); err != nil || c.DataDir != "/srv/x" {
		t.Errorf("got %q, %v", c.DataDir, err)
	}
	write("data_dir: [\n")
	if _, err := Load(path); err == nil || !strings.HasPrefix(err.Error(), path+":1:") {
		t.Errorf("got %v", err)
	}
	write(strings.Repeat("#", int(maxFile)+10))
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "longer than 256KiB") {
		t.Errorf("got %v", err)
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a directory is read")
	}

	write("data_dir: /srv\n")
	c, err := Read(path, Flags{Admin: "127.0.0.1:0"})
	if err != nil || c.DataDir != "/srv" || c.Admin.Listen != "127.0.0.1:0" {
		t.Errorf("got %+v, %v", c, err)
	}
	if c, err = Read("", Flags{Data: "/d"}); err != nil || c.DataDir != "/d" {
		t.Errorf("got %+v, %v", c, err)
	}
	_, err = Read(path, Flags{Listen: []string{"udp://:x"}, Admin: "here"})
	if want := "listeners[0].address: \"udp://:x\": \"x\" is not a port: write a number from 0 to 65535\n" +
		"admin.listen: here: not an address, write host:port such as \"127.0.0.1:9514\""; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// document writes c as YAML, as JSON is, for reading it back.
func document(t *testing.T, c Config) []byte {
	t.Helper()
	var value func(v reflect.Value) any
	value = func(v reflect.Value) any {
		switch {
		case isSection(v.Type()):
			m := map[string]any{}
			for _, k := range keys(v.Type()) {
				m[k.name] = value(v.FieldByIndex(k.index))
			}
			return m
		case isText(v.Type()):
			return v.Interface()
		case v.Kind() == reflect.Slice:
			l := []any{}
			for i := range v.Len() {
				l = append(l, value(v.Index(i)))
			}
			return l
		case v.Type() == reflect.TypeFor[time.Duration]():
			return v.Interface().(time.Duration).String()
		case v.Kind() == reflect.String:
			return strings.ReplaceAll(v.String(), "${", "$${")
		}
		return v.Interface()
	}
	b, err := json.MarshalIndent(value(reflect.ValueOf(c)), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzParse: nothing panics, every fault is one clean line, and a valid configuration written down
// and read again is the same.
func FuzzParse(f *testing.F) {
	var bare strings.Builder // the reference without comments: minimizing takes long otherwise
	for line := range strings.Lines(Reference) {
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) != "" {
			bare.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	f.Add([]byte(bare.String()))
	for _, s := range []string{
		"", "a", "- a", "a: b", "a: [", "a: {", "a: \"", "a: |\n b", "a: &b c", "a: *b", "<<: a", "a: !b c", "? a\n: b", "---\n---\n", "%YAML 1.2\n---\n",
		"data_dir: ${X:-y}", "data_dir: $${X}", "data_dir: \"\\u001b\"", "listeners: [{address: udp://:0}]",
		"sinks:\n- name: a\n  type: file\n  file:\n    path: \"${X:-z}\"\n    rotate: {size: 1MiB, age: 1h, keep: 0, gzip: true}\n",
		"log: {sync: never, retain: {age: 0, size: 0}}\nmemory_limit: 1.5GiB\nshutdown_timeout: 1h2m3.5s",
		"\xef\xbb\xbfdata_dir: a\r\nlogging:\r\n  level: debug\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("f", data, environ("X", "x", "Y", ""))
		if err != nil {
			var faults setting.Faults
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Fatalf("%T: %v", err, err)
			}
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if strings.Count(line, ": ") < 2 || printable(line) != line {
					t.Fatalf("a fault that is not path, value, cure: %q", line)
				}
			}
			if n := strings.Count(err.Error(), "\n") + 1; n != len(faults) {
				t.Fatalf("%d faults on %d lines", len(faults), n)
			}
			return
		}
		again, err := Parse("again", document(t, c), environ())
		if err != nil {
			t.Fatalf("written down and read again: %v\n%s", err, document(t, c))
		}
		if !same(c, again) {
			t.Fatalf("written down and read again: %q differ", diff("", reflect.ValueOf(c), reflect.ValueOf(again)))
		}
	})
}
