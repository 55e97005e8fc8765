package event

// Hostd is the header inside lines of hostd, vpxa and their kin:
// info hostd[2099655] [Originator@6876 sub=Vimsvc.ha-eventmgr opID=… sid=… user=…] text.
// Its level is Event.Level, its sub Event.Logger, its user Event.User.
type Hostd struct {
	Present   bool
	Thread    string  // process.thread.id: decimal, or hexadecimal up to 6.5, as written
	OpID      string  // vmware.op_id: joins what vCenter, vpxa, hostd and vmkernel do for one request
	SessionID string  // vmware.session_id
	EventID   string  // event.sequence of "Event 285 : …": the number hostd counts its events by
	Task      string  // haTask--vim.host.NetworkSystem.updatePortGroup-134
	Method    string  // vim.host.NetworkSystem.updatePortGroup
	Result    Outcome // how a task ended
	Text      string  // what follows the header and "Event 285 : "
}
