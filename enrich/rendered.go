package enrich

import (
	"cmp"
	"net/netip"
	"sync"

	"vswarden/event"
	"vswarden/inventory"
	"vswarden/inventory/resolve"
)

// What a port is joined with is rendered in parts, each kept under what it depends on: the machine, the place, the policy, the
// hints. So a line of a client or a port that was never seen before is put together of parts that others had rendered
// before it. Of a line itself only a requested address is in a key. What a key points to is never changed, so neither is what was rendered from it.

// Bounds of what is kept of each part. Of machines there are as many as a large estate has, of which each takes a kilobyte. A
// place holds on to all switches and portgroups of its host as they were then, and there are fewer of them.
const (
	maxRendered = 1 << 14
	maxPlaces   = 1 << 12
)

// ports keeps the parts.
type ports struct {
	vms      cache[vmKey, renderedVM]
	places   cache[placeKey, event.JoinedPlace]
	policies cache[policyKey, event.JoinedPolicy]
	hints    cache[hintKey, event.JoinedHints]
	owners   cache[ownerKey, event.JoinedMAC]
}

// vmKey is all that a rendered VM depends on, but for its vCenter.
type vmKey struct {
	vm      *inventory.VM
	nic     int32
	mac     inventory.MAC // of a port whose adapter is not known
	name    string        // of the VM, then
	address netip.Addr    // its first one, then
}

// renderedVM is a VM with the vCenter it was rendered for.
type renderedVM struct {
	vc     inventory.VCenter
	joined *event.JoinedVM
}

// placeKey is all that a rendered place depends on.
type placeKey struct {
	kind                      inventory.SwitchKind
	sw                        *inventory.Switch
	portgroup                 *inventory.Portgroup
	switchName, portgroupName string
}

// policyKey is all that a rendered policy depends on.
type policyKey struct {
	policy  inventory.Effective
	version string // of the portgroup
}

// cache keeps what was rendered, under what it was rendered from. A full one begins anew.
type cache[K comparable, V any] struct {
	mu   sync.RWMutex
	of   map[K]*V
	most int // 0 = maxRendered
}

func (c *cache[K, V]) get(k *K) *V {
	c.mu.RLock()
	v := c.of[*k]
	c.mu.RUnlock()
	return v
}

// keep keeps v and returns it.
func (c *cache[K, V]) keep(k *K, v *V) *V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil || len(c.of) >= cmp.Or(c.most, maxRendered) {
		c.of = map[K]*V{}
	}
	c.of[*k] = v
	return v
}

// vm returns a VM rendered, or nil where neither it nor an adapter is known.
func (n *Enricher) renderedVM(k *vmKey) *event.JoinedVM {
	var vc inventory.VCenter
	switch {
	case k.vm != nil:
		vc = n.inv.VCenter(k.vm.Ref.VC)
	case k.mac == (inventory.MAC{}):
		return nil
	}
	r := n.ports.vms.get(k)
	if r == nil || r.vc != vc {
		r = n.ports.vms.keep(k, &renderedVM{vc, renderVM(k, &vc)})
	}
	return r.joined
}

// scratch is the memory that one line after another uses.
type scratch struct {
	resolve.Resolver
	ports []event.JoinedPort
}

// port returns an empty port. They are made by the dozen: one is needed for each line whose answer is not kept.
func (s *scratch) port() *event.JoinedPort {
	if len(s.ports) == 0 {
		s.ports = make([]event.JoinedPort, 32)
	}
	p := &s.ports[0]
	s.ports = s.ports[1:]
	return p
}
