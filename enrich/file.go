package enrich

import "vswarden/event"

// transportFile is what receiver.File is in events.
const transportFile = "file"

// ofFile reports whether a line is of a file that was given to a replay. Nobody sent it: whoever gave the file vouches
// that it is of the host that its lines name. By how much that host's clock differed nobody has measured, and what other
// lines show of it holds for their time: so it never counts as settled.
func ofFile(e *event.Event) bool {
	return !e.Receiver.Peer.IsValid() && e.Receiver.Transport == transportFile
}

// headerOf returns the host that a line names; for a line of a file that names none, the one that the file is of.
func headerOf(e *event.Event) string {
	if e.Syslog.Hostname == "" && ofFile(e) {
		return e.Host
	}
	return e.Syslog.Hostname
}
