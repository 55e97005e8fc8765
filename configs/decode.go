package configs

import (
	"encoding"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"vswarden/setting"
)

// maxFaults is where reporting ends: what follows is more of the same.
const maxFaults = 100

// decoder fills a struct from a tree and collects every fault on the way.
type decoder struct {
	env     func(string) (string, bool)
	element func(reflect.Type) reflect.Value // a list's new element with its defaults
	faults  []located
	lines   map[string]int      // path → line, of all that the file holds
	said    map[string]struct{} // paths a fault was already reported for
}

func newDecoder(env func(string) (string, bool), element func(reflect.Type) reflect.Value) *decoder {
	return &decoder{env: env, element: element, lines: map[string]int{}, said: map[string]struct{}{}}
}

// located is a fault with its line in the file; 0 = none.
type located struct {
	setting.Fault
	line int
}

// fault reports what is wrong at path. What Validate may say about the same path is then not news.
func (d *decoder) fault(path string, n *node, problem string) {
	value := show(n.text)
	switch {
	case n.kind == mapping:
		value = "{…}"
	case n.kind == sequence:
		value = "[…]"
	case namesSecret(path):
		value = "<secret>"
	}
	d.said[path] = struct{}{}
	d.faults = append(d.faults, located{setting.Fault{Path: path, Value: value, Problem: problem}, n.line})
}

// value sets v from n.
func (d *decoder) value(path string, n *node, v reflect.Value) {
	t := v.Type()
	switch {
	case isSection(t):
		d.section(path, n, v)
	case t.Kind() == reflect.Slice && !isText(t):
		d.list(path, n, v)
	case n.kind != scalar:
		d.fault(path, n, "one value belongs here, write "+example(t))
	case n.null():
		d.fault(path, n, "no value, write one or delete the line")
	default:
		text, err := expand(n.text, d.env)
		if err != nil {
			d.fault(path, n, err.Error())
			return
		}
		if problem := parse(text, v); problem != "" {
			if text != n.text && !namesSecret(path) {
				problem = "is " + show(text) + ": " + problem
			}
			d.fault(path, n, problem)
		}
	}
}

// section sets the fields of the struct v from a map. Nothing at all leaves the defaults.
func (d *decoder) section(path string, n *node, v reflect.Value) {
	if n.null() {
		return
	}
	all := keys(v.Type())
	if n.kind != mapping {
		d.fault(path, n, "keys and values belong here: "+list(keyNames(all)))
		return
	}
	first := map[string]int{}
	for _, f := range n.fields {
		at := join(path, f.key)
		d.lines[at] = f.line
		if line, ok := first[f.key]; ok {
			d.fault(at, f.at(), fmt.Sprintf("written twice, first on line %d, delete one", line))
			continue
		}
		first[f.key] = f.line
		if i := slices.IndexFunc(all, func(k key) bool { return k.name == f.key }); i >= 0 {
			d.value(at, f.value, v.FieldByIndex(all[i].index))
			continue
		}
		problem := "unknown key, known here: " + list(keyNames(all))
		if s := suggest(f.key, all); s != "" {
			problem = "unknown key, did you mean " + s + "?"
			top, _, _ := strings.Cut(s, ".")
			if !slices.ContainsFunc(n.fields, func(o field) bool { return o.key == top }) {
				d.said[strings.TrimPrefix(path+"."+s, ".")] = struct{}{} // that it is missing follows from this
			}
		}
		d.fault(at, f.at(), problem)
	}
}

// at returns the value of f on the line of its key.
func (f field) at() *node {
	n := *f.value
	n.line = f.line
	return &n
}

// list sets the slice v, replacing its default. Nothing at all leaves the default.
func (d *decoder) list(path string, n *node, v reflect.Value) {
	switch {
	case n.null():
		return
	case n.kind == mapping:
		d.fault(path, n, "a list belongs here, begin each element with a dash: - key: value")
		return
	case n.kind == scalar:
		d.fault(path, n, "a list belongs here, write "+asList(n.text))
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		d.lines[at] = item.line
		out.Index(i).Set(d.element(v.Type().Elem()))
		if item.null() {
			d.fault(at, item, "nothing behind the dash, write a value or delete the line")
			continue
		}
		d.value(at, item, out.Index(i))
	}
	v.Set(out)
}

