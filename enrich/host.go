package enrich

import (
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"vswarden/event"
	"vswarden/inventory"
	"vswarden/inventory/resolve"
)

// host is what is kept of one host of the inventory. Several senders can be one host, and one relay can send the lines of
// many.
type host struct {
	table    *inventory.HostTable
	rendered atomic.Pointer[renderedHost]

	mu       sync.Mutex
	outcomes outcomes
	memos    map[memoKey]*memo
	last     *memo // the one that was needed last, and mostly is needed again
	scopes   scopes
}

// scopes are how many machines are seen from ports of a host's portgroups, as of one version of the inventory.
type scopes struct {
	version uint64
	of      map[scopeKey]int
}

// scopeKey is all of a place that its scope depends on.
type scopeKey struct {
	kind      inventory.SwitchKind
	portgroup *inventory.Portgroup
}

// maxScopes bounds what is kept of one host.
const maxScopes = 256

// exposure returns how many machines a port of self sees there in promiscuous mode; below 0: not known. To count them means
// to look at every machine of the host, so it is done once for a portgroup as long as nothing changes.
func (h *host) exposure(version uint64, w *inventory.Where, self *inventory.VM) int {
	k := scopeKey{w.Kind, w.Portgroup}
	h.mu.Lock()
	seen, known := h.scopes.of[k]
	known = known && h.scopes.version == version
	h.mu.Unlock()
	if !known {
		x := h.table.Scope(w)
		if seen = x.VMs; !x.Known {
			seen = -1
		}
		h.mu.Lock()
		if h.scopes.version != version || len(h.scopes.of) >= maxScopes || h.scopes.of == nil {
			h.scopes.version, h.scopes.of = version, map[scopeKey]int{}
		}
		h.scopes.of[k] = seen
		h.mu.Unlock()
	}
	if seen < 0 {
		return seen
	}
	return seen - h.table.InScope(w, self)
}

// renderedHost is a host's facts with what was rendered from them.
type renderedHost struct {
	facts  *inventory.Host
	vc     inventory.VCenter
	joined *event.JoinedHost
	pktcap bool // it has pktcap-uw
}

// hosts are those that sent lines.
type hosts struct {
	mu sync.RWMutex
	of map[*inventory.HostTable]*host
}

// get returns what is kept of a host. Memory: a host that is dropped for want of room begins anew.
func (hs *hosts) get(t *inventory.HostTable) *host {
	hs.mu.RLock()
	h := hs.of[t]
	hs.mu.RUnlock()
	if h != nil {
		return h
	}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if h = hs.of[t]; h != nil {
		return h
	}
	if len(hs.of) >= maxSenders {
		clear(hs.of)
	}
	h = &host{table: t, memos: map[memoKey]*memo{}}
	hs.of[t] = h
	return h
}

// untrusted counts the hosts whose port table is not believed without a name.
func (hs *hosts) untrusted() (n int) {
	hs.mu.RLock()
	defer hs.mu.RUnlock()
	for _, h := range hs.of {
		h.mu.Lock()
		if h.outcomes.untrusted() {
			n++
		}
		h.mu.Unlock()
	}
	return n
}

// render returns a host's facts rendered, and whether its name is now another one for the first time.
func (n *Enricher) render(h *host, facts *inventory.Host) (j *event.JoinedHost, renamed bool) {
	vc := n.inv.VCenter(h.table.Ref().VC)
	old := h.rendered.Load()
	if old != nil && old.facts == facts && old.vc == vc {
		return old.joined, false
	}
	fresh := &renderedHost{facts, vc, event.NewJoinedHost(n.hostFacts(h.table)), resolve.HasPktcap(facts.Version)}
	if !h.rendered.CompareAndSwap(old, fresh) { // somebody else was first, and tells of a new name
		return fresh.joined, false
	}
	return fresh.joined, old != nil && old.joined.Name() != fresh.joined.Name()
}

// hostFacts returns what is known of a host in the words of events.
func (n *Enricher) hostFacts(h *inventory.HostTable) *event.HostFacts {
	f := h.Facts()
	out := &event.HostFacts{
		Name: f.Name, UUID: f.UUID.String(), Version: f.Version, Build: f.Build, Maintenance: f.Maintenance,
		Addresses: append([]netip.Addr(nil), f.Addresses...), Datacenter: event.NamedFact{Name: f.Datacenter.Name, ID: f.Datacenter.ID},
		Cluster: event.NamedFact{Name: f.Cluster.Name, ID: f.Cluster.ID},
	}
	if _, err := netip.ParseAddr(f.Name); err != nil {
		out.ShortName, _, _ = strings.Cut(f.Name, ".")
	}
	for i := range f.Kernel {
		out.Addresses = append(out.Addresses, f.Kernel[i].Addresses...)
	}
	if h.Ref().VC != 0 {
		vc := n.inv.VCenter(h.Ref().VC)
		out.MOID = h.Ref().ID
		out.VCenter, out.VCenterVersion = event.NamedFact{Name: vc.Name, ID: vc.Instance.String()}, vc.Version
	}
	return out
}
