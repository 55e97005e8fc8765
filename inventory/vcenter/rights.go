package vcenter

import (
	"cmp"
	"slices"
)

// Right is one thing the user is not allowed, or the server cannot do.
type Right struct {
	What      string // property or call: VirtualMachine config.hardware.device, FetchDVPorts
	Privilege string // what would give it, as far as known
	Lost      string // what does not resolve without it
	Count     int    // how often it was met in the last full read, or since
	Why       string // what the server said: NoPermission, NotSupported
}

// rights collects what is missing. Feeder.mu guards it.
type rights struct{ met map[string]*Right }

// maxRights bounds how many different ones are kept.
const maxRights = 256

func (r *rights) add(right Right) {
	if r.met == nil {
		r.met = map[string]*Right{}
	}
	old := r.met[right.What]
	switch {
	case old != nil:
		old.Count++
		old.Why = right.Why
	case len(r.met) < maxRights:
		right.Count = 1
		r.met[right.What] = &right
	}
}

func (r *rights) list() (all []Right) {
	for _, x := range r.met {
		all = append(all, *x)
	}
	slices.SortFunc(all, func(a, b Right) int { return cmp.Compare(a.What, b.What) })
	return all
}

// missing notes a right that is missing.
func (f *Feeder) missing(what, privilege, lost, why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rights.add(Right{What: what, Privilege: privilege, Lost: lost, Why: why})
}

// granted forgets that a right was missing.
func (f *Feeder) granted(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.rights.met, what)
}

// recount forgets the properties that were missing: they are met again if they still are.
func (f *Feeder) recount() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for what := range f.rights.met {
		if isProperty(what) {
			delete(f.rights.met, what)
		}
	}
}

func isProperty(what string) bool {
	for _, k := range kinds {
		if len(what) > len(k.name) && what[:len(k.name)] == k.name && what[len(k.name)] == ' ' {
			return true
		}
	}
	return false
}

// lostWithout says what does not resolve without a property.
func lostWithout(kind, path string) string {
	switch kind + " " + path {
	case "VirtualMachine config.hardware.device":
		return "a port's VM and adapter: MAC addresses and portgroups are not known"
	case "VirtualMachine runtime.host", "VirtualMachine runtime.powerState":
		return "which host a VM runs on: no port of it is told to be the VM's"
	case "VirtualMachine name":
		return "a VM by the name in a line"
	case "HostSystem config.network":
		return "ports of standard switches, addresses of the host and policy of its portgroups"
	case "DistributedVirtualPortgroup config", "DistributedVirtualSwitch config":
		return "policy and VLANs of distributed portgroups"
	}
	return "this field stays empty, or as it was last known"
}
