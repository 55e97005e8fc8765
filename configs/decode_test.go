package configs

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"vswarden/event"
	"vswarden/setting"
)

// sample has one setting of every kind the decoder reads.
type sample struct {
	Text     string         `yaml:"text"`
	Bool     bool           `yaml:"bool"`
	Int      int            `yaml:"int"`
	Small    int8           `yaml:"small"`
	Uint     uint16         `yaml:"uint"`
	Big      uint64         `yaml:"big"`
	Share    float64        `yaml:"share"`
	Wait     time.Duration  `yaml:"wait"`
	MaxSize  setting.Bytes  `yaml:"max_size"`
	Detail   event.Detail   `yaml:"detail"`
	Allow    []netip.Prefix `yaml:"allow"`
	Relay    netip.Addr     `yaml:"relay"`
	Words    []string       `yaml:"words"`
	Password setting.Secret `yaml:"password"`
	Below    below          `yaml:"below"`
	List     []below        `yaml:"list"`
	inlined  `yaml:",inline"`
	Inlined2 `yaml:",inline"`
	Ignored  int
}

type below struct {
	Path string `yaml:"path"`
	Max  int    `yaml:"max_connections"`
}

type inlined struct{ Hidden int } //nolint:unused // not exported: not a setting

// Inlined2 is embedded, as receiver.Config is in Listener.
type Inlined2 struct {
	Near string `yaml:"near"`
}

// read decodes doc over the zero sample; env is what variables hold.
func read(doc string, env map[string]string) (sample, []string) {
	var s sample
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	d := newDecoder(lookup, func(t reflect.Type) reflect.Value {
		if t == reflect.TypeFor[below]() {
			return reflect.ValueOf(below{Max: 7})
		}
		return reflect.Zero(t)
	})
	root, faults := parseTree("f.yaml", []byte(doc))
	var out []string
	for _, f := range faults {
		out = append(out, f.String())
	}
	if root != nil && len(faults) == 0 {
		d.section("", root, reflect.ValueOf(&s).Elem())
		for _, f := range d.faults {
			out = append(out, f.String())
		}
	}
	return s, out
}

