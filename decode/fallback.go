package decode

import (
	"strings"
	"time"

	"gopkg.in/mcuadros/go-syslog.v2/format"

	"vswarden/event"
)

// The parsers of go-syslog serve what is left: lines of senders that are not ESXi, after our own
// shapes have failed. They allocate, may panic, and copy what they find; what they find counts only
// where it is found again in the line. They are never asked about a stamp: they take 31 February,
// and where they find none they use the clock.

// fallback asks go-syslog about a line with a <PRI> but without a stamp of ours, or with version and
// stamp but without the fields of RFC 5424.
func fallback(e *event.Event, h head) {
	switch {
	case h.untagged:
		foreign(e, &format.RFC5424{}, "app_name", "proc_id", "message")
	case h.format == event.FormatRaw && e.Syslog.Priority >= 0 && e.Syslog.AppName == "":
		foreign(e, &format.RFC3164{}, "tag", "", "content")
	}
}

// foreign takes program, process and message from what a parser of go-syslog makes of e.Raw.
func foreign(e *event.Event, f format.Format, app, proc, message string) {
	parts, ok := parseForeign(f, e.Raw)
	if !ok {
		return
	}
	name := within(e.Message, text(parts[app]))
	if name == "" {
		return
	}
	e.Syslog.AppName = name
	e.Syslog.ProcID = nilEmpty(within(e.Message, text(parts[proc])))
	mark(e, event.TagParsePartial, reasonFields)
	if msg := text(parts[message]); msg == "" {
		e.Message = ""
	} else if msg = within(e.Message, msg); msg != "" {
		e.Message = msg
	}
}

// parseForeign runs a parser that may panic.
func parseForeign(f format.Format, raw string) (parts format.LogParts, ok bool) {
	defer func() {
		if recover() != nil {
			parts, ok = nil, false
		}
	}()
	p := f.GetParser([]byte(raw))
	p.Location(time.UTC)
	if p.Parse() != nil {
		return nil, false
	}
	return p.Dump(), true
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// within returns the part of s that equals part, so that it lives as long as s.
func within(s, part string) string {
	if part == "" {
		return ""
	}
	i := strings.Index(s, part)
	if i < 0 {
		return ""
	}
	return s[i : i+len(part)]
}
