package group

import (
	"strings"

	"vswarden/event"
)

// kind says what a line is to the lines before it.
type kind uint8

const (
	plain    kind = iota // begins an event
	arrow                // "--> text" under a header of its own, or the + of ESXi 8
	headless             // no header at all
	part                 // part of a vCenter event
	fragment             // may be the rest of a line that was cut
)

// read finds what the stage needs to know of a decoded line.
func (it *Item) read() {
	e := &it.Event
	it.app = hashFold(e.Syslog.AppName)
	it.bytes, it.first, it.Last = len(e.Raw), it.Stamp, it.Pos
	it.cut = cutLength(len(e.Raw)) && e.Tags&event.TagTruncated == 0 // else we cut it, and its rest does not come
	switch {
	case !e.OnlyCommon() && e.VCEvent.Present && e.VCEvent.Parts > 1 && e.VCEvent.Parts <= maxParts && e.VCEvent.Part <= e.VCEvent.Parts && e.VCEvent.Part > 0:
		it.kind, it.total = part, e.VCEvent.Parts
	case e.Continued, strings.HasPrefix(e.Message, "-->"), e.Message == "" && it.app != 0:
		it.kind = arrow
	case withoutHeader(e):
		it.kind = headless
	case it.app != 0 && !opened(e):
		it.kind = fragment
	}
	if it.cut || it.kind == fragment {
		it.proc = hashFold(e.Syslog.ProcID)
	}
}

// opened reports text that begins as only the first piece of a line can begin.
func opened(e *event.Event) bool {
	return e.Vmkernel.Present || e.Logger != "" || e.Hostd.Thread != "" || e.Act != "" || !e.OnlyCommon() && (e.VOB.Present || e.VCEvent.Present)
}

// withoutHeader reports a line that has no header of any kind, and whose text says nothing that is
// told without one. Lines that begin with a stamp, a count or a brace begin something.
func withoutHeader(e *event.Event) bool {
	if e.Format != event.FormatRaw || e.Syslog.Priority >= 0 || e.Syslog.AppName != "" || e.Dataset != event.DatasetGeneric {
		return false
	}
	return e.Raw != "" && !begins(e.Raw)
}

// begins reports text that begins with a stamp, a count or a brace.
func begins(s string) bool {
	if s[0] == '{' || s[0] == '<' {
		return true
	}
	n := 0
	for n < len(s) && s[n]-'0' <= 9 {
		n++
	}
	if n == 0 {
		return monthDay(s)
	}
	rest := s[n:]
	switch {
	case strings.HasPrefix(rest, " <"): // octet count
		return true
	case n == 4 && strings.HasPrefix(rest, "-"), n == 4 && strings.HasPrefix(rest, "/"): // a date
		return true
	case n >= 9 && (rest == "" || rest[0] == '.' || rest[0] == ',' || rest[0] == ' '): // seconds since 1970
		return true
	}
	return n <= 4 && len(rest) > 3 && rest[0] == ':' && rest[1]-'0' <= 9 && rest[2]-'0' <= 9 // a time of day, an uptime
}

// monthDay reports "Jun 29 …" or "Jun  9 …".
func monthDay(s string) bool {
	if len(s) < 6 || s[3] != ' ' || !strings.Contains("JanFebMarAprMayJunJulAugSepOctNovDec", s[:3]) {
		return false
	}
	return s[4] == ' ' && s[5]-'0' <= 9 || s[4]-'0' <= 9 && (s[5] == ' ' || s[5]-'0' <= 9)
}

// grows reports which lines may be joined to this one: those of its program, and those without a
// header on its connection.
func (it *Item) grows() (forApp, forConn bool) {
	e := &it.Event
	forConn = it.Stream && it.kind != headless
	switch {
	case it.kind == part, it.kind == arrow, it.cut && it.app != 0:
		return true, forConn
	case it.app == 0, e.Vmkernel.Present, !e.OnlyCommon() && e.VOB.Present:
		return e.Format == event.FormatFileESXi8 && it.app != 0, forConn
	}
	return e.Hostd.Present || e.Dataset != event.DatasetGeneric, forConn
}
