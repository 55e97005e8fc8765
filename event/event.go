// Package event holds what vswarden knows about one line and writes it as JSON.
//
// An Event is filled by decode and enrich and written by AppendJSON. It is made
// to be reused: a lane keeps one Event, calls Reset and fills it again. Every
// string that came from the sender is a substring of Raw, so decoding allocates
// nothing; whoever keeps such a string longer than the record lives clones it.
//
// The package knows the names of fields (Elastic Common Schema, vmware.*) and
// their levels of detail. It does not know sockets, files or vSphere. It uses
// the standard library only.
package event

import "net/netip"

// Dataset says which voice of the estate a line belongs to (event.dataset).
type Dataset string

// The datasets of schema version 1.
const (
	DatasetL2Sec    Dataset = "vmware.esxi.l2sec"
	DatasetNetPort  Dataset = "vmware.esxi.netport"
	DatasetVOB      Dataset = "vmware.esxi.vob"
	DatasetAuth     Dataset = "vmware.esxi.auth"
	DatasetShell    Dataset = "vmware.esxi.shell"
	DatasetAudit    Dataset = "vmware.esxi.audit"
	DatasetHostd    Dataset = "vmware.esxi.hostd"
	DatasetVpxa     Dataset = "vmware.esxi.vpxa"
	DatasetVmkernel Dataset = "vmware.esxi.vmkernel"
	DatasetLogLoss  Dataset = "vmware.esxi.logloss"
	DatasetSystem   Dataset = "vmware.esxi.system"
	DatasetVCEvent  Dataset = "vmware.vcenter.event"
	DatasetVCAudit  Dataset = "vmware.vcenter.audit"
	DatasetPosture  Dataset = "vmware.posture"
	DatasetPolicy   Dataset = "vmware.policy_change"
	DatasetAlert    Dataset = "vswarden.alert"
	DatasetPromisc  Dataset = "linux.promiscuous"
	DatasetBridge   Dataset = "linux.bridge"
	DatasetGeneric  Dataset = "syslog.generic"
)

// Format names the header shape that matched (vmware.receiver.format).
type Format string

// The closed list of header shapes.
const (
	FormatRFC5424    Format = "rfc5424"     // <PRI>1 TS HOST APP PROCID MSGID SD MSG
	FormatHybrid     Format = "hybrid"      // <PRI>1 TS HOST Prog: msg
	FormatRFC3164ISO Format = "rfc3164_iso" // <PRI>2014-12-10T19:23:45.733Z host Prog: msg
	FormatRFC3164BSD Format = "rfc3164_bsd" // <PRI>Mmm dd hh:mm:ss host Prog: msg
	FormatNoPRI      Format = "no_pri"      // a header without <PRI>
	FormatRelay      Format = "relay"       // a header inside a header
	FormatFileISO    Format = "file_iso"    // 2022-04-19T17:46:38.933Z cpu0:262261)…
	FormatFileESXi8  Format = "file_esxi8"  // 2025-…Z In(182) vmkernel: …
	FormatUptime     Format = "uptime"      // 7:21:06:14.107 cpu10:202157)…
	FormatRaw        Format = "raw"         // none of these
)

// TimeSource says where Event.Time comes from (vmware.receiver.time_source).
type TimeSource string

// The sources of a time.
const (
	TimeHeader   TimeSource = ""         // the line's own stamp; the usual case, not written
	TimeReceived TimeSource = "received" // the line has none: when we received it
	TimePrevious TimeSource = "previous" // decode of a file: the line before
	TimeNone     TimeSource = "none"     // decode of a file: nothing to go by
)

// Tags is the set of marks an event carries (tags).
type Tags uint32

// The marks. Each is also counted in vswarden_tags_total.
const (
	TagParsePartial Tags = 1 << iota // some of the line was not understood; it is in message
	TagTruncated                     // longer than the receiver's max_frame
	TagUnknownL2Sec                  // an L2Sec_ text that is not in the catalogue
	TagClockSkew                     // the line's stamp and its receive time differ by more than 5 min
	TagNoHeader                      // no syslog header found
	TagBadPriority                   // <PRI> above 191 or not a number
	TagBadTimestamp                  // a stamp was expected and could not be read (NoneZ, a GUID, 31 June)
	TagBadSD                         // structured data that does not follow RFC 5424
	TagNotUTF8                       // bytes that are not UTF-8
	TagPolicyDrift
	TagHostRenamed
	TagFlood
	TagReplay
	TagForeign      // came by a raw topic without a word on how it was received: not from vswarden
	TagIncomplete   // parts of it did not come
	TagHostConflict // the sender's verified name or address and its header mean different hosts
	tagsEnd         // one past the last; a tag that is added here gets its name in TagNames
)