// join puts a key behind the path of its section. A key that would confuse the path is quoted.
func join(path, key string) string {
	switch {
	case show(key) != key:
		key = show(key)
	case strings.ContainsAny(key, ".[]:"):
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// parse sets v from text and returns what is wrong with it and the cure, or nothing.
func parse(text string, v reflect.Value) (problem string) {
	switch p := v.Addr().Interface().(type) {
	case *time.Duration:
		return parseDuration(text, p)
	case *setting.Bytes:
		b, err := setting.ParseBytes(text)
		if err != nil {
			return "not a size, write a number and a unit such as 64KiB, 256MiB or 10GiB"
		}
		*p = b
		return ""
	case *netip.Prefix:
		return parsePrefix(text, p)
	case *netip.Addr:
		a, err := netip.ParseAddr(text)
		if err != nil {
			return "not an address, write one such as 192.0.2.7 or 2001:db8::7"
		}
		*p = a
		return ""
	case encoding.TextUnmarshaler:
		if err := p.UnmarshalText([]byte(text)); err != nil {
			return strings.TrimPrefix(err.Error(), strconv.Quote(text)+" is ")
		}
		return ""
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		return ""
	case reflect.Bool:
		return parseBool(text, v)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return parseInt(text, v)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return parseUint(text, v)
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(text, v.Type().Bits())
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return "not a number, write one such as 0.5"
		}
		v.SetFloat(f)
		return ""
	}
	return "cannot be set in a file"
}

// example names what may be written for one value of type t.
func example(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a duration such as 10s"
	case reflect.TypeFor[setting.Bytes]():
		return "a size such as 64KiB"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	}
	return "a word or text in quotes"
}

// parseDuration reads Go's durations, and whole days, which those lack.
func parseDuration(text string, p *time.Duration) string {
	const cure = "write a number and a unit such as 20ms, 10s, 24h or 7d"
	if n, err := strconv.ParseUint(text, 10, 64); err == nil && n != 0 {
		return "a duration without a unit, " + cure
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			*p = time.Duration(n) * 24 * time.Hour
			return ""
		}
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return "not a duration, " + cure
	}
	*p = v
	return ""
}

func parsePrefix(text string, p *netip.Prefix) string {
	v, err := netip.ParsePrefix(text)
	if err != nil {
		if a, err := netip.ParseAddr(text); err == nil {
			return fmt.Sprintf("an address, not a network, write %v/%d for this address alone", a, a.BitLen())
		}
		return "not a network, write one such as 10.0.0.0/8 or 2001:db8::/32"
	}
	*p = v
	return ""
}

// parseBool reads what YAML 1.2 calls a bool. What only YAML 1.1 took for one is answered with
// the word for it: no, off and n must not quietly become text, or true.
func parseBool(text string, v reflect.Value) string {
	switch strings.ToLower(text) {
	case "true":
		v.SetBool(true)
	case "false":
		v.SetBool(false)
	case "yes", "y", "on", "1":
		return "not true or false, write true"
	case "no", "n", "off", "0":
		return "not true or false, write false"
	default:
		return "not true or false, write one of them"
	}
	return ""
}

func parseInt(text string, v reflect.Value) string {
	if problem := decimal(strings.TrimPrefix(text, "-")); problem != "" {
		return problem
	}
	n, err := strconv.ParseInt(text, 10, v.Type().Bits())
	if err != nil {
		top := uint64(1)<<(v.Type().Bits()-1) - 1
		return fmt.Sprintf("too far from 0, write a number between -%d and %d", top+1, top)
	}
	v.SetInt(n)
	return ""
}

func parseUint(text string, v reflect.Value) string {
	if rest, ok := strings.CutPrefix(text, "-"); ok && decimal(rest) == "" {
		return "less than nothing, write 0 or more"
	}
	if problem := decimal(text); problem != "" {
		return problem
	}
	n, err := strconv.ParseUint(text, 10, v.Type().Bits())
	if err != nil {
		return fmt.Sprintf("too large, write at most %d", ^uint64(0)>>(64-v.Type().Bits()))
	}
	v.SetUint(n)
	return ""
}

// decimal says why digits is not a plain decimal number. 010 is 8 in YAML 1.1 and 10 in YAML 1.2;
// 1e3 is a fraction to some readers; here they are neither.
func decimal(digits string) string {
	trimmed := strings.TrimLeft(digits, "0")
	switch {
	case digits == "" || strings.Trim(digits, "0123456789") != "":
		return "not a whole number, write digits only, such as 8"
	case len(digits) > 1 && len(trimmed) < len(digits):
		return "a leading zero, write " + max(trimmed, "0")
	}
	return ""
}
