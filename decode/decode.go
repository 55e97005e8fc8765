// Package decode turns the text of one frame into the fields of an event.Event: header, time, host,
// program, message, and what a program's own decoder finds.
//
// It promises three things. It never fails: what it does not understand stays in Message, with tags
// and a reason. It keeps nothing and shares nothing: every function depends on its arguments alone,
// so that a mended decoder replays history. And it allocates nothing for the shapes ESXi writes:
// every string it sets is a substring of Event.Raw or a constant.
//
// It knows one line at a time. What needs the neighbouring lines (continuations, repeats) is the
// business of group, and who a port belongs to is that of enrich.
package decode

import (
	"strings"
	"time"

	"vswarden/event"
)

// Options is what a frame's listener or the command line says about its lines.
type Options struct {
	// Location is the time zone of stamps that name none, as BSD stamps do; nil is UTC.
	Location *time.Location
	// Year is the year of BSD stamps. 0 takes the year that lies nearest to Event.Received, or 1970
	// where that is not known either.
	Year int
	// File says that the lines come from a file. A line without a usable stamp then has the time
	// source none instead of received, and a line that names no host has none.
	File bool
}

// maxSkew is how far a line's own time and its receive time may lie apart before it is tagged.
const maxSkew = 5 * time.Minute

// kindPipelineError is event.kind of a record in which nothing could be parsed.
const kindPipelineError = "pipeline_error"

// Why not more was understood (Event.Reason).
const (
	reasonEmpty     = "empty frame"
	reasonNoHeader  = "no syslog header"
	reasonPriority  = "priority is not a number from 0 to 191"
	reasonTimestamp = "timestamp cannot be read"
	reasonSD        = "structured data does not follow RFC 5424"
	reasonFields    = "fields of RFC 5424 are missing"
	reasonL2Sec     = "L2Sec text is not in the catalogue"
	reasonL2SecPart = "L2Sec text is cut short or malformed"
)

// Line fills e from e.Raw. It reads e.Received, e.Receiver.Peer and the tags that are set already,
// and expects everything else as Event.Reset leaves it. o may be nil.
func Line(e *event.Event, o *Options) {
	if o == nil {
		o = &Options{}
	}
	h := header(e, o)
	if h.untagged || h.format == event.FormatRaw {
		fallback(e, h)
	}
	decodeProgram(e, h)
	settleTime(e, o)
	settleHost(e, o)
	if !e.ScanRaw() {
		e.Tags |= event.TagNotUTF8
	}
}

// settleTime gives e a time where the line had none, and compares the two clocks where it had one.
func settleTime(e *event.Event, o *Options) {
	switch {
	case e.TimeSource == event.TimeHeader:
		if r := e.Received; r != 0 && (e.Time < r-int64(maxSkew) || e.Time > r+int64(maxSkew)) {
			e.Tags |= event.TagClockSkew
		}
	case o.File:
		e.TimeSource = event.TimeNone
	default:
		e.Time, e.TimeDigits = e.Received, 9
	}
}

// settleHost names the host: the header's word, else the address the frame came from. The address
// is the one string that is neither in Raw nor a constant; lines without a host are rare.
func settleHost(e *event.Event, o *Options) {
	e.Host = strings.TrimSuffix(e.Syslog.Hostname, ".") // the root's dot is no part of a name
	if e.Host == "" && !o.File && e.Receiver.Peer.IsValid() {
		e.Host = e.Receiver.Peer.Addr().Unmap().WithZone("").String()
	}
}

// mark adds a tag and its reason. The first reason stays: it is nearest to the beginning of the line.
func mark(e *event.Event, tag event.Tags, reason string) {
	e.Tags |= tag
	if e.Reason == "" {
		e.Reason = reason
	}
}