// FloodLimit is how many events of one sort a sender may send in a minute: those after it are tagged _flood, and
// summed up.
const FloodLimit = 20

// Event is one line and what is known about it. The zero value is empty. Its fields are those of Common and Rare: what most
// lines have stands together, apart from what few have, so that a line which is as most are costs neither time nor cache
// lines for the rest. Read them as fields; of an event that was Reset, write those of Rare through Rarely alone.
type Event struct {
	Common
	Rare

	common  bool    // nothing is in Rare that counts: Reset says so, Rarely empties it and takes it back
	printed printed // what AppendJSON printed last; Reset leaves it
}

// Common is what most lines have.
type Common struct {
	ID       ID
	Received int64 // receive time, Unix nanoseconds; 0 = unknown (decode), event.created is absent
	Time     int64 // @timestamp, Unix nanoseconds
	// TimeText is the line's own stamp when it can be written as it stands: RFC 3339, UTC with
	// "Z", 3 to 9 fractional digits. Empty: @timestamp is printed from Time with TimeDigits.
	TimeText   string
	TimeDigits uint8 // fractional digits the line had, 0–9; at least 3 are written
	TimeSource TimeSource

	Raw   string // the frame, exactly
	clean string // a beginning of Raw in which nothing has to be escaped (ScanRaw)
	marks marks  // what has to be, behind it

	Receiver Receiver
	Format   Format
	Tags     Tags
	Dataset  Dataset
	Kind     string // event.kind; empty = event
	Reason   string // why not more was understood (error.message); constant text

	Syslog  Syslog
	Level   string // log.level when the program states one; empty = the severity's name
	Logger  string // log.logger
	Message string // text without header, SD and vmkernel prefix
	Host    string // host.name

	Vmkernel Vmkernel
	Hostd    Hostd

	Act     Act      // what was done, or tried
	User    User     // who did it, or tried to
	Source  Endpoint // from where
	Login   Login
	Secrets Secrets

	Continued bool // the line says that it continues the one before: the + of ESXi 8
	SameAs    ID   // the event that told the same first; zero = none
	Merged    Merged

	Joined Joined // what was found in memory about all that

	Report *Report // of events of our own about virtual switches; else nil
}

// Rare is what few lines have.
type Rare struct {
	L2Sec   L2Sec
	NetPort NetPort
	VOB     VOB

	Target      User   // to whose account it was done
	Group       string // to which group
	Destination Endpoint

	Command Command
	Loss    LogLoss
	VCEvent VCEvent
	Linux   Linux
	Access  Access
	Alert   Alert
}

// Rarely returns what few lines have, to be written. What is written past it into an event that was Reset is in no JSON,
// of this event or of a later one, and fails in the tests under the race detector (Reset).
func (e *Event) Rarely() *Rare {
	if e.common {
		e.Rare, e.common = Rare{}, false
	}
	return &e.Rare
}

// OnlyCommon reports an event that was Reset and has nothing of Rare; whoever asks it first need not look there. False
// says nothing.
func (e *Event) OnlyCommon() bool { return e.common }

// Receiver is how the frame came to us (vmware.receiver).
type Receiver struct {
	Peer          netip.AddrPort // invalid: unknown
	Transport     string         // udp tcp tls file
	Framing       string         // datagram lf crlf nul octet_counting file
	TLSPeer       string         // verified name of the client certificate
	Relay         string         // the relay whose header was taken off, or whose PROXY header was believed
	Authenticated bool           // client certificate verified
}

// Syslog is the header as received (log.syslog).
type Syslog struct {
	Priority       int16 // 0–191; -1 = none
	Version        uint8 // 1 for RFC 5424 and hybrid, else 0
	Hostname       string
	AppName        string
	ProcID         string
	MsgID          string
	StructuredData string
}

// Vmkernel is the prefix of a vmkernel line: cpu14:1559738 opID=936118c3).
type Vmkernel struct {
	Present bool
	HasCPU  bool   // CPU and World are set
	CPU     uint32 // processor that ran
	World   uint64 // world that ran: evidence, not the VM's identity
	OpID    string
	Uptime  string // 7:21:06:14.107, as ESX 3 and 4 print it, or 9127.5
	NIC     string // vmnic6, where the line is about its link
}

// Reset empties e for the next record and keeps nothing of the last one. What few lines have is emptied after those few
// (BenchmarkReset).
func (e *Event) Reset() {
	switch {
	case !e.common:
		e.Rare, e.common = Rare{}, true
	case raceEnabled && e.Rare != (Rare{}):
		panic("event: a field of Rare was written past Rarely")
	}
	e.Common = Common{}
	e.Syslog.Priority = -1
}
