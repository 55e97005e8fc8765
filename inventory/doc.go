// Package inventory remembers who held which virtual switch port, and since when.
//
// It holds own compact copies of what vCenter, hosts, log lines and imported tool output say:
// hosts, virtual machines, their network adapters, switches, portgroups and their policy. Port
// bindings, names, residence, portgroups, policy and the first guest address are intervals; all
// else is known as it is now only.
//
// Writers (a feeder per source) call Apply, Reported and Down; they share one mutex. Readers take no lock:
// each host's tables stand behind an atomic pointer and are replaced, never changed, and the
// indexes over all hosts are rebuilt at most once a second.
//
// The package promises never to name today's holder for yesterday's line. It does not weigh
// evidence (package resolve does), knows no log line and no event, and speaks to no server.
package inventory
