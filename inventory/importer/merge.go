package importer

import (
	"cmp"
	"errors"
	"strings"

	"vswarden/inventory"
)

// ErrHost says that a text does not name the host it is about.
var ErrHost = errors.New("the text does not say which host it is of: name it with --host")

// Merge joins what several texts of one moment say into one statement for each host. host and at win over what
// the texts say; a text that names no moment is of now. Ports, worlds and addresses join: one list names the
// VM, another its world, a third its port.
func Merge(parts []Part, host string, at, now inventory.Stamp) ([]inventory.Statement, error) {
	type key struct {
		name string
		at   inventory.Stamp
	}
	var list []*inventory.Statement
	byName := map[key]*inventory.Statement{}
	for i := range parts {
		p := &parts[i]
		name := cmp.Or(host, p.Host.Name)
		if name == "" {
			return nil, ErrHost
		}
		k := key{strings.ToLower(name), cmp.Or(at, p.At, now)}
		st := byName[k]
		if st == nil {
			st = &inventory.Statement{At: k.at}
			st.Host.Name = name
			byName[k] = st
			list = append(list, st)
		}
		mergePart(st, p)
	}
	statements := make([]inventory.Statement, len(list))
	for i, st := range list {
		nameRows(st)
		statements[i] = *st
	}
	return statements, nil
}

// mergePart adds what one text says.
func mergePart(st *inventory.Statement, p *Part) {
	st.WholePorts = st.WholePorts || p.WholePorts
	st.WholeVMs = st.WholeVMs || p.WholeVMs
	h := &p.Host
	for _, k := range h.Kernel {
		mergeKernel(&st.Host, k)
	}
	for _, u := range h.Uplinks {
		mergeUplink(&st.Host, u)
	}
	st.Host.Addresses = append(st.Host.Addresses, h.Addresses...)
	st.Host.Switches = append(st.Host.Switches, h.Switches...)
	st.Host.Portgroups = append(st.Host.Portgroups, h.Portgroups...)
	st.Host.Cluster.Name = cmp.Or(st.Host.Cluster.Name, h.Cluster.Name)
	st.Host.Datacenter.Name = cmp.Or(st.Host.Datacenter.Name, h.Datacenter.Name)
	st.Host.Version, st.Host.Build = cmp.Or(st.Host.Version, h.Version), cmp.Or(st.Host.Build, h.Build)
	if h.UUID != (inventory.UUID{}) {
		st.Host.UUID = h.UUID
	}
	st.Rows = append(st.Rows, p.Rows...)
	st.VMs = append(st.VMs, p.VMs...)
}

func mergeKernel(h *inventory.Host, k inventory.VMKernel) {
	for i := range h.Kernel {
		if old := &h.Kernel[i]; old.Device == k.Device {
			old.Addresses = append(old.Addresses, k.Addresses...)
			if k.Port != 0 {
				k.Addresses = old.Addresses
				*old = k
			}
			return
		}
	}
	h.Kernel = append(h.Kernel, k)
}

func mergeUplink(h *inventory.Host, u inventory.Uplink) {
	for i := range h.Uplinks {
		if h.Uplinks[i].Device == u.Device {
			return
		}
	}
	h.Uplinks = append(h.Uplinks, u)
}

// nameRows joins the rows of one port, gives rows the VM whose world they have and VMs the world that a row of
// theirs has, and rows the name that another row with their address has.
func nameRows(st *inventory.Statement) {
	byPort := map[uint32]int{}
	kept := st.Rows[:0]
	for _, r := range st.Rows {
		i, ok := byPort[r.Port]
		if !ok {
			byPort[r.Port] = len(kept)
			kept = append(kept, r)
			continue
		}
		mergeRow(&kept[i], &r)
	}
	st.Rows = kept
	byWorld := map[uint64]string{}
	for i := range st.VMs {
		if vm := &st.VMs[i]; vm.World != 0 {
			byWorld[vm.World] = vm.Name
		}
	}
	byMAC := map[inventory.MAC]string{}
	for i := range st.Rows {
		if r := &st.Rows[i]; r.VM != "" && r.MAC != (inventory.MAC{}) {
			byMAC[r.MAC] = r.VM
		}
	}
	for i := range st.VMs {
		for j := range st.VMs[i].NICs {
			byMAC[st.VMs[i].NICs[j].MAC] = st.VMs[i].Name
		}
	}
	for i := range st.Rows {
		r := &st.Rows[i]
		if r.Kind != inventory.KindVM {
			continue
		}
		if r.VM == "" && r.World != 0 {
			r.VM = byWorld[r.World]
		}
		if r.VM == "" && r.MAC != (inventory.MAC{}) {
			r.VM = byMAC[r.MAC]
		}
	}
}

// mergeRow adds to r what o says of the same port.
func mergeRow(r, o *inventory.Row) {
	if r.Kind == inventory.KindUnknown {
		r.Kind = o.Kind
	}
	r.Client, r.VM, r.Device = cmp.Or(r.Client, o.Client), cmp.Or(r.VM, o.VM), cmp.Or(r.Device, o.Device)
	if r.World == 0 {
		r.World = o.World
	}
	if r.MAC == (inventory.MAC{}) {
		r.MAC = o.MAC
	}
	// A name says more than DvsPortset-N, and than a moid.
	if r.Net.Switch == "" || strings.HasPrefix(r.Net.Switch, "DvsPortset-") {
		r.Net.Switch = cmp.Or(o.Net.Switch, r.Net.Switch)
	}
	if r.Net.Portgroup == "" || strings.HasPrefix(r.Net.Portgroup, "dvportgroup-") {
		r.Net.Portgroup = cmp.Or(o.Net.Portgroup, r.Net.Portgroup)
	}
	r.Net.DVPort = cmp.Or(r.Net.DVPort, o.Net.DVPort)
	if r.Net.Enforced == (inventory.Flags{}) {
		r.Net.Enforced = o.Net.Enforced
	}
}
