package event

import "strings"

// AllDatasets lists every dataset of schema version 1, for metrics and for checking filters.
var AllDatasets = [...]Dataset{
	DatasetL2Sec, DatasetNetPort, DatasetVOB, DatasetAuth, DatasetShell, DatasetAudit,
	DatasetHostd, DatasetVpxa, DatasetVmkernel, DatasetLogLoss, DatasetSystem,
	DatasetVCEvent, DatasetVCAudit, DatasetPosture, DatasetPolicy, DatasetAlert,
	DatasetPromisc, DatasetBridge, DatasetGeneric,
}

// SecurityDataset reports whether every event of d is about security. Such events are written in
// full and with their original unless a sink says otherwise. The VOBs of network and security, and
// what vCenter says about policies, are added per event: their datasets hold the others too.
func SecurityDataset(d Dataset) bool {
	const esxi = "vmware.esxi."
	if len(d) > len(esxi) && d[:len(esxi)] == esxi { // nearly all: what is so short is compared without a call
		const others = 1<<('h'-'a') | 1<<('v'-'a') // hostd, vpxa, vmkernel and vob, which is told by one bit for all
		if others>>(d[len(esxi)]-'a')&1 != 0 {
			return false
		}
		switch d[len(esxi):] {
		case "l2sec", "netport", "auth", "shell", "audit", "logloss":
			return true
		}
		return false
	}
	switch d {
	case DatasetVCAudit, DatasetPosture, DatasetPolicy, DatasetAlert, DatasetPromisc:
		return true
	}
	return false
}

// Security reports whether e is about security: its dataset as a whole, or this event of it.
func (e *Event) Security() bool { return e.security() }

// security reports whether e is about security: its dataset as a whole, or this event of it.
func (e *Event) security() bool {
	return SecurityDataset(e.Dataset) || !e.common && (e.VOB.Security() || e.VCEvent.Present && e.Act.guards())
}

// guards reports whether an act changes what a virtual switch or vCenter allows.
func (a Act) guards() bool {
	switch a {
	case ActSwitchPolicy, ActSwitchChanged, ActPortBlocked, ActPortUnblocked, ActMACChanged, ActMACConflict, ActPassthru,
		ActPermission, ActRole:
		return true
	}
	return false
}

// module is event.module: by ECS convention the first part of the dataset's name.
func (d Dataset) module() string {
	if i := strings.IndexByte(string(d), '.'); i >= 0 {
		return string(d[:i])
	}
	return string(d)
}
