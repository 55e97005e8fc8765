package inventory

import (
	"fmt"
	"slices"
	"testing"
)

// TestCalledFindsAllInOrder holds the residents found by a name against a look at each of them.
func TestCalledFindsAllInOrder(t *testing.T) {
	v := &hostView{found: new(found)}
	for i := range 200 {
		vm := &VM{Name: fmt.Sprintf("vm-%d", i%50)}
		if i%7 == 0 {
			vm.past = &vmPast{names: []nameSpan{{name: "vm-3"}}}
		}
		e := &vmEntry{}
		e.cur.Store(vm)
		v.residents = append(v.residents, residence{vm: e, name: vm.Name})
	}
	for _, name := range []string{"vm-0", "vm-3", "vm-49", "vm-50", ""} {
		var want, got []*residence
		for i := range v.residents {
			if r := &v.residents[i]; r.name == name || r.vm.cur.Load().past != nil {
				want = append(want, r)
			}
		}
		v.called(name, func(r *residence) { got = append(got, r) })
		if !slices.Equal(got, want) {
			t.Errorf("%q: %d residents, want %d", name, len(got), len(want))
		}
	}
}