func TestDecodeValues(t *testing.T) {
	f := func(doc string, want func(*sample)) {
		t.Helper()
		got, faults := read(doc, map[string]string{"SIZE": "4KiB", "EMPTY": "", "INJECT": "a\nbool: true", "N": "7", "DOLLAR": "${SIZE}"})
		if len(faults) > 0 {
			t.Errorf("%q: %q", doc, faults)
			return
		}
		var w sample
		want(&w)
		if !reflect.DeepEqual(got, w) {
			t.Errorf("%q:\ngot  %+v\nwant %+v", doc, got, w)
		}
	}
	f("", func(*sample) {})
	f("# nothing\n", func(*sample) {})
	f("---\n", func(*sample) {})
	f("\ufefftext: a\r\nint: 3\r\n", func(s *sample) { s.Text, s.Int = "a", 3 })
	f("text: a # b\nnear: c", func(s *sample) { s.Text, s.Near = "a", "c" })
	f("text: 'a # b'", func(s *sample) { s.Text = "a # b" })
	f("text: 'a\n  b'\n", func(s *sample) { s.Text = "a b" })
	f("text: >-\n  a\n  b\n", func(s *sample) { s.Text = "a b" })
	f("{text: a, int: 1}", func(s *sample) { s.Text, s.Int = "a", 1 })
	f("---\ntext: a\n...\n", func(s *sample) { s.Text = "a" })
	f("below: {path: a}", func(s *sample) { s.Below.Path = "a" })
	f("below:\n  path: a\n  max_connections: 3\n", func(s *sample) { s.Below = below{"a", 3} })
	f("below:\nint: 1", func(s *sample) { s.Int = 1 }) // all its keys commented out
	f("list:\nint: 1", func(s *sample) { s.Int = 1 })
	f("list: []", func(s *sample) { s.List = []below{} })
	f("list:\n- path: a\n- max_connections: 2\n", func(s *sample) { s.List = []below{{"a", 7}, {"", 2}} })
	f("words: [a, b c, 010, no, 'null']", func(s *sample) { s.Words = []string{"a", "b c", "010", "no", "null"} })
	f("allow: [10.0.0.0/8, '2001:db8::/32']", func(s *sample) {
		s.Allow = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	})
	f("relay: 2001:db8::1", func(s *sample) { s.Relay = netip.MustParseAddr("2001:db8::1") })
	f("detail: full", func(s *sample) { s.Detail = event.DetailFull })
	f("password: hunter2", func(s *sample) { s.Password = setting.NewSecret("hunter2") })

	// Units.
	f("wait: 90s\nmax_size: 1.5GiB", func(s *sample) { s.Wait, s.MaxSize = 90*time.Second, 3*setting.GiB/2 })
	f("wait: 7d\nmax_size: 4096", func(s *sample) { s.Wait, s.MaxSize = 7*24*time.Hour, 4*setting.KiB })
	f("wait: 0\nmax_size: 0", func(*sample) {})
	f("wait: 1h30m\nmax_size: 10 MB", func(s *sample) { s.Wait, s.MaxSize = 90*time.Minute, 10_000_000 })

	// Words and numbers that YAML 1.1 readers take for something else.
	f("text: no", func(s *sample) { s.Text = "no" })
	f("text: on", func(s *sample) { s.Text = "on" })
	f("text: 010", func(s *sample) { s.Text = "010" })
	f("text: 1e3", func(s *sample) { s.Text = "1e3" })
	f("text: 2026-01-01", func(s *sample) { s.Text = "2026-01-01" })
	f("text: 2026-01-01T00:00:00Z", func(s *sample) { s.Text = "2026-01-01T00:00:00Z" })
	f("text: 12:30:45", func(s *sample) { s.Text = "12:30:45" })
	f("text: 0x1F", func(s *sample) { s.Text = "0x1F" })
	f("text: .inf", func(s *sample) { s.Text = ".inf" })
	f("text: true", func(s *sample) { s.Text = "true" })
	f("text: 18446744073709551616", func(s *sample) { s.Text = "18446744073709551616" })
	f("text: 'null'", func(s *sample) { s.Text = "null" })
	f("text: '~'", func(s *sample) { s.Text = "~" })
	f("text: =", func(s *sample) { s.Text = "=" })
	f("bool: TRUE", func(s *sample) { s.Bool = true })
	f("bool: 'true'", func(s *sample) { s.Bool = true })
	f("share: 1e-3", func(s *sample) { s.Share = 0.001 })
	f("int: -9\nuint: 65535\nbig: 18446744073709551615\nsmall: -128", func(s *sample) {
		s.Int, s.Uint, s.Big, s.Small = -9, 65535, 1<<64-1, -128
	})

	// Variables.
	f("text: ${SIZE}\nmax_size: ${SIZE}", func(s *sample) { s.Text, s.MaxSize = "4KiB", 4*setting.KiB })
	f("text: a${N}b${N}", func(s *sample) { s.Text = "a7b7" })
	f("text: '${NONE:-x}'", func(s *sample) { s.Text = "x" })
	f("text: ${EMPTY:-x}", func(s *sample) { s.Text = "x" })
	f("text: ${NONE:-}", func(*sample) {})
	f("text: ${EMPTY}", func(*sample) {})
	f("text: ${NONE:-udp://:5514}", func(s *sample) { s.Text = "udp://:5514" })
	f("text: $${N}", func(s *sample) { s.Text = "${N}" })
	f("text: a$${N}${N}", func(s *sample) { s.Text = "a${N}7" })
	f("text: $N $ 5$", func(s *sample) { s.Text = "$N $ 5$" })
	f("text: ${DOLLAR}", func(s *sample) { s.Text = "${SIZE}" })       // what a variable holds is text
	f("text: ${INJECT}", func(s *sample) { s.Text = "a\nbool: true" }) // and never YAML
	f("words: [\"${N}\", '${SIZE}']", func(s *sample) { s.Words = []string{"7", "4KiB"} })
	f("int: ${N}", func(s *sample) { s.Int = 7 })
	f("list: [{path: \"${N}\"}]", func(s *sample) { s.List = []below{{"7", 7}} })
}

