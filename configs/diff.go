package configs

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// fixedListenerKeys are those of a listener that do not change while it runs.
var fixedListenerKeys = []string{"name", "address", "receive_buffer", "timezone"}

// NeedRestart returns the paths of the settings that differ in next and cannot be changed while
// running. Filters, detections and most of a listener can: they are left out.
func (c Config) NeedRestart(next Config) []string {
	var paths []string
	for _, p := range diff("", reflect.ValueOf(c), reflect.ValueOf(next)) {
		if strings.HasPrefix(p, "sinks[") && strings.Contains(p, "].filter.") {
			continue
		}
		if strings.HasPrefix(p, "detections.") {
			continue
		}
		if strings.HasPrefix(p, "listeners[") && !slices.Contains(fixedListenerKeys, p[strings.LastIndexByte(p, '.')+1:]) {
			continue
		}
		paths = append(paths, p)
	}
	return paths
}

// diff returns the paths of the settings in which a and b differ. Lists of other length differ as
// a whole.
func diff(path string, a, b reflect.Value) (paths []string) {
	t := a.Type()
	switch {
	case isSection(t):
		for _, k := range keys(t) {
			paths = append(paths, diff(join(path, k.name), a.FieldByIndex(k.index), b.FieldByIndex(k.index))...)
		}
	case t.Kind() == reflect.Slice && isSection(t.Elem()) && a.Len() == b.Len():
		for i := range a.Len() {
			paths = append(paths, diff(fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i))...)
		}
	case t.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0: // nil or not
	case !reflect.DeepEqual(a.Interface(), b.Interface()):
		paths = append(paths, path)
	}
	return paths
}
