package inventory

import (
	"maps"
	"net/netip"
	"slices"
)

// finder finds the hosts that the statements of an import mean: by what the index knows, and by what the statements
// before told. It costs as much as a statement has keys, where a new index costs as much as there are hosts.
type finder struct {
	index // names and addrs only; lists are shared with the index in use, and so replaced, never changed
}

func newFinder(ix *index) *finder {
	f := &finder{index{names: map[string][]*HostTable{}, addrs: map[netip.Addr][]*HostTable{}}}
	maps.Copy(f.names, ix.names)
	maps.Copy(f.addrs, ix.addrs)
	return f
}

// replace finds h by its facts of now, no longer by those of before.
func (f *finder) replace(h *HostTable, before *Host) {
	h.keys(before, func(name string, h *HostTable) {
		f.names[name] = without(f.names[name], h)
	}, func(a netip.Addr, h *HostTable) {
		f.addrs[a] = without(f.addrs[a], h)
	})
	if h.Gone() != 0 {
		return
	}
	h.keys(h.Facts(), func(name string, h *HostTable) {
		f.names[name] = with(f.names[name], h)
	}, func(a netip.Addr, h *HostTable) {
		f.addrs[a] = with(f.addrs[a], h)
	})
}

// with returns list with h at its place.
func with(list []*HostTable, h *HostTable) []*HostTable {
	i, found := slices.BinarySearchFunc(list, h, better)
	if found {
		return list
	}
	return slices.Insert(slices.Clip(list), i, h)
}

// without returns list less h.
func without(list []*HostTable, h *HostTable) []*HostTable {
	i, found := slices.BinarySearchFunc(list, h, better)
	switch {
	case !found:
		return list
	case len(list) == 1:
		return nil
	}
	return slices.Delete(slices.Clone(list), i, i+1)
}
