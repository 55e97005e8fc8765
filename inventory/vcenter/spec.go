package vcenter

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"
)

// kind is one type of objects we follow, with the properties we read. All are readable with the role Read-only.
type kind struct {
	name  string
	paths []string
}

// kinds is the whole of what is read. A base type stands for all types made from it.
var kinds = [...]kind{
	{"VirtualMachine", []string{
		"name", "parent", "parentVApp", "resourcePool", "runtime.host", "runtime.powerState", "runtime.bootTime", "config.guestId", "config.uuid",
		"config.instanceUuid", "config.files.vmPathName", "config.hardware.device", "guest.hostName", "guest.net", "customValue",
	}},
	{"HostSystem", []string{
		"name", "parent", "runtime.connectionState", "runtime.bootTime", "runtime.inMaintenanceMode", "hardware.systemInfo.uuid",
		"config.product", "config.network",
	}},
	{"DistributedVirtualPortgroup", []string{"name", "config"}},
	{"DistributedVirtualSwitch", []string{"name", "uuid", "config", "capability"}},
	{"ComputeResource", []string{"name", "parent"}},
	{"Datacenter", []string{"name", "parent"}},
	{"Folder", []string{"name", "parent"}},
	{"ResourcePool", []string{"name", "parent"}},
}

// class is what we make of a type of objects.
type class uint8

const (
	classNode class = iota // only its name and place
	classVM
	classHost
	classPortgroup
	classSwitch
	classFields // the definitions of custom attributes
	classCount
)

// String returns the class as people call it.
func (c class) String() string {
	return [...]string{"folders and pools", "VMs", "hosts", "portgroups", "switches", "custom attributes"}[c%classCount]
}

func classOf(typ string) class {
	switch typ {
	case "VirtualMachine":
		return classVM
	case "HostSystem":
		return classHost
	case "DistributedVirtualPortgroup":
		return classPortgroup
	case "DistributedVirtualSwitch", "VmwareDistributedVirtualSwitch":
		return classSwitch
	case "CustomFieldsManager":
		return classFields
	}
	return classNode
}

// pathsOf returns the properties read of objects of that class.
func pathsOf(c class) []string {
	switch c {
	case classVM:
		return kinds[0].paths
	case classHost:
		return kinds[1].paths
	case classPortgroup:
		return kinds[2].paths
	case classSwitch:
		return kinds[3].paths
	case classFields:
		return []string{"field"}
	}
	return kinds[4].paths
}

// kindNames are the types a view shows.
func kindNames() (names []string) {
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// propertySpec is what a filter reads.
func propertySpec(fields bool) (specs []types.PropertySpec) {
	for _, k := range kinds {
		specs = append(specs, types.PropertySpec{Type: k.name, PathSet: slices.Clone(k.paths)})
	}
	if fields {
		specs = append(specs, types.PropertySpec{Type: "CustomFieldsManager", PathSet: []string{"field"}})
	}
	return specs
}
