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
// full and with their original unless a sink says otherwise. The VOBs of network and security are
// added per event, since their dataset holds the others too.
func SecurityDataset(d Dataset) bool {
	switch d {
	case DatasetL2Sec, DatasetNetPort, DatasetAuth, DatasetShell, DatasetAudit, DatasetLogLoss,
		DatasetVCAudit, DatasetPosture, DatasetPolicy, DatasetAlert, DatasetPromisc:
		return true
	}
	return false
}

// security reports whether e is about security: its dataset as a whole, or this event of it.
func (e *Event) security() bool { return SecurityDataset(e.Dataset) }

// module is event.module: by ECS convention the first part of the dataset's name.
func (d Dataset) module() string {
	m, _, _ := strings.Cut(string(d), ".")
	return m
}
