package inventory

import (
	"cmp"
	"hash/maphash"
	"slices"
	"sync/atomic"
)

// found is what lookups have worked out about one view of a host: who runs there and which portgroups there are, by name. A line may name a client that
// nobody is, and again and again another one: to see that must not cost a look at every machine (BenchmarkNamed).
type found struct {
	names  atomic.Pointer[residentNames]
	groups atomic.Pointer[map[string]*Portgroup]
}

// portgroup returns the host's own portgroup of that name, or nil.
func (v *hostView) portgroup(name string) *Portgroup {
	if groups := v.found.groups.Load(); groups != nil {
		return (*groups)[name]
	}
	groups := make(map[string]*Portgroup, len(v.host.Portgroups))
	for i := range v.host.Portgroups {
		if p := &v.host.Portgroups[i]; groups[p.Name] == nil {
			groups[p.Name] = p
		}
	}
	v.found.groups.Store(&groups)
	return groups[name]
}

// residentNames are the residents of a view by the hash of their name.
type residentNames struct {
	seed  maphash.Seed
	byKey []residentName // by hash, then by place
	// renamed are those that may also be meant by a name they bore before, in order.
	renamed []int32
}

type residentName struct {
	hash  uint32
	index int32 // in residents
}

// names returns the residents of v by name.
func (v *hostView) names() *residentNames {
	if n := v.found.names.Load(); n != nil {
		return n
	}
	n := &residentNames{seed: maphash.MakeSeed(), byKey: make([]residentName, len(v.residents))}
	for i := range v.residents {
		r := &v.residents[i]
		n.byKey[i] = residentName{n.hash(r.name), int32(i)}
		if vm := r.vm.cur.Load(); vm.past != nil && (len(vm.past.names) > 0 || vm.Name != r.name) {
			n.renamed = append(n.renamed, int32(i))
		}
	}
	slices.SortFunc(n.byKey, func(a, b residentName) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.index, b.index))
	})
	v.found.names.Store(n)
	return n
}

func (n *residentNames) hash(name string) uint32 { return uint32(maphash.String(n.seed, name)) }

// called calls f with every resident that a name may mean, in their order.
func (v *hostView) called(name string, f func(*residence)) {
	n := v.names()
	hash := n.hash(name)
	lo, hi := 0, len(n.byKey)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if n.byKey[mid].hash < hash {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	renamed := n.renamed
	for ; lo < len(n.byKey) && n.byKey[lo].hash == hash; lo++ {
		i := n.byKey[lo].index
		for len(renamed) > 0 && renamed[0] < i {
			f(&v.residents[renamed[0]])
			renamed = renamed[1:]
		}
		if len(renamed) > 0 && renamed[0] == i {
			renamed = renamed[1:]
		}
		f(&v.residents[i])
	}
	for _, i := range renamed {
		f(&v.residents[i])
	}
}
