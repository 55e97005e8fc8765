// Package group makes one event of the lines that belong together, links the lines that tell one
// happening twice and marks floods. It stands between decode and enrich, one Stage to a lane.
//
// What it does to a line depends on the lines of the same sender and on the log's time alone: a
// second pass over the same records groups the same. Time is the receive stamp of the records (of
// files, the time of the lines); no clock is read. A line may join a group as long as its stamp is
// not later than Wait after the group's last line; so a group whose time is over may be given away
// as soon as no record can come that is older, and when that is makes no difference to what is in
// it.
//
// Events of one sender leave in the order of their first lines. A security line never waits: it
// ends what is open of its sender, so that nothing it follows is overtaken. What would have
// continued a group that was ended so is an event of its own and names the event that it continues.
//
// What is held is bounded: in lines, bytes and time for a group, in lines and bytes for a sender,
// in the number of senders.
package group

import (
	"net/netip"
	"time"

	"vswarden/decode"
	"vswarden/event"
)

// Options bounds a Stage. The zero value holds nothing: lines are linked and marked, not grouped.
type Options struct {
	// Wait is how much later than the last line of a group the next one may come. 0 groups nothing.
	Wait time.Duration
	// MaxLines and MaxBytes bound one group; a longer one is continued in another event.
	MaxLines, MaxBytes int
	// Senders is how many senders have a state; the one silent for longest goes first.
	Senders int
	// Patient lets a group stay open over the security lines of its sender, which then follow it:
	// of use where nobody waits for them, in files.
	Patient bool
	// Done is the place up to which lines are done: they are read again for their neighbours' sake, and
	// Stage.Lines does not count them.
	Done uint64
}

// Bounds that are not settings.
const (
	maxQueue     = 512     // events of one sender that wait, in order
	maxSendBytes = 4 << 20 // bytes of them
	maxOpen      = 16      // groups of one sender that may still grow
	maxParts     = 256     // parts of one vCenter event
	longWaits    = 10      // a group lasts no longer than that many times Wait
	linuxWait    = int64(time.Second)
)

// Item is an event to be: one line, and the lines that were joined to it. The caller gets an empty
// one from Stage.New, fills what is exported and hands it to Stage.Add.
type Item struct {
	line              // first: its beginning is of use to every line (TestItem)
	Event event.Event // decoded
	spare
}

// line is what an Item knows of its line beside the event.
type line struct {
	attachment

	// Pos is the line's place in the log; Last that of the last line that was joined to it.
	Pos, Last uint64
	Stamp     int64 // Unix nanoseconds, as the log's time goes
	Options   decode.Options
	Base      event.Tags // marks it has whatever the decoder finds
	Past      bool       // done long ago: for its neighbours' sake, like what lies up to Options.Done
	Sender    *Sender

	sort   uint64 // FloodKey of the line, once
	sorted bool   // it is known

	first int64 // stamp of the first line
	bytes int
	total uint16 // parts of the vCenter event

	tags   event.Tags // those the stage gives
	sameAs event.ID
	after  event.ID // the event it continues
	reason event.LinuxReason
	bridge string // the port of which it became, and its number
	port   uint32
	seen   [maxParts / 64]uint64
}

// spare is the memory of an Item that the next line in it uses again.
type spare struct {
	own    []byte // copy of the frame that Event.Raw was
	more   []byte // frames and texts of what was joined
	pieces []piece
	whole  []byte // one frame made of all, for the decoder
	frames []byte // all frames, an LF between two
}

// attachment is what every line that follows looks at, to see whether it goes on where this one ended: one cache
// line of the many that an Item takes (TestItem).
type attachment struct {
	Conn     netip.AddrPort
	app      uint64 // hash of the program's name, small letters; 0 = none
	proc     uint64 // hash of its process, of a line that was cut or may be the rest of one
	deadline int64
	Stream   bool // of a stream of lines: one without a header may follow on the same connection
	kind     kind
	open     bool
	queued   bool
	forApp   bool // lines of its program may follow
	forConn  bool // lines without a header may
	promisc  bool // waits for the line of its bridge port
	cut      bool // as long as ESXi sends: the rest may follow
}

// piece is a line that was joined: where it stands in Item.more.
type piece struct {
	raw, text, end int    // more[raw:text] is the frame, more[text:end] what it adds to the message
	pos            uint64 // its place in the log
	part           uint16 // of a vCenter event
	glue           bool   // it goes on where the line before was cut
}

// Lines is how many lines it holds.
func (it *Item) Lines() int { return 1 + len(it.pieces) }

// JoinedAfter counts the joined lines that lie behind a place in the log; none of what is past, with which
// nothing is joined that is not.
func (it *Item) JoinedAfter(pos uint64) (n uint64) {
	if it.Past {
		return 0
	}
	for i := range it.pieces {
		if it.pieces[i].pos > pos {
			n++
		}
	}
	return n
}

// due counts its lines that lie behind a place in the log.
func (it *Item) due(pos uint64) int {
	if it.Pos > pos && !it.Past {
		return it.Lines()
	}
	return int(it.JoinedAfter(pos))
}

// Frames is all that was received for it, as bytes: the frame, or all frames with an LF between.
func (it *Item) Frames() []byte {
	if len(it.frames) > 0 {
		return it.frames
	}
	return []byte(it.Event.Raw)
}

// Owned reports whether its strings live in the item itself and not in the buffer it was read from.
func (it *Item) Owned() bool { return len(it.own) > 0 || len(it.whole) > 0 }