func TestDecodeFaults(t *testing.T) {
	f := func(doc string, want ...string) {
		t.Helper()
		_, got := read(doc, map[string]string{"WORD": "abc", "SECRET": "hunter2"})
		if !slices.Equal(got, want) {
			t.Errorf("%q:\ngot  %s\nwant %s", doc, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
	const size = "not a size, write a number and a unit such as 64KiB, 256MiB or 10GiB"
	const duration = "write a number and a unit such as 20ms, 10s, 24h or 7d"

	// Values.
	f("max_size: big", "max_size: big: "+size)
	f("max_size: -1", "max_size: -1: "+size)
	f("max_size: 1e300", "max_size: 1e300: "+size)
	f("max_size: .nan", "max_size: .nan: "+size)
	f("wait: 10", "wait: 10: a duration without a unit, "+duration)
	f("wait: soon", "wait: soon: not a duration, "+duration)
	f("wait: 99999999999h", "wait: 99999999999h: not a duration, "+duration)
	f("wait: 12:30", "wait: 12:30: not a duration, "+duration)
	f("bool: no", "bool: no: not true or false, write false")
	f("bool: On", "bool: On: not true or false, write true")
	f("bool: 1", "bool: 1: not true or false, write true")
	f("bool: maybe", "bool: maybe: not true or false, write one of them")
	f("int: 010", "int: 010: a leading zero, write 10")
	f("int: 00", "int: 00: a leading zero, write 0")
	f("int: 1e3", "int: 1e3: not a whole number, write digits only, such as 8")
	f("int: 0x10", "int: 0x10: not a whole number, write digits only, such as 8")
	f("int: 1_000", "int: 1_000: not a whole number, write digits only, such as 8")
	f("int: 1.0", "int: 1.0: not a whole number, write digits only, such as 8")
	f("int: ''", "int: \"\": not a whole number, write digits only, such as 8")
	f("int: 99999999999999999999", "int: 99999999999999999999: too far from 0, write a number between -9223372036854775808 and 9223372036854775807")
	f("small: 128", "small: 128: too far from 0, write a number between -128 and 127")
	f("uint: 65536", "uint: 65536: too large, write at most 65535")
	f("uint: -1", "uint: -1: less than nothing, write 0 or more")
	f("big: 18446744073709551616", "big: 18446744073709551616: too large, write at most 18446744073709551615")
	f("share: .inf", "share: .inf: not a number, write one such as 0.5")
	f("share: x", "share: x: not a number, write one such as 0.5")
	f("detail: loud", "detail: loud: not one of auto, compact, standard, full")
	f("relay: esx1", "relay: esx1: not an address, write one such as 192.0.2.7 or 2001:db8::7")
	f("allow: [esx1]", "allow[0]: esx1: not a network, write one such as 10.0.0.0/8 or 2001:db8::/32")
	f("allow: [10.1.2.3]", "allow[0]: 10.1.2.3: an address, not a network, write 10.1.2.3/32 for this address alone")
	f("text:", `text: "": no value, write one or delete the line`)
	f("text: ~", "text: ~: no value, write one or delete the line")
	f("text: Null", "text: Null: no value, write one or delete the line")

	// Shapes.
	f("text: [a]", "text: […]: one value belongs here, write a word or text in quotes")
	f("text: {a: b}", "text: {…}: one value belongs here, write a word or text in quotes")
	f("wait:\n  a: b", "wait: {…}: one value belongs here, write a duration such as 10s")
	f("int: []", "int: […]: one value belongs here, write a whole number")
	f("words: a", `words: a: a list belongs here, write ["a"]`)
	f("{words: kafka1:9092}", `words: kafka1:9092: a list belongs here, write ["kafka1:9092"]`)
	f(`{words: ["kafka1:9092"]}`)
	f("words: a:1, b:2", `words: "a:1, b:2": a list belongs here, write ["a:1", "b:2"]`)
	f("list:\n  path: a", "list: {…}: a list belongs here, begin each element with a dash: - key: value")
	f("list: [a]", "list[0]: a: keys and values belong here: max_connections, path")
	f("list:\n- path: a\n-\n- path: b", `list[1]: "": nothing behind the dash, write a value or delete the line`)
	f("below: a", "below: a: keys and values belong here: max_connections, path")
	f("below: [a]", "below: […]: keys and values belong here: max_connections, path")
	f("words: [[a]]", "words[0]: […]: one value belongs here, write a word or text in quotes")

	// Keys.
	f("max_sise: 1", "max_sise: 1: unknown key, did you mean max_size?")
	f("maxSize: 1", "maxSize: 1: unknown key, did you mean max_size?")
	f("max-size: 1", "max-size: 1: unknown key, did you mean max_size?")
	f("Text: a", "Text: a: unknown key, did you mean text?")
	f("tetx: a", "tetx: a: unknown key, did you mean text?")
	f("path: a", "path: a: unknown key, did you mean below.path?")
	f("ignored: 1", "ignored: 1: unknown key, known here: allow, below, big, bool, detail, int, list, max_size, near, password, relay, share, small, text, uint, wait, words")
	f("below:\n  connections: 1", "below.connections: 1: unknown key, did you mean max_connections?")
	f("below:\n  zzz: [1]", "below.zzz: […]: unknown key, known here: max_connections, path")
	f("list:\n- path: a\n  zzz: {}", "list[0].zzz: {…}: unknown key, known here: max_connections, path")
	f("\"a.b\": 1\n", `"a.b": 1: unknown key, known here: allow, below, big, bool, detail, int, list, max_size, near, password, relay, share, small, text, uint, wait, words`)
	f("text: a\ntext: b", "text: b: written twice, first on line 1, delete one")
	f("below: {path: a, path: b}", "below.path: b: written twice, first on line 1, delete one")
	f("zz9: 1\nzz9: 2\nint: 1\nint: 1",
		"zz9: 1: unknown key, known here: allow, below, big, bool, detail, int, list, max_size, near, password, relay, share, small, text, uint, wait, words",
		"zz9: 2: written twice, first on line 1, delete one",
		"int: 1: written twice, first on line 3, delete one")

	// Variables.
	f("text: ${NONE}", "text: ${NONE}: the variable NONE is not set, set it or write ${NONE:-default}")
	f("text: ${WORD", "text: ${WORD: not a variable, write ${NAME} or ${NAME:-default}, or $${ for the two characters ${")
	f("text: ${A B}", `text: "${A B}": not a variable, write ${NAME} or ${NAME:-default}, or $${ for the two characters ${`)
	f("text: ${}", "text: ${}: not a variable, write ${NAME} or ${NAME:-default}, or $${ for the two characters ${")
	f("text: ${A:-${B}}", "text: ${A:-${B}}: not a variable, write ${NAME} or ${NAME:-default}, or $${ for the two characters ${")
	f("int: ${WORD}", "int: ${WORD}: is abc: not a whole number, write digits only, such as 8")
	f("text: {a: ${WORD}}", `f.yaml:1:12: "text: {a: ${WORD}}": not YAML (',' or '}' must be specified), between { } and [ ] put ${…} in quotes, like "${PORT}"`)

	// Secrets are not repeated.
	f("pasword: hunter2", "pasword: <secret>: unknown key, did you mean password?")
	f("password: ${NONE}", "password: <secret>: the variable NONE is not set, set it or write ${NONE:-default}")
	f("password: hun${ter2", "password: <secret>: not a variable, write ${NAME} or ${NAME:-default}, or $${ for the two characters ${")
	f("password: 'hunter2", "f.yaml:1:11: <secret>: not YAML (could not find end character of single-quoted text), mend the line or the one before it")
	f("password: !hunter2\n", "f.yaml:1: <secret>: tags (!) are not read here, delete it or, if it is text, put it in quotes")
	f("password: hunter\n  2\n", "f.yaml:1: <secret>: text on more than one line, put it in quotes or mend the indent")
	f("api_token: ${SECRET}", "api_token: <secret>: unknown key, known here: allow, below, big, bool, detail, int, list, max_size, near, password, relay, share, small, text, uint, wait, words")

	// Several at once, in the order of the file.
	f("int: x\nzzzz: 1\nbelow:\n  path: [1]\nwait: 3\nlist:\n- max_connections: y",
		"int: x: not a whole number, write digits only, such as 8",
		"zzzz: 1: unknown key, known here: allow, below, big, bool, detail, int, list, max_size, near, password, relay, share, small, text, uint, wait, words",
		"below.path: […]: one value belongs here, write a word or text in quotes",
		"wait: 3: a duration without a unit, "+duration,
		"list[0].max_connections: y: not a whole number, write digits only, such as 8")
}

func TestTreeRefuses(t *testing.T) {
	f := func(doc string, want ...string) {
		t.Helper()
		_, got := read(doc, nil)
		if !slices.Equal(got, want) {
			t.Errorf("%.200q:\ngot  %s\nwant %s", doc, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
	const anchors = "anchors (&) and aliases (*) are not read here, write the value out or, if it is text, put it in quotes"
	f("text: &a b\nnear: *a", "f.yaml:1: &: "+anchors, "f.yaml:2: *: "+anchors)
	f("text: *.log", "f.yaml:1: *: "+anchors)
	f("below: &x {path: a}\nlist:\n- <<: *x\n", "f.yaml:1: &: "+anchors, "f.yaml:3: <<: merge keys are not read here, write the keys out", "f.yaml:3: *: "+anchors)
	f("text: !!str a", "f.yaml:1: !!str: tags (!) are not read here, delete it or, if it is text, put it in quotes")
	f("text: !secret", "f.yaml:1: !secret: tags (!) are not read here, delete it or, if it is text, put it in quotes")
	f("%YAML 1.1\n---\ntext: a", "f.yaml:1: %: directives (%) are not read here, delete the line")
	f("? text\n: a", "f.yaml:1: ?: ? keys are not read here, write key: value")
	const lines = "text on more than one line, put it in quotes or mend the indent"
	f("text: a\n  b # c", `f.yaml:1: "a\n  b": `+lines)
	f("words:\n  a\n  - b", `f.yaml:3: "a\n  - b": `+lines)
	f("list:\n-\n# c\ntext: a\n", "f.yaml:2: -: nothing behind the dash, write a value or delete the line")
	f("text: a\n---\ntext: b\n", "f.yaml:2: ---: a second document, keep one in the file")
	f("text: a\n  near: b", `f.yaml:1: "a\n  near": `+lines)
	f("below:\n\tpath: a", `f.yaml:2:1: "path: a": not YAML (found character '	' that cannot start any token), indent with spaces, not tabs`)
	f("text: a: b", `f.yaml:1:7: "text: a: b": not YAML (mapping value is not allowed in this context), put text that holds a colon and a space in quotes`)
	f("text: [a", `f.yaml:1:7: "text: [a": not YAML (sequence end token ']' not found), mend the line or the one before it`)
	f("text: @a", "f.yaml:1:7: \"text: @a\": not YAML ('@' is a reserved character), mend the line or the one before it")
	f("text: \xff", "f.yaml:1: byte 0xff: not UTF-8, save the file as UTF-8")
	f("\xff\xfet\x00", "f.yaml:1: byte 0xff: not UTF-8, save the file as UTF-8")
	f("int: 1\ntext: a\x00", "f.yaml:2: byte 0x00: a control character, delete it")
	f("text: \x1b[2J", "f.yaml:1: byte 0x1b: a control character, delete it")
	f(strings.Repeat("# x\n", 65537), "f.yaml: 262148: longer than 256KiB, is this the configuration?")
	for _, s := range []string{"[", "{", "{a: ", "- ", "? ", "&a ", "*a ", "!t ", "[{", "{a: ["} {
		if _, got := read("words: "+strings.Repeat(s, 10_000), nil); len(got) == 0 {
			t.Errorf("a file of %q is accepted", s)
		}
		if _, got := read(strings.Repeat(s, int(maxFile)/len(s)), nil); len(got) == 0 {
			t.Errorf("a file of %q is accepted", s)
		}
	}
	var deep strings.Builder
	for i := range 700 {
		deep.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	if _, got := read(deep.String(), nil); len(got) != 1 || !strings.Contains(got[0], "nested deeper") {
		t.Errorf("700 levels by indentation: %q", got)
	}
}

func TestLines(t *testing.T) {
	doc := "# one\nint: 1\n\nbelow:\n  path: a   # five\n  max_connections: 3\nlist:\n  - path: a\n    max_connections: 1\n  - max_connections: 2\nwords: [a,\n  b]\ntext: >-\n  x\n  y\n"
	for _, doc := range []string{doc, strings.ReplaceAll(doc, "\n", "\r\n")} {
		root, faults := parseTree("f", []byte(doc))
		if faults != nil {
			t.Fatal(faults)
		}
		d := newDecoder(nil, reflect.Zero)
		var s sample
		d.section("", root, reflect.ValueOf(&s).Elem())
		want := map[string]int{"int": 2, "below": 4, "below.path": 5, "below.max_connections": 6, "list": 7, "list[0]": 8, "list[0].path": 8, "list[0].max_connections": 9, "list[1]": 10, "list[1].max_connections": 10, "words": 11, "words[0]": 11, "words[1]": 12, "text": 13}
		for path, line := range want {
			if d.lines[path] != line {
				t.Errorf("%s: line %d, want %d", path, d.lines[path], line)
			}
		}
	}
}
