package vcenter

import (
	"slices"
	"strings"

	"vswarden/inventory"
)

// node is a folder, datacenter, cluster or resource pool.
type node struct{ kind, name, parent string }

// tree is where things stand: what the inventory keeps as names is made from it.
type tree struct {
	nodes  map[string]node
	vms    map[string]vmPlace
	hosts  map[string]string // host → its compute resource
	fields map[int32]string  // names of custom attributes
	// private is the private VLANs of each switch, by secondary VLAN.
	private map[string]map[uint16]private
	paths   map[string]string // worked out since the last change
	moved   bool              // a node changed since the names were made
}

// vmPlace is where a VM stands.
type vmPlace struct{ parent, vapp, pool string }

func (t *tree) reset() {
	t.nodes, t.vms, t.hosts, t.fields = map[string]node{}, map[string]vmPlace{}, map[string]string{}, map[int32]string{}
	t.private, t.paths = map[string]map[uint16]private{}, map[string]string{}
}

// maxDepth bounds walks up a tree that a server could send as a circle.
const maxDepth = 64

// up calls visit with id and all above it, until visit returns false.
func (t *tree) up(id string, visit func(id string, n node) bool) {
	for range maxDepth {
		n, ok := t.nodes[id]
		if !ok || !visit(id, n) {
			return
		}
		id = n.parent
	}
}

// path returns the names from the root down to id, each after a slash: /DC1/vm/Prod/Web. The root itself has none.
func (t *tree) path(id string) string {
	if p, ok := t.paths[id]; ok {
		return p
	}
	var names []string
	t.up(id, func(_ string, n node) bool {
		if _, below := t.nodes[n.parent]; (below || n.kind != "Folder") && n.name != "" {
			names = append(names, n.name)
		}
		return true
	})
	var b strings.Builder
	for _, name := range slices.Backward(names) {
		b.WriteByte('/')
		b.WriteString(name)
	}
	t.paths[id] = b.String()
	return t.paths[id]
}

// put sets a node.
func (t *tree) put(id string, n node) {
	t.nodes[id], t.moved = n, true
	clear(t.paths)
}

// drop takes a node out.
func (t *tree) drop(id string) {
	delete(t.nodes, id)
	clear(t.paths)
}

// place returns the nearest node of one of these kinds at id or above.
func (t *tree) place(id string, kinds ...string) (p inventory.Place) {
	t.up(id, func(id string, n node) bool {
		if slices.Contains(kinds, n.kind) {
			p = inventory.Place{ID: id, Name: n.name}
			return false
		}
		return true
	})
	return p
}

// hostPlaces returns the cluster and datacenter of a host.
func (t *tree) hostPlaces(id string) (cluster, datacenter inventory.Place) {
	parent := t.hosts[id]
	if n := t.nodes[parent]; n.kind == "ClusterComputeResource" {
		cluster = inventory.Place{ID: parent, Name: n.name}
	}
	return cluster, t.place(parent, "Datacenter")
}

// vmPlaces returns the folder and the resource pool of a VM.
func (t *tree) vmPlaces(id string) (folder, pool string) {
	p := t.vms[id]
	parent := p.parent
	if parent == "" {
		parent = p.vapp
	}
	return t.path(parent), t.nodes[p.pool].name
}
