package configs

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"vswarden/inventory/vcenter/access"
	"vswarden/setting"
)

// Read is what a command needs: the file at path ("" = none), under flags, without faults. Its error
// is setting.Faults where there are any, in the file or else in the flags.
func Read(path string, flags Flags) (Config, error) {
	c := Default()
	if path != "" {
		var err error
		if c, err = Load(path); err != nil {
			return Config{}, err
		}
	}
	c.Override(flags)
	c.settleRole()
	if faults := c.Validate(); len(faults) > 0 {
		return Config{}, tidy(faults)
	}
	return c, nil
}

// Load reads the file at path over the defaults. Its error is setting.Faults when the file could be
// read and has faults: all of them, in the order of the file.
func Load(path string) (Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(f, int64(maxFile)+1))
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, data, os.LookupEnv)
}

// Parse reads data over the defaults, expands ${VAR} in values with env and validates the result.
// The name stands for the file in faults of its syntax. A fault of a setting ends with its line. A
// file must be valid by itself, whatever flags may override later.
func Parse(name string, data []byte, env func(string) (string, bool)) (Config, error) {
	root, syntax := parseTree(name, data)
	if len(syntax) > 0 {
		return Config{}, tidy(syntax)
	}
	c := Default()
	if root == nil {
		return c, nil
	}
	if root.kind != mapping {
		return Config{}, tidy([]setting.Fault{{Path: at(name, root.line), Value: show(root.text), Problem: "keys and values belong here, each on a line of its own: key, colon, space, value"}})
	}
	d := newDecoder(env, newElement)
	d.section("", root, reflect.ValueOf(&c).Elem())
	c.derived = !slices.ContainsFunc(root.fields, func(f field) bool { return f.key == "sinks" && !f.value.null() })
	c.defaultListeners = !slices.ContainsFunc(root.fields, func(f field) bool { return f.key == "listeners" && !f.value.null() })
	c.complete()
	for _, f := range c.Validate() {
		if !d.spoken(f.Path) {
			d.faults = append(d.faults, located{f, d.lineOf(f.Path)})
		}
	}
	if len(d.faults) == 0 {
		return c, nil
	}
	slices.SortStableFunc(d.faults, func(a, b located) int { return cmp.Compare(a.line, b.line) })
	var faults []setting.Fault
	for _, f := range d.faults {
		if f.line > 0 {
			f.Problem += fmt.Sprintf(" (line %d)", f.line)
		}
		faults = append(faults, f.Fault)
	}
	return Config{}, tidy(faults)
}

// newElement returns a new element of a list with its defaults.
func newElement(t reflect.Type) reflect.Value {
	switch t {
	case reflect.TypeFor[Listener]():
		return reflect.ValueOf(DefaultListener())
	case reflect.TypeFor[Sink]():
		return reflect.ValueOf(DefaultSink())
	case reflect.TypeFor[access.Config]():
		return reflect.ValueOf(access.DefaultConfig())
	}
	return reflect.Zero(t)
}

// spoken reports whether a fault was found in the file at path or above it: what Validate says of
// the default that is left there would lead astray.
func (d *decoder) spoken(path string) bool {
	for ; path != ""; path = above(path) {
		if _, ok := d.said[path]; ok {
			return true
		}
	}
	return false
}

// lineOf returns the line of path, or of what holds it where the file does not have it; 0 = none.
func (d *decoder) lineOf(path string) int {
	for ; path != ""; path = above(path) {
		if line, ok := d.lines[path]; ok {
			return line
		}
	}
	return 0
}

// above returns the path of what holds path: sinks[1].file, sinks[1], sinks, nothing.
func above(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

// tidy makes faults safe to print and bounds their number.
func tidy(faults []setting.Fault) setting.Faults {
	if more := len(faults) - maxFaults; more > 0 {
		faults = append(faults[:maxFaults:maxFaults], setting.Fault{Path: "…", Value: "…", Problem: fmt.Sprintf("and %d more, mend these first", more)})
	}
	for i, f := range faults {
		faults[i] = setting.Fault{Path: printable(f.Path), Value: printable(f.Value), Problem: printable(f.Problem)}
		if f.Value == "" {
			faults[i].Value = `""`
		}
	}
	return faults
}

// printable escapes what would move a terminal's cursor or break the line.
func printable(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	return fmt.Sprintf("%q", s)
}
