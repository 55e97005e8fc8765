package configs

import (
	"encoding"
	"reflect"
	"slices"
	"strings"
)

// key is one key of a section: a field of the struct, or of one embedded inline.
type key struct {
	name  string
	index []int // for reflect.Value.FieldByIndex
	typ   reflect.Type
}

// keys returns the keys of a struct in the order of its fields. A field without a yaml tag is not
// a setting.
func keys(t reflect.Type) (all []key) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("yaml")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case !tagged || name == "-" || !f.IsExported():
		case slices.Contains(strings.Split(options, ","), "inline"):
			for _, k := range keys(f.Type) {
				all = append(all, key{name: k.name, index: append([]int{i}, k.index...), typ: k.typ})
			}
		default:
			all = append(all, key{name: name, index: []int{i}, typ: f.Type})
		}
	}
	return all
}

// isSection reports a struct that is written as keys and values, not as one word.
func isSection(t reflect.Type) bool { return t.Kind() == reflect.Struct && !isText(t) }

// isText reports a type that reads itself from one word.
func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// suggest returns what was probably meant by an unknown key of section t: a key with nearly the
// same name, or the same key one section further down (path instead of file.path).
func suggest(name string, all []key) string {
	names := keyNames(all)
	for _, k := range all {
		if plain(k.name) == plain(name) {
			return k.name
		}
	}
	for _, k := range all {
		if !isSection(k.typ) {
			continue
		}
		for _, below := range keys(k.typ) {
			names = append(names, k.name+"."+below.name)
			if plain(below.name) == plain(name) {
				return k.name + "." + below.name
			}
		}
	}
	return nearest(name, names)
}

func keyNames(all []key) []string {
	names := make([]string, len(all))
	for i, k := range all {
		names[i] = k.name
	}
	return names
}
