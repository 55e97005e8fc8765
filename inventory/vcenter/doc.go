// Package vcenter feeds package inventory from vCenter servers and from ESXi hosts that are asked directly. It is the
// only importer of govmomi.
//
// A Feeder keeps one session, one view of the whole inventory and one property filter, and lets the server push every
// change. Beside it run, over the same session, the tail of the event log (who did what), the ports of
// distributed switches, which are not pushed, and tags. Live asks hosts for their own port tables, where that is turned on.
//
// The package promises never to take silence for news: what a server no longer shows is gone only when the server says
// that it is, a right that is lost is counted under its name, and what was known stays. It only ever reads. It knows no
// log line and no event of ours.
package vcenter
